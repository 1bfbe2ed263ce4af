# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Uploading: bytes and a form in, a file on the index out, or every reason why not."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol

from trustpub.index import names, policy, switches
from trustpub.index.arrival import Arrival, EarlyRefusal
from trustpub.index.attested import Attested, missing
from trustpub.index.credentials import Bearer, NewProject
from trustpub.index.gateway.handing import HandingOn, Stopped
from trustpub.index.kept import Event, File, Project
from trustpub.index.ports import SWEEPING, Blobs, Clock, NoRoom, Outgoing, Reading, Store, Writing
from trustpub.index.publication import Accepted as Accepted  # noqa: PLC0414 - it is what this answers
from trustpub.index.publication import Checked, event, real_project, row
from trustpub.index.settings import Settings
from trustpub.packages import archives, metadata
from trustpub.packages.agreement import differences
from trustpub.packages.names import MAX_NAME, BadFilename, fault_in_filename, is_valid, normalize, read_filename
from trustpub.protocol.exchange import Problem
from trustpub.protocol.upload import Faults, Submission, form_fields, read_fields

_TITLE = "Upload refused"
_INVALID = "Invalid distribution file."


class _Refuse(Exception):
    """Ends the final transaction without a trace in it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Door(Protocol):
    """Who may upload, and to what: :class:`trustpub.index.credentials.Credentials`, but for an import."""

    def check_header(self, authorization: str | None) -> Bearer | Problem:
        """Who sent this ``Authorization`` header."""

    def may_upload(self, bearer: Bearer, reading: Reading, project_name: str) -> Project | NewProject | Problem:
        """Whether ``bearer`` may upload to the project of this name, by what ``reading`` sees now."""

    def spent(self, bearer: Bearer, reading: Reading) -> Problem | None:
        """Whether what ``bearer`` came with was for one upload, which has been."""

    def spend(self, bearer: Bearer, writing: Writing) -> Problem | None:
        """Note, in the transaction that makes an upload real, that it was authorised."""


class Upload:
    """``POST /legacy/``.

    The order is security, and is kept by calling :meth:`admit`, :meth:`begin` and :meth:`accept` in turn:

    1. the credential holds (before a byte of the body is read)
    2. the bytes arrive, hashed and bounded; where the project's name came before them, only if 4 holds
    3. the form is whole, and all its faults are told at once
    4. the bearer may upload to the project
    5. the bytes are those that were announced, under the one name they can have
    6. the same file again is no fault; another under its name is, and so is a second one with a token for one; the
       project has room, and the release is open
    7. the archive is sound, what it says of itself is what the form says, and so are the attestations
    8. the file is in its lasting place, durably; no row names it yet
    9. in one transaction: 4 and 6 again, the token spent, the project made real, the row, the event

    Where the index is a gateway to another, 8 and 9 are those of :mod:`trustpub.index.gateway.handing`, and the same
    file again is asked about there, for the file may have been deleted.
    """

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        credentials: Door,
        settings: Settings,
        clock: Clock,
        attested: Attested | None = None,
        published: Callable[[Writing, File], None] = lambda writing, file: None,
        onward: HandingOn | None = None,
    ) -> None:
        """Without ``attested``, a file that comes with attestations is refused. With ``onward``, files are kept there.

        ``published`` is called with every new file, in the transaction that has its row.
        """
        self._store = store
        self._blobs = blobs
        self._credentials = credentials
        self._settings = settings
        self._clock = clock
        self._attested = attested
        self._published = published
        self._onward = onward

    @property
    def waits_for_another(self) -> bool:
        """Whether :meth:`accept` may take as long as another index does."""
        return self._onward is not None

    def now(self) -> float:
        """Unix time."""
        return self._clock()

    def admit(self, authorization: str | None) -> Bearer | Problem:
        """Step 1: who sends this ``Authorization`` header."""
        return self._credentials.check_header(authorization)

    def begin(self, bearer: Bearer) -> Arrival:
        """Step 2: where to write the content to. To be closed whatever happens."""
        return Arrival(self._blobs, self._settings.max_file_bytes, lambda fields: self._judge_early(bearer, fields))

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

        Raises:
            Unnoted: of a gateway: the file is on the index behind it, and has no row here.
        """
        judged = self._judge(bearer, fields, filename, arrival)
        if not isinstance(judged, Checked):
            return judged
        if self._onward is not None:
            return self._onward.hand_on(_Delivery(self, bearer, judged), judged.known)
        return self._commit(bearer, judged)

    def judge(
        self, bearer: Bearer, fields: Iterable[tuple[str, str]], filename: str | None, arrival: Arrival
    ) -> Accepted | Problem:
        """What :meth:`accept` would answer as things are now; nothing is changed."""
        judged = self._judge(bearer, fields, filename, arrival)
        if not isinstance(judged, Checked):
            return judged
        return Accepted(project=judged.metadata.name, filename=judged.filename, new=True)

    def _judge(
        self, bearer: Bearer, fields: Iterable[tuple[str, str]], filename: str | None, arrival: Arrival
    ) -> Checked | Accepted | Problem:
        """Steps 3 to 7."""
        submission = _read_form(fields, filename, arrival)  # 3
        if isinstance(submission, Problem):
            return submission
        with self._store.read() as reading:
            target = self._target(bearer, reading, submission.name)  # 4
            if isinstance(target, Problem):
                return target
            faults = _digest_faults(submission, arrival) or _name_faults(submission, filename or "")  # 5
            if faults:
                return _refused("invalid-file", faults)
            again = _existing(reading, target, filename or "", arrival)  # 6
            known = again if self._onward is not None and isinstance(again, Accepted) else None
            if known is None:
                again = again or self._spent(bearer, reading, filename or "", arrival)
                again = again or self._limit(reading, target, submission.version, arrival)
        if again is not None and known is None:
            return again
        arrival.staged.finish()
        checked = self._open(submission, filename or "", arrival)  # 7
        if isinstance(checked, Checked):
            checked = self._with_provenance(replace(checked, known=known), bearer, target)
        return checked

    def _judge_early(self, bearer: Bearer, fields: Sequence[tuple[str, str]]) -> None:
        """Step 4, where it can be taken before the content is here. Most clients send the fields first."""
        name = next((value.strip() for field, value in fields if field == "name"), "")
        if not _is_usable(name):
            return
        with self._store.read() as reading:
            target = self._target(bearer, reading, name)
        if isinstance(target, Problem):
            raise EarlyRefusal(target)

    def _spent(self, bearer: Bearer, reading: Reading, filename: str, arrival: Arrival) -> Problem | None:
        if self._onward is not None and self._onward.is_spent_on(reading, bearer.token.id, filename, arrival.sha256):
            return None
        return self._credentials.spent(bearer, reading)

    def _limit(self, reading: Reading, target: Project | NewProject, version: str, arrival: Arrival) -> Problem | None:
        project_id = target.id if isinstance(target, Project) else ""
        # Whether a release is open is asked as of the time when the file came to where it was before.
        at = self._clock() if arrival.earlier is None else arrival.earlier.uploaded
        return policy.limit(self._settings, reading, project_id, version, arrival.size, at)

    def _open(self, submission: Submission, filename: str, arrival: Arrival) -> Checked | Problem:
        path = arrival.staged.path()
        try:
            inside, faults = archives.read(path, submission.filetype, submission.name, submission.version)
        except metadata.BadMetadata as bad:
            return _refused("invalid-file", [_INVALID, str(bad)])
        except archives.BadArchive as bad:
            return _refused("invalid-file", [_INVALID, *bad.faults])
        faults = [*differences(inside, submission.fields), *policy.faults(self._settings, inside), *faults]
        if faults:
            return _refused("invalid-file", [_INVALID, *faults])
        md5 = arrival.md5() if submission.md5 else None
        return Checked(filename=filename, submission=submission, metadata=inside, arrival=arrival, md5=md5)

    def _with_provenance(self, checked: Checked, bearer: Bearer, target: Project | NewProject) -> Checked | Problem:
        texts = checked.submission.attestations
        if self._attested is None:
            return _NO_ATTESTATIONS if texts else checked
        project_id = target.id if isinstance(target, Project) else ""
        file = row(checked, bearer, project_id, None, self._clock())
        found = self._attested.check(texts, file, bearer.token)
        return found if isinstance(found, Problem) else replace(checked, provenance=found)

    def _target(self, bearer: Bearer, reading: Reading, name: str) -> Project | NewProject | Problem:
        """The project that ``bearer`` may upload to; one that its upload would make must be of a name that may be."""
        if (switched := switches.no_upload(reading)) is not None:
            return switched
        target = self._credentials.may_upload(bearer, reading, name)
        if isinstance(target, NewProject) and (fault := names.fault(reading, name, int(self._clock()))) is not None:
            return _refused("name-refused", [fault])
        return target

    def _commit(self, bearer: Bearer, checked: Checked) -> Accepted | Problem:
        """Steps 8 and 9.

        Many may share the trip to the disk that ends a transaction, so none may make its own within one: the file gets
        its place before. Where the transaction then refuses, which only a race brings about, or finds the disk full,
        the place is given up again, as no row came of it. After any other failure a row may yet be seen, as one of a
        log that was not synced: then the file stays, served to nobody, and goes with the next sweep if no row names it.
        """
        wheel = checked.submission.filetype == "bdist_wheel"
        served = checked.metadata.raw if wheel else None
        staged = checked.arrival.staged
        shared = staged.keep(checked.arrival.blake2b_256, checked.filename, served)  # 8

        def publish(writing: Writing) -> Accepted:
            if shared:
                writing.set_fact(SWEEPING, checked.filename)
            return self._publish(writing, bearer, checked, served)

        try:
            accepted = self._store.transact(publish)  # 9
        except _Refuse as refusal:
            staged.forsake(lambda: self._is_named(checked))
            return refusal.problem
        except NoRoom:
            staged.forsake(lambda: self._is_named(checked))
            raise
        if shared:
            staged.confirm()
        return accepted

    def _is_named(self, checked: Checked) -> bool:
        """Whether a row names the very file, as that of another upload of the same bytes does."""
        with self._store.read() as reading:
            file = reading.file(checked.filename)
        return file is not None and file.deleted is None and file.blake2b_256 == checked.arrival.blake2b_256

    def _publish(self, writing: Writing, bearer: Bearer, checked: Checked, served: bytes | None) -> Accepted:
        target = self._judge_again(writing, bearer, checked)
        if isinstance(target, Accepted):
            return target
        now = self._clock()
        project_id = real_project(writing, bearer, target, checked, now)
        return self.record(writing, bearer, checked, project_id, served)

    def reserve(self, writing: Writing, bearer: Bearer, checked: Checked, *, spent: bool) -> str:
        """Half of 9, for a gateway: the file may come now. Returns the id of its project, which exists after this.

        Raises:
            Stopped: it may not. ``spent``: the token was spent on it before.
        """
        try:
            target = self._judge_again(writing, bearer, checked, spent=spent)
        except _Refuse as refusal:
            raise Stopped(refusal.problem) from None
        if isinstance(target, Accepted):  # it was deleted there, or another upload of it is first by a moment
            found = writing.project(target.project)
            return "" if found is None else found.id
        return real_project(writing, bearer, target, checked, self._clock())

    def record(
        self, writing: Writing, bearer: Bearer, checked: Checked, project_id: str, served: bytes | None
    ) -> Accepted:
        """The rest of 9."""
        now = self._clock()
        file = row(checked, bearer, project_id, served, now)
        writing.add_file(file, checked.provenance)
        writing.touch(project_id)
        writing.add_event(event("file-uploaded", checked, bearer, project_id, now))
        self._published(writing, file)
        return Accepted(project=checked.metadata.name, filename=checked.filename, new=True)

    def _judge_again(
        self, writing: Writing, bearer: Bearer, checked: Checked, *, spent: bool = False
    ) -> Project | NewProject | Accepted:
        """4 and 6 in the transaction, and the token is spent unless it is ``spent`` already."""
        # Since step 4 the token may have been burned, the publisher removed, the name taken.
        target = self._target(bearer, writing, checked.metadata.name)
        if isinstance(target, Problem):
            raise _Refuse(target)
        again = _existing(writing, target, checked.filename, checked.arrival)
        if isinstance(again, Problem):
            raise _Refuse(again)
        if again is not None:
            return again
        refusal = self._limit(writing, target, checked.metadata.version, checked.arrival)
        if refusal is None and isinstance(target, Project) and checked.provenance is None:
            refusal = missing(writing, target)
        if not spent:
            refusal = refusal or self._credentials.spend(bearer, writing)
        if refusal is not None:
            raise _Refuse(refusal)
        return target


class _Delivery:
    """A :class:`trustpub.index.gateway.handing.Delivery` of a file that holds."""

    def __init__(self, upload: Upload, bearer: Bearer, checked: Checked) -> None:
        self._upload = upload
        self._bearer = bearer
        self._checked = checked
        self._project_id = ""

    @property
    def token_id(self) -> str:
        return self._bearer.token.id

    @cached_property
    def outgoing(self) -> Outgoing:
        arrival, said = self._checked.arrival, self._checked.submission
        # Attestations stay here: an index takes them from Trusted Publishing alone, or knows none.
        sent = replace(said, sha256=arrival.sha256, blake2b_256=arrival.blake2b_256, md5=arrival.md5(), attestations=())
        return Outgoing(
            project=normalize(self._checked.metadata.name),
            filename=self._checked.filename,
            fields=form_fields(sent),
            path=arrival.staged.path(),
            size=arrival.size,
            sha256=arrival.sha256,
            digest=arrival.digest,
        )

    def reserve(self, writing: Writing, *, spent: bool) -> Event:
        self._project_id = self._upload.reserve(writing, self._bearer, self._checked, spent=spent)
        now = self._upload.now()
        return event("file-handed-on", self._checked, self._bearer, self._project_id, now)

    def record(self, writing: Writing) -> Accepted:
        checked = self._checked
        if writing.file(checked.filename) is not None:
            return Accepted(project=checked.metadata.name, filename=checked.filename, new=False)
        if writing.project_by_id(self._project_id) is None:
            detail = f"the project '{checked.metadata.name}' was removed meanwhile"
            raise Stopped(Problem(status=400, code="unknown-project", title=_TITLE, detail=detail))
        return self._upload.record(writing, self._bearer, checked, self._project_id, None)


def _read_form(fields: Iterable[tuple[str, str]], filename: str | None, arrival: Arrival) -> Submission | Problem:
    read = read_fields(fields)
    faults = [f"{fault}." for fault in read.faults] if isinstance(read, Faults) else []
    if isinstance(read, Submission) and not _is_usable(read.name):
        faults.append(f"name: is not a valid project name of at most {MAX_NAME} characters.")
    if not arrival.begun:
        faults.append("content: is missing; it holds the file.")
    elif not filename:
        faults.append("content: has no file name.")
    if isinstance(read, Faults):
        return _refused("invalid-form", faults, read.status)
    return _refused("invalid-form", faults) if faults else read


def _is_usable(name: str) -> bool:
    return len(name) <= MAX_NAME and is_valid(name)


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


def _existing(
    reading: Reading, target: Project | NewProject, filename: str, arrival: Arrival
) -> Accepted | Problem | None:
    """What to answer because of a file that is here already; None if there is none."""
    same_name = reading.file(filename) or reading.file_spelled_like(filename)
    if same_name is not None and same_name.deleted is not None:
        return _refused("file-name-used", [_deleted(same_name)])
    if same_name is not None and same_name.filename == filename and same_name.sha256 == arrival.sha256:
        return Accepted(project=target.name, filename=filename, new=False)
    file = same_name or reading.file_by_digest(arrival.blake2b_256)
    if file is None:
        return None
    # twine's --skip-existing and its like look for these words in a 400.
    detail = f"File already exists ({file.filename!r}, with blake2_256 hash {file.blake2b_256!r})."
    return Problem(status=400, code="file-exists", title=_TITLE, detail=detail)


def _deleted(file: File) -> str:
    # Not in the words of "file-exists": a client that skips those would take the release for whole.
    return (
        f"The file name {file.filename!r} was used by a file that has been deleted, and no name is used again: "
        "whoever pinned the old file would get another. Upload a new version."
    )


_NO_ATTESTATIONS = Problem(
    status=400,
    code="attestations-unsupported",
    title=_TITLE,
    detail="This index takes no attestations. Upload the file without them.",
)


def _refused(code: str, faults: Sequence[str], status: int = 400) -> Problem:
    return Problem(status=status, code=code, title=_TITLE, detail=" ".join(faults))
