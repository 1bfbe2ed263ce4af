# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index as it is served, emulated CIs that it believes, and people with browsers."""

from __future__ import annotations

import html
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from trustpub.index.accounts.sessions import Sessions
from trustpub.index.adapters.forge import Forges
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import OWNER, Issuer, Project, User
from trustpub.index.manage.publishers import Publishers
from trustpub.rehearsal.emulated.issuer import Issuer as Emulated
from trustpub.rehearsal.emulated.issuer import Workload
from trustpub.rehearsal.issuers import Run, emulate
from trustpub.trust.publishers import Link, Publisher, Rules

URL = "https://index.example"
PAGE = "/manage/project/hello/settings/publishing/"
HELD = "/manage/account/publishing/"
RUN = Run(
    repository="octo/hello", repository_id="456789", owner_id="123456", workflow="release.yml", environment="release",
    ref="refs/tags/v1",
)  # fmt: skip
FIELDS: dict[str, Any] = {
    "repository": "octo/hello", "workflow": "release.yml", "environment": "release", "owner_id": "123456",
    "repository_id": "456789",
}  # fmt: skip

_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
_TAGS = re.compile(r"<[^>]+>")


def words(page: Any) -> str:
    """What a page says, on one line."""
    return " ".join(html.unescape(_TAGS.sub(" ", page.text)).split())


@dataclass
class Browser:
    """Somebody who is signed in, or nobody in particular."""

    client: TestClient
    cookies: Mapping[str, str] = field(default_factory=dict)

    def get(self, path: str, **query: str) -> Any:
        return self._sent("GET", path, params=query or None)

    def send(self, page: str, path: str | None = None, **fields: str) -> Any:
        """A form of the page, or to another path with the page's token."""
        token = _TOKEN.search(self.get(page).text)
        assert token is not None, page
        return self._sent("POST", path or page, data={"csrf": token[1], **fields})

    def post(self, path: str, **fields: str) -> Any:
        """Without a token."""
        return self._sent("POST", path, data=fields)

    def _sent(self, method: str, path: str, **more: Any) -> Any:
        self.client.cookies.clear()
        headers = (
            {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        )
        answer = self.client.request(method, path, headers=headers, **more)
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0]
            kept = {one: text for one, text in self.cookies.items() if one != name}
            self.cookies = {**kept, name: value} if value.strip('"') else kept
        return answer


@dataclass
class Bench:
    folder: Folder
    client: TestClient
    issuers: dict[str, Emulated]
    now: list[float]

    @property
    def github(self) -> Emulated:
        return self.issuers["github"]

    def person(
        self, name: str, *, role: str | None = None, project: str = "hello", administrator: bool = False
    ) -> Browser:
        """Somebody who signed in just now; made unless there."""
        sessions = Sessions(self.folder.store, self.folder.clock)
        with self.folder.store.write() as writing:
            user = writing.user(name)
            if user is None:
                user = User(id=str(uuid.uuid4()), name=name, created=0, administrator=administrator)
                writing.add_user(user)
            if role is not None:
                found = writing.project(project)
                assert found is not None
                writing.add_member(found.id, user.id, role)
            cookie = sessions.begin(writing, user, complete=True, peer="192.0.2.1", agent="a browser")
        return Browser(self.client, {"__Host-session": cookie.reveal()})

    @property
    def owner(self) -> Browser:
        return self.person("ada", role=OWNER)

    def mint(self, run: Workload = RUN, *, kind: str = "github") -> Any:
        """What a job of the run is answered."""
        token = self.issuers[kind].give(run, self.folder.audience)
        return self.client.post("/_/oidc/mint-token", content=json.dumps({"token": token.reveal()}))

    def refused(self, run: Workload, *, kind: str = "github", project: str = "hello") -> str:
        """The id of the attempt that the job became."""
        answer = self.mint(run, kind=kind)
        assert answer.status_code == 422, answer.text
        with self.folder.store.read() as reading:
            found = reading.project(project)
            assert found is not None
            return reading.attempts(project_id=found.id)[0].id

    def publishers(self, project: str = "hello") -> list[dict[str, str]]:
        """Their fields."""
        with self.folder.store.read() as reading:
            return [dict(one.fields) for one in reading.publishers(project)]

    def events(self, *kinds: str) -> list[Any]:
        """Facts of the events of these kinds, the newest first."""
        with self.folder.store.read() as reading:
            return [event.facts for event in reading.events(kinds=kinds)]

    def project(self, name: str) -> Project:
        """A real one."""
        project = Project(
            id=str(uuid.uuid4()), name=name, normalized=name.lower(), created=0, pending_until=None, serial=1
        )
        with self.folder.store.write() as writing:
            writing.add_project(project)
        return project

    def publisher(
        self, of: str = "hello", *, kind: str = "github", rules: Rules | None = None, **fields: str
    ) -> Publisher:
        """One more, of an emulated CI."""
        with self.folder.store.write() as writing:
            found = writing.project(of)
            assert found is not None
            link = Link(project_id=found.id, project=found.name, rules=rules or Rules())
            made = Publisher(
                id=str(uuid.uuid4()), issuer=self.issuers[kind].url, kind=kind, fields=fields, links=(link,)
            )
            writing.add_publisher(made)
        return made


@contextmanager
def open_bench(path: Path, *kinds: str, forge: str | None = None) -> Iterator[Bench]:
    """An index with the project hello and its publisher; it believes an emulated CI of each kind.

    ``forge``: a URL at which ids are asked for.
    """
    now = [float(int(time.time()))]
    with ExitStack() as stack:
        folder = stack.enter_context(
            open_folder(path, create=True, public_url=URL, rehearsal=True, clock=lambda: now[0])
        )
        issuers = {
            kind: stack.enter_context(emulate(kind, clock=lambda: now[0])) for kind in dict.fromkeys(("github", *kinds))
        }
        if forge is not None:
            asked = Forges(env={}, rehearsal=True, github_api=forge)
            folder.publishers = Publishers(folder.store, folder.clock, forge=asked)
        with folder.store.write() as writing:
            for kind, one in issuers.items():
                writing.put_issuer(Issuer(url=one.url, kind=kind, jwks=one.jwks, private=True))
        client = stack.enter_context(
            TestClient(build_app(folder, folder.settings), base_url=URL, follow_redirects=False)
        )
        bench = Bench(folder=folder, client=client, issuers=issuers, now=now)
        bench.project("hello")
        bench.publisher(**FIELDS)
        yield bench
