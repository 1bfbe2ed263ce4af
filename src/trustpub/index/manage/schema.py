# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a file for ``admin apply`` may hold: a JSON Schema (draft 2020-12), read by :mod:`trustpub.protocol.shapes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.index.registration import MAX_HOLD_DAYS
from trustpub.protocol import shapes

_TEXT = {"type": "string", "minLength": 1, "maxLength": 1024}
_FLAG = {"type": "boolean"}


def _text(says: str) -> dict[str, Any]:
    return {**_TEXT, "description": says}


def _flag(says: str) -> dict[str, Any]:
    return {**_FLAG, "description": says}


def _seconds(says: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": 86_400, "description": says}


def _texts(says: str, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": {**_TEXT, **more}, "maxItems": 32, "description": says}


def _object(says: str, properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": says,
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


RULES = _object(
    "What a run must be, beyond being the publisher's. Left out: any run will do.",
    {
        "ref": _text("A pattern for the whole ref, as refs/tags/v*: * stands for anything but a slash."),
        "protected-ref": _flag("The forge must say that the ref is protected."),
        "events": _texts("What may have started the run, in the provider's words."),
        "runner": _text("What kind of machine must have run it, as github-hosted."),
    },
)

PUBLISHER = _object(
    "An identity that may publish the project.",
    {
        "provider": _text("Which CI it is, as github. Left out: github."),
        "issuer": _text("Whose tokens the job shows. Left out: the public issuer of that CI, if there is one."),
        "fields": {
            "type": "object",
            "description": "What the job must be, by the names of the provider; for the generic one by claims.",
            "additionalProperties": {"type": ["string", "integer", "boolean"]},
        },
        "immutable": _texts("Of a generic publisher: the fields that are ids and never given to anybody else."),
        "workload": _texts("Of a generic publisher: the fields that say which job it is."),
        "rules": RULES,
        "pin-on-first-use": _flag("Take ids that are not given from the first job that publishes."),
    },
    "fields",
)

PROJECT = _object(
    "A project. If it does not exist, its name is held for a first release by one of its publishers.",
    {
        "name": _text("As it is to be displayed."),
        "owner": _text("Name of the user who owns it, or will once it is real."),
        "hold-days": {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_HOLD_DAYS,
            "description": "For how many days the name is held, counted from when it first was.",
        },
        "publishers": {"type": "array", "items": PUBLISHER, "description": "Who may publish it."},
    },
    "name",
)

ISSUER = _object(
    "An identity provider to believe.",
    {
        "url": _text("Exactly the iss of its tokens."),
        "kind": _text("Whose claims its tokens hold, as gitlab."),
        "jwks": _text("Path of its key set (JSON), from the folder of this file; then its keys are never fetched."),
        "ca": _text("Path of certificates (PEM) to fetch its keys with, from the folder of this file."),
        "algorithms": _texts("What it signs with.", enum=["RS256", "ES256"]),
        "array-audience": _flag("Its tokens have aud as an array of one."),
        "max-age": _seconds("How many seconds old an identity token may be."),
        "max-lifetime": _seconds("For how many seconds an identity token may be made."),
        "token-lifetime": _seconds("How many seconds an upload token lives: 900 to 21600."),
        "jwks-hosts": _texts("Hosts, beside its own, on which its keys may be."),
        "private": _flag("It is at an address of a private network."),
        "accept-shared-audience": _text("The one audience of a CI whose jobs choose none; others are shown it too."),
    },
    "url",
    "kind",
)

SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A file for trustpub admin apply",
    **_object(
        "Issuers, projects and publishers that an index is to have.",
        {
            "$schema": _text("Address of this schema, for editors. Nothing is fetched."),
            "issuers": {"type": "array", "items": ISSUER, "description": "Identity providers to believe."},
            "projects": {"type": "array", "items": PROJECT, "description": "Projects, and who may publish them."},
        },
    ),
}


def faults(value: Any) -> Iterator[str]:
    """Everything in which ``value`` is not such a file: a path and a clause each, never the value."""
    return shapes.faults(value, SCHEMA)
