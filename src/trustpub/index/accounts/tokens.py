# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Tokens that people hold, as they make and end their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trustpub.errors import Declined, Misuse
from trustpub.index.accounts.acting import NotHere
from trustpub.index.accounts.authority import MANAGE_SCOPE, READ_SCOPE, UPLOAD_SCOPE
from trustpub.index.accounts.invitations import Fault
from trustpub.index.credentials import Credentials
from trustpub.index.kept import Project, Token, User
from trustpub.index.manage.notes import note
from trustpub.index.ports import Clock, Reading, Store
from trustpub.printable import printable
from trustpub.secret import Secret
from trustpub.tokens.caveats import ProjectIds

DAYS = (7, 30, 90, 365)
"""How long a token may be made for, in days; and for ever."""
OFFERED = (UPLOAD_SCOPE, READ_SCOPE, MANAGE_SCOPE)
MOST = 100
"""Tokens of one person that are good."""
LONGEST = 100
"""Characters of what a person calls one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A token as its holder sees it in a list."""

    token: Token
    project: str | None
    """The name of the one it is for; None: all of the person's."""
    state: str
    """``good``, ``expired`` or ``ended``."""


class OwnTokens:
    """A person's own."""

    def __init__(self, store: Store, clock: Clock, credentials: Credentials) -> None:
        self._store = store
        self._clock = clock
        self._credentials = credentials

    def projects(self, user: User) -> Sequence[Project]:
        """Those for which the person can make one: real ones of theirs."""
        with self._store.read() as reading:
            return [project for project, _ in reading.projects_of(user.id) if project.pending_until is None]

    def all(self, user: User) -> Sequence[Held]:
        """Every one the person was given; the newest first."""
        now = self._clock()
        with self._store.read() as reading:
            names = {project.id: project.name for project, _ in reading.projects_of(user.id)}
            return [
                Held(token=one, project=_project(reading, names, one), state=_state(one, now))
                for one in reading.tokens_of(user.id)
            ]

    def create(
        self, user: User, *, description: str, scope: str, project: str | None, days: int | None
    ) -> tuple[Token, Secret]:
        """A new one, which is shown now or never.

        Args:
            user: who holds it.
            description: what they call it.
            scope: one of :data:`OFFERED`.
            project: the name of one of :meth:`projects`; None: all of the person's.
            days: for how long, one of :data:`DAYS`; None: until it is removed.

        Raises:
            Fault: a field cannot be what it is.
            Declined: there are too many.
        """
        called = printable(description, LONGEST)
        if not called:
            raise Fault("description", "Give it a name by which you will know it again.")
        if scope not in OFFERED:
            raise Fault("scope", "Choose what it is good for.")
        if days is not None and days not in DAYS:
            raise Fault("days", "Choose how long it is good.")
        found = None
        if project is not None:
            found = next((one for one in self.projects(user) if one.normalized == project), None)
            if found is None:
                raise Fault("project", "This is no project of yours.")
        if sum(one.state == "good" for one in self.all(user)) >= MOST:
            raise Declined(f"You have {MOST} tokens that are good.", hint="End those that you need no more.")
        lifetime = None if days is None else days * 86_400
        token, secret = self._credentials.issue_user_token(
            user, scope=scope, project=found, lifetime=lifetime, description=called
        )
        with self._store.write() as writing:
            facts = {
                "user": user.name, "token": token.id, "description": called, "scope": scope,
                "project": None if found is None else found.name, "expires": token.expires,
            }  # fmt: skip
            note(writing, self._clock(), "token-created", facts=facts)
        return token, secret

    def end(self, user: User, token_id: str) -> Token:
        """Take no more uploads or reads by it.

        Raises:
            NotHere: the person holds no such token.
            Misuse: it was ended before.
        """
        with self._store.write() as writing:
            token = writing.token(token_id)
            if token is None or token.user_id != user.id:
                raise NotHere
            if token.burned is not None:
                raise Misuse("This token was ended before.")
            writing.burn(token.id, int(self._clock()))
            facts = {"user": user.name, "token": token.id, "description": token.description}
            note(writing, self._clock(), "token-revoked", facts=facts)
        return token


def _project(reading: Reading, names: dict[str, str], token: Token) -> str | None:
    for tag, *values in token.caveats:
        if tag == ProjectIds.tag:
            wanted = values[0][0]
            if wanted in names:
                return names[wanted]
            gone = reading.project_by_id(wanted)
            return "a project that is gone" if gone is None else gone.name
    return None


def _state(token: Token, now: float) -> str:
    if token.burned is not None:
        return "ended"
    return "expired" if token.expires is not None and now >= token.expires else "good"
