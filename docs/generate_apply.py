# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of files for ``trustpub admin apply``, from the schema that they are read by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.index.manage.schema import ISSUER, PROJECT, PUBLISHER, RULES, SCHEMA

INTRODUCTION = (
    "# Files for `trustpub admin apply`\n\n"
    "TOML (`.toml`) or JSON (`.json`), with the same names in both. `trustpub admin apply --schema` prints the JSON "
    "Schema (draft 2020-12) for editors. A key that stands in no table is a fault, so that a misspelled rule is never "
    "left out in silence.\n\n"
    "How to use one: [](../how-to/apply-a-file.md).\n\n"
)

OUTCOMES = (
    "## What becomes of an entry\n\n"
    "| mark | outcome | when |\n|---|---|---|\n"
    "| `+` | `added` | it was not there |\n"
    "| `~` | `changed` | it was there and differed; in what, stands behind it |\n"
    "| `=` | `unchanged` | it is so already; shown with `--verbose` |\n"
    "| `?` | | it is in the index and not in the file; it stays as it is |\n\n"
    "* All of the file happens in one transaction, or nothing of it. Everything wrong with a file is said at once, "
    "each fault with its path.\n"
    "* A project that does not exist is held for the first release of its publishers. Once it is real, `hold-days` "
    "means nothing.\n"
    "* A publisher is found by its issuer and its fields without ids: with another repository, workflow or "
    "environment it is another publisher, and the one before stays until it is removed. Ids never change; to change "
    "them, remove the publisher.\n"
    "* Ids that are not given, and not known from before, are asked of the forge before anything is changed.\n"
    "* `owner` makes a user a member of the project, and takes nobody else away.\n"
    "* An issuer becomes what its entry says; what the entry leaves out is as its kind has it.\n"
    "* Nothing is removed. `trustpub admin publisher remove` and `trustpub admin issuer remove` do that.\n\n"
    "## What `--json` prints\n\n"
    "One object: `applied` (false with `--dry-run`), `changes` (a list of `path`, `what`, `outcome`, `details` and "
    "`warnings`), and `not_in_file` with `issuers` (URLs) and `publishers` (`id`, `project`, `who`).\n\n"
    "The exit code is 0 whether or not something changed, and 2 if the file cannot be applied.\n"
)

_TYPES = {"object": "table", "array": "array", "string": "text", "integer": "whole number", "boolean": "true or false"}


def apply_file_page() -> str:
    """Every key of such a file."""
    parts = [INTRODUCTION]
    tables = (
        ("Top level", SCHEMA),
        ("`issuers`", ISSUER),
        ("`projects`", PROJECT),
        ("`publishers` of a project", PUBLISHER),
        ("`rules` of a publisher", RULES),
    )
    for title, schema in tables:
        parts.append(f"## {title}\n\n{schema['description']}\n\n" + "".join(_rows(schema)) + "\n")
    return "".join((*parts, OUTCOMES))


def _rows(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | value | what it says |\n|---|---|---|\n"
    for name, below in schema["properties"].items():
        must = ", required" if name in schema["required"] else ""
        yield f"| `{name}` | {_kind(below)}{must} | {below['description']} |\n"


def _kind(schema: Mapping[str, Any]) -> str:
    kind = _TYPES[schema["type"]]
    if "minimum" in schema:
        kind += f", {schema['minimum']} to {schema['maximum']}"
    if "items" in schema:
        items = schema["items"]
        kind += " of " + (" or ".join(items["enum"]) if "enum" in items else f"{_TYPES[items['type']]}s")
    return kind
