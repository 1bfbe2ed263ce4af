# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Importing: files of another index become files of this one, by the rules for uploads, with their own past.

Each file is judged by :class:`trustpub.index.upload.Upload` itself, with the form that a client would make of it. What
is here already is left alone, so that an import that was cut short goes on when it is run again.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from trustpub.index.arrival import Arrival, Earlier, TooLarge
from trustpub.index.imports.door import ImportDoor
from trustpub.index.imports.found import Found
from trustpub.index.kept import Event, User
from trustpub.index.ports import Blobs, Clock, Store
from trustpub.index.settings import Settings
from trustpub.index.switches import ReadOnly, read_only
from trustpub.index.upload import Accepted, Upload
from trustpub.packages import metadata
from trustpub.packages.names import BadFilename, Filename, read_filename
from trustpub.protocol.exchange import Problem
from trustpub.protocol.upload import Submission, form_fields

_CHUNK = 1024 * 1024

IMPORTED, THERE, REFUSED = "imported", "there", "refused"
"""What becomes of a file: taken now; here before, the very same; not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a file."""

    found: Found
    state: str
    """One of the three."""
    project: str = ""
    """Where it was taken: the project's name."""
    reason: str = ""
    """Where it was refused: a sentence or several."""


class _Refused(Exception):
    """Not taken; the message says why."""


class Import:
    """One run over what another index left."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        settings: Settings,
        clock: Clock,
        owner: User | None,
        source: str,
        dry_run: bool = False,
        planned: Collection[str] = (),
    ) -> None:
        """
        Args:
            store: of this index.
            blobs: of this index.
            settings: what it takes.
            clock: the time.
            owner: of every project that is made.
            source: what is imported from, in a word, as ``devpi``; kept with every file.
            dry_run: only judge.
            planned: normal forms of names that will be projects, or held, when it is no dry run.

        Raises:
            ReadOnly: the index takes nothing now.
        """
        with store.read() as reading:
            if (why := read_only(reading)) is not None:
                raise ReadOnly(why)
        door = ImportDoor(owner=owner, clock=clock, planned=planned if dry_run else ())
        self._store = store
        self._blobs = blobs
        self._settings = settings
        self._clock = clock
        self._source = source
        self._dry_run = dry_run
        self._bearer = door.bearer(str(uuid.uuid4()))
        self._upload = Upload(store=store, blobs=blobs, credentials=door, settings=settings, clock=clock)

    def bring(self, found: Found, moved: Callable[[int], None] = lambda size: None) -> Outcome:
        """Take one file, or say why not; it is durable when this returns.

        Args:
            found: the file.
            moved: told of every few bytes that were read.

        Raises:
            NoRoom: the disk is full.
        """
        try:
            if self._is_here(found):
                moved(found.size)
                return Outcome(found=found, state=THERE)
            answer = self._take(found, moved)
        except _Refused as refused:
            return Outcome(found=found, state=REFUSED, reason=str(refused))
        except OSError as error:
            return Outcome(found=found, state=REFUSED, reason=f"It cannot be read: {error.strerror}.")
        if isinstance(answer, Problem):
            return Outcome(found=found, state=REFUSED, reason=answer.detail)
        return Outcome(found=found, state=IMPORTED if answer.new else THERE, project=answer.project)

    def end(self, counts: Mapping[str, int]) -> None:
        """Note in the log of the index that it is over, and what it came to."""
        facts = {"source": self._source, "run": self._bearer.token.id, **counts}
        with self._store.write() as writing:
            writing.add_event(
                Event(at=self._clock(), kind="import-ended", project_id=None, publisher_id=None, facts=facts)
            )

    def _is_here(self, found: Found) -> bool:
        """Whether the very file is here: then nothing needs to be copied to see that."""
        with self._store.read() as reading:
            row = reading.file(found.filename)
        if row is None or row.deleted is not None or row.size != found.size:
            return False
        digest = hashlib.sha256()
        for chunk in _chunks(found.path):
            digest.update(chunk)
        return digest.hexdigest() == row.sha256

    def _take(self, found: Found, moved: Callable[[int], None]) -> Accepted | Problem:
        fields = _form(found)
        origin = {"imported": self._source, **({"by": found.by} if found.by else {})}
        earlier = Earlier(uploaded=min(found.uploaded, self._clock()), yanked=found.yanked, origin=origin)
        with Arrival(self._blobs, self._settings.max_file_bytes, earlier=earlier) as arrival:
            arrival.open(md5="md5" in found.digests)
            try:
                for chunk in _chunks(found.path):
                    arrival.write(chunk)
                    moved(len(chunk))
            except TooLarge:
                return self._upload.too_large()
            judge = self._upload.judge if self._dry_run else self._upload.accept
            return judge(self._bearer, fields, found.filename, arrival)


def _form(found: Found) -> list[tuple[str, str]]:
    """What a client would say of the file. It says only what is in the file, and which bytes it must be."""
    try:
        named = read_filename(found.filename)
        inside = metadata.read(found.path, named.filetype)
    except (BadFilename, metadata.BadMetadata) as bad:
        raise _Refused(str(bad)) from None
    return form_fields(_submission(found, named, inside))


def _submission(found: Found, named: Filename, inside: metadata.Metadata) -> Submission:
    sha256 = found.digests.get("sha256")
    if sha256 is None and "md5" not in found.digests:
        # A form has at least one digest. Of bytes that nobody announced, it is the one that they have now.
        digest = hashlib.sha256()
        for chunk in _chunks(found.path):
            digest.update(chunk)
        sha256 = digest.hexdigest()
    return Submission(
        filetype=named.filetype,
        pyversion=named.pyversion,
        fields=inside.fields,
        sha256=sha256,
        md5=found.digests.get("md5"),
    )


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
