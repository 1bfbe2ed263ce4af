# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Caveats: what a token may be used for, each a JSON array whose first value is a tag.

Tags and fields are PyPI's (pypi/warehouse, ``warehouse/macaroons/caveats``). Rule of evolution: a tag never changes
its meaning, fields are only ever added at the end. So values beyond the known fields are passed over, while a tag
that is not known refuses, because what it forbids is not known either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who uses a token, and for which project."""

    project_id: str | None = None
    project: str | None = None
    """Its normal form (PEP 503)."""
    user_id: str | None = None
    publisher_id: str | None = None
    publisher_projects: frozenset[str] = frozenset()
    """Ids of the projects the publisher is linked to now."""


class BadCaveat(ValueError):
    """A caveat that cannot be read, and so cannot hold. The message is for the token's holder."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Tag 0. Valid from ``not_before`` to just before ``expires_at``, whole Unix seconds, no leeway."""

    tag: ClassVar[int] = 0
    expires_at: int
    not_before: int

    def refuses_at(self, now: float) -> str | None:
        """Why it does not hold at ``now``."""
        if now < self.not_before:
            return "token is not valid yet"
        return "token is expired" if now >= self.expires_at else None


@dataclass(frozen=True, slots=True)
class ProjectNames:
    """Tag 1. Only the projects of these names, in normal form."""

    tag: ClassVar[int] = 1
    names: tuple[str, ...]

    def refuses(self, context: Context) -> str | None:
        """Why it does not hold in ``context``."""
        if context.project is None:
            return "project-scoped token used outside of a project context"
        return None if context.project in self.names else _not_for(context)


@dataclass(frozen=True, slots=True)
class ProjectIds:
    """Tag 2. Only the projects with these ids."""

    tag: ClassVar[int] = 2
    ids: tuple[str, ...]

    def refuses(self, context: Context) -> str | None:
        """Why it does not hold in ``context``."""
        if context.project is None:
            return "project-scoped token used outside of a project context"
        return None if context.project_id in self.ids else _not_for(context)


@dataclass(frozen=True, slots=True)
class UserId:
    """Tag 3. Only on behalf of this person."""

    tag: ClassVar[int] = 3
    user_id: str

    def refuses(self, context: Context) -> str | None:
        """Why it does not hold in ``context``."""
        return None if context.user_id == self.user_id else "token belongs to another user"


@dataclass(frozen=True, slots=True)
class PublisherId:
    """Tag 4. Only on behalf of this publisher, for a project it is still linked to."""

    tag: ClassVar[int] = 4
    publisher_id: str

    def refuses(self, context: Context) -> str | None:
        """Why it does not hold in ``context``."""
        if context.publisher_id != self.publisher_id:
            return "token belongs to another publisher"
        if context.project is None:
            return "publisher-scoped token used outside of a project context"
        return None if context.project_id in context.publisher_projects else _not_for(context)


Caveat: TypeAlias = Expiry | ProjectNames | ProjectIds | UserId | PublisherId


def _not_for(context: Context) -> str:
    return f"token is not valid for project '{context.project}'"


def write(caveat: Caveat) -> bytes:
    """The array as compact JSON, in PyPI's order of fields."""
    return write_values(values(caveat))


_COMPACT = json.JSONEncoder(separators=(",", ":"))


def write_values(stored: Sequence[Any]) -> bytes:
    """The same of tag and fields as they are stored, so that a token can be made again from its row."""
    return _COMPACT.encode(stored).encode()


def values(caveat: Caveat) -> tuple[Any, ...]:
    """Tag and fields, as they are stored beside the token's row."""
    match caveat:
        case Expiry():
            return (0, caveat.expires_at, caveat.not_before)
        case ProjectNames():
            return (1, list(caveat.names))
        case ProjectIds():
            return (2, list(caveat.ids))
        case UserId():
            return (3, caveat.user_id)
        case _:  # PublisherId
            return (4, caveat.publisher_id, None)  # the third field is deprecated: claims, always null


def read(data: bytes) -> Caveat:
    """The caveat in ``data``.

    Raises:
        BadCaveat: not an array, a tag that is not known, too few fields, or fields of another type.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise BadCaveat("caveat is not JSON") from None
    if not isinstance(value, list):
        raise BadCaveat("caveat must be an array")
    match value:
        case []:
            raise BadCaveat("caveat array cannot be empty")
        case [tag, *_] if type(tag) is not int:
            raise BadCaveat("caveat has a tag that is not a number")
        case [0, int() as expires, int() as start, *_] if type(expires) is int and type(start) is int:
            return Expiry(expires, start)
        case [1, list() as names, *_] if _texts(names):
            return ProjectNames(tuple(names))
        case [2, list() as ids, *_] if _texts(ids):
            return ProjectIds(tuple(ids))
        case [3, str() as user_id, *_]:
            return UserId(user_id)
        case [4, str() as publisher_id, *_]:
            return PublisherId(publisher_id)
        case [tag, *_] if tag in range(5):
            raise BadCaveat(f"caveat {tag} has missing or invalid values")
        case _:
            raise BadCaveat("caveat has an unknown tag")


def refusals_at(caveats: tuple[Caveat, ...], now: float) -> list[str]:
    """Which caveats about time do not hold at ``now``, in words."""
    found = (caveat.refuses_at(now) for caveat in caveats if isinstance(caveat, Expiry))
    return _distinct(found)


def refusals_for(caveats: tuple[Caveat, ...], context: Context) -> list[str]:
    """Which caveats about project, person or publisher do not hold in ``context``, in words."""
    found = (caveat.refuses(context) for caveat in caveats if not isinstance(caveat, Expiry))
    return _distinct(found)


def _distinct(found: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(one for one in found if one is not None))


def _texts(found: list[Any]) -> bool:
    return all(isinstance(one, str) for one in found)
