# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of the management API, from the table that it is served by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.index.accounts.authority import ADMINISTRATOR, EVERYBODY, PERSON, WHO, Action
from trustpub.index.kept import MAINTAINER, OWNER
from trustpub.protocol.management.openapi import REFUSALS
from trustpub.protocol.management.operation import BASE, DOCUMENT_PATH, Operation
from trustpub.protocol.management.table import ACCOUNT, INDEX, ISSUERS, PEOPLE, PROJECTS, PUBLISHERS

INTRODUCTION = (
    "# Management API\n\n"
    f"JSON over HTTP, below `{BASE}`: everything that the pages of an index do, and that `trustpub admin` does at a "
    f"`--url`. The index serves an OpenAPI 3.1 document about it at `{DOCUMENT_PATH}`, with every member of every "
    "answer. How to use it: [](../how-to/manage-remotely.md).\n\n"
    "Requests are authorised by a token of scope `manage`, as `Authorization: Bearer TOKEN`; cookies are not looked "
    "at. The token may do what its holder may do in the browser, beside uploads, and what would let somebody who stole "
    "it stay: passwords, second factors, sessions and tokens of one's own. One that was made for a project is good for "
    "that project alone. Every change is in the log with who made it.\n\n"
    "Bodies are JSON objects in UTF-8. Members and parameters that an operation does not know are refused, so that a "
    "misspelled one is never left out in silence. Times are Unix seconds.\n\n"
)

_WHO = {
    EVERYBODY: "everybody who may read the index",
    PERSON: "everybody with an account, about themselves",
    MAINTAINER: "maintainers, owners and administrators",
    OWNER: "owners and administrators",
    ADMINISTRATOR: "administrators",
}
_SECTIONS = (
    ("Projects, files and people", PROJECTS),
    ("Publishers and refused attempts", PUBLISHERS),
    ("One's own account", ACCOUNT),
    ("Issuers", ISSUERS),
    ("Accounts, invitations and tokens", PEOPLE),
    ("The index", INDEX),
)


def management_page() -> str:
    """Every operation: its address, what it takes and who may."""
    parts = [INTRODUCTION, "## Refusals\n\n| status | when |\n|---|---|\n"]
    parts += [f"| {status} | {when} |\n" for status, when in REFUSALS.items()]
    parts.append(
        "\nThe body is a problem (RFC 9457), as those of the exchange and of uploads: see [](problem-codes.md). Beside "
        "the usual members it has `lines`, everything that is wrong, a sentence each, and where there is something to "
        "do about it a `hint`.\n"
    )
    for title, operations in _SECTIONS:
        parts.append(f"\n## {title}\n")
        for one in operations:
            parts += _operation(one)
    return "".join(parts)


def _operation(one: Operation) -> Iterator[str]:
    yield f"\n### `{one.method} {BASE}{one.path}`\n\n{one.says}{' ' + one.more if one.more else ''}\n\n"
    yield f"For {_WHO[WHO[Action(one.action)]]} (`{one.action}`).\n"
    if one.query:
        yield "\n| in the query | | |\n|---|---|---|\n"
        yield from (_row(name, shape, name in one.required) for name, shape in one.query.items())
    if one.body is not None and one.members:
        required = one.body["required"]
        yield "\n| in the body | | |\n|---|---|---|\n"
        yield from (_row(name, shape, name in required) for name, shape in one.body["properties"].items())
    members = ", ".join(f"`{name}`" for name in one.answer.get("properties", {}))
    how = "A JSON object a line (`application/x-ndjson`), each with" if one.lines else "The answer has"
    yield f"\n{how} {members}.\n"


def _row(name: str, shape: Mapping[str, Any], required: bool) -> str:
    limits = [f"one of {', '.join(f'`{one}`' for one in shape['enum'])}"] if "enum" in shape else []
    if "minimum" in shape or "maximum" in shape:
        limits.append(f"{shape.get('minimum', 0)} to {shape['maximum']}")
    kind = _KINDS[shape["type"]] + (f" ({', '.join(limits)})" if limits else "")
    says = str(shape["description"]).replace("|", "\\|").replace("*", "\\*")
    return f"| `{name}`{', required' if required else ''} | {kind} | {says} |\n"


_KINDS = {"object": "object", "array": "array", "string": "text", "integer": "whole number", "boolean": "true or false"}
