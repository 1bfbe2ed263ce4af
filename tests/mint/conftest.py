# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A mint over the real store, an issuer with a real key, and a clock that stands where it is put."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.credentials import Credentials
from trustpub.index.kept import Attempt, Event, Issuer, Project, Token
from trustpub.index.limits import Limits
from trustpub.index.mint import Mint
from trustpub.index.ports import IssuerDown, NoSuchKey
from trustpub.index.settings import Settings
from trustpub.index.upload import Accepted, Upload
from trustpub.protocol.exchange import Minted, Problem
from trustpub.tokens import macaroon
from trustpub.tokens.keys import RootKeys
from trustpub.trust.publishers import Link, Publisher

NOW = 1_790_000_000.25
ISSUER = "https://ci.example"
AUDIENCE = "index_example_1234"
PEER = "192.0.2.7"
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nHello.\n"


@cache  # gzip writes the time into it, and the same again must be the same
def sdist(name: str, version: str) -> bytes:
    content = METADATA.format(name=name, version=version).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def at_once(*asked: Callable[[], Any]) -> list[Any]:
    """What each answers, all asked at the same moment."""
    start = threading.Barrier(len(asked))
    with ThreadPoolExecutor(len(asked)) as pool:

        def ask(one: Callable[[], Any]) -> Any:
            start.wait()
            return one()

        return list(pool.map(ask, asked))


@dataclass
class FixedClock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


class GivenKeys:
    """The keys an issuer was registered with; none is ever fetched."""

    down = False

    def at_hand(self, issuer: Issuer, kid: str) -> bool:
        return True

    def get(self, issuer: Issuer, kid: str) -> Mapping[str, Any]:
        if self.down:
            raise IssuerDown("it does not answer", 17)
        for key in (issuer.jwks or {"keys": []})["keys"]:
            if key.get("kid") == kid:
                return dict(key)
        raise NoSuchKey


@dataclass
class Bench:
    """Everything a test of the mint needs in one hand."""

    store: SqlStore
    key: RSAKey
    blobs: FolderBlobs
    clock: FixedClock = field(default_factory=FixedClock)
    keys: GivenKeys = field(default_factory=GivenKeys)
    root_keys: RootKeys = field(default_factory=lambda: RootKeys(b"a server secret for tests, 32 b.."))
    limits: Limits = field(default_factory=Limits)
    settings: Settings = field(default_factory=lambda: Settings(public_url="https://index.example", audience=AUDIENCE))

    @cached_property
    def mint(self) -> Mint:
        """One, as a server has it: it remembers what it noted."""
        return self.another_mint()

    def another_mint(self) -> Mint:
        """The same after a restart."""
        return Mint(
            store=self.store,
            keys=self.keys,
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

    def body(self, token: str | None = None, *, features: Any = None, **changes: Any) -> bytes:
        wish = {} if features is None else {"features": features}
        return json.dumps({"token": token or self.identity_token(**changes), **wish}).encode()

    def try_mint(self, token: str | None = None, *, peer: str = PEER, **changes: Any) -> Minted | Problem:
        return self.mint.mint(self.body(token, **changes), peer)

    def minted(self, token: str | None = None, **changes: Any) -> Minted:
        answer = self.try_mint(token, **changes)
        assert isinstance(answer, Minted), answer
        return answer

    def refused(self, token: str | None = None, **changes: Any) -> Problem:
        answer = self.try_mint(token, **changes)
        assert isinstance(answer, Problem)
        return answer

    def row(self, minted: Minted) -> Token:
        with self.store.read() as reading:
            row = reading.token(macaroon.parse(minted.token).identifier)
        assert row is not None
        return row

    def burn(self, minted: Minted) -> None:
        assert self.mint.burn(json.dumps({"token": minted.token.reveal()}).encode()) is None

    def upload(self, minted: Minted, name: str = "hello", version: str = "1.0") -> Accepted | Problem:
        """A small sound source distribution, with the minted token."""
        upload = Upload(
            store=self.store,
            blobs=self.blobs,
            credentials=self.credentials,
            settings=self.settings,
            clock=self.clock,
        )
        content, filename = sdist(name, version), f"{name}-{version}.tar.gz"
        bearer = upload.admit(f"Bearer {minted.token.reveal()}")
        if isinstance(bearer, Problem):
            return bearer
        fields = {
            ":action": "file_upload", "protocol_version": "1", "filetype": "sdist", "pyversion": "source",
            "metadata_version": "2.1", "name": name, "version": version,
            "sha256_digest": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        with upload.begin(bearer) as arrival:
            arrival.open(md5=False)
            arrival.write(content)
            return upload.accept(bearer, fields.items(), filename, arrival)

    def events(self, kind: str | None = None, *, project_id: str | None = None) -> list[Event]:
        with self.store.read() as reading:
            return [one for one in reading.events(project_id=project_id) if kind in (None, one.kind)]

    def attempts(self, project_id: str | None) -> list[Attempt]:
        with self.store.read() as reading:
            return list(reading.attempts(project_id=project_id, limit=2000))

    def set_issuer(self, **changes: Any) -> None:
        with self.store.write() as writing:
            known = writing.issuer(ISSUER)
            assert known is not None
            writing.put_issuer(replace(known, **changes))

    def add_publisher(
        self,
        publisher_id: str = "pub-1",
        *,
        pin: bool = False,
        without: tuple[str, ...] = (),
        links: tuple[Link, ...] = (Link(project_id="project-1", project="Hello"),),
        **fields: str,
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
            links=links,
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
def together() -> Callable[..., list[Any]]:
    return at_once


@pytest.fixture
def bench(tmp_path: Path, signing_key: RSAKey) -> Iterator[Bench]:
    """An issuer, a real project and its publisher."""
    store = SqlStore(tmp_path / "index.db")
    store.upgrade()
    bench = Bench(store=store, key=signing_key, blobs=FolderBlobs(tmp_path))
    with store.write() as writing:
        jwks = {"keys": [signing_key.as_dict(private=False)]}
        writing.put_issuer(Issuer(url=ISSUER, kind="github", jwks=jwks))
    bench.add_project("project-1", "Hello")
    bench.add_publisher()
    yield bench
    store.close()
