# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index with accounts, and people at browsers who knock at its door."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from starlette.testclient import TestClient

from trustpub.index.adapters.passwords import Argon2Passwords
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Event, Login, Project, User
from trustpub.index.web.site.skeleton import Site

NOW = 1_790_000_000.25
URL = "https://index.example"
PASSWORD = "seven green bicycles"
TOKEN = re.compile(r'name="csrf" value="([^"]+)"')
CHEAP = Argon2Passwords(passes=1, kibibytes=64)


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Browser:
    """One browser, without JavaScript: it keeps cookies, and sends back what a page's form has in it."""

    client: TestClient

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def form_token(self, at: str) -> str:
        page = self.get(at)
        found = TOKEN.search(page.text)
        assert found is not None, (page.status_code, page.headers.get("location"))
        return found[1]

    def post(self, path: str, *, at: str | None = None, headers: Any = None, **fields: Any) -> Any:
        """Send the form that is on the page ``at``, or at the same path."""
        return self.client.post(path, data={"csrf": self.form_token(at or path), **fields}, headers=headers)

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> Any:
        return self.post("/login", name=name, password=password, **more)

    @property
    def cookie(self) -> str:
        """What it holds as its session; empty if nothing."""
        return self.client.cookies.get("__Host-session") or ""

    @property
    def signed_in(self) -> bool:
        return bool(self.get("/manage/account/").status_code == 200)


@dataclass
class Door:
    folder: Folder
    clock: Clock
    app: Any = field(init=False)
    private: bool = False

    def __post_init__(self) -> None:
        self.app = build_app(self.folder, replace(self.folder.settings, private=self.private))
        self.site: Site = self.app.state.site
        self.site.signing_in._passwords = CHEAP

    @property
    def store(self) -> Any:
        return self.folder.store

    def browser(self, peer: str = "203.0.113.5") -> Browser:
        client = TestClient(self.app, base_url=URL, follow_redirects=False, client=(peer, 5000))
        client.headers["accept"] = "text/html,*/*;q=0.8"
        client.headers["user-agent"] = f"Browser at {peer}"
        return Browser(client)

    def person(self, name: str, *, administrator: bool = False, password: str | None = PASSWORD) -> User:
        user = User(id=str(uuid.uuid4()), name=name, created=0, administrator=administrator)
        with self.store.write() as writing:
            writing.add_user(user)
            if password is not None:
                writing.put_login(Login(user_id=user.id, password=CHEAP.hash(password)))
        return user

    def project(self, name: str, owner: User | None = None, role: str = "owner", *, pending: bool = False) -> Project:
        until = int(self.clock.now) + 86_400 if pending else None
        project = Project(
            id=str(uuid.uuid4()), name=name, normalized=name.lower(), created=0, pending_until=until, serial=1
        )
        with self.store.write() as writing:
            writing.add_project(project)
            if owner is not None:
                writing.add_member(project.id, owner.id, role)
        return project

    def signed_in(self, name: str, *, password: str = PASSWORD) -> Browser:
        browser = self.browser()
        answer = browser.sign_in(name, password)
        assert answer.status_code == 303, answer.text
        return browser

    def user(self, name: str) -> User:
        with self.store.read() as reading:
            found: User | None = reading.user(name)
        assert found is not None
        return found

    def login(self, name: str) -> Login:
        with self.store.read() as reading:
            found: Login | None = reading.login(reading.user(name).id)
        assert found is not None
        return found

    def events(self, kind: str) -> Sequence[Event]:
        with self.store.read() as reading:
            found: Sequence[Event] = reading.events(kinds=[kind])
        return found

    def code(self, key: str, seconds: float = 0) -> str:
        """What a device with this key shows at that many seconds from now."""
        raw = base64.b32decode(key.replace(" ", ""))
        return TOTP(raw, 6, SHA1(), 30).generate(int(self.clock.now + seconds)).decode()  # noqa: S303

    def second_factor(self, browser: Browser) -> tuple[str, Sequence[str]]:
        """Set it up there; the device's key and the recovery codes."""
        page = browser.get("/manage/account/second-factor/").text
        key = re.search(r'<code id="key">([A-Z2-7 ]+)</code>', page)
        sealed = re.search(r'name="sealed" value="([^"]+)"', page)
        token = TOKEN.search(page)
        assert key is not None
        assert sealed is not None
        assert token is not None
        data = {"csrf": token[1], "sealed": unescape(sealed[1]), "code": self.code(key[1])}
        answer = browser.client.post("/manage/account/second-factor/", data=data)
        assert answer.status_code == 200, answer.text
        codes = re.findall(r"<li>([a-z2-9]{4}(?:-[a-z2-9]{4}){3})</li>", answer.text)
        return key[1], codes


@contextmanager
def open_door(path: Path, *, private: bool = False) -> Iterator[Door]:
    clock = Clock()
    with open_folder(path, create=True, public_url=URL, clock=clock) as folder:
        yield Door(folder=folder, clock=clock, private=private)
