# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Mints as one statement of PostgreSQL, which is its own transaction: any number of them, in one trip.

It comes out as if one writer came after the other, though it runs READ COMMITTED:

* *Those who change what was decided on* (issuers, switches, publishers, links) do it alone, behind the lock of
  :mod:`trustpub.index.adapters.sql.postgres`. The statement shares that lock. PostgreSQL takes the locks of all tables
  that a statement names before it takes the snapshot that the statement sees, so it sees what they committed before,
  and they wait for what it commits. That is what ``FOR KEY SHARE`` stands here for: it makes the lock on the table one
  that theirs conflicts with. No row meets its condition, so that no row is written to.
* *Mints and uploads beside it*, SERIALIZABLE or by this statement, change of these things only pins and the links of a
  project that becomes real. Whatever they commit after the snapshot comes after this mint: none of them reads what it
  writes, but the claim.
* *The claim* is a row with a unique key. Of two statements that insert it one waits for the other's end, and if that
  was a commit, ``ON CONFLICT DO NOTHING`` leaves the second one nothing: no claim and, as both come of the claim, no
  token and no event. It cannot see the row it lost to, and says no more than that it wrote nothing; a SERIALIZABLE
  transaction then reads that row, and decides what it means. Claims are inserted in the order of their keys, so that
  two statements do not each wait for the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column

from trustpub.index.adapters.sql.rows import columns, rules_text, token_columns
from trustpub.index.adapters.sql.tables import claims, events, tokens
from trustpub.index.ports import Exchange
from trustpub.index.switches import READ_ONLY, STOP_MINTING
from trustpub.trust.publishers import Publisher


@cache
def statement() -> str:
    """It writes what still holds, and tells the ids of the tokens of that."""
    noted = [one for one in events.c if one.name != "id"]  # numbered by the database
    return f"""
WITH standing AS (
    SELECT seen.id
    FROM json_to_recordset(CAST(%(publishers)s AS json))
        AS seen (id text, fields text, immutable text, pin_on_first_use boolean, links jsonb)
    JOIN publishers ON publishers.id = seen.id AND publishers.fields = seen.fields
        AND publishers.immutable = seen.immutable AND publishers.pin_on_first_use = seen.pin_on_first_use
    WHERE seen.links = (
            SELECT COALESCE(
                jsonb_agg(jsonb_build_array(projects.id, projects.name, projects.pending_until, publisher_links.rules)
                    ORDER BY projects.id),
                '[]'
            )
            FROM publisher_links JOIN projects ON projects.id = publisher_links.project_id
            WHERE publisher_links.publisher_id = seen.id
        )
        AND NOT EXISTS (SELECT FROM alembic_version WHERE version_num = '' FOR KEY SHARE)
), held AS (
    SELECT asked.*
    FROM {_rows("claims", claims.c, "publisher_id text", "kind text")}
    JOIN standing ON standing.id = asked.publisher_id
    JOIN issuers ON issuers.url = asked.issuer AND issuers.kind = asked.kind AND issuers.enabled
    WHERE NOT EXISTS (
        SELECT FROM facts WHERE facts.name IN ('{READ_ONLY}', '{STOP_MINTING}' || asked.kind) AND facts.value <> ''
    )
), claimed AS (
    INSERT INTO claims ({_names(claims.c)}) SELECT {_names(claims.c)} FROM held ORDER BY issuer, key, place
    ON CONFLICT DO NOTHING RETURNING token_id
), minted AS (
    INSERT INTO tokens ({_names(tokens.c)}) SELECT {_names(tokens.c)} FROM {_rows("tokens", tokens.c)}
    WHERE id IN (SELECT token_id FROM claimed)
), told AS (
    INSERT INTO events ({_names(noted)}) SELECT {_names(noted)} FROM {_rows("events", noted, "token_id text")}
    WHERE token_id IN (SELECT token_id FROM claimed) ORDER BY place
)
SELECT token_id FROM claimed
"""  # noqa: S608 - names of columns


@cache
def written() -> str:
    """Tells the ids of those tokens whose exchange is written, whenever that was."""
    return f"""
SELECT claims.token_id FROM {_rows("claims", claims.c)}
JOIN claims ON claims.issuer = asked.issuer AND claims.key = asked.key AND claims.token_id = asked.token_id
"""  # noqa: S608 - names of columns


def values(exchanges: Sequence[Exchange]) -> Mapping[str, str]:
    """What these statements are given: a JSON array for each table."""
    publishers = {one.publisher.id: one.publisher for one in exchanges}
    noted = [(one.token.id, event) for one in exchanges for event in one.events]
    return {
        "publishers": json.dumps([_seen(one) for one in publishers.values()]),
        "claims": json.dumps(
            [
                {**columns(one.use), "place": place, "publisher_id": one.publisher.id, "kind": one.issuer.kind}
                for place, one in enumerate(exchanges)
            ]
        ),
        "tokens": json.dumps([token_columns(one.token) for one in exchanges]),
        "events": json.dumps(
            [
                {**columns(event), "facts": json.dumps(dict(event.facts)), "place": place, "token_id": token_id}
                for place, (token_id, event) in enumerate(noted)
            ]
        ),
    }


def _seen(publisher: Publisher) -> dict[str, Any]:
    """Its row and links, as they are stored."""
    links = sorted(publisher.links, key=lambda link: link.project_id)
    return {
        "id": publisher.id,
        "fields": json.dumps(dict(publisher.fields)),
        "immutable": json.dumps(publisher.immutable),
        "pin_on_first_use": publisher.pin_on_first_use,
        "links": [[one.project_id, one.project, one.pending_until, rules_text(one.rules)] for one in links],
    }


def _rows(parameter: str, wanted: Any, *more: str) -> str:
    """The rows of a JSON array, as a table with these columns, these others, and the place in the array."""
    types = ", ".join([*(f'"{one.name}" {_type(one)}' for one in wanted), "place integer", *more])
    return f"json_to_recordset(CAST(%({parameter})s AS json)) AS asked ({types})"


def _names(wanted: Any) -> str:
    return ", ".join(f'"{one.name}"' for one in wanted)


@cache
def _dialect() -> Any:
    from sqlalchemy.dialects.postgresql import psycopg

    return psycopg.dialect()  # type: ignore[no-untyped-call]


def _type(column: Column[Any]) -> str:
    return column.type.compile(dialect=_dialect())
