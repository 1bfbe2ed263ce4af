# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The one place where pages and the management API are let through to what they change.

Every use case is called inside a block of :class:`Acting`, which looks the object up, asks
:func:`trustpub.index.accounts.authority.may`, and has every event that is left in the block name who acted::

    with acting.project(actor, Action.PROJECT_YANK, "sample") as granted:
        projects.yank(granted.project.name, ...)
    with acting.index(actor, Action.INDEX_USERS):
        people.add("ada")

``actor`` is ``None`` for anybody, and ``visitor.actor`` of a :class:`~trustpub.index.accounts.sessions.Visitor`. What
they may not even read does not exist for them (:class:`NotHere`); what they may read and not do is
:class:`NotAllowed`; nobody in particular is asked to sign in (:class:`SignInFirst`) where signing in may help. Pages
and API need not catch these: the site answers with a page, the API with a problem.

An id that comes from outside (a publisher, an attempt, a file, a token) is taken only together with the project or
account that it must be of: check it with :meth:`Granted.owns` or compare it yourself, and raise :class:`NotHere`.

The block is no transaction. Who loses a role in the same millisecond may still finish what they began.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from trustpub.index import switches
from trustpub.index.accounts.authority import FROZEN, Action, Actor, may
from trustpub.index.kept import Attempt, File, Project
from trustpub.index.manage.behalf import on_behalf_of
from trustpub.index.ports import Store
from trustpub.trust.publishers import Publisher


class NotHere(Exception):
    """There is no such thing, or none that this actor may know of: one answer for both (404)."""


class NotAllowed(Exception):
    """The actor may see it, and may not do that to it (403). ``action`` says what."""

    def __init__(self, action: Action) -> None:
        super().__init__(action)
        self.action = action


class SignInFirst(Exception):
    """Nobody in particular may not, but somebody might (401, or the sign-in page)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A project, as one who may do something to it sees it."""

    project: Project
    role: str | None
    """What the actor is to it, one of ``kept.ROLES``; None: no member (an administrator, or a reader)."""
    actor: Actor | None

    def may(self, action: Action) -> bool:
        """Whether the same actor may do something else to the same project: to show or leave out a button."""
        return may(self.actor, action, self.project, self.role)

    def owns(self, thing: Publisher | Attempt | File | None) -> None:
        """Make sure that something found by an id from outside is of this project.

        Raises:
            NotHere: it is not there, or of another project.
        """
        match thing:
            case Publisher(links=links) if any(link.project_id == self.project.id for link in links):
                return
            case Attempt(project_id=project_id) | File(project_id=project_id) if project_id == self.project.id:
                return
        raise NotHere


class Acting:
    """Lets actors through, or does not."""

    def __init__(self, store: Store, *, private: bool) -> None:
        """``private``: whether reading the index needs an account."""
        self._store = store
        self._private = private

    @contextmanager
    def project(self, actor: Actor | None, action: Action, name: str) -> Iterator[Granted]:
        """Act on the project of this name, in any spelling, real or held.

        Raises:
            NotHere: there is none, or none that the actor may read.
            NotAllowed: the actor may read it, and may not do this.
            SignInFirst: nobody is signed in, and this is not for everybody.
            ReadOnly: the index takes no such changes for now.
        """
        granted = self._granted(actor, action, name)
        self._check_writable(action)
        with on_behalf_of(None if actor is None else actor.user):
            yield granted

    @contextmanager
    def index(self, actor: Actor | None, action: Action) -> Iterator[None]:
        """Act on the index itself, or on the actor's own account.

        Raises:
            NotHere: it is for administrators, and this is none.
            NotAllowed: the actor's token is not for that.
            SignInFirst: nobody is signed in, and this is not for everybody.
            ReadOnly: the index takes no such changes for now.
        """
        if not may(actor, action, private=self._private):
            if actor is None:
                raise SignInFirst
            if action.startswith("index.") and not actor.administrator:
                raise NotHere
            raise NotAllowed(action)
        self._check_writable(action)
        with on_behalf_of(None if actor is None else actor.user):
            yield

    def _check_writable(self, action: Action) -> None:
        if action not in FROZEN:
            return
        with self._store.read() as reading:
            why = switches.read_only(reading)
        if why is not None:
            raise switches.ReadOnly(why)

    def _granted(self, actor: Actor | None, action: Action, name: str) -> Granted:
        if actor is None and (self._private or action is not Action.PROJECT_READ):
            # Asked for before anything is looked up: it is the same for what is there and what is not.
            raise SignInFirst
        with self._store.read() as reading:
            project = reading.project(name)
            role = None if project is None or actor is None else reading.role(project.id, actor.user.id)
        if project is None:
            raise NotHere
        granted = Granted(project=project, role=role, actor=actor)
        if granted.may(action):
            return granted
        if actor is not None and actor.user.suspended is not None:
            raise NotHere
        readable = may(None, Action.PROJECT_READ, project, private=self._private) or granted.may(Action.PROJECT_READ)
        if readable:
            raise NotAllowed(action)
        raise NotHere
