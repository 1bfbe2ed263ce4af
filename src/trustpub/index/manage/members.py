# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who is of a project: owners and maintainers. A project always keeps an owner."""

from __future__ import annotations

from collections.abc import Sequence

from trustpub.errors import Declined, Misuse
from trustpub.index.kept import OWNER, ROLES, Member, Project, User
from trustpub.index.manage.notes import note
from trustpub.index.manage.people import project_called
from trustpub.index.ports import Clock, Reading, Store, Writing
from trustpub.printable import quoted


class Members:
    """Changes to who is of a project. Each leaves an event."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def all(self, project: Project) -> Sequence[Member]:
        """Owners first, then by name."""
        with self._store.read() as reading:
            return reading.memberships(project.id)

    def add(self, name: str, user: str, role: str) -> Member:
        """Make somebody a member.

        Args:
            name: the project's.
            user: the name of the person's account.
            role: ``owner`` or ``maintainer``.

        Raises:
            Declined: there is no such project or person, or they are a member.
            Misuse: there is no such role.
        """
        _check(role)
        with self._store.write() as writing:
            project = project_called(writing, name)
            found = writing.user(user.strip())
            if found is None or found.suspended is not None:
                raise Declined(f"Nobody has an account with the name {quoted(user)} here.")
            now = writing.role(project.id, found.id)
            if now is not None:
                raise Declined(f"{found.name} is {_a(now)} of {project.name} already.")
            writing.add_member(project.id, found.id, role)
            self._note(writing, "member-added", project, found, role=role)
            return Member(user=found, role=role)

    def set_role(self, name: str, user_id: str, role: str) -> Member:
        """Give a member another role.

        Raises:
            Declined: there is no such project or member, it is their role, or they are the last owner.
            Misuse: there is no such role.
        """
        _check(role)
        with self._store.write() as writing:
            project = project_called(writing, name)
            member = _member(writing, project, user_id)
            if member.role == role:
                raise Declined(f"{member.user.name} is {_a(role)} of {project.name} already.")
            _keep_an_owner(writing, project, member)
            writing.add_member(project.id, user_id, role)
            self._note(writing, "member-role-set", project, member.user, role=role, before=member.role)
            return Member(user=member.user, role=role)

    def remove(self, name: str, user_id: str, *, left: bool = False) -> Member:
        """Take somebody out of the project; ``left``: they went by themselves.

        Tokens that they hold are good for it no more from the next request on.

        Raises:
            Declined: there is no such project or member, or they are the last owner.
        """
        with self._store.write() as writing:
            project = project_called(writing, name)
            member = _member(writing, project, user_id)
            _keep_an_owner(writing, project, member)
            writing.remove_member(project.id, user_id)
            self._note(writing, "member-left" if left else "member-removed", project, member.user, role=member.role)
            return member

    def _note(self, writing: Writing, kind: str, project: Project, user: User, **facts: str) -> None:
        told = {"project": project.name, "member": user.name, **facts}
        note(writing, self._clock(), kind, project_id=project.id, facts=told)


def _check(role: str) -> None:
    if role not in ROLES:
        raise Misuse(f"The role is {' or '.join(ROLES)}, not {quoted(role)}.")


def _member(reading: Reading, project: Project, user_id: str) -> Member:
    found = next((one for one in reading.memberships(project.id) if one.user.id == user_id), None)
    if found is None:
        raise Declined(f"There is no such member of {project.name}.")
    return found


def _keep_an_owner(reading: Reading, project: Project, member: Member) -> None:
    owners = [one for one in reading.memberships(project.id) if one.role == OWNER]
    if member.role == OWNER and len(owners) == 1:
        raise Declined(
            f"{member.user.name} is the only owner of {project.name}.", hint="Make somebody else an owner first."
        )


def _a(role: str) -> str:
    return f"an {role}" if role == OWNER else f"a {role}"
