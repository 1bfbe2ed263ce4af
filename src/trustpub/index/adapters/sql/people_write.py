# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Writing of people: accounts, roles, proofs of who somebody is, sessions, invitations and letters."""

from __future__ import annotations

import json

from sqlalchemy import delete, insert, update

from trustpub.index.adapters.sql.people_read import PeopleReading
from trustpub.index.adapters.sql.rows import columns, login_columns
from trustpub.index.adapters.sql.tables import (
    invitations,
    letters,
    logins,
    members,
    sessions,
    tokens,
    users,
)
from trustpub.index.adapters.sql.upsert import insert_or_update
from trustpub.index.kept import OWNER, Invitation, Letter, Login, Session, User


class PeopleWriting(PeopleReading):
    """The part of :class:`trustpub.index.ports.Writing` that is about people."""

    def add_user(self, user: User) -> None:
        self._run(insert(users).values(**columns(user), folded=user.name.lower()))

    def change_user(self, user: User) -> None:
        values = {"email": user.email, "administrator": user.administrator, "suspended": user.suspended}
        self._run(update(users).where(users.c.id == user.id).values(values))

    def remove_user(self, user_id: str) -> bool:
        return self._run(delete(users).where(users.c.id == user_id)) == 1

    def add_member(self, project_id: str, user_id: str, role: str = OWNER) -> None:
        """To a pending project: its owner-to-be, who counts as a member from ``make_real`` on."""
        values = {"project_id": project_id, "user_id": user_id, "role": role}
        self._run(insert_or_update(members, values, ["project_id", "user_id"], {"role": role}))

    def remove_member(self, project_id: str, user_id: str) -> bool:
        return self._run(delete(members).where(members.c.project_id == project_id, members.c.user_id == user_id)) == 1

    def put_login(self, login: Login) -> None:
        values = login_columns(login)
        self._run(insert_or_update(logins, values, ["user_id"], values))

    def take_step(self, user_id: str, step: int) -> bool:
        newer = (logins.c.user_id == user_id) & (logins.c.totp_step < step)
        return self._run(update(logins).where(newer).values(totp_step=step)) == 1

    def take_recovery(self, user_id: str, digest: str) -> bool:
        stored = self._value(logins.c.recovery, logins.c.user_id == user_id)
        left = [] if stored is None else json.loads(stored)
        if digest not in left:
            return False
        left.remove(digest)
        # Compared again while it is set: where writers are not one after another, only one of two may win.
        same = (logins.c.user_id == user_id) & (logins.c.recovery == stored)
        return self._run(update(logins).where(same).values(recovery=json.dumps(left))) == 1

    def add_session(self, session: Session) -> None:
        self._run(insert(sessions).values(columns(session)))

    def change_session(self, session: Session) -> None:
        values = {"seen": session.seen, "confirmed": session.confirmed, "complete": session.complete}
        self._run(update(sessions).where(sessions.c.id == session.id).values(values))

    def end_session(self, session_id: str) -> bool:
        return self._run(delete(sessions).where(sessions.c.id == session_id)) == 1

    def end_sessions(self, user_id: str, *, but: str | None = None) -> int:
        theirs = delete(sessions).where(sessions.c.user_id == user_id)
        return self._run(theirs if but is None else theirs.where(sessions.c.id != but))

    def forget_sessions(self, now: int) -> int:
        return self._run(delete(sessions).where(sessions.c.expires <= now))

    def add_invitation(self, invitation: Invitation) -> None:
        self._run(insert(invitations).values(columns(invitation)))

    def take_invitation(self, invitation_id: str) -> Invitation | None:
        found = self.invitation(invitation_id)
        gone = self._run(delete(invitations).where(invitations.c.id == invitation_id)) == 1
        return found if gone else None

    def forget_invitations(self, now: int) -> int:
        return self._run(delete(invitations).where(invitations.c.expires <= now))

    def add_letter(self, letter: Letter) -> None:
        self._run(insert(letters).values(columns(letter)))

    def put_off_letter(self, letter_id: str, *, attempts: int, not_before: int) -> None:
        values = {"attempts": attempts, "not_before": not_before}
        self._run(update(letters).where(letters.c.id == letter_id).values(values))

    def remove_letter(self, letter_id: str) -> None:
        self._run(delete(letters).where(letters.c.id == letter_id))

    def note_use(self, token_id: str, at: int) -> None:
        self._run(update(tokens).where(tokens.c.id == token_id).values(last_used=at))
