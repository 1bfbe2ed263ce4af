# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Reading, by one connection inside one transaction."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from packaging.utils import canonicalize_name
from sqlalchemy import ColumnElement, Text, bindparam, case, exists, func, literal_column, select

from trustpub.index.adapters.sql.people_read import PeopleReading
from trustpub.index.adapters.sql.portable import Texts
from trustpub.index.adapters.sql.ready import Ready
from trustpub.index.adapters.sql.records_read import RecordsReading
from trustpub.index.adapters.sql.rows import (
    file_of,
    issuer_of,
    project_of,
    provenance_of,
    publishers_of,
    token_of,
)
from trustpub.index.adapters.sql.tables import (
    counters,
    facts,
    files,
    issuers,
    prohibited_names,
    projects,
    provenances,
    publisher_links,
    publishers,
    tokens,
)
from trustpub.index.kept import QUARANTINED, File, Issuer, Project, Provenance, Release, Token
from trustpub.index.ports import FORGET_KEYS
from trustpub.packages.names import file_key, look_alike
from trustpub.trust.publishers import Publisher

PROJECT_LIST = "projects"
"""The counter that tells caches that the list of projects changed."""

_SEPARATORS = re.compile(r"[-_.]+")
_PART = re.compile(r"[a-z0-9-]+\Z")
"""What a part of a normal form is; none of it means anything to LIKE."""
_BATCH = 1000
"""Rows that are read at once where there may be very many."""
_MOST_WORDS = 50
"""Of one search. SQLite takes no statement that asks for a thousand things."""

# One statement for rows and links: on PostgreSQL two could see two states.
_PUBLISHERS = (
    select(
        publishers,
        publisher_links.c.rules.label("rules"),
        projects.c.id.label("project_id"),
        projects.c.name.label("project"),
        projects.c.pending_until.label("pending_until"),
    )
    .outerjoin(publisher_links, publisher_links.c.publisher_id == publishers.c.id)
    .outerjoin(projects, projects.c.id == publisher_links.c.project_id)
    .order_by(publishers.c.issuer, publishers.c.identity, publishers.c.id, projects.c.normalized)
)

# Ordered by what no index is in the order of: SQLite would rather read all publishers of the issuer in the right order
# than sort the few that are wanted.
_CANDIDATES = Ready(
    _PUBLISHERS.where(
        publishers.c.issuer == bindparam("issuer"),
        publishers.c.kind == bindparam("kind"),
        publishers.c.lookup == bindparam("lookup"),
    )
    .order_by(None)
    .order_by(publishers.c.identity + "", projects.c.normalized)
)
# How often its keys were to be forgotten is a fact of its own, which outlives the row and is never written with it.
_FORGET_KEYS = literal_column(f"'{FORGET_KEYS}'", Text)
_ISSUERS = select(
    issuers,
    select(facts.c.value).where(facts.c.name == _FORGET_KEYS + issuers.c.url).scalar_subquery().label("keys_epoch"),
)


# What a mint or an upload reads was mostly read before; what the rows say depends on nothing else.
@lru_cache(maxsize=256)
def _read_before(rows: tuple[tuple[Any, ...], ...]) -> tuple[Publisher, ...]:
    return tuple(publishers_of(dict(zip(_CANDIDATES.columns, row, strict=True)) for row in rows))


_FACT = Ready(select(facts.c.value).where(facts.c.name == bindparam("name")))
_ISSUER = Ready(_ISSUERS.where(issuers.c.url == bindparam("url")))
_QUARANTINE = exists().where(projects.c.id == files.c.project_id, projects.c.status == QUARANTINED)
_SERVED = files.c.deleted.is_(None) & ~_QUARANTINE
_TOKEN = Ready(select(tokens).where(tokens.c.id == bindparam("id")))
_SERIAL = Ready(select(counters.c.value).where(counters.c.name == bindparam("name")))
_PUBLISHER = Ready(_PUBLISHERS.where(publishers.c.id == bindparam("id")))
_PROJECT = Ready(select(projects).where(projects.c.normalized == bindparam("name")))
_PROJECT_BY_ID = Ready(select(projects).where(projects.c.id == bindparam("id")))
_FILE = Ready(select(files).where(files.c.filename == bindparam("name")))
_FILE_LIKE = Ready(select(files).where(files.c.normalized == bindparam("key")))
_FILE_BY_DIGEST = Ready(select(files).where(files.c.blake2b_256 == bindparam("digest"), _SERVED))


class SqlReading(PeopleReading, RecordsReading):
    """:class:`trustpub.index.ports.Reading`; good as long as its transaction is open."""

    def fact(self, name: str) -> str | None:
        row = _FACT.row(self._driver, {"name": name})
        return None if row is None else str(row["value"])

    def facts(self, prefix: str) -> Mapping[str, str]:
        begins = func.substr(facts.c.name, 1, len(prefix)) == prefix
        rows = self._connection.execute(select(facts.c.name, facts.c.value).where(begins).order_by(facts.c.name))
        return {str(name): str(value) for name, value in rows}

    def serial(self) -> int:
        row = _SERIAL.row(self._driver, {"name": PROJECT_LIST})
        return 0 if row is None else int(row["value"])

    def issuer(self, url: str) -> Issuer | None:
        row = _ISSUER.row(self._driver, {"url": url})
        return None if row is None else issuer_of(row)

    def issuers(self) -> Sequence[Issuer]:
        return [issuer_of(row) for row in self._connection.execute(_ISSUERS.order_by(issuers.c.url)).mappings()]

    def candidates(self, issuer: str, kind: str, lookups: Collection[str]) -> Sequence[Publisher]:
        found: list[Publisher] = []
        for lookup in sorted(lookups):
            rows = _CANDIDATES.run(self._driver, {"issuer": issuer, "kind": kind, "lookup": lookup}).fetchall()
            found += _read_before(tuple(rows))
        return found

    def publisher(self, publisher_id: str) -> Publisher | None:
        rows = _PUBLISHER.run(self._driver, {"id": publisher_id}).fetchall()
        return next(iter(_read_before(tuple(rows))), None)

    def publishers(self, project: str | None = None) -> Sequence[Publisher]:
        if project is None:
            return self._publishers()
        linked = (
            select(publisher_links.c.publisher_id)
            .join(projects, projects.c.id == publisher_links.c.project_id)
            .where(projects.c.normalized == canonicalize_name(project))
        )
        return self._publishers(publishers.c.id.in_(linked))

    def project(self, name: str) -> Project | None:
        row = _PROJECT.row(self._driver, {"name": canonicalize_name(name)})
        return None if row is None else project_of(row)

    def project_by_id(self, project_id: str) -> Project | None:
        row = _PROJECT_BY_ID.row(self._driver, {"id": project_id})
        return None if row is None else project_of(row)

    def project_like(self, name: str) -> Project | None:
        alike = select(projects).where(projects.c.look_alike == look_alike(name)).order_by(projects.c.normalized)
        row = self._connection.execute(alike.limit(1)).mappings().first()
        return None if row is None else project_of(row)

    def held(self, *, until: int, reminded: bool | None = None) -> Sequence[Project]:
        statement = select(projects).where(projects.c.pending_until <= until)
        if reminded is not None:
            statement = statement.where(projects.c.reminded == reminded)
        ordered = statement.order_by(projects.c.pending_until, projects.c.normalized)
        return [project_of(row) for row in self._connection.execute(ordered).mappings()]

    def prohibited(self, name: str) -> str | None:
        why: str | None = self._value(prohibited_names.c.reason, prohibited_names.c.name == canonicalize_name(name))
        return why

    def prohibited_names(self) -> Sequence[tuple[str, str]]:
        rows = self._connection.execute(select(prohibited_names).order_by(prohibited_names.c.name))
        return [(row.name, row.reason) for row in rows]

    def projects(self) -> Sequence[Project]:
        real = select(projects).where(projects.c.pending_until.is_(None)).order_by(projects.c.normalized)
        return [project_of(row) for row in self._connection.execute(real).mappings()]

    def files(
        self, project_id: str, *, hidden: bool = False, versions: Collection[str] | None = None
    ) -> Sequence[File]:
        found = select(files).where(files.c.project_id == project_id, *(() if hidden else (_SERVED,)))
        if versions is not None:
            found = found.where(files.c.version.in_(sorted(versions)))
        ordered = found.order_by(files.c.uploaded, files.c.filename)
        return [file_of(row) for row in self._connection.execute(ordered).mappings()]

    def releases(self, project_id: str) -> Sequence[Release]:
        here = case((files.c.deleted.is_(None), files.c.size), else_=0)
        columns = (files.c.version, func.min(files.c.uploaded).label("first"), func.sum(here).label("size"))
        found = select(*columns).where(files.c.project_id == project_id).group_by(files.c.version)
        return [Release(**row) for row in self._connection.execute(found).mappings()]

    def all_files(self) -> Iterator[File]:
        """A thousand at a time, as an index may have a great many; and without a cursor that somebody must close."""
        last, more = "", True
        while more:
            found = self._rows(select(files).where(files.c.filename > last).order_by(files.c.filename).limit(_BATCH))
            yield from map(file_of, found)
            more = len(found) == _BATCH
            last = found[-1]["filename"] if found else last

    def kept_below(self, beginning: str) -> Collection[tuple[str, str]]:
        digest = files.c.blake2b_256
        among = (digest >= beginning, digest < beginning + "g", files.c.deleted.is_(None))
        return set(map(tuple, self._connection.execute(select(digest, files.c.filename).where(*among))))

    def provenance(self, filename: str) -> Provenance | None:
        row = self._row(provenances, provenances.c.filename == filename)
        return None if row is None else provenance_of(row)

    def attested(self, project_id: str) -> Mapping[str, bool]:
        known = select(provenances.c.filename, (provenances.c.document != "").label("public"))
        of_it = known.join(files, files.c.filename == provenances.c.filename).where(files.c.project_id == project_id)
        return {row["filename"]: bool(row["public"]) for row in self._connection.execute(of_it).mappings()}

    def file(self, filename: str) -> File | None:
        row = _FILE.row(self._driver, {"name": filename})
        return None if row is None else file_of(row)

    def file_spelled_like(self, filename: str) -> File | None:
        row = _FILE_LIKE.row(self._driver, {"key": file_key(filename)})
        return None if row is None else file_of(row)

    def file_by_digest(self, blake2b_256: str) -> File | None:
        row = _FILE_BY_DIGEST.row(self._driver, {"digest": blake2b_256})
        return None if row is None else file_of(row)

    def token(self, token_id: str) -> Token | None:
        row = _TOKEN.row(self._driver, {"id": token_id})
        return None if row is None else token_of(row)

    def tokens(self) -> Sequence[Token]:
        held = select(tokens).where(tokens.c.publisher_id.is_(None)).order_by(tokens.c.created, tokens.c.id)
        return [token_of(row) for row in self._connection.execute(held).mappings()]

    def search(self, words: str, *, after: str = "", limit: int = 50) -> Sequence[Project]:
        parts = list(dict.fromkeys(_SEPARATORS.sub("-", word.lower()) for word in words.split()))[:_MOST_WORDS]
        if not all(_PART.match(part) for part in parts):
            return []  # no name has such a character, and what LIKE makes of some of them is its own affair
        real = (projects.c.pending_until.is_(None), projects.c.normalized > canonicalize_name(after))
        found = select(projects).where(*real, *(projects.c.normalized.contains(part) for part in parts))
        return [project_of(row) for row in self._rows(found.order_by(projects.c.normalized).limit(limit))]

    def publishers_by_project(self, project_ids: Collection[str]) -> Mapping[str, Sequence[Publisher]]:
        by_project: dict[str, list[Publisher]] = {one: [] for one in project_ids}
        # One parameter, whatever their number: a statement takes 32,766 at most.
        wanted = select(Texts(bindparam(None, json.dumps(list(by_project)))).table_valued("value").c.value)
        linked = select(publisher_links.c.publisher_id).where(publisher_links.c.project_id.in_(wanted))
        for publisher in self._publishers(publishers.c.id.in_(linked)) if by_project else ():
            for link in publisher.links:
                if link.project_id in by_project:
                    by_project[link.project_id].append(publisher)
        return by_project

    def _publishers(self, *conditions: ColumnElement[bool]) -> list[Publisher]:
        statement = _PUBLISHERS.where(*conditions)
        return publishers_of(list(self._connection.execute(statement).mappings()))
