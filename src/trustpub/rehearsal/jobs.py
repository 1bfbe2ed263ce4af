# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From a workflow's publishing job to the run that the emulated GitHub, or Forgejo, vouches for."""

from __future__ import annotations

import re

from trustpub.errors import Misuse, NoIdentity
from trustpub.printable import printable
from trustpub.rehearsal.emulated.forgejo import ForgejoRun
from trustpub.rehearsal.emulated.github import Run
from trustpub.rehearsal.project import Project, Repository
from trustpub.workflow.read import PublishingJob, choose, publishing_jobs

_EVENTS = ("push", "release", "workflow_dispatch")
"""What a release begins with, the most likely first."""


def publishing_job(project: Project, workflow: str | None, environment: str | None) -> tuple[PublishingJob, bool]:
    """The job that publishes ``project``, and whether it was found in a workflow file: otherwise it is as named.

    Raises:
        Misuse: none, or several (see :func:`trustpub.workflow.read.choose`).
        NoIdentity: GitHub would give the job no identity token.
    """
    jobs = publishing_jobs(project.root)
    if workflow is not None and workflow not in {job.workflow for job in jobs}:
        if not re.fullmatch(r"[^/\\\s]+\.ya?ml", workflow):
            raise Misuse(f"{printable(workflow)} is not the name of a workflow file.", hint="Such as: release.yml")
        return named(workflow, environment), False
    job = choose(jobs, workflow=workflow, environment=environment)
    if not job.id_token:
        caller = f", and in the job of {printable(job.called_from)} that calls it" if job.called_from else ""
        raise NoIdentity(
            f"GitHub would give job {printable(job.job)} of {printable(job.workflow)} no identity token: "
            "it has no `id-token: write`.",
            hint=f"Add to this job{caller}:\n    permissions:\n      id-token: write",
        )
    return job, True


def notes(job: PublishingJob) -> tuple[str, ...]:
    """What a rehearsal cannot show, because the real job would not come so far."""
    found = []
    if job.password:
        found.append(
            f"{job.workflow} gives {' and '.join(job.tools)} a stored secret, and so would not use the identity at all"
        )
    if job.test_index:
        found.append(f"{job.workflow} publishes to TestPyPI only")
    return tuple(found)


def tag(job: PublishingJob, version: str) -> str:
    """The name of a tag that starts the workflow, for ``version``."""
    pattern = next((one for one in job.tags if not one.startswith("!")), "v*")
    return re.split(r"[*?+\[]", pattern, maxsplit=1)[0] + version


def run(job: PublishingJob, repository: Repository, *, version: str, sha: str) -> Run:
    """The run that releases ``version`` from commit ``sha``."""
    event = next((event for event in _EVENTS if event in job.events), (*job.events, "push")[0])
    return Run(
        repository=repository.name,
        repository_id=repository.id,
        owner_id=repository.owner_id,
        workflow=job.workflow,
        started_by=job.called_from,
        environment=job.environment,
        event=event,
        ref=_ref(job, event, version),
        sha=sha,
    )


def variables(run: Run | ForgejoRun) -> dict[str, str]:
    """What the runners of both GitHub and Forgejo set in every step."""
    owner, _, _ = run.repository.partition("/")
    ref_type, _, ref_name = run.ref.removeprefix("refs/").partition("/")
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": owner,
        "GITHUB_EVENT_NAME": run.event,
        "GITHUB_JOB": "publish",
        "GITHUB_REF": run.ref,
        "GITHUB_REF_NAME": ref_name,
        "GITHUB_REF_TYPE": "tag" if ref_type == "tags" else "branch",
        "GITHUB_REPOSITORY": run.repository,
        "GITHUB_REPOSITORY_OWNER": owner,
        "GITHUB_RUN_ID": run.run_id,
        "GITHUB_RUN_NUMBER": "1",
        "GITHUB_SHA": run.sha,
        "RUNNER_OS": "Linux",
    }


def named(workflow: str, environment: str | None) -> PublishingJob:
    """A job of ``workflow``, which was not read, that publishes from a tag."""
    return PublishingJob(
        workflow=workflow, job="publish", environment=environment, tools=(), events=("push",), tags=("v*",),
        id_token=True,
    )  # fmt: skip


def _ref(job: PublishingJob, event: str, version: str) -> str:
    if event == "release" or (event == "push" and (job.tags or not job.branches)):
        return f"refs/tags/{tag(job, version)}"
    named = next((branch for branch in job.branches if re.fullmatch(r"[\w./-]+", branch)), "main")
    return f"refs/heads/{named if event == 'push' else 'main'}"
