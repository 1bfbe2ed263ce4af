# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index as it is served, with people, a publisher and another, and releases that came as releases come."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from tests.index.web.conftest import BOUNDARY, ISSUER, Live, form, multipart, open_live
from trustpub.index.bootstrap.application import build_app
from trustpub.index.kept import MAINTAINER, OWNER, Event, File, Project, User
from trustpub.index.settings import Settings
from trustpub.index.web.site.skeleton import Site
from trustpub.trust.publishers import Link, Publisher

TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
OTHER = {
    "repository": "evil/hello", "repository_id": "999", "repository_owner": "evil", "repository_owner_id": "666",
    "job_workflow_ref": "evil/hello/.github/workflows/release.yml@refs/tags/v1",
    "workflow_ref": "evil/hello/.github/workflows/release.yml@refs/tags/v1", "sub": "repo:evil/hello:ref:refs/tags/v1",
}  # fmt: skip


def a_wheel(name: str, version: str, *headers: str, body: str = "") -> bytes:
    """A small sound wheel with these further headers, and a description."""
    info = f"{name}-{version}.dist-info"
    said = "".join(f"{one}\n" for one in headers)
    contents = {
        f"{name}.py": f"version = {version!r}\n".encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{said}\n{body}".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(one).digest()).rstrip(b'=').decode()},{len(one)}\n"
        for path, one in contents.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in {**contents, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return buffer.getvalue()


@dataclass
class Browser:
    """Somebody at a browser without JavaScript."""

    client: TestClient

    def get(self, path: str, **headers: str) -> Any:
        """A page."""
        return self.client.get(path, headers={"Accept": "text/html,*/*;q=0.8", **headers})

    def post(self, path: str, at: str | None = None, **fields: str) -> Any:
        """Send a form with the token of the one at ``at``, or at the same path."""
        page = self.get(at or path)
        found = TOKEN.search(page.text)
        assert found is not None, (page.status_code, page.headers.get("location"))
        return self.client.post(path, data={"csrf": found[1], **fields})

    def told(self, path: str, at: str | None = None, **fields: str) -> str:
        """What the page after a form that worked says."""
        answer = self.post(path, at, **fields)
        assert answer.status_code == 303, answer.text
        return str(self.get(answer.headers["location"]).text)


@dataclass
class Stocked:
    """The index, and hands to reach into it."""

    live: Live
    settings: Settings
    users: dict[str, User] = field(default_factory=dict)
    app: Any = field(init=False)

    def __post_init__(self) -> None:
        self.app = build_app(self.live.folder, self.settings)
        self._site: Site = self.app.state.site

    @property
    def store(self) -> Any:
        return self.live.folder.store

    def now(self, seconds: float = 0) -> float:
        """The time, after that many seconds have gone by."""
        self.live.clock.now += seconds
        return self.live.clock.now

    def user(self, name: str, *, role: str | None = None, administrator: bool = False) -> User:
        """A person, and what they are to Hello."""
        user = User(id=str(uuid.uuid4()), name=name, created=0, administrator=administrator)
        with self.store.write() as writing:
            writing.add_user(user)
            if role is not None:
                writing.add_member(writing.project("hello").id, user.id, role)
        self.users[name] = user
        return user

    def browser(self, name: str | None = None) -> Browser:
        """That of a person who is signed in, or of nobody in particular."""
        client = TestClient(self.app, base_url="https://index.example", follow_redirects=False)
        if name is not None:
            with self.store.write() as writing:
                cookie = self._site.sessions.begin(
                    writing, self.users[name], complete=True, peer="127.0.0.1", agent="test"
                )
            client.cookies.set("__Host-session", cookie.reveal(), domain="index.example", path="/")
        return Browser(client)

    def minted(self, **claims: Any) -> str:
        """An upload token, for an identity token with these claims."""
        with TestClient(self.app, base_url="https://index.example") as client:
            answer = client.post("/_/oidc/mint-token", content=self.live.body(**claims))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def user_token(self, name: str) -> str:
        """One that a person holds."""
        return self.live.folder.credentials.issue_user_token(self.users[name], scope="upload")[1].reveal()

    def upload(self, token: str, content: bytes, filename: str, version: str, **fields: str) -> None:
        """An upload that is taken."""
        self.now(60)
        basic = base64.b64encode(f"__token__:{token}".encode()).decode()
        told = form(content, filename, version=version, requires_python=None, **fields)
        headers = {
            "Authorization": f"Basic {basic}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Accept": "application/json",
        }
        with TestClient(self.app, base_url="https://index.example") as client:
            answer = client.post("/legacy/", content=multipart(told, content, filename), headers=headers)
        assert answer.status_code == 200, answer.text

    def release(
        self, version: str, *headers: str, body: str = "Hello.", token: str | None = None, **claims: Any
    ) -> str:
        """Publish a wheel of that version, by a job unless a token is given; its file name."""
        content = a_wheel("hello", version, *headers, body=body)
        filename = f"hello-{version}-py3-none-any.whl"
        self.upload(token or self.minted(**claims), content, filename, version)
        return filename

    def other_publisher(self, **fields: str) -> None:
        """Let another repository publish Hello, too, or one with these fields."""
        usual = {"repository": "evil/hello", "workflow": "release.yml", "owner_id": "666", "repository_id": "999"}
        with self.store.write() as writing:
            project = writing.project("hello")
            link = Link(project_id=project.id, project=project.name)
            writing.add_publisher(
                Publisher(id="pub-2", issuer=ISSUER, kind="github", fields={**usual, **fields}, links=(link,))
            )

    def file(self, filename: str) -> File | None:
        with self.store.read() as reading:
            found: File | None = reading.file(filename)
        return found

    def project(self, name: str = "hello") -> Project:
        with self.store.read() as reading:
            found: Project | None = reading.project(name)
        assert found is not None
        return found

    def last_event(self) -> Event:
        with self.store.read() as reading:
            found: Event = reading.events(limit=1)[0]
        return found


@contextmanager
def stocked(path: Path, key: RSAKey, **changes: Any) -> Iterator[Stocked]:
    """Hello with its publisher; Ada owns it, Ben maintains it, Cy has nothing to do with it, Root administers all."""
    with open_live(path, key) as live:
        index = Stocked(live, replace(live.folder.settings, **changes))
        index.user("ada", role=OWNER)
        index.user("ben", role=MAINTAINER)
        index.user("cy")
        index.user("root", administrator=True)
        yield index


def many_projects(index: Stocked, count: int) -> None:
    """That many more projects, with one file each."""
    with index.store.write() as writing:
        for number in range(count):
            name = f"many-{number:04}"
            project = Project(
                id=str(uuid.uuid4()), name=name, normalized=name, created=0, pending_until=None, serial=1
            )  # fmt: skip
            writing.add_project(project)
            digest = f"{number:064x}"
            writing.add_file(
                File(
                    project_id=project.id, filename=f"many_{number:04}-1.0.tar.gz", version="1.0", filetype="sdist",
                    size=3, sha256=digest, blake2b_256=digest, md5=None, metadata_sha256=None, requires_python=None,
                    uploaded=1.5, token_id="t", origin={"user": "ada"},
                )
            )  # fmt: skip


def counted(index: Stocked, ask: Callable[[], object]) -> int:
    """How many statements the database runs while ``ask()`` is answered."""
    found: list[str] = []
    connections = index.store.database._connections
    original = connections._take

    def taken() -> Any:
        opened = original()
        opened.driver.set_trace_callback(found.append)
        return opened

    connections._take = taken
    try:
        ask()
    finally:
        connections._take = original
        for opened in connections._idle:
            opened.driver.set_trace_callback(None)
    return len([one for one in found if not one.startswith(("BEGIN", "COMMIT", "ROLLBACK"))])
