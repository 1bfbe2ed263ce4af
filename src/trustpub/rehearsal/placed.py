# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a CI puts on the disk of a job, there as long as the job runs: programs on its path, and tokens in files."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from trustpub.secret import Secret


@contextlib.contextmanager
def placed(
    folder: Path, programs: Mapping[str, str], files: Mapping[str, Secret], env: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """``env`` with the path that finds ``programs`` (scripts by name), and the variables that name ``files``.

    Both lie below the new folder ``folder``, for this user alone, and are gone at the end.
    """
    folder.mkdir(mode=0o700)
    try:
        yield {**env, **_programs(folder, programs, env), **_files(folder, files)}
    finally:
        shutil.rmtree(folder)


def _programs(folder: Path, programs: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    for name, script in programs.items():
        _write(folder / name, script, 0o700)
    return {"PATH": os.pathsep.join([str(folder), env.get("PATH", os.defpath)])} if programs else {}


def _files(folder: Path, files: Mapping[str, Secret]) -> dict[str, str]:
    paths = {variable: folder / f"token-{number}" for number, variable in enumerate(files)}
    for variable, path in paths.items():
        _write(path, files[variable].reveal(), 0o600)
    return {variable: str(path) for variable, path in paths.items()}


def _write(path: Path, text: str, mode: int) -> None:
    # The mode is there from the first byte on.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
