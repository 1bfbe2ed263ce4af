# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Projects as people look at them: found by their names, with their releases, files, and who published each.

Every page takes the same number of statements, however many projects, releases and files there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trustpub.index.browse.origins import Origin, issuers_of, origin_of
from trustpub.index.browse.readme import About, Readmes
from trustpub.index.browse.strip import Mark, Strip, strip_of
from trustpub.index.kept import File, Project
from trustpub.index.ports import Store
from trustpub.index.settings import Settings
from trustpub.protocol.simple import file_path, parsed_version, provenance_path
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Publisher

PAGE = 50
"""Projects on one page of a search."""

MAX_WORDS = 200
"""Characters of a search that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A project that was found."""

    project: Project
    publishers: Sequence[str]
    """Who may publish it, in words; empty: only people with tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """One page of projects, by name."""

    words: str
    hits: Sequence[Hit]
    after: str | None
    """What the next page begins behind; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """A file, with all that is told of it."""

    file: File
    origin: Origin
    path: str
    """Where it is downloaded, on this index."""
    provenance: str | None
    """Where what was signed is served, on this index; None: it came without an attestation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownProject:
    """A project, or one release of it."""

    project: Project
    strip: Strip
    """All releases, in the order in which they came."""
    mark: Mark | None
    """The release that is shown; None: the project has none."""
    newest: bool
    """Whether that is the one that installers choose."""
    files: Sequence[ShownFile]
    """Of that release."""
    about: About
    publishers: Sequence[str]
    """Who may publish now, in words."""

    @property
    def warnings(self) -> Sequence[str]:
        """What is to be known before this release is installed."""
        return [] if self.mark is None else [one.said for one in self.mark.changes if one.grave]


class Browse:
    """What is read by people, who are not shown what they may not read: to them it does not exist."""

    def __init__(self, *, store: Store, readmes: Readmes, settings: Settings) -> None:
        self._store = store
        self._readmes = readmes
        self._settings = settings

    def search(self, words: str, visible: Callable[[Project], bool], *, after: str = "") -> Hits:
        """Projects with all of ``words`` in their names; without a word, all of them.

        Args:
            words: as typed.
            visible: whether whoever asks may read a project.
            after: the normal form of the last one of the page before.
        """
        words = " ".join(words[:MAX_WORDS].split())
        with self._store.read() as reading:
            found = list(reading.search(words, after=after, limit=PAGE + 1))
            shown = [one for one in found[:PAGE] if visible(one)]
            publishers = reading.publishers_by_project([one.id for one in shown])
        hits = [Hit(project=one, publishers=_named(publishers.get(one.id, ()))) for one in shown]
        return Hits(words=words, hits=hits, after=found[PAGE - 1].normalized if len(found) > PAGE else None)

    def mine(self, user_id: str) -> Sequence[tuple[Project, str]]:
        """The projects of a person, real and held, with the role."""
        with self._store.read() as reading:
            return reading.projects_of(user_id)

    def project(self, project: Project, version: str | None = None) -> ShownProject | None:
        """A project that whoever asks may read, and a release of it: the newest, unless one is named in normal form.

        None: there is no such release, or only the name is held.
        """
        if project.pending_until is not None:
            return None
        with self._store.read() as reading:
            # What is in quarantine is served to nobody; that it is there is told.
            files = reading.files(project.id)
            publishers = reading.publishers(project.name)
            attested = reading.attested(project.id)
        issuers = issuers_of(publishers)
        strip = strip_of(files, issuers, attested)
        newest = _newest(strip.marks)
        mark = newest if version is None else next((one for one in strip.marks if one.version == version), None)
        if version is not None and mark is None:
            return None
        own = [file for file in files if mark is not None and str(parsed_version(file.version)) == mark.version]
        return ShownProject(
            project=project,
            strip=strip,
            mark=mark,
            newest=mark is newest,
            files=[
                _shown_file(project, file, origin_of(file, issuers), attested.get(file.filename))
                for file in sorted(own, key=_order)
            ],
            about=self._readmes.about(own) if own else About(),
            publishers=_named(publishers),
        )

    def install_line(self, shown: ShownProject) -> str:
        """What somebody types to install it, from this index."""
        pinned = "" if shown.newest or shown.mark is None else f"=={shown.mark.version}"
        return f"pip install --index-url {self._settings.public_url}/simple/ {shown.project.normalized}{pinned}"


def _shown_file(project: Project, file: File, origin: Origin, attested: bool | None) -> ShownFile:
    """``attested``: None if it is not; else whether everybody's readers know its provenance."""
    path = provenance_path(project.normalized, str(parsed_version(file.version)), file.filename)
    return ShownFile(
        file=file,
        origin=origin,
        path=file_path(file.blake2b_256, file.filename),
        provenance=None if attested is None else path if attested else f"{path}?all",
    )


def _named(publishers: Sequence[Publisher]) -> list[str]:
    return list(dict.fromkeys(called(one) for one in publishers))


def called(publisher: Publisher) -> str:
    """A publisher in a few words: its kind, and what its jobs belong to."""
    provider = PROVIDERS.get(publisher.kind)
    title = provider.title if provider is not None else publisher.kind
    plain = [] if provider is None else [one.name for one in provider.fields if one.required and not one.workload]
    values = [publisher.fields[name] for name in plain if publisher.fields.get(name)] or list(publisher.fields.values())
    return f"{title}: {'/'.join(values[:2])}" if values else title


def _newest(marks: Sequence[Mark]) -> Mark | None:
    """The one that installers choose: not yanked and no pre-release, if there is one."""
    return max(marks, key=lambda one: (not one.yanked, not one.prerelease, parsed_version(one.version)), default=None)


def _order(file: File) -> tuple[bool, str]:
    return (file.filetype == "bdist_wheel", file.filename)
