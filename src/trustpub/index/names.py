# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which names a new project of this index may have, and how long one is held for its first release."""

from __future__ import annotations

from collections.abc import Mapping

from trustpub.index import letters
from trustpub.index.kept import Event, Project
from trustpub.index.ports import Reading, Writing
from trustpub.packages.names import is_valid, normalize
from trustpub.packages.stdlib import MODULES
from trustpub.printable import printable, quoted

HOLD_DAYS = 30
"""How long a name is held for a pending publisher, where nobody said otherwise."""

HOLD_FACT = "hold_days"
"""The lasting setting that says otherwise for this index."""


def hold_days(reading: Reading) -> int:
    """How long this index holds a name, in days."""
    return int(reading.fact(HOLD_FACT) or HOLD_DAYS)


def fault(reading: Reading, name: str, now: int) -> str | None:
    """Why no new project may be called ``name``, as a sentence; None if one may.

    Not asked about a project that exists, nor about a name that is held: those were asked about when they came.
    A name held in vain, its time up at ``now``, is in nobody's way.
    """
    if not is_valid(name):
        return (
            f"{quoted(name)} cannot be a project's name: that is letters, digits, dots, dashes and underscores of "
            "ASCII, with a letter or digit at both ends."
        )
    if normalize(name) in MODULES:
        return f"The name {name!r} is that of a module of Python's standard library, for which it would be taken."
    if (why := prohibition(reading, name)) is not None:
        return why
    like = reading.project_like(name)
    if like is None or like.normalized == normalize(name):
        return None
    if like.pending_until is not None and like.pending_until <= now:
        return None
    what = "the project" if like.pending_until is None else "the held name"
    return f"The name {name!r} looks like {what} {like.name!r}, for which it could be taken."


def prohibition(reading: Reading, name: str) -> str | None:
    """Why an administrator keeps everybody from ``name``, as a sentence; None if nobody does."""
    reason = reading.prohibited(name)
    if reason is None:
        return None
    because = f": {printable(reason, 200)}" if reason else ""
    return f"The name {quoted(name)} is prohibited here{because}{'' if because.endswith('.') else '.'}"


def free(writing: Writing, project: Project, at: float, by: Mapping[str, str] | None = None) -> None:
    """Let go of a held name, and of every publisher that had nothing else, with the tokens it was minted.

    ``by``: the id and name of who does.
    """
    who = {} if by is None else {"by": by}
    for publisher in writing.publishers(project.name):
        removed = {**publisher.fields, "issuer": publisher.issuer, "project": project.name, **who}
        gone = Event(at=at, kind="publisher-removed", project_id=project.id, publisher_id=publisher.id, facts=removed)
        writing.add_event(gone)
        letters.tell(writing, gone)
    writing.remove_project(project.id)
    facts = {"project": project.name, "until": project.pending_until, **who}
    writing.add_event(Event(at=at, kind="project-freed", project_id=project.id, publisher_id=None, facts=facts))
