# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an import takes is what an upload may be, and what it does not take it names, with the reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trustpub.errors import Misuse
from trustpub.index.adapters.sources.walking import list_folders
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.browse.origins import origin_of
from trustpub.index.imports.bringing import IMPORTED, REFUSED, THERE
from trustpub.index.imports.found import Found, Listing
from trustpub.index.manage.projects import Chosen
from trustpub.index.switches import READ_ONLY, ReadOnly

from .conftest import OLD, bring, metadata, put, rows, sdist, wheel, wheel_name, wrong

WHEEL = wheel_name()
BROKEN = {
    "hello-1.0.zip": (b"PK", "ends neither in .tar.gz"),
    "hello-1.0-py3.8.egg": (b"PK", "ends neither in .tar.gz"),
    "hello-1.0.win32.exe": (b"MZ", "ends neither in .tar.gz"),
    "hello-1.0.tar.xz": (b"", "ends neither in .tar.gz"),
    "hello.tar.gz": (sdist(), "is not a source distribution's name"),
    "hello-1.0.tar.gz": (b"no gzip", "damaged, or no gzip file"),
    "hello-1.1-py3-none-any.whl": (wheel(), "should begin with 'hello-1.0-'"),
    "other-1.0-py3-none-any.whl": (wheel(), "should begin with 'hello-1.0-'"),
    "hello-1.0-py3-none-any.whl": (wheel()[:-30], "zip file"),
    "json-1.0-py3-none-any.whl": (wheel("json"), "standard library"),
    "empty-1.0-py3-none-any.whl": (b"", "zip file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_no_upload_may_be_is_refused_by_name_and_reason(name: str, folder: Folder, old: Path) -> None:
    content, reason = BROKEN[name]
    put(old / name, content)
    (outcome,) = bring(folder, old)
    assert (outcome.state, outcome.found.filename) == (REFUSED, name)
    assert reason in outcome.reason
    assert rows(folder) == {}
    assert wrong(folder) == []
    assert list((folder.path / "staging").iterdir()) == []


def test_a_source_distribution_of_a_name_that_is_not_normal_is_told_its_name(folder: Folder, old: Path) -> None:
    put(old / "My.Hello-1.0.tar.gz", sdist("My.Hello"))
    (outcome,) = bring(folder, old)
    assert "should be 'my_hello-1.0.tar.gz'" in outcome.reason


def test_a_file_keeps_when_it_was_uploaded_and_says_where_it_came_from(folder: Folder, old: Path) -> None:
    put(old / "deep" / "er" / WHEEL, wheel())
    put(old / "hello-1.0.tar.gz", sdist(), at=OLD + 60)
    assert [one.state for one in bring(folder, old)] == [IMPORTED, IMPORTED]
    found = rows(folder)
    assert found[WHEEL].uploaded == OLD
    assert found["hello-1.0.tar.gz"].uploaded == OLD + 60
    assert found[WHEEL].requires_python == ">=3.8"
    assert folder.blobs.metadata(found[WHEEL].blake2b_256, WHEEL) == metadata("hello", "1.0")
    assert origin_of(found[WHEEL], {}).label == "imported from a folder"
    assert wrong(folder) == []
    event = next(one for one in folder.records.events() if one.facts.get("filename") == WHEEL)
    assert (event.kind, event.facts["uploaded"]) == ("file-imported", "2017-07-14T02:40:00+00:00")
    shown = folder.projects.show("hello")
    assert [(one.user.name, one.role) for one in shown.members] == [("ada", "owner")]


def test_a_file_from_the_future_was_uploaded_now_at_the_latest(folder: Folder, old: Path) -> None:
    put(old / WHEEL, wheel(), at=9_000_000_000)
    bring(folder, old)
    assert rows(folder)[WHEEL].uploaded < 9_000_000_000


def test_the_same_again_is_there_and_another_of_its_name_is_refused(folder: Folder, old: Path, tmp_path: Path) -> None:
    put(old / WHEEL, wheel())
    bring(folder, old)
    events = len(folder.records.events())
    assert [one.state for one in bring(folder, old)] == [THERE]
    assert len(folder.records.events()) == events
    put(tmp_path / "other" / WHEEL, wheel(said="otherwise"))
    put(tmp_path / "other" / "hello-1.0-py2.py3-none-any.whl", wheel(), at=OLD + 1)
    first, second = bring(folder, tmp_path / "other")
    assert "File already exists" in first.reason
    assert "File already exists" in second.reason
    assert list(rows(folder)) == [WHEEL]


def test_what_was_deleted_here_does_not_come_back(folder: Folder, old: Path) -> None:
    put(old / WHEEL, wheel())
    bring(folder, old)
    folder.projects.delete("hello", Chosen(everything=True))
    (outcome,) = bring(folder, old)
    assert "no name is used again" in outcome.reason


@pytest.mark.parametrize("closed", ["archive", "quarantine"])
def test_a_project_that_is_closed_stays_as_it_is(closed: str, folder: Folder, old: Path) -> None:
    put(old / WHEEL, wheel())
    bring(folder, old)
    getattr(folder.projects, closed)("hello", "because")
    put(old / wheel_name(version="2.0"), wheel(version="2.0"))
    assert REFUSED in {one.state for one in bring(folder, old)}
    assert list(rows(folder)) == [WHEEL]


def test_names_that_no_project_may_have_are_refused(folder: Folder, old: Path) -> None:
    folder.names.prohibit("secret-thing", "ours")
    put(old / wheel_name("secret-thing"), wheel("secret-thing"))
    put(old / wheel_name("hello"), wheel("hello"), at=OLD + 1)
    put(old / wheel_name("he11o"), wheel("he11o"), at=OLD + 2)
    outcomes = bring(folder, old)
    assert [one.state for one in outcomes] == [REFUSED, IMPORTED, REFUSED]
    assert "prohibited here: ours" in outcomes[0].reason
    assert "looks like the project 'hello'" in outcomes[2].reason


def test_the_limits_of_the_index_hold(folder: Folder, old: Path) -> None:
    put(old / WHEEL, wheel())
    (outcome,) = bring(folder, old, max_file_bytes=len(wheel()) - 1)
    assert outcome.reason.startswith("File too large.")
    (outcome,) = bring(folder, old, max_project_bytes=len(wheel()) - 1)
    assert outcome.reason.startswith("Project size too large.")
    put(old / wheel_name(version="1.0+local"), wheel(version="1.0+local"))
    assert "has a local part" in bring(folder, old, local_versions=False)[0].reason
    assert wrong(folder) == []


def test_an_old_release_was_open_when_its_files_came(folder: Folder, old: Path) -> None:
    put(old / WHEEL, wheel())
    put(old / "hello-1.0.tar.gz", sdist(), at=OLD + 3600)
    late = put(old / "hello-1.0-1-py3-none-any.whl", wheel(said="late"), at=OLD + 10 * 86_400)
    outcomes = bring(folder, old, release_days=2)
    assert [one.state for one in outcomes] == [IMPORTED, IMPORTED, REFUSED]
    assert outcomes[2].found.path == str(late)
    assert "is older than 2 days" in outcomes[2].reason


def test_nobody_owns_a_project_by_chance(folder: Folder, old: Path) -> None:
    put(old / WHEEL, wheel())
    (outcome,) = bring(folder, old, owner=None)
    assert outcome.reason == "There is no project 'hello' here, and nobody to own it: name an owner."


def test_a_held_name_becomes_real_and_all_its_publishers_stay(folder: Folder, old: Path) -> None:
    publishers = [
        {"provider": "github", "fields": {"repository": f"octo/{name}", "workflow": "release.yml", "owner_id": "1",
                                          "repository_id": number}}
        for name, number in (("hello", "2"), ("fork", "3"))
    ]  # fmt: skip
    document = {"projects": [{"name": "Hello", "owner": "ada", "publishers": publishers}]}
    folder.applying.apply(document, read=str)
    put(old / WHEEL, wheel())
    assert [one.state for one in bring(folder, old, owner=None)] == [IMPORTED]
    shown = folder.projects.show("hello")
    assert shown.project.pending_until is None
    assert len(shown.publishers) == 2
    assert [one.user.name for one in shown.members] == ["ada"]


def test_an_index_that_takes_nothing_takes_no_import(folder: Folder, old: Path) -> None:
    with folder.store.write() as writing:
        writing.set_fact(READ_ONLY, "moving")
    with pytest.raises(ReadOnly, match="moving"):
        bring(folder, old)


@pytest.mark.parametrize("digests", [{"sha256": "0" * 64}, {"md5": "0" * 32}])
def test_bytes_that_are_not_those_that_were_announced_are_refused(
    digests: dict[str, str], folder: Folder, old: Path
) -> None:
    path = put(old / WHEEL, wheel())
    found = Found(filename=WHEEL, place=WHEEL, path=str(path), size=1, uploaded=OLD, digests=digests)
    (outcome,) = bring(folder, Listing(files=[found]))
    assert "digest supplied does not match" in outcome.reason


def test_what_cannot_be_read_is_refused_and_the_rest_goes_on(folder: Folder, old: Path) -> None:
    gone = Found(filename=WHEEL, place=WHEEL, path=str(old / WHEEL), size=1, uploaded=OLD)
    path = put(old / wheel_name(version="2.0"), wheel(version="2.0"))
    there = Found(
        filename=path.name, place=path.name, path=str(path), size=path.stat().st_size, uploaded=OLD, yanked=""
    )
    outcomes = bring(folder, Listing(files=[gone, there]))
    assert [one.state for one in outcomes] == [REFUSED, IMPORTED]
    assert outcomes[0].reason.startswith("It cannot be read: No such file")
    assert rows(folder)[path.name].yanked == ""


def test_everything_in_a_folder_is_listed_be_it_taken_or_not(old: Path) -> None:
    put(old / "b" / WHEEL, wheel())
    put(old / "a-1.0.tar.gz", sdist("a"), at=OLD - 1)
    put(old / "a-1.0.tar.gz.asc", b"")
    put(old / f"{WHEEL}.metadata", b"")
    put(old / ".cache" / WHEEL, wheel())
    put(old / ".hidden.whl", b"")
    put(old / "index.html", b"")
    os.mkfifo(old / "pipe-1.0.tar.gz")
    (old / "lost-1.0.tar.gz").symlink_to(old / "nowhere")
    (old / "again").symlink_to(old / "b")
    listing = list_folders([old])
    assert [one.place for one in listing.files] == ["a-1.0.tar.gz", f"b/{WHEEL}"]
    assert {one.place: one.reason for one in listing.passed_over} == {
        "a-1.0.tar.gz.asc": "It is a signature.",
        f"{WHEEL}.metadata": "It is core metadata, which are read from the wheel itself.",
        ".cache": "It begins with a dot, so it was not served.",
        ".hidden.whl": "It begins with a dot, so it was not served.",
        "index.html": "Its name is not that of a distribution.",
        "pipe-1.0.tar.gz": "It is no regular file.",
        "again": "It is a link to a folder, which is not followed.",
    }
    assert [(one.place, one.reason) for one in listing.missing] == [
        ("lost-1.0.tar.gz", "It cannot be read: No such file or directory.")
    ]
    with pytest.raises(Misuse, match="There is no folder"):
        list_folders([old / "nothing"])
