# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub verify``, against indexes of every make."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from trustpub.cli.main import _run
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.opening import open_folder

from .dists import wheel
from .signing import Sigstore
from .sites import Site, served, site
from .test_attested_index import NOW, World
from .test_signed_here import github

FILENAME = "hello-1.0-py3-none-any.whl"
CONTENT = wheel("hello", "1.0")
DIGEST = hashlib.sha256(CONTENT).hexdigest()
JSON = "application/vnd.pypi.simple.v1+json"
PUBLISHER = {"kind": "GitHub", "repository": "Acme/hello", "workflow": "release.yml", "environment": None}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], root_file: Path) -> Run:
    """Verify with the root of the test beside the public one."""

    def run(*arguments: object, roots: bool = True) -> Ran:
        capsys.readouterr()
        given = ("--trust-root", root_file) if roots else ()
        code = _run([str(one) for one in ("verify", *arguments, *given)])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def root_file(tmp_path: Path, sigstore: Sigstore) -> Path:
    path = tmp_path / "trusted_root.json"
    path.write_text(json.dumps(sigstore.trusted_root()))
    return path


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    path = tmp_path / FILENAME
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def provenance(sigstore: Sigstore) -> dict[str, Any]:
    value = sigstore.attest(github(), FILENAME, DIGEST)
    return {"version": 1, "attestation_bundles": [{"publisher": PUBLISHER, "attestations": [value]}]}


@pytest.fixture
def index(provenance: dict[str, Any]) -> Iterator[Site]:
    """As PyPI answers."""
    with site() as made:
        url = f"{made.url}/integrity/hello/1.0/{FILENAME}/provenance"
        entry = {"filename": FILENAME, "url": f"{made.url}/files/{FILENAME}", "hashes": {"sha256": DIGEST}}
        page = {"files": [{**entry, "provenance": url}], "meta": {"api-version": "1.4"}, "name": "hello"}
        made.pages["/simple/hello/"] = (JSON, json.dumps(page).encode())
        made.pages[f"/files/{FILENAME}"] = ("application/octet-stream", CONTENT)
        made.pages[url.removeprefix(made.url)] = ("application/json", json.dumps(provenance).encode())
        yield made


def test_a_file_and_a_url_are_verified_with_what_the_index_says(run: Run, index: Site, dist: Path) -> None:
    for one in (dist, f"{index.url}/files/{FILENAME}"):
        ran = run(one, "--index", f"{index.url}/simple/")
        assert ran.code == 0, ran.err
        assert f"{FILENAME}  verified" in ran.out
        assert "publish: signed by https://github.com/Acme/hello/.github/workflows/release.yml@refs/tags/v1" in ran.out
        assert "Nobody was expected" in ran.out


def test_the_address_of_an_index_may_be_its_base_and_that_of_a_file_needs_none(run: Run, index: Site) -> None:
    assert run(f"{index.url}/files/{FILENAME}").code == 0
    assert run(f"{index.url}/files/{FILENAME}", "--index", index.url).code == 0


def test_it_says_all_of_it_as_json(run: Run, index: Site, dist: Path) -> None:
    ran = run(dist, "--index", index.url, "--json")
    (row,) = json.loads(ran.out)
    assert (row["filename"], row["sha256"]) == (FILENAME, DIGEST)
    (one,) = row["attestations"]
    assert one["signed_by"]["issuer"] == "https://token.actions.githubusercontent.com"
    assert one["publisher"]["repository"] == "Acme/hello"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--repository", "acme/hello"], 0),
        (["--repository", "https://github.com/Acme/hello.git", "--workflow", "release.yml"], 0),
        (["--repository", "acme/other"], 1),
        (["--repository", "https://gitlab.com/acme/hello"], 1),
        (["--repository", "acme/hello", "--workflow", "build.yml"], 1),
        (["--account", "ci@p.iam.gserviceaccount.com"], 1),
    ],
)
def test_whoever_is_expected_must_have_signed(
    run: Run, index: Site, dist: Path, arguments: list[str], code: int
) -> None:
    ran = run(dist, "--index", index.url, *arguments)
    assert ran.code == code
    assert ("does not hold. Its certificate" in ran.err) == bool(code)


def test_a_page_in_html_will_do(run: Run, index: Site, dist: Path) -> None:
    anchor = f'<a href="../../files/{FILENAME}#sha256={DIGEST}" data-provenance="/integrity/p">{FILENAME}</a>'
    index.pages["/simple/hello/"] = ("text/html", f"<!DOCTYPE html><body>{anchor}</body>".encode())
    index.pages["/integrity/p"] = index.pages[f"/integrity/hello/1.0/{FILENAME}/provenance"]
    assert run(dist, "--index", index.url).code == 0
    assert run(f"{index.url}/files/{FILENAME}").code == 0
    # A page that names no place: the usual one is tried.
    index.pages["/simple/hello/"] = ("text/html", anchor.replace('data-provenance="/integrity/p"', "").encode())
    assert run(dist, "--index", index.url).code == 0


def test_a_provenance_at_hand_needs_nobody(run: Run, dist: Path, provenance: Any, tmp_path: Path) -> None:
    path = tmp_path / "hello.provenance"
    path.write_text(json.dumps(provenance))
    assert run(dist, "--provenance", path).code == 0
    dist.write_bytes(CONTENT + b"more")
    ran = run(dist, "--provenance", path)
    assert ran.code == 1
    assert "made for a file of this name with other contents" in ran.err


def test_what_is_not_believed_is_not_verified(run: Run, index: Site, dist: Path) -> None:
    ran = run(dist, "--index", index.url, roots=False)
    assert ran.code == 1
    assert "no trust root here knows (there are: public-good)" in ran.err


def _no_provenance(index: Site) -> None:
    del index.pages[f"/integrity/hello/1.0/{FILENAME}/provenance"]


def _page(content_type: str, body: bytes) -> Callable[[Site], None]:
    return lambda index: index.pages.update({"/simple/hello/": (content_type, body)})


def _document(body: bytes) -> Callable[[Site], None]:
    path = f"/integrity/hello/1.0/{FILENAME}/provenance"
    return lambda index: index.pages.update({path: ("application/json", body)})


BAD: dict[str, tuple[Callable[[Site], object], int, str]] = {
    "no provenance": (_no_provenance, 1, "has no provenance of"),
    "no project": (lambda index: index.pages.clear(), 1, "has no project 'hello'"),
    "no such file": (_page(JSON, b'{"files":[]}'), 1, "lists no file"),
    "nonsense for a page": (_page(JSON, b"nonsense"), 4, "no page of the Simple API"),
    "a list for a page": (_page(JSON, b"[]"), 4, "no page of the Simple API"),
    "strange files": (_page(JSON, b'{"files":[1,{"filename":2},{}]}'), 1, "lists no file"),
    "HTML that is none": (_page("text/html", b"<a href><<<a"), 1, "lists no file"),
    "other contents": (
        lambda index: index.pages.update(
            {"/simple/hello/": (JSON, index.pages["/simple/hello/"][1].replace(DIGEST.encode(), b"0" * 64))}
        ),
        1,
        "is not the file that the index lists",
    ),
    "nonsense for a document": (_document(b"nonsense"), 1, "It is not JSON"),
    "another version": (_document(b'{"version":2}'), 1, "not a provenance document of version 1"),
    "no bundles": (_document(b'{"version":1,"attestation_bundles":[]}'), 1, "has no attestations"),
    "a strange bundle": (_document(b'{"version":1,"attestation_bundles":[1]}'), 1, "no publisher or no attestation"),
    "an unknown publisher": (
        lambda index: index.pages.update(
            {
                path: (kind, body.replace(b'"GitHub"', b'"Elsewhere"'))
                for path, (kind, body) in index.pages.items()
                if "integrity" in path
            }
        ),
        1,
        "Nothing is known of how its publishers sign: Elsewhere",
    ),
    "a provenance over plain HTTP": (
        lambda index: index.pages.update(
            {"/simple/hello/": (JSON, index.pages["/simple/hello/"][1].replace(b"127.0.0.1", b"index.example"))}
        ),
        2,
        "starts with http://",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_it_says_what_is_wrong_with(run: Run, index: Site, dist: Path, name: str) -> None:
    change, code, why = BAD[name]
    change(index)
    ran = run(dist, "--index", index.url)
    assert ran.code == code, ran.err
    assert why in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["no-such-1.0.tar.gz", "--index", "https://127.0.0.1:1"], 2, "cannot be read"),
        (["{dist}", "--index", "nowhere"], 2, "There is no index named"),
        (["{dist}", "--index", "http://index.example/simple/"], 2, "http://"),
        (["{dist}", "--index", "https://127.0.0.1:1/simple/"], 4, "cannot be reached"),
        (["{dist}", "--provenance", "no-such"], 2, "cannot be read"),
        ([], 2, "Missing argument"),
    ],
)
def test_it_says_what_was_typed_wrong(run: Run, dist: Path, arguments: list[str], code: int, why: str) -> None:
    ran = run(*(one.format(dist=dist) for one in arguments))
    assert ran.code == code
    assert why in ran.err


def test_a_file_that_is_no_distribution_is_asked_for_nowhere(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Hello.")
    ran = run(path, "--index", "https://127.0.0.1:1/simple/")
    assert ran.code == 2
    assert "notes.txt" in ran.err


def test_a_private_index_is_asked_with_what_netrc_has_for_it_and_no_other_host_is(
    run: Run, index: Site, dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.guard = "Basic " + base64.b64encode(b"__token__:secret").decode()
    ran = run(dist, "--index", index.url)
    assert ran.code == 1
    assert "~/.netrc" in ran.err
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login __token__ password secret\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    with site() as elsewhere:
        page = index.pages["/simple/hello/"][1]
        moved = page.replace(f"{index.url}/integrity".encode(), f"{elsewhere.url}/integrity".encode())
        elsewhere.pages.update(index.pages)
        index.pages["/simple/hello/"] = (JSON, moved)
        assert run(dist, "--index", index.url).code == 0
        assert all("authorization" not in headers for _, headers in elsewhere.asked)
        assert elsewhere.asked


def test_without_the_extra_it_says_the_one_line_to_type(run: Run, dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sigstore", None)
    ran = run(dist)
    assert ran.code == 2
    assert 'pip install "trustpub[attest]"' in ran.err


@pytest.mark.parametrize(
    "issuer", ["https://token.actions.githubusercontent.com", "https://ghe.acme.example/_services/token"]
)
def test_an_index_of_ours_with_every_kind_of_publisher(
    run: Run, tmp_path: Path, sigstore: Sigstore, root_file: Path, issuer: str
) -> None:
    with open_folder(tmp_path / "index", create=True, public_url="http://127.0.0.1:1", clock=lambda: NOW) as folder:
        folder.trust.add("own", root_file)

        def make(url: str) -> Any:
            folder.public_url = url
            app = build_app(folder, folder.settings)
            world = World(folder, TestClient(app, base_url=url), sigstore)
            world.project()
            sent = world.send(world.token(issuer), json.dumps([world.attest(github(issuer))]))
            assert sent.status_code == 200, sent.text
            return app

        with served(make) as url:
            dist = tmp_path / FILENAME
            dist.write_bytes(CONTENT)
            ran = run(dist, "--index", f"{url}/simple/")
            assert ran.code == 0, ran.err
            assert f"({issuer})" in ran.out
