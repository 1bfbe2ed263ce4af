# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Projects and accounts that are taken away for good.

Of a project nothing stays but what happened: its events, and its name, which is prohibited, so that nobody gets what
its users still ask for. Of a person nothing stays at all: what they did is then done by somebody who has no name.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trustpub.errors import Declined
from trustpub.index.kept import OWNER, File, User
from trustpub.index.manage.notes import note
from trustpub.index.manage.people import another_rules, project_called, rules, user_called
from trustpub.index.ports import Blobs, Clock, Reading, Store

REASON = "A project of this name was purged."

_PERSON = frozenset({"user", "member", "owner", "by"})
"""Facts whose value is a person, by name."""
_THEIRS = frozenset({"peer", "agent"})
"""Facts of what a person did that say where from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """What is taken away, or was."""

    name: str
    """As it is spelled here."""
    lines: tuple[str, ...]
    """In sentences."""


class Purging:
    """Does it, or says what it would do."""

    def __init__(self, store: Store, blobs: Blobs, clock: Clock) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock

    def look_at_project(self, name: str) -> Purge:
        """What would go with it.

        Raises:
            Declined: there is no such project.
        """
        with self._store.read() as reading:
            project = project_called(reading, name)
            return Purge(name=project.name, lines=_of_project(reading, project.id, project.normalized))

    def purge_project(self, name: str) -> Purge:
        """Take it away: its files with their names, members, publishers and attempts.

        Raises:
            Declined: there is no such project.
        """
        with self._store.write() as writing:
            project = project_called(writing, name)
            done = Purge(name=project.name, lines=_of_project(writing, project.id, project.normalized))
            gone = writing.files(project.id, hidden=True)
            writing.remove_files(project.id)
            writing.remove_project(project.id)
            writing.prohibit(project.normalized, REASON)
            facts = {"project": project.name, "files": len(gone)}
            note(writing, self._clock(), "project-purged", facts=facts)
        self._remove(gone)
        return done

    def look_at_account(self, name: str) -> Purge:
        """What would go with it.

        Raises:
            Declined: as :meth:`purge_account`.
        """
        with self._store.read() as reading:
            user = _who_may_go(reading, name)
            return Purge(name=user.name, lines=_of_account(reading, user))

    def purge_account(self, name: str) -> Purge:
        """Take it away, and the person out of everything that happened.

        Raises:
            Declined: there is no such user, it is the last administrator, or the only owner of a project.
        """
        alias = f"purged-{secrets.token_hex(4)}"
        with self._store.write() as writing:
            user = _who_may_go(writing, name)
            done = Purge(name=user.name, lines=_of_account(writing, user))
            if user.email:
                writing.forget_address(user.email)
            writing.remove_user(user.id)
            said = [one for one in (user.name, user.id, user.email) if one]
            changed = writing.rewrite(said, lambda facts: without(facts, user, alias))
            note(writing, self._clock(), "account-purged", facts={"user": alias, "events": changed})
        return done

    def _remove(self, gone: Sequence[File]) -> None:
        """Their bytes, but for those that another file has too under this name."""
        for file in gone:
            if file.deleted is None:
                self._blobs.remove(file.blake2b_256, file.filename)


def without(facts: Mapping[str, Any], user: User, alias: str) -> Mapping[str, Any]:
    """``facts`` that do not tell who ``user`` is: ``alias`` is there instead."""
    return {
        name: _changed(name, value, user, alias)
        for name, value in facts.items()
        if not (name in _THEIRS and _is_theirs(facts, user))
    }


def _is_theirs(facts: Mapping[str, Any], user: User) -> bool:
    by = facts.get("by")
    return _is(facts.get("user"), user) or _is(by, user) or (isinstance(by, Mapping) and by.get("id") == user.id)


def _is(value: Any, user: User) -> bool:
    return isinstance(value, str) and value.lower() == user.name.lower()


def _changed(name: str, value: Any, user: User, alias: str) -> Any:
    if isinstance(value, Mapping):
        if value.get("id") == user.id:
            return {key: alias if isinstance(one, str) else one for key, one in value.items()}
        return without(value, user, alias)
    if isinstance(value, list):
        return [_changed(name, one, user, alias) for one in value]
    if not isinstance(value, str):
        return value
    if value == user.id or (name in _PERSON and _is(value, user)):
        return alias
    if user.email and user.email.lower() in value.lower():
        value = re.sub(re.escape(user.email), alias, value, flags=re.IGNORECASE)
    if name == "description":
        return re.sub(rf"(?<![\w.-]){re.escape(user.name)}(?![\w-])", alias, value, flags=re.IGNORECASE)
    return value


def _of_project(reading: Reading, project_id: str, normalized: str) -> tuple[str, ...]:
    files = reading.files(project_id, hidden=True)
    there = [one for one in files if one.deleted is None]
    return (
        f"{len(there)} file(s) of {sum(one.size for one in there)} bytes; {len(files) - len(there)} deleted before",
        f"{len(reading.memberships(project_id))} membership(s), and what its publishers may do for it",
        f"Its name, {normalized}, is prohibited afterwards: trustpub admin name permit lets somebody have it again",
        "What happened to it stays in the audit log",
    )


def _who_may_go(reading: Reading, name: str) -> User:
    user = user_called(reading, name)
    if rules(user) and not another_rules(reading, user):
        raise Declined(f"{user.name!r} is the last administrator.", hint="Make somebody else an administrator first.")
    alone = [
        project.name
        for project, role in reading.projects_of(user.id)
        if role == OWNER and sum(one.role == OWNER for one in reading.memberships(project.id)) == 1
    ]
    if alone:
        raise Declined(
            f"{user.name!r} is the only owner of {', '.join(alone[:10])}{' and more' if len(alone) > 10 else ''}.",
            hint="Give each of these another owner, or purge it.",
        )
    return user


def _of_account(reading: Reading, user: User) -> tuple[str, ...]:
    return (
        f"{len(reading.tokens_of(user.id))} token(s), {len(reading.sessions(user.id))} session(s), all ways to sign in",
        f"{len(reading.projects_of(user.id))} membership(s); the projects and their files stay",
        "Letters and invitations on their way to the person",
        "Name, id, e-mail and network addresses in the audit log: what was done stays, and by whom does not",
    )
