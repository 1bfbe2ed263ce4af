# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Reading of people: who they are, how they prove it, where they are signed in, and what is theirs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, case, select, true

from trustpub.index.adapters.sql.ready import Ready
from trustpub.index.adapters.sql.rows import (
    invitation_of,
    letter_of,
    login_of,
    project_of,
    session_of,
    token_of,
    user_of,
)
from trustpub.index.adapters.sql.statements import Statements
from trustpub.index.adapters.sql.tables import (
    invitations,
    letters,
    logins,
    members,
    projects,
    sessions,
    tokens,
    users,
)
from trustpub.index.kept import OWNER, Invitation, Letter, Login, Member, Project, Session, Token, User

_USER = Ready(select(users).where(users.c.id == bindparam("id")))
_SESSION = Ready(select(sessions).where(sessions.c.id == bindparam("id")))
_MEMBER = Ready(
    select(members.c.user_id)
    .join(projects, projects.c.id == members.c.project_id)
    .where(
        members.c.project_id == bindparam("project"),
        members.c.user_id == bindparam("user"),
        projects.c.pending_until.is_(None),
    )
)
_ROLE = Ready(
    select(members.c.role).where(members.c.project_id == bindparam("project"), members.c.user_id == bindparam("user"))
)


class PeopleReading(Statements):
    """The part of :class:`trustpub.index.ports.Reading` that is about people."""

    def user(self, name: str) -> User | None:
        row = self._row(users, users.c.folded == name.lower())
        return None if row is None else user_of(row)

    def user_by_id(self, user_id: str) -> User | None:
        row = _USER.row(self._driver, {"id": user_id})
        return None if row is None else user_of(row)

    def users(self) -> Sequence[User]:
        return [user_of(row) for row in self._rows(select(users).order_by(users.c.folded))]

    def is_member(self, project_id: str, user_id: str) -> bool:
        return _MEMBER.row(self._driver, {"project": project_id, "user": user_id}) is not None

    def members(self, project_id: str) -> Sequence[User]:
        joined = select(users).join(members, members.c.user_id == users.c.id).where(members.c.project_id == project_id)
        return [user_of(row) for row in self._rows(joined.order_by(users.c.folded))]

    def memberships(self, project_id: str) -> Sequence[Member]:
        joined = select(users, members.c.role).join(members, members.c.user_id == users.c.id)
        owners_first = case((members.c.role == OWNER, 0), else_=1)
        ordered = joined.where(members.c.project_id == project_id).order_by(owners_first, users.c.folded)
        return [Member(user=user_of(row), role=row["role"]) for row in self._rows(ordered)]

    def role(self, project_id: str, user_id: str) -> str | None:
        row = _ROLE.row(self._driver, {"project": project_id, "user": user_id})
        return None if row is None else str(row["role"])

    def projects_of(self, user_id: str) -> Sequence[tuple[Project, str]]:
        joined = select(projects, members.c.role).join(members, members.c.project_id == projects.c.id)
        ordered = joined.where(members.c.user_id == user_id).order_by(projects.c.normalized)
        return [(project_of(row), row["role"]) for row in self._rows(ordered)]

    def login(self, user_id: str) -> Login | None:
        row = self._row(logins, logins.c.user_id == user_id)
        return None if row is None else login_of(row)

    def login_of_subject(self, subject: str) -> Login | None:
        row = self._row(logins, logins.c.subject == subject)
        return None if row is None else login_of(row)

    def session(self, session_id: str) -> Session | None:
        row = _SESSION.row(self._driver, {"id": session_id})
        return None if row is None else session_of(row)

    def sessions(self, user_id: str) -> Sequence[Session]:
        complete = select(sessions).where(sessions.c.user_id == user_id, sessions.c.complete == true())
        ordered = complete.order_by(sessions.c.seen.desc(), sessions.c.created.desc(), sessions.c.id)
        return [session_of(row) for row in self._rows(ordered)]

    def invitation(self, invitation_id: str) -> Invitation | None:
        row = self._row(invitations, invitations.c.id == invitation_id)
        return None if row is None else invitation_of(row)

    def invitations(self) -> Sequence[Invitation]:
        newest = select(invitations).order_by(invitations.c.created.desc(), invitations.c.id)
        return [invitation_of(row) for row in self._rows(newest)]

    def letters(self, now: int, limit: int = 20) -> Sequence[Letter]:
        due = select(letters).where(letters.c.not_before <= now)
        return [letter_of(row) for row in self._rows(due.order_by(letters.c.created, letters.c.id).limit(limit))]

    def tokens_of(self, user_id: str) -> Sequence[Token]:
        # The index on user_id is of those rows only that have one.
        held = select(tokens).where(tokens.c.user_id == user_id, tokens.c.user_id.is_not(None))
        return [token_of(row) for row in self._rows(held.order_by(tokens.c.created.desc(), tokens.c.id))]
