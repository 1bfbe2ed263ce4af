# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The Simple API's pages and their negotiation."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.protocol.simple import (
    Format,
    Listed,
    ProjectPage,
    RootPage,
    file_path,
    negotiate,
    render_project,
    render_root,
)

JSON, V1_HTML, HTML = Format.V1_JSON, Format.V1_HTML, Format.HTML
PIP = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, HTML),
        ("", HTML),
        ("*/*", HTML),
        ("text/*", HTML),
        ("application/*", V1_HTML),
        (PIP, JSON),
        ("text/html;q=0.01, application/vnd.pypi.simple.v1+json", JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.latest+html", V1_HTML),
        ("APPLICATION/VND.PYPI.SIMPLE.V1+JSON ; Q=0.5", JSON),
        ("application/vnd.pypi.simple.v1+json;q=0, */*", HTML),
        ("text/html;q=0, application/vnd.pypi.simple.v1+html;q=0, */*;q=0.1", JSON),
        ("application/vnd.pypi.simple.v1+json;q=0", None),
        ("application/vnd.pypi.simple.v2+json", None),
        ("application/json", None),
        ("image/png, text/plain", None),
        ("text/html;q=2", None),
        ("text/html;q=nan", None),
    ],
)
def test_the_accept_header_decides(accept: str | None, expected: Format | None) -> None:
    assert negotiate(accept) is expected


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("application/vnd.pypi.simple.v1+json", JSON),
        ("application/vnd.pypi.simple.v1 json", JSON),
        ("application/vnd.pypi.simple.latest+html", V1_HTML),
        ("text/html", HTML),
        ("*/*", None),
        ("", None),
        ("application/vnd.pypi.simple.v2+json", None),
    ],
)
def test_the_format_parameter_beats_the_header(parameter: str, expected: Format | None) -> None:
    assert negotiate(PIP, parameter) is expected


@given(st.text(max_size=60))
def test_no_header_breaks_the_negotiation(accept: str) -> None:
    assert negotiate(accept) in (*Format, None)


def a_file(**changes: object) -> Listed:
    values: dict[str, object] = {
        "filename": "a-1.0-py3-none-any.whl", "version": "1.0",
        "url": "https://index.example/packages/aa/bb/cc/a-1.0-py3-none-any.whl",
        "sha256": "ab" * 32, "size": 1337, "uploaded": 1_790_000_000.25, "requires_python": ">=3.9,<4",
        "metadata_sha256": "cd" * 32, **changes,
    }  # fmt: skip
    return Listed(**values)  # type: ignore[arg-type]


def test_json_says_everything_the_specification_asks_for() -> None:
    older = a_file(filename="a-0.9.tar.gz", version="0.9", metadata_sha256=None, requires_python=None, yanked="")
    newest = a_file(filename="a-1.10.tar.gz", version="1.10", yanked="broken")
    page = ProjectPage(name="a", files=[newest, a_file(), older], serial=7)
    body = json.loads(render_project(page, JSON))
    assert body["meta"] == {"api-version": "1.4", "_last-serial": 7}
    assert (body["name"], body["versions"]) == ("a", ["0.9", "1.0", "1.10"])
    assert body["project-status"] == {"status": "active"}
    assert body["files"][1] == {
        "filename": "a-1.0-py3-none-any.whl",
        "url": "https://index.example/packages/aa/bb/cc/a-1.0-py3-none-any.whl",
        "hashes": {"sha256": "ab" * 32},
        "requires-python": ">=3.9,<4",
        "size": 1337,
        "upload-time": "2026-09-21T14:13:20.250000Z",
        "yanked": False,
        "core-metadata": {"sha256": "cd" * 32},
        "provenance": None,
    }
    assert [file["yanked"] for file in body["files"]] == [True, False, "broken"]
    assert body["files"][0]["core-metadata"] is False
    assert "requires-python" not in body["files"][0]


class Anchors(HTMLParser):
    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.metas: dict[str | None, str | None] = {}
        self.feed(text.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.found.append(given)
        elif tag == "meta" and "name" in given:
            self.metas[given["name"]] = given.get("content")


@pytest.mark.parametrize("form", [HTML, V1_HTML])
def test_html_says_the_same_in_attributes(form: Format) -> None:
    text = render_project(ProjectPage(name="a", files=[a_file(yanked='"<b>')], serial=1), form)
    anchors = Anchors(text)
    assert anchors.metas == {"pypi:repository-version": "1.4", "pypi:project-status": "active"}
    assert anchors.found == [
        {
            "href": f"https://index.example/packages/aa/bb/cc/a-1.0-py3-none-any.whl#sha256={'ab' * 32}",
            "data-requires-python": ">=3.9,<4",
            "data-core-metadata": f"sha256={'cd' * 32}",
            "data-dist-info-metadata": f"sha256={'cd' * 32}",
            "data-yanked": '"<b>',
        }
    ]
    assert b'data-requires-python="&gt;=3.9,&lt;4"' in text


def test_the_list_has_one_anchor_per_project() -> None:
    page = RootPage(projects=[("Foo.Bar", "foo-bar"), ("b", "b")], serial=3)
    assert [one["href"] for one in Anchors(render_root(page, HTML)).found] == ["/simple/foo-bar/", "/simple/b/"]
    assert json.loads(render_root(page, JSON)) == {
        "meta": {"api-version": "1.4", "_last-serial": 3},
        "projects": [{"name": "Foo.Bar"}, {"name": "b"}],
    }


def test_the_path_of_a_file_ends_in_its_name() -> None:
    assert file_path("ab" + "cd" + "e" * 60, "a-1!1.0+x.tar.gz") == f"/packages/ab/cd/{'e' * 60}/a-1!1.0+x.tar.gz"


def test_only_json_has_no_charset() -> None:
    assert JSON.content_type == "application/vnd.pypi.simple.v1+json"
    assert HTML.content_type == "text/html; charset=utf-8"


def test_an_anchor_says_only_what_is_known() -> None:
    file = a_file(metadata_sha256=None, requires_python=None, yanked=None)
    [anchor] = Anchors(render_project(ProjectPage(name="a", files=[file], serial=1), HTML)).found
    assert set(anchor) == {"href"}
