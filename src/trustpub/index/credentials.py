# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Credentials at the door: tokens that people hold, and whether any token may do what it is used for."""

from __future__ import annotations

import base64
import math
import uuid
from contextlib import suppress
from dataclasses import dataclass

from trustpub.errors import TrustpubError, Unreachable
from trustpub.index.kept import ARCHIVED, QUARANTINED, Project, Token, User
from trustpub.index.ports import Clock, Reading, SecretKeys, Store, Writing
from trustpub.index.settings import Settings
from trustpub.packages.names import normalize
from trustpub.protocol.exchange import Problem
from trustpub.secret import Secret
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import (
    BadCaveat,
    Caveat,
    Context,
    Expiry,
    ProjectIds,
    UserId,
    read,
    refusals_at,
    refusals_for,
    values,
    write,
)
from trustpub.trust.publishers import Publisher

TOKEN_USER = "__token__"  # noqa: S105 - a user name
"""The user name that goes with a token in HTTP Basic (PyPI's convention)."""

USE_SECONDS = 3600
"""How exactly it is known when a person's token was last taken: each note is a write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Somebody who came with a token that was made here, is in its time and was not burned."""

    token: Token
    caveats: tuple[Caveat, ...]
    """As presented: the holder may have added some."""
    publisher: Publisher | None
    user: User | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """A name that is free, and that this bearer may take with a first upload."""

    name: str
    owner: User


class Credentials:
    """Issues tokens to people, and judges every token that is presented."""

    def __init__(self, *, store: Store, root_keys: SecretKeys, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._root_keys = root_keys
        self._settings = settings
        self._clock = clock

    def issue_user_token(
        self,
        user: User,
        *,
        scope: str,
        project: Project | None = None,
        lifetime: int | None = None,
        description: str = "",
    ) -> tuple[Token, Secret]:
        """A new token for ``user``, valid ``lifetime`` seconds (None: until removed), for ``project`` or all of theirs.

        ``description`` is what the person calls it; without, it says what it is.
        The secret is shown now or never: it is not kept.
        """
        now = self._clock()
        caveats: list[Caveat] = [UserId(user.id)]
        if project is not None:
            caveats.append(ProjectIds((project.id,)))
        expires = None if lifetime is None else math.ceil(now) + lifetime
        if expires is not None:
            caveats.append(Expiry(expires_at=expires, not_before=math.floor(now)))
        token_id = str(uuid.uuid4())
        row = Token(
            id=token_id,
            key_id=self._root_keys.key_id,
            location=self._settings.host,
            publisher_id=None,
            user_id=user.id,
            description=description or f"{scope} token of {user.name}" + (f" for {project.name}" if project else ""),
            caveats=tuple(values(caveat) for caveat in caveats),
            scope=scope,
            created=math.floor(now),
            expires=expires,
        )
        with self._store.write() as writing:
            writing.add_token(row)
        signed = macaroon.create(
            location=row.location,
            identifier=row.id,
            root_key=root_key(self._root_keys, row),
            caveats=tuple(write(caveat) for caveat in caveats),
        )
        return row, signed.serialize()

    def check_header(self, authorization: str | None) -> Bearer | Problem:
        """Who sent this ``Authorization`` header: Basic with ``__token__``, or Bearer, or Token (PyPI takes all three).

        Checked before the body of a request is read, and time once, here: an upload that began in time may end after
        it. In order: form, row, signature, burned, caveats readable, time, publisher or user still there, and not
        suspended. That a person's token was taken is noted, at most once an hour.
        """
        secret = _from_header(authorization)
        if isinstance(secret, Problem):
            return secret
        try:
            parsed = macaroon.parse(secret)
        except macaroon.BadMacaroon:
            return _UNKNOWN
        with self._store.read() as reading:
            row = reading.token(parsed.identifier)
            root = None if row is None else self._root_keys.root_of(row.key_id, row.id)
            if row is None or root is None or not parsed.signed_by(root):
                return _UNKNOWN
            if row.burned is not None:
                return _refused("the token was burned")
            publisher = reading.publisher(row.publisher_id) if row.publisher_id else None
            user = reading.user_by_id(row.user_id) if row.user_id else None
        try:
            caveats = tuple(read(caveat) for caveat in parsed.caveats)
        except BadCaveat as fault:
            return _refused(str(fault))
        if not caveats:
            # Empty means no: every token made here has at least one.
            return _UNKNOWN
        if why := refusals_at(caveats, self._clock()):
            return _refused(", ".join(why))
        if publisher is None and user is None:
            return _UNKNOWN
        if user is not None and user.suspended is not None:
            return _SUSPENDED
        self._note_use(row)
        return Bearer(token=row, caveats=caveats, publisher=publisher, user=user)

    def _note_use(self, row: Token) -> None:
        """For its holder to see which of theirs are still needed. Nobody is refused because it cannot be noted."""
        now = math.floor(self._clock())
        if row.user_id is None or (row.last_used is not None and 0 <= now - row.last_used < USE_SECONDS):
            return
        with suppress(TrustpubError):
            self._store.transact(lambda writing: writing.note_use(row.id, now))

    def may_upload(self, bearer: Bearer, reading: Reading, project_name: str) -> Project | NewProject | Problem:
        """Whether ``bearer`` may upload to the project of this name, by what ``reading`` sees now.

        Asked once when the name is known, and again in the transaction that makes the upload real: in between the
        token may be burned, the publisher removed, the project taken.
        """
        row = reading.token(bearer.token.id)
        if row is None:
            return _UNKNOWN
        if row.burned is not None:
            return _refused("the token was burned")
        if row.scope != "upload":
            return _refused(f"a token of scope '{row.scope}' cannot upload")
        project = reading.project(project_name)
        if project is not None and project.pending_until is not None and bearer.publisher is None:
            if self._clock() < project.pending_until:
                return _held(project)
            project = None
        found: Project | NewProject | Problem
        if bearer.publisher is not None:
            found = self._publisher_may(bearer, reading, project, project_name)
        else:
            found = self._user_may(bearer, reading, project, project_name)
        # Last: what a project is like is nothing for those who may not upload to it at all.
        return _closed(found, bearer) or found

    def spend(self, bearer: Bearer, writing: Writing) -> Problem | None:
        """Note, in the transaction that makes an upload real, that the token authorises it.

        None, or why it does not: it was for one upload (PEP 807, ``single-use-token``), and that has been.
        """
        return None if writing.spend(bearer.token.id, math.floor(self._clock())) else _SPENT

    def spent(self, bearer: Bearer, reading: Reading) -> Problem | None:
        """The same, asked before any work is done for the upload."""
        row = reading.token(bearer.token.id)
        return _SPENT if row is not None and row.single_use and row.used is not None else None

    def _publisher_may(self, bearer: Bearer, reading: Reading, project: Project | None, name: str) -> Project | Problem:
        publisher = reading.publisher(bearer.publisher.id) if bearer.publisher else None
        if publisher is None:
            return _UNKNOWN
        if project is None:
            detail = (
                f"there is no project '{name}', and a publisher cannot make one: "
                "register it as a pending publisher of this name, or correct the name"
            )
            return Problem(status=400, code="unknown-project", title=_TITLE, detail=detail)
        context = Context(
            project_id=project.id,
            project=project.normalized,
            publisher_id=publisher.id,
            publisher_projects=frozenset(link.project_id for link in publisher.links),
        )
        why = refusals_for(bearer.caveats, context)
        if why and _was_for(bearer, project) and project.id not in context.publisher_projects:
            return _forestalled(publisher, project)
        return _refused(", ".join(why)) if why else project

    def _user_may(
        self, bearer: Bearer, reading: Reading, project: Project | None, name: str
    ) -> Project | NewProject | Problem:
        user = reading.user_by_id(bearer.user.id) if bearer.user else None
        if user is None:
            return _UNKNOWN
        if user.suspended is not None:
            return _SUSPENDED
        context = Context(
            project_id=project.id if project else None,
            project=project.normalized if project else normalize(name),
            user_id=user.id,
        )
        if why := refusals_for(bearer.caveats, context):
            return _refused(", ".join(why))
        if project is None:
            return NewProject(name=name, owner=user)
        if not reading.is_member(project.id, user.id):
            return Problem(
                status=403,
                code="forbidden",
                title=_TITLE,
                detail=f"the user '{user.name}' isn't allowed to upload to project '{project.name}'",
            )
        return project


def root_key(keys: SecretKeys, row: Token) -> bytes:
    """That of a token which is made now.

    Raises:
        Unreachable: the server's secret was replaced since its row was.
    """
    root = keys.root_of(row.key_id, row.id)
    if root is None:
        raise Unreachable("The server's secret was replaced just now.", hint="Ask again.")
    return root


_TITLE = "Upload refused"

_UNKNOWN = Problem(
    status=403,
    code="invalid-credentials",
    title=_TITLE,
    detail=f"invalid or non-existent authentication information: upload with the user name {TOKEN_USER} and a token",
)
"""One text for a token that was never made, is not signed here, or is long gone."""


def _refused(why: str) -> Problem:
    return Problem(status=403, code="invalid-credentials", title=_TITLE, detail=f"invalid API token: {why}")


_SUSPENDED = _refused("the account of its user is suspended")

_SPENT = _refused("it was for one upload, which has been; for another, mint another token")


def _was_for(bearer: Bearer, project: Project) -> bool:
    """Whether the token names this project, so that its holder may know what became of it."""
    return any(isinstance(caveat, ProjectIds) and project.id in caveat.ids for caveat in bearer.caveats)


def _forestalled(publisher: Publisher, project: Project) -> Problem:
    """The token named the project, and its publisher is linked to it no more."""
    # Who is unlinked from a last project is gone, and its tokens with it; what is left was pending and came second.
    cause = "another publisher's first upload made the project"
    if publisher.links:
        cause = f"its publisher was unlinked from it, or {cause}"
    detail = f"the token cannot upload to '{project.name}' any more: {cause}, which its owner may link to this one"
    return Problem(status=403, code="forbidden", title=_TITLE, detail=detail)


def _closed(found: Project | NewProject | Problem, bearer: Bearer) -> Problem | None:
    """Why a project takes no upload, or none of this bearer."""
    if not isinstance(found, Project):
        return None
    if found.status in (ARCHIVED, QUARANTINED):
        how = "is archived and" if found.status == ARCHIVED else "is in quarantine and"
        why = f": {found.status_reason}" if found.status_reason else ""
        detail = f"the project '{found.name}' {how} takes no uploads{why}"
    elif found.trusted_only and bearer.publisher is None:
        detail = f"the project '{found.name}' takes uploads by Trusted Publishing only, and no tokens that people hold"
    else:
        return None
    return Problem(status=403, code="forbidden", title=_TITLE, detail=detail)


def _held(project: Project) -> Problem:
    detail = f"the name '{project.name}' is held for a pending publisher"
    return Problem(status=403, code="forbidden", title=_TITLE, detail=detail)


def _from_header(authorization: str | None) -> Secret | Problem:
    scheme, _, value = (authorization or "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() in {"bearer", "token"}:
        return Secret(value)
    if scheme.lower() != "basic":
        return _UNKNOWN
    try:
        user, colon, token = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return _UNKNOWN
    if not colon:
        return _UNKNOWN
    if user != TOKEN_USER:
        detail = f"user names and passwords are not taken here: the user name is {TOKEN_USER}, the password a token"
        return Problem(status=403, code="invalid-credentials", title=_TITLE, detail=detail)
    return Secret(token.strip())
