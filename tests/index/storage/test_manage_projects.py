# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of projects and their files, by the use case and by the command; each change leaves an event."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Event, File, Project, User
from trustpub.index.manage.projects import Chosen, Projects
from trustpub.index.ports import Blobs

from .conftest import NOW, Ran, SetClock, a_project, a_publisher, event_kinds

WHEEL, SDIST, NEXT = "hello-1.0-py3-none-any.whl", "hello-1.0.tar.gz", "hello-1.1.tar.gz"
RELEASE = Chosen(version="1.0")


def a_file(filename: str, digest: str) -> File:
    return File(
        project_id="project-1", filename=filename, version=filename.removesuffix(".tar.gz").split("-")[1],
        filetype="sdist", size=3, sha256=digest * 64, blake2b_256=digest * 64, md5=None, metadata_sha256="0" * 64,
        requires_python=None, uploaded=1.5, token_id="t",
    )  # fmt: skip


FILES = [a_file(WHEEL, "a"), a_file(SDIST, "b"), a_file(NEXT, "c")]


def stock(store: SqlStore, blobs: Blobs) -> None:
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_project(a_project("Held", "project-2", pending_until=int(NOW) + 1000))
        for file in FILES:
            with blobs.stage() as staged:
                staged.write(b"abc")
                staged.finish()
                staged.keep(file.blake2b_256, file.filename, b"Metadata-Version: 2.1\n")
            writing.add_file(file)


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path)


@pytest.fixture
def projects(store: SqlStore, blobs: FolderBlobs, clock: SetClock) -> Projects:
    stock(store, blobs)
    return Projects(store, blobs, clock)


def the_project(store: SqlStore) -> Project:
    with store.read() as reading:
        project = reading.project("hello")
    assert project is not None
    return project


def yanks(store: SqlStore) -> dict[str, str | None]:
    with store.read() as reading:
        return {one.filename: one.yanked for one in reading.files("project-1")}


def facts(store: SqlStore, kind: str) -> list[Mapping[str, Any]]:
    with store.read() as reading:
        found: list[Event] = [one for one in reading.events() if one.kind == kind]
    assert {one.project_id for one in found} <= {"project-1"}
    return [one.facts for one in reversed(found)]


def test_a_release_is_yanked_and_offered_again(store: SqlStore, projects: Projects) -> None:
    before = the_project(store).serial
    assert [one.filename for one in projects.yank("HELLO", RELEASE, "broken\nbadly")] == [WHEEL, SDIST]
    assert yanks(store) == {WHEEL: "broken badly", SDIST: "broken badly", NEXT: None}
    assert the_project(store).serial > before
    with pytest.raises(Declined, match="yanked already, because: broken badly"):
        projects.yank("hello", RELEASE, "broken badly")
    projects.yank("hello", Chosen(filenames=(WHEEL,)), "")
    assert yanks(store)[WHEEL] == ""
    assert [one.filename for one in projects.unyank("hello", Chosen(everything=True))] == [WHEEL, SDIST]
    assert set(yanks(store).values()) == {None}
    with pytest.raises(Declined, match="Nothing of that is yanked"):
        projects.unyank("hello", RELEASE)
    assert event_kinds(store) == ["file-yanked"] * 3 + ["file-unyanked"] * 2
    assert facts(store, "file-yanked")[0] == {
        "project": "Hello", "filename": WHEEL, "version": "1.0", "reason": "broken badly",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (Chosen(version="v1.0.0"), [WHEEL, SDIST]),
        (Chosen(filenames=(NEXT, SDIST, NEXT)), [SDIST, NEXT]),
        (Chosen(everything=True), [WHEEL, SDIST, NEXT]),
    ],
)
def test_files_are_chosen_by_release_or_name(projects: Projects, chosen: Chosen, names: list[str]) -> None:
    assert [one.filename for one in projects.choose("hello", chosen)] == names


@pytest.mark.parametrize(
    ("name", "chosen", "error", "said"),
    [
        ("hello", Chosen(), Misuse, "Name a release, or files, or all"),
        ("hello", Chosen(version="1.0", everything=True), Misuse, "Name a release, or files, or all"),
        ("hello", Chosen(version="one"), Misuse, "'one' is no version"),
        ("hello", Chosen(version="2.0"), Declined, "has no file of a release 2.0"),
        ("hello", Chosen(filenames=("HELLO-1.0.tar.gz",)), Declined, "It has hello-1.0.tar.gz"),
        ("hello", Chosen(filenames=("other-1.0.tar.gz",)), Declined, "has no file 'other-1.0.tar.gz'"),
        ("held", Chosen(everything=True), Declined, "held for a first release"),
        ("nobody", Chosen(everything=True), Declined, "There is no project 'nobody'"),
    ],
)
def test_what_cannot_be_meant_is_told(
    store: SqlStore, projects: Projects, name: str, chosen: Chosen, error: type[Exception], said: str
) -> None:
    for change in (projects.choose, projects.unyank, projects.delete):
        with pytest.raises(error, match=said):
            change(name, chosen)
    assert event_kinds(store) == []


def test_a_deleted_file_is_gone_and_its_name_is_taken(store: SqlStore, projects: Projects, blobs: FolderBlobs) -> None:
    gone = projects.delete("hello", Chosen(filenames=(WHEEL,)), "leaked a key")
    assert gone == [FILES[0]]
    assert blobs.open("a" * 64, WHEEL) is None
    assert blobs.metadata("a" * 64, WHEEL) is None
    assert blobs.open("b" * 64, SDIST) is not None
    with store.read() as reading:
        assert [one.filename for one in reading.files("project-1")] == [SDIST, NEXT]
        row = reading.file(WHEEL)
    assert row == dataclasses.replace(FILES[0], deleted=int(NOW))
    assert facts(store, "file-deleted") == [
        {
            "project": "Hello", "filename": WHEEL, "version": "1.0", "size": 3, "sha256": "a" * 64, "token": "t",
            "reason": "leaked a key",
        }
    ]  # fmt: skip
    with pytest.raises(Declined, match="has no file"):
        projects.delete("hello", Chosen(filenames=(WHEEL,)))


def test_a_project_without_files_stays_and_keeps_its_names(store: SqlStore, projects: Projects) -> None:
    assert len(projects.delete("hello", Chosen(everything=True))) == 3
    assert [one.name for one in projects.all()] == ["Hello"]
    with pytest.raises(Declined, match="has no files"):
        projects.delete("hello", Chosen(everything=True))
    shown = projects.show("hello")
    assert [one.deleted for one in shown.files] == [int(NOW)] * 3


def test_a_project_is_archived_deprecated_and_active_again(store: SqlStore, projects: Projects) -> None:
    for begin, status, end in (
        (projects.archive, "archived", "archived"),
        (projects.deprecate, "deprecated", "deprecated"),
    ):
        changed = begin("hello", "use other")
        assert (changed.status, changed.status_reason) == (status, "use other")
        assert changed == the_project(store)
        with pytest.raises(Declined, match=f"is {status} already"):
            begin("hello", "use other")
        with pytest.raises(Declined, match=f"is not quarantined, but {status}"):
            projects.reactivate("hello", "quarantined")
        back = projects.reactivate("hello", end)
        assert (back.status, back.status_reason) == ("active", "")
        assert back.serial > changed.serial
    assert event_kinds(store) == ["project-archived", "project-active", "project-deprecated", "project-active"]
    assert facts(store, "project-archived") == [{"project": "Hello", "reason": "use other", "before": "active"}]


def test_quarantine_ends_with_the_status_there_was_before(store: SqlStore, projects: Projects) -> None:
    for reason in ("", "use other things"):
        projects.archive("hello", reason)
        quarantined = projects.quarantine("hello", "looks odd")
        assert (quarantined.status, quarantined.status_reason) == ("quarantined", "looks odd")
        for refused in (projects.archive, projects.deprecate, projects.quarantine):
            with pytest.raises(Declined, match="in quarantine"):
                refused("hello", "x")
        back = projects.release("hello")
        assert (back.status, back.status_reason) == ("archived", reason)
        with pytest.raises(Declined, match="not in quarantine"):
            projects.release("hello")
        projects.reactivate("hello", "archived")
    projects.quarantine("hello")
    assert projects.release("hello").status == "active"


def test_a_policy_is_set_part_by_part(store: SqlStore, projects: Projects) -> None:
    assert projects.set_policy("hello", trusted_only=True).attestations == "optional"
    changed = projects.set_policy("hello", attestations="once")
    assert (changed.trusted_only, changed.attestations) == (True, "once")
    with pytest.raises(Declined, match="policy of Hello already"):
        projects.set_policy("hello", trusted_only=True, attestations="once")
    with pytest.raises(Misuse, match="not 'perhaps'"):
        projects.set_policy("hello", attestations="perhaps")
    with pytest.raises(Misuse, match="nothing to change"):
        projects.set_policy("hello")
    assert facts(store, "project-policy-set")[1] == {
        "project": "Hello", "trusted_only": True, "attestations": "once",
        "before": {"trusted_only": True, "attestations": "optional"},
    }  # fmt: skip


def test_a_held_name_has_no_life_yet(store: SqlStore, projects: Projects) -> None:
    for change in (projects.archive, projects.deprecate, projects.quarantine, projects.release):
        with pytest.raises(Declined, match="held for a first release"):
            change("held")
    with pytest.raises(Declined, match="held for a first release"):
        projects.set_policy("held", trusted_only=True)
    assert projects.show("held").project.pending_until is not None
    assert event_kinds(store) == []


def test_a_reason_is_a_sentence_and_not_a_book(store: SqlStore, projects: Projects) -> None:
    for change in (projects.archive, projects.quarantine, projects.deprecate):
        with pytest.raises(Misuse, match="longer than 500"):
            change("hello", "x" * 501)
    projects.archive("hello", "x" * 500)
    assert facts(store, "project-archived")[0]["reason"] == "x" * 500


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of an index with a project, as a server leaves it."""
    path = tmp_path / "index"
    with open_folder(path, create=True, public_url="https://index.example") as folder:
        stock(folder.store, folder.blobs)
        with folder.store.write() as writing:
            writing.add_user(User(id="user-1", name="anna", created=1))
            writing.add_member("project-1", "user-1")
            writing.add_publisher(a_publisher("publisher-1", "project-1"))
    return path


def test_the_commands_change_what_the_pages_show(data: Path, trustpub: Callable[..., Ran]) -> None:
    def admin(*arguments: str) -> Ran:
        ran = trustpub("admin", "project", *arguments, "--data", data)
        assert ran.code == 0, ran.err
        return ran

    def shown() -> dict[str, Any]:
        (row,) = json.loads(admin("show", "hello", "--json").out)
        return dict(row)

    assert "Yanked: hello-1.0-py3-none-any.whl, hello-1.0.tar.gz." in admin(
        "yank", "Hello", "--version", "1.0", "--reason", "broken"
    ).out  # fmt: skip
    assert [one["yanked"] for one in shown()["files"]] == ["broken", "broken", None]
    admin("unyank", "hello", "--all")
    assert "Deleted: hello-1.1.tar.gz." in admin("delete", "hello", "--file", NEXT, "--yes").out
    assert [one["deleted"] is None for one in shown()["files"]] == [True, True, False]
    for command, status in (
        ("archive", "archived"), ("unarchive", "active"), ("deprecate", "deprecated"), ("undeprecate", "active"),
        ("quarantine", "quarantined"), ("release", "active"),
    ):  # fmt: skip
        assert f"Hello is {status}." in admin(command, "hello").out
        assert shown()["status"] == status
    assert admin("policy", "hello").out.strip() == (
        "publishers and people may upload; attestations are taken and not asked for"
    )
    assert "only publishers may upload; every file needs an attestation" in admin(
        "policy", "hello", "--trusted-only", "--attestations", "required"
    ).out  # fmt: skip
    assert (shown()["trusted_only"], shown()["attestations"]) == (True, "required")
    assert shown()["members"] == [{"name": "anna", "role": "owner"}]
    admin("policy", "hello", "--any-token")
    assert shown()["trusted_only"] is False
    assert "Hello  active" in admin("list").out
    said = admin("show", "hello").out
    for part in ("owner      anna", "Octo-Org/hello", f"{WHEEL}  3 bytes", f"{NEXT}  3 bytes", "deleted "):
        assert part in said


def test_nothing_is_deleted_by_whoever_does_not_say_yes(data: Path, trustpub: Callable[..., Ran]) -> None:
    ran = trustpub("admin", "project", "delete", "hello", "--all", "--data", data)
    assert ran.code != 0
    assert WHEEL in ran.out
    assert "Traceback" not in ran.err
    with open_folder(data, create=False) as folder:
        assert len(folder.projects.choose("hello", Chosen(everything=True))) == 3


def test_a_command_wants_to_know_which_files(data: Path, trustpub: Callable[..., Ran]) -> None:
    for command in ("yank", "unyank", "delete"):
        for which in ((), ("--all", "--version", "1.0")):
            ran = trustpub("admin", "project", command, "hello", *which, "--data", data)
            assert ran.code == 2
            assert "--version VERSION, --file NAME or --all" in ran.err
