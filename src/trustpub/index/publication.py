# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an upload that was found good becomes: a real project, a row, an event."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from trustpub.index import letters, names
from trustpub.index.arrival import Arrival, Earlier
from trustpub.index.credentials import Bearer, NewProject
from trustpub.index.kept import Event, File, Project, Provenance
from trustpub.index.ports import Writing
from trustpub.packages.metadata import Metadata
from trustpub.packages.names import normalize
from trustpub.protocol.upload import Submission
from trustpub.trust.publishers import Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The file is on the index, durably."""

    project: str
    filename: str
    new: bool
    """False where the very same file was there already: nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A distribution that is what its form says; whether it may be published is still open."""

    filename: str
    submission: Submission
    metadata: Metadata
    arrival: Arrival
    md5: str | None
    provenance: Provenance | None = None
    known: Accepted | None = None
    """Of a gateway: the answer if the file, which has its row already, is still at the index behind it."""


def real_project(writing: Writing, bearer: Bearer, target: Project | NewProject, checked: Checked, now: float) -> str:
    """The id of the project, which exists after this and is not pending."""
    if isinstance(target, Project):
        if target.pending_until is not None and bearer.publisher is not None:
            _make_real(writing, bearer.publisher, target, checked, now)
        elif target.pending_until is not None and checked.arrival.earlier is not None:
            _bring(writing, target, checked, now)
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


def _make_real(writing: Writing, publisher: Publisher, project: Project, checked: Checked, now: float) -> None:
    """The first accepted upload to a name that was held. Others for which it was held are told."""
    lost = writing.make_real(project.id, name=checked.metadata.name, publisher_id=publisher.id)
    told = {**publisher.fields, "issuer": publisher.issuer, "project": project.name, "filename": checked.filename}
    made = Event(at=now, kind="project-added", project_id=project.id, publisher_id=publisher.id, facts=told)
    writing.add_event(made)
    letters.tell(writing, made)
    facts = {"by": publisher.id, "filename": checked.filename}
    for publisher_id in lost:
        writing.add_event(
            Event(
                at=now, kind="pending-publisher-dropped", project_id=project.id, publisher_id=publisher_id, facts=facts
            )
        )


def _bring(writing: Writing, project: Project, checked: Checked, now: float) -> None:
    """The first file of a project that was one elsewhere: whoever was to make it here may publish it from now on."""
    writing.make_real(project.id, name=checked.metadata.name, publisher_id=None)
    facts = {"project": project.name, "filename": checked.filename}
    writing.add_event(Event(at=now, kind="project-added", project_id=project.id, publisher_id=None, facts=facts))


def row(checked: Checked, bearer: Bearer, project_id: str, served: bytes | None, now: float) -> File:
    """Of a file whose core metadata are ``served`` beside it, or not."""
    earlier = checked.arrival.earlier
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
        uploaded=now if earlier is None else earlier.uploaded,
        token_id=bearer.token.id,
        yanked=None if earlier is None else earlier.yanked,
        attested=checked.provenance is not None and bool(checked.provenance.document),
        origin=_origin(bearer) if earlier is None else earlier.origin,
    )


def _origin(bearer: Bearer) -> dict[str, str]:
    """Who uploads, as is true now: what is said later of the publisher, or the person, is another matter."""
    if bearer.publisher is not None:
        publisher, token = bearer.publisher, bearer.token
        # The subject has no row of its own: the token was described by it, and by the workflow.
        subject = token.description.removesuffix(publisher.fields.get("workflow", "")).strip()
        # Last, so that no claim can stand in the place of these.
        who = {"publisher": publisher.id, "kind": publisher.kind, "issuer": publisher.issuer, "subject": subject}
        return {**token.claims, **who}
    return {} if bearer.user is None else {"user": bearer.user.name}


def event(kind: str, checked: Checked, bearer: Bearer, project_id: str, now: float) -> Event:
    """That something of this ``kind`` became of it, or that it was imported."""
    if checked.arrival.earlier is not None:
        return _imported(checked, checked.arrival.earlier, project_id, now)
    facts = {
        "filename": checked.filename,
        "version": checked.metadata.version,
        "size": checked.arrival.size,
        "sha256": checked.arrival.sha256,
        "token": bearer.token.id,
        "user": bearer.user.name if bearer.user else None,
        "origin": _origin(bearer),
    }
    publisher_id = bearer.publisher.id if bearer.publisher else None
    return Event(at=now, kind=kind, project_id=project_id, publisher_id=publisher_id, facts=facts)


def _imported(checked: Checked, earlier: Earlier, project_id: str, now: float) -> Event:
    facts = {
        "filename": checked.filename,
        "version": checked.metadata.version,
        "size": checked.arrival.size,
        "sha256": checked.arrival.sha256,
        "uploaded": datetime.fromtimestamp(earlier.uploaded, UTC).isoformat(timespec="seconds"),
        "yanked": earlier.yanked,
        "origin": dict(earlier.origin),
    }
    return Event(at=now, kind="file-imported", project_id=project_id, publisher_id=None, facts=facts)
