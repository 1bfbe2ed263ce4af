# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Two processes keep the same file in one folder: neither takes away what the other has."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trustpub.index.adapters.files import FolderBlobs

CONTENT = b"the bytes of a file"
DIGEST = hashlib.blake2b(CONTENT, digest_size=32).hexdigest()
FILENAME = "hello-1.0-py3-none-any.whl"
# Keeps the file and waits for a line; then forsakes it, or goes on as one whose row was written.
KEEPER = """
import pathlib, sys
from trustpub.index.adapters.files import FolderBlobs
blobs = FolderBlobs(pathlib.Path(sys.argv[1]), alone=False)
with blobs.stage() as staged:
    staged.write(sys.argv[3].encode())
    staged.finish()
    staged.keep(sys.argv[2], sys.argv[4], b"metadata")
    print("kept", flush=True)
    if sys.stdin.readline() == "forsake\\n":
        staged.forsake(lambda: False)
print("done", flush=True)
sys.stdin.readline()
"""


@contextlib.contextmanager
def keeper(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", KEEPER, str(folder), DIGEST, CONTENT.decode(), FILENAME]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "kept\n"
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{word}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    FolderBlobs(tmp_path)
    return tmp_path


def there(folder: Path) -> bool:
    return FolderBlobs(folder).open(DIGEST, FILENAME) is not None


def test_what_one_process_forsakes_is_gone(folder: Path) -> None:
    with keeper(folder) as one:
        assert there(folder)
        tell(one, "forsake")
        assert not there(folder)


def test_what_one_process_forsakes_stays_while_another_holds_it(folder: Path) -> None:
    with keeper(folder) as one, keeper(folder) as other:
        tell(one, "forsake")
        assert there(folder)
        tell(other, "go on")
        assert there(folder)


def test_who_forsakes_it_last_takes_it_away(folder: Path) -> None:
    with keeper(folder) as one, keeper(folder) as other:
        tell(one, "forsake")
        tell(other, "forsake")
        assert not there(folder)


def test_the_hold_of_a_process_ends_with_it(folder: Path) -> None:
    with keeper(folder) as one:
        with keeper(folder) as other:
            other.kill()
            other.wait()
        tell(one, "forsake")
        assert not there(folder)


def test_threads_of_one_process_hold_it_together(folder: Path) -> None:
    blobs = FolderBlobs(folder, alone=False)
    with blobs.stage() as one, blobs.stage() as other, keeper(folder) as third:
        for staged in (one, other):
            staged.write(CONTENT)
            staged.finish()
            staged.keep(DIGEST, FILENAME, None)
        one.forsake(lambda: False)
        tell(third, "forsake")
        assert there(folder)
        other.forsake(lambda: False)
        assert not there(folder)
