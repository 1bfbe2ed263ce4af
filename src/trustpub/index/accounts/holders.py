# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who a token that a person holds lets act, and on what. What its holder added to it is kept, like what it was made
with.
"""

from __future__ import annotations

from trustpub.index.accounts.authority import TOKEN, Actor
from trustpub.index.credentials import Bearer
from trustpub.index.kept import Project
from trustpub.index.ports import Reading
from trustpub.tokens.caveats import Context, ProjectIds, ProjectNames, refusals_for


def actor_of(bearer: Bearer, reading: Reading) -> Actor | None:
    """The person, as far as the token goes; None where it is nobody's, as a minted one."""
    user = bearer.user
    if user is None:
        return None

    def refused(project: Project | None) -> bool:
        context = Context(
            project_id=None if project is None else project.id,
            project=None if project is None else project.normalized,
            user_id=user.id,
        )
        return bool(refusals_for(bearer.caveats, context))

    if not refused(None):
        return Actor(user=user, how=TOKEN, scope=bearer.token.scope)
    named: list[Project | None] = []
    for caveat in bearer.caveats:
        match caveat:
            case ProjectIds(ids=ids):
                named += [reading.project_by_id(one) for one in ids]
            case ProjectNames(names=names):
                named += [reading.project(one) for one in names]
            case _:
                pass
    projects = frozenset(one.id for one in named if one is not None and not refused(one))
    return Actor(user=user, how=TOKEN, scope=bearer.token.scope, projects=projects)
