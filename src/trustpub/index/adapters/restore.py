# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index from a backup, in a new folder: all of it, every file hashed, or nothing."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters import durable, secretfile
from trustpub.index.adapters.backup import DATABASE, FORMAT, MANIFEST, SECRET, TRUST
from trustpub.index.adapters.checking import Checked, check
from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.adapters.sql.store import SqlStore, head, knows
from trustpub.index.kept import Event
from trustpub.index.ports import IN_FOLDER, PLACE, Clock, NoRoom, Writing
from trustpub.printable import printable
from trustpub.tokens.keys import RootKeys

_MEMBER = re.compile(
    rf"(?:{re.escape(DATABASE)}|{re.escape(MANIFEST)}|{SECRET}|{TRUST}(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+"
    r"|packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[A-Za-z0-9][A-Za-z0-9._+!-]*)\Z"
)
"""What a backup holds; anything else in it is left where it is."""
_MAX_MANIFEST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of a backup."""

    files: int
    bytes: int
    made: str
    """When the backup was made, as it says itself."""
    secret_path: Path
    new_secret: bool
    """The backup's secret was not to be had, so that no token given out before is good."""
    tokens_ended: int
    """That would still be in their time."""


def restore(backup: Path, data: Path, *, secret_file: Path | None, clock: Clock) -> Restored:
    """Make the index that is in ``backup`` anew in the folder ``data``, with the newest schema.

    Args:
        backup: a folder or a tar file that :func:`trustpub.index.adapters.backup.back_up` made.
        data: not there yet, or empty.
        secret_file: where the server's secret is, or is to be; ``secret`` in the folder unless given.
        clock: the time.

    Raises:
        Misuse: it is no backup, or of a newer version; there is something in ``data``; the secret is another's.
        Declined: what is in the backup is damaged, or not all of it is there.
        NoRoom: for the index.
    """
    _check_new(data)
    part = data.with_name(f".{data.name}.{secrets.token_hex(8)}")
    try:
        with durable.room():
            part.mkdir(mode=0o700)
            manifest = _unpack(backup, part)
            with closing(SqlStore(part / DATABASE)) as store:
                restored = _revive(store, part, manifest, data=data, secret_file=secret_file, clock=clock)
            (part / MANIFEST).unlink()
            _sync_all(part)
            part.rename(data)
            durable.sync(data.parent)
    except NoRoom as full:
        raise NoRoom("There is no room for the index.", hint="Nothing was left of it.") from full
    except OSError as error:
        raise Misuse(f"The index cannot be made in {data}: {error.strerror}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return restored


def _check_new(data: Path) -> None:
    if os.path.lexists(data) and (data.is_symlink() or not data.is_dir() or any(data.iterdir())):
        raise Misuse(f"There is something at {data} already.", hint="Name a new or an empty folder with --data.")


def _revive(
    store: SqlStore, part: Path, manifest: dict[str, Any], *, data: Path, secret_file: Path | None, clock: Clock
) -> Restored:
    _check_database(store)
    blobs = FolderBlobs(part)
    checked = _check_files(store, blobs, clock)
    kept = part / SECRET
    path = secret_file or kept
    if secret_file is not None:
        kept.unlink(missing_ok=True)
    with store.read() as reading:
        wanted = reading.fact("secret_key_id")
    new = not os.path.lexists(path)
    keys = RootKeys(secretfile.load(path, create=True))
    if keys.key_id != wanted and not new:
        raise Misuse(
            f"The secret at {path} (key id {keys.key_id}) is not the one of the index in the backup (key id "
            f"{printable(wanted or '', 40)}).",
            hint="Without any, a new one is made, and tokens given out before are good for nothing.",
        )
    now = clock()
    with store.write() as writing:
        ended = writing.end_tokens(int(now)) if new else 0
        writing.set_fact("secret_key_id", keys.key_id)
        writing.set_fact(PLACE, IN_FOLDER)  # wherever they were: all are in the backup
        sessions, invitations = _close_doors(writing)
        facts = {
            "made": manifest["made"], "files": checked.files, "secret": "new" if new else "as before",
            "tokens_ended": ended, "sessions_ended": sessions, "invitations_ended": invitations,
        }  # fmt: skip
        writing.add_event(Event(at=now, kind="index-restored", project_id=None, publisher_id=None, facts=facts))
    return Restored(
        files=checked.files,
        bytes=checked.bytes,
        made=str(manifest["made"]),
        secret_path=secret_file or data / SECRET,
        new_secret=new,
        tokens_ended=ended,
    )


def _close_doors(writing: Writing) -> tuple[int, int]:
    """End what may have been ended, or used up, since the backup was made; people sign in, and are invited, again.

    Returns how many sessions and invitations there were.
    """
    sessions = sum(writing.end_sessions(one.id) for one in writing.users())
    invitations = sum(writing.take_invitation(one.id) is not None for one in writing.invitations())
    return sessions, invitations


def _check_database(store: SqlStore) -> None:
    if (fault := store.fault()) is not None:
        raise Declined(f"The database in the backup is damaged: {printable(fault, 300)}.")
    revision = store.revision()
    if revision is None or not knows(revision):
        raise Misuse(
            f"The backup is of a newer trustpub (its schema is {printable(revision or 'unknown', 40)}, this one knows "
            f"up to {head()}).",
            hint="Upgrade trustpub first.",
        )
    if revision != head():
        store.upgrade()


def _check_files(store: SqlStore, blobs: FolderBlobs, clock: Clock) -> Checked:
    """Nothing may be missing or damaged; what no row names was deleted while the backup was made, and goes."""
    checked = Checked()
    wrong = [one for one in check(store, blobs, clock, checked, served=False) if one.kind != "unknown"]
    if wrong:
        raise Declined(
            f"The backup is not whole: {len(wrong)} file(s) are missing or damaged, the first is "
            f"{printable(wrong[0].path, 400)}. {wrong[0].detail}",
            hint="Take another backup. Nothing was restored.",
        )
    blobs.sweep(store)
    return checked


def _unpack(backup: Path, part: Path) -> dict[str, Any]:
    """Copy what a backup holds, and nothing else that may be in it. Returns what it says of itself."""
    if backup.is_dir():
        members = _folder_members(backup)
    elif backup.is_file():
        members = _tar_members(backup)
    else:
        raise Misuse(f"There is no backup at {backup}.")
    try:
        for name, source in members:
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o600 if name == SECRET else 0o644
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
            with os.fdopen(descriptor, "wb") as copy:
                shutil.copyfileobj(source, copy, 1024 * 1024)
    except (tarfile.TarError, EOFError):
        raise Misuse(f"{backup} is no backup of an index, or not a whole one.") from None
    return _read_manifest(backup, part)


def _read_manifest(backup: Path, part: Path) -> dict[str, Any]:
    said: Any = None
    path = part / MANIFEST
    if path.is_file() and path.stat().st_size <= _MAX_MANIFEST_BYTES:
        try:
            said = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            said = None
    if not isinstance(said, dict) or "trustpub-backup" not in said or not (part / DATABASE).is_file():
        raise Misuse(f"{backup} is no backup of an index, or not a whole one.")
    if said["trustpub-backup"] != FORMAT:
        raise Misuse(f"The backup at {backup} is of a newer trustpub.", hint="Upgrade trustpub first.")
    return {"made": "an unknown time", **said}


def _folder_members(folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for above, _, names in os.walk(folder):
        for one in names:
            path = Path(above, one)
            name = path.relative_to(folder).as_posix()
            if _MEMBER.match(name) and path.is_file() and not path.is_symlink():
                with path.open("rb") as source:
                    yield name, source


def _tar_members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            source = tar.extractfile(member) if member.isreg() and _MEMBER.match(member.name) else None
            if source is not None:
                with source:
                    yield member.name, source


def _sync_all(folder: Path) -> None:
    for above, _, names in os.walk(folder):
        for name in names:
            durable.sync(Path(above, name))
        durable.sync(Path(above))
