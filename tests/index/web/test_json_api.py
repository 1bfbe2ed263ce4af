# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""PyPI's JSON API, made of what uploads brought."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from trustpub.protocol.legacy_json import Described, Release, latest, render

from ... import packed  # noqa: TID252 - pytest gives these folders no absolute name

METADATA = """Metadata-Version: 2.4
Name: Hello
Version: {version}
Summary: Says hello
Author: Ada
Author-email: Ada <ada@example.org>
License-Expression: MIT
License-File: LICENSE
Keywords: greeting,hello
Classifier: Programming Language :: Python :: 3
Classifier: Typing :: Typed
Requires-Python: >=3.9
Requires-Dist: click>=8
Requires-Dist: pytest; extra == "test"
Provides-Extra: test
Project-URL: Source, https://example.org/hello, with a comma
Home-page: https://example.org
Description-Content-Type: text/markdown

# Hello

*World* ✓
"""


def wheel(version: str) -> bytes:
    info = f"hello-{version}.dist-info"
    contents = {
        f"{info}/METADATA": METADATA.format(version=version).encode(),
        f"{info}/WHEEL": packed.TAGGED,
        f"{info}/licenses/LICENSE": b"MIT",
    }
    return packed.wheel(info, contents)


@pytest.fixture
def shop(site: Any) -> Any:
    """Hello 1.0, 1.1 and a pre-release of 2.0."""
    uploader = site.publishing()
    for version in ("1.0", "1.1", "2.0rc1"):
        name = f"hello-{version}-py3-none-any.whl"
        answer = uploader.send(
            wheel(version), name, name="Hello", version=version, metadata_version="2.4",
            md5_digest=hashlib.md5(wheel(version), usedforsecurity=False).hexdigest() if version == "1.0" else None,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
    return site


def test_a_project_is_described_by_its_newest_final_version(shop: Any) -> None:
    answer = shop.client.get("/pypi/hello/json", headers={"Accept": "image/png"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body = answer.json()
    assert set(body) == {"info", "last_serial", "ownership", "releases", "urls", "vulnerabilities"}
    info = body["info"]
    assert (info["name"], info["version"], info["summary"]) == ("hello", "1.1", "Says hello")
    assert (info["author"], info["author_email"]) == ("Ada", "Ada <ada@example.org>")
    assert (info["license_expression"], info["license_files"], info["license"]) == ("MIT", ["LICENSE"], None)
    assert info["classifiers"] == ["Programming Language :: Python :: 3", "Typing :: Typed"]
    assert info["requires_dist"] == ["click>=8", 'pytest; extra == "test"']
    assert (info["provides_extra"], info["requires_python"], info["dynamic"]) == (["test"], ">=3.9", None)
    assert info["project_urls"] == {
        "Homepage": "https://example.org",
        "Source": "https://example.org/hello, with a comma",
    }
    assert info["description"].strip() == "# Hello\n\n*World* ✓"
    assert info["description_content_type"] == "text/markdown"
    assert (info["yanked"], info["yanked_reason"]) == (False, None)
    assert list(body["releases"]) == ["1.0", "1.1", "2.0rc1"]
    assert body["last_serial"] == int(answer.headers["x-pypi-last-serial"])


def test_a_file_is_described_as_pypi_does(shop: Any) -> None:
    body = shop.client.get("/pypi/hello/json").json()
    [first] = body["releases"]["1.0"]
    content = wheel("1.0")
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert first == {
        "comment_text": None,
        "digests": {
            "blake2b_256": hashlib.blake2b(content, digest_size=32).hexdigest(),
            "md5": md5,
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "downloads": -1,
        "filename": "hello-1.0-py3-none-any.whl",
        "has_sig": False,
        "md5_digest": md5,
        "packagetype": "bdist_wheel",
        "python_version": "py3",
        "requires_python": ">=3.9",
        "size": len(content),
        "upload_time": "2026-09-21T14:13:20",
        "upload_time_iso_8601": "2026-09-21T14:13:20.250000Z",
        "url": first["url"],
        "yanked": False,
        "yanked_reason": None,
    }
    assert shop.client.get(first["url"]).content == content
    assert body["urls"] == body["releases"]["1.1"]
    assert "md5" not in body["urls"][0]["digests"]


def test_a_version_has_a_page_of_its_own_in_any_spelling(shop: Any) -> None:
    for spelled in ("2.0rc1", "2.0.rc1", "v2.0c1", "2.0RC1"):
        body = shop.client.get(f"/pypi/hello/{spelled}/json").json()
        assert (body["info"]["version"], [one["filename"] for one in body["urls"]]) == (
            "2.0rc1",
            ["hello-2.0rc1-py3-none-any.whl"],
        )
        assert "releases" not in body


def test_a_version_that_is_yanked_says_so_and_is_no_more_the_newest(shop: Any) -> None:
    with shop.house.store.write() as writing:
        writing.yank("hello-1.1-py3-none-any.whl", "broken")
    assert shop.client.get("/pypi/hello/json").json()["info"]["version"] == "1.0"
    body = shop.client.get("/pypi/hello/1.1/json").json()
    assert (body["info"]["yanked"], body["info"]["yanked_reason"]) == (True, "broken")
    assert (body["urls"][0]["yanked"], body["urls"][0]["yanked_reason"]) == (True, "broken")


def test_another_spelling_of_the_name_is_sent_to_the_normal_one(shop: Any) -> None:
    for path, wanted in (
        ("/pypi/Hello/json", "/pypi/hello/json"),
        ("/pypi/HELLO/1.0/json?x=1", "/pypi/hello/1.0/json?x=1"),
    ):
        answer = shop.client.get(path, headers={"Host": "evil.example"})
        assert (answer.status_code, answer.headers["location"]) == (301, f"https://index.example{wanted}")


def test_a_source_distribution_alone_is_described_by_what_is_in_it(site: Any) -> None:
    assert site.publishing().send(site.sdist(), "hello-1.0.tar.gz").status_code == 200
    body = site.client.get("/pypi/hello/json").json()
    assert (body["info"]["requires_python"], body["urls"][0]["python_version"]) == (">=3.9", "source")
    assert body["info"]["description"].strip() == "Hello."


def test_a_project_in_quarantine_has_no_files_and_no_page(shop: Any) -> None:
    with shop.house.store.write() as writing:
        project = writing.project("hello")
        writing.set_status(project.id, "quarantined", "malware")
    assert shop.client.get("/pypi/hello/json").status_code == 404
    assert shop.client.get("/pypi/hello/1.0/json").status_code == 404


def test_bytes_that_are_not_there_any_more_leave_the_page_without_a_description(shop: Any) -> None:
    for kept in shop.house.store.path.parent.glob("packages/*/*/*/*"):
        kept.unlink()
    body = shop.client.get("/pypi/hello/json").json()
    assert (body["info"]["version"], body["info"]["summary"], body["info"]["description"]) == ("1.1", None, "")


def described(version: str, yanked: str | None = None) -> Described:
    return Described(
        filename=f"a-{version}.tar.gz", url="https://index.example/a", version=version, filetype="sdist",
        pyversion="source", sha256="", blake2b_256="", md5=None, size=1, uploaded=1.0,
        requires_python=None, yanked=yanked,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], None),
        ([described("1.9"), described("1.10")], "1.10"),
        ([described("1.0"), described("2.0a1"), described("2.0.dev1")], "1.0"),
        ([described("2.0a1"), described("2.0a2")], "2.0a2"),
        ([described("1.0"), described("2.0", "broken")], "1.0"),
        ([described("1.0", ""), described("2.0a1")], "2.0a1"),
        ([described("1.0", ""), described("2.0", "")], "2.0"),
        ([described("1.0"), described("2.0", "one file"), described("2.0")], "2.0"),
    ],
)
def test_the_version_a_project_is_known_by(files: list[Described], expected: str | None) -> None:
    assert latest(files) == expected


def test_a_release_of_which_one_file_is_left_is_not_yanked() -> None:
    files = [described("1.0", "broken"), described("1.0")]
    release = Release(name="a", version="1.0", page_url="https://index.example/a", files=files, fields={}, serial=1)
    assert json.loads(render(release, releases=False))["info"]["yanked"] is False
    assert json.loads(render(release, releases=False))["info"]["project_urls"] is None
