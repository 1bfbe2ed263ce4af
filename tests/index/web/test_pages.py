# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Pages and downloads over HTTP, and the doors of the exchange."""

from __future__ import annotations

import gzip
import json
import logging
from typing import Any

import pytest

JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def stocked(site: Any) -> Any:
    """An index with one wheel."""
    assert site.publishing().send(site.wheel()).status_code == 200
    return site


def test_pages_come_in_the_form_that_was_asked_for(stocked: Any) -> None:
    for accept, expected in (
        (JSON, JSON),
        ("*/*", "text/html; charset=utf-8"),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+html; charset=utf-8"),
    ):
        for path in ("/simple/", "/simple/hello/"):
            answer = stocked.client.get(path, headers={"Accept": accept})
            assert (answer.status_code, answer.headers["content-type"]) == (200, expected)
            assert "Accept" in answer.headers["vary"]
    for path in ("/simple/", "/simple/hello/"):
        assert stocked.client.get(path, headers={"Accept": "image/png"}).status_code == 406
        assert stocked.client.get(f"{path}?format={JSON}").headers["content-type"] == JSON


def test_other_spellings_are_sent_to_the_normal_one_by_the_public_url(stocked: Any) -> None:
    for path, status, location in (
        ("/simple", 308, "/simple/"),
        ("/simple/hello", 308, "/simple/hello/"),
        ("/simple/Hello?format=text/html", 308, "/simple/hello/?format=text/html"),
        ("/simple/HELLO/", 301, "/simple/hello/"),
        ("/simple/a_-.b/", 301, "/simple/a-b/"),
    ):
        answer = stocked.client.get(path, headers={"Host": "evil.example"})
        assert (answer.status_code, answer.headers["location"]) == (status, "https://index.example" + location)
    for path in ("/simple/nobody/", "/simple/-/", "/simple/a%20b/", "/simple/a%0A/", "/simple/hello/x", "/simpler/"):
        assert stocked.client.get(path).status_code == 404


def test_each_representation_has_its_own_tag_and_304_saves_the_body(stocked: Any) -> None:
    tags = set()
    for accept in (JSON, "text/html", "application/vnd.pypi.simple.v1+html"):
        for encoding in ("identity", "gzip"):
            headers = {"Accept": accept, "Accept-Encoding": encoding}
            answer = stocked.client.get("/simple/hello/", headers=headers)
            tag = answer.headers["etag"]
            tags.add(tag)
            again = stocked.client.get("/simple/hello/", headers={**headers, "If-None-Match": f'"x", {tag}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert len(tags) == 6


def test_gzip_is_sent_to_those_who_name_it(stocked: Any) -> None:
    with stocked.client.stream("GET", "/simple/hello/", headers={"Accept-Encoding": "gzip;q=0"}) as plain:
        assert "content-encoding" not in plain.headers
        body = b"".join(plain.iter_raw())
    with stocked.client.stream("GET", "/simple/hello/", headers={"Accept-Encoding": "br, gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())) == body


def test_a_change_by_another_process_shows_at_once(stocked: Any) -> None:
    before = stocked.client.get("/simple/hello/").headers["etag"]
    with stocked.house.store.write() as writing:
        file = writing.file("hello-1.0-py3-none-any.whl")
        writing.touch(file.project_id)
    assert stocked.client.get("/simple/hello/", headers={"Accept": JSON}).json()["meta"]["_last-serial"] > 1
    assert stocked.publishing("second").send(stocked.wheel("second"), "second-1.0-py3-none-any.whl").status_code == 200
    names = stocked.client.get("/simple/", headers={"Accept": JSON}).json()["projects"]
    assert [one["name"] for one in names] == ["hello", "second"]
    assert stocked.client.get("/simple/hello/").headers["etag"] == before  # nothing that HTML shows has changed


def test_files_are_immutable_and_come_in_parts(stocked: Any) -> None:
    url, content = stocked.files("hello")[0]["url"], stocked.wheel()
    whole = stocked.client.get(url)
    assert whole.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (whole.headers["accept-ranges"], whole.headers["content-length"]) == ("bytes", str(len(content)))
    for asked, expected in (
        ("bytes=0-9", content[:10]),
        ("bytes=10-", content[10:]),
        ("bytes=-10", content[-10:]),
        ("bytes=5-999999", content[5:]),
        ("bytes=-999999", content),
    ):
        part = stocked.client.get(url, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, expected)
    assert (
        stocked.client.get(url, headers={"Range": "bytes=2-4"}).headers["content-range"] == f"bytes 2-4/{len(content)}"
    )
    for nonsense in ("bytes=9-2", "lines=1-2", "bytes=0-1,4-3", "bytes=-", "bytes=a-b", "bytes"):
        assert stocked.client.get(url, headers={"Range": nonsense}).status_code == 200
    for beyond in (f"bytes={len(content)}-", "bytes=-0"):
        answer = stocked.client.get(url, headers={"Range": beyond})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(content)}")
    other = {"Range": "bytes=0-9", "If-Range": '"other"'}
    assert stocked.client.get(url, headers=other).status_code == 200
    assert stocked.client.get(url, headers={**other, "If-Range": whole.headers["etag"]}).status_code == 206


def test_head_and_304_send_no_bytes(stocked: Any) -> None:
    url = stocked.files("hello")[0]["url"]
    for target in (url, url + ".metadata", "https://index.example/simple/hello/"):
        head = stocked.client.head(target)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 0
        same = stocked.client.get(target, headers={"If-None-Match": head.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")


def test_only_what_a_row_names_is_there(stocked: Any) -> None:
    url = stocked.files("hello")[0]["url"]
    base, _, name = url.rpartition("/")
    digest = "".join(base.split("/")[-3:])
    for path in (
        f"{base}/other-1.0.tar.gz",
        f"{base}/{name}.metadata.metadata",
        f"{base}/.metadata",
        f"{base}/..%2f..%2findex.db",
        f"https://index.example/packages/{digest[:4]}/{digest[4:6]}/{digest[6:]}/{name}",
        f"https://index.example/packages/{digest[:2]}/{digest[2:4]}/{digest[4:].upper()}/{name}x",
        "https://index.example/packages/../index.db",
        "https://index.example/packages/",
    ):
        assert stocked.client.get(path).status_code == 404
    with stocked.house.blobs.stage() as staged:
        staged.write(b"x")
        staged.finish()
        staged.keep("ab" * 32, "x-1.0.tar.gz", None)
    assert stocked.client.get(f"/packages/ab/ab/{'ab' * 30}/x-1.0.tar.gz").status_code == 404


def test_the_exchange_speaks_json_whatever_happens(site: Any) -> None:
    client = site.client
    audience = client.get("/_/oidc/audience")
    assert (audience.status_code, audience.json()) == (200, {"audience": "index_1"})
    for path in ("/_/oidc/mint-token", "/_/oidc/github/mint-token"):
        for body in (b"{}", b"null", b"[]", b'{"token": null}', b"\xff", b'{"token": "a.b.c"}', b"[" * 60_000):
            answer = client.post(path, content=body, headers={"Content-Type": "text/plain"})
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["code"] == "invalid-payload"
        assert client.get(path).status_code == 405
        assert client.get(path).headers["allow"] == "POST"
    refused = (client.get("/_/oidc/nothing"), client.get("/_/oidc/mint-token"))
    for answer in (*refused, audience):
        wanted = "application/json" if answer is audience else "application/problem+json"
        assert answer.headers["content-type"] == wanted
        assert answer.headers["cache-control"] == "no-store"
    large = client.post("/_/oidc/mint-token", content=b" " * 70_000)
    assert (large.status_code, large.json()["status"]) == (413, 413)


def test_burning_says_the_same_for_any_token_and_holds_at_once(site: Any) -> None:
    token = site.house.minted(site.house.publisher(site.house.project("hello")))[1]
    for text in ("nonsense", token.reveal(), token.reveal()):
        answer = site.client.post("/_/oidc/burn-token", content=json.dumps({"token": text}).encode())
        assert (answer.status_code, answer.json()) == (202, {"message": "Accepted"})
    assert site.client.post("/_/oidc/burn-token", content=b'{"token": 1}').status_code == 422
    answer = site.uploader(token).send(site.wheel())
    assert (answer.status_code, "burned" in answer.text) == (403, True)


def test_every_response_is_guarded_and_none_invites_other_origins(stocked: Any) -> None:
    for path in ("/", "/simple/", "/nothing", "/_/oidc/audience", stocked.files("hello")[0]["url"]):
        answer = stocked.client.get(path, headers={"Origin": "https://evil.example"})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_door_says_what_this_is(site: Any) -> None:
    text = site.client.get("/").text
    assert "https://index.example/simple/" in text
    assert "https://index.example/legacy/" in text


def test_the_unexpected_is_one_line_in_the_log_and_no_detail_outside(
    site: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("pypi-secret")

    monkeypatch.setattr(site.house.store, "read", fail)
    with caplog.at_level(logging.ERROR):
        answer = site.client.get("/simple/")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (500, "internal-error")
    assert "RuntimeError" not in answer.text
    assert len(caplog.records) == 1
    assert "RuntimeError" in caplog.text
    assert "pypi-secret" not in caplog.text + answer.text
