# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A whole index over SQLite and a folder, with two projects and people and machines who may upload."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import socket
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.attested import Attested
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.credentials import Credentials
from trustpub.index.kept import Issuer, Project, Token, User
from trustpub.index.limits import Limits
from trustpub.index.mint import Mint
from trustpub.index.ports import NoSuchKey
from trustpub.index.readers import Readers
from trustpub.index.settings import Settings
from trustpub.index.simple import Pages
from trustpub.index.upload import Upload
from trustpub.index.web.app import HTTP_PROTOCOL, build
from trustpub.proofs.roots import Roots
from trustpub.proofs.verify import Checker
from trustpub.secret import Secret
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import Expiry, ProjectIds, PublisherId, values, write
from trustpub.tokens.keys import RootKeys
from trustpub.trust.provider import Terms
from trustpub.trust.publishers import Link, Publisher

from ... import packed  # noqa: TID252 - pytest gives these folders no absolute name
from ...objects import object_server, objects, way  # noqa: F401, TID252 - fixtures

NOW = 1_790_000_000.25
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.9\n\n{body}\n"


class NoKeys:
    """No issuer has any key."""

    def at_hand(self, issuer: Issuer, kid: str) -> bool:
        return True

    def get(self, issuer: Issuer, kid: str) -> Mapping[str, Any]:
        raise NoSuchKey


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def wheel(name: str = "hello", version: str = "1.0", body: str = "Hello.") -> bytes:
    """A small sound wheel; ``body`` makes another file of the same name."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": f"said = {body!r}\n".encode(),
        f"{info}/METADATA": METADATA.format(name=name, version=version, body=body).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\n",
    }
    return packed.wheel(info, contents)


def sdist(name: str = "hello", version: str = "1.0") -> bytes:
    """A small sound source distribution."""
    content = METADATA.format(name=name, version=version, body="Hello.").encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def form(content: bytes, filename: str, **changes: str | None) -> list[tuple[str, str]]:
    """The text fields for a file, as uv sends them; None leaves one out."""
    is_wheel = filename.endswith(".whl")
    fields: dict[str, str | None] = {
        ":action": "file_upload", "protocol_version": "1", "sha256_digest": hashlib.sha256(content).hexdigest(),
        "filetype": "bdist_wheel" if is_wheel else "sdist", "pyversion": "py3" if is_wheel else "source",
        "metadata_version": "2.1", "name": filename.partition("-")[0], "version": "1.0", "requires_python": ">=3.9",
        "unknown_field": "whatever", "summary": "", **changes,
    }  # fmt: skip
    return [(name, value) for name, value in fields.items() if value is not None]


BOUNDARY = "a-boundary-of-ours"


def multipart(
    fields: Sequence[tuple[str, str]], content: bytes | None, filename: str, *, content_first: bool = False
) -> bytes:
    """A body; the part of the file has no Content-Type, as some clients send it."""
    texts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'.encode()
    parts = [] if content is None else [head + content + b"\r\n"]
    return b"".join(parts + texts if content_first else texts + parts) + f"--{BOUNDARY}--\r\n".encode()


@dataclass
class House:
    """The index, and hands to reach into it."""

    store: SqlStore
    blobs: FolderBlobs
    clock: Clock = field(default_factory=Clock)
    root_keys: RootKeys = field(default_factory=lambda: RootKeys(b"a server secret for tests, 32 b.."))
    settings: Settings = field(
        default_factory=lambda: Settings(public_url="https://index.example", audience="index_1", max_file_bytes=2**20)
    )

    @property
    def credentials(self) -> Credentials:
        return Credentials(store=self.store, root_keys=self.root_keys, settings=self.settings, clock=self.clock)

    @property
    def upload(self) -> Upload:
        return Upload(
            store=self.store,
            blobs=self.blobs,
            credentials=self.credentials,
            settings=self.settings,
            clock=self.clock,
            attested=self.attested,
        )

    @property
    def attested(self) -> Attested:
        return Attested(store=self.store, checker=Checker(Roots(self.store.path.parent / "trust")))

    @property
    def app(self) -> ASGIApp:
        mint = Mint(
            store=self.store,
            keys=NoKeys(),
            root_keys=self.root_keys,
            settings=self.settings,
            clock=self.clock,
            limits=Limits(),
        )
        pages = Pages(store=self.store, blobs=self.blobs, settings=self.settings)
        return build(
            mint=mint,
            upload=self.upload,
            pages=pages,
            attested=self.attested,
            blobs=self.blobs,
            store=self.store,
            settings=self.settings,
            readers=Readers(store=self.store, credentials=self.credentials, clock=self.clock),
        )

    def project(self, name: str, *, pending: bool = False) -> Project:
        with self.store.read() as reading:
            known = reading.project(name)
        if known is not None:
            return known
        until = int(self.clock.now) + 1000 if pending else None
        project = Project(
            id=str(uuid.uuid4()), name=name, normalized=name.lower(), created=0, pending_until=until, serial=1
        )
        with self.store.write() as writing:
            writing.add_project(project)
        return project

    def publisher(self, project: Project) -> Publisher:
        """The one of this project."""
        with self.store.read() as reading:
            known = reading.publishers(project.name)
        if known:
            return known[0]
        link = Link(project_id=project.id, project=project.name, pending_until=project.pending_until)
        publisher = Publisher(
            id=str(uuid.uuid4()),
            issuer="https://ci.example",
            kind="github",
            fields={"repository": f"octo/{project.name}", "workflow": "release.yml"},
            links=(link,),
        )
        with self.store.write() as writing:
            if writing.issuer("https://ci.example") is None:
                writing.put_issuer(Issuer(url="https://ci.example", kind="github"))
            writing.add_publisher(publisher)
        return publisher

    def minted(self, publisher: Publisher) -> tuple[str, Secret]:
        """What the mint gives this publisher: the id of the row, and the token."""
        now, token_id = self.clock.now, str(uuid.uuid4())
        caveats = (
            PublisherId(publisher.id),
            ProjectIds(tuple(link.project_id for link in publisher.links)),
            Expiry(expires_at=math.ceil(now) + 900, not_before=math.floor(now)),
        )
        signed = macaroon.create(
            location="index.example",
            identifier=token_id,
            root_key=self.root_keys.root(token_id),
            caveats=tuple(write(one) for one in caveats),
        )
        row = Token(
            id=token_id,
            key_id=self.root_keys.key_id,
            location="index.example",
            publisher_id=publisher.id,
            user_id=None,
            description="",
            caveats=tuple(values(one) for one in caveats),
            scope="upload",
            created=math.floor(now),
            expires=math.ceil(now) + 900,
        )
        with self.store.write() as writing:
            writing.add_token(row)
        return token_id, signed.serialize()

    def user_token(self, name: str = "ada", scope: str = "upload") -> Secret:
        with self.store.write() as writing:
            user = writing.user(name) or User(id=str(uuid.uuid4()), name=name, created=0)
            if writing.user(name) is None:
                writing.add_user(user)
        return self.credentials.issue_user_token(user, scope=scope)[1]

    def staged(self) -> int:
        """How many files are on their way in, or forgotten there."""
        return sum(1 for path in self.store.path.parent.rglob("staging/*") if path.is_file())


class Uploader:
    """A client that uploads with one token."""

    def __init__(self, client: TestClient, token: Secret | None) -> None:
        self._client = client
        basic = base64.b64encode(b"__token__:" + token.reveal().encode()).decode() if token else ""
        self.headers = {"Authorization": f"Basic {basic}"} if token else {}

    def send(
        self,
        content: bytes | None,
        filename: str = "hello-1.0-py3-none-any.whl",
        *,
        accept: str = "application/json",
        content_first: bool = False,
        **changes: str | None,
    ) -> Any:
        body = multipart(form(content or b"", filename, **changes), content, filename, content_first=content_first)
        return self.send_raw(body, accept=accept)

    def send_raw(self, body: bytes, *, accept: str = "application/json", content_type: str | None = None) -> Any:
        headers = {
            **self.headers,
            "Accept": accept,
            "Content-Type": content_type or f"multipart/form-data; boundary={BOUNDARY}",
        }
        return self._client.post("/legacy/", content=body, headers=headers)


@dataclass
class Site:
    """The index on the web."""

    house: House
    client: TestClient

    def uploader(self, token: Secret | None) -> Uploader:
        return Uploader(self.client, token)

    def publishing(self, name: str = "hello", *, pending: bool = False) -> Uploader:
        """One who holds a minted token for the project."""
        return self.uploader(self.house.minted(self.house.publisher(self.house.project(name, pending=pending)))[1])

    wheel = staticmethod(wheel)
    sdist = staticmethod(sdist)
    form = staticmethod(form)
    multipart = staticmethod(multipart)

    def files(self, name: str) -> list[dict[str, Any]]:
        """As JSON shows them."""
        answer = self.client.get(f"/simple/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
        return answer.json()["files"] if answer.status_code == 200 else []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty index."""
    store = SqlStore(tmp_path / "index.db")
    store.upgrade()
    yield House(store=store, blobs=FolderBlobs(tmp_path))
    store.close()


@pytest.fixture
def site(house: House) -> Iterator[Site]:
    """The same on the web."""
    with TestClient(house.app, base_url="https://index.example", follow_redirects=False) as client:
        yield Site(house=house, client=client)


ISSUER = "https://ci.example"


@dataclass
class Live:
    """An index as `serve` makes it: its folder, its application, and an issuer whose keys it was given."""

    folder: Folder
    key: RSAKey
    clock: Clock

    @property
    def app(self) -> ASGIApp:
        return build_app(self.folder, self.folder.settings)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a job of octo/hello says of itself; None leaves a claim out."""
        now = int(self.clock.now)
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": self.folder.audience, "iat": now, "nbf": now - 600, "exp": now + 300,
            "jti": str(uuid.uuid4()), "sub": "repo:octo/hello:environment:release",
            "repository": "octo/hello", "repository_id": "456789",
            "repository_owner": "octo", "repository_owner_id": "123456",
            "job_workflow_ref": "octo/hello/.github/workflows/release.yml@refs/tags/v1",
            "workflow_ref": "octo/hello/.github/workflows/release.yml@refs/tags/v1",
            "ref": "refs/tags/v1", "ref_type": "tag", "ref_protected": "true", "sha": "f" * 40,
            "event_name": "push", "environment": "release", "runner_environment": "github-hosted",
        }  # fmt: skip
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def identity_token(self, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        head = {"alg": "RS256", "typ": "JWT", "kid": "key-1", **(header or {})}
        return jwt.encode(head, self.claims(**changes), self.key)

    def body(self, *, features: Any = None, **changes: Any) -> bytes:
        """Of a mint request."""
        wish = {} if features is None else {"features": features}
        return json.dumps({"token": self.identity_token(**changes), **wish}).encode()


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    """The issuer's."""
    return RSAKey.generate_key(2048, parameters={"kid": "key-1"})


@contextmanager
def open_live(path: Path, key: RSAKey, *, token_lifetime: int = 900) -> Iterator[Live]:
    """An index with the project Hello and its publisher."""
    clock = Clock()
    with open_folder(path, create=True, public_url="https://index.example", clock=clock) as folder:
        link = Link(project_id=str(uuid.uuid4()), project="Hello")
        fields = {
            "repository": "octo/hello", "workflow": "release.yml", "environment": "release",
            "owner_id": "123456", "repository_id": "456789",
        }  # fmt: skip
        jwks = {"keys": [key.as_dict(private=False)]}
        terms = Terms(token_lifetime=token_lifetime)
        project = Project(id=link.project_id, name="Hello", normalized="hello", created=0, pending_until=None, serial=1)
        with folder.store.write() as writing:
            writing.put_issuer(Issuer(url=ISSUER, kind="github", jwks=jwks, terms=terms))
            writing.add_project(project)
            writing.add_publisher(Publisher(id="pub-1", issuer=ISSUER, kind="github", fields=fields, links=(link,)))
        yield Live(folder=folder, key=key, clock=clock)


@pytest.fixture
def live(tmp_path: Path, signing_key: RSAKey) -> Iterator[Live]:
    """An index as it is served, with its clock in our hand."""
    with open_live(tmp_path / "index", signing_key) as index:
        yield index


@pytest.fixture
def web(live: Live) -> Iterator[TestClient]:
    """A client of ``live`` that sends no Accept unless told to, and follows no redirect."""
    with TestClient(live.app, base_url="https://index.example", follow_redirects=False) as client:
        del client.headers["accept"]
        yield client


@contextmanager
def serving(app: Any, protocol: Any = HTTP_PROTOCOL, loop: Any = "auto", **tls: Any) -> Iterator[int]:
    """The app on a free port."""
    config = uvicorn.Config(
        app, http=protocol, loop=loop, ws="none", lifespan="off", log_config=None, log_level="critical", **tls
    )
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
