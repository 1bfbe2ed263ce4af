# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A running index whose issuers have keys of our own, and the list of where it ends otherwise than PyPI."""

from __future__ import annotations

import json
import socket
import threading
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.index.bootstrap import Folder, build_app, open_folder
from trustpub.index.web.app import HTTP_PROTOCOL
from trustpub.protocol.exchange import MINT_PATH

HERE = Path(__file__).parent
NOW = 1_795_260_000
KEY = RSAKey.generate_key(2048, parameters={"kid": "k1", "alg": "RS256", "use": "sig"}, auto_kid=False)
GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
GOOGLE = "https://accounts.google.com"
ACTIVESTATE = "https://platform.activestate.com/api/v1/oauth/oidc"


@dataclass(kw_only=True)
class Clock:
    """A time that stands still until somebody moves it."""

    now: float = float(NOW)

    def __call__(self) -> float:
        return self.now


@dataclass(kw_only=True)
class Index:
    """An index that serves over HTTP, beside the folder that administrators work on."""

    url: str
    folder: Folder
    clock: Clock

    @property
    def audience(self) -> str:
        return self.folder.audience

    def post(self, body: bytes, path: str = MINT_PATH) -> tuple[int, dict[str, Any]]:
        """Status and document of a request, whatever the status."""
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read())

    def mint(self, token: str) -> str:
        """``accept``, or the code of the refusal. Both are also checked to be whole."""
        return outcome(*self.post(json.dumps({"token": token}).encode()))

    def claims(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Claims of a case with its places filled in: the time, and this index's audience instead of PyPI's."""
        times = {"<now>": int(self.clock.now), "<now+300>": int(self.clock.now) + 300}
        filled = {name: times.get(value, value) if isinstance(value, str) else value for name, value in given.items()}
        return filled | ({"aud": self.audience} if filled.get("aud") == "pypi" else {})

    def publisher_of_last_token(self) -> str | None:
        """Who the newest token was given to, as its event says."""
        with self.folder.store.read() as reading:
            minted = next((one for one in reading.events(limit=5) if one.kind == "token-minted"), None)
        return None if minted is None else minted.publisher_id


def outcome(status: int, body: Mapping[str, Any]) -> str:
    """One word for an answer; an answer that is neither a token nor a refusal in every dialect is a failure."""
    if status == 200:
        assert body["success"] is True
        assert body["token"].startswith("pypi-")
        assert isinstance(body["expires"], int)
        return "accept"
    assert 400 <= status < 500, body
    assert body["status"] == status
    (error,) = body["errors"]
    assert error["description"] == body["detail"]
    code: str = error["code"]
    return code


def sign(claims: Mapping[str, Any], key: RSAKey = KEY, **header: Any) -> str:
    """An identity token."""
    made: str = jwt.encode({"alg": "RS256", "typ": "JWT", "kid": "k1", **header}, dict(claims), key)
    return made


@dataclass(kw_only=True)
class Deviations:
    """The list in ``deviations.toml``, and the one way to compare an outcome with PyPI's."""

    listed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def judge(self, case: Mapping[str, Any], wanted: str, found: str) -> None:
        """Fail unless ``found`` is what PyPI says, or what the list says instead."""
        deviation = self.listed.get(case["id"])
        if deviation is None:
            assert found == wanted, f"{case['id']} ({case['why']}): PyPI says {wanted}, and it is not listed otherwise"
            return
        assert found != wanted, f"{case['id']} is listed as a deviation, and ends as on PyPI"
        assert found == deviation["outcome"], f"{case['id']}: listed as {deviation['outcome']}"


@cache
def cases() -> tuple[Mapping[str, Any], ...]:
    """All of them, in the order of the file."""
    return tuple(json.loads((HERE / "pypi_trust_cases.json").read_text(encoding="utf-8")))


@cache
def _listed() -> Mapping[str, Mapping[str, Any]]:
    return {one["case"]: one for one in tomllib.loads((HERE / "deviations.toml").read_text(encoding="utf-8"))["deviation"]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a ``claims_case`` runs over every case of that kind, and so on."""
    for name in metafunc.fixturenames:
        kind, _, rest = name.rpartition("_")
        if rest == "case" and kind:
            chosen = [one for one in cases() if one["kind"] == kind]
            assert chosen, f"no case is of kind {kind}"
            metafunc.parametrize(name, chosen, ids=[one["id"] for one in chosen])


@pytest.fixture(scope="session")
def deviations() -> Deviations:
    """What ends otherwise than on PyPI."""
    return Deviations(listed=_listed())


@pytest.fixture(scope="module")
def open_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Index]]:
    """Make an index that serves until the module ends."""
    ends: list[Callable[[], None]] = []

    def opened(*, rehearsal: bool = False) -> Index:
        clock = Clock()
        listening = socket.create_server(("127.0.0.1", 0))
        url = f"http://localhost:{listening.getsockname()[1]}"
        path = tmp_path_factory.mktemp("index") / "data"
        folder = open_folder(path, create=True, rehearsal=rehearsal, local_url=url, clock=clock)
        app = build_app(folder, folder.settings)
        config = uvicorn.Config(app, http=HTTP_PROTOCOL, lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()

        def end() -> None:
            server.should_exit = True
            thread.join(20)
            listening.close()
            folder.close()

        ends.append(end)
        return Index(url=url, folder=folder, clock=clock)

    yield opened
    for end in ends:
        end()
