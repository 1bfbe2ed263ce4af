# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who is signed in, and where. A session is what a cookie holds; only its hash is kept.

A session is made anew whenever somebody proves something more (signing in, the second factor), and the one before it
ends: a cookie that was planted beforehand is worth nothing afterwards.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from trustpub.errors import TrustpubError
from trustpub.index.accounts.authority import SESSION, Actor
from trustpub.index.kept import Session, User
from trustpub.index.manage.notes import note
from trustpub.index.ports import Clock, Store, Writing
from trustpub.printable import printable
from trustpub.secret import Secret

LIFETIME_SECONDS = 14 * 86_400
"""How long a session lasts at the most."""
IDLE_SECONDS = 2 * 86_400
"""Without any request for so long, it is over sooner."""
HALF_SECONDS = 10 * 60
"""How long there is to give the second factor."""
CONFIRMED_SECONDS = 10 * 60
"""For so long after a proof, what is dangerous needs no other."""
SEEN_SECONDS = 60
"""Uses within it are noted once, so that reading pages writes little."""
MAX_SESSIONS = 20
"""Of one person; the one that was not used for longest ends first."""
_LONGEST = 200
_COOKIE_BYTES = 32
_LONGEST_COOKIE = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who is signed in, as a request comes from them."""

    user: User
    session: Session

    @property
    def actor(self) -> Actor:
        """For :class:`trustpub.index.accounts.acting.Acting`."""
        return Actor(user=self.user, how=SESSION)

    def confirmed(self, now: float) -> bool:
        """Whether they proved to be it within :data:`CONFIRMED_SECONDS`."""
        return 0 <= int(now) - self.session.confirmed < CONFIRMED_SECONDS


def session_id(cookie: Secret) -> str:
    """Under which a session with this cookie is kept."""
    return hashlib.sha256(cookie.reveal().encode("utf-8", "surrogatepass")).hexdigest()


class Sessions:
    """Begins, recognises and ends them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def begin(
        self, writing: Writing, user: User, *, complete: bool, peer: str, agent: str, before: str | None = None
    ) -> Secret:
        """A new session, in the transaction that judged the proof. Returns what its cookie holds.

        Args:
            writing: the transaction.
            user: who proved to be it.
            complete: whether nothing more is to be proven.
            peer: the address.
            agent: the browser, in its own words.
            before: the id of the session that this one replaces.
        """
        now = int(self._clock())
        cookie = Secret(secrets.token_urlsafe(_COOKIE_BYTES))
        if before is not None:
            writing.end_session(before)
        if complete:
            for oldest in writing.sessions(user.id)[MAX_SESSIONS - 1 :]:
                writing.end_session(oldest.id)
        writing.add_session(
            Session(
                id=session_id(cookie),
                user_id=user.id,
                created=now,
                expires=now + (LIFETIME_SECONDS if complete else HALF_SECONDS),
                seen=now,
                confirmed=now if complete else 0,
                complete=complete,
                peer=printable(peer, _LONGEST),
                agent=printable(agent, _LONGEST),
            )
        )
        return cookie

    def recognise(self, cookie: Secret) -> Visitor | None:
        """Who comes with this cookie, whether their session is complete or not; None if nobody."""
        if not cookie.reveal() or len(cookie.reveal()) > _LONGEST_COOKIE:
            return None
        now = int(self._clock())
        with self._store.read() as reading:
            session = reading.session(session_id(cookie))
            if session is None or now >= session.expires or now - session.seen >= IDLE_SECONDS:
                return None
            user = reading.user_by_id(session.user_id)
        if user is None or user.suspended is not None:
            return None
        if now - session.seen >= SEEN_SECONDS:
            session = replace(session, seen=now)
            # A disk that is full keeps nobody from looking.
            with suppress(TrustpubError), self._store.write() as writing:
                if writing.session(session.id) is not None:
                    writing.change_session(session)
        return Visitor(user=user, session=session)

    def confirm(self, writing: Writing, session: Session) -> None:
        """The person has just proven to be it again."""
        writing.change_session(replace(session, confirmed=int(self._clock())))

    def of(self, user: User) -> Sequence[Session]:
        """Those of a person that are in their time, the last used first."""
        now = int(self._clock())
        with self._store.read() as reading:
            found = reading.sessions(user.id)
        return [one for one in found if now < one.expires and now - one.seen < IDLE_SECONDS]

    def end(self, visitor: Visitor) -> None:
        """Sign out."""
        with self._store.write() as writing:
            writing.end_session(visitor.session.id)

    def end_one(self, visitor: Visitor, wanted: str) -> bool:
        """Sign out somewhere else: the session of the same person whose id begins with ``wanted``.

        Pages show only the beginning of an id. False if there is no such session of theirs.
        """
        with self._store.write() as writing:
            found = [one for one in writing.sessions(visitor.user.id) if wanted and one.id[:16] == wanted]
            for one in found:
                writing.end_session(one.id)
            if found:
                note(writing, self._clock(), "session-ended", facts={"user": visitor.user.name})
        return bool(found)

    def end_others(self, visitor: Visitor) -> int:
        """Sign out everywhere but here; from how many places."""
        with self._store.write() as writing:
            ended = writing.end_sessions(visitor.user.id, but=visitor.session.id)
            if ended:
                note(writing, self._clock(), "sessions-ended", facts={"user": visitor.user.name, "sessions": ended})
        return ended
