# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of GitLab CI, played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.printable import printable
from trustpub.rehearsal.emulated.gitlab import GitLabIssuer, PipelineJob
from trustpub.rehearsal.impostors import Impostor, Outcome, acting, differing, in_other_hands, other_environment
from trustpub.rehearsal.plays.play import Clock, Plain, Watch, Wishes
from trustpub.rehearsal.project import Project, Repository, repository
from trustpub.workflow.gitlab import GitLabJob, publishing_job

TAKES = ("repository", "workflow", "environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabScript:
    """The publishing job of a pipeline."""

    job: GitLabJob
    read: bool
    """Whether the job was found in the project's file."""
    project: Repository
    kind: str = "gitlab"
    ci: str = "GitLab"

    @property
    def told(self) -> str:
        """Project, job, file and environment."""
        job = self.job
        place = f"environment {printable(job.environment)}" if job.environment else "no environment"
        named = f"job {printable(job.job)} of {printable(job.file)}"
        return f"{self.project.told}, {named if self.read else f'{printable(job.file)}, not read'}, {place}"

    @property
    def notes(self) -> Sequence[str]:
        """What was assumed, and where the real job would go another way."""
        found = [] if self.read else [f"no job of {printable(self.job.file)} was read; one that publishes was assumed"]
        if self.job.test_index:
            found.append(f"{printable(self.job.file)} publishes to TestPyPI only")
        return (*found, *self.project.doubts)

    @property
    def commands(self) -> Sequence[str]:
        """Shell lines of all jobs."""
        return self.job.commands

    def tag(self, version: str) -> str:
        """As most name them."""
        return f"v{version}"

    def begin(self, version: str, sha: str, *, clock: Clock, watch: Watch | None) -> GitLabPlay:
        """The job that releases ``version``."""
        identity = PipelineJob(
            project_path=self.project.name,
            project_id=self.project.id,
            namespace_id=self.project.owner_id,
            file=self.job.file,
            environment=self.job.environment,
            ref=f"refs/tags/{self.tag(version)}" if self.job.on_tags else "refs/heads/main",
            sha=sha,
        )
        return GitLabPlay(issuer=GitLabIssuer(clock=clock, watch=watch), identity=identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabPlay(Plain):
    """A job on a runner of GitLab's."""

    issuer: GitLabIssuer
    identity: PipelineJob

    @property
    def fields(self) -> Mapping[str, str]:
        """Namespace, project and file with the ids, and the environment if there is one."""
        job = self.identity
        namespace, _, project = job.project_path.rpartition("/")
        environment = {} if job.environment is None else {"environment": job.environment}
        return {
            "namespace": namespace, "project": project, "workflow_filepath": job.file, **environment,
            "namespace_id": job.namespace_id, "project_id": job.project_id,
        }  # fmt: skip

    def variables(self, audience: str) -> Mapping[str, str]:
        """What GitLab sets in a job; its one identity token among it."""
        job = self.identity
        namespace, _, project = job.project_path.rpartition("/")
        name = job.ref.split("/", 2)[-1]
        tag = {"CI_COMMIT_TAG": name} if job.ref.startswith("refs/tags/") else {"CI_COMMIT_BRANCH": name}
        environment = {} if job.environment is None else {"CI_ENVIRONMENT_NAME": job.environment}
        tokens = {variable: token.reveal() for variable, token in self.issuer.variables(job, audience).items()}
        return {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_COMMIT_REF_NAME": name,
            "CI_COMMIT_SHA": job.sha,
            "CI_CONFIG_PATH": job.file,
            "CI_JOB_ID": job.job_id,
            "CI_JOB_NAME": "publish",
            "CI_PIPELINE_ID": job.pipeline_id,
            "CI_PIPELINE_SOURCE": job.source,
            "CI_PROJECT_ID": job.project_id,
            "CI_PROJECT_NAME": project,
            "CI_PROJECT_NAMESPACE": namespace,
            "CI_PROJECT_NAMESPACE_ID": job.namespace_id,
            "CI_PROJECT_PATH": job.project_path,
            "CI_SERVER": "yes",
            "CI_SERVER_URL": self.issuer.url,
            **tag, **environment, **tokens,
        }  # fmt: skip

    def impostors(self, audience: str) -> Sequence[Impostor | Outcome]:
        """Another file, another environment, and the same path in other hands."""
        job, token = self.identity, acting(self.issuer, audience)
        environment = (
            None if job.environment is None else token(replace(job, environment=f"not-{job.environment}"[:255]))
        )
        other_file = "impostor.yml" if job.file != "impostor.yml" else "other.yml"
        return (
            differing("workflow_filepath", token(replace(job, file=other_file)), "other CI file"),
            other_environment(environment, "pipeline"),
            in_other_hands("project_id", token(replace(job, project_id=str(int(job.project_id) + 1)))),
            in_other_hands("namespace_id", token(replace(job, namespace_id=str(int(job.namespace_id) + 1)))),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> GitLabScript:
    """The job of the project's ``.gitlab-ci.yml`` that publishes it; where there is no such file, as is usual.

    Raises:
        Misuse: which job is meant cannot be known; or the repository is not ``group/project``.
        NoIdentity: GitLab would give the job no identity token, or one that no tool finds.
    """
    job, read = publishing_job(project.root, wishes.workflow, wishes.environment)
    return GitLabScript(job=job, read=read, project=repository(project, wishes.repository, env, groups=True))
