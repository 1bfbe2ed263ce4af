# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.adapters.sql.store import SqlStore

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
