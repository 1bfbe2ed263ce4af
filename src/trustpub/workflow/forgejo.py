# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which job of a Forgejo project publishes it: workflows like GitHub's, elsewhere, and with another permission."""

from __future__ import annotations

from pathlib import Path

from trustpub.errors import NoIdentity
from trustpub.printable import printable
from trustpub.workflow.read import PublishingJob, choose, publishing_jobs

FOLDERS = (Path(".forgejo", "workflows"), Path(".gitea", "workflows"))
"""Where Forgejo looks, below the top of the repository: the first that is there counts. It looks at GitHub's last."""
PERMISSION = "enable-openid-connect"
"""What gives a job an identity token, at its own place or for all jobs of the file."""


def folder(root: Path) -> Path | None:
    """The folder of ``root`` that Forgejo takes workflows from, if there is one of its own."""
    return next((place for place in FOLDERS if (root / place).is_dir()), None)


def publishing_job(root: Path, place: Path, workflow: str | None) -> PublishingJob:
    """The job of the workflows in ``place`` that publishes.

    Raises:
        Misuse: none, or several (see :func:`trustpub.workflow.read.choose`).
        NoIdentity: Forgejo would give the job no identity token.
    """
    job = choose(publishing_jobs(root, place, permission=PERMISSION), workflow=workflow)
    if not job.id_token:
        raise NoIdentity(
            f"Forgejo would give job {printable(job.job)} of {printable(job.workflow)} no identity token: "
            f"it has no `{PERMISSION}: true`.",
            hint=f"Add to this job:\n    {PERMISSION}: true",
        )
    return job
