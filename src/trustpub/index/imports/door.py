# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who may bring what with an import: whoever runs it beside the index may bring everything that the index can take."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from trustpub.index.credentials import Bearer, NewProject
from trustpub.index.kept import ARCHIVED, QUARANTINED, Project, Token, User
from trustpub.index.ports import Clock, Reading, Writing
from trustpub.packages.names import normalize
from trustpub.protocol.exchange import Problem

_TITLE = "Not imported"
_NOBODY = User(id="", name="", created=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportDoor:
    """:class:`trustpub.index.upload.Door` for an import. Nobody comes to it with a credential."""

    owner: User | None
    """Of projects that are not here yet; None: none is made, but of names that are held."""
    clock: Clock
    planned: Collection[str] = ()
    """Normal forms of names that are taken as if they were held here already, while nothing is changed."""

    def bearer(self, run: str) -> Bearer:
        """On whose behalf the import with the id ``run`` uploads. No row of a token is behind it."""
        row = Token(
            id=run,
            key_id="",
            location="",
            publisher_id=None,
            user_id=None,
            description="import",
            caveats=(),
            scope="upload",
            created=int(self.clock()),
            expires=None,
        )
        return Bearer(token=row, caveats=(), publisher=None, user=None)

    def check_header(self, authorization: str | None) -> Bearer | Problem:
        """Nobody."""
        return Problem(status=403, code="invalid-credentials", title=_TITLE, detail="an import takes no credentials")

    def may_upload(self, bearer: Bearer, reading: Reading, project_name: str) -> Project | NewProject | Problem:
        """The project, held or not, unless it is closed; a new one where there is an owner for it."""
        project = reading.project(project_name)
        if project is not None and (project.pending_until is None or self.clock() < project.pending_until):
            return _closed(project) or project
        if self.owner is None and normalize(project_name) in self.planned:
            return NewProject(name=project_name, owner=_NOBODY)
        if self.owner is None:
            detail = f"There is no project {project_name!r} here, and nobody to own it: name an owner."
            return Problem(status=400, code="unknown-project", title=_TITLE, detail=detail)
        return NewProject(name=project_name, owner=self.owner)

    def spent(self, bearer: Bearer, reading: Reading) -> Problem | None:
        """Never."""
        return None

    def spend(self, bearer: Bearer, writing: Writing) -> Problem | None:
        """Nothing is used up."""
        return None


def _closed(project: Project) -> Problem | None:
    if project.status not in (ARCHIVED, QUARANTINED):
        return None
    how = "is archived" if project.status == ARCHIVED else "is in quarantine"
    detail = f"The project {project.name!r} {how}, and takes no files."
    return Problem(status=403, code="forbidden", title=_TITLE, detail=detail)
