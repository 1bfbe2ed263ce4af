# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a new file says of its release that owners have to know: another published it than the release before, or it
came without the attestations that all files had.

The same comparison is drawn on the project's page (:mod:`trustpub.index.browse.strip`), of which this is one step.
"""

from __future__ import annotations

from collections.abc import Sequence

from trustpub.index import letters
from trustpub.index.browse.strip import Change, strip_of
from trustpub.index.kept import Event, File
from trustpub.index.ports import Reading, Writing
from trustpub.protocol.simple import parsed_version

KIND = "provenance-changed"
"""Of the event."""
_LOOKED_AT = 40
_WHO = ("user", "kind", "issuer", "publisher", "subject", "repository_id", "project_id")


def tell(writing: Writing, file: File) -> None:
    """Leave an event, and letters, if the release of ``file`` was published otherwise than the one before it.

    Once for each way in which it differs: the files of a release come one by one.
    """
    compared = _two_releases(writing, file)
    if _alike(compared):
        return
    release = str(parsed_version(file.version))
    found = _grave(compared, release)
    if not found:
        return
    told = writing.events(project_id=file.project_id, kinds=(KIND,), limit=_LOOKED_AT)
    known = {(one.facts.get("version"), one.facts.get("change")) for one in told}
    for change in found:
        if (release, change.kind) in known:
            continue
        project = writing.project_by_id(file.project_id)
        facts = {
            "project": "" if project is None else project.name,
            "version": release,
            "before": change.before,
            "change": change.kind,
            "said": change.said,
        }
        event = Event(at=file.uploaded, kind=KIND, project_id=file.project_id, publisher_id=None, facts=facts)
        writing.add_event(event)
        letters.tell(writing, event)


def _alike(files: Sequence[File]) -> bool:
    """Whether there is nothing to compare, as in nearly every upload: said at once, while others wait to be written."""
    seen = {(one.attested, *(one.origin.get(name) for name in _WHO)) for one in files}
    return len(seen) <= 1


def _two_releases(reading: Reading, file: File) -> Sequence[File]:
    """The files of the same release, and of the one that came before it; none if there is none. Most have many more."""
    first = {one.version: one.first for one in reading.releases(file.project_id) if one.size > 0}
    if len(first) <= 1:
        return ()
    release = parsed_version(file.version)
    own = {version for version in first if parsed_version(version) == release}
    begun = min((first[version] for version in own), default=file.uploaded)
    earlier = [(at, version) for version, at in first.items() if version not in own and at <= begun]
    if not earlier:
        return ()
    before = parsed_version(max(earlier)[1])
    chosen = own | {version for version in first if parsed_version(version) == before}
    return reading.files(file.project_id, versions=chosen)


def _grave(files: Sequence[File], release: str) -> Sequence[Change]:
    if not files:
        return ()
    strip = strip_of(files, {}, {one.filename for one in files if one.attested})
    return [change for mark in strip.marks if mark.version == release for change in mark.changes if change.grave]
