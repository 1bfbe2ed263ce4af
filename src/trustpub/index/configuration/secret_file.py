# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Secrets: each in a file of its own, or in a variable."""

from __future__ import annotations

import os
from pathlib import Path

from trustpub.index.configuration.reading import Configuration
from trustpub.index.configuration.table import TABLE
from trustpub.secret import Secret

_MAX_BYTES = 4096


def secret(configuration: Configuration, path: str) -> Secret | None:
    """That of the setting ``path``, or in the file that ``path``_file names; None if there is neither.

    Where both are given, what beats holds, and of two that are given alike, the file.
    """
    file = file_of(configuration, path)
    if file is not None:
        return _read(configuration, f"{path}_file", file)
    itself = configuration.held(path)
    return None if itself.value is None else Secret(itself.value)


def file_of(configuration: Configuration, path: str) -> Path | None:
    """The file that the secret ``path`` is read from; None if it is given otherwise, or not at all."""
    itself, by_file = configuration.held(path), configuration.held(f"{path}_file")
    found: Path | None = by_file.value
    return found if found is not None and by_file.source >= itself.source else None


def name_of(path: str) -> str:
    """How a person may give the secret ``path``."""
    setting, by_file = TABLE[path], TABLE[f"{path}_file"]
    named = by_file.path if by_file.option is None else f"{by_file.path} ({by_file.option})"
    return f"that {named} names, or in the variable {setting.also or setting.variable}"


def _read(configuration: Configuration, setting: str, file: Path) -> Secret | None:
    """What is in it, without the line break at its end."""
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        configuration.blame(setting, f"names a file that cannot be read: {error.strerror}")
        return None
    text = content.decode("utf-8", "replace").rstrip("\r\n")
    if mode & 0o007:
        wrong = "names a file that everybody on this machine can read"
        configuration.blame(setting, wrong, "Close it: chmod 600 FILE.")
    elif not text or len(content) > _MAX_BYTES or not text.isprintable():
        configuration.blame(setting, "names a file in which there is not one line with a secret")
    else:
        return Secret(text)
    return None
