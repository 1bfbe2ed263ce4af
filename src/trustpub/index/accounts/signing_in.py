# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signing in: a name and a password, then a code where there is a second factor; and the same again before danger.

Whoever is not let in hears one thing, whatever was wrong: no such person, another password, no password at all, a
suspended account. Each takes one computation of a password's hash, so that time tells nothing either.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from trustpub.errors import Declined, Misuse
from trustpub.index.accounts import passwords as rules
from trustpub.index.accounts.patience import Patience
from trustpub.index.accounts.second_factor import SecondFactor
from trustpub.index.accounts.sessions import HALF_SECONDS, Sessions, Visitor
from trustpub.index.kept import Login, Session, User
from trustpub.index.manage.notes import note
from trustpub.index.ports import Clock, Fellows, Passwords, Store, Writing
from trustpub.printable import printable
from trustpub.secret import Secret

_LONGEST_NAME = 100

CODES_PER_NAME = 20
"""Wrong codes in an hour, from wherever. Counted apart from passwords: knowing the password gives no new tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """Where a request comes from."""

    peer: str
    """The address."""
    agent: str
    """The browser, in its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session began."""

    cookie: Secret
    complete: bool
    """Whether nothing more is to be proven."""
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nobody was let in."""

    wait: int | None = None
    """Seconds to wait before another try is even looked at; None: another try may be made now."""
    over: bool = False
    """Whether there is nothing left to try with: one begins again with the password."""


class SigningIn:
    """Lets people in."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        passwords: Passwords,
        sessions: Sessions,
        second_factor: SecondFactor,
        fellows: Fellows | None = None,
    ) -> None:
        """``fellows``: the other processes, which count with this one what failed."""
        self._store = store
        self._clock = clock
        self._passwords = passwords
        self._sessions = sessions
        self._second_factor = second_factor
        self._patience = Patience(fellows=fellows)
        self._codes = Patience(per_name=CODES_PER_NAME, fellows=fellows, of="code")

    def sign_in(self, name: str, password: str, *, where: From, before: str | None) -> SignedIn | Refused:
        """Begin a session for who has this name and this password.

        Args:
            name: as typed.
            password: as typed.
            where: where they are.
            before: the id of the session that the browser has now; it ends.
        """
        name = name.strip()[:_LONGEST_NAME]
        with self._store.read() as reading:
            user = reading.user(name)
            login = None if user is None else reading.login(user.id)
        judged = self._judge(name, where.peer, lambda: self._is(user, login, password))
        if judged is not None or user is None or login is None:
            return judged or Refused()
        kept = login.password
        fresh = self._passwords.hash(password) if kept is not None and self._passwords.stale(kept) else None
        with self._store.write() as writing:
            again, login = writing.user_by_id(user.id), writing.login(user.id)
            if again is None or again.suspended is not None or login is None or login.password != kept:
                return Refused()
            if fresh is not None:
                writing.put_login(replace(login, password=fresh))
            return self.begin(writing, again, where=where, before=before, complete=login.totp is None)

    def begin(
        self, writing: Writing, user: User, *, where: From, before: str | None, complete: bool = True
    ) -> SignedIn:
        """Begin a session for somebody who proved to be it, in the transaction that judged so."""
        cookie = self._sessions.begin(
            writing, user, complete=complete, peer=where.peer, agent=where.agent, before=before
        )
        if complete:
            facts = {"user": user.name, "peer": where.peer, "agent": printable(where.agent, 200)}
            note(writing, self._clock(), "signed-in", facts=facts)
        return SignedIn(cookie=cookie, complete=complete, user=user)

    def second(self, half: Visitor, code: str, *, where: From) -> SignedIn | Refused:
        """Complete a session by the second factor: a new one takes its place."""
        name = half.user.name
        with self._store.write() as writing:
            session = writing.session(half.session.id)
            if session is None or self._clock() - session.created >= HALF_SECONDS:
                return Refused(over=True)
            judged = self._judge(name, where.peer, lambda: self._takes(writing, half.user, code), patience=self._codes)
            if judged is None:
                return self.begin(writing, half.user, where=where, before=half.session.id)
            if judged.wait is not None:
                # Whoever tries codes has to know the password anew.
                writing.end_session(half.session.id)
                note(writing, self._clock(), "second-factor-failed", facts={"user": name, "peer": where.peer})
                return replace(judged, over=True)
            return judged

    def confirm(self, visitor: Visitor, password: str, code: str, *, where: From) -> Refused | None:
        """Have somebody who is signed in prove to be it again; None if they did.

        With a second factor, a code of it is wanted too.
        """
        with self._store.read() as reading:
            login = reading.login(visitor.user.id) or Login(user_id=visitor.user.id)
        with_password = login.password is not None
        if not with_password and login.totp is None:
            return Refused(over=True)

        def proven() -> bool:
            if with_password and not self._is(visitor.user, login, password):
                return False
            if login.totp is not None:
                refused = self._judge(visitor.user.name, where.peer, with_code, patience=self._codes)
                return refused is None
            with self._store.write() as writing:
                return self._confirmed(writing, visitor.session)

        def with_code() -> bool:
            with self._store.write() as writing:
                return self._takes(writing, visitor.user, code) and self._confirmed(writing, visitor.session)

        return self._judge(visitor.user.name, where.peer, proven)

    def change_password(self, visitor: Visitor, password: str) -> None:
        """Give oneself another password. Sessions elsewhere end, and no link for a new one is good any more.

        Raises:
            Misuse: it cannot be one; the message says why.
        """
        kept = self.hash(password, visitor.user.name, visitor.user.email)
        with self._store.write() as writing:
            login = writing.login(visitor.user.id) or Login(user_id=visitor.user.id)
            writing.put_login(replace(login, password=kept))
            writing.end_sessions(visitor.user.id, but=visitor.session.id)
            for one in writing.invitations():
                if one.user_id == visitor.user.id:
                    writing.take_invitation(one.id)
            note(writing, self._clock(), "password-changed", facts={"user": visitor.user.name})

    def register(
        self,
        writing: Writing,
        name: str,
        email: str,
        *,
        administrator: bool,
        kept: str | None = None,
        subject: str | None = None,
    ) -> User:
        """A new account, in the transaction that allows it. ``kept`` is of :meth:`hash`, ``subject`` a provider's.

        Raises:
            Declined: the name is taken.
        """
        if (taken := writing.user(name)) is not None:
            raise Declined(f"There is a user {taken.name!r} already.", hint="Choose another name.")
        user = User(
            id=str(uuid.uuid4()), name=name, created=int(self._clock()), email=email, administrator=administrator
        )
        writing.add_user(user)
        writing.put_login(Login(user_id=user.id, password=kept, subject=subject))
        return user

    def hash(self, password: str, *about: str) -> str:
        """What is kept of a new password of somebody of whom ``about`` tells. Takes a while: not in a transaction.

        Raises:
            Misuse: it cannot be one; the message says why.
        """
        if why := rules.fault(password, about):
            raise Misuse(why, hint=rules.HINT)
        return self._passwords.hash(password)

    def _is(self, user: User | None, login: Login | None, password: str) -> bool:
        """One computation, whatever there is to compare with."""
        longest = password[: rules.MOST + 1]
        fits = self._passwords.fits(None if login is None else login.password, longest)
        return fits and user is not None and user.suspended is None

    def _confirmed(self, writing: Writing, session: Session) -> bool:
        current = writing.session(session.id)
        if current is None:
            return False
        self._sessions.confirm(writing, current)
        return True

    def _takes(self, writing: Writing, user: User, code: str) -> bool:
        return self._second_factor.take(writing, user, code) is not None

    def _judge(
        self, name: str, peer: str, proven: Callable[[], bool], *, patience: Patience | None = None
    ) -> Refused | None:
        """None if ``proven()``; else how it goes on. Counted before it is judged, so that many at once are, too."""
        patience = patience or self._patience
        now = self._clock()
        if (wait := patience.wait(name, peer, now)) is not None:
            return Refused(wait=wait)
        patience.failed(name, peer, now)
        if not proven():
            return Refused(wait=patience.wait(name, peer, now))
        patience.succeeded(name, peer, now)
        return None
