# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""People with an account, their tokens, and the projects that are theirs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from trustpub.errors import Declined, Misuse
from trustpub.index import letters
from trustpub.index.kept import Project, Token, User
from trustpub.index.manage.notes import note
from trustpub.index.ports import Clock, Reading, Store
from trustpub.printable import quoted

_USER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?\Z")


class People:
    """Changes to accounts on behalf of whoever may run commands beside the index."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(self, name: str) -> User:
        """A new user.

        Raises:
            Misuse: the name cannot be one.
            Declined: it is taken, compared without case.
        """
        check_user_name(name)
        user = User(id=str(uuid.uuid4()), name=name, created=int(self._clock()))
        with self._store.write() as writing:
            if (taken := writing.user(name)) is not None:
                raise Declined(f"There is a user {taken.name!r} already.")
            writing.add_user(user)
            note(writing, self._clock(), "user-added", facts={"user": name})
        return user

    def set_email(self, name: str, email: str) -> User:
        """Send letters for this user there from now on; empty: nowhere.

        Raises:
            Declined: there is no such user.
        """
        return self._change(name, "email-changed", lambda user: replace(user, email=email))

    def promote(self, name: str) -> User:
        """Make the user an administrator of the whole index.

        Raises:
            Declined: there is no such user, or it is one already.
        """
        return self._change(name, "administrator-added", lambda user: replace(user, administrator=True))

    def demote(self, name: str) -> User:
        """Make the user an administrator no more.

        Raises:
            Declined: there is no such user, it is none, or the last one.
        """
        return self._change(name, "administrator-removed", lambda user: replace(user, administrator=False))

    def suspend(self, name: str) -> User:
        """Let nobody sign in as this user, and take none of their tokens, until :meth:`restore`. Sessions end.

        Raises:
            Declined: there is no such user, it is suspended already, or the last administrator.
        """
        now = int(self._clock())
        return self._change(name, "user-suspended", lambda user: replace(user, suspended=user.suspended or now))

    def restore(self, name: str) -> User:
        """Take the user's password and tokens again.

        Raises:
            Declined: there is no such user, or it is not suspended.
        """
        return self._change(name, "user-restored", lambda user: replace(user, suspended=None))

    def _change(self, name: str, kind: str, change: Callable[[User], User]) -> User:
        with self._store.write() as writing:
            user = user_called(writing, name)
            changed = change(user)
            if changed == user:
                raise Declined(f"That is so already for the user {user.name!r}.")
            if rules(user) and not rules(changed) and not another_rules(writing, user):
                raise Declined(
                    f"{user.name!r} is the last administrator.", hint="Make somebody else an administrator first."
                )
            writing.change_user(changed)
            if changed.suspended is not None:
                writing.end_sessions(user.id)
            note(writing, self._clock(), kind, facts={"user": user.name})
            if changed.email != user.email:
                letters.moved(writing, user, self._clock())
        return changed

    def user(self, name: str) -> User:
        """The user of this name.

        Raises:
            Declined: there is none.
        """
        with self._store.read() as reading:
            return user_called(reading, name)

    def all(self) -> Sequence[User]:
        """All, by name."""
        with self._store.read() as reading:
            return reading.users()

    def project(self, name: str) -> Project:
        """The project of this name, real or held.

        Raises:
            Declined: there is none.
        """
        with self._store.read() as reading:
            return project_called(reading, name)

    def real_project(self, name: str) -> Project:
        """The project of this name, if it has had a release.

        Raises:
            Declined: there is none, or only a name that is held.
        """
        project = self.project(name)
        if project.pending_until is not None:
            raise Declined(f"The project {project.name!r} does not exist yet: its name is held for a first release.")
        return project

    def is_member(self, project: Project, user: User) -> bool:
        """Whether the project is one of the user's."""
        with self._store.read() as reading:
            return reading.is_member(project.id, user.id)

    def tokens(self) -> Sequence[Token]:
        """Those that people hold."""
        with self._store.read() as reading:
            return reading.tokens()

    def note_token(self, token: Token) -> None:
        """Leave an event about a token that a person was given."""
        with self._store.write() as writing:
            facts = {"token": token.id, "description": token.description}
            note(writing, self._clock(), "token-created", facts=facts)

    def revoke_token(self, token_id: str) -> Token:
        """End a token that a person holds; every later request with it is refused.

        Raises:
            Declined: no person holds a token with this id.
        """
        with self._store.write() as writing:
            token = writing.token(token_id)
            if token is None or token.publisher_id is not None:
                raise Declined(
                    f"There is no token {quoted(token_id)} here.", hint="See them with: trustpub admin token list"
                )
            now = self._clock()
            writing.burn(token.id, int(now))
            note(writing, now, "token-revoked", facts={"token": token.id, "description": token.description})
        return token


def check_user_name(name: str) -> str:
    """``name``, if a user can have it.

    Raises:
        Misuse: it cannot be one.
    """
    if not _USER.match(name):
        raise Misuse(
            f"{quoted(name)} cannot be a user's name.",
            hint="At most 50 letters, digits, dots, dashes and underscores; a letter or digit at both ends.",
        )
    return name


def rules(user: User) -> bool:
    """Whether it is an administrator who is not suspended."""
    return user.administrator and user.suspended is None


def another_rules(reading: Reading, user: User) -> bool:
    """Whether there is an administrator besides."""
    return any(rules(one) for one in reading.users() if one.id != user.id)


def user_called(reading: Reading, name: str) -> User:
    """The user of this name.

    Raises:
        Declined: there is none.
    """
    user = reading.user(name)
    if user is None:
        raise Declined(f"There is no user {quoted(name)} here.", hint="Add one with: trustpub admin user add NAME")
    return user


def project_called(reading: Reading, name: str) -> Project:
    """The project of this name, real or held.

    Raises:
        Declined: there is none.
    """
    project = reading.project(name)
    if project is None:
        raise Declined(f"There is no project {quoted(name)} here.")
    return project
