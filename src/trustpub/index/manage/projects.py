# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of projects and their files: yanked, deleted, archived, in quarantine, under a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from trustpub.errors import Declined, Misuse
from trustpub.index.gateway.standing import only_there
from trustpub.index.kept import (
    ACTIVE,
    ARCHIVED,
    DEPRECATED,
    ONCE,
    OPTIONAL,
    QUARANTINED,
    REQUIRED,
    File,
    Member,
    Project,
)
from trustpub.index.manage.notes import note
from trustpub.index.manage.people import project_called
from trustpub.index.ports import Blobs, Clock, Reading, Store, Writing
from trustpub.packages.names import file_key
from trustpub.printable import printable, quoted
from trustpub.trust.publishers import Publisher

MAX_REASON = 500

_BEFORE_QUARANTINE = "before-quarantine:"
"""With a project's id: the fact that keeps the status it goes back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A project with all that is known of it."""

    project: Project
    files: Sequence[File]
    """Deleted ones, and those in quarantine, too."""
    members: Sequence[Member]
    publishers: Sequence[Publisher]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Files of a project, as somebody names them: by a release, by their names, or all."""

    version: str | None = None
    filenames: tuple[str, ...] = ()
    everything: bool = False


class Projects:
    """Changes to projects on behalf of whoever may run commands beside the index. Each leaves an event."""

    def __init__(self, store: Store, blobs: Blobs, clock: Clock) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock

    def all(self) -> Sequence[Project]:
        """The real ones, by name."""
        with self._store.read() as reading:
            return reading.projects()

    def show(self, name: str) -> Shown:
        """The project of this name, real or held.

        Raises:
            Declined: there is none.
        """
        with self._store.read() as reading:
            project = project_called(reading, name)
            return Shown(
                project=project,
                files=reading.files(project.id, hidden=True),
                members=reading.memberships(project.id),
                publishers=reading.publishers(project.name),
            )

    def choose(self, name: str, chosen: Chosen) -> Sequence[File]:
        """The files that are meant, by name: those that are not deleted.

        Raises:
            Declined: there is no such project, release or file.
            Misuse: the version is none, or not exactly one way to choose is taken.
        """
        with self._store.read() as reading:
            return _choose(reading, _real(reading, name), chosen)

    def yank(self, name: str, chosen: Chosen, reason: str) -> Sequence[File]:
        """Have installers pass files by, unless they are asked for this very version (PEP 592).

        Raises:
            Declined, Misuse: as :meth:`choose`; or all of them are yanked already, for this reason; or it is a gateway.
        """
        said = _reason(reason)
        with self._store.write() as writing:
            only_there(writing, "Files are yanked")
            project = _real(writing, name)
            changed = [one for one in _choose(writing, project, chosen) if one.yanked != said]
            if not changed:
                raise Declined(f"All of that is yanked already{f', because: {said}' if said else ''}.")
            for file in changed:
                writing.yank(file.filename, said)
                self._note(writing, "file-yanked", project, filename=file.filename, version=file.version, reason=said)
        return changed

    def unyank(self, name: str, chosen: Chosen) -> Sequence[File]:
        """Offer files again.

        Raises:
            Declined, Misuse: as :meth:`choose`; or none of them is yanked.
        """
        with self._store.write() as writing:
            only_there(writing, "Files are yanked")
            project = _real(writing, name)
            changed = [one for one in _choose(writing, project, chosen) if one.yanked is not None]
            if not changed:
                raise Declined("Nothing of that is yanked.")
            for file in changed:
                writing.yank(file.filename, None)
                self._note(writing, "file-unyanked", project, filename=file.filename, version=file.version)
        return changed

    def delete(self, name: str, chosen: Chosen, reason: str = "") -> Sequence[File]:
        """Remove files for good. Their names stay taken, for ever: no other bytes ever come under them.

        The bytes go last. What a crash in between leaves of them is not served, and is removed at the next start.

        Raises:
            Declined, Misuse: as :meth:`choose`.
        """
        said = _reason(reason)
        with self._store.write() as writing:
            only_there(writing, "Files are deleted")
            project = _real(writing, name)
            gone = _choose(writing, project, chosen)
            now = self._clock()
            for file in gone:
                writing.bury(file.filename, int(now))
                facts = {"size": file.size, "sha256": file.sha256, "token": file.token_id, "reason": said}
                self._note(writing, "file-deleted", project, filename=file.filename, version=file.version, **facts)
        for file in gone:
            self._blobs.remove(file.blake2b_256, file.filename)
        return gone

    def archive(self, name: str, reason: str = "") -> Project:
        """Take no uploads any more, and say so.

        Raises:
            Declined: there is no such project, or it is archived or in quarantine.
        """
        return self._change(name, ARCHIVED, reason)

    def deprecate(self, name: str, reason: str = "") -> Project:
        """Say that it should not be used any more. All else goes on.

        Raises:
            Declined: there is no such project, or it is deprecated or in quarantine.
        """
        return self._change(name, DEPRECATED, reason)

    def reactivate(self, name: str, status: str) -> Project:
        """End what :meth:`archive` or :meth:`deprecate` did; ``status`` is that which the project must have.

        Raises:
            Declined: there is no such project, or it has another status.
        """
        with self._store.write() as writing:
            project = _real(writing, name)
            if project.status != status:
                raise Declined(f"The project {project.name} is not {status}, but {project.status}.")
            return self._set(writing, project, ACTIVE, "")

    def quarantine(self, name: str, reason: str = "") -> Project:
        """Serve no file of it, and take none, until it is released: nothing is lost.

        Raises:
            Declined: there is no such project, or it is in quarantine.
        """
        said = _reason(reason)
        with self._store.write() as writing:
            project = _real(writing, name)
            if project.status == QUARANTINED:
                raise Declined(f"The project {project.name} is in quarantine already.")
            writing.set_fact(_BEFORE_QUARANTINE + project.id, f"{project.status} {project.status_reason}")
            return self._set(writing, project, QUARANTINED, said)

    def release(self, name: str) -> Project:
        """Out of quarantine, to the status it had before.

        Raises:
            Declined: there is no such project, or it is not in quarantine.
        """
        with self._store.write() as writing:
            project = _real(writing, name)
            if project.status != QUARANTINED:
                raise Declined(f"The project {project.name} is not in quarantine.")
            before = writing.fact(_BEFORE_QUARANTINE + project.id) or ACTIVE
            status, _, reason = before.partition(" ")
            return self._set(writing, project, status, reason)

    def set_policy(self, name: str, *, trusted_only: bool | None = None, attestations: str | None = None) -> Project:
        """Ask more, or less, of uploads; None leaves that part as it is.

        Args:
            name: of the project.
            trusted_only: whether only tokens that were minted for a publisher may upload.
            attestations: ``optional``, ``required`` or ``once``.

        Raises:
            Declined: there is no such project, or it is so already.
            Misuse: nothing is asked for, or another word.
        """
        if attestations not in (None, OPTIONAL, REQUIRED, ONCE):
            raise Misuse(f"Attestations are {OPTIONAL}, {REQUIRED} or {ONCE}, not {quoted(attestations or '')}.")
        if trusted_only is None and attestations is None:
            raise Misuse("There is nothing to change.")
        with self._store.write() as writing:
            project = _real(writing, name)
            only = project.trusted_only if trusted_only is None else trusted_only
            wanted = project.attestations if attestations is None else attestations
            if (only, wanted) == (project.trusted_only, project.attestations):
                raise Declined(f"That is the policy of {project.name} already.")
            writing.set_policy(project.id, trusted_only=only, attestations=wanted)
            before = {"trusted_only": project.trusted_only, "attestations": project.attestations}
            self._note(writing, "project-policy-set", project, trusted_only=only, attestations=wanted, before=before)
            return _again(writing, project)

    def _change(self, name: str, status: str, reason: str) -> Project:
        said = _reason(reason)
        with self._store.write() as writing:
            project = _real(writing, name)
            if project.status == QUARANTINED:
                raise Declined(
                    f"The project {project.name} is in quarantine.",
                    hint=f"Release it first: trustpub admin project release {project.name}",
                )
            if (project.status, project.status_reason) == (status, said):
                raise Declined(f"The project {project.name} is {status} already.")
            return self._set(writing, project, status, said)

    def _set(self, writing: Writing, project: Project, status: str, reason: str) -> Project:
        writing.set_status(project.id, status, reason)
        self._note(writing, f"project-{status}", project, reason=reason, before=project.status)
        return _again(writing, project)

    def _note(self, writing: Writing, kind: str, project: Project, **facts: object) -> None:
        note(writing, self._clock(), kind, project_id=project.id, facts={"project": project.name, **facts})


def _real(reading: Reading, name: str) -> Project:
    project = project_called(reading, name)
    if project.pending_until is not None:
        raise Declined(f"The project {project.name!r} does not exist yet: its name is held for a first release.")
    return project


def _again(reading: Reading, project: Project) -> Project:
    found = reading.project_by_id(project.id)
    if found is None:
        raise RuntimeError("a real project went away inside a transaction")
    return found


def _choose(reading: Reading, project: Project, chosen: Chosen) -> Sequence[File]:
    if [chosen.version is not None, bool(chosen.filenames), chosen.everything].count(True) != 1:
        raise Misuse("Name a release, or files, or all of them.")
    there = [one for one in reading.files(project.id, hidden=True) if one.deleted is None]
    if chosen.filenames:
        found = [_called(there, filename, project) for filename in dict.fromkeys(chosen.filenames)]
    elif chosen.version is not None:
        wanted = _version(chosen.version)
        found = [one for one in there if Version(one.version) == wanted]
        if not found:
            raise Declined(f"The project {project.name} has no file of a release {wanted}.")
    else:
        found = there
        if not found:
            raise Declined(f"The project {project.name} has no files.")
    return sorted(found, key=lambda one: one.filename)


def _called(there: Sequence[File], filename: str, project: Project) -> File:
    wanted = next((one for one in there if one.filename == filename), None)
    if wanted is None:
        like = next((one for one in there if file_key(one.filename) == file_key(filename)), None)
        raise Declined(
            f"The project {project.name} has no file {quoted(filename)}.",
            hint=None if like is None else f"It has {like.filename}.",
        )
    return wanted


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise Misuse(f"{quoted(text)} is no version.") from None


def _reason(text: str) -> str:
    said = printable(text, MAX_REASON + 1)
    if len(said) > MAX_REASON:
        raise Misuse(f"The reason is longer than {MAX_REASON} characters.")
    return said
