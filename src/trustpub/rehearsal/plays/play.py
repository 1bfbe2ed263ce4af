# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a rehearsal must know of a CI: who publishes there, what a job of it sees, and who is nearly that job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trustpub.http import Http
from trustpub.rehearsal.emulated.issuer import Issuer, Workload
from trustpub.rehearsal.impostors import Impostor, Outcome
from trustpub.secret import Secret
from trustpub.trust.publishers import Rules

Clock = Callable[[], float]
"""Unix time."""
Watch = Callable[[Secret], None]
"""Is told every identity token that is made."""
Platform = Callable[[Http, str, Sequence[str]], None]
"""Publishes files, by path, to the index at a URL."""
RELEASE_TAGS = "refs/tags/"
"""What the ref of a release begins with, where nothing says that it comes from a branch."""


def from_tags() -> Rules:
    """That a run is for a tag, and for no branch."""
    return Rules(ref=f"{RELEASE_TAGS}*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person says about who publishes; None: it is to be found out."""

    repository: str | None = None
    """Or project path, as the CI has it."""
    workflow: str | None = None
    """The file that publishes."""
    environment: str | None = None
    service_account: str | None = None
    """E-mail address on Google Cloud; ``namespace/name`` on Kubernetes."""


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

    @property
    def rules(self) -> Rules:
        """What the publisher asks of a run, beside who it is."""

    @property
    def shared_audience(self) -> str | None:
        """Of every token of this CI, whoever it is shown to; None where a job chooses the audience."""

    @property
    def programs(self) -> Mapping[str, str]:
        """Programs that the CI puts on the path of a job, as scripts by name."""

    @property
    def platform(self) -> Platform | None:
        """Who publishes in the place of any client, where the exchange is on the CI's own side."""

    def files(self, audience: str) -> Mapping[str, Secret]:
        """Identity tokens that the CI puts into files, by the variable that names the file."""

    def variables(self, audience: str) -> Mapping[str, str]:
        """What the CI adds to the environment of a step, as far as anybody who publishes looks at it."""

    def impostors(self, audience: str) -> Sequence[Impostor | Outcome]:
        """Identities of this CI that are nearly the job's; what holds for any CI is not among them."""


class Plain:
    """What most CIs are: a job chooses the audience, finds no programs and no files, and any run of it may publish."""

    __slots__ = ()

    @property
    def rules(self) -> Rules:
        """None."""
        return Rules()

    @property
    def shared_audience(self) -> str | None:
        """None: a job chooses."""
        return None

    @property
    def programs(self) -> Mapping[str, str]:
        """None."""
        return {}

    @property
    def platform(self) -> Platform | None:
        """None: a client publishes."""
        return None

    def files(self, audience: str) -> Mapping[str, Secret]:
        """None."""
        return {}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedScript:
    """The publishing job of a CI whose files are not read."""

    kind: str
    ci: str
    who: str
    """Who publishes, in a line; printable."""
    start: Callable[[str, str, Clock, Watch | None], Play]
    """From the name of a tag and a commit to the job. Whoever calls it closes its issuer."""
    doubts: Sequence[str] = ()
    """What had to be assumed beside the job itself; printable."""
    commands: Sequence[str] = ()

    @property
    def told(self) -> str:
        """Who publishes, and that nothing was read."""
        return f"{self.who}, as {self.ci} would vouch for it"

    @property
    def notes(self) -> Sequence[str]:
        """That a job was assumed, and what else."""
        return (f"no file of {self.ci} is read; a job that publishes from a tag was assumed", *self.doubts)

    def tag(self, version: str) -> str:
        """As most name them."""
        return f"v{version}"

    def begin(self, version: str, sha: str, *, clock: Clock, watch: Watch | None) -> Play:
        """The job that releases ``version`` from its tag."""
        return self.start(self.tag(version), sha, clock, watch)
