# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Handing a file on to the index behind this one, so that what is said of it is true whatever happens in between.

1. the upstream is asked what it has under the name: a file of another content is never written over, and one with the
   very bytes need not be sent
2. one transaction: the upload is judged anew, and may be; the token is spent, the project made real, and it is noted
   that these bytes are on their way (:mod:`trustpub.index.gateway.notes`)
3. the file is streamed to the upstream
4. where its answer is lost, or is that it failed, it is asked again what it has
5. one transaction: the row and the event, and the note is gone

Nothing is acknowledged before 5. What goes wrong after 3 is told as what it is: the upstream has the file, or may have
it; the same upload again then begins at 1, and ends well.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from trustpub.errors import TrustpubError
from trustpub.index.gateway import notes, problems
from trustpub.index.gateway.notes import LONGEST_SECONDS, Note
from trustpub.index.kept import Event
from trustpub.index.ports import Clock, Has, Outgoing, Reading, Reply, Sent, Store, Upstream, UpstreamDown, Writing
from trustpub.protocol.exchange import Problem

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Stopped(Exception):
    """Ends a transaction without a trace in it; ``problem`` is what the upload is told."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Unnoted(Exception):
    """The upstream has the file, and the note of it failed. Raised from what failed; ``problem`` is to be told."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Delivery(Protocol[T_co]):
    """An upload that was found good, as the use case has it."""

    @property
    def outgoing(self) -> Outgoing:
        """The file."""

    @property
    def token_id(self) -> str:
        """Of the token that it came with."""

    def reserve(self, writing: Writing, *, spent: bool) -> Event:
        """Judge it anew, make its project real, and spend its token unless that was ``spent`` on it before.

        Returns the event that it is handed on. Raises :class:`Stopped`.
        """

    def record(self, writing: Writing) -> T_co:
        """Write down that the upstream has it. It was reserved before; raises :class:`Stopped` if it cannot be."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """The upstream has the file, or the upload is over."""

    problem: Problem | None
    known: bool
    """Whether what became of it is known for sure."""


class HandingOn:
    """The way of a file to the index behind this one. May be shared by threads."""

    def __init__(self, *, store: Store, upstream: Upstream, clock: Clock, called: str) -> None:
        """``called``: what people know the upstream as."""
        self._store = store
        self._upstream = upstream
        self._clock = clock
        self._called = called

    def is_spent_on(self, reading: Reading, token_id: str, filename: str, sha256: str) -> bool:
        """Whether the token was spent on this very file, of which it is not known what became of it."""
        note = notes.read(reading, filename)
        return note is not None and note.sha256 == sha256 and token_id in note.tokens

    def hand_on(self, delivery: Delivery[T], known: T | None) -> T | Problem:
        """Have the file at the upstream, and its row here.

        ``known``: the answer if it is there still, for a file that has its row already.

        Raises:
            Unnoted: it is there, and has no row.
        """
        file = delivery.outgoing
        try:
            has = self._upstream.has(file)
        except UpstreamDown as down:
            return problems.unavailable(self._called, str(down))
        if has is Has.OTHER:
            return problems.exists(self._called, file.filename)
        if known is not None and has is not Has.NONE:
            return known
        try:
            self._store.transact(lambda writing: self._reserve(writing, delivery))
        except Stopped as stopped:
            return stopped.problem
        if has is not Has.SAME:
            ended = self._send(file)
            if ended.problem is not None:
                self._give_up(delivery, ended)
                return ended.problem
        return self._record(delivery)

    def _reserve(self, writing: Writing, delivery: Delivery[T]) -> None:
        file, now = delivery.outgoing, self._clock()
        before = notes.read(writing, file.filename)
        if before is not None and before.sha256 != file.sha256:
            if before.until > now:
                raise Stopped(problems.under_way(file.filename, int(before.until - now)))
            before = None
        tokens = () if before is None else before.tokens
        told = delivery.reserve(writing, spent=delivery.token_id in tokens)
        if before is None:
            writing.add_event(told)
        others = tuple(one for one in tokens if one != delivery.token_id)
        until = int(now) + LONGEST_SECONDS
        note = Note(filename=file.filename, sha256=file.sha256, until=until, tokens=(*others, delivery.token_id))
        notes.write(writing, note)

    def _send(self, file: Outgoing) -> _Ended:
        sent = self._upstream.send(file)
        match sent.reply:
            case Reply.TAKEN:
                return _Ended(None, known=True)
            case Reply.REFUSED:
                return _Ended(problems.refused(self._called, sent), known=True)
            # After the next two the same upload comes again, and its token is to be good for that: the note stays.
            case Reply.BARRED:
                return _Ended(problems.barred(self._called, sent), known=False)
            case Reply.BUSY:
                return _Ended(problems.unavailable(self._called, sent.said, sent.retry_after), known=False)
            case _:
                return self._find_out(file, sent)

    def _find_out(self, file: Outgoing, sent: Sent) -> _Ended:
        """After an answer that does not tell: what does it have now?"""
        try:
            has = self._upstream.has(file)
        except UpstreamDown:
            return _Ended(problems.unknown(self._called, sent.said), known=False)
        if has is Has.SAME:
            return _Ended(None, known=True)
        exists = sent.reply is Reply.EXISTS
        if has is Has.OTHER or exists:
            # It may show none of this name: one that was deleted, say, whose name it does not give again.
            return _Ended(problems.exists(self._called, file.filename, sent.said if exists else ""), known=True)
        if has is Has.NONE:
            return _Ended(problems.unavailable(self._called, sent.said, sent.retry_after), known=False)
        return _Ended(problems.unknown(self._called, sent.said), known=False)

    def _give_up(self, delivery: Delivery[T], ended: _Ended) -> None:
        """Note that it is not on its way any more. Whoever uploads hears the truth even where that fails."""
        problem = ended.problem
        file = delivery.outgoing

        def noted(writing: Writing) -> None:
            before = notes.read(writing, file.filename)
            if before is None or before.sha256 != file.sha256:
                return
            now = self._clock()
            if not ended.known:
                notes.write(writing, replace(before, until=int(now)))
                return
            notes.remove(writing, file.filename)
            project = writing.project(file.project)
            facts = {"filename": file.filename, "token": delivery.token_id}
            if problem is not None:
                facts |= {"code": problem.code, "said": problem.sentence}
            if project is not None:
                event = Event(at=now, kind="file-not-taken", project_id=project.id, publisher_id=None, facts=facts)
                writing.add_event(event)

        with suppress(TrustpubError):
            self._store.transact(noted)

    def _record(self, delivery: Delivery[T]) -> T:
        filename = delivery.outgoing.filename

        def work(writing: Writing) -> T:
            recorded = delivery.record(writing)
            notes.remove(writing, filename)
            return recorded

        try:
            return self._store.transact(work)
        except Stopped as stopped:
            raise Unnoted(problems.unnoted(self._called, stopped.problem.detail)) from stopped
        except TrustpubError as error:
            raise Unnoted(problems.unnoted(self._called, error.message)) from error
        except Exception as error:
            raise Unnoted(problems.unnoted(self._called, "the log of this index says why")) from error
