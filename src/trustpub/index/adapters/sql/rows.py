# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From rows to what they mean, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from trustpub.index.kept import (
    Attempt,
    Compared,
    Event,
    File,
    Invitation,
    Issuer,
    Letter,
    Login,
    Near,
    Project,
    Provenance,
    Session,
    Token,
    Use,
    User,
)
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import Terms
from trustpub.trust.publishers import Link, Publisher, Rules

Row = Mapping[Any, Any]

_NAMES: Mapping[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (Attempt, Event, File, Invitation, Letter, Login, Project, Provenance, Session, Token, Use, User)
}


def columns(value: Any) -> dict[str, Any]:
    """The fields of one of the port's values. (``asdict`` copies what is in them too, which takes its time.)"""
    return {name: getattr(value, name) for name in _NAMES[type(value)]}


def identity_key(kind: str, fields: Mapping[str, str]) -> str:
    """What makes a publisher of ``kind`` this one and no other, as one text to be unique by, beside its issuer."""
    means = dict(PROVIDERS[kind].identity_fields(fields))
    return json.dumps(means, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def issuer_columns(issuer: Issuer) -> dict[str, Any]:
    """All of its row, but for whether it is switched on."""
    return {
        "url": issuer.url,
        "kind": issuer.kind,
        "jwks": None if issuer.jwks is None else json.dumps(issuer.jwks),
        "ca": issuer.ca,
        "terms": json.dumps(asdict(issuer.terms)),
        "audience": issuer.audience,
        "jwks_hosts": json.dumps(issuer.jwks_hosts),
        "private": int(issuer.private),
    }


def issuer_of(row: Row) -> Issuer:
    """From all columns, and ``keys_epoch``."""
    return _issuer(**row)


# There are few issuers, and each is read at every mint.
@lru_cache(maxsize=64)
def _issuer(
    terms: str, jwks: str | None, jwks_hosts: str, private: int, enabled: int, keys_epoch: str | None, **columns: Any
) -> Issuer:
    said = json.loads(terms)
    return Issuer(
        jwks=None if jwks is None else json.loads(jwks),
        terms=Terms(**{**said, "algorithms": tuple(said["algorithms"])}),
        jwks_hosts=tuple(json.loads(jwks_hosts)),
        private=bool(private),
        enabled=bool(enabled),
        keys_epoch=int(keys_epoch or 0),
        **columns,
    )


def rules_text(rules: Rules) -> str:
    """JSON of what the rules ask for; what they do not ask for is left out."""
    return json.dumps({name: value for name, value in asdict(rules).items() if value})


@lru_cache(maxsize=256)
def rules_of(text: str) -> Rules:
    """The rules in the text; an unknown one is an error, and not a link without it."""
    asked = json.loads(text)
    if "events" in asked:
        asked["events"] = tuple(asked["events"])
    return Rules(**asked)


def publishers_of(rows: Iterable[Row]) -> list[Publisher]:
    """From rows of a publisher and one of its links, those of one publisher together."""
    found: dict[str, tuple[Row, list[Link]]] = {}
    for row in rows:
        links = found.setdefault(row["id"], (row, []))[1]
        if row["project_id"] is not None:
            link = Link(
                project_id=row["project_id"],
                project=row["project"],
                pending_until=row["pending_until"],
                rules=rules_of(row["rules"]),
            )
            links.append(link)
    return [_publisher(row, links) for row, links in found.values()]


def _publisher(row: Row, links: list[Link]) -> Publisher:
    return Publisher(
        id=row["id"],
        issuer=row["issuer"],
        kind=row["kind"],
        fields=json.loads(row["fields"]),
        immutable=tuple(json.loads(row["immutable"])),
        links=tuple(links),
        pin_on_first_use=bool(row["pin_on_first_use"]),
    )


def project_of(row: Row) -> Project:
    """From all columns, or more."""
    values = {name: row[name] for name in _NAMES[Project]}
    return Project(**{**values, "reminded": bool(row["reminded"]), "trusted_only": bool(row["trusted_only"])})


def file_of(row: Row) -> File:
    """From all columns, or more."""
    values = {name: row[name] for name in _NAMES[File]}
    # Read by the thousand, and many of old ones are empty.
    origin = {} if row["origin"] == "{}" else json.loads(row["origin"])
    return File(**{**values, "attested": bool(row["attested"]), "origin": origin})


def file_columns(file: File) -> dict[str, Any]:
    """All of its row, but for the normal form of its name."""
    return {**columns(file), "origin": json.dumps(dict(file.origin))}


def provenance_of(row: Row) -> Provenance:
    """From all columns."""
    return Provenance(**row)


def token_of(row: Row) -> Token:
    """From all columns."""
    caveats = tuple(_frozen(caveat) for caveat in json.loads(row["caveats"]))
    claims = json.loads(row["claims"])
    return Token(**{**row, "caveats": caveats, "single_use": bool(row["single_use"]), "claims": claims})


def token_columns(token: Token) -> dict[str, Any]:
    """All of its row."""
    return {**columns(token), "caveats": json.dumps(token.caveats), "claims": json.dumps(dict(token.claims))}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def user_of(row: Row) -> User:
    """From all columns, or more."""
    return User(**{**{name: row[name] for name in _NAMES[User]}, "administrator": bool(row["administrator"])})


def login_of(row: Row) -> Login:
    """From all columns."""
    return Login(**{**row, "recovery": tuple(json.loads(row["recovery"]))})


def login_columns(login: Login) -> dict[str, Any]:
    """All of its row."""
    return {**columns(login), "recovery": json.dumps(login.recovery)}


def session_of(row: Row) -> Session:
    """From all columns."""
    return Session(**{**row, "complete": bool(row["complete"])})


def invitation_of(row: Row) -> Invitation:
    """From all columns."""
    return Invitation(**{**row, "administrator": bool(row["administrator"])})


def letter_of(row: Row) -> Letter:
    """From all columns."""
    return Letter(**row)


def event_of(row: Row) -> Event:
    """From all columns."""
    return Event(
        at=row["at"],
        kind=row["kind"],
        project_id=row["project_id"],
        publisher_id=row["publisher_id"],
        facts=json.loads(row["facts"]),
        number=row["id"],
    )


def attempt_of(row: Row) -> Attempt:
    """From all columns."""
    near = tuple(
        Near(
            publisher_id=one["publisher_id"],
            compared=tuple(Compared(**each) for each in one["compared"]),
            fields=one["fields"],
        )
        for one in json.loads(row["near"])
    )
    values = {name: json.loads(row[name]) for name in ("claims", "reasons", "proposed")}
    return Attempt(**{**row, **values, "near": near})


def attempt_columns(attempt: Attempt) -> dict[str, Any]:
    """All of its row."""
    return {
        **columns(attempt),
        "claims": json.dumps(dict(attempt.claims)),
        "reasons": json.dumps(attempt.reasons),
        "proposed": json.dumps(dict(attempt.proposed)),
        "near": json.dumps([asdict(one) for one in attempt.near]),
    }
