# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which CI we are in. The list is closed: a new CI is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from trustpub.ci import github, gitlab, google
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.secret import Secret


class Job(Protocol):
    """A running job that can say who it is."""

    @property
    def name(self) -> str:
        """Of the CI, for people."""

    @property
    def renews(self) -> bool:
        """Whether a fresh identity token can be asked for again later in the same job."""

    @property
    def fixed_audience(self) -> str | None:
        """The one audience of every token, where the CI lets nobody choose; None where it does.

        Whoever gets such a token can show it to everybody else who takes that audience, so it is shown only when the
        person publishing said so.
        """

    def identity_token(self, http: Http, audience: str) -> Secret:
        """An identity token for ``audience`` and nobody else; a fresh one wherever the CI makes more than one.

        Raises:
            NoIdentity: the CI gives none.
            Unreachable: the CI cannot be asked.
        """


# A CI that says who it is goes before the machine it runs on: a runner of GitLab's may well stand on one of Google's.
DETECTORS: tuple[tuple[str, Callable[[Mapping[str, str]], Job | None]], ...] = (
    (f"{github.RECOGNISED_BY}=true (GitHub Actions)", github.detect),
    (f"{gitlab.RECOGNISED_BY}=true (GitLab CI)", gitlab.detect),
    (f"{google.ACCOUNT} or a machine of Google's (Google Cloud)", google.detect),
)
"""What each looks for, in words, and the detector; the first that recognises its CI decides, even by failing."""


def detect(env: Mapping[str, str]) -> Job:
    """The job we are in.

    Raises:
        NoIdentity: no CI is recognised, or one is and has no identity to give.
    """
    for _, detector in DETECTORS:
        job = detector(env)
        if job is not None:
            return job
    sought = ", ".join(what for what, _ in DETECTORS)
    raise NoIdentity(
        f"There is no CI job here that could say who publishes. Looked for: {sought}.",
        hint="In GitHub Actions, run this in a job with `permissions: id-token: write`; in GitLab CI, in a job with "
        "`id_tokens:`. Elsewhere, give the identity token of your CI with --identity-token FILE. "
        "On your own machine, `trustpub rehearse` plays the whole release without publishing it.",
    )
