# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Uploading: bytes and a form in, a file on the index out, or every reason why not."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from trustpub.index import names
from trustpub.index.credentials import Bearer, Credentials, NewProject
from trustpub.index.ports import Blobs, Clock, Event, File, NoRoom, Project, Reading, Staged, Store, Writing
from trustpub.index.settings import Settings
from trustpub.packages import archives, metadata
from trustpub.packages.agreement import differences
from trustpub.packages.metadata import Metadata
from trustpub.packages.names import BadFilename, fault_in_filename, is_valid, normalize, read_filename
from trustpub.protocol.exchange import Problem
from trustpub.protocol.upload import Faults, Submission, read_fields
from trustpub.trust.publishers import Publisher

_CHUNK = 1024 * 1024
_TITLE = "Upload refused"
_INVALID = "Invalid distribution file."


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The file is on the index, durably."""

    project: str
    filename: str
    new: bool
    """False where the very same file was there already: nothing was changed."""


class TooLarge(Exception):
    """More bytes came than a file may have."""


class _Refuse(Exception):
    """Ends the final transaction without a trace in it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Arrival:
    """The bytes of one file on their way in: staged and hashed in one pass. A context manager; not for two threads."""

    def __init__(self, blobs: Blobs, max_bytes: int) -> None:
        self._blobs = blobs
        self._max_bytes = max_bytes
        self._held = ExitStack()
        self._staged: Staged | None = None
        self._sha256 = hashlib.sha256()
        self._blake2b_256 = hashlib.blake2b(digest_size=32)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hashes_md5 = False
        self._size = 0

    def __enter__(self) -> Arrival:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def open(self, *, md5: bool) -> None:
        """The content begins. ``md5``: whether a digest of this kind was announced, for which it is computed."""
        self._hashes_md5 = md5
        self._staged = self._held.enter_context(self._blobs.stage())

    def write(self, chunk: bytes) -> None:
        """The next bytes.

        Raises:
            TooLarge: they are too many now.
        """
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise TooLarge
        self.staged.write(chunk)
        self._sha256.update(chunk)
        self._blake2b_256.update(chunk)
        if self._hashes_md5:
            self._md5.update(chunk)

    def close(self) -> None:
        """Drop what was not kept. May be called more than once."""
        self._held.close()

    @property
    def staged(self) -> Staged:
        """Where the bytes are. :meth:`open` comes first."""
        if self._staged is None:
            raise RuntimeError("the content has not begun")
        return self._staged

    @property
    def begun(self) -> bool:
        """Whether there was any content, be it empty."""
        return self._staged is not None

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._size

    @property
    def sha256(self) -> str:
        """Of the bytes so far, as the others."""
        return self._sha256.hexdigest()

    @property
    def blake2b_256(self) -> str:
        """BLAKE2b with 32 bytes."""
        return self._blake2b_256.hexdigest()

    def md5(self) -> str:
        """For clients that send it, hashed on the way in or, where it was announced too late, read again."""
        if not self._hashes_md5:
            with open(self.staged.path(), "rb") as file:
                while chunk := file.read(_CHUNK):
                    self._md5.update(chunk)
            self._hashes_md5 = True
        return self._md5.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A distribution that is what its form says; whether it may be published is still open."""

    filename: str
    submission: Submission
    metadata: Metadata
    arrival: Arrival
    md5: str | None


class Upload:
    """``POST /legacy/``.

    The order is security, and is kept by calling :meth:`admit`, :meth:`begin` and :meth:`accept` in turn:

    1. the credential holds (before a byte of the body is read)
    2. the bytes arrive, hashed and bounded
    3. the form is whole, and all its faults are told at once
    4. the bearer may upload to the project
    5. the bytes are those that were announced, under the one name they can have
    6. the same file again is no fault; another under its name is, and so is a second one with a token for one
    7. the archive is sound, and what it says of itself is what the form says
    8. the file is in its lasting place, durably; no row names it yet
    9. in one transaction: 4 and 6 again, the token spent, the project made real, the row, the event
    """

    def __init__(
        self, *, store: Store, blobs: Blobs, credentials: Credentials, settings: Settings, clock: Clock
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._credentials = credentials
        self._settings = settings
        self._clock = clock

    def admit(self, authorization: str | None) -> Bearer | Problem:
        """Step 1: who sends this ``Authorization`` header."""
        return self._credentials.check_header(authorization)

    def begin(self) -> Arrival:
        """Step 2: where to write the content to. To be closed whatever happens."""
        return Arrival(self._blobs, self._settings.max_file_bytes)

    def too_large(self) -> Problem:
        """The answer to more bytes than are taken."""
        limit = self._settings.max_file_bytes
        return Problem(
            status=413, code="file-too-large", title=_TITLE, detail=f"File too large. The limit is {limit} bytes."
        )

    def accept(
        self, bearer: Bearer, fields: Iterable[tuple[str, str]], filename: str | None, arrival: Arrival
    ) -> Accepted | Problem:
        """Steps 3 to 9.

        Args:
            bearer: from :meth:`admit`.
            fields: the text parts of the form, in order.
            filename: that of the ``content`` part; None if it has none.
            arrival: from :meth:`begin`, with all bytes in. Not kept after this, and not closed.
        """
        submission = _read_form(fields, filename, arrival)  # 3
        if isinstance(submission, Problem):
            return submission
        with self._store.read() as reading:
            target = self._target(bearer, reading, submission.name)  # 4
        if isinstance(target, Problem):
            return target
        arrival.staged.finish()
        faults = _digest_faults(submission, arrival) or _name_faults(submission, filename or "")  # 5
        if faults:
            return _refused("invalid-file", faults)
        with self._store.read() as reading:
            again = _existing(reading, target, filename or "", arrival) or self._credentials.spent(bearer, reading)  # 6
        if again is not None:
            return again
        checked = _open(submission, filename or "", arrival)  # 7
        return checked if isinstance(checked, Problem) else self._commit(bearer, checked)

    def _target(self, bearer: Bearer, reading: Reading, name: str) -> Project | NewProject | Problem:
        """The project that ``bearer`` may upload to; one that its upload would make must be of a name that may be."""
        target = self._credentials.may_upload(bearer, reading, name)
        if isinstance(target, NewProject) and (fault := names.fault(reading, name, int(self._clock()))) is not None:
            return _refused("name-refused", [fault])
        return target

    def _commit(self, bearer: Bearer, checked: _Checked) -> Accepted | Problem:
        """Steps 8 and 9.

        Many may share the trip to the disk that ends a transaction, so none may make its own within one: the file gets
        its place before. Where the transaction then refuses, which only a race brings about, or finds the disk full,
        the place is given up again, as no row came of it. After any other failure a row may yet be seen, as one of a
        log that was not synced: then the file stays, served to nobody, and goes with the next sweep if no row names it.
        """
        wheel = checked.submission.filetype == "bdist_wheel"
        served = checked.metadata.raw if wheel else None
        staged = checked.arrival.staged
        staged.keep(checked.arrival.blake2b_256, checked.filename, served)  # 8
        try:
            return self._store.transact(lambda writing: self._publish(writing, bearer, checked, served))  # 9
        except _Refuse as refusal:
            staged.forsake(lambda: self._is_named(checked))
            return refusal.problem
        except NoRoom:
            staged.forsake(lambda: self._is_named(checked))
            raise

    def _is_named(self, checked: _Checked) -> bool:
        """Whether a row names the very file, as that of another upload of the same bytes does."""
        with self._store.read() as reading:
            file = reading.file(checked.filename)
        return file is not None and file.deleted is None and file.blake2b_256 == checked.arrival.blake2b_256

    def _publish(self, writing: Writing, bearer: Bearer, checked: _Checked, served: bytes | None) -> Accepted:
        now, arrival = self._clock(), checked.arrival
        # Since step 4 the token may have been burned, the publisher removed, the name taken.
        target = self._target(bearer, writing, checked.metadata.name)
        if isinstance(target, Problem):
            raise _Refuse(target)
        again = _existing(writing, target, checked.filename, arrival)
        if isinstance(again, Problem):
            raise _Refuse(again)
        if again is not None:
            return again
        spent = self._credentials.spend(bearer, writing)
        if spent is not None:
            raise _Refuse(spent)
        project_id = _real_project(writing, bearer, target, checked, now)
        writing.add_file(_row(checked, bearer, project_id, served, now))
        writing.touch(project_id)
        writing.add_event(_event(checked, bearer, project_id, now))
        return Accepted(project=checked.metadata.name, filename=checked.filename, new=True)


def _read_form(fields: Iterable[tuple[str, str]], filename: str | None, arrival: Arrival) -> Submission | Problem:
    read = read_fields(fields)
    faults = [f"{fault}." for fault in read.faults] if isinstance(read, Faults) else []
    if isinstance(read, Submission) and not is_valid(read.name):
        faults.append("name: is not a valid project name.")
    if not arrival.begun:
        faults.append("content: is missing; it holds the file.")
    elif not filename:
        faults.append("content: has no file name.")
    if isinstance(read, Faults):
        return _refused("invalid-form", faults, read.status)
    return _refused("invalid-form", faults) if faults else read


def _digest_faults(submission: Submission, arrival: Arrival) -> list[str]:
    given = {
        "sha256_digest": (submission.sha256, arrival.sha256),
        "blake2_256_digest": (submission.blake2b_256, arrival.blake2b_256),
        "md5_digest": (submission.md5, arrival.md5() if submission.md5 else ""),
    }
    return [
        f"The digest supplied does not match a digest calculated from the uploaded file ({field})."
        for field, (announced, calculated) in given.items()
        if announced is not None and not hmac.compare_digest(announced.encode(), calculated.encode())
    ]


def _name_faults(submission: Submission, filename: str) -> list[str]:
    try:
        read = read_filename(filename)
        fault = fault_in_filename(filename, submission.name, submission.version)
    except BadFilename as bad:
        return [str(bad)]
    except ValueError:
        return ["version: is not a version (PEP 440)."]
    faults = [] if fault is None else [fault]
    if read.filetype != submission.filetype:
        faults.append(f"The file name {filename!r} is not that of a {submission.filetype}.")
    elif read.pyversion != submission.pyversion:
        faults.append(f"pyversion: the file name {filename!r} says {read.pyversion!r}.")
    return faults


def _open(submission: Submission, filename: str, arrival: Arrival) -> _Checked | Problem:
    path = arrival.staged.path()
    try:
        inside = metadata.read(path, submission.filetype)
        faults = differences(inside, submission.fields)
        if not faults:
            archives.check(path, submission.filetype, inside.name, inside.version)
    except metadata.BadMetadata as bad:
        return _refused("invalid-file", [_INVALID, str(bad)])
    except archives.BadArchive as bad:
        return _refused("invalid-file", [_INVALID, *bad.faults])
    if faults:
        return _refused("invalid-file", [_INVALID, *faults])
    md5 = arrival.md5() if submission.md5 else None
    return _Checked(filename=filename, submission=submission, metadata=inside, arrival=arrival, md5=md5)


def _existing(
    reading: Reading, target: Project | NewProject, filename: str, arrival: Arrival
) -> Accepted | Problem | None:
    """What to answer because of a file that is here already; None if there is none."""
    same_name = reading.file(filename)
    if same_name is not None and same_name.sha256 == arrival.sha256:
        return Accepted(project=target.name, filename=filename, new=False)
    file = same_name or reading.file_by_digest(arrival.blake2b_256)
    if file is None:
        file = reading.file_spelled_like(filename)
    if file is None:
        return None
    # twine's --skip-existing and its like look for these words in a 400.
    detail = f"File already exists ({file.filename!r}, with blake2_256 hash {file.blake2b_256!r})."
    return Problem(status=400, code="file-exists", title=_TITLE, detail=detail)


def _real_project(writing: Writing, bearer: Bearer, target: Project | NewProject, checked: _Checked, now: float) -> str:
    """The id of the project, which exists after this and is not pending."""
    if isinstance(target, Project):
        if target.pending_until is not None and bearer.publisher is not None:
            _make_real(writing, bearer.publisher, target, checked, now)
        return target.id
    return _new_project(writing, target, now)


def _new_project(writing: Writing, target: NewProject, now: float) -> str:
    """A project that a person's first upload makes."""
    held_in_vain = writing.project(target.name)
    if held_in_vain is not None:
        names.free(writing, held_in_vain, now)
    project = Project(
        id=str(uuid.uuid4()),
        name=target.name,
        normalized=normalize(target.name),
        created=int(now),
        pending_until=None,
        serial=0,
    )
    writing.add_project(project)
    writing.add_member(project.id, target.owner.id)
    facts = {"project": project.name, "user": target.owner.name}
    writing.add_event(Event(at=now, kind="project-added", project_id=project.id, publisher_id=None, facts=facts))
    return project.id


def _make_real(writing: Writing, publisher: Publisher, project: Project, checked: _Checked, now: float) -> None:
    """The first accepted upload to a name that was held. Others for which it was held are told."""
    lost = writing.make_real(project.id, name=checked.metadata.name, publisher_id=publisher.id)
    facts = {"by": publisher.id, "filename": checked.filename}
    for publisher_id in lost:
        writing.add_event(
            Event(
                at=now, kind="pending-publisher-dropped", project_id=project.id, publisher_id=publisher_id, facts=facts
            )
        )


def _row(checked: _Checked, bearer: Bearer, project_id: str, served: bytes | None, now: float) -> File:
    return File(
        project_id=project_id,
        filename=checked.filename,
        version=checked.metadata.version,
        filetype=checked.submission.filetype,
        size=checked.arrival.size,
        sha256=checked.arrival.sha256,
        blake2b_256=checked.arrival.blake2b_256,
        md5=checked.md5,
        metadata_sha256=None if served is None else hashlib.sha256(served).hexdigest(),
        requires_python=checked.metadata.one("requires-python"),
        uploaded=now,
        token_id=bearer.token.id,
    )


def _event(checked: _Checked, bearer: Bearer, project_id: str, now: float) -> Event:
    facts = {
        "filename": checked.filename,
        "version": checked.metadata.version,
        "size": checked.arrival.size,
        "sha256": checked.arrival.sha256,
        "token": bearer.token.id,
        "user": bearer.user.name if bearer.user else None,
    }
    publisher_id = bearer.publisher.id if bearer.publisher else None
    return Event(at=now, kind="file-uploaded", project_id=project_id, publisher_id=publisher_id, facts=facts)


def _refused(code: str, faults: Sequence[str], status: int = 400) -> Problem:
    return Problem(status=status, code=code, title=_TITLE, detail=" ".join(faults))
