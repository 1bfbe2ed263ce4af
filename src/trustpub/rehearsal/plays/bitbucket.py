# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A step of Bitbucket Pipelines, played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.rehearsal.emulated.bitbucket import BitbucketIssuer, BitbucketStep
from trustpub.rehearsal.impostors import Impostor, Outcome, acting, stranger, unguarded
from trustpub.rehearsal.plays.play import AssumedScript, Clock, Plain, Watch, Wishes
from trustpub.rehearsal.project import Project, made_up_uuid, repository

TAKES = ("repository",)
_ANY_STEP = (
    "no claim that is documented names the pipeline or its step, so any step of the repository that asks for a token "
    "may publish; look at a token of yours, and register the claim that names the deployment environment"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BitbucketPlay(Plain):
    """A step with ``oidc: audiences``."""

    issuer: BitbucketIssuer
    identity: BitbucketStep
    repository: str
    tag: str
    sha: str

    @property
    def fields(self) -> Mapping[str, str]:
        """The repository's UUID. The workspace is in the issuer."""
        return {"repository_uuid": self.identity.repository_uuid}

    def variables(self, audience: str) -> Mapping[str, str]:
        """What Bitbucket sets in a step; its one identity token among it."""
        workspace, _, name = self.repository.partition("/")
        return {
            "CI": "true",
            "BITBUCKET_BUILD_NUMBER": "42",
            "BITBUCKET_COMMIT": self.sha,
            "BITBUCKET_GIT_HTTP_ORIGIN": f"https://bitbucket.org/{self.repository}",
            "BITBUCKET_PIPELINE_UUID": "{5b0e7c1d-9f24-4a63-8d75-2c6e1a9b3f08}",
            "BITBUCKET_REPO_FULL_NAME": self.repository,
            "BITBUCKET_REPO_OWNER": workspace,
            "BITBUCKET_REPO_SLUG": name,
            "BITBUCKET_REPO_UUID": self.identity.repository_uuid,
            "BITBUCKET_STEP_OIDC_TOKEN": self.issuer.give(self.identity, audience).reveal(),
            "BITBUCKET_STEP_UUID": self.identity.step_uuid,
            "BITBUCKET_TAG": self.tag,
            "BITBUCKET_WORKSPACE": workspace,
        }

    def impostors(self, audience: str) -> Sequence[Impostor | Outcome]:
        """The same name in other hands, and another step, which nothing tells from the right one."""
        token = acting(self.issuer, audience)
        other = f"{{{made_up_uuid(f'other {self.identity.repository_uuid}')}}}"
        return (
            stranger(token(replace(self.identity, repository_uuid=other)), "other repository uuid, same name"),
            unguarded("other step", _ANY_STEP),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> AssumedScript:
    """A step of the repository's pipeline.

    Raises:
        Misuse: the repository is not ``workspace/name``.
    """
    found = repository(project, wishes.repository, env)

    def start(tag: str, sha: str, clock: Clock, watch: Watch | None) -> BitbucketPlay:
        issuer = BitbucketIssuer(found.name.partition("/")[0], clock=clock, watch=watch)
        step = BitbucketStep(repository_uuid=f"{{{made_up_uuid(f'bitbucket {found.name}')}}}")
        return BitbucketPlay(issuer=issuer, identity=step, repository=found.name, tag=tag, sha=sha)

    return AssumedScript(kind="bitbucket", ci="Bitbucket Pipelines", who=found.told, start=start, doubts=found.doubts)
