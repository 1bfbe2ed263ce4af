# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Take the pictures of pages in docs/images: of an index with example content, that is gone afterwards.

`make docs` runs it. A picture is taken anew only when the page is another: its cause (the page's source and styles) is
noted in the file, so that a newer browser or other fonts alone change nothing. ``--all`` takes them all.
"""

from __future__ import annotations

import hashlib
import re
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from joserfc.jwk import RSAKey  # noqa: E402 - the tests' example content needs the path
from playwright.sync_api import Browser as Chromium  # noqa: E402
from playwright.sync_api import Page  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402

from tests.index.web.conftest import Clock, Live, serving  # noqa: E402
from tests.web.stocked import Stocked, a_wheel  # noqa: E402
from tests.web.windows import chromium, find_chromium  # noqa: E402
from trustpub.index.adapters.tls import make  # noqa: E402
from trustpub.index.bootstrap.opening import open_folder  # noqa: E402
from trustpub.index.kept import OWNER, Issuer, Login, Project, User  # noqa: E402
from trustpub.secret import Secret  # noqa: E402
from trustpub.trust.publishers import Link, Publisher  # noqa: E402

IMAGES = ROOT / "docs" / "images"
HOST = "packages.example.org"
GITHUB = "https://token.actions.githubusercontent.com"
NAME = "sampleproject"
PHONE = "Mozilla/5.0 (Android 16; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
WIDTH, TALLEST = 1100, 1500
"""Of a picture, in pixels."""
_KEYWORD = b"cause"
# What is another each time, and is not seen.
_CHANGING = re.compile(
    r'name="(?:csrf|session)" value="[^"]*"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\?v=[0-9a-f]+'
)
_README = """\
# A sample project

Shows what a project of an index looks like, and does *nothing* else.

```python
import sampleproject

print(sampleproject.version)
```
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A page to take a picture of."""

    path: str
    who: str | None
    tallest: int = TALLEST


def shots(index: Stocked) -> Mapping[str, Shot]:
    """The main pages, by the name of the picture."""
    with index.store.read() as reading:
        project = reading.project(NAME)
        attempt = reading.attempts(project_id=project.id)[0]
    publishing = f"/manage/project/{NAME}/settings/publishing/"
    return {
        "project": Shot(path=f"/project/{NAME}/", who=None),
        "publishing": Shot(path=publishing, who="ada"),
        "attempt": Shot(path=f"{publishing}attempts/{attempt.id}/", who="ada"),
        "pending": Shot(path="/manage/account/publishing/?provider=github", who="ada"),
        "account": Shot(path="/manage/account/", who="ada"),
        "administration": Shot(path="/admin/", who="root"),
    }


@contextmanager
def example(place: Path) -> Iterator[Stocked]:
    """An index with a project, its publisher, and a job that was refused."""
    key, clock = RSAKey.generate_key(2048, parameters={"kid": "key-1"}), Clock()
    with open_folder(place, create=True, public_url=f"https://{HOST}", clock=clock) as folder:
        project = Project(id="project-1", name=NAME, normalized=NAME, created=0, pending_until=None, serial=1)
        link = Link(project_id=project.id, project=NAME)
        fields = {
            "repository": "octo-org/sampleproject", "workflow": "release.yml", "environment": "release",
            "owner_id": "123456", "repository_id": "456789",
        }  # fmt: skip
        with folder.store.write() as writing:
            writing.put_issuer(Issuer(url=GITHUB, kind="github", jwks={"keys": [key.as_dict(private=False)]}))
            writing.add_project(project)
            writing.add_publisher(Publisher(id="1", issuer=GITHUB, kind="github", fields=fields, links=(link,)))
        index = Stocked(Live(folder=folder, key=key, clock=clock), folder.settings)
        _people(index, project)
        for version in ("0.9", "1.0", "1.1"):
            index.now(8 * 86_400)
            _release(index, version, index.minted(**_claims("octo-org", version)))
        for _ in range(2):
            _refused(index, **_claims("octo-org", "1.2", workflow="publish.yml"))
        _refused(index, **_claims("somebody", "1.2", owner_id="666", repository_id="999"))
        yield index


def _people(index: Stocked, project: Project) -> None:
    """Ada owns the project, and takes care of her account; Root administers the index."""
    began = int(index.now())
    for name in ("ada", "root"):
        user = User(id=name, name=name, created=began, email=f"{name}@example.org", administrator=name == "root")
        index.users[name] = user
        with index.store.write() as writing:
            writing.add_user(user)
            # What opens neither: the sessions are made below.
            writing.put_login(Login(user_id=name, password="-", totp="-", recovery=("-",) * 9))  # noqa: S106
    with index.store.write() as writing:
        writing.add_member(project.id, "ada", OWNER)


def _claims(owner: str, version: str, *, workflow: str = "release.yml", **ids: str) -> dict[str, Any]:
    repository = f"{owner}/{NAME}"
    started = f"{repository}/.github/workflows/{workflow}@refs/tags/v{version}"
    return {
        "iss": GITHUB, "sub": f"repo:{repository}:environment:release", "repository": repository,
        "repository_id": ids.get("repository_id", "456789"), "repository_owner": owner,
        "repository_owner_id": ids.get("owner_id", "123456"), "job_workflow_ref": started, "workflow_ref": started,
        "ref": f"refs/tags/v{version}", "sha": hashlib.sha1(version.encode()).hexdigest(),  # noqa: S324 - as git's
    }  # fmt: skip


def _release(index: Stocked, version: str, token: str) -> None:
    headers = (
        "Summary: Shows what a project looks like", "Author: The sample authors", "License-Expression: MIT",
        "Requires-Python: >=3.11", "Project-URL: Source, https://github.com/octo-org/sampleproject",
        "Description-Content-Type: text/markdown",
    )  # fmt: skip
    wheel = a_wheel(NAME, version, *headers, body=_README)
    index.upload(token, wheel, f"{NAME}-{version}-py3-none-any.whl", version, name=NAME)


def _refused(index: Stocked, **claims: Any) -> None:
    index.now(3600)
    with TestClient(index.app, base_url=f"https://{HOST}", client=("203.0.113.9", 50000)) as client:
        answer = client.post("/_/oidc/mint-token", content=index.live.body(**claims))
    if answer.status_code != 422:
        raise SystemExit(f"the job was to be refused: {answer.text}")


def window(browser: Chromium, index: Stocked, who: str | None) -> Page:
    """A window of that person, or of anybody."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": 700}, ignore_https_errors=True, color_scheme="light", locale="en-GB",
        reduced_motion="reduce",
    )  # fmt: skip
    if who is not None:
        _session(index, who, PHONE, "198.51.100.23")
        index.now(3600)
        cookie = _session(index, who, DESKTOP, "192.0.2.7")
        context.add_cookies([{"name": "__Host-session", "value": cookie, "url": f"https://{HOST}/", "secure": True}])
    return context.new_page()


def _session(index: Stocked, who: str, agent: str, peer: str) -> str:
    with index.store.write() as writing:
        begun: Secret = index.app.state.site.sessions.begin(
            writing, index.users[who], complete=True, peer=peer, agent=agent
        )
    return begun.reveal()


def take(page: Page, shot: Shot, image: Path, *, anew: bool) -> bool:
    """Take the picture if the page is another than the one that is pictured; whether it was taken."""
    answer = page.goto(f"https://{HOST}{shot.path}")
    if answer is None or answer.status != 200:
        raise SystemExit(f"{shot.path} shows no page to take a picture of")
    cause = _cause(answer.text())
    if not anew and image.is_file() and noted_cause(image.read_bytes()) == cause:
        return False
    tall: int = page.evaluate("document.documentElement.scrollHeight")
    picture = page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": min(tall, shot.tallest)}, animations="disabled"
    )
    image.parent.mkdir(exist_ok=True)
    image.write_bytes(_with_cause(picture, cause))
    return True


def _cause(source: str) -> str:
    """What the picture depends on, in short."""
    static = ROOT / "src/trustpub/index/web/site/static"
    styles = "".join((static / name).read_text(encoding="utf-8") for name in ("simple.css", "site.css"))
    return hashlib.sha256(f"{WIDTH}\n{_CHANGING.sub('', source)}\n{styles}".encode()).hexdigest()


def _with_cause(picture: bytes, cause: str) -> bytes:
    """The PNG with a text (PNG section 11.3.3.2) after its head, which is of 33 bytes."""
    body = b"tEXt" + _KEYWORD + b"\0" + cause.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return picture[:33] + chunk + picture[33:]


def noted_cause(picture: bytes) -> str | None:
    """What was noted in it."""
    at = picture.find(b"tEXt" + _KEYWORD + b"\0")
    return picture[at + 5 + len(_KEYWORD) : at + 69 + len(_KEYWORD)].decode("ascii", "replace") if at > 0 else None


def main() -> int:
    """Take them all."""
    if find_chromium() is None:
        print("NO CHROMIUM: no picture of a page was taken. Get it: make browser, as root", file=sys.stderr)
        return 0
    with ExitStack() as ends:
        place = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="trustpub-")))
        index = ends.enter_context(example(place / "index"))
        tls = make(place / "tls", [HOST], index.now())
        port = ends.enter_context(serving(index.app, ssl_certfile=tls.certificate, ssl_keyfile=tls.key))
        # The name is the example's, and the address this machine's.
        options = (f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}", "--force-device-scale-factor=1")
        browser = ends.enter_context(chromium(*options, "--font-render-hinting=none", "--hide-scrollbars"))
        pages: dict[str | None, Page] = {}
        for name, shot in shots(index).items():
            image = IMAGES / f"{name}.png"
            if shot.who not in pages:
                pages[shot.who] = window(browser, index, shot.who)
            taken = take(pages[shot.who], shot, image, anew="--all" in sys.argv[1:])
            print(f"{image.relative_to(ROOT)}{'' if taken else ' is up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
