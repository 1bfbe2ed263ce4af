# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is read: the Simple API's pages, the JSON API's, core metadata, and which files are there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from packaging.version import Version

from trustpub.index.cache import Cache, Page, finish
from trustpub.index.kept import File, Project
from trustpub.index.ports import Blobs, Reading, Store
from trustpub.index.settings import Settings
from trustpub.packages import metadata
from trustpub.packages.metadata import Metadata
from trustpub.packages.names import normalize, read_filename
from trustpub.protocol import legacy_json
from trustpub.protocol.legacy_json import Described, Release
from trustpub.protocol.simple import (
    Format,
    Listed,
    ProjectPage,
    RootPage,
    file_path,
    parsed_version,
    provenance_path,
    render_project,
    render_root,
)

__all__ = ["Page", "Pages"]

_BINARY = "application/octet-stream"


class Pages:
    """Each page is rendered and packed once per change, and served as bytes until the next one.

    Whether there was a change is asked of the store for every request, so one made by another process holds for the
    next. :meth:`at_hand` asks nothing else and never waits; the other methods may read, and render.
    """

    def __init__(self, *, store: Store, blobs: Blobs, settings: Settings) -> None:
        self._store = store
        self._blobs = blobs
        self._settings = settings
        self._cache = Cache()

    def at_hand(self, kind: str, *of: Hashable) -> Page | None:
        """What the method ``kind`` would answer to ``of``, if that is known without reading anything.

        Args:
            kind: ``root``, ``project``, ``release`` or ``metadata``.
            of: as given to that method; a project's name in normal form.
        """
        return self._cache.at_hand((kind, *of), self._store.state())

    def root(self, form: Format, only: frozenset[str] | None = None) -> Page:
        """The list of real projects; of those in ``only``, by normal form, if it is given."""
        state = self._store.state()
        with self._store.read() as reading:
            serial = reading.serial()

            def render() -> Page:
                projects = [
                    (project.name, project.normalized)
                    for project in reading.projects()
                    if only is None or project.normalized in only
                ]
                # The serial of the whole list would tell whoever sees a part of it of the others.
                shown = serial if only is None else len(projects)
                body = render_root(RootPage(projects=projects, serial=shown), form)
                return finish(form.content_type, body, stamp=serial, serial=shown)

            return self._cache.page(("root", form, only), serial, state, render)

    def project(self, name: str, form: Format) -> Page | None:
        """The files of the project of this name, in any spelling. None if there is none, or it is only held."""
        state = self._store.state()
        with self._store.read() as reading:
            project = _real(reading, name)
            if project is None:
                return None
            found, stamp = project, (project.id, project.serial)

            def render() -> Page:
                body = render_project(self._shown(found, reading.files(found.id)), form)
                return finish(form.content_type, body, stamp=stamp, serial=found.serial)

            return self._cache.page(("project", found.normalized, form), stamp, state, render)

    def release(self, name: str, version: str | None) -> Page | None:
        """A version in the JSON API; without one, the project with all of them. None if there is no file of it."""
        state = self._store.state()
        with self._store.read() as reading:
            project = _real(reading, name)
            if project is None:
                return None
            found, stamp = project, (project.id, project.serial)

            def render() -> Page:
                body = self._json(found, reading.files(found.id), version)
                return finish(legacy_json.MEDIA_TYPE, body, stamp=stamp, serial=found.serial)

            try:
                return self._cache.page(("release", found.normalized, version), stamp, state, render)
            except _NoFile:
                return None

    def metadata(self, blake2b_256: str, filename: str) -> Page | None:
        """The core metadata of a file that may be downloaded; None if it has none, or may not."""
        state = self._store.state()
        file = self.file(blake2b_256, filename)
        if file is None or file.metadata_sha256 is None:
            return None
        content = self._blobs.metadata(blake2b_256, filename)
        if content is None:
            return None
        stamp = file.metadata_sha256
        key = ("metadata", blake2b_256, filename)
        return self._cache.page(key, stamp, state, lambda: finish(_BINARY, content, stamp=stamp))

    def file(self, blake2b_256: str, filename: str) -> File | None:
        """The row of a file that may be downloaded under this digest and name."""
        with self._store.read() as reading:
            file = reading.file_by_digest(blake2b_256)
        return file if file is not None and file.filename == filename else None

    def is_taken(self, name: str) -> bool:
        """Whether this index has a project of this name, or holds it for one."""
        with self._store.read() as reading:
            return reading.project(name) is not None

    def _shown(self, project: Project, files: Sequence[File]) -> ProjectPage:
        return ProjectPage(
            name=project.normalized,
            files=[self._listed(project, file) for file in files],
            serial=project.serial,
            status=project.status,
            status_reason=project.status_reason,
        )

    def _listed(self, project: Project, file: File) -> Listed:
        version = str(parsed_version(file.version))
        provenance = provenance_path(project.normalized, version, file.filename) if file.attested else None
        # Where a credential is in the URL of the index, poetry keeps it for links without a host only.
        origin = "" if self._settings.private else self._settings.public_url
        return Listed(
            filename=file.filename,
            url=origin + file_path(file.blake2b_256, file.filename),
            version=version,
            sha256=file.sha256,
            size=file.size,
            uploaded=file.uploaded,
            requires_python=file.requires_python,
            metadata_sha256=file.metadata_sha256,
            yanked=file.yanked,
            provenance=None if provenance is None else self._settings.public_url + provenance,
        )

    def _json(self, project: Project, files: Sequence[File], version: str | None) -> bytes:
        described = [self._described(file) for file in files]
        wanted = version or legacy_json.latest(described)
        if wanted is None or wanted not in {file.version for file in described}:
            raise _NoFile
        release = Release(
            name=project.name,
            version=wanted,
            page_url=f"{self._settings.public_url}/simple/{project.normalized}/",
            files=described,
            fields=self._fields([file for file in files if str(parsed_version(file.version)) == wanted]),
            serial=project.serial,
        )
        return legacy_json.render(release, releases=version is None)

    def _described(self, file: File) -> Described:
        return Described(
            filename=file.filename,
            url=self._settings.public_url + file_path(file.blake2b_256, file.filename),
            version=str(parsed_version(file.version)),
            filetype=file.filetype,
            pyversion=read_filename(file.filename).pyversion,
            sha256=file.sha256,
            blake2b_256=file.blake2b_256,
            md5=file.md5,
            size=file.size,
            uploaded=file.uploaded,
            requires_python=file.requires_python,
            yanked=file.yanked,
        )

    def _fields(self, files: Sequence[File]) -> Mapping[str, Sequence[str]]:
        """Core metadata of a version: of a wheel, where they lie beside it, else out of a source distribution."""
        for file in sorted(files, key=lambda file: file.metadata_sha256 is None):
            try:
                read = self._metadata(file)
            except (metadata.BadMetadata, OSError):
                continue  # accepted by older rules, or deleted just now: the page can do without
            if read is not None:
                return read.fields
        return {}

    def _metadata(self, file: File) -> Metadata | None:
        if file.metadata_sha256 is not None:
            raw = self._blobs.metadata(file.blake2b_256, file.filename)
            return None if raw is None else metadata.parse(raw)
        with self._blobs.local(file.blake2b_256, file.filename) as path:
            return None if path is None else metadata.read(path, file.filetype)


class _NoFile(Exception):
    """There is no such version."""


def normal_version(text: str) -> str | None:
    """``text`` in normal form (PEP 440); None if it is no version."""
    try:
        return str(Version(text))
    except ValueError:  # InvalidVersion is one; so is what int says to thousands of digits
        return None


def _real(reading: Reading, name: str) -> Project | None:
    project = reading.project(normalize(name))
    return project if project is not None and project.pending_until is None else None
