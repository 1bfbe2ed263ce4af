# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every change leaves an event, in the transaction that makes it; so does what is taken away.

Those who have to know of it are written to in the same transaction (:mod:`trustpub.index.letters`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trustpub.index import letters
from trustpub.index.kept import Event
from trustpub.index.manage.behalf import by
from trustpub.index.ports import Writing


def note(
    writing: Writing,
    at: float,
    kind: str,
    *,
    project_id: str | None = None,
    publisher_id: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Leave an event, and tell of it. ``facts`` hold no secret and no token; who acts is added as ``by``."""
    who = by()
    told = {**(facts or {}), **({} if who is None else {"by": who})}
    event = Event(at=at, kind=kind, project_id=project_id, publisher_id=publisher_id, facts=told)
    writing.add_event(event)
    letters.tell(writing, event)
