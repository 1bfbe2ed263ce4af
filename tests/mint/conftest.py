# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A mint over the real store, an issuer with a real key, and a clock that stands where it is put."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.credentials import Credentials
from trustpub.index.limits import Limits
from trustpub.index.mint import Mint
from trustpub.index.ports import Issuer, NoSuchKey, Project
from trustpub.index.settings import Settings
from trustpub.protocol.exchange import Minted, Problem
from trustpub.tokens.keys import RootKeys
from trustpub.trust.publishers import Link, Publisher

NOW = 1_790_000_000.25
ISSUER = "https://ci.example"
AUDIENCE = "index_example_1234"


@dataclass
class FixedClock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


class GivenKeys:
    """The keys an issuer was registered with; none is ever fetched."""

    def get(self, issuer: Issuer, kid: str) -> Mapping[str, Any]:
        for key in (issuer.jwks or {"keys": []})["keys"]:
            if key.get("kid") == kid:
                return dict(key)
        raise NoSuchKey


@dataclass
class Bench:
    """Everything a test of the mint needs in one hand."""

    store: SqlStore
    key: RSAKey
    clock: FixedClock = field(default_factory=FixedClock)
    root_keys: RootKeys = field(default_factory=lambda: RootKeys(b"a server secret for tests, 32 b.."))
    limits: Limits = field(default_factory=Limits)
    settings: Settings = field(default_factory=lambda: Settings(public_url="https://index.example", audience=AUDIENCE))

    @property
    def mint(self) -> Mint:
        return Mint(
            store=self.store,
            keys=GivenKeys(),
            root_keys=self.root_keys,
            settings=self.settings,
            clock=self.clock,
            limits=self.limits,
        )

    @property
    def credentials(self) -> Credentials:
        return Credentials(store=self.store, root_keys=self.root_keys, settings=self.settings, clock=self.clock)

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock.now)
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": AUDIENCE, "iat": now, "nbf": now - 600, "exp": now + 300, "jti": "jti-1",
            "sub": "repo:octo-org/hello:environment:release",
            "repository": "octo-org/hello", "repository_id": "456789",
            "repository_owner": "octo-org", "repository_owner_id": "123456",
            "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1",
            "ref": "refs/tags/v1", "sha": "f" * 40, "event_name": "push", "environment": "release",
        }  # fmt: skip
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def identity_token(self, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        head = {"alg": "RS256", "typ": "JWT", "kid": "key-1", **(header or {})}
        return jwt.encode(
            {name: value for name, value in head.items() if value is not None}, self.claims(**changes), self.key
        )

    def try_mint(self, token: str | None = None, **changes: Any) -> Minted | Problem:
        body = json.dumps({"token": token or self.identity_token(**changes)}).encode()
        return self.mint.mint(body, "192.0.2.7")

    def minted(self, **changes: Any) -> Minted:
        answer = self.try_mint(**changes)
        assert isinstance(answer, Minted), answer
        return answer

    def refused(self, token: str | None = None, **changes: Any) -> Problem:
        answer = self.try_mint(token, **changes)
        assert isinstance(answer, Problem)
        return answer

    def add_publisher(
        self, publisher_id: str = "pub-1", *, pin: bool = False, without: tuple[str, ...] = (), **fields: str
    ) -> None:
        wanted = {
            "repository": "octo-org/hello", "workflow": "release.yml", "environment": "release",
            "owner_id": "123456", "repository_id": "456789", **fields,
        }  # fmt: skip
        publisher = Publisher(
            id=publisher_id,
            issuer=ISSUER,
            kind="github",
            fields={name: value for name, value in wanted.items() if name not in without},
            links=(Link(project_id="project-1", project="Hello"),),
            pin_on_first_use=pin,
        )
        with self.store.write() as writing:
            writing.add_publisher(publisher)

    def add_project(self, project_id: str, name: str, pending_until: int | None = None) -> Project:
        project = Project(
            id=project_id, name=name, normalized=name.lower(), created=0, pending_until=pending_until, serial=1
        )
        with self.store.write() as writing:
            writing.add_project(project)
        return project


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "key-1"})


@pytest.fixture
def bench(tmp_path: Path, signing_key: RSAKey) -> Iterator[Bench]:
    """An issuer, a real project and its publisher."""
    store = SqlStore(tmp_path / "index.db")
    store.upgrade()
    bench = Bench(store=store, key=signing_key)
    with store.write() as writing:
        jwks = {"keys": [signing_key.as_dict(private=False)]}
        writing.put_issuer(Issuer(url=ISSUER, kind="github", jwks=jwks))
    bench.add_project("project-1", "Hello")
    bench.add_publisher()
    yield bench
    store.close()
