# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""ActiveState's builder, played: the step ``pypi_publisher`` of a build script.

There the exchange happens on the platform's side, where no CI's environment is, so no client can be started in its
place: this is the platform, with our own exchange and upload. What it does beyond PyPI's documentation of the three
arguments is not documented.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from trustpub.addresses import is_loopback
from trustpub.client.exchange import Listener
from trustpub.client.files import Distribution
from trustpub.client.indexes import Index, resolve
from trustpub.client.publish import Wishes, publish
from trustpub.errors import Misuse, TrustpubError
from trustpub.http import Http
from trustpub.printable import printable
from trustpub.rehearsal.emulated.activestate import ActiveStateIssuer, Artifact
from trustpub.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiPublisher:
    """The step, as a build script writes it."""

    attempt: int = 1
    """The platform does a step once. To try again after a passing failure, one counts this up."""
    audience: str = ""
    """Of the identity token; blank: the one that the index asks for."""
    pypi_uri: str = ""
    """The index, by host or by URL; blank: PyPI."""

    @property
    def index(self) -> Index:
        """The index that is meant.

        Raises:
            Misuse: the address cannot be one.
        """
        uri = self.pypi_uri.strip()
        if not uri:
            return resolve("pypi")
        return resolve(uri if "://" in uri else f"https://{uri}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the step ends with."""

    index: str
    """Where the files are."""
    filenames: tuple[str, ...]


def same(index: Index) -> Index:
    """The index itself."""
    return index


class Builder:
    """The platform, at work for one artifact."""

    def __init__(
        self, platform: ActiveStateIssuer, artifact: Artifact, http: Http, *, stand_in: Callable[[Index], Index] = same
    ) -> None:
        """``stand_in`` says which index plays the one that a step names, so that a step may name PyPI."""
        self.name = "ActiveState"
        self._platform = platform
        self._artifact = artifact
        self._http = http
        self._stand_in = stand_in
        self._done: dict[PypiPublisher, Receipt | TrustpubError] = {}

    def run(self, step: PypiPublisher, distributions: Sequence[Distribution]) -> Receipt:
        """Publish ``distributions``, or say once more how this very step ended.

        Raises:
            Misuse: the index is not on this machine, and nothing plays it: no rehearsal goes to a real one.
            TrustpubError: it was not published; the same error until ``attempt`` is another.
        """
        if step not in self._done:
            try:
                self._done[step] = self._publish(step, distributions)
            except TrustpubError as error:
                self._done[step] = error
        ended = self._done[step]
        if isinstance(ended, TrustpubError):
            raise ended
        return ended

    def _publish(self, step: PypiPublisher, distributions: Sequence[Distribution]) -> Receipt:
        index = self._stand_in(step.index)
        if not is_loopback(urlsplit(index.origin).hostname or ""):
            raise Misuse(
                f"A rehearsal publishes to no index but one on this machine, and not to {printable(index.origin)}."
            )
        # What is built anew is another artifact, and so has another token: no `jti` tells two of one second apart.
        own = uuid.uuid5(uuid.UUID(self._artifact.artifact_id), str(step.attempt))
        built = replace(self._artifact, artifact_id=str(own))
        job = _Step(platform=self._platform, artifact=built, audience=step.audience)
        publish(self._http, index, job, distributions, _Silent(), wishes=Wishes(look=False))
        return Receipt(index=index.origin, filenames=tuple(one.filename for one in distributions))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A :class:`trustpub.ci.detection.Job` that the platform itself vouches for."""

    platform: ActiveStateIssuer
    artifact: Artifact
    audience: str
    name: str = "ActiveState"
    renews: bool = True
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """For the audience that the script names, whatever the index asks for; else for that."""
        return self.platform.give(self.artifact, self.audience or audience)


class _Silent(Listener):
    """Nobody reads a builder's log here."""

    def mask(self, secret: Secret) -> None:
        pass

    def step(self, text: str) -> None:
        pass

    def uploaded(self, distribution: Distribution) -> None:
        pass

    def warning(self, text: str) -> None:
        pass
