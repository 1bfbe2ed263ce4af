# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who may read a private index, and what of it.

A token of scope ``read`` reads everything, unless it was made for some projects: then those alone, and all others are
to its holder as if they were not. Tokens are judged by their signature; there is no password, and so no slow hash.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from threading import Lock

from trustpub.index.credentials import TOKEN_USER, Bearer, Credentials
from trustpub.index.kept import Project
from trustpub.index.ports import Clock, Reading, Store
from trustpub.packages.names import normalize
from trustpub.protocol.exchange import Problem
from trustpub.protocol.scopes import READ
from trustpub.tokens.caveats import Context, Expiry, ProjectIds, ProjectNames, PublisherId, refusals_for

_REMEMBERED = 1024
"""Credentials that are not judged again as long as nothing at all was written."""

_OF_PROJECT = re.compile(r"/(?:(?:legacy/)?\+?simple|pypi|integrity)/([^/]+)(?:/|\Z)")
_OF_FILE = re.compile(r"/packages/[^/]+/[^/]+/[^/]+/([^/]+)\Z")
_LISTS = re.compile(r"/(?:legacy/)?\+?simple/?\Z")
_METADATA = ".metadata"

_TITLE = "Authentication required"
_HOW = f"this index is private: the user name is {TOKEN_USER}, the password a token of scope '{READ}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who may read."""

    only: Mapping[str, str] | None
    """Ids of the projects that they may read, by normal form; None: all there are."""
    until: float | None
    """Unix time from which the token is nothing any more."""


class Readers:
    """Judges what comes with a request to read."""

    def __init__(self, *, store: Store, credentials: Credentials, clock: Clock) -> None:
        self._store = store
        self._credentials = credentials
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[Reader, Hashable]] = OrderedDict()
        self._lock = Lock()

    def at_hand(self, authorization: str | None) -> Reader | None:
        """What :meth:`admit` would answer to one who was admitted before, if that is known without reading anything."""
        with self._lock:
            found = self._known.get(_key(authorization))
        if found is None or found[1] != self._store.state():
            return None
        reader = found[0]
        return None if reader.until is not None and self._clock() >= reader.until else reader

    def admit(self, authorization: str | None) -> Reader | Problem:
        """Who sent this ``Authorization`` header, if they may read: else 401, or 403 where the token is for uploads.

        The answer depends on the header alone, and not on what is asked for: it says nothing of what is here.
        """
        state = self._store.state()
        if not authorization:
            return _unauthorized(_HOW)
        bearer = self._credentials.check_header(authorization)
        if isinstance(bearer, Problem):
            return _unauthorized(f"{_HOW}. That which was sent is refused: {bearer.detail}")
        if bearer.token.scope != READ:
            detail = f"a token of scope '{bearer.token.scope}' cannot read; {_HOW}"
            return Problem(status=403, code="read-refused", title="Reading refused", detail=detail)
        with self._store.read() as reading:
            reader = _reader(reading, bearer)
        if reader is None:
            return _unauthorized(f"{_HOW}. That which was sent is good for nothing here any more")
        self._remember(_key(authorization), reader, state)
        return reader

    def may_see(self, reader: Reader, path: str) -> bool:
        """Whether what is at ``path`` is for this reader: what no rule here knows is for those who may read all.

        The lists of projects are for everybody, and show to each what they may read.
        """
        if reader.only is None or _LISTS.match(path):
            return True
        if found := _OF_PROJECT.match(path):
            return normalize(found[1]) in reader.only
        if found := _OF_FILE.match(path):
            return self._is_of(reader.only, found[1].removesuffix(_METADATA))
        return False

    def _is_of(self, only: Mapping[str, str], filename: str) -> bool:
        with self._store.read() as reading:
            file = reading.file(filename)
        return file is not None and file.project_id in only.values()

    def _remember(self, key: bytes, reader: Reader, state: Hashable) -> None:
        with self._lock:
            self._known[key] = (reader, state)
            self._known.move_to_end(key)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _key(authorization: str | None) -> bytes:
    """Not the credential itself, which need not lie about in memory."""
    return hashlib.sha256((authorization or "").encode("utf-8", "surrogateescape")).digest()


def _reader(reading: Reading, bearer: Bearer) -> Reader | None:
    """None if the token cannot read anything at all."""
    publisher = None if bearer.publisher is None else reading.publisher(bearer.publisher.id)
    if bearer.publisher is not None and (publisher is None or not publisher.links):
        return None
    linked = frozenset() if publisher is None else frozenset(link.project_id for link in publisher.links)
    user_id = None if bearer.user is None else bearer.user.id

    def refused(project: Project | None) -> bool:
        context = Context(
            project_id=None if project is None else project.id,
            project=None if project is None else project.normalized,
            user_id=user_id,
            publisher_id=None if publisher is None else publisher.id,
            publisher_projects=linked,
        )
        return bool(refusals_for(bearer.caveats, context))

    ends = [one.expires_at for one in bearer.caveats if isinstance(one, Expiry)]
    until = min(ends) if ends else None
    if not refused(None):
        return Reader(only=None, until=until)
    named = [one for one in _named(reading, bearer, linked) if one.pending_until is None and not refused(one)]
    return Reader(only={one.normalized: one.id for one in named}, until=until)


def _named(reading: Reading, bearer: Bearer, linked: frozenset[str]) -> list[Project]:
    """Every project that a caveat of the token speaks of."""
    found: list[Project | None] = []
    for caveat in bearer.caveats:
        match caveat:
            case ProjectIds(ids=ids):
                found += [reading.project_by_id(one) for one in ids]
            case ProjectNames(names=names):
                found += [reading.project(one) for one in names]
            case PublisherId():
                found += [reading.project_by_id(one) for one in linked]
            case _:
                pass
    return [one for one in found if one is not None]


def _unauthorized(detail: str) -> Problem:
    return Problem(status=401, code="unauthorized", title=_TITLE, detail=detail)
