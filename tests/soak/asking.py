# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to the index of a soak, and a count of what came of them."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..faults.uploading import BOUNDARY, Wheel  # noqa: TID252 - pytest gives these folders no absolute name

SECONDS = 60
"""How long an answer is waited for."""


@dataclass(frozen=True)
class Answer:
    """``status`` 0: the connection was lost, and what became of the request is not known."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def later(self) -> bool:
        """Whether nothing was done, and the same may be asked again."""
        return self.status == 503 and self.headers.get("retry-after", "").isdigit()


@dataclass
class Tally:
    """What all of them were answered."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    took: dict[str, list[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, answer: Answer, seconds: float) -> None:
        with self._lock:
            self.answers[kind, answer.status] += 1
            if answer.ok:
                self.took.setdefault(kind, []).append(seconds)
            if answer.status >= 500 and not answer.later:
                self.wrong.append(f"{kind} was answered {answer.status} {answer.headers} {answer.body[:300]!r}")

    def blame(self, sentence: str) -> None:
        with self._lock:
            self.wrong.append(sentence)

    def count(self, kind: str, status: int | None = None) -> int:
        return sum(number for (one, code), number in self.answers.items() if one == kind and status in (None, code))


class Asking:
    """One connection, opened anew after every failure. For one thread."""

    def __init__(self, url: str, tally: Tally) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
        self._tally = tally

    def close(self) -> None:
        self._connection.close()

    def mint(self, token: str, **more: Any) -> Answer:
        body = json.dumps({"token": token, **more}).encode()
        return self.ask("mint", "POST", "/_/oidc/mint-token", {"Content-Type": "application/json"}, body)

    def upload(self, wheel: Wheel, token: str) -> Answer:
        headers = {
            "Authorization": f"Basic {base64.b64encode(f'__token__:{token}'.encode()).decode()}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Accept": "application/problem+json",
        }
        return self.ask("upload", "POST", "/legacy/", headers, wheel.body)

    def page(self, project: str) -> Answer:
        accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
        return self.ask("read", "GET", f"/simple/{project}/", accept)

    def manage(self, method: str, path: str, token: str, body: Mapping[str, Any]) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self.ask("manage", method, f"/api/v1{path}", headers, json.dumps(body).encode())

    def ask(self, kind: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        begun = time.monotonic()
        try:
            self._connection.request(method, path, body, dict(headers))
            found = self._connection.getresponse()
            lowered = {name.lower(): value for name, value in found.headers.items()}
            answer = Answer(found.status, lowered, found.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            answer = Answer(0, {}, b"")
        self._tally.note(kind, answer, time.monotonic() - begun)
        return answer
