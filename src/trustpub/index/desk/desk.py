# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where an index is managed: each operation of the protocol's table, done by the use cases.

The management API and ``trustpub admin`` come here alike, the one with an actor and the other without: whoever may run
commands beside the index may do everything. An operation is a function of a :class:`Desk` and of what is
:class:`Asked`, and answers with JSON as the table says. Who may ask was decided before, in one place
(:meth:`Desk.act`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from trustpub.errors import Declined
from trustpub.index.accounts.acting import Acting
from trustpub.index.accounts.authority import Action, Actor
from trustpub.index.accounts.invitations import Invitations
from trustpub.index.credentials import Credentials
from trustpub.index.kept import Project
from trustpub.index.manage.apply import Applying
from trustpub.index.manage.issuers import Issuers
from trustpub.index.manage.members import Members
from trustpub.index.manage.names import Names
from trustpub.index.manage.people import People
from trustpub.index.manage.projects import Projects
from trustpub.index.manage.publishers import Publishers
from trustpub.index.manage.publishing import Publishing
from trustpub.index.manage.switches import Switches
from trustpub.index.ports import Clock, Store
from trustpub.printable import quoted
from trustpub.protocol.management.operation import Operation
from trustpub.protocol.management.table import OPERATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    values: Mapping[str, Any]
    """From path, query and body, in the shapes that the table gives them; what may be left out may be missing."""
    actor: Actor | None = None
    """Who asks; None: the command line beside the index."""
    project_found: Project | None = None

    @property
    def project(self) -> Project:
        """To which it is done, for operations that are done to one.

        Raises:
            Declined: there is none of that name.
        """
        if self.project_found is None:
            raise Declined(f"There is no project {quoted(self.values['project'])} here.")
        return self.project_found

    @property
    def person(self) -> Actor:
        """Who asks, for operations that are a person's own."""
        if self.actor is None:
            raise ValueError("the command line is nobody in particular")
        return self.actor

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, otherwise: Any = None) -> Any:
        """A value that may have been left out."""
        return self.values.get(name, otherwise)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Every use case that operations need."""

    store: Store
    clock: Clock
    acting: Acting
    people: People
    projects: Projects
    members: Members
    publishers: Publishers
    publishing: Publishing
    issuers: Issuers
    names: Names
    switches: Switches
    invitations: Invitations
    applying: Applying
    credentials: Callable[[], Credentials] = field(repr=False)
    """Needs the server's secret, so it is made when it is needed."""

    @contextmanager
    def act(self, operation: Operation, actor: Actor | None, values: Mapping[str, Any]) -> Iterator[Asked]:
        """Let an actor through to an operation, from afar: the one place where the management API is guarded.

        Raises:
            NotHere, NotAllowed, SignInFirst: see :mod:`trustpub.index.accounts.acting`.
        """
        action = Action(operation.action)
        if operation.of_project:
            with self.acting.project(actor, action, values["project"]) as granted:
                yield Asked(values=values, actor=actor, project_found=granted.project)
        else:
            with self.acting.index(actor, action):
                yield Asked(values=values, actor=actor)

    def beside(self, operation: Operation, values: Mapping[str, Any]) -> Asked:
        """The same for commands that are run beside the index, which may do everything."""
        if not operation.of_project:
            return Asked(values=values)
        with self.store.read() as reading:
            return Asked(values=values, project_found=reading.project(values["project"]))


Served = Callable[[Desk, Asked], Any]
"""An operation, done. One that answers in lines returns an iterator of them."""


class Services:
    """Operations of one module, by name."""

    def __init__(self) -> None:
        self.done: dict[str, Served] = {}

    def does(self, name: str) -> Callable[[Served], Served]:
        """Mark the function that does the operation of this name."""
        if name not in OPERATIONS or name in self.done:
            raise ValueError(f"{name} is no operation, or is done twice")

        def mark(function: Served) -> Served:
            self.done[name] = function
            return function

        return mark
