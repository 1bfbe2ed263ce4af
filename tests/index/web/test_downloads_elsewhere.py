# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Downloads of files that are in a bucket: through the index, or by a link that is good for a short time."""

from __future__ import annotations

import hashlib
import http.client
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from trustpub.index.adapters.bucket import Bucket
from trustpub.index.adapters.s3 import MARK, S3Blobs

from .conftest import Site, sdist, serving, wheel
from .test_downloads import LARGE, put

FILENAME = "hello-1.0-py3-none-any.whl"


@pytest.fixture(params=[False, True], ids=["proxy", "redirect"])
def redirect(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def elsewhere(house: Any, objects: Any, tmp_path: Path) -> Any:
    """The house, its files in a bucket; who downloads gets them through it."""
    house.blobs = S3Blobs(tmp_path, Bucket(objects.storage()))
    house.blobs.bucket.put_new(MARK, b"ours")
    return house


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_a_file_comes_whole_and_in_parts_through_the_index(elsewhere: Any) -> None:
    path = put(elsewhere, LARGE)
    with serving(elsewhere.app) as port:
        answer, body = ask(port, path)
        assert (answer.status, body) == (200, LARGE)
        etag = f'"{hashlib.sha256(LARGE).hexdigest()}"'
        assert answer.headers["etag"] == etag
        assert answer.headers["content-length"] == str(len(LARGE))
        for asked, first, end in (("0-0", 0, 1), ("5-2500000", 5, 2_500_001), ("-7", len(LARGE) - 7, len(LARGE))):
            answer, body = ask(port, path, Range=f"bytes={asked}")
            assert (answer.status, body) == (206, LARGE[first:end])
        answer, body = ask(port, path, Range="bytes=1-2, 3000000-3000002")
        whole = b"content-type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + body
        parts: Any = message_from_bytes(whole).get_payload()
        assert [part.get_payload(decode=True) for part in parts] == [LARGE[1:3], LARGE[3_000_000:3_000_003]]
        assert ask(port, path, Range=f"bytes={len(LARGE)}-")[0].status == 416
        assert ask(port, path, If_None_Match=etag)[0].status == 304
        answer, body = ask(port, path, "HEAD")
        assert (answer.status, answer.headers["content-length"], body) == (200, str(len(LARGE)), b"")


def test_an_empty_file_is_an_answer_too(elsewhere: Any) -> None:
    path = put(elsewhere, b"")
    with serving(elsewhere.app) as port:
        answer, body = ask(port, path)
    assert (answer.status, body) == (200, b"")


def test_who_is_sent_to_the_bucket_gets_a_link_that_nobody_keeps(elsewhere: Any, objects: Any) -> None:
    elsewhere.blobs = S3Blobs(elsewhere.blobs.staging.parent, Bucket(objects.storage()), redirect=True)
    path = put(elsewhere, LARGE)
    with serving(elsewhere.app) as port:
        answer, body = ask(port, path)
        assert (answer.status, answer.headers["cache-control"], body) == (302, "no-store", b"")
        parts = urlsplit(answer.headers["location"])
        assert f"{parts.scheme}://{parts.netloc}" == objects.server.endpoint
        found, content = ask(objects.server.ports[0], f"{parts.path}?{parts.query}", Range="bytes=5-9")
        assert (found.status, content) == (206, LARGE[5:10])
        assert "public" not in (found.headers["cache-control"] or "")
        # What can be said without the bytes is said here.
        answer, body = ask(port, path, "HEAD")
        assert (answer.status, answer.headers["content-length"]) == (200, str(len(LARGE)))
        # And a link is only for what may be had.
        assert ask(port, path.replace(FILENAME, "other-1.0-py3-none-any.whl"))[0].status == 404
        with elsewhere.store.write() as writing:
            writing.bury(FILENAME, 1)
        assert ask(port, path)[0].status == 404


def test_what_is_in_the_bucket_and_has_no_row_is_not_there(elsewhere: Any) -> None:
    path = put(elsewhere, LARGE)
    with elsewhere.blobs.stage() as staged:
        staged.write(b"an orphan")
        staged.finish()
        digest = hashlib.blake2b(b"an orphan", digest_size=32).hexdigest()
        staged.keep(digest, "orphan-1.0.tar.gz", None)
    with serving(elsewhere.app) as port:
        assert ask(port, path)[0].status == 200
        assert ask(port, f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/orphan-1.0.tar.gz")[0].status == 404


def test_a_bucket_that_cannot_be_had_is_503_and_never_500(
    house: Any, objects: Any, way: Any, tmp_path: Path, redirect: bool
) -> None:
    house.blobs = S3Blobs(tmp_path, Bucket(objects.storage(endpoint=way.endpoint)), redirect=redirect)
    house.blobs.bucket.put_new(MARK, b"ours")
    path = put(house, LARGE)
    with serving(house.app) as port:
        assert ask(port, path)[0].status == (302 if redirect else 200)
        way.cut()
        answer, body = ask(port, path)
        if redirect:
            assert answer.status == 302  # where the bytes are, it is the bucket that does not answer
        else:
            assert (answer.status, answer.headers["retry-after"]) == (503, "30")
            assert b"does not answer" in body
        assert ask(port, "/simple/hello/")[0].status == 200
        answer, _ = ask(port, "/readyz")
        assert (answer.status, answer.headers["retry-after"]) == (503, "30")
        assert ask(port, "/healthz")[0].status == 200


def test_an_upload_while_the_bucket_is_away_is_503_and_goes_through_when_it_is_back(
    house: Any, objects: Any, way: Any, tmp_path: Path
) -> None:
    house.blobs = S3Blobs(tmp_path, Bucket(objects.storage(endpoint=way.endpoint)))
    house.blobs.bucket.put_new(MARK, b"ours")
    way.cut()
    with TestClient(house.app, base_url="https://index.example") as client:
        publishing = Site(house=house, client=client).publishing()
        answer = publishing.send(wheel())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert list(house.blobs.staging.iterdir()) == []
        with house.store.read() as reading:
            assert list(reading.all_files()) == []
        way.mend()
        assert publishing.send(wheel()).status_code == 200
        assert Site(house=house, client=client).files("hello")[0]["filename"] == FILENAME
    assert [name for _, name in house.blobs.names()] == [FILENAME]


def test_what_a_sdist_says_of_itself_is_read_from_the_bucket(elsewhere: Any) -> None:
    with TestClient(elsewhere.app, base_url="https://index.example") as client:
        publishing = Site(house=elsewhere, client=client).publishing()
        assert publishing.send(sdist(), "hello-1.0.tar.gz").status_code == 200
        assert client.get("/pypi/hello/json").json()["info"]["requires_python"] == ">=3.9"
    assert list(elsewhere.blobs.staging.iterdir()) == []
