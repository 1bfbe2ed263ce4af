# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Writing: what a transaction may change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from packaging.utils import canonicalize_name
from sqlalchemy import and_, bindparam, delete, exists, insert, select, true, update

from trustpub.index.adapters.sql.purging import PurgingWriting
from trustpub.index.adapters.sql.reading import PROJECT_LIST, SqlReading
from trustpub.index.adapters.sql.ready import Ready
from trustpub.index.adapters.sql.rows import (
    attempt_columns,
    columns,
    file_columns,
    identity_key,
    issuer_columns,
    rules_text,
    token_columns,
)
from trustpub.index.adapters.sql.tables import (
    attempts,
    claims,
    counters,
    events,
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
from trustpub.index.adapters.sql.upsert import insert_new, insert_or_update
from trustpub.index.kept import Attempt, Event, File, Issuer, Project, Provenance, Token, Use
from trustpub.packages.names import file_key, look_alike
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Publisher, Rules

_ADD_TOKEN = Ready(insert(tokens))
# Numbered by the database.
_ADD_EVENT = Ready(insert(events).values({one.name: bindparam(one.name) for one in events.c if one.name != "id"}))
_ADD_FILE = Ready(insert(files))
_TOUCH = Ready(update(projects).where(projects.c.id == bindparam("project")).values(serial=projects.c.serial + 1))
_SPEND = Ready(
    update(tokens).where(tokens.c.id == bindparam("token"), tokens.c.used.is_(None)).values(used=bindparam("at"))
)
_SINGLE_USE = Ready(select(tokens.c.single_use).where(tokens.c.id == bindparam("token")))
_CLAIM = Ready(insert_new(claims))
_CLAIMED = Ready(select(claims).where(claims.c.issuer == bindparam("issuer"), claims.c.key == bindparam("key")))


class SqlWriting(SqlReading, PurgingWriting):
    """:class:`trustpub.index.ports.Writing`; sees what it wrote itself."""

    def set_fact(self, name: str, value: str) -> None:
        self._run(insert_or_update(facts, {"name": name, "value": value}, ["name"], {"value": value}))

    def remove_fact(self, name: str) -> bool:
        return self._run(delete(facts).where(facts.c.name == name)) == 1

    def put_issuer(self, issuer: Issuer) -> None:
        values = issuer_columns(issuer)
        self._run(insert_or_update(issuers, values, ["url"], values))

    def switch_issuer(self, url: str, *, on: bool) -> bool:
        other = (issuers.c.url == url) & (issuers.c.enabled != on)
        return self._run(update(issuers).where(other).values(enabled=on)) == 1

    def remove_issuer(self, url: str) -> bool:
        return self._run(delete(issuers).where(issuers.c.url == url)) == 1

    def add_publisher(self, publisher: Publisher) -> None:
        self._run(
            insert(publishers).values(
                id=publisher.id,
                issuer=publisher.issuer,
                kind=publisher.kind,
                lookup=PROVIDERS[publisher.kind].lookup(publisher.fields),
                identity=identity_key(publisher.kind, publisher.fields),
                fields=json.dumps(dict(publisher.fields)),
                immutable=json.dumps(publisher.immutable),
                pin_on_first_use=publisher.pin_on_first_use,
            )
        )
        for link in publisher.links:
            self.link_publisher(publisher.id, link.project_id, link.rules)

    def link_publisher(self, publisher_id: str, project_id: str, rules: Rules) -> None:
        text, key = rules_text(rules), ["publisher_id", "project_id"]
        values = {"publisher_id": publisher_id, "project_id": project_id, "rules": text}
        self._run(insert_or_update(publisher_links, values, key, {"rules": text}))

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
        self._run(insert(projects).values(**columns(project), look_alike=look_alike(project.name)))
        if project.pending_until is None:
            self._project_list_changed()

    def remove_project(self, project_id: str) -> None:
        linked = select(publisher_links.c.publisher_id).where(publisher_links.c.project_id == project_id)
        publisher_ids = list(self._connection.execute(linked).scalars())
        pending = (projects.c.id == project_id) & projects.c.pending_until.is_not(None)
        if self._run(delete(projects).where(pending)) != 1:
            raise ValueError("only a pending project can be removed")
        self._drop_idle_publishers(publisher_ids)

    def make_real(self, project_id: str, *, name: str, publisher_id: str | None) -> Sequence[str]:
        values = {"pending_until": None, "name": name, "serial": projects.c.serial + 1}
        pending = (projects.c.id == project_id) & projects.c.pending_until.is_not(None)
        if self._run(update(projects).where(pending).values(values)) != 1:
            raise ValueError("only a pending project can be made real")
        self._project_list_changed()
        if publisher_id is None:
            return []
        others = (publisher_links.c.project_id == project_id) & (publisher_links.c.publisher_id != publisher_id)
        linked = select(publisher_links.c.publisher_id).where(others).order_by(publisher_links.c.publisher_id)
        lost = list(self._connection.execute(linked).scalars())
        self._run(delete(publisher_links).where(others))
        return lost

    def remind(self, project_id: str) -> None:
        self._run(update(projects).where(projects.c.id == project_id).values(reminded=True))

    def forget_idle_publishers(self, before: int) -> int:
        linked = exists().where(publisher_links.c.publisher_id == publishers.c.id)
        lasting = tokens.c.expires.is_(None) | (tokens.c.expires >= before)
        wanted = exists().where(tokens.c.publisher_id == publishers.c.id, lasting)
        return self._run(delete(publishers).where(~linked, ~wanted))

    def prohibit(self, name: str, reason: str) -> None:
        values = {"name": canonicalize_name(name), "reason": reason}
        self._run(insert_or_update(prohibited_names, values, ["name"], {"reason": reason}))

    def permit(self, name: str) -> bool:
        return self._run(delete(prohibited_names).where(prohibited_names.c.name == canonicalize_name(name))) == 1

    def touch(self, project_id: str) -> None:
        _TOUCH.run(self._driver, {"project": project_id})

    def add_file(self, file: File, provenance: Provenance | None = None) -> None:
        _ADD_FILE.run(self._driver, {**file_columns(file), "normalized": file_key(file.filename)})
        if provenance is not None:
            self._run(insert(provenances).values(columns(provenance)))

    def yank(self, filename: str, reason: str | None) -> None:
        self._change_file(filename, yanked=reason)

    def bury(self, filename: str, at: int) -> None:
        # What is gone is still known to have been there, though its page showed no link to it.
        attested = {"attested": 1} if self.provenance(filename) is not None else {}
        self._change_file(filename, deleted=at, **attested)
        self._run(delete(provenances).where(provenances.c.filename == filename))

    def set_status(self, project_id: str, status: str, reason: str) -> None:
        values = {"status": status, "status_reason": reason, "serial": projects.c.serial + 1}
        self._run(update(projects).where(projects.c.id == project_id).values(values))

    def set_policy(self, project_id: str, *, trusted_only: bool, attestations: str) -> None:
        values = {"trusted_only": int(trusted_only), "attestations": attestations}
        self._run(update(projects).where(projects.c.id == project_id).values(values))

    def add_token(self, token: Token) -> None:
        _ADD_TOKEN.run(self._driver, token_columns(token))

    def burn(self, token_id: str, at: int) -> None:
        self._run(update(tokens).where(tokens.c.id == token_id, tokens.c.burned.is_(None)).values(burned=at))

    def end_tokens(self, at: int, *, key_id: str | None = None) -> int:
        there = and_(tokens.c.burned.is_(None), true() if key_id is None else tokens.c.key_id == key_id)
        live = there & (tokens.c.expires.is_(None) | (tokens.c.expires > at))
        ended = self._run(update(tokens).where(live).values(burned=at))
        self._run(update(tokens).where(there).values(burned=at))
        return ended

    def spend(self, token_id: str, at: int) -> bool:
        if _SPEND.run(self._driver, {"token": token_id, "at": at}).rowcount == 1:
            return True
        row = _SINGLE_USE.row(self._driver, {"token": token_id})
        return row is not None and not row["single_use"]

    def claim(self, use: Use) -> Use | None:
        values = columns(use)
        if _CLAIM.run(self._driver, values).rowcount == 1:
            return None
        row = _CLAIMED.row(self._driver, values)
        if row is None:
            raise RuntimeError("a note stands in the way that is not there")
        return Use(**row)

    def forget_claims(self, before: int) -> int:
        return self._run(delete(claims).where(claims.c.expires < before))

    def forget_tokens(self, before: int) -> int:
        return self._run(delete(tokens).where(tokens.c.publisher_id.is_not(None), tokens.c.expires < before))

    def add_event(self, event: Event) -> None:
        _ADD_EVENT.run(self._driver, {**columns(event), "facts": json.dumps(dict(event.facts))})

    def note_attempt(self, attempt: Attempt, *, most: int) -> None:
        near = attempts.c.project_id.is_not_distinct_from(attempt.project_id)
        again = {"last": attempt.last, "count": attempts.c.count + attempt.count, "peer": attempt.peer}
        if self._run(update(attempts).where(near, attempts.c.digest == attempt.digest).values(again)):
            return
        self._run(insert(attempts).values(attempt_columns(attempt)))
        kept = select(attempts.c.id).where(near).order_by(attempts.c.last.desc(), attempts.c.id).limit(most)
        self._run(delete(attempts).where(near, attempts.c.id.not_in(kept)))

    def forget_attempts(self, before: float) -> int:
        return self._run(delete(attempts).where(attempts.c.last < before))

    def _change_file(self, filename: str, **values: int | str | None) -> None:
        self._run(update(files).where(files.c.filename == filename, files.c.deleted.is_(None)).values(values))
        project = select(files.c.project_id).where(files.c.filename == filename).scalar_subquery()
        self._run(update(projects).where(projects.c.id == project).values(serial=projects.c.serial + 1))

    def _drop_idle_publishers(self, publisher_ids: Sequence[str]) -> None:
        linked = exists().where(publisher_links.c.publisher_id == publishers.c.id)
        self._run(delete(publishers).where(publishers.c.id.in_(publisher_ids), ~linked))

    def _project_list_changed(self) -> None:
        values = {"name": PROJECT_LIST, "value": 1}
        self._run(insert_or_update(counters, values, ["name"], {"value": counters.c.value + 1}))
