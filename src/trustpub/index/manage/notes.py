# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every change leaves an event, in the transaction that makes it; so does what is taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    """Leave an event. ``facts`` hold no secret and no token; who acts is added as ``by``."""
    who = by()
    told = {**(facts or {}), **({} if who is None else {"by": who})}
    writing.add_event(Event(at=at, kind=kind, project_id=project_id, publisher_id=publisher_id, facts=told))
