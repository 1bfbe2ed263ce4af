# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What other indexes were seen to take, to crash on, or to answer 200 to without keeping it: one test a row."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import threading
import time
import zipfile
from typing import Any

import pytest

from trustpub.index.web import api
from trustpub.index.web.app import HTTP_PROTOCOL
from trustpub.index.web.phrase import H11PhrasingProtocol

from .conftest import BOUNDARY, METADATA, serving, wheel

WHEEL = "hello-1.0-py3-none-any.whl"
PROTOCOLS = pytest.mark.parametrize("protocol", [HTTP_PROTOCOL, H11PhrasingProtocol])


def refused(site: Any, answer: Any, status: int = 400) -> str:
    """The sentence; and nothing was kept."""
    assert answer.status_code == status, answer.text
    detail = str(answer.json()["detail"])
    assert detail.endswith(".")
    assert site.house.staged() == 0
    assert list(site.house.blobs.names()) == []
    assert site.files("hello") == []
    return detail


@pytest.mark.parametrize(
    "filename",
    [
        "../../evil-1.0-py3-none-any.whl", "..%2f..%2fevil-1.0.tar.gz", "/etc/passwd", "/tmp/hello-1.0.tar.gz",
        "..\\..\\hello-1.0.tar.gz", "C:\\hello-1.0.tar.gz", "hello\x00-1.0.tar.gz", "hello-1.0.tar.gz\x00.whl",
        ".hello-1.0-py3-none-any.whl", ".hidden", "hello-1.0.exe", "hello-1.0.zip", "hello-1.0-py3-none-any.whl.exe",
        "hello-1.0-py3-none-any.whl\u202e", "hello-banana-py3-none-any.whl", f"hello-1.0-py3-none-{'x' * 300}.whl",
        "", " ", "-", "con", "hello-1.0-py3-none-any.WHL",
    ],
)  # fmt: skip
def test_file_names(site: Any, filename: str) -> None:
    answer = site.publishing().send(
        site.wheel(), filename, name="hello", filetype="bdist_wheel", pyversion="py3", sha256_digest="0" * 64
    )
    refused(site, answer)


@pytest.mark.parametrize("name", ["../evil", "a b", "-a", "a-", "é", "ﬀ", "x" * 10_000, "a\x00b", "a/b", "hello\n"])
def test_project_names(site: Any, name: str) -> None:
    said = site.publishing().send(site.wheel(), name=name)
    assert said.status_code in ((200,) if name.strip() == "hello" else (400,))
    if name.strip() != "hello":
        refused(site, said)


def test_a_file_name_of_another_project(site: Any) -> None:
    site.house.project("other")
    answer = site.publishing().send(site.wheel("other"), "other-1.0-py3-none-any.whl", name="hello")
    assert "should begin with 'hello-1.0-'" in refused(site, answer)
    assert site.files("other") == []


@pytest.mark.parametrize(("name", "version"), [("other", "1.0"), ("hello", "2.0")])
def test_name_or_version_other_than_in_the_metadata(site: Any, name: str, version: str) -> None:
    answer = site.publishing().send(renamed(site.wheel(), name, version))
    assert "is not that of the metadata in the file" in refused(site, answer)


def renamed(content: bytes, name: str, version: str) -> bytes:
    """A wheel of hello 1.0 whose METADATA say otherwise, with a RECORD that knows."""
    buffer, text = io.BytesIO(), METADATA.format(name=name, version=version, body="Hello.").encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for path in old.namelist():
            said = old.read(path)
            if path.endswith("/METADATA"):
                said = text
            elif path.endswith("/RECORD"):
                lines = said.decode().splitlines()
                said = "".join(
                    f"{line.partition(',')[0]},sha256={digest},{len(text)}\n" if "/METADATA," in line else f"{line}\n"
                    for line in lines
                ).encode()
            new.writestr(path, said)
    return buffer.getvalue()


@pytest.mark.parametrize("version", ["banana", "not a version", "1.0.x", "١.0", "1" * 5000 + "!1", ""])
def test_versions(site: Any, version: str) -> None:
    refused(site, site.publishing().send(site.wheel(), version=version))


def test_a_wrong_digest_of_any_kind_beside_a_right_one(site: Any) -> None:
    content = site.wheel()
    right = {
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        "md5_digest": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "blake2_256_digest": hashlib.blake2b(content, digest_size=32).hexdigest(),
    }
    for field, value in right.items():
        wrong = {**right, field: ("1" if value[0] == "0" else "0") + value[1:]}
        assert field in refused(site, site.publishing().send(content, **wrong))
        # Also where the digest comes only behind the bytes.
        assert field in refused(site, site.publishing().send(content, content_first=True, **wrong))
    assert site.publishing().send(content, **right).status_code == 200


def no_wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "This is a zip file.")
    return buffer.getvalue()


def bomb() -> bytes:
    """70 MB of zeros in 70 kB, RECORD and all."""
    zeros = b"\0" * 70_000_000
    digest = base64.urlsafe_b64encode(hashlib.sha256(zeros).digest()).rstrip(b"=").decode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel())) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for path in old.namelist():
            said = old.read(path)
            new.writestr(path, said + f"zeros,sha256={digest},70000000\n".encode() if path.endswith("RECORD") else said)
        new.writestr("zeros", zeros)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [(no_wheel(), "dist-info"), (b"no zip at all" * 100, "zip file"), (b"", "zip file"), (bomb(), "unpacks to more")],
)
def test_what_is_no_wheel(site: Any, content: bytes, says: str) -> None:
    assert says in refused(site, site.publishing().send(content))


def test_the_same_again_and_other_bytes(site: Any) -> None:
    uploader = site.publishing()
    assert [uploader.send(site.wheel()).status_code for _ in range(2)] == [200, 200]
    answer = uploader.send(site.wheel(body="Other."))
    assert (answer.status_code, "File already exists" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("dup_one-1.0.0-py3-none-any.whl", "Dup.One", "1.0.0"),
        ("dup_one-1.0-py3-none-any.whl", "dup-one", "1.0"),
        ("dup_one-1-py3-none-any.whl", "DUP_ONE", "1"),
    ],
)
def test_two_spellings_of_one_file(site: Any, filename: str, name: str, version: str) -> None:
    uploader = site.uploader(site.house.user_token())
    first = site.wheel("dup_one", "1.0.0")
    taken = uploader.send(first, "dup_one-1.0.0-py3-none-any.whl", name="dup_one", version="1.0.0")
    assert taken.status_code == 200
    other = site.wheel("dup_one", version, body="Other.")
    answer = uploader.send(other, filename, name=name, version=version)
    assert (answer.status_code, "File already exists" in answer.json()["detail"]) == (400, True)
    # A name that is not in its one spelling is refused whatever is here.
    for wrong in ("Dup.One-1.0.0-py3-none-any.whl", "dup-one-1.0.0-py3-none-any.whl", "DUP_ONE-1.0.0-py3-none-any.whl"):
        answer = uploader.send(site.wheel("Dup.One", "1.0.0", body="Third."), wrong, name="Dup.One", version="1.0.0")
        assert answer.status_code == 400
    assert len(site.files("dup-one")) == 1


def test_many_at_once_under_one_name(site: Any) -> None:
    uploaders = [site.publishing() for _ in range(8)]
    statuses: list[int] = []

    def send(number: int) -> None:
        statuses.append(uploaders[number].send(site.wheel(body=f"Body {number}.")).status_code)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [400] * 7
    kept = list(site.house.blobs.names())
    assert len(site.files("hello")) == 1
    assert (site.house.staged(), len(kept)) == (0, 1)


def test_large_fields(site: Any) -> None:
    assert "too large" in refused(site, site.publishing().send(site.wheel(), summary="x" * 1_000_000))
    assert "too large" in refused(site, site.publishing().send(site.wheel(), description="x" * 17_000_000))
    assert "too large" in refused(site, site.publishing().send(site.wheel(), description="x" * 50_000_000), 413)


def test_many_fields(site: Any) -> None:
    fields = [*site.form(site.wheel(), WHEEL), *((f"field{number}", "x") for number in range(20_000))]
    answer = site.publishing().send_raw(site.multipart(fields, site.wheel(), WHEEL))
    assert "too many parts" in refused(site, answer)


def test_fields_that_are_missing_or_stand_twice(site: Any) -> None:
    for field in ("name", "version", "filetype", "metadata_version"):
        assert f"{field}: is missing" in refused(site, site.publishing().send(site.wheel(), **{field: None}))
    for field, value in (("name", "hello"), ("name", "evil"), ("version", "1.0"), ("sha256_digest", "0" * 64)):
        fields = [*site.form(site.wheel(), WHEEL), (field, value)]
        answer = site.publishing().send_raw(site.multipart(fields, site.wheel(), WHEEL))
        assert f"{field}: stands more than once" in refused(site, answer)


def test_a_body_that_is_cut_with_a_length_that_fits(site: Any) -> None:
    body = site.multipart(site.form(site.wheel(), WHEEL), site.wheel(), WHEEL)
    for size in (10, len(body) // 2, len(body) - 200, len(body) - 30, len(body) - 5):
        refused(site, site.publishing().send_raw(body[:size]))


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=x", "multipart/mixed"],
)
def test_no_boundary(site: Any, content_type: str) -> None:
    body = site.multipart(site.form(site.wheel(), WHEEL), site.wheel(), WHEEL)
    assert "multipart/form-data" in refused(site, site.publishing().send_raw(body, content_type=content_type))


def test_credentials(site: Any) -> None:
    basic = base64.b64encode(b"ada:secret").decode()
    for header in (
        None,
        "Basic",
        "Basic !",
        f"Basic {basic}",
        "Bearer x",
        "Bearer pypi-AgE",
        "Digest x",
        "\xff",
        "token ",
    ):
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Accept": "application/json"}
        if header is not None:
            headers["Authorization"] = header.encode("latin-1").decode("latin-1")
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = site.client.post("/legacy/", content=b"x", headers=raw)
        assert answer.status_code == 403, header
        assert answer.json()["errors"][0]["code"] == "invalid-credentials"


@pytest.mark.parametrize(
    "path", ["/packages/../secret", "/packages/%2e%2e/%2e%2e/secret", "/simple/%00/", "/simple/%ff%fe/"]
)
def test_paths_that_lead_out(site: Any, path: str) -> None:
    assert site.client.get(path).status_code in (400, 404)


def head(site: Any, extra: str) -> bytes:
    authorization = site.publishing().headers["Authorization"]
    return (
        f"POST /legacy/ HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n{extra}"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    ).encode()


def talk(port: int, *chunks: bytes, hang_up: bool = False) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for chunk in chunks:
            connection.sendall(chunk)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while received := connection.recv(65536):
                answer += received
        except ConnectionResetError:
            pass
        return answer


@PROTOCOLS
def test_lengths_that_lie(site: Any, protocol: Any) -> None:
    body = site.multipart(site.form(site.wheel(), WHEEL), site.wheel(), WHEEL)
    long, short = (
        f"Content-Length: {len(body) + 100}\r\n",
        f"Content-Length: {len(body) - 100}\r\nConnection: close\r\n",
    )
    both = f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n"
    with serving(site.house.app, protocol) as port:
        assert b" 200 " not in talk(port, head(site, long) + body, hang_up=True)
        assert talk(port, head(site, short) + body).startswith(b"HTTP/1.1 400 ")
        assert b" 200 " not in talk(port, head(site, both) + body)
        assert b" 200 " not in talk(port, head(site, "Content-Length: 5\r\nContent-Length: 6\r\n") + body)
        assert b" 200 " not in talk(port, head(site, "Content-Length: -5\r\n") + body)
        too_long = talk(port, head(site, f"Content-Length: {'9' * 17}\r\n"))
        assert too_long.startswith(b"HTTP/1.1 413 File too large")
        time.sleep(0.2)
        assert (site.house.staged(), site.files("hello")) == (0, [])


@PROTOCOLS
def test_a_body_without_a_length_is_bounded_as_it_comes(site: Any, protocol: Any) -> None:
    content = b"x" * (2**20 + 1)
    body = site.multipart(site.form(content, WHEEL), content, WHEEL)
    pieces = [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in (body[:1000], body[1000:])]
    with serving(site.house.app, protocol) as port:
        said = head(site, "Transfer-Encoding: chunked\r\nConnection: close\r\n")
        assert b"HTTP/1.1 413 File too large" in talk(port, said, *pieces, b"0\r\n\r\n")
    assert site.house.staged() == 0


@PROTOCOLS
def test_a_body_that_pauses_or_crawls_is_ended(site: Any, protocol: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    body = site.multipart(site.form(site.wheel(), WHEEL), site.wheel(), WHEEL)
    monkeypatch.setattr(api, "IDLE_SECONDS", 0.5)
    with serving(site.house.app, protocol) as port:
        began = time.monotonic()
        paused = talk(port, head(site, f"Content-Length: {len(body)}\r\n") + body[:500])
        assert paused.startswith(b"HTTP/1.1 408 The body came too slowly")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as crawling:
            crawling.sendall(head(site, f"Content-Length: {len(body)}\r\n"))
            answer = b""
            for at in range(40):
                try:
                    crawling.sendall(body[at : at + 1])
                except OSError:
                    break
                time.sleep(0.1)
            while received := crawling.recv(65536):
                answer += received
        assert answer.startswith(b"HTTP/1.1 408 The body came too slowly")
        assert time.monotonic() - began < 15
    assert site.house.staged() == 0
