# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Writing: what a transaction may change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import Executable, delete, exists, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from trustpub.index.adapters.sql.reading import PROJECT_LIST, SqlReading, identity_key
from trustpub.index.adapters.sql.tables import (
    claims,
    counters,
    events,
    facts,
    files,
    issuers,
    members,
    projects,
    publisher_links,
    publishers,
    tokens,
    users,
)
from trustpub.index.ports import Event, File, Issuer, Project, Token, User
from trustpub.packages.names import file_key
from trustpub.trust.publishers import Publisher


class SqlWriting(SqlReading):
    """:class:`trustpub.index.ports.Writing`; sees what it wrote itself."""

    def set_fact(self, name: str, value: str) -> None:
        row = upsert(facts).values(name=name, value=value)
        self._run(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

    def put_issuer(self, issuer: Issuer) -> None:
        jwks = None if issuer.jwks is None else json.dumps(issuer.jwks)
        columns = {"kind": issuer.kind, "jwks": jwks, "ca": issuer.ca}
        row = upsert(issuers).values(url=issuer.url, **columns)
        self._run(row.on_conflict_do_update(index_elements=["url"], set_=columns))

    def remove_issuer(self, url: str) -> bool:
        return self._run(delete(issuers).where(issuers.c.url == url)) == 1

    def add_publisher(self, publisher: Publisher) -> None:
        self._run(
            insert(publishers).values(
                id=publisher.id,
                issuer=publisher.issuer,
                kind=publisher.kind,
                repository=publisher.fields.get("repository", "").lower(),
                identity=identity_key(publisher.kind, publisher.fields),
                fields=json.dumps(dict(publisher.fields)),
                pin_on_first_use=publisher.pin_on_first_use,
            )
        )
        for link in publisher.links:
            self.link_publisher(publisher.id, link.project_id)

    def link_publisher(self, publisher_id: str, project_id: str) -> None:
        row = upsert(publisher_links).values(publisher_id=publisher_id, project_id=project_id)
        self._run(row.on_conflict_do_nothing())

    def unlink_publisher(self, publisher_id: str, project_id: str) -> bool:
        link = (publisher_links.c.publisher_id == publisher_id) & (publisher_links.c.project_id == project_id)
        removed = self._run(delete(publisher_links).where(link)) == 1
        self._drop_idle_publishers([publisher_id])
        return removed

    def pin(self, publisher_id: str, ids: Mapping[str, str]) -> bool:
        stored = self._value(publishers.c.fields, publishers.c.id == publisher_id)
        if stored is None:
            return False
        fields: dict[str, str] = json.loads(stored)
        if any(fields.get(name, value) != value for name, value in ids.items()):
            return False
        # Compared again while it is set: where writers are not one after another, only one of two may win.
        same = (publishers.c.id == publisher_id) & (publishers.c.fields == stored)
        return self._run(update(publishers).where(same).values(fields=json.dumps({**fields, **ids}))) == 1

    def add_project(self, project: Project) -> None:
        self._run(insert(projects).values(**asdict(project)))
        if project.pending_until is None:
            self._project_list_changed()

    def remove_project(self, project_id: str) -> None:
        linked = select(publisher_links.c.publisher_id).where(publisher_links.c.project_id == project_id)
        publisher_ids = list(self._connection.execute(linked).scalars())
        pending = (projects.c.id == project_id) & projects.c.pending_until.is_not(None)
        if self._run(delete(projects).where(pending)) != 1:
            raise ValueError("only a pending project can be removed")
        self._drop_idle_publishers(publisher_ids)

    def make_real(self, project_id: str, *, name: str) -> None:
        values = {"pending_until": None, "name": name, "serial": projects.c.serial + 1}
        self._run(update(projects).where(projects.c.id == project_id).values(values))
        self._project_list_changed()

    def touch(self, project_id: str) -> None:
        self._run(update(projects).where(projects.c.id == project_id).values(serial=projects.c.serial + 1))

    def add_member(self, project_id: str, user_id: str) -> None:
        """To a pending project: its owner-to-be, who counts as a member from :meth:`make_real` on."""
        self._run(upsert(members).values(project_id=project_id, user_id=user_id).on_conflict_do_nothing())

    def add_file(self, file: File) -> None:
        self._run(insert(files).values(**asdict(file), normalized=file_key(file.filename)))

    def add_user(self, user: User) -> None:
        self._run(insert(users).values(**asdict(user), folded=user.name.lower()))

    def add_token(self, token: Token) -> None:
        self._run(insert(tokens).values(**{**asdict(token), "caveats": json.dumps(token.caveats)}))

    def burn(self, token_id: str, at: int) -> None:
        self._run(update(tokens).where(tokens.c.id == token_id, tokens.c.burned.is_(None)).values(burned=at))

    def claim(self, issuer: str, key: str, expires: int) -> bool:
        row = upsert(claims).values(issuer=issuer, key=key, expires=expires)
        return self._run(row.on_conflict_do_nothing()) == 1

    def forget_claims(self, before: int) -> int:
        return self._run(delete(claims).where(claims.c.expires < before))

    def forget_tokens(self, before: int) -> int:
        return self._run(delete(tokens).where(tokens.c.publisher_id.is_not(None), tokens.c.expires < before))

    def add_event(self, event: Event) -> None:
        self._run(insert(events).values(**{**asdict(event), "facts": json.dumps(dict(event.facts))}))

    def _drop_idle_publishers(self, publisher_ids: Sequence[str]) -> None:
        linked = exists().where(publisher_links.c.publisher_id == publishers.c.id)
        self._run(delete(publishers).where(publishers.c.id.in_(publisher_ids), ~linked))

    def _project_list_changed(self) -> None:
        row = upsert(counters).values(name=PROJECT_LIST, value=1)
        self._run(row.on_conflict_do_update(index_elements=["name"], set_={"value": counters.c.value + 1}))

    def _run(self, statement: Executable) -> int:
        return self._connection.execute(statement).rowcount
