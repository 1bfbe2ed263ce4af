# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: one table, and a pure function over it. Pages and the management API ask nothing else.

What the table does not name, nobody may. Objects are looked up and the question is asked in
:mod:`trustpub.index.accounts.acting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from trustpub.index.kept import MAINTAINER, OWNER, Project, User


class Action(StrEnum):
    """Everything that pages and the management API can do, by what it is done to."""

    PROJECT_READ = "project.read"
    """Its releases, files and README: of a real project, for all who may read the index."""
    PROJECT_MANAGE = "project.manage"
    """To see its management page."""
    PROJECT_UPLOAD = "project.upload"
    PROJECT_YANK = "project.yank"
    PROJECT_DELETE = "project.delete"
    """Releases and files."""
    PROJECT_ARCHIVE = "project.archive"
    """Archive it, deprecate it, and take that back."""
    PROJECT_QUARANTINE = "project.quarantine"
    PROJECT_POLICY = "project.policy"
    """Trusted Publishing only, and whether attestations are required."""
    PROJECT_MEMBERS_READ = "project.members.read"
    PROJECT_MEMBERS = "project.members"
    """Invite, remove, change roles."""
    PROJECT_PUBLISHERS_READ = "project.publishers.read"
    """Its publishers, and its recent attempts."""
    PROJECT_PUBLISHERS_CHANGE = "project.publishers.change"
    PROJECT_AUDIT = "project.audit"

    ACCOUNT_READ = "account.read"
    """One's own account, as every ``account.…``."""
    ACCOUNT_CHANGE = "account.change"
    """E-mail address, password, second factor, sessions."""
    ACCOUNT_TOKENS_READ = "account.tokens.read"
    ACCOUNT_TOKENS = "account.tokens"
    """Make and end them."""
    ACCOUNT_PENDING_READ = "account.pending.read"
    ACCOUNT_PENDING = "account.pending"
    """Register pending publishers, and take them back."""

    INDEX_READ = "index.read"
    """What is for everybody who may read the index: search, the list of projects."""
    INDEX_USERS = "index.users"
    INDEX_ISSUERS = "index.issuers"
    INDEX_PROJECTS = "index.projects"
    INDEX_PUBLISHERS = "index.publishers"
    INDEX_NAMES = "index.names"
    """Prohibited names."""
    INDEX_SWITCHES = "index.switches"
    """Stop minting, for one provider or all; read-only."""
    INDEX_AUDIT = "index.audit"
    """The whole log, and attempts that came near no project."""
    INDEX_APPLY = "index.apply"
    """Bring the index to what a file declares."""


SESSION: Literal["session"] = "session"
TOKEN: Literal["token"] = "token"  # noqa: S105 - how somebody came

READ_SCOPE, UPLOAD_SCOPE, MANAGE_SCOPE = "read", "upload", "manage"
"""What a token that a person holds can be good for."""
SCOPES = (READ_SCOPE, UPLOAD_SCOPE, MANAGE_SCOPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person who asks for something, and how they came. Nobody in particular is ``None``."""

    user: User
    how: Literal["session", "token"]
    scope: str | None = None
    """Of a token; None for a session."""
    projects: frozenset[str] | None = None
    """Ids of the projects that a token is for; None: all that are the person's, and what is in no project."""

    @property
    def administrator(self) -> bool:
        """Whether the person is one of the whole index."""
        return self.user.administrator


EVERYBODY, PERSON, ADMINISTRATOR = "everybody", "person", "administrator"
"""Beside the two roles in a project: who an action is for."""

WHO: dict[Action, str] = {
    Action.PROJECT_READ: EVERYBODY,
    Action.PROJECT_MANAGE: MAINTAINER,
    Action.PROJECT_UPLOAD: MAINTAINER,
    Action.PROJECT_YANK: MAINTAINER,
    Action.PROJECT_DELETE: OWNER,
    Action.PROJECT_ARCHIVE: OWNER,
    Action.PROJECT_QUARANTINE: ADMINISTRATOR,
    Action.PROJECT_POLICY: OWNER,
    Action.PROJECT_MEMBERS_READ: MAINTAINER,
    Action.PROJECT_MEMBERS: OWNER,
    Action.PROJECT_PUBLISHERS_READ: MAINTAINER,
    Action.PROJECT_PUBLISHERS_CHANGE: OWNER,
    Action.PROJECT_AUDIT: MAINTAINER,
    Action.ACCOUNT_READ: PERSON,
    Action.ACCOUNT_CHANGE: PERSON,
    Action.ACCOUNT_TOKENS_READ: PERSON,
    Action.ACCOUNT_TOKENS: PERSON,
    Action.ACCOUNT_PENDING_READ: PERSON,
    Action.ACCOUNT_PENDING: PERSON,
    Action.INDEX_READ: EVERYBODY,
    Action.INDEX_USERS: ADMINISTRATOR,
    Action.INDEX_ISSUERS: ADMINISTRATOR,
    Action.INDEX_PROJECTS: ADMINISTRATOR,
    Action.INDEX_PUBLISHERS: ADMINISTRATOR,
    Action.INDEX_NAMES: ADMINISTRATOR,
    Action.INDEX_SWITCHES: ADMINISTRATOR,
    Action.INDEX_AUDIT: ADMINISTRATOR,
    Action.INDEX_APPLY: ADMINISTRATOR,
}
"""Who may at the least: a maintainer is meant with every owner, and both with every administrator."""

NOT_FOR_ADMINISTRATORS = frozenset({Action.PROJECT_UPLOAD})
"""What administrators may do only where they are members: a release has to come from its project."""

SESSION_ONLY = frozenset({Action.ACCOUNT_CHANGE, Action.ACCOUNT_TOKENS})
"""What no token is good for: whoever got hold of one could stay for good."""

OF_READ = frozenset({Action.PROJECT_READ, Action.INDEX_READ})
OF_UPLOAD = OF_READ | {Action.PROJECT_UPLOAD}
_OF_SCOPE: dict[str, frozenset[Action]] = {
    READ_SCOPE: OF_READ,
    UPLOAD_SCOPE: OF_UPLOAD,
    MANAGE_SCOPE: frozenset(WHO) - SESSION_ONLY - {Action.PROJECT_UPLOAD},
}

FROZEN = frozenset(
    {
        Action.PROJECT_YANK,
        Action.PROJECT_DELETE,
        Action.PROJECT_ARCHIVE,
        Action.PROJECT_POLICY,
        Action.PROJECT_MEMBERS,
        Action.PROJECT_PUBLISHERS_CHANGE,
        Action.ACCOUNT_PENDING,
    }
)
"""What nobody can do while the index is read-only. What is for administrators goes on: they made it so."""

CONFIRMED = frozenset(
    {
        Action.PROJECT_DELETE,
        Action.PROJECT_MEMBERS,
        Action.PROJECT_PUBLISHERS_CHANGE,
        Action.ACCOUNT_CHANGE,
        Action.ACCOUNT_TOKENS,
        Action.ACCOUNT_PENDING,
        Action.INDEX_USERS,
        Action.INDEX_ISSUERS,
        Action.INDEX_SWITCHES,
        Action.INDEX_APPLY,
    }
)
"""What is dangerous: pages ask for proof anew (``site.skeleton.confirmed``) before they do it."""


def may(
    actor: Actor | None,
    action: Action,
    project: Project | None = None,
    role: str | None = None,
    *,
    private: bool = False,
) -> bool:
    """Whether ``actor`` may.

    Args:
        actor: who; None: anybody.
        action: what.
        project: to which project; None for what is not done to one.
        role: what the person is to that project, one of ``kept.ROLES`` or None.
        private: whether reading the index needs an account.
    """
    who = WHO.get(action)
    if who is None or action.startswith("project.") != (project is not None):
        return False
    if actor is None:
        return who == EVERYBODY and not private and _public(project)
    if actor.user.suspended is not None or not _allows(actor, action, project):
        return False
    if actor.administrator and action not in NOT_FOR_ADMINISTRATORS:
        return True
    if who == EVERYBODY:
        return _public(project) or role is not None
    if who == PERSON:
        return True
    return (role == OWNER and who in (OWNER, MAINTAINER)) or (role == MAINTAINER and who == MAINTAINER)


def _public(project: Project | None) -> bool:
    """A name that is only held is for those who hold it."""
    return project is None or project.pending_until is None


def _allows(actor: Actor, action: Action, project: Project | None) -> bool:
    """Whether the way somebody came allows it, whoever it is."""
    if actor.how == SESSION:
        return True
    if action not in _OF_SCOPE.get(actor.scope or "", frozenset()):
        return False
    if actor.projects is None:
        return True
    return project is not None and project.id in actor.projects
