# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Objects in a bucket, behind the S3 API: written once, whole or not at all, and never written over.

What is sent goes with its SHA-256, of each part and in the signature, so that the server refuses what was altered on
its way; and what is read from the disk to be sent is hashed again, so that what was altered there is not sent.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from trustpub.errors import Misuse, Unreachable
from trustpub.index.adapters.staging import STAGING
from trustpub.index.settings import ObjectStorage
from trustpub.printable import printable

if TYPE_CHECKING:
    from obstore.store import S3Store

PART_BYTES = 8 * 1024 * 1024
"""Larger files go in parts of this size."""
PARTS_AT_ONCE = 3
LINK_SECONDS = 300
"""How long a link is good for a request to begin."""

_CONNECT_SECONDS, _SILENT_SECONDS, _REQUEST_SECONDS = 5, 60, 120
_TRIES, _TRY_SECONDS = 3, 10
"""How often a request is tried again, and until how long after its first begin."""
_TYPE = "application/octet-stream"
_KEPT = "max-age=31536000, immutable"
"""By who downloads; not "public", for the index may be private."""
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_PREFIX = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63}/)*\Z")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_ACCESS = ("AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """What a bucket says of an object."""

    key: str
    """Without the prefix."""
    size: int
    changed: float
    """Unix time, by the clock there."""


class Altered(Exception):
    """Bytes are not those that they must be."""


class Bucket:
    """Objects below a prefix. Safe to use from any thread; not across a fork.

    Every method raises :class:`trustpub.errors.Unreachable` when the server cannot be reached, or refuses.
    """

    def __init__(self, wanted: ObjectStorage) -> None:
        """
        Raises:
            Misuse: what is wanted cannot be.
        """
        prefix = wanted.prefix.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        if not _PREFIX.match(self._prefix) or ".." in self._prefix:
            raise Misuse("The prefix in [s3] is not made of names and slashes, such as index/files.")
        if not _BUCKET.match(wanted.bucket):
            raise Misuse(f"There can be no bucket named {printable(wanted.bucket, 80)!r}.")
        self._wanted = wanted
        self._where = _host(wanted)
        if (wanted.access_key is None) != (wanted.secret_key is None):
            raise Misuse(
                "In [s3] access_key and the secret that goes with it are given together, or neither.",
                hint="The secret comes by secret_key_file, or by the variable TRUSTPUB_S3_SECRET_KEY.",
            )
        _ = self._certificates, self._store

    @cached_property
    def _certificates(self) -> bytes | None:
        if self._wanted.ca is None:
            return None
        try:
            return Path(self._wanted.ca).read_bytes()
        except OSError as error:
            raise Misuse(f"The certificates {printable(self._wanted.ca)} cannot be read: {error.strerror}.") from None

    @cached_property
    def _store(self) -> S3Store:
        try:
            from obstore.exceptions import BaseError
            from obstore.store import S3Store
        except ImportError:
            raise Misuse(
                "Files are to be kept in object storage, for which a package is missing.",
                hint='Install it: pip install "trustpub[s3]"',
            ) from None
        wanted = self._wanted
        config: dict[str, Any] = {
            "region": wanted.region,
            "virtual_hosted_style_request": wanted.endpoint is None,
            "checksum_algorithm": "SHA256",
            "conditional_put": "etag",
            "copy_if_not_exists": "multipart",
            "disable_bulk_delete": True,  # not every server has it
        }
        if wanted.endpoint is not None:
            config["endpoint"] = wanted.endpoint
        if wanted.access_key is not None and wanted.secret_key is not None:
            config |= {"access_key_id": wanted.access_key, "secret_access_key": wanted.secret_key.reveal()}
        options: dict[str, Any] = {
            "allow_http": (wanted.endpoint or "").startswith("http://"),
            "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            "read_timeout": timedelta(seconds=_SILENT_SECONDS),
            "timeout": timedelta(seconds=_REQUEST_SECONDS),
            "user_agent": "trustpub",
        }
        if self._certificates is not None:
            options["root_certificate"] = self._certificates
        backoff = {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2}
        retry: Any = {"max_retries": _TRIES, "retry_timeout": timedelta(seconds=_TRY_SECONDS), "backoff": backoff}
        try:
            return S3Store(wanted.bucket, config=config, client_options=options, retry_config=retry)  # type: ignore[arg-type]
        except (BaseError, ValueError):
            raise Misuse(
                f"The object storage in [s3] cannot be used: endpoint {printable(wanted.endpoint or '', 200)!r}, "
                f"bucket {printable(wanted.bucket, 80)!r}, region {printable(wanted.region, 40)!r}.",
                hint="An endpoint is https://HOST[:PORT], and certificates are PEM.",
            ) from None

    def __str__(self) -> str:
        """For people: the bucket and where it is."""
        return f"{self._wanted.bucket}/{self._prefix} at {self._where}"

    def put_new(self, key: str, content: bytes) -> bool:
        """Write an object. False if there is one of this name, which stays as it is."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        attributes: Any = {"Content-Type": _TYPE, "Cache-Control": _KEPT}
        try:
            with self._told():
                obstore.put(self._store, self._prefix + key, content, mode="create", attributes=attributes)
        except AlreadyExistsError:
            return False
        return True

    def send_new(self, key: str, path: Path, blake2b_256: str) -> bool:
        """Write the file at ``path``, which has this digest, as an object. False if there is one of this name.

        A large one goes in parts to a name that no other has, and gets its own name there once it is whole.

        Raises:
            Altered: what is in the file is something else.
        """
        if path.stat().st_size <= PART_BYTES:
            content = path.read_bytes()
            if hashlib.blake2b(content, digest_size=32).hexdigest() != blake2b_256:
                raise Altered(path.name)
            return self.put_new(key, content)
        return self.head(key) is None and self._send_parts(key, path, blake2b_256)

    def _send_parts(self, key: str, path: Path, blake2b_256: str) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        beside = f"{self._prefix}{STAGING}/{secrets.token_hex(16)}"
        attributes: Any = {"Content-Type": _TYPE, "Cache-Control": _KEPT}
        try:
            with self._told():
                obstore.put(
                    self._store,
                    beside,
                    _hashed(path, blake2b_256),
                    attributes=attributes,
                    use_multipart=True,
                    chunk_size=PART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                )
                try:
                    obstore.copy(self._store, beside, self._prefix + key, overwrite=False)
                finally:
                    obstore.delete(self._store, beside)
        except AlreadyExistsError:
            return False
        return True

    def head(self, key: str) -> Object | None:
        """What is there under this name."""
        import obstore

        try:
            with self._told():
                return self._object(obstore.head(self._store, self._prefix + key))
        except FileNotFoundError:
            return None

    def get(self, key: str) -> bytes | None:
        """A small object, whole."""
        import obstore

        try:
            with self._told():
                return bytes(obstore.get(self._store, self._prefix + key).bytes())
        except FileNotFoundError:
            return None

    def read(self, key: str) -> Iterator[bytes]:
        """An object, a part at a time.

        Raises:
            FileNotFoundError: there is none.
        """
        found = self.head(key)
        if found is None:
            self._range(key, 0, 1)  # which says whether it is the object that is not there, or the whole bucket
            raise FileNotFoundError(key)
        for first in range(0, found.size, PART_BYTES):
            yield self._range(key, first, min(first + PART_BYTES, found.size))

    def _range(self, key: str, first: int, end: int) -> bytes:
        import obstore

        with self._told():
            return bytes(obstore.get_range(self._store, self._prefix + key, start=first, end=end))

    async def range(self, key: str, first: int, end: int) -> bytes:
        """The bytes from ``first`` up to and without ``end``; fewer, if the object is shorter.

        Raises:
            FileNotFoundError: there is none.
        """
        import obstore

        with self._told():
            return bytes(await obstore.get_range_async(self._store, self._prefix + key, start=first, end=end))

    def link(self, key: str) -> str:
        """A URL that is good to read the object with, by GET, for :data:`LINK_SECONDS`."""
        import obstore

        with self._told():
            return obstore.sign(self._store, "GET", self._prefix + key, timedelta(seconds=LINK_SECONDS))

    def delete(self, key: str) -> None:
        """Take an object away, if it is there."""
        import obstore

        with self._told():
            obstore.delete(self._store, self._prefix + key)

    def list(self, below: str) -> Iterator[Object]:
        """Objects whose names begin with ``below`` and a slash; each is there when it is told, or was just before."""
        import obstore

        with self._told():
            listed = iter(obstore.list(self._store, prefix=self._prefix + below))
        while True:
            with self._told():
                batch = next(listed, None)
            if batch is None:
                return
            yield from map(self._object, batch)

    def _object(self, told: Any) -> Object:
        changed: datetime = told["last_modified"]
        key = str(told["path"]).removeprefix(self._prefix)
        return Object(key=key, size=told["size"], changed=changed.timestamp())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong there becomes an error with a sentence; not that an object is there, or is not."""
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            yield
        except AlreadyExistsError:
            raise
        except (FileNotFoundError, BaseError) as error:
            code = _code(error)
            if isinstance(error, FileNotFoundError) and code != "NoSuchBucket":
                raise FileNotFoundError(str(self)) from None
            raise self._down(code) from None

    def _down(self, code: str) -> Unreachable:
        if code == "NoSuchBucket":
            return Unreachable(f"The object storage at {self._where} has no bucket {self._wanted.bucket!r}.")
        if code in _ACCESS:
            return Unreachable(
                f"The object storage at {self._where} refuses the index's key for the bucket "
                f"{self._wanted.bucket!r} ({code})."
            )
        said = f": it says {code}" if code else ""
        return Unreachable(f"The object storage at {self._where} does not answer as it should{said}.")


def _hashed(path: Path, blake2b_256: str) -> Iterator[bytes]:
    """The file's bytes. It does not come to its end where they are not of that digest."""
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while chunk := file.read(1024 * 1024):
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != blake2b_256:
        raise Altered(path.name)


def _host(wanted: ObjectStorage) -> str:
    if wanted.endpoint is None:
        return f"Amazon S3 in {printable(wanted.region, 40)}"
    try:
        parts = urlsplit(wanted.endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/") or "@" in parts.netloc:
        raise Misuse("The endpoint in [s3] is not https://HOST or https://HOST:PORT.")
    return printable(parts.netloc, 200)


def _code(error: Exception) -> str:
    """What S3 calls the fault; empty where no answer came that says so."""
    found = _CODE.search(str(error))
    if found is not None:
        return found[1]
    return "AccessDenied" if type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError") else ""
