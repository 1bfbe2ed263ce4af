# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The Simple API 1.4, requirement by requirement, as an installer meets it."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.testclient import TestClient

from trustpub.index.kept import File, Project, Provenance
from trustpub.packages.names import normalize

JSON = "application/vnd.pypi.simple.v1+json"
V1_HTML = "application/vnd.pypi.simple.v1+html"
FORMS = {
    None: "text/html",
    "*/*": "text/html",
    "text/html": "text/html",
    "text/*": "text/html",
    JSON: JSON,
    V1_HTML: V1_HTML,
    "application/vnd.pypi.simple.latest+json": JSON,
    "application/vnd.pypi.simple.latest+html": V1_HTML,
    f"{JSON}, {V1_HTML}; q=0.1, text/html; q=0.01": JSON,  # pip
    f"{JSON}, {V1_HTML};q=0.2, text/html;q=0.01": JSON,  # uv
    f"text/html;q=0.01,{V1_HTML};q=0.2,{JSON}": JSON,  # the order says nothing
    "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8": "text/html",  # a browser
    f"{JSON};q=0.001": JSON,
    f"{JSON};q=0, text/html": "text/html",
}
UNANSWERABLE = (
    "application/json",
    "application/vnd.pypi.simple.v2+json",
    f"{JSON};q=0",
    "image/png",
    "*/*;q=0",
    f"{JSON};q=1.0001",
)
PATHS = ("/simple/", "/simple/foo-bar/")


class Reader(HTMLParser):
    """The anchors, the metas and the doctype of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: list[tuple[dict[str, str | None], str]] = []
        self.metas: dict[str | None, str | None] = {}
        self.doctype = ""
        self._open = False
        self.feed(text)

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.anchors.append((given, ""))
            self._open = True
        elif tag == "meta" and "name" in given:
            self.metas[given["name"]] = given.get("content")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._open:
            given, text = self.anchors[-1]
            self.anchors[-1] = (given, text + data)


def project(house: Any, name: str, **changes: Any) -> Project:
    made = Project(id=name, name=name, normalized=normalize(name), created=0, pending_until=None, serial=1, **changes)
    with house.store.write() as writing:
        writing.add_project(made)
    return made


def row(filename: str, version: str, **changes: Any) -> File:
    """A wheel of Foo.Bar, or what it is changed to."""
    content = filename.encode()
    values: dict[str, Any] = {
        "project_id": "Foo.Bar", "filename": filename, "version": version, "filetype": "bdist_wheel", "size": 1337,
        "sha256": hashlib.sha256(content).hexdigest(), "md5": None, "requires_python": ">=3.9,<4",
        "blake2b_256": hashlib.blake2b(content, digest_size=32).hexdigest(), "metadata_sha256": "cd" * 32,
        "uploaded": 1_790_000_000.25, "token_id": "", **changes,
    }  # fmt: skip
    return File(**values)


WHEEL, SDIST, ATTESTED = "foo_bar-1.0-py3-none-any.whl", "foo_bar-1.0.tar.gz", "foo_bar-1.10-py3-none-any.whl"


@pytest.fixture
def shelf(site: Any) -> Any:
    """An index with a project that has a file of every kind, and one that has none."""
    project(site.house, "Foo.Bar")
    project(site.house, "b")
    with site.house.store.write() as writing:
        document = json.dumps({"version": 1, "attestation_bundles": []})
        provenance = Provenance(filename=ATTESTED, document=document, everything=document)
        writing.add_file(row(ATTESTED, "1.10", attested=True), provenance)
        writing.add_file(row(WHEEL, "1.0", yanked="broken <b>"))
        writing.add_file(row(SDIST, "1.0", filetype="sdist", metadata_sha256=None, requires_python=None, yanked=""))
    return site


def get(shelf: Any, path: str, accept: str | None = JSON, **headers: str) -> Any:
    shelf.client.headers.pop("accept", None)
    return shelf.client.get(path, headers={**({} if accept is None else {"Accept": accept}), **headers})


def page(shelf: Any, path: str) -> Reader:
    return Reader(get(shelf, path, "text/html").text)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("accept", "expected"), FORMS.items())
def test_n_the_answer_is_in_the_form_that_is_wanted_most(
    shelf: Any, path: str, accept: str | None, expected: str
) -> None:
    answer = get(shelf, path, accept)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, expected)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accept", UNANSWERABLE)
def test_n3_what_nobody_can_answer_is_told_so(shelf: Any, path: str, accept: str) -> None:
    answer = get(shelf, path, accept)
    assert answer.status_code == 406
    assert JSON in answer.json()["detail"]
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("path", PATHS)
def test_n5_the_format_parameter_beats_the_header(shelf: Any, path: str) -> None:
    for wanted, expected in (
        (JSON.replace("+", "%2B"), JSON),
        (JSON, JSON),  # an unescaped plus
        ("application/vnd.pypi.simple.latest%2Bhtml", V1_HTML),
        ("text/html", "text/html"),
    ):
        answer = get(shelf, f"{path}?x=1&format={wanted}", "image/png")
        assert answer.headers["content-type"].partition(";")[0] == expected
    for refused in ("*/*", "", "text/html;q=1", "application/json", "%FF"):
        assert get(shelf, f"{path}?format={refused}", JSON).status_code == 406
    assert get(shelf, f"{path}?{'&'.join(['a=1'] * 3000)}").headers["content-type"] == JSON


def test_v1_every_page_says_its_version(shelf: Any) -> None:
    for path in PATHS:
        assert get(shelf, path).json()["meta"]["api-version"] == "1.4"
        assert page(shelf, path).metas["pypi:repository-version"] == "1.4"


def test_v4_nothing_of_1_5_or_of_what_was_rejected_is_said(shelf: Any) -> None:
    body = get(shelf, "/simple/foo-bar/").json()
    assert set(body) == {"meta", "name", "project-status", "versions", "files"}
    assert set(body["meta"]) == {"api-version", "_last-serial"}
    assert set(get(shelf, "/simple/").json()) == {"meta", "projects"}


def test_u2_and_u3_other_spellings_are_sent_on(shelf: Any) -> None:
    for path, status, wanted in (
        ("/simple", 308, "/simple/"),
        ("/simple?format=text/html", 308, "/simple/?format=text/html"),
        ("/simple/foo-bar", 308, "/simple/foo-bar/"),
        ("/simple/Foo.Bar", 308, "/simple/foo-bar/"),
        ("/simple/Foo.Bar/", 301, "/simple/foo-bar/"),
        ("/simple/foo__bar/?format=text/html", 301, "/simple/foo-bar/?format=text/html"),
        ("/legacy", 308, "/legacy/"),
        ("/legacy/+simple", 308, "/legacy/+simple/"),
        ("/legacy/%2Bsimple/foo-bar", 308, "/legacy/+simple/foo-bar/"),
    ):
        send = shelf.client.post if path == "/legacy" else shelf.client.get
        answer = send(path, headers={"Host": "evil.example"})
        assert (answer.status_code, answer.headers["location"]) == (status, f"https://index.example{wanted}"), path


def test_h1_the_list_is_html5_with_one_anchor_per_project(shelf: Any) -> None:
    read = page(shelf, "/simple/")
    assert read.doctype == "DOCTYPE html"
    assert read.anchors == [({"href": "/simple/b/"}, "b"), ({"href": "/simple/foo-bar/"}, "Foo.Bar")]


def test_h2_to_h5_a_project_has_one_anchor_per_file(shelf: Any) -> None:
    read = page(shelf, "/simple/foo-bar/")
    assert read.doctype == "DOCTYPE html"
    assert [text for _, text in read.anchors] == [WHEEL, SDIST, ATTESTED]
    for given, text in read.anchors:
        href = given["href"] or ""
        assert href.startswith("https://index.example/packages/")
        assert href.endswith(f"/{text}#sha256={hashlib.sha256(text.encode()).hexdigest()}")
    wheel, sdist, attested = (given for given, _ in read.anchors)
    assert wheel["data-yanked"] == "broken <b>"
    assert wheel["data-requires-python"] == ">=3.9,<4"
    assert wheel["data-core-metadata"] == wheel["data-dist-info-metadata"] == f"sha256={'cd' * 32}"
    assert set(sdist) == {"href", "data-yanked"}
    assert not sdist["data-yanked"]
    assert "data-yanked" not in attested
    provenance = f"https://index.example/integrity/foo-bar/1.10/{ATTESTED}/provenance"
    assert attested["data-provenance"] == provenance
    assert "data-provenance" not in wheel
    assert not re.search(r'data-requires-python="[^"]*[<>]', get(shelf, "/simple/foo-bar/", "text/html").text)


def test_j_the_json_of_a_project_is_whole(shelf: Any) -> None:
    body = get(shelf, "/simple/foo-bar/").json()
    assert (body["name"], body["versions"], body["project-status"]) == (
        "foo-bar",
        ["1.0", "1.10"],
        {"status": "active"},
    )
    wheel, sdist, attested = body["files"]
    assert wheel == {
        "filename": WHEEL,
        "url": wheel["url"],
        "hashes": {"sha256": hashlib.sha256(WHEEL.encode()).hexdigest()},
        "size": 1337,
        "upload-time": "2026-09-21T14:13:20.250000Z",
        "yanked": "broken <b>",
        "core-metadata": {"sha256": "cd" * 32},
        "requires-python": ">=3.9,<4",
        "provenance": None,
    }
    assert wheel["url"].startswith("https://index.example/packages/")
    assert wheel["url"].endswith(f"/{WHEEL}")
    assert (sdist["yanked"], sdist["core-metadata"], "requires-python" in sdist) == (True, False, False)
    assert attested["yanked"] is False
    assert attested["provenance"] == f"https://index.example/integrity/foo-bar/1.10/{ATTESTED}/provenance"
    assert get(shelf, attested["provenance"], "*/*").json()["version"] == 1
    # PEP 714: older pips break on the old name in JSON.
    assert not any("dist-info-metadata" in key for file in body["files"] for key in file)


def test_j_the_list_in_json(shelf: Any) -> None:
    assert get(shelf, "/simple/").json()["projects"] == [{"name": "b"}, {"name": "Foo.Bar"}]
    assert get(shelf, "/simple/b/").json()["files"] == []


@pytest.mark.parametrize(("status", "offers"), [("archived", True), ("deprecated", True), ("quarantined", False)])
def test_792_a_status_and_its_reason_are_shown(shelf: Any, status: str, offers: bool) -> None:
    url = get(shelf, "/simple/foo-bar/").json()["files"][0]["url"]
    with shelf.house.store.write() as writing:
        writing.set_status("Foo.Bar", status, 'see "new" & <better>')
    body = get(shelf, "/simple/foo-bar/").json()
    assert body["project-status"] == {"status": status, "reason": 'see "new" & <better>'}
    assert len(body["files"]) == (3 if offers else 0)
    assert set(body["versions"]) == ({"1.0", "1.10"} if offers else set())
    read = page(shelf, "/simple/foo-bar/")
    assert read.metas["pypi:project-status"] == status
    assert read.metas["pypi:project-status-reason"] == 'see "new" & <better>'
    assert len(read.anchors) == (3 if offers else 0)
    assert (get(shelf, url + ".metadata").status_code == 404) or offers
    with shelf.house.store.write() as writing:
        writing.set_status("Foo.Bar", "active", "")
    assert get(shelf, "/simple/foo-bar/").json()["project-status"] == {"status": "active"}
    assert set(page(shelf, "/simple/foo-bar/").metas) == {"pypi:repository-version", "pypi:project-status"}
    assert len(get(shelf, "/simple/foo-bar/").json()["files"]) == 3


def test_592_a_yank_shows_at_once_and_can_be_taken_back(shelf: Any) -> None:
    for reason, shown in (("withdrawn", "withdrawn"), ("", True), (None, False)):
        with shelf.house.store.write() as writing:
            writing.yank(ATTESTED, reason)
        assert get(shelf, "/simple/foo-bar/").json()["files"][2]["yanked"] == shown
        assert get(shelf, "/pypi/foo-bar/json").json()["releases"]["1.10"][0]["yanked"] is (reason is not None)


def test_a_deleted_file_is_gone_from_every_page(shelf: Any) -> None:
    url = get(shelf, "/simple/foo-bar/").json()["files"][2]["url"]
    with shelf.house.store.write() as writing:
        writing.bury(ATTESTED, 7)
    assert get(shelf, "/simple/foo-bar/").json()["versions"] == ["1.0"]
    assert ATTESTED not in get(shelf, "/simple/foo-bar/", "text/html").text
    assert "1.10" not in get(shelf, "/pypi/foo-bar/json").json()["releases"]
    assert get(shelf, "/pypi/foo-bar/1.10/json").status_code == 404
    assert [get(shelf, one).status_code for one in (url, f"{url}.metadata")] == [404, 404]


@pytest.mark.parametrize("path", [*PATHS, "/pypi/foo-bar/json"])
def test_n8_each_representation_is_kept_apart(shelf: Any, path: str) -> None:
    for number in range(20):  # a page of a few bytes is not packed
        project(shelf.house, f"other-{number}")
    tags = set()
    for accept in (JSON, V1_HTML, "text/html") if path in PATHS else (JSON,):
        plain = get(shelf, path, accept, **{"Accept-Encoding": "identity"})
        with shelf.client.stream("GET", path, headers={"Accept": accept, "Accept-Encoding": "gzip"}) as packed:
            raw = b"".join(packed.iter_raw())
        assert gzip.decompress(raw) == plain.content
        assert int(packed.headers["content-length"]) == len(raw) < len(plain.content)
        assert "accept-encoding" in plain.headers["vary"].lower()
        for answer in (plain, packed):
            assert answer.headers["cache-control"] == "no-cache"
            tags.add(answer.headers["etag"])
            known = {"If-None-Match": f'"x", W/{answer.headers["etag"]}', "Accept-Encoding": "gzip"}
            same = get(shelf, path, accept, **{**known, **({"Accept-Encoding": "x"} if answer is plain else {})})
            assert (same.status_code, same.content) == (304, b"")
            assert same.headers["etag"] == answer.headers["etag"]
            assert {"vary", "cache-control"} <= set(same.headers)
            assert "content-length" not in same.headers
        assert get(shelf, path, accept, **{"Accept-Encoding": "gzip;q=0, *"}).headers.get("content-encoding") is None
    assert len(tags) == (6 if path in PATHS else 2)


def test_pages_are_the_same_bytes_until_something_changes(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {path: get(shelf, path) for path in (*PATHS, "/pypi/foo-bar/json")}
    with monkeypatch.context() as patched:
        # Nothing is read any more: pages at hand are served as they are.
        patched.setattr(shelf.house.store, "read", None)
        for path, before in first.items():
            again = get(shelf, path)
            assert (again.status_code, again.content, again.headers) == (200, before.content, before.headers)
    with shelf.house.store.write() as writing:
        writing.set_fact("something else", "changed")
    for path, before in first.items():
        assert get(shelf, path).headers["etag"] == before.headers["etag"]
    with shelf.house.store.write() as writing:
        writing.add_file(row("foo_bar-2.0.tar.gz", "2.0", filetype="sdist", metadata_sha256=None))
        writing.touch("Foo.Bar")
    assert get(shelf, "/simple/foo-bar/").json()["versions"] == ["1.0", "1.10", "2.0"]
    assert get(shelf, "/simple/foo-bar/").headers["x-pypi-last-serial"] == "2"


def test_head_says_what_get_would(shelf: Any) -> None:
    for path in (*PATHS, "/pypi/foo-bar/json"):
        head, whole = shelf.client.head(path), shelf.client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers == whole.headers
    for path in (*PATHS, "/pypi/foo-bar/json", "/packages/aa/bb/cc/x"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = shelf.client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_hatch_finds_what_is_there_below_the_upload_url(shelf: Any) -> None:
    for path in ("/legacy/+simple/foo-bar/", "/legacy/%2Bsimple/foo-bar/", "/legacy/+simple/Foo.Bar/"):
        answer = get(shelf, path, "*/*")
        assert [text for _, text in Reader(answer.text).anchors] == [WHEEL, SDIST, ATTESTED]
    assert get(shelf, "/legacy/+simple/").json() == get(shelf, "/simple/").json()
    assert get(shelf, "/legacy/+simple/nobody/").status_code == 404
    assert get(shelf, "/legacy/+simpler/").status_code == 404


NOWHERE = (
    "/simple/nobody/", "/simple/-/", "/simple/a%20b/", "/simple/a%0A/", "/simple/%C5%BF/", "/simple//", "/simple//b/",
    "/simple/b//", "/simple/b/c/", "/simple/b%2Fc/", "/simple/../b/x/", "/simpler/", "/pypi/", "/pypi/b", "/pypi//json",
    "/pypi/b/json", "/pypi/nobody/json", "/pypi/foo-bar/9/json", "/pypi/foo-bar/banana/json",
    "/pypi/foo-bar/1.0/x/json", f"/pypi/foo-bar/{'9' * 5000}/json", "/pypi/foo-bar/%FF/json", "/simple/%FF/",
    "/pypi/foo-bar/1.0", "/packages/", "/packages/aa/bb/cc", "/packages/aa/bb/cc/x.metadata", "/packages/a/b/c/d/e/f",
)  # fmt: skip


@pytest.mark.parametrize("path", NOWHERE)
def test_what_is_not_here_is_a_404_with_a_body(shelf: Any, path: str) -> None:
    answer = shelf.client.request("GET", f"https://index.example{path}")
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.headers["cache-control"] == "no-store"


def test_without_an_upstream_a_name_that_is_held_looks_like_none(shelf: Any) -> None:
    shelf.house.project("held", pending=True)
    held, none = (get(shelf, f"/simple/{name}/") for name in ("held", "none"))
    assert (held.status_code, held.content) == (none.status_code, none.content) == (404, none.content)
    assert "held" not in get(shelf, "/simple/").text
    assert get(shelf, "/pypi/held/json").status_code == 404


@pytest.mark.parametrize("upstream", ["https://pypi.example/simple", "https://pypi.example/simple/"])
def test_what_is_unknown_is_sent_upstream_and_what_is_had_or_held_never(shelf: Any, upstream: str) -> None:
    house = shelf.house
    house.settings = dataclasses.replace(house.settings, upstream=upstream)
    house.project("held", pending=True)
    project(house, "bad", status="quarantined")
    with TestClient(house.app, base_url="https://index.example", follow_redirects=False) as client:
        for accept in (JSON, "text/html", "*/*"):
            answer = client.get("/simple/requests/", headers={"Accept": accept})
            assert (answer.status_code, answer.headers["location"]) == (302, "https://pypi.example/simple/requests/")
            assert answer.headers["cache-control"] == "no-store"  # it may be published here any time
        assert (
            client.get("/simple/Zope.Interface/").headers["location"] == "https://index.example/simple/zope-interface/"
        )
        for name, status in (("b", 200), ("foo-bar", 200), ("bad", 200), ("held", 404)):
            assert client.get(f"/simple/{name}/").status_code == status
        house.clock.now += 10_000
        assert client.get("/simple/held/").status_code == 404  # its time is over, but nobody let it go yet
        assert client.get("/simple/-/").status_code == 404
        assert client.get("/pypi/requests/json").status_code == 404
        assert client.get("/packages/aa/bb/cc/x").status_code == 404


def test_five_thousand_projects_are_one_list(site: Any) -> None:
    with site.house.store.write() as writing:
        for number in range(5000):
            name = f"project-{number}"
            writing.add_project(Project(id=name, name=name, normalized=name, created=0, pending_until=None, serial=1))
    assert len(get(site, "/simple/").json()["projects"]) == 5000
    assert len(page(site, "/simple/").anchors) == 5000


def test_a_private_index_keeps_pages_and_files_out_of_shared_caches(shelf: Any) -> None:
    house = shelf.house
    assert shelf.publishing("stocked").send(shelf.wheel("stocked"), "stocked-1.0-py3-none-any.whl").status_code == 200
    url = shelf.files("stocked")[0]["url"]
    house.settings = dataclasses.replace(house.settings, private=True)
    token = house.user_token("ada", scope="read").reveal()
    with TestClient(house.app, base_url="https://index.example", follow_redirects=False) as client:
        for path in (*PATHS, "/pypi/foo-bar/json", "/legacy/+simple/foo-bar/", url, f"{url}.metadata"):
            assert client.get(path).status_code == 401, path
            answer = client.get(path, auth=("__token__", token))
            assert answer.status_code == 200, path
            assert "private" in answer.headers["cache-control"]
            assert "public" not in answer.headers["cache-control"]
            assert "Authorization" in answer.headers["vary"]
            known = client.get(path, auth=("__token__", token), headers={"If-None-Match": answer.headers["etag"]})
            assert known.status_code == 304
