# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The program with its files in a bucket: served, checked, backed up; and moved there and back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trustpub.index.adapters.lock import FolderLock
from trustpub.index.bootstrap.opening import open_folder

from ...faults.conftest import Index, trustpub  # noqa: TID252 - pytest gives these folders no absolute name
from ...faults.uploading import Wheel  # noqa: TID252
from ...objects import SECRET_KEY, Objects  # noqa: TID252

WHEELS = [Wheel("hello", f"1.{number}", 3000 + number) for number in range(4)]
LARGE = Wheel("hello", "2.0", 9 * 1024 * 1024)


@pytest.fixture
def config(objects: Objects, tmp_path: Path) -> Path:
    return objects.config(tmp_path / "trustpub.toml")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """Not started yet."""
    index = Index(tmp_path / "index", tmp_path / "log")
    yield index
    if index.process is not None:
        index.end()


def shown(index: Index) -> dict[str, str]:
    with index.client() as client:
        return {one["filename"]: one["hashes"]["sha256"] for one in client.files("hello")}


def served(index: Index) -> dict[str, bytes]:
    with index.client() as client:
        return {one["filename"]: client.get("/" + one["url"].split("/", 3)[3]).body for one in client.files("hello")}


def admin(index: Index, *arguments: object, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    return trustpub("admin", *arguments, "--data", index.data, *(["--config", config] if config else []))


def fill(index: Index, wheels: list[Wheel]) -> None:
    if not index.token:
        index.give_token()
    with index.client() as client:
        for wheel in wheels:
            assert client.upload(wheel).status == 200


def test_an_index_keeps_its_files_in_a_bucket_from_its_first_start_on(
    index: Index, objects: Objects, config: Path, tmp_path: Path
) -> None:
    index.config = config
    index.start()
    fill(index, [*WHEELS, LARGE])
    assert served(index) == {wheel.filename: wheel.content for wheel in (*WHEELS, LARGE)}
    assert not (index.data / "packages").exists()
    assert sum(key.endswith(".whl") for key in objects.keys()) == 5  # noqa: SIM118 - it is no mapping
    got = tmp_path / "got"
    pip = [
        sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "--disable-pip-version-check",
        "--dest", str(got), "--index-url", f"{index.url}/simple/", "hello",
    ]  # fmt: skip
    done = subprocess.run(pip, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (got / LARGE.filename).read_bytes() == LARGE.content

    checked = admin(index, "check-files", config=config)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    deleted = admin(index, "project", "delete", "hello", "--version", "1.0", "--yes", config=config)
    assert deleted.returncode == 0, deleted.stderr
    assert WHEELS[0].filename not in served(index)
    assert sum(WHEELS[0].filename in key for key in objects.keys()) == 0  # noqa: SIM118
    index.end(15)

    # Without the section it is not opened, as if its files were gone.
    without = admin(index, "check-files")
    assert without.returncode == 2
    assert "object storage" in without.stderr
    for text in (index.log.read_text(), checked.stdout + checked.stderr, without.stderr):
        assert SECRET_KEY not in text


def test_a_backup_of_what_is_in_a_bucket_is_whole_and_comes_back_in_a_folder(
    index: Index, config: Path, tmp_path: Path
) -> None:
    index.config = config
    index.start()
    fill(index, [WHEELS[0], LARGE])
    for name in ("backup", "backup.tar"):
        done = admin(index, "backup", tmp_path / name, "--with-secret", config=config)
        assert done.returncode == 0, done.stderr
        back = Index(tmp_path / f"back-{name}", tmp_path / "log")
        restored = trustpub("admin", "restore", tmp_path / name, "--data", back.data)
        assert restored.returncode == 0, restored.stderr
        back.start()
        assert served(back) == {wheel.filename: wheel.content for wheel in (WHEELS[0], LARGE)}
        back.end(15)


def test_two_indexes_are_not_given_the_same_place(index: Index, config: Path, tmp_path: Path) -> None:
    index.config = config
    index.start()
    other = Index(tmp_path / "other", tmp_path / "log")
    other.config = config
    process = other.launch()
    process.communicate(timeout=60)
    assert process.returncode == 2
    assert "holds the files of another index" in other.log.read_text()


def test_files_move_into_a_bucket_and_back_while_nothing_is_lost(index: Index, objects: Objects, config: Path) -> None:
    index.start()
    fill(index, WHEELS[:3])
    # The server goes on, and what is there is copied.
    first = admin(index, "move-files", "--to", "s3", config=config)
    assert first.returncode == 1
    assert "3 file(s)" in first.stderr
    assert "Stop the server" in first.stderr
    fill(index, [WHEELS[3], LARGE])
    before = served(index)
    index.end(15)
    # Not before it is moved is the bucket taken for the place.
    early = trustpub("admin", "check-files", "--data", index.data, "--config", config)
    assert early.returncode == 2
    assert "move-files" in early.stderr

    moved = admin(index, "move-files", "--to", "s3", "--json", config=config)
    assert moved.returncode == 0, moved.stderr
    told: dict[str, Any] = json.loads(moved.stdout)
    assert (told["files"], told["copied"]) == (5, 2)
    again = admin(index, "move-files", "--to", "s3", config=config)
    assert again.returncode == 0
    assert "already" in again.stdout
    assert (index.data / "packages").exists()

    index.config = config
    index.start()
    assert served(index) == before
    index.end(15)
    for path in sorted((index.data / "packages").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    back = admin(index, "move-files", "--to", "folder", "--json", config=config)
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["copied"] == 5
    index.config = None
    index.start()
    assert served(index) == before
    assert index.wrong() == []
    assert len(objects.keys()) == 11  # with metadata, and the mark: they were left there


def test_a_move_that_was_cut_short_goes_on_and_believes_nothing(index: Index, objects: Objects, config: Path) -> None:
    index.start()
    fill(index, WHEELS)
    index.end(15)
    from trustpub.index.adapters.bucket import Bucket

    bucket = Bucket(objects.storage())
    # One was copied and not noted, of another the bytes in the folder were altered.
    place = WHEELS[0].place
    bucket.put_new(place, WHEELS[0].content)
    damaged = index.data / WHEELS[2].place
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + b"?")
    refused = admin(index, "move-files", "--to", "s3", config=config)
    assert refused.returncode == 1
    assert "is not what its row says" in refused.stderr
    with open_folder(index.data, create=False) as folder, folder.store.read() as reading:
        assert reading.fact("files") is None
    damaged.write_bytes(whole)
    # A file at the new place that is another is no copy.
    bucket.delete(WHEELS[3].place)
    bucket.put_new(WHEELS[3].place, b"something else")
    (index.data / "moving").unlink()
    refused = admin(index, "move-files", "--to", "s3", config=config)
    assert refused.returncode == 1
    assert "with another content" in refused.stderr
    bucket.delete(WHEELS[3].place)
    with FolderLock(index.data):
        busy = admin(index, "move-files", "--to", "s3", config=config)
    assert busy.returncode == 1
    assert "Stop the server" in busy.stderr
    done = admin(index, "move-files", "--to", "s3", config=config)
    assert done.returncode == 0, done.stderr
    assert not (index.data / "moving").exists()
    checked = admin(index, "check-files", config=config)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert SECRET_KEY not in busy.stderr + done.stderr + checked.stderr
