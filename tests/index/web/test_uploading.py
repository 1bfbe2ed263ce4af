# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Uploads over HTTP: what is taken, what is refused, and in which words."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

WHEEL = "hello-1.0-py3-none-any.whl"


def test_a_wheel_and_an_sdist_are_taken_and_can_be_had_back(site: Any) -> None:
    uploader = site.publishing()
    for content, filename in ((site.wheel(), WHEEL), (site.sdist(), "hello-1.0.tar.gz")):
        answer = uploader.send(content, filename)
        assert (answer.status_code, answer.text) == (200, "")
    files = {file["filename"]: file for file in site.files("hello")}
    assert set(files) == {WHEEL, "hello-1.0.tar.gz"}
    assert files["hello-1.0.tar.gz"]["core-metadata"] is False
    assert files[WHEEL]["hashes"]["sha256"] == hashlib.sha256(site.wheel()).hexdigest()
    assert site.client.get(files[WHEEL]["url"]).content == site.wheel()
    metadata = site.client.get(files[WHEEL]["url"] + ".metadata").content
    assert hashlib.sha256(metadata).hexdigest() == files[WHEEL]["core-metadata"]["sha256"]
    assert metadata.startswith(b"Metadata-Version: 2.1\nName: hello\n")
    assert site.house.staged() == 0


def test_an_upload_leaves_an_event_without_any_token(site: Any) -> None:
    site.publishing().send(site.wheel())
    with site.house.store.read() as reading:
        event = reading.events()[0]
        token = reading.token(event.facts["token"])
    assert (event.kind, event.facts["filename"]) == ("file-uploaded", WHEEL)
    assert event.publisher_id == token.publisher_id
    assert "pypi-" not in repr(event)


def test_parts_may_come_in_any_order(site: Any) -> None:
    content = site.wheel()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert site.publishing().send(content, content_first=True, md5_digest=md5).status_code == 200
    with site.house.store.read() as reading:
        assert reading.file(WHEEL).md5 == md5


def test_every_digest_that_is_given_must_match(site: Any) -> None:
    uploader, content = site.publishing(), site.wheel()
    blake2 = hashlib.blake2b(content, digest_size=32).hexdigest()
    for wrong in (
        {"sha256_digest": "0" * 64},
        {"md5_digest": "0" * 32},
        {"blake2_256_digest": "0" * 64},
        {"sha256_digest": "0" * 64, "blake2_256_digest": blake2},
    ):
        answer = uploader.send(content, **wrong)
        assert answer.status_code == 400
        assert "digest supplied does not match" in answer.json()["detail"]
    assert "every other digest" in uploader.send(content, sha256_digest=None).json()["detail"]
    assert uploader.send(content, sha256_digest=None, blake2_256_digest=blake2.upper()).status_code == 200


def test_the_same_file_again_is_no_fault_and_another_of_its_name_is(site: Any) -> None:
    uploader = site.publishing()
    assert uploader.send(site.wheel()).status_code == 200
    assert uploader.send(site.wheel()).status_code == 200
    answer = uploader.send(site.wheel(body="Other."))
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"File already exists ('{WHEEL}'")
    other = uploader.send(site.wheel(), "hello-1.0-py2.py3-none-any.whl", pyversion="py2.py3")
    assert "File already exists" in other.text
    assert len(site.files("hello")) == 1


def test_all_faults_of_a_form_are_told_at_once(site: Any) -> None:
    answer = site.publishing().send(None, filetype="egg", version=None, sha256_digest="x")
    assert answer.status_code == 400
    for part in ("filetype", "version", "sha256_digest", "content"):
        assert part in answer.json()["detail"]


@pytest.mark.parametrize(
    "filename",
    [
        "../hello-1.0.tar.gz", "a/hello-1.0.tar.gz", "hello-1.0.zip", "Hello-1.0.tar.gz", "hello-1.0-1.tar.gz",
        "other-1.0.tar.gz", "hello-1.1.tar.gz", "hello-1.0.tar.gz.metadata", ".tar.gz", "hello-1.0.tar.gz%00",
    ],
)  # fmt: skip
def test_a_file_has_the_one_name_that_its_metadata_give_it(site: Any, filename: str) -> None:
    answer = site.publishing().send(site.sdist(), filename, name="hello", filetype="sdist", pyversion="source")
    assert (answer.status_code, site.files("hello")) == (400, [])


def test_tob_pypi26_10_the_form_must_say_what_the_file_says(site: Any) -> None:
    uploader = site.publishing()
    inside_is_other = uploader.send(site.wheel(name="evil"))
    assert "The form's name is not that of the metadata" in inside_is_other.json()["detail"]
    assert "requires-python" in uploader.send(site.wheel(), requires_python=">=2").json()["detail"]
    assert "requires-dist" in uploader.send(site.wheel(), requires_dist="evil").json()["detail"]
    assert uploader.send(site.wheel(), filetype="sdist", pyversion="source").status_code == 400


def test_what_is_no_archive_is_refused(site: Any) -> None:
    for content in (b"", b"nonsense", site.wheel()[:-30], site.sdist()):
        answer = site.publishing().send(content)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalid-file")
    assert site.house.staged() == 0
    assert list(site.house.blobs.names()) == []


def test_too_many_bytes_are_refused_while_they_come(site: Any) -> None:
    answer = site.publishing().send(b"x" * (2**20 + 1))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (413, "file-too-large")
    assert site.house.staged() == 0


@pytest.mark.parametrize("cut", [1, 5, 40, 200, 10_000])
def test_a_body_that_ends_too_soon_is_refused(site: Any, cut: int) -> None:
    body = site.multipart(site.form(site.wheel(), WHEEL), site.wheel(), WHEEL)
    answer = site.publishing().send_raw(body[: -min(cut + 3, len(body))])
    assert answer.status_code == 400
    assert site.house.staged() == 0
    assert site.files("hello") == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        (None, b"garbage" * 1000),
        (None, b""),
        (None, b'--a-boundary-of-ours\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n'),
        (None, b"--a-boundary-of-ours\r\nX: y\r\n\r\nz\r\n--a-boundary-of-ours--\r\n"),
    ],
)
def test_what_is_no_form_is_refused_in_a_sentence(site: Any, content_type: str | None, body: bytes) -> None:
    answer = site.publishing().send_raw(body, content_type=content_type)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalid-form")
    assert answer.json()["detail"].endswith(".")


def test_a_form_is_bounded(site: Any) -> None:
    uploader, content = site.publishing(), site.wheel()
    many = [*site.form(content, WHEEL), *(("classifiers", "x"),) * 2100]
    assert "too many parts" in uploader.send_raw(site.multipart(many, content, WHEEL)).json()["detail"]
    assert "too large" in uploader.send(content, summary="x" * (2**20 + 1)).json()["detail"]
    assert uploader.send(content, description="x" * (2**20 + 1)).status_code == 200


def test_two_files_in_one_form_are_refused(site: Any) -> None:
    one = site.multipart(site.form(site.wheel(), WHEEL), site.wheel(), WHEEL)
    end = b"--a-boundary-of-ours--\r\n"
    twice = one.removesuffix(end) + site.multipart([], site.sdist(), "hello-1.0.tar.gz")
    assert "more than one file" in site.publishing().send_raw(twice).json()["detail"]


def test_without_a_credential_nothing_of_the_body_is_read(site: Any) -> None:
    for token in (None,):
        answer = site.uploader(token).send(site.wheel())
        assert answer.status_code == 403
        assert "Invalid or non-existent authentication information" in answer.json()["message"]
        assert "www-authenticate" not in answer.headers


def test_a_token_that_may_only_read_cannot_upload(site: Any) -> None:
    site.house.project("hello")
    answer = site.uploader(site.house.user_token(scope="read")).send(site.wheel())
    assert (answer.status_code, "cannot upload" in answer.text) == (403, True)


def test_a_publisher_stays_with_its_project(site: Any) -> None:
    site.house.project("other")
    answer = site.publishing("hello").send(site.wheel("other"), "other-1.0-py3-none-any.whl")
    assert (answer.status_code, site.files("other")) == (403, [])
    unknown = site.publishing("hello2").send(site.wheel("nobody"), "nobody-1.0-py3-none-any.whl")
    assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (400, "unknown-project")


def test_the_first_upload_makes_a_pending_project_real(site: Any) -> None:
    uploader = site.publishing("hello", pending=True)
    assert site.client.get("/simple/hello/").status_code == 404
    assert "hello" not in site.client.get("/simple/").text
    assert uploader.send(b"no wheel").status_code == 400
    assert site.client.get("/simple/hello/").status_code == 404
    assert uploader.send(site.wheel()).status_code == 200
    assert "hello" in site.client.get("/simple/").text
    assert len(site.files("hello")) == 1


def test_a_person_makes_a_project_by_uploading_and_owns_it(site: Any) -> None:
    assert site.uploader(site.house.user_token("ada")).send(site.wheel()).status_code == 200
    assert site.uploader(site.house.user_token("ada")).send(site.sdist(), "hello-1.0.tar.gz").status_code == 200
    answer = site.uploader(site.house.user_token("eve")).send(site.wheel(version="2.0"), version="2.0")
    assert answer.status_code == 403
    with site.house.store.read() as reading:
        project = reading.project("HELLO")
        assert reading.is_member(project.id, reading.user("ada").id)


def test_a_removed_publisher_is_refused_by_the_very_next_request(site: Any) -> None:
    project = site.house.project("hello")
    publisher = site.house.publisher(project)
    uploader = site.uploader(site.house.minted(publisher)[1])
    assert uploader.send(site.wheel()).status_code == 200
    with site.house.store.write() as writing:
        assert writing.unlink_publisher(publisher.id, project.id)
    answer = uploader.send(site.sdist(), "hello-1.0.tar.gz")
    assert (answer.status_code, len(site.files("hello"))) == (403, 1)


@pytest.mark.parametrize("what", ["burned", "unlinked", "overtaken"])
def test_an_upload_in_flight_meets_what_happened_meanwhile(house: Any, site: Any, what: str) -> None:
    project = house.project("hello")
    publisher = house.publisher(project)
    token_id, token = house.minted(publisher)
    upload = house.upload
    bearer = upload.admit(f"Bearer {token.reveal()}")
    content = site.wheel()
    arrival = upload.begin(bearer)
    with arrival:
        arrival.open(md5=False)
        arrival.write(content)
        if what == "overtaken":
            assert site.uploader(token).send(site.wheel(body="Sooner.")).status_code == 200
        else:
            with house.store.write() as writing:
                if what == "burned":
                    writing.burn(token_id, int(house.clock.now))
                else:
                    writing.unlink_publisher(publisher.id, project.id)
        answer = upload.accept(bearer, site.form(content, WHEEL), WHEEL, arrival)
    assert answer.status == (400 if what == "overtaken" else 403)
    assert len(site.files("hello")) == (1 if what == "overtaken" else 0)
    assert house.staged() == 0


def test_a_refusal_speaks_to_each_client_in_its_way(site: Any) -> None:
    sentence = "Invalid or non-existent authentication information"
    uploader = site.uploader(None)
    uv = uploader.send(site.wheel(), accept="application/json;q=0.9, text/plain;q=0.8, text/html;q=0.7")
    assert uv.headers["content-type"] == "application/json"
    assert uv.json()["code"].startswith(f"403 {sentence}")
    assert {"type", "title", "status", "detail", "message", "errors"} <= uv.json().keys()
    problem = uploader.send(site.wheel(), accept="application/problem+json")
    assert problem.headers["content-type"] == "application/problem+json"
    twine = uploader.send(site.wheel(), accept="*/*")
    assert twine.headers["content-type"] == "text/plain; charset=utf-8"
    assert twine.text.startswith(f"403 {sentence}")


def test_the_place_without_a_slash_sends_on(site: Any) -> None:
    answer = site.client.post("/legacy", content=b"x", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (308, "https://index.example/legacy/")
    assert "mind the slash" in answer.text
