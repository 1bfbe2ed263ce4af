# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the index noted: events, and identities that were proven and refused."""

from __future__ import annotations

from collections.abc import Sequence

from trustpub.index.kept import Attempt, Event
from trustpub.index.manage.people import project_called
from trustpub.index.ports import Store


class Records:
    """For those who answer for the index."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def events(self, project: str | None = None, limit: int = 100) -> Sequence[Event]:
        """All, or those of a project, the newest first.

        Raises:
            Declined: there is no such project.
        """
        with self._store.read() as reading:
            project_id = None if project is None else project_called(reading, project).id
            return reading.events(project_id=project_id, limit=limit)

    def attempts(self, project: str | None = None, limit: int = 100) -> Sequence[Attempt]:
        """Refused identities that came near this project, or near none, the last seen first.

        Raises:
            Declined: there is no such project.
        """
        with self._store.read() as reading:
            project_id = None if project is None else project_called(reading, project).id
            return reading.attempts(project_id=project_id, limit=limit)
