# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which CI we are in. The list is closed: a new CI is a file beside this one and a line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

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
        person publishing said so. Then it is asked for by this name, and by no other: see :meth:`identity_token`.
        """

    def identity_token(self, http: Http, audience: str) -> Secret:
        """An identity token for ``audience`` and nobody else; a fresh one wherever the CI makes more than one.

        A job with a :attr:`fixed_audience` gives a token only to who asks for that very audience.

        Raises:
            NoIdentity: the CI gives none.
            Unreachable: the CI cannot be asked.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A CI that can be recognised."""

    module: str
    """Of this package, with a function ``detect``. Loaded only where one of ``signs`` is there, since a job waits."""
    looks_for: str
    """In words."""
    signs: tuple[str, ...]
    """Names of variables. Without any of them the job is not one of this CI. Empty: only the module can tell."""


# A CI that says who it is goes before the machine it runs on: a runner of GitLab's may well stand on one of Google's.
# Forgejo sets GitHub's variables beside its own. A file mounted in a pod for publishing says more than its machine.
KNOWN: tuple[Known, ...] = (
    Known(module="forgejo", looks_for="FORGEJO_ACTIONS=true (Forgejo Actions)", signs=("FORGEJO_ACTIONS",)),
    Known(module="github", looks_for="GITHUB_ACTIONS=true (GitHub Actions)", signs=("GITHUB_ACTIONS",)),
    Known(module="gitlab", looks_for="GITLAB_CI=true (GitLab CI)", signs=("GITLAB_CI",)),
    Known(module="circleci", looks_for="CIRCLECI=true (CircleCI)", signs=("CIRCLECI",)),
    Known(module="buildkite", looks_for="BUILDKITE=true (Buildkite)", signs=("BUILDKITE",)),
    Known(module="azure", looks_for="TF_BUILD=True (Azure Pipelines)", signs=("TF_BUILD",)),
    Known(
        module="bitbucket", looks_for="BITBUCKET_BUILD_NUMBER (Bitbucket Pipelines)", signs=("BITBUCKET_BUILD_NUMBER",)
    ),
    Known(module="semaphore", looks_for="SEMAPHORE=true (Semaphore)", signs=("SEMAPHORE",)),
    Known(module="jenkins", looks_for="JENKINS_URL (Jenkins)", signs=("JENKINS_URL",)),
    Known(
        module="kubernetes",
        looks_for="KUBERNETES_SERVICE_HOST and a projected token (Kubernetes)",
        signs=("KUBERNETES_SERVICE_HOST",),
    ),
    Known(
        module="google",
        looks_for="GOOGLE_SERVICE_ACCOUNT_NAME or a machine of Google's (Google Cloud)",
        signs=(),
    ),
)
"""In the order in which they are looked for; the first that recognises its CI decides, even by failing."""


def detect(env: Mapping[str, str]) -> Job:
    """The job we are in.

    Raises:
        NoIdentity: no CI is recognised, or one is and has no identity to give.
    """
    for one in KNOWN:
        if one.signs and not any(env.get(name) for name in one.signs):
            continue
        job = _detector(one.module)(env)
        if job is not None:
            return job
    sought = ", ".join(one.looks_for for one in KNOWN)
    raise NoIdentity(
        f"There is no CI job here that could say who publishes. Looked for: {sought}.",
        hint="In GitHub Actions, run this in a job with `permissions: id-token: write`; in GitLab CI, in a job with "
        "`id_tokens:`. Elsewhere, give the identity token of your CI with --identity-token FILE. "
        "On your own machine, `trustpub rehearse` plays the whole release without publishing it.",
    )


def _detector(module: str) -> Callable[[Mapping[str, str]], Job | None]:
    found: Callable[[Mapping[str, str]], Job | None] = importlib.import_module(f"trustpub.ci.{module}").detect
    return found
