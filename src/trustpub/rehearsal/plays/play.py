# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a rehearsal must know of a CI: who publishes there, what a job of it sees, and who is nearly that job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trustpub.rehearsal.emulated.issuer import Issuer, Workload
from trustpub.rehearsal.impostors import Impostor, Outcome
from trustpub.secret import Secret

Clock = Callable[[], float]
"""Unix time."""
Watch = Callable[[Secret], None]
"""Is told every identity token that is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person says about who publishes; None: it is to be found out."""

    repository: str | None = None
    """Or project path, as the CI has it."""
    workflow: str | None = None
    """The file that publishes."""
    environment: str | None = None
    service_account: str | None = None
    """E-mail address."""


class Play(Protocol):
    """A job of one CI, about to publish. Its issuer listens."""

    @property
    def issuer(self) -> Issuer:
        """Who vouches for the job."""

    @property
    def identity(self) -> Workload:
        """The job."""

    @property
    def fields(self) -> Mapping[str, str]:
        """Of the publisher that means this job and no other."""

    def variables(self, audience: str) -> Mapping[str, str]:
        """What the CI adds to the environment of a step, as far as anybody who publishes looks at it."""

    def impostors(self, audience: str) -> Sequence[Impostor | Outcome]:
        """Identities of this CI that are nearly the job's; what holds for any CI is not among them."""


class Script(Protocol):
    """The publishing job of a project, as far as its files and a person say. Nothing runs yet."""

    @property
    def kind(self) -> str:
        """Of the provider."""

    @property
    def ci(self) -> str:
        """Its name, for people."""

    @property
    def told(self) -> str:
        """Who publishes, in a line; printable."""

    @property
    def notes(self) -> Sequence[str]:
        """What a rehearsal cannot show, or had to assume; printable."""

    @property
    def commands(self) -> Sequence[str]:
        """Shell lines of the job and of those before it."""

    def tag(self, version: str) -> str:
        """The name of a tag that starts the job, for ``version``."""

    def begin(self, version: str, sha: str, *, clock: Clock, watch: Watch | None) -> Play:
        """The job that releases ``version`` from commit ``sha``. Whoever calls this closes its issuer."""
