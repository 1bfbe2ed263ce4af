# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an administrator decides about uploads, what becomes of names, and refusals that come before the bytes."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from trustpub.index.kept import ARCHIVED, QUARANTINED

from .conftest import BOUNDARY, METADATA, Site

DAY = 24 * 3600


@pytest.fixture
def strict(house: Any) -> Iterator[Any]:
    """A site whose settings a test changes: ``strict(local_versions=False)``."""
    opened: list[TestClient] = []

    def make(**changes: Any) -> Site:
        house.settings = replace(house.settings, **changes)
        client = TestClient(house.app, base_url="https://index.example", follow_redirects=False)
        opened.append(client.__enter__())
        return Site(house=house, client=client)

    yield make
    for client in opened:
        client.__exit__()


def told(answer: Any, status: int = 400) -> tuple[str, str]:
    assert answer.status_code == status, answer.text
    return answer.json()["errors"][0]["code"], answer.json()["detail"]


def with_dependency(requirement: str) -> bytes:
    """A wheel of hello 1.0 that needs something."""
    info = "hello-1.0.dist-info"
    contents = {
        f"{info}/METADATA": METADATA.format(name="hello", version="1.0", body="").strip().encode()
        + f"\nRequires-Dist: {requirement}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(one).digest()).rstrip(b'=').decode()},{len(one)}\n"
        for path, one in contents.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in {**contents, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def test_local_versions_are_taken_unless_the_administrator_says_no(strict: Any) -> None:
    content, filename = Site.wheel(version="1.0+cu121"), "hello-1.0+cu121-py3-none-any.whl"
    closed = strict(local_versions=False)
    code, said = told(closed.publishing().send(content, filename, version="1.0+cu121"))
    assert (code, "local part" in said) == ("invalid-file", True)
    answer = strict(local_versions=True).publishing().send(content, filename, version="1.0+cu121")
    assert answer.status_code == 200


def test_direct_urls_are_taken_unless_the_administrator_says_no(strict: Any) -> None:
    content = with_dependency("other @ https://example.org/other.whl")
    code, said = told(strict(direct_urls=False).publishing().send(content, requires_python=">=3.9"))
    assert (code, "'other' is given by a URL" in said) == ("invalid-file", True)
    assert strict(direct_urls=True).publishing().send(content, requires_python=">=3.9").status_code == 200


def test_a_project_has_room_for_so_many_bytes_and_no_more(strict: Any) -> None:
    content, other = Site.wheel(), Site.wheel(version="2.0")
    site = strict(max_project_bytes=len(content) + len(other) - 1)
    uploader, second = site.publishing(), "hello-2.0-py3-none-any.whl"
    assert uploader.send(content).status_code == 200
    code, said = told(uploader.send(other, second, version="2.0"))
    assert (code, f"of which {len(other) - 1} are left" in said) == ("project-too-large", True)
    # What is here already may come again, and what was deleted counts no more.
    assert uploader.send(content).status_code == 200
    with site.house.store.write() as writing:
        writing.bury("hello-1.0-py3-none-any.whl", int(site.house.clock.now))
    assert uploader.send(other, second, version="2.0").status_code == 200


def test_a_release_takes_no_more_files_after_some_days(strict: Any) -> None:
    site = strict(release_days=14)
    assert site.publishing().send(site.wheel()).status_code == 200
    site.house.clock.now += 14 * DAY
    build = "hello-1.0-1-py3-none-any.whl"
    assert site.publishing().send(site.wheel(body="Second."), build).status_code == 200
    site.house.clock.now += 1
    uploader = site.publishing()
    code, said = told(uploader.send(site.sdist(), "hello-1.0.tar.gz"))
    assert (code, "older than 14 days" in said) == ("release-closed", True)
    other_spelling = site.sdist(version="1.0.0")
    assert told(uploader.send(other_spelling, "hello-1.0.0.tar.gz", version="1.0.0"))[0] == "release-closed"
    assert uploader.send(site.wheel()).status_code == 200  # the same again
    assert uploader.send(site.wheel(version="1.1"), "hello-1.1-py3-none-any.whl", version="1.1").status_code == 200


def test_the_size_of_a_file_is_limited(strict: Any) -> None:
    site = strict(max_file_bytes=100)
    code, said = told(site.publishing().send(site.wheel()), 413)
    assert (code, "100 bytes" in said) == ("file-too-large", True)


def test_one_version_has_one_sdist(site: Any) -> None:
    uploader = site.publishing()
    assert uploader.send(site.sdist(), "hello-1.0.tar.gz").status_code == 200
    answer = uploader.send(site.sdist(version="1.0.0"), "hello-1.0.0.tar.gz", version="1.0.0")
    assert told(answer)[0] == "file-exists"


def test_the_name_of_a_deleted_file_stays_taken(site: Any) -> None:
    uploader, name = site.publishing(), "hello-1.0-py2.py3-none-any.whl"
    assert uploader.send(site.wheel(), name, pyversion="py2.py3").status_code == 200
    with site.house.store.write() as writing:
        writing.bury(name, int(site.house.clock.now))
    for content in (site.wheel(), site.wheel(body="Other.")):
        for again in (name, "hello-1.0-py3.py2-none-any.whl"):
            code, said = told(uploader.send(content, again, pyversion=again.split("-")[2]))
            assert (code, "has been deleted" in said) == ("file-name-used", True)
            assert "already exist" not in said.lower()  # or clients that skip what is here would take it for done
    # Its bytes may come under another name.
    assert uploader.send(site.wheel(), "hello-1.0-py3-none-any.whl").status_code == 200


def test_trusted_publishing_only_means_no_other_token(site: Any) -> None:
    token = site.house.user_token("ada")
    assert site.uploader(token).send(site.wheel()).status_code == 200
    project = site.house.project("hello")
    with site.house.store.write() as writing:
        writing.set_policy(project.id, trusted_only=True, attestations="optional")
    code, said = told(site.uploader(token).send(site.sdist(), "hello-1.0.tar.gz"), 403)
    assert (code, "Trusted Publishing only" in said) == ("forbidden", True)
    assert site.publishing().send(site.sdist(), "hello-1.0.tar.gz").status_code == 200


@pytest.mark.parametrize(("status", "word"), [(ARCHIVED, "archived"), (QUARANTINED, "quarantine")])
def test_a_project_that_is_closed_takes_nothing_from_anybody(site: Any, status: str, word: str) -> None:
    uploaders = [site.uploader(site.house.user_token("ada")), site.publishing()]
    uploaders[0].send(site.wheel())
    project = site.house.project("hello")
    with site.house.store.write() as writing:
        writing.set_status(project.id, status, "see issue 5")
    for uploader in uploaders[1:]:
        code, said = told(uploader.send(site.sdist(), "hello-1.0.tar.gz"), 403)
        assert (code, word in said, "see issue 5" in said) == ("forbidden", True, True)


def test_a_project_that_is_closed_meanwhile_takes_nothing_either(site: Any, house: Any) -> None:
    project = house.project("hello")
    _, token = house.minted(house.publisher(project))
    upload, content = house.upload, site.wheel()
    bearer = upload.admit(f"Bearer {token.reveal()}")
    with upload.begin(bearer) as arrival:
        arrival.open(md5=False, fields=[("name", "hello")])
        arrival.write(content)
        with house.store.write() as writing:
            writing.set_status(project.id, ARCHIVED, "")
        name = "hello-1.0-py3-none-any.whl"
        answer = upload.accept(bearer, site.form(content, name), name, arrival)
    assert (answer.status, house.staged(), list(house.blobs.names())) == (403, 0, [])


def test_attestations_with_a_token_of_a_person_are_refused_in_a_sentence(site: Any) -> None:
    answer = site.uploader(site.house.user_token("ada")).send(site.wheel(), attestations='[{"version": 1}]')
    code, said = told(answer)
    assert (code in ("invalid-attestation", "attestations-unsupported"), " " in said) == (True, True)
    assert site.files("hello") == []


def test_who_may_not_upload_to_the_project_is_told_before_the_bytes(site: Any, house: Any) -> None:
    """The name stands before the content in every client's form; the content is not even begun then."""
    site.house.project("other")
    uploader = site.publishing("hello")
    body = site.multipart(site.form(b"", "other-1.0-py3-none-any.whl"), b"x" * 100_000, "other-1.0-py3-none-any.whl")
    cut = body[: len(body) - 50_000]  # so that nothing but an early refusal can come of it
    assert told(uploader.send_raw(cut), 403)[0] == "invalid-credentials"
    nobody = site.multipart(site.form(b"", "nobody-1.0.tar.gz"), b"x" * 100_000, "nobody-1.0.tar.gz")
    assert told(uploader.send_raw(nobody[:-50_000]))[0] == "unknown-project"
    assert site.house.staged() == 0


def test_action_and_protocol_may_stand_in_the_url(site: Any) -> None:
    content, name = site.wheel(), "hello-1.0-py3-none-any.whl"
    fields = [one for one in site.form(content, name) if one[0] not in (":action", "protocol_version")]
    uploader = site.publishing()
    headers = {
        **uploader.headers, "Accept": "application/json", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }  # fmt: skip

    def post(query: str, given: list[tuple[str, str]]) -> Any:
        body = site.multipart(given, content, name)
        return site.client.post(f"/legacy/?{query}", content=body, headers=headers)

    assert "must be file_upload" in told(post("", fields))[1]
    assert told(post(":action=submit", fields), 410)[0] == "invalid-form"
    assert "protocol_version" in told(post(":action=file_upload&protocol_version=2", fields))[1]
    assert "more than once" in told(post(":action=other", site.form(content, name)))[1]
    assert post(":action=file_upload&protocol_version=1", site.form(content, name)).status_code == 200
    assert post(":action=file_upload&protocol_version=1", fields).status_code == 200
