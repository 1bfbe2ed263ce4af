# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The jobs of a project's GitLab pipeline that publish, each with its place."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow.gitlab import GitLabJob, publishing_jobs
from trustpub.workflow.located import Place
from trustpub.workflow.scene import Scene


def jobs(scene: Scene) -> Iterator[tuple[str, Place, GitLabJob]]:
    """Name, place and facts of every job that publishes."""
    file = scene.gitlab
    if file is None:
        return
    for job in publishing_jobs(file.path, file.document):
        yield job.job, file.key(file.document, job.job), job
