# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A release: what is there already, identity, token, uploads side by side, token given back.

1. hashes, while the index is asked for its audience and for what it has: no token exists yet
2. what to send; what has other content on the index ends the release here
3. attestations, all of them before the first upload
4. a token, as soon as the first file needs it
5. uploads; the first failure that stays lets no other file begin
6. the token given back, however it ends
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from trustpub.ci.detection import Job
from trustpub.client import already
from trustpub.client.already import Page
from trustpub.client.attesting import Attestor, required, sign, went_on
from trustpub.client.beside import says_who, with_one
from trustpub.client.crew import Crew
from trustpub.client.exchange import Exchange, Listener
from trustpub.client.files import Distribution, digested
from trustpub.client.holding import Tokens
from trustpub.client.indexes import Index
from trustpub.client.plan import Step, plan
from trustpub.client.report import ON_THE_INDEX, Ledger, State
from trustpub.client.sending import Patience, Sender
from trustpub.client.together import Together
from trustpub.errors import Declined, PartlyPublished, TrustpubError, Unreachable
from trustpub.http import Http

JOBS = 8
"""Files that go up side by side."""


class Watcher(Listener, Protocol):
    """Who is told how a whole release goes. Called by several threads."""

    def uploaded(self, distribution: Distribution) -> None:
        """The index has this file."""

    def warning(self, text: str) -> None:
        """Something is not as it should be, and the release goes on."""


Signing: TypeAlias = "Callable[[Exchange], Attestor | None] | Attestor"
"""Who signs, or a function that says who, if anybody, once the index is known."""


class Movement(Protocol):
    """Who shows what is going on at this moment."""

    def sent(self, distribution: Distribution, taken: int) -> None:
        """So many bytes of the file are on their way. Called often, by several threads."""

    def tick(self) -> None:
        """Some time went by. Called by the thread that called :func:`publish`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What time it is."""

    now: Callable[[], float] = time.time
    """Unix time."""
    steady: Callable[[], float] = time.monotonic
    """Seconds since anything, by a clock that nobody sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a release is to go."""

    jobs: int = JOBS
    look: bool = True
    """Whether the index is asked what it has, so that nothing is sent twice. Afterwards it is asked in any case."""
    leave_different: bool = False
    """Whether a file is left alone that is on the index with another content, instead of ending the release."""
    attestations_required: bool = False
    """Whether nothing goes up without an attestation that says who published it."""
    shared_audience: str | None = None
    """See :class:`~trustpub.client.exchange.Exchange`."""
    clock: Clock = Clock()


def publish(
    http: Http,
    index: Index,
    job: Job,
    distributions: Sequence[Distribution],
    watcher: Watcher,
    *,
    attestor: Signing | None = None,
    wishes: Wishes = Wishes(),
    ledger: Ledger | None = None,
    movement: Movement | None = None,
) -> Ledger:
    """Have ``distributions``, with or without digests, on ``index``.

    Args:
        http: may be used by several threads.
        index: where to.
        job: who vouches for it.
        distributions: in the order to begin with them.
        watcher: is told all that happens.
        attestor: who signs what has no attestation yet; or a function that says who, once the index is known.
        wishes: how it is to go.
        ledger: where to write down what becomes of each file; it is right whenever the release ends, and however.
        movement: is told all the time.

    Returns:
        The ledger.

    Raises:
        PartlyPublished: some files are on the index, and one failed. Lists both.
        Declined: the index has a file of such a name with other content, or does not take one; nothing was published.
        TrustpubError: nothing was published; see :class:`~trustpub.client.exchange.Exchange`,
            :func:`~trustpub.client.upload.upload`.
    """
    written = Ledger() if ledger is None else ledger
    written.take(distributions)
    release = Release(http, index, job, watcher, wishes, written, movement)
    release.run(distributions, attestor)
    return written


class Release:
    """One run of :func:`publish`, step by step."""

    def __init__(
        self,
        http: Http,
        index: Index,
        job: Job,
        watcher: Watcher,
        wishes: Wishes,
        ledger: Ledger,
        movement: Movement | None,
    ) -> None:
        """Nothing is asked yet. The ledger has the files."""
        self._http = http
        self._index = index
        self._job = job
        self._watcher = watcher
        self._wishes = wishes
        self._ledger = ledger
        self._movement = movement or _Still()
        self.exchange = Exchange(http, index, job, watcher, shared_audience=wishes.shared_audience)

    def run(self, distributions: Sequence[Distribution], attestor: Signing | None) -> None:
        """All of it."""
        steps = self.to_send(distributions)
        if not steps:
            return
        if len(steps) > 1 and self.exchange.single_use and not self._job.renews:
            raise Declined(
                f"{self._index.origin} gives tokens for one file each, and {self._job.name} vouches for a job only "
                f"once: {len(steps)} files cannot be published by one job. Nothing was published.",
                hint="Publish each file in a job of its own.",
            )
        self._upload(self._attested(steps, attestor))

    def to_send(self, distributions: Sequence[Distribution]) -> Sequence[Step]:
        """What of them is not there yet, hashed. The ledger has the others.

        Raises:
            Declined: the index has a file of such a name with other content.
            TrustpubError: those of :meth:`trustpub.client.exchange.Exchange.audience`.
        """
        hashed: list[Distribution] = []
        pages: dict[str, Page] = {}

        def hash_all() -> None:
            hashed.extend(digested(one) for one in distributions)

        def look(project: str) -> None:
            pages[project] = already.look(self._http, self._index, project)

        projects = dict.fromkeys(one.project for one in distributions if self._wishes.look)
        looks = [lambda project=project: look(project) for project in projects]
        Crew([self._ask, hash_all, *looks]).done(self._movement.tick)
        self._ledger.take(hashed)
        for project, page in pages.items():
            if page.failed:
                self._watcher.warning(
                    f"What {self._index.origin} has of {project} is not known ({page.unread}); it will be seen when "
                    "the files go up."
                )
        planned = plan(hashed, pages)
        for one in planned.present:
            self._ledger.set(one, State.PRESENT)
            self._watcher.step(f"{one.filename} is on the index already, the same, and is not sent")
        for one in planned.different:
            self._ledger.set(one, State.DIFFERENT)
        if planned.different:
            self._different(planned.different)
        return planned.send

    def _ask(self) -> None:
        self.exchange.audience()

    def _different(self, distributions: Sequence[Distribution]) -> None:
        names = "\n".join(f"  {one.filename}" for one in distributions)
        if self._wishes.leave_different and self._index.name != "pypi":
            self._watcher.warning(
                f"{self._index.origin} has other files of these names, which are left alone:\n{names}"
            )
            return
        raise Declined(
            f"{self._index.origin} has files of these names with other contents, and nothing was published:\n{names}",
            hint="What is published cannot be changed. Build a new version; or publish the very files that are there.",
        )

    def _attested(self, steps: Sequence[Step], attestor: Signing | None) -> Sequence[Step]:
        unsigned = [step.distribution for step in steps if not says_who(step.distribution)]
        if not unsigned:
            return steps
        signer = attestor(self.exchange) if callable(attestor) else attestor
        if signer is None:
            if self._wishes.attestations_required:
                raise Declined(
                    "Attestations are required, nobody signs here, and there are none beside:\n"
                    + "\n".join(f"  {one.filename}" for one in unsigned)
                )
            return steps
        try:
            made = sign(signer, unsigned, tick=self._movement.tick)
            signed = {one.filename: with_one(one, made[one.filename]) for one in unsigned}
        except TrustpubError as error:
            if self._wishes.attestations_required:
                raise required(error) from None
            self._watcher.warning(went_on(error))
            return steps
        self._ledger.take(list(signed.values()))
        self._watcher.step(f"{len(signed)} signed as this job")
        return [replace(step, distribution=signed.get(step.distribution.filename, step.distribution)) for step in steps]

    def _upload(self, steps: Sequence[Step]) -> None:
        tokens, clock = self.tokens(), self._wishes.clock
        patience = Patience(clock.steady)
        sender = Sender(
            self._http,
            self._index,
            tokens,
            self._ledger,
            patience,
            sent=self._movement.sent,
            warn=self._watcher.warning,
            strip=not self._wishes.attestations_required,
        )
        up = Together(
            steps,
            sender,
            tokens,
            patience,
            ready=lambda count: self._http.prepare(self._index.upload_url, connections=count),
            uploaded=self._watcher.uploaded,
        )
        failures = up.run(self._wishes.jobs, self._movement.tick)
        if failures:
            raise self._failed(failures)

    def tokens(self) -> Tokens:
        """Those of this release; none is asked for yet."""
        return Tokens(
            self.exchange,
            self._watcher,
            job=self._job.name,
            renews=self._job.renews,
            origin=self._index.origin,
            now=self._wishes.clock.now,
            steady=self._wishes.clock.steady,
        )

    def _failed(self, failures: Sequence[TrustpubError]) -> TrustpubError:
        """One error for all of them; the gravest is that nobody knows what is on the index."""
        first = failures[0]
        up, unknown = self._ledger.among(*ON_THE_INDEX), self._ledger.among(State.UNKNOWN)
        messages = list(dict.fromkeys(failure.message for failure in failures))
        if not up and not unknown and len(messages) == 1:
            return first
        text = "\n".join([*messages, *self._ledger.lines()])
        if up:
            mend = "Mend what is refused" if any(isinstance(one, Declined) for one in failures) else "Try again later"
            return PartlyPublished(
                text, hint=f"{mend} and publish the same files again: those that are there already are not sent again."
            )
        kind = Declined if isinstance(first, Declined) and not unknown else Unreachable
        return kind(text, hint=first.hint)


class _Still:
    """Nobody looks."""

    def sent(self, distribution: Distribution, taken: int) -> None:
        pass

    def tick(self) -> None:
        pass
