# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of Buildkite, played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.rehearsal.emulated.buildkite import BuildkiteIssuer, BuildkiteJob
from trustpub.rehearsal.emulated.programs import launching
from trustpub.rehearsal.impostors import Expected, Impostor, acting, differing, from_other_ref, in_other_hands, stranger
from trustpub.rehearsal.plays.play import AssumedScript, Clock, Plain, Watch, Wishes, from_tags
from trustpub.rehearsal.project import Project, made_up_uuid, repository
from trustpub.trust.publishers import Rules

TAKES = ("repository",)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildkitePlay(Plain):
    """A job on an agent."""

    issuer: BuildkiteIssuer
    identity: BuildkiteJob

    @property
    def fields(self) -> Mapping[str, str]:
        """Organisation and pipeline with the ids, and the step."""
        job = self.identity
        return {
            "organization": job.organization, "pipeline": job.pipeline, "step_key": job.step_key,
            "organization_id": job.organization_id, "pipeline_id": job.pipeline_id,
        }  # fmt: skip

    @property
    def rules(self) -> Rules:
        """From tags only."""
        return from_tags()

    @property
    def programs(self) -> Mapping[str, str]:
        """The agent."""
        return {"buildkite-agent": launching.script("buildkite_agent")}

    def variables(self, audience: str) -> Mapping[str, str]:
        """What Buildkite sets in a job, with which the agent finds its way."""
        job = self.identity
        return {
            "CI": "true",
            "BUILDKITE": "true",
            "BUILDKITE_AGENT_ACCESS_TOKEN": self.issuer.access_token.reveal(),
            "BUILDKITE_AGENT_ENDPOINT": self.issuer.endpoint,
            "BUILDKITE_AGENT_ID": job.agent_id,
            "BUILDKITE_BRANCH": job.branch,
            "BUILDKITE_BUILD_ID": "018f4c3a-0a11-4b6e-8f2d-4c9e7d5b3a10",
            "BUILDKITE_BUILD_NUMBER": "42",
            "BUILDKITE_COMMIT": job.commit,
            "BUILDKITE_JOB_ID": job.job_id,
            "BUILDKITE_ORGANIZATION_SLUG": job.organization,
            "BUILDKITE_PIPELINE_ID": job.pipeline_id,
            "BUILDKITE_PIPELINE_SLUG": job.pipeline,
            "BUILDKITE_SOURCE": job.source,
            "BUILDKITE_STEP_KEY": job.step_key,
            "BUILDKITE_TAG": job.tag or "",
        }

    def impostors(self, audience: str) -> Sequence[Impostor]:
        """Another step or pipeline, the same slugs in other hands, a branch, and a job that names no ids."""
        job, token = self.identity, acting(self.issuer, audience)
        other = made_up_uuid(f"other {job.pipeline_id}")
        return (
            differing("step_key", token(replace(job, step_key=f"not-{job.step_key}")), "other step"),
            stranger(token(replace(job, pipeline=f"not-{job.pipeline}", pipeline_id=other)), "other pipeline"),
            in_other_hands("pipeline_id", token(replace(job, pipeline_id=other))),
            in_other_hands("organization_id", token(replace(job, organization_id=other))),
            from_other_ref(token(replace(job, tag=None))),
            Impostor(
                name="token that names no ids",
                token=token(replace(job, asked_for=())),
                expected=Expected(code="invalid-publisher", words="organization_id"),
            ),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> AssumedScript:
    """A job of the pipeline that is called as the repository, in lower case, as slugs are.

    Raises:
        Misuse: the repository is not ``organisation/pipeline``.
    """
    found = repository(project, wishes.repository, env)

    def start(tag: str, sha: str, clock: Clock, watch: Watch | None) -> BuildkitePlay:
        organization, _, pipeline = found.name.lower().partition("/")
        job = BuildkiteJob(
            organization=organization,
            pipeline=pipeline,
            organization_id=made_up_uuid(f"buildkite {organization}"),
            pipeline_id=made_up_uuid(f"buildkite {organization}/{pipeline}"),
            tag=tag,
            commit=sha,
        )
        issuer = BuildkiteIssuer(clock=clock, watch=watch)
        issuer.serve(job)
        return BuildkitePlay(issuer=issuer, identity=job)

    who = f"{found.told.lower()}, step publish"
    return AssumedScript(kind="buildkite", ci="Buildkite", who=who, start=start, doubts=found.doubts)
