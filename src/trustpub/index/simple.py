# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The Simple API's pages: rendered once per change, and never served after the next one."""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from packaging.version import Version

from trustpub.index.ports import File, Project, Store
from trustpub.index.settings import Settings
from trustpub.packages.names import normalize
from trustpub.protocol.simple import Format, Listed, ProjectPage, RootPage, file_path, render_project, render_root

MAX_CACHED_BYTES = 64 * 1024 * 1024
"""Of all cached pages together, packed and not; the longest unused go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A rendered page and what is sent along."""

    form: Format
    body: bytes
    packed: bytes
    """The same, gzipped."""
    etag: str
    """Of ``body``: strong, quoted (RFC 9110 section 8.8.3)."""
    packed_etag: str
    """Of ``packed``: another representation has another tag."""
    serial: int


class Pages:
    """``/simple/`` and ``/simple/{project}/``, and which files are visible.

    The store's serial is read for every request, so a change made by another process holds for the next one.
    """

    def __init__(self, *, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._cache: OrderedDict[tuple[str, Format], Page] = OrderedDict()
        self._cached_bytes = 0
        self._lock = Lock()

    def root(self, form: Format) -> Page:
        """The list of real projects."""
        with self._store.read() as reading:
            serial = reading.serial()

            def render() -> bytes:
                projects = [(project.name, project.normalized) for project in reading.projects()]
                return render_root(RootPage(projects=projects, serial=serial), form)

            return self._page("", serial, form, render)

    def project(self, name: str, form: Format) -> Page | None:
        """The files of the project of this name, in any spelling. None if there is none, or it is only pending."""
        with self._store.read() as reading:
            project = reading.project(normalize(name))
            if project is None or project.pending_until is not None:
                return None
            found = project

            def render() -> bytes:
                return render_project(self._describe(found, reading.files(found.id)), form)

            return self._page(found.id, found.serial, form, render)

    def file(self, blake2b_256: str, filename: str) -> File | None:
        """The row of a file that may be downloaded under this digest and name."""
        with self._store.read() as reading:
            file = reading.file_by_digest(blake2b_256)
        return file if file is not None and file.filename == filename else None

    def _describe(self, project: Project, files: Sequence[File]) -> ProjectPage:
        listed = [_listed(file, self._settings.public_url) for file in files]
        return ProjectPage(name=project.normalized, files=listed, serial=project.serial)

    def _page(self, key: str, serial: int, form: Format, render: Callable[[], bytes]) -> Page:
        with self._lock:
            cached = self._cache.get((key, form))
            if cached is not None and cached.serial == serial:
                self._cache.move_to_end((key, form))
                return cached
        page = _finish(form, render(), serial)
        self._remember((key, form), page)
        return page

    def _remember(self, key: tuple[str, Format], page: Page) -> None:
        with self._lock:
            old = self._cache.pop(key, None)
            if old is not None and old.serial > page.serial:
                page = old  # a slower reader of an older state came after a faster one
            elif old is not None:
                self._cached_bytes -= _weight(old)
            self._cache[key] = page
            if page is not old:
                self._cached_bytes += _weight(page)
            while self._cached_bytes > MAX_CACHED_BYTES:
                _, dropped = self._cache.popitem(last=False)
                self._cached_bytes -= _weight(dropped)


def _listed(file: File, public_url: str) -> Listed:
    return Listed(
        filename=file.filename,
        url=public_url + file_path(file.blake2b_256, file.filename),
        version=str(Version(file.version)),
        sha256=file.sha256,
        size=file.size,
        uploaded=file.uploaded,
        requires_python=file.requires_python,
        metadata_sha256=file.metadata_sha256,
        yanked=file.yanked,
    )


def _weight(page: Page) -> int:
    return len(page.body) + len(page.packed)


def _finish(form: Format, body: bytes, serial: int) -> Page:
    digest = hashlib.sha256(form.value.encode() + b"\n" + body).hexdigest()[:32]
    return Page(
        form=form,
        body=body,
        packed=gzip.compress(body, compresslevel=6, mtime=0),
        etag=f'"{digest}"',
        packed_etag=f'"{digest}-gzip"',
        serial=serial,
    )
