# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A folder becomes an index: made, upgraded, or just opened."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from trustpub.errors import Misuse
from trustpub.index.adapters import durable, secretfile
from trustpub.index.adapters.sql.store import MOVED, SqlStore, head, knows
from trustpub.index.bootstrap.blobs import settle
from trustpub.index.bootstrap.folder import TRUST, Folder
from trustpub.index.bootstrap.stores import DATABASE, is_made, open_store
from trustpub.index.bootstrap.urls import FORBIDDEN_AUDIENCES, new_audience
from trustpub.index.manage.issuers import Issuers
from trustpub.index.ports import Clock, Writing
from trustpub.index.settings import ObjectStorage, Postgres
from trustpub.printable import printable
from trustpub.protocol.exchange import AUDIENCE
from trustpub.tokens.keys import RootKeys

SECRET = "secret"  # noqa: S105 - a file's name

_OWN_NAMES = frozenset(
    {"secret", TRUST, "tls", "lock", "holds", "packages", "staging", "lost+found", "index.db-wal", "index.db-shm"}
)
"""What may be in a folder whose first start was cut short, or that somebody prepared."""


def open_folder(
    data: Path,
    *,
    create: bool,
    rehearsal: bool = False,
    secret_file: Path | None = None,
    public_url: str | None = None,
    local_url: str | None = None,
    clock: Clock = time.time,
    env: Mapping[str, str] | None = None,
    postgres: Postgres | None = None,
    s3: ObjectStorage | None = None,
    moving: bool = False,
) -> Folder:
    """The index in the folder ``data``.

    With ``create``, as a server starts: a folder that is new or empty becomes an index, for which a URL is needed, and
    an older database is copied and upgraded. Without, as ``admin`` does: it must be one already.

    Args:
        data: the folder.
        create: whether to make or upgrade what is there.
        rehearsal: make it one that accepts issuers on loopback and ``.test``; only when it is new.
        secret_file: where the server's secret is; in the folder unless given.
        public_url: as from :func:`urls.read_public_url`, and remembered for the next start.
        local_url: where it listens; the URL as long as no public one was ever given.
        clock: the time.
        env: the environment, for proxies and certificates; none unless given.
        postgres: where the rows are, if not in the folder.
        s3: where the bytes of files are, if not in the folder. The secret, the trust roots, certificates, and files on
            their way in are in the folder in any case.
        moving: open it wherever the files are; they are about to be moved.

    Raises:
        Misuse: it is no index, is newer than this program, cannot be written to, or the secret is not the right one.
    """
    secret_path = secret_file or data / SECRET
    with ExitStack() as undo:
        try:
            if create:
                prepare(data)
            elif not is_made(data, postgres):
                raise Misuse(
                    f"There is no index in the folder {data}.", hint=f"Make one with: trustpub serve --data {data}"
                )
            store = open_store(data, postgres)
            undo.callback(store.close)
            said = _bring_up_to_date(store, data, create=create)
            if create:
                urls = (public_url, local_url)
                said += _first_start(store, secret_path, rehearsal=rehearsal, urls=urls, clock=clock)
            folder = Folder(
                path=data,
                store=store,
                secret_path=secret_path,
                clock=clock,
                env=env or {},
                postgres=postgres,
                s3=s3,
                said=said,
            )
        except OSError as error:
            raise Misuse(f"The folder {data} cannot be used: {error.strerror}.") from error
        _check_facts(folder, create=create)
        if not moving:
            settle(store, data, s3, owner=folder.audience, create=create)
        undo.pop_all()
    return folder


def prepare(data: Path) -> None:
    """Make the folder unless it is there, so that it can be locked before it is opened.

    Raises:
        Misuse: it cannot be made or written to, or what is in it is something else than an index.
    """
    try:
        _prepare(data)
    except OSError as error:
        raise Misuse(f"The folder {data} cannot be used: {error.strerror}.") from error


def _prepare(data: Path) -> None:
    if not data.exists():
        data.mkdir(mode=0o700, parents=True)
        durable.sync(data.parent)
    if not data.is_dir():
        raise Misuse(f"{data} is not a folder.")
    if not os.access(data, os.W_OK | os.X_OK):
        raise Misuse(f"The folder {data} cannot be written to.")
    if (data / DATABASE).exists():
        return
    strange = sorted({one.name for one in data.iterdir()} - _OWN_NAMES)
    if strange:
        raise Misuse(
            f"The folder {data} is not empty and holds no index: there is {printable(strange[0], 100)!r} in it.",
            hint="Name a new or an empty folder with --data.",
        )


def _bring_up_to_date(store: SqlStore, data: Path, *, create: bool) -> list[str]:
    """Give the database the newest schema. Returns what was done, in sentences."""
    revision, newest = store.revision(), head()
    if revision == newest:
        return []
    if revision == MOVED:
        raise Misuse(
            f"The rows of the index in {data} were moved to a PostgreSQL server.",
            hint="Name it in the section [postgres] of the settings, and those with --config.",
        )
    if revision is not None and not knows(revision):
        raise Misuse(
            f"The index in {data} was written by a newer trustpub (its schema is {printable(revision, 40)}, "
            f"this one knows up to {newest}).",
            hint="Upgrade trustpub, or go back to a copy of that folder.",
        )
    if not create:
        raise Misuse(
            f"The index in {data} is of an older trustpub, or was never started.",
            hint=f"A start brings it up to date: trustpub serve --data {data}",
        )
    if revision is None:
        if not store.is_empty():
            where = f"The file {data / DATABASE}" if store.in_file else "What [postgres] names"
            raise Misuse(f"{where} is a database, but not that of an index.")
        store.upgrade()
        return []
    if not store.in_file:
        store.upgrade()
        return [f"The database was upgraded from schema {revision} to {newest}."]
    copy = data / f"{DATABASE}.before-{revision}"
    store.copy_to(copy)
    store.upgrade()
    return [f"The database was upgraded from schema {revision} to {newest}; as it was before, it is in {copy}."]


def _first_start(
    store: SqlStore, secret_path: Path, *, rehearsal: bool, urls: tuple[str | None, str | None], clock: Clock
) -> list[str]:
    """Facts that last. The last one written makes it an index; all come in one transaction."""
    with store.read() as reading:
        made = reading.fact("audience") is not None
        was_rehearsal = reading.fact("rehearsal") == "yes"
    if made:
        if rehearsal and not was_rehearsal:
            raise Misuse(
                "This index is no rehearsal, and cannot become one: it could be made to believe anybody.",
                hint="Name a new folder with --data.",
            )
        if (url := _url(store, *urls)) is not None:
            with store.write() as writing:
                _remember_url(writing, url, public=urls[0] is not None)
        return []
    url = _url(store, *urls)
    if url is None:
        raise Misuse(
            "A new index that listens on every address needs the URL that clients use.",
            hint="Give it with --public-url https://HOST",
        )
    keys = RootKeys(secretfile.load(secret_path, create=True))
    with store.write() as writing:
        if writing.fact("audience") is not None:
            return []  # another machine was faster, and its secret is the one
        Issuers(store, clock, rehearsal=rehearsal).add_public(writing)
        if rehearsal:
            writing.set_fact("rehearsal", "yes")
        writing.set_fact("secret_key_id", keys.key_id)
        _remember_url(writing, url, public=urls[0] is not None)
        writing.set_fact("audience", new_audience(url))
    return ["A new index was made."]


def _url(store: SqlStore, public_url: str | None, local_url: str | None) -> str | None:
    """What to set as the URL: the given one, else none if one was given before, else the local one."""
    with store.read() as reading:
        given_before = reading.fact("public_url_given") == "yes"
    return public_url or (None if given_before else local_url)


def _remember_url(writing: Writing, url: str, *, public: bool) -> None:
    writing.set_fact("public_url", url)
    if public:
        writing.set_fact("public_url_given", "yes")


def _check_facts(folder: Folder, *, create: bool) -> None:
    if not folder.audience:
        raise Misuse(
            f"The index in {folder.path} was never started.", hint=f"Start it: trustpub serve --data {folder.path}"
        )
    if not AUDIENCE.match(folder.audience) or (folder.audience in FORBIDDEN_AUDIENCES and not folder.rehearsal):
        raise Misuse(
            f"The audience of this index is {printable(folder.audience, 100)!r}, which it may not be.",
            hint="Identity tokens for it could be used elsewhere.",
        )
    if create:
        # Before anything is served: with the wrong secret every token would be refused, without a word why.
        _ = folder.root_keys
