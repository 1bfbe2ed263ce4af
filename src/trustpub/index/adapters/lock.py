# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One server per folder: a lock that ends with the process that holds it, and says who that is."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from trustpub.errors import Misuse

NAME = "lock"
_TRIES = 6
_TRY_SECONDS = 0.05
"""Whoever only asks whether the lock is held has it for a moment itself."""


class FolderLock:
    """The lock of ``folder``, held from the block's start to its end.

    Raises:
        Misuse: another process holds it. The message names it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / NAME
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            # Not truncated here: what is in it may be the word of another server.
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise Misuse(f"The folder {self._folder} cannot be written to: {error.strerror}.") from error
        if not _taken(self._descriptor):
            os.close(self._descriptor)
            raise Misuse(_held(self._folder), hint="Stop it first, or name another folder with --data.")
        os.ftruncate(self._descriptor, 0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def tell(self, facts: Mapping[str, Any]) -> None:
        """Say to others who holds the lock: one JSON object, complete or not there."""
        os.pwrite(self._descriptor, json.dumps(dict(facts)).encode() + b"\n", 0)


def holder(folder: Path) -> Mapping[str, Any] | None:
    """What the server of this folder says of itself once it listens; None before, and where there is none."""
    try:
        said = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None


def _taken(descriptor: int) -> bool:
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_TRY_SECONDS)
        else:
            return True
    return False


def is_held(folder: Path) -> bool:
    """Whether a server has this folder now, be it that it only starts."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Shared, and for a moment, which a server that starts just now waits for.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _held(folder: Path) -> str:
    said = holder(folder)
    if said is None:
        return f"Another trustpub serve is just starting or ending in the folder {folder}."
    if "does" in said:
        return f"{said['does']} is at work in the folder {folder}: process {said.get('pid')}."
    return f"Another trustpub serve has the folder {folder}: process {said.get('pid')} at {said.get('url')}."
