# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What time brings about: names held in vain are free again, and what is no longer needed is forgotten."""

from __future__ import annotations

from dataclasses import dataclass

from trustpub.index.manage.notes import note
from trustpub.index.names import free
from trustpub.index.ports import Clock, Store

DAY_SECONDS = 86_400

TOKEN_MEMORY_SECONDS = DAY_SECONDS
"""For so long a minted token that comes too late is told that it expired; after it, only that it is none."""

REMIND_SECONDS = 5 * DAY_SECONDS
"""How long before a name is free again it is said that it will be."""

ATTEMPT_MEMORY_SECONDS = 90 * DAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one round did."""

    reminded: tuple[str, ...] = ()
    """Names whose time is nearly up."""
    freed: tuple[str, ...] = ()
    """Names that are free again."""


def keep_house(store: Store, clock: Clock) -> Kept:
    """One round, in one transaction. Doing it again changes nothing."""
    with store.write() as writing:
        at = clock()
        now = int(at)
        # Their notes include a margin beyond the identity tokens' own time.
        writing.forget_claims(now)
        writing.forget_tokens(now - TOKEN_MEMORY_SECONDS)
        writing.forget_idle_publishers(now - TOKEN_MEMORY_SECONDS)
        writing.forget_sessions(now)
        writing.forget_invitations(now)
        writing.forget_attempts(at - ATTEMPT_MEMORY_SECONDS)
        over = writing.held(until=now)
        for project in over:
            free(writing, project, at)
        nearly = writing.held(until=now + REMIND_SECONDS, reminded=False)
        for project in nearly:
            facts = {
                "project": project.name,
                "until": project.pending_until,
                "publishers": [one.id for one in writing.publishers(project.name)],
            }
            note(writing, at, "name-nearly-up", project_id=project.id, facts=facts)
            writing.remind(project.id)
    return Kept(reminded=tuple(one.name for one in nearly), freed=tuple(one.name for one in over))
