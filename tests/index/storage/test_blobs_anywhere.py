# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What holds wherever the bytes of files are kept."""

from __future__ import annotations

import asyncio
import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trustpub.index.adapters.bucket import Bucket
from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.adapters.s3 import S3Blobs
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import File
from trustpub.index.ports import Blobs

from .conftest import a_project

NAME = "hello-1.0+cu12.1-py3-none-any.whl"
CONTENT = b"a wheel"
LARGE = random.Random(1).randbytes(20 * 1024 * 1024 + 5)  # noqa: S311


def digest_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()


DIGEST = digest_of(CONTENT)


def a_row() -> File:
    """That names the small file, and no metadata."""
    return File(
        project_id="project-1", filename=NAME, version="1.0+cu12.1", filetype="bdist_wheel", size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(), blake2b_256=DIGEST, md5=None, metadata_sha256=None,
        requires_python=None, uploaded=1.0, token_id="token-1",
    )  # fmt: skip


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path)
    return S3Blobs(tmp_path, Bucket(request.getfixturevalue("objects").storage()))


def keep(
    blobs: Blobs, name: str = NAME, content: bytes = CONTENT, metadata: bytes | None = b"Name: hello", digest: str = ""
) -> bool:
    with blobs.stage() as staged:
        staged.write(content[:3])
        staged.write(content[3:])
        staged.finish()
        assert Path(staged.path()).read_bytes() == content
        shared = staged.keep(digest or digest_of(content), name, metadata)
        staged.confirm()
        return shared


def kept(blobs: Blobs, digest: str = DIGEST, name: str = NAME) -> bytes | None:
    try:
        return b"".join(blobs.read(digest, name))
    except FileNotFoundError:
        return None


@pytest.mark.parametrize("content", [CONTENT, LARGE], ids=["small", "large"])
def test_what_is_kept_can_be_had_in_every_way(blobs: Blobs, content: bytes, tmp_path: Path) -> None:
    keep(blobs, content=content)
    digest = digest_of(content)
    assert kept(blobs, digest) == content
    with blobs.local(digest, NAME) as path:
        assert path is not None
        assert Path(path).read_bytes() == content
    assert blobs.metadata(digest, NAME) == b"Name: hello"
    assert list(blobs.names()) == [(digest, NAME)]
    place = blobs.open(digest, NAME)
    if not isinstance(place, str):
        assert place is not None

        async def part(first: int, last: int) -> bytes:
            return b"".join([piece async for piece in place.stream(first, last)])

        for first, last in ((0, len(content) - 1), (2, 4), (len(content) - 3, len(content) - 1)):
            assert asyncio.run(part(first, last)) == content[first : last + 1]
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_file_without_metadata_has_none(blobs: Blobs) -> None:
    keep(blobs, metadata=None)
    assert blobs.metadata(DIGEST, NAME) is None


def test_what_was_not_kept_is_nowhere(blobs: Blobs, tmp_path: Path) -> None:
    with blobs.stage() as staged:
        staged.write(CONTENT)
    assert kept(blobs) is None
    assert blobs.metadata(DIGEST, NAME) is None
    with blobs.local(DIGEST, NAME) as path:
        assert path is None
    assert list(blobs.names()) == []
    assert list((tmp_path / "staging").iterdir()) == []


@pytest.mark.parametrize("content", [CONTENT, LARGE], ids=["small", "large"])
def test_the_same_file_kept_twice_is_there_once(blobs: Blobs, content: bytes) -> None:
    keep(blobs, content=content)
    keep(blobs, content=content)
    assert list(blobs.names()) == [(digest_of(content), NAME)]
    assert kept(blobs, digest_of(content)) == content


def test_many_may_keep_the_same_file_at_once(blobs: Blobs) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: keep(blobs), range(12)))
    assert kept(blobs) == CONTENT


def test_a_removed_file_is_gone_with_its_metadata(blobs: Blobs) -> None:
    keep(blobs)
    blobs.remove(DIGEST, NAME)
    blobs.remove(DIGEST, NAME)  # twice is once
    assert kept(blobs) is None
    assert blobs.metadata(DIGEST, NAME) is None
    assert list(blobs.lying(served=False)) == []


@pytest.mark.parametrize(
    ("digest", "name"),
    [
        (DIGEST, "../evil.whl"), (DIGEST, ".."), (DIGEST, ".hidden"), (DIGEST, "a/b.whl"), (DIGEST, "a\x00b.whl"),
        (DIGEST, "hello.whl\n"), (DIGEST, ""), (DIGEST, "hello.whl.metadata"), (DIGEST[:-1], NAME),
        (DIGEST.upper(), NAME), ("../" * 21 + "x", NAME), ("", NAME),
    ],
)  # fmt: skip
def test_no_name_and_no_digest_leads_elsewhere(blobs: Blobs, digest: str, name: str) -> None:
    with blobs.stage() as staged:
        staged.write(CONTENT)
        staged.finish()
        with pytest.raises(ValueError, match="not a digest"):
            staged.keep(digest, name, b"")
    assert blobs.open(digest, name) is None
    assert blobs.metadata(digest, name) is None
    assert kept(blobs, digest, name) is None
    blobs.remove(digest, name)
    assert list(blobs.lying(served=False)) == []


def test_everything_that_lies_there_is_told(blobs: Blobs) -> None:
    keep(blobs)
    found = sorted(blobs.lying(served=True), key=lambda one: one.beside)
    assert [(one.blake2b_256, one.filename, one.beside) for one in found] == [
        (DIGEST, NAME, False),
        (DIGEST, NAME, True),
    ]
    assert all(one.path.startswith("packages/") and blobs.is_there(one) for one in found)
    blobs.remove(DIGEST, NAME)
    assert not any(blobs.is_there(one) for one in found)


def test_a_start_leaves_what_rows_name(blobs: Blobs, store: SqlStore, tmp_path: Path) -> None:
    keep(blobs)
    (tmp_path / "staging" / "left").write_bytes(b"by a crash")
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_file(a_row())
    assert blobs.sweep(store) == 1
    assert blobs.sweep(store) == 0
    assert kept(blobs) == CONTENT
