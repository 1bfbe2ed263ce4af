# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A multipart body (RFC 7578) with one file, which is read from disk while it is sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, BytesIO

from trustpub.errors import Misuse
from trustpub.printable import printable


class Form:
    """Text fields, then one file. A :class:`trustpub.http.Body`: it can be opened again for another attempt."""

    def __init__(
        self,
        fields: Sequence[tuple[str, str]],
        *,
        file_field: str,
        filename: str,
        path: str,
        size: int,
        watch: Callable[[int, int], None] = lambda taken, total: None,
    ) -> None:
        """``size`` is the file's, in bytes; the file must still have it when it is sent.

        ``watch`` is told how many bytes of the body an attempt has taken, of how many; what it raises ends that.
        """
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        head = [f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
                for name, value in fields]  # fmt: skip
        head.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(file_field)}"; '
            f'filename="{_quoted(filename)}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        self._head = "".join(head).encode("utf-8", "replace")
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._path = path
        self._size = size
        self._watch = watch

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        return len(self._head) + self._size + len(self._tail)

    @contextmanager
    def open(self) -> Iterator[_Opened]:
        """The body from its start.

        Raises:
            Misuse: the file cannot be read any more, or is another size than it was.
        """
        try:
            file = open(self._path, "rb")  # noqa: SIM115 - closed below; its errors are told apart from the network's
        except OSError as error:
            raise Misuse(f"{printable(self._path)} cannot be read any more: {error.strerror}.") from None
        with file:
            yield _Opened(self._head, file, self._size, self._tail, self._path, self._told)

    def _told(self, taken: int) -> None:
        self._watch(taken, self.length)


class _Opened:
    def __init__(
        self, head: bytes, file: BufferedReader, size: int, tail: bytes, path: str, watch: Callable[[int], None]
    ) -> None:
        self._head = BytesIO(head)
        self._file = file
        self._left = size
        self._tail = BytesIO(tail)
        self._path = path
        self._watch = watch
        self._taken = 0

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes, from one of the three pieces; empty at the end."""
        piece = self._head.read(size)
        if not piece and self._left:
            piece = self._file.read(self._left if size < 0 else min(size, self._left))
            self._left -= len(piece)
            if not piece:
                raise Misuse(f"{printable(self._path)} became shorter while it was being uploaded.")
        piece = piece or self._tail.read(size)
        self._taken += len(piece)
        self._watch(self._taken)
        return piece


def _quoted(text: str) -> str:
    # As browsers do (WHATWG HTML, multipart/form-data): percent, and only these three.
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
