# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The server's secret, in a file that nobody else can read."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from trustpub.errors import Misuse
from trustpub.index.adapters import durable

SECRET_BYTES = 32
_HEX = re.compile(rb"[0-9a-f]{%d}\s*\Z" % (2 * SECRET_BYTES))


def load(path: Path, *, create: bool) -> bytes:
    """The 32 bytes that the 64 hex digits in ``path`` stand for.

    With ``create`` a file that is not there is made, with new random bytes and mode 0600.

    Raises:
        Misuse: it is not there, not a plain file, not a secret, or others can read it.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        if not create:
            raise Misuse(
                f"There is no secret at {path}.",
                hint="Name the file it is in with --secret-file or TRUSTPUB_SECRET_FILE. Without it no token this "
                "index gave out is valid.",
            ) from None
    except OSError as error:
        raise Misuse(f"The secret at {path} cannot be read: {error.strerror}.") from error
    _create(path)
    return _read(path)


def copy(path: Path, to: Path) -> None:
    """The secret at ``path`` once more, in a file that is not there yet.

    Raises:
        Misuse: it is no secret, or cannot be written there.
    """
    _write(to, load(path, create=False).hex())


def _read(path: Path) -> bytes:
    # Opened first and looked at afterwards: what is checked is what is read.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Misuse(f"The secret at {path} is not a plain file.")
        if status.st_mode & 0o077:
            raise Misuse(
                f"Others can read the secret at {path}: its mode is {stat.S_IMODE(status.st_mode):04o}, not 0600.",
                hint=f"Who has it can make tokens. Close it with: chmod 600 {path}",
            )
        content = os.read(descriptor, 4 * SECRET_BYTES)
    finally:
        os.close(descriptor)
    if not _HEX.match(content):
        raise Misuse(f"The file at {path} is not a secret of this index: it is not {2 * SECRET_BYTES} hex digits.")
    return bytes.fromhex(content.decode())


def _create(path: Path) -> None:
    _write(path, secrets.token_hex(SECRET_BYTES))


def _write(path: Path, digits: str) -> None:
    """Complete or not at all: a file cut short by a crash would be refused at every later start."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(digits.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            pass  # another start was faster: its secret is the one
        finally:
            part.unlink()
        durable.sync(path.parent)
    except OSError as error:
        raise Misuse(f"The secret cannot be written to {path}: {error.strerror}.") from error
