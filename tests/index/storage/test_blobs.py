# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trustpub.index.adapters import durable
from trustpub.index.adapters.files import TIDY_SECONDS, FolderBlobs
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.ports import NoRoom

from .conftest import a_project
from .test_store import FILE

CONTENT = b"a wheel"
DIGEST = hashlib.blake2b(CONTENT, digest_size=32).hexdigest()
NAME = "hello-1.0-py3-none-any.whl"


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path)


def keep(blobs: FolderBlobs, name: str = NAME, digest: str = DIGEST, metadata: bytes | None = b"Name: hello") -> None:
    with blobs.stage() as staged:
        staged.write(CONTENT[:3])
        staged.write(CONTENT[3:])
        staged.finish()
        assert Path(staged.path()).read_bytes() == CONTENT
        staged.keep(digest, name, metadata)


def test_a_kept_file_is_where_its_url_says(blobs: FolderBlobs, tmp_path: Path) -> None:
    keep(blobs)
    path = tmp_path / "packages" / DIGEST[:2] / DIGEST[2:4] / DIGEST[4:] / NAME
    assert blobs.open(DIGEST, NAME) == str(path)
    assert path.read_bytes() == CONTENT
    assert blobs.metadata(DIGEST, NAME) == b"Name: hello"
    assert list(blobs.names()) == [(DIGEST, NAME)]
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_file_not_kept_leaves_nothing(blobs: FolderBlobs, tmp_path: Path) -> None:
    with blobs.stage() as staged:
        staged.write(CONTENT)
    assert list((tmp_path / "staging").iterdir()) == []
    assert blobs.open(DIGEST, NAME) is None
    assert blobs.metadata(DIGEST, NAME) is None


def test_a_leftover_under_the_same_name_is_no_obstacle(blobs: FolderBlobs) -> None:
    keep(blobs)
    keep(blobs)
    assert list(blobs.names()) == [(DIGEST, NAME)]


@pytest.mark.parametrize(
    ("digest", "name"),
    [
        (DIGEST, "../evil.whl"),
        (DIGEST, ".."),
        (DIGEST, ".hidden"),
        (DIGEST, "a/b.whl"),
        (DIGEST, "a\x00b.whl"),
        (DIGEST, "hello.whl\n"),
        (DIGEST, ""),
        (DIGEST, "hello.whl.metadata"),
        (DIGEST[:-1], NAME),
        (DIGEST.upper(), NAME),
        ("../" * 21 + "x", NAME),
        ("", NAME),
    ],
)
def test_no_name_and_no_digest_leads_elsewhere(blobs: FolderBlobs, tmp_path: Path, digest: str, name: str) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        keep(blobs, name, digest)
    assert blobs.open(digest, name) is None
    assert blobs.metadata(digest, name) is None
    blobs.remove(digest, name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["packages", "staging"]


def test_a_removed_file_leaves_no_empty_folders(blobs: FolderBlobs, tmp_path: Path) -> None:
    keep(blobs)
    blobs.remove(DIGEST, NAME)
    blobs.remove(DIGEST, NAME)
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_sweep_removes_what_no_row_names_and_nothing_else(
    blobs: FolderBlobs, store: SqlStore, tmp_path: Path
) -> None:
    other = "0" * 64
    keep(blobs)
    keep(blobs, digest=other)
    keep(blobs, "orphan-1.0.tar.gz", metadata=None)
    (tmp_path / "staging" / "left").write_bytes(b"by a crash")
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_file(dataclasses.replace(FILE, filename=NAME, blake2b_256=DIGEST))
    assert blobs.sweep(store) == 3
    assert list(blobs.names()) == [(DIGEST, NAME)]
    assert blobs.metadata(DIGEST, NAME) == b"Name: hello"
    assert blobs.sweep(store) == 0


def test_a_sweep_removes_metadata_whose_file_never_came(blobs: FolderBlobs, store: SqlStore, tmp_path: Path) -> None:
    keep(blobs)
    (tmp_path / "packages" / DIGEST[:2] / DIGEST[2:4] / DIGEST[4:] / NAME).unlink()
    assert blobs.sweep(store) == 1
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_sweep_removes_folders_that_got_no_file_and_bytes_of_deleted_files(
    blobs: FolderBlobs, store: SqlStore, tmp_path: Path
) -> None:
    (tmp_path / "packages" / "00" / "11" / ("2" * 60)).mkdir(parents=True)
    keep(blobs)
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_file(dataclasses.replace(FILE, filename=NAME, blake2b_256=DIGEST))
        writing.bury(NAME, 1)
    assert blobs.sweep(store) == 1
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_server_tidies_up_once_and_then_daily_and_lets_uploads_be(
    blobs: FolderBlobs, store: SqlStore, tmp_path: Path
) -> None:
    keep(blobs, "orphan-1.0.tar.gz", metadata=None)
    with blobs.stage() as staged:
        staged.write(CONTENT)
        staged.finish()
        staged.keep(DIGEST, NAME, b"Name: hello")  # its row is still to come
        assert blobs.tidy(store, 1000.0) == 1
        assert list(blobs.names()) == [(DIGEST, NAME)]
    assert blobs.tidy(store, 1000.0 + TIDY_SECONDS - 1) == 0
    assert list(blobs.names()) == [(DIGEST, NAME)]
    assert blobs.tidy(store, 1000.0 + TIDY_SECONDS) == 1
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_sweep_leaves_alone_what_is_not_of_the_index(blobs: FolderBlobs, store: SqlStore, tmp_path: Path) -> None:
    inside = tmp_path / "packages" / DIGEST[:2] / DIGEST[2:4] / DIGEST[4:] / "folder"
    inside.mkdir(parents=True)
    (tmp_path / "packages" / "README").write_text("mine")
    (tmp_path / "staging" / "folder").mkdir()
    assert blobs.sweep(store) == 0
    assert inside.is_dir()
    assert (tmp_path / "packages" / "README").exists()


def test_a_file_is_given_up_where_no_row_names_it(blobs: FolderBlobs, tmp_path: Path) -> None:
    with blobs.stage() as staged:
        staged.write(CONTENT)
        staged.finish()
        staged.keep(DIGEST, NAME, b"Name: hello")
        staged.forsake(lambda: False)
        assert list((tmp_path / "packages").iterdir()) == []
        staged.forsake(lambda: False)  # twice is once


def test_a_file_stays_where_a_row_names_it_or_another_upload_keeps_it(blobs: FolderBlobs) -> None:
    with blobs.stage() as first, blobs.stage() as second:
        for staged in (first, second):
            staged.write(CONTENT)
            staged.finish()
            staged.keep(DIGEST, NAME, None)
        first.forsake(lambda: False)
        assert blobs.open(DIGEST, NAME) is not None
        second.forsake(lambda: True)
    assert blobs.open(DIGEST, NAME) is not None


@pytest.mark.parametrize("failing", ["open", "mkdir", "replace", "fsync", "write"])
def test_a_full_disk_while_a_file_gets_its_place_leaves_nothing(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def keep_it() -> None:
        with blobs.stage() as staged:
            staged.write(CONTENT)
            staged.finish()
            if failing == "mkdir":
                monkeypatch.setattr(Path, "mkdir", full)
            elif failing == "write":
                monkeypatch.setattr(durable, "write", full)
            else:
                monkeypatch.setattr(os, failing, full)
            try:
                staged.keep(DIGEST, NAME, b"Name: hello")
            finally:
                monkeypatch.undo()

    with pytest.raises(NoRoom, match="files is full"):
        keep_it()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    keep(blobs)
    assert blobs.open(DIGEST, NAME) is not None


def test_a_quota_is_a_full_disk_and_another_fault_is_none(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, kind in ((errno.EDQUOT, NoRoom), (errno.EIO, OSError)):

        def fail(_: int, number: int = number) -> None:
            raise OSError(number, "it fails")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(kind):
            keep(blobs)
        monkeypatch.undo()


def test_a_folder_that_another_removes_meanwhile_is_made_again(
    blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, calls = os.replace, []

    def removed_first(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 1:
            target.parent.rmdir()
        replace(source, target)

    monkeypatch.setattr(os, "replace", removed_first)
    keep(blobs)
    assert blobs.open(DIGEST, NAME) is not None
    assert blobs.metadata(DIGEST, NAME) == b"Name: hello"


class PowerCuts:
    """What would be there after a power cut, by the strictest reading: names that their folder was synced with,
    of files that were synced after their last byte."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._synced: dict[int, set[str] | int] = {}
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, descriptor: int) -> None:
        self._fsync(descriptor)
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            names = {f"{one.name}:{one.inode()}" for one in os.scandir(f"/proc/self/fd/{descriptor}")}
            self._synced[status.st_ino] = names
        else:
            self._synced[status.st_ino] = status.st_size

    def survives(self, path: Path, top: Path) -> bool:
        status = path.stat()
        if self._synced.get(status.st_ino) != status.st_size:
            return False
        while path != top:
            names = self._synced.get(path.parent.stat().st_ino)
            if not isinstance(names, set) or f"{path.name}:{path.stat().st_ino}" not in names:
                return False
            path = path.parent
        return True


def test_a_file_that_was_kept_outlasts_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = PowerCuts(monkeypatch)
    blobs = FolderBlobs(tmp_path)
    for digest in (DIGEST, DIGEST[:4] + "0" * 60, DIGEST[:2] + "1" * 62):
        keep(blobs, digest=digest)
        path = Path(blobs.open(digest, NAME) or "")
        assert cuts.survives(path, tmp_path)
        assert cuts.survives(path.with_name(f"{NAME}.metadata"), tmp_path)


def test_folders_that_a_crash_left_are_made_durable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FolderBlobs(tmp_path)
    (tmp_path / "packages" / DIGEST[:2] / DIGEST[2:4] / DIGEST[4:]).mkdir(parents=True)
    cuts = PowerCuts(monkeypatch)
    blobs = FolderBlobs(tmp_path)
    keep(blobs)
    assert cuts.survives(Path(blobs.open(DIGEST, NAME) or ""), tmp_path / "packages")


def test_a_folder_that_was_removed_and_made_again_is_made_durable_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = PowerCuts(monkeypatch)
    blobs = FolderBlobs(tmp_path)
    for _ in range(3):
        keep(blobs)
        assert cuts.survives(Path(blobs.open(DIGEST, NAME) or ""), tmp_path)
        blobs.remove(DIGEST, NAME)


def test_uploads_side_by_side_each_make_their_folders_durable_before_they_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts = PowerCuts(monkeypatch)
    blobs = FolderBlobs(tmp_path)

    def one(number: int) -> bool:
        digest = f"{number % 3:02x}{number % 2:02x}{number:060x}"
        keep(blobs, digest=digest)
        return cuts.survives(Path(blobs.open(digest, NAME) or ""), tmp_path)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(60)))
