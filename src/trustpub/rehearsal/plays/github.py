# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of GitHub Actions, played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.printable import printable
from trustpub.rehearsal import jobs
from trustpub.rehearsal.emulated.github import GitHubIssuer, Run
from trustpub.rehearsal.impostors import Impostor, Outcome, acting, differing, in_other_hands, other_environment
from trustpub.rehearsal.plays.play import Clock, Plain, Watch, Wishes
from trustpub.rehearsal.project import Project, Repository, repository
from trustpub.workflow.read import PublishingJob

TAKES = ("repository", "workflow", "environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubScript:
    """The publishing job of a workflow."""

    job: PublishingJob
    read: bool
    """Whether the job was found in a workflow file."""
    repository: Repository
    kind: str = "github"
    ci: str = "GitHub"

    @property
    def told(self) -> str:
        """Repository, job, workflow and environment."""
        job = self.job
        place = f"environment {printable(job.environment)}" if job.environment else "no environment"
        named = f"job {printable(job.job)} of {printable(job.workflow)}"
        source = named if self.read else f"{printable(job.workflow)}, not read"
        return f"{self.repository.told}, {source}, {place}"

    @property
    def notes(self) -> Sequence[str]:
        """Where the real job would go another way, and what was assumed."""
        return (*jobs.notes(self.job), *self.repository.doubts)

    @property
    def commands(self) -> Sequence[str]:
        """Shell lines of the jobs it needs, then its own."""
        return self.job.commands

    def tag(self, version: str) -> str:
        """The name of a tag that starts the workflow."""
        return jobs.tag(self.job, version)

    def begin(self, version: str, sha: str, *, clock: Clock, watch: Watch | None) -> GitHubPlay:
        """The run that releases ``version``."""
        run = jobs.run(self.job, self.repository, version=version, sha=sha)
        issuer = GitHubIssuer(clock=clock, watch=watch)
        issuer.serve(run)
        return GitHubPlay(issuer=issuer, identity=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubPlay(Plain):
    """A job on a runner of GitHub's."""

    issuer: GitHubIssuer
    identity: Run

    @property
    def fields(self) -> Mapping[str, str]:
        """Repository and workflow with the ids, and the environment if there is one."""
        run = self.identity
        environment = {} if run.environment is None else {"environment": run.environment}
        return {
            "repository": run.repository, "workflow": run.workflow, **environment, "owner_id": run.owner_id,
            "repository_id": run.repository_id,
        }  # fmt: skip

    def variables(self, audience: str) -> Mapping[str, str]:
        """What a runner sets in every step, and in one with ``id-token: write``."""
        run = self.identity
        return {
            **jobs.variables(run),
            "GITHUB_REPOSITORY_ID": run.repository_id,
            "GITHUB_REPOSITORY_OWNER_ID": run.owner_id,
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_WORKFLOW_REF": f"{run.repository}/.github/workflows/{run.started_by or run.workflow}@{run.ref}",
            "RUNNER_ENVIRONMENT": "github-hosted",
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.issuer.request_token.reveal(),
        }

    def impostors(self, audience: str) -> Sequence[Impostor | Outcome]:
        """Another file, another environment, and the same name in other hands."""
        run, token = self.identity, acting(self.issuer, audience)
        environment = (
            None if run.environment is None else token(replace(run, environment=f"not-{run.environment}"[:255]))
        )
        other_file = "impostor.yml" if run.workflow != "impostor.yml" else "other.yml"
        return (
            differing("workflow", token(replace(run, workflow=other_file, started_by=None)), "other workflow file"),
            other_environment(environment, "workflow"),
            in_other_hands("owner_id", token(replace(run, owner_id=str(int(run.owner_id) + 1)))),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> GitHubScript:
    """The job of the project's workflows that publishes it.

    Raises:
        Misuse: there is none, or which one is meant cannot be known; or the repository is not ``owner/name``.
        NoIdentity: GitHub would give the job no identity token.
    """
    job, read = jobs.publishing_job(project, wishes.workflow, wishes.environment)
    return GitHubScript(job=job, read=read, repository=repository(project, wishes.repository, env))
