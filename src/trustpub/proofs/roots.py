# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The trust roots of Sigstore that an index believes, as files: the shipped one, a newer one, and private ones.

Never what sigstore's own library keeps below the home folder, where anybody's program may have put another.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from trustpub.errors import Misuse
from trustpub.printable import quoted
from trustpub.proofs.root import PUBLIC_GOOD, Root, check_name, public_good, read_root


class Roots:
    """The roots that an index believes: files in a folder beside its database, and the shipped one.

    Whatever changes in the folder holds for the next attestation. May be shared by threads.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        self._roots: tuple[Root, ...] = ()

    def __call__(self) -> Sequence[Root]:
        """All of them, the public-good one first.

        Raises:
            Misuse: a file in the folder is not a root.
        """
        with self._lock:
            seen = self._look()
            if seen != self._seen:
                self._roots, self._seen = self._read(seen), seen
            return self._roots

    def add(self, name: str, path: Path) -> Root:
        """Believe the instance whose root is in the file, from now on; replaces one of the same name.

        Raises:
            Misuse: it is not a root, the name cannot be, or a log in it is that of another root.
        """
        root = read_root(name, path, dated="")
        for other in self():
            if other.name != name and other.logs & root.logs:
                raise Misuse(
                    f"The root {other.name!r} has the same transparency log as the one in {quoted(str(path))}.",
                    hint=f"Give it the same name, {other.name}, to replace that.",
                )
        return self.write(name, path.read_bytes())

    def adopt(self, name: str, content: bytes) -> Root:
        """Believe the instance whose root is ``content``, from now on; replaces one of the same name.

        Where another root has all of its logs already, that one stays as it is, and is returned.

        Raises:
            Misuse: it is not a root, or the name cannot be.
        """
        with tempfile.TemporaryDirectory(prefix="trustpub-root-") as folder:
            path = Path(folder) / f"{name}.json"
            path.write_bytes(content)
            root = read_root(name, path, dated="")
        for other in self():
            if other.name != name and root.logs <= other.logs:
                return other
        return self.write(name, content)

    def remove(self, name: str) -> bool:
        """Believe it no more. The public-good root falls back to the shipped one."""
        try:
            self._path(name).unlink()
        except FileNotFoundError:
            return False
        return True

    def write(self, name: str, content: bytes) -> Root:
        """Put a root's file in its place, whole or not at all.

        Raises:
            Misuse: the folder cannot be written to, or it is not a root.
        """
        target = self._path(name)
        fresh = target.with_suffix(".new")
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            read_root(name, fresh, dated="")
            fresh.replace(target)
        except OSError as error:
            raise Misuse(f"The trust root {name} cannot be written to {self.folder}: {error.strerror}.") from error
        finally:
            fresh.unlink(missing_ok=True)
        return read_root(name, target, dated=_day(target))

    def _path(self, name: str) -> Path:
        check_name(name)
        return self.folder / f"{name}.json"

    def _look(self) -> tuple[tuple[str, int, int], ...]:
        try:
            files = [(one.name, one.stat()) for one in os.scandir(self.folder) if one.name.endswith(".json")]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Misuse(f"The trust roots in {self.folder} cannot be read: {error.strerror}.") from error
        return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))

    def _read(self, seen: Sequence[tuple[str, int, int]]) -> tuple[Root, ...]:
        paths = {name.removesuffix(".json"): self.folder / name for name, _, _ in seen}
        own = paths.pop(PUBLIC_GOOD, None)
        first = public_good() if own is None else read_root(PUBLIC_GOOD, own, dated=_day(own))
        return (first, *(read_root(name, path, dated=_day(path)) for name, path in paths.items()))


def _day(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d")
