# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document of the management API, from the table of operations and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trustpub.protocol.accept import JSON_TYPE
from trustpub.protocol.exchange import PROBLEM_TYPE
from trustpub.protocol.management.operation import BASE, LINES_TYPE, Operation
from trustpub.protocol.management.table import OPERATIONS
from trustpub.protocol.shapes import several, table, text, whole

REFUSALS: Mapping[int, str] = {
    400: "The request is not what this operation takes, or a value in it cannot be meant.",
    401: "There is no token, or one that is not valid here any more.",
    403: "The token, or its holder, may not do this.",
    404: "There is no such thing, or none that the holder of the token may know of.",
    405: "This address does not take this method; `Allow` names those that it takes.",
    408: "Nothing was sent for a minute.",
    409: "It was understood and cannot be done, or is so already.",
    413: "The body is too large.",
    503: "The index is read-only for now, or its store does not answer.",
    507: "The disk of the index is full.",
}
"""By status: when."""

FOR_EVERYBODY = frozenset({"index.read", "project.read"})
"""Rights that take no token where the index is not private."""

_OF_BODIES = frozenset({408, 413})

PROBLEM = {
    **table(
        "A refusal (RFC 9457).",
        {
            "type": text("The address of a page about this kind of problem."),
            "title": text("In short."),
            "status": whole("As in the status line."),
            "detail": text("What happened, and the value."),
            "message": text("As `title`."),
            "errors": several(
                "The same for clients of other indexes.",
                table("One.", {"code": text("What kind."), "description": text("As `detail`.")}),
            ),
            "lines": several("What happened, a sentence each.", text("A sentence.")),
            "hint": text("What to do about it, where there is something."),
        },
        "type", "title", "status", "detail", "message", "errors",
    ),
    "additionalProperties": True,
}  # fmt: skip


def document(public_url: str, version: str) -> dict[str, Any]:
    """The OpenAPI document of an index.

    Args:
        public_url: where clients find it.
        version: of trustpub.
    """
    paths: dict[str, Any] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Management API of a trustpub index",
            "version": version,
            "description": "Everything that the pages of the index do. Authentication is by a token of scope `manage`; "
            "what it may do is what its holder may do in the browser.",
        },
        "servers": [{"url": public_url + BASE}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of scope `manage`."}
            },
            "schemas": {"Problem": PROBLEM},
            "responses": {
                _named(status): {
                    "description": when,
                    "content": {
                        one: {"schema": {"$ref": "#/components/schemas/Problem"}} for one in (JSON_TYPE, PROBLEM_TYPE)
                    },
                }
                for status, when in REFUSALS.items()
            },
        },
    }


def refusals(operation: Operation) -> tuple[int, ...]:
    """The statuses with which an operation is refused."""
    return tuple(status for status in REFUSALS if operation.body is not None or status not in _OF_BODIES)


def _described(operation: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.name.partition(".")[0]],
        "summary": operation.says,
        "description": " ".join(one for one in (operation.more, f"Right: `{operation.action}`.") if one),
        "parameters": [*map(_part, operation.parts), *(_query(operation, name) for name in operation.query)],
        "responses": {
            "200": {
                "description": "Done.",
                "content": {LINES_TYPE: {}} if operation.lines else {JSON_TYPE: {"schema": operation.answer}},
            },
            **{str(one): {"$ref": f"#/components/responses/{_named(one)}"} for one in refusals(operation)},
        },
    }
    if operation.lines:
        said["responses"]["200"]["description"] = "One event a line, each like those of the list."
    if operation.action in FOR_EVERYBODY:
        said["security"] = [{}, {"token": []}]
    if operation.body is not None:
        said["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": operation.body}}}
    return said


def _part(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(operation: Operation, name: str) -> dict[str, Any]:
    schema = dict(operation.query[name])
    says = schema.pop("description", "")
    return {
        "name": name, "in": "query", "required": name in operation.required, "description": says, "schema": schema,
    }  # fmt: skip


def _named(status: int) -> str:
    return f"Refused{status}"
