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
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.errors import Declined, Misuse
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.registration import Wanted
from trustpub.index.web.app import HTTP_PROTOCOL
from trustpub.protocol.exchange import MINT_PATH

HERE = Path(__file__).parent
NOW = 1_795_260_000
KEY = RSAKey.generate_key(2048, parameters={"kid": "k1", "alg": "RS256", "use": "sig"}, auto_kid=False)
PUBLIC_KEY = KEY.as_dict(private=False)
GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
GOOGLE = "https://accounts.google.com"
ACTIVESTATE = "https://platform.activestate.com/api/v1/oauth/oidc"
ISSUERS = {"github": GITHUB, "gitlab": GITLAB, "google": GOOGLE, "activestate": ACTIVESTATE}


def _github(row: Mapping[str, str]) -> dict[str, str]:
    found = {name: row[name] for name in ("environment", "owner_id", "repository_id") if name in row}
    return found | {"repository": f"{row['owner']}/{row['repository']}", "workflow": row["workflow_filename"]}


def _as_it_is(row: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if name != "issuer_url"}


def _activestate(row: Mapping[str, str]) -> dict[str, str]:
    # PyPI looks the id up by the name of the person; a form has only the name.
    found = {name: row[name] for name in ("organization", "project")}
    return found | {
        "actor_id": row.get("actor_id") or (row["actor"] and str(uuid.uuid5(uuid.NAMESPACE_DNS, row["actor"])))
    }


_FIELDS: Mapping[str, Callable[[Mapping[str, str]], dict[str, str]]] = {
    "github": _github,
    "gitlab": _as_it_is,
    "google": _as_it_is,
    "activestate": _activestate,
}
"""A row of PyPI's, in our words."""
_OPTIONAL = frozenset({"environment", "sub"})
"""Where an empty text means any."""


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
        status, body = self.post(json.dumps({"token": token}).encode())
        return outcome(status, body)

    def claims(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Claims of a case with its places filled in: the time, and this index's audience instead of PyPI's."""
        times = {"<now>": int(self.clock.now), "<now+300>": int(self.clock.now) + 300}
        filled = {name: times.get(value, value) if isinstance(value, str) else value for name, value in given.items()}
        return filled | ({"aud": self.audience} if filled.get("aud") == "pypi" else {})

    def believe(self, issuer: str, kind: str, keys: Sequence[Mapping[str, Any]] | None = (PUBLIC_KEY,)) -> None:
        """Take tokens of this issuer, by these keys; None: by those it is asked for."""
        self.folder.issuers.add(issuer, kind, jwks=None if keys is None else {"keys": list(keys)})

    def register(self, provider: str, row: Mapping[str, str], project: str, *, issuer: str | None = None) -> str | None:
        """The id of a publisher as PyPI's table has it, for a project yet to be made; None: it is none to us.

        PyPI knows fewer ids, or none; those are taken from the first token.
        """
        wanted = Wanted(
            project=project,
            kind=provider,
            issuer=issuer or row.get("issuer_url") or ISSUERS[provider],
            fields={name: value for name, value in _FIELDS[provider](row).items() if value or name not in _OPTIONAL},
            pin_on_first_use=True,
            pending=True,
        )
        try:
            return self.folder.publishers.add(wanted).publisher.id
        except (Misuse, Declined):
            return None

    def unregister(self, publisher_id: str | None) -> None:
        """Undo :meth:`register`."""
        if publisher_id is not None:
            with suppress(Declined):
                self.folder.publishers.remove(publisher_id)

    def switch(self, issuer: str | None, *, on: bool) -> None:
        """Let minting begin or stop, for one issuer or for all."""
        self.folder.issuers.switch(issuer, on=on)

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
    assert 400 <= status < 500 or (status == 503 and "issuer-unavailable" in body["type"]), body
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
    return {
        one["case"]: one for one in tomllib.loads((HERE / "deviations.toml").read_text(encoding="utf-8"))["deviation"]
    }


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
