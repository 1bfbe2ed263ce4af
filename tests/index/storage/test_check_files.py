# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin check-files``: what it finds, and what it does not take for a fault."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trustpub.index.adapters.checking import Checked, check
from trustpub.index.adapters.files import ON_THE_WAY_SECONDS
from trustpub.index.adapters.lock import FolderLock, is_held
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder

from .conftest import Ran, SetClock
from .kept_files import Kept, put

Trustpub = Callable[..., Ran]
WHEEL, SDIST = "hello-1.0-py3-none-any.whl", "hello-1.0.tar.gz"


@pytest.fixture
def wheel(folder: Folder) -> Kept:
    put(folder, SDIST, b"an sdist")
    return put(folder, WHEEL, b"a wheel")


def found(folder: Folder, *, served: bool = False, now: float = 0) -> list[tuple[str, str]]:
    wrong = check(folder.store, folder.blobs, SetClock(now), Checked(), served=served)
    return [(one.kind, one.path.rpartition("/")[2]) for one in wrong]


def test_an_index_as_it_should_be_is_told_so(wheel: Kept, folder: Folder, trustpub: Trustpub) -> None:
    ran = trustpub("admin", "check-files", "--data", folder.path)
    assert (ran.code, ran.err) == (0, "")
    total = len(b"an sdist" + b"a wheel" + b"Name: hello-1.0-py3-none-any.whl\n")
    assert ran.out == f"• 2 file(s), {total} bytes: all are there, and are what they were.\n"
    ran = trustpub("admin", "check-files", "--data", folder.path, "--json")
    assert json.loads(ran.out) == {"files": 2, "bytes": total, "on_the_way": 0, "wrong": []}


def test_every_kind_of_fault_is_found_and_ends_with_1(wheel: Kept, folder: Folder, trustpub: Trustpub) -> None:
    path = wheel.below(folder.path)
    path.write_bytes(b"A wheel")
    path.with_name(f"{WHEEL}.metadata").write_bytes(b"Name: other\n")
    put(folder, "hello-2.0.tar.gz", b"gone").below(folder.path).unlink()
    put(folder, "hello-3.0-py3-none-any.whl", b"bare").below(folder.path).with_name(
        "hello-3.0-py3-none-any.whl.metadata"
    ).unlink()
    put(folder, "orphan-1.0.tar.gz", b"orphan", row=False)
    (folder.path / "packages" / "README").write_text("mine")
    (folder.path / "staging" / "left").write_text("by a crash")
    ran = trustpub("admin", "check-files", "--data", folder.path, "--json")
    assert ran.code == 1
    assert "7 thing(s) are not as they should be; 4 file(s) were looked at" in ran.err
    wrong = {one["path"].rpartition("/")[2]: (one["kind"], one["detail"]) for one in json.loads(ran.out)["wrong"]}
    assert wrong == {
        WHEEL: ("damaged", "Not as its row says: sha256, blake2b_256."),
        f"{WHEEL}.metadata": ("damaged", "Its sha256 is not the one in the file's row."),
        "hello-2.0.tar.gz": ("missing", "A row names it, and it is not there."),
        "hello-3.0-py3-none-any.whl.metadata": ("missing", "The metadata beside the file is not there."),
        "orphan-1.0.tar.gz": ("unknown", "No row names it."),
        "README": ("unknown", "No row names it."),
        "left": ("unknown", "A crash left it; the next start removes it."),
    }
    said = trustpub("admin", "check-files", "--data", folder.path)
    assert said.code == 1
    assert "missing  packages/" in said.out


def test_a_file_cut_short_is_told_by_its_size(wheel: Kept, folder: Folder) -> None:
    os.truncate(wheel.below(folder.path), 3)
    wrong = list(check(folder.store, folder.blobs, SetClock(), Checked(), served=False))
    assert [one.detail for one in wrong] == ["Not as its row says: size, sha256, blake2b_256."]


def test_what_cannot_be_read_is_damaged(wheel: Kept, folder: Folder) -> None:
    path = wheel.below(folder.path)
    path.unlink()
    path.mkdir()
    beside = path.with_name(f"{WHEEL}.metadata")
    beside.unlink()
    beside.mkdir()
    assert found(folder) == [("damaged", WHEEL), ("damaged", f"{WHEEL}.metadata")]


def test_metadata_beside_a_file_that_has_none_is_unknown(wheel: Kept, folder: Folder) -> None:
    sdist = put(folder, "hello-4.0.tar.gz", b"another")
    sdist.below(folder.path).with_name("hello-4.0.tar.gz.metadata").write_text("Name: x")
    assert found(folder) == [("unknown", "hello-4.0.tar.gz.metadata")]


def test_a_deleted_file_is_not_missing_and_its_bytes_are_unknown(wheel: Kept, folder: Folder) -> None:
    with folder.store.write() as writing:
        writing.bury(WHEEL, 1)
    assert sorted(found(folder)) == [("unknown", WHEEL), ("unknown", f"{WHEEL}.metadata")]
    folder.blobs.remove(wheel.digest, WHEEL)
    assert found(folder) == []


def test_beside_a_server_what_is_just_coming_in_is_passed_over(wheel: Kept, folder: Folder) -> None:
    late = put(folder, "late-1.0.tar.gz", b"late", row=False)
    (folder.path / "staging" / "arriving").write_text("half")
    moved = late.below(folder.path).stat().st_ctime
    checked = Checked()
    clock = SetClock(moved + ON_THE_WAY_SECONDS - 1)
    assert list(check(folder.store, folder.blobs, clock, checked, served=True)) == []
    assert checked.on_the_way == 2
    assert found(folder, served=True, now=moved + ON_THE_WAY_SECONDS) == [("unknown", "late-1.0.tar.gz")]


def test_what_changes_while_it_looks_is_no_fault(wheel: Kept, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file deleted after its row was read, and one that gets its row after all rows were."""
    late = put(folder, "hello-0.9.tar.gz", b"late", row=False)
    wheel.below(folder.path).unlink()
    wheel.below(folder.path).with_name(f"{WHEEL}.metadata").unlink()

    def bury() -> None:
        with folder.store.write() as writing:
            writing.bury(WHEEL, 1)

    def add() -> None:
        put(folder, late.filename, late.content)

    changes: list[Callable[[], None]] = [lambda: None, bury, add]
    read = folder.store.read

    def read_after_a_change() -> Any:
        if changes and not writing:
            writing.append(1)
            changes.pop(0)()
            writing.pop()
        return read()

    writing: list[int] = []
    monkeypatch.setattr(folder.store, "read", read_after_a_change)
    assert found(folder) == []
    assert changes == []


def test_whether_a_server_has_the_folder_is_asked_without_getting_in_its_way(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with FolderLock(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
    # Whoever asks holds it for a moment; a server that starts waits that long.
    descriptor = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    ended = threading.Timer(0.1, os.close, [descriptor])
    ended.start()
    with FolderLock(tmp_path):
        ended.join()


def test_a_folder_without_an_index_is_refused(tmp_path: Path, trustpub: Trustpub) -> None:
    ran = trustpub("admin", "check-files", "--data", tmp_path / "none")
    assert ran.code == 2
    assert "There is no index" in ran.err
    open_folder(tmp_path / "empty", create=True, public_url="https://index.example").close()
    assert trustpub("admin", "check-files", "--data", tmp_path / "empty").code == 0
