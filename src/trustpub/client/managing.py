# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index managed from afar: operations of the protocol's table, asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from trustpub.errors import Declined, Misuse, TrustpubError, Unreachable
from trustpub.http import ATTEMPTS, Http, Response
from trustpub.printable import printable, quoted
from trustpub.protocol.exchange import BadBody, read_object
from trustpub.protocol.management.operation import BASE, Operation
from trustpub.secret import Secret

MAX_ANSWER_BYTES = 256 * 1024 * 1024
"""Of an export of the log."""
_MAX_LINE = 4000
_LONGEST_WAIT = 120.0
"""Seconds: applying a file asks forges."""


class Managed:
    """An index, and the token that it is managed with."""

    def __init__(self, http: Http, url: str, token: Secret) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._token = token

    def ask(self, operation: Operation, values: Mapping[str, Any]) -> Any:
        """What the index answers: the JSON of the operation, or the list of its lines.

        Raises:
            Misuse: it says that something cannot be meant.
            Declined: it says no, or the token is not good for that.
            Unreachable: it does not answer as it should.
        """
        body = None if operation.body is None else _pick(values, operation.members)
        headers = {"Authorization": f"Bearer {self._token.reveal()}", "Accept": "application/json, */*;q=0.1"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        response = self._http.request(
            operation.method,
            self._url + BASE + _path(operation, values),
            headers=headers,
            body=None if body is None else json.dumps(body).encode(),
            max_bytes=MAX_ANSWER_BYTES,
            read_seconds=_LONGEST_WAIT,
            attempts=ATTEMPTS if operation.method == "GET" else 1,
        )
        if response.status != 200:
            raise _refusal(response)
        try:
            if operation.lines:
                return [read_object(one) for one in response.body.splitlines()]
            return read_object(response.body)
        except BadBody:
            raise _no_index() from None


def _path(operation: Operation, values: Mapping[str, Any]) -> str:
    path = operation.path
    for part in operation.parts:
        value = str(values[part])
        if not value or "/" in value or value in (".", ".."):
            raise Declined(f"There is no {part} {quoted(value)} here.")
        path = path.replace(f"{{{part}}}", quote(value, safe=""))
    query = _pick(values, operation.query)
    return f"{path}?{urlencode(query)}" if query else path


def _pick(values: Mapping[str, Any], names: Any) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _refusal(response: Response) -> TrustpubError:
    try:
        problem = read_object(response.body)
    except BadBody:
        return _no_index()
    lines, hint = problem.get("lines"), problem.get("hint")
    given = lines if isinstance(lines, list) and lines else [problem.get("detail")]
    said = [one for one in given if isinstance(one, str)]
    if not said:
        return _no_index()
    # A line may be set in by two blanks, as what is wrong with a file that is applied.
    message = "\n".join(("  " if one.startswith("  ") else "") + printable(one.strip(), _MAX_LINE) for one in said)
    advice = printable(hint, _MAX_LINE) if isinstance(hint, str) else None
    if response.status == 400:
        return Misuse(message, hint=advice)
    if response.status < 500:
        return Declined(message, hint=advice)
    return Unreachable(message, hint=advice)


def _no_index() -> Unreachable:
    return Unreachable(
        "What answers there has no management API.", hint="Give the URL of a trustpub index, as https://index.example"
    )
