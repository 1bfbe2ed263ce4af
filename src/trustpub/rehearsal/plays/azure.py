# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A run of Azure Pipelines, played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.rehearsal.emulated.azure import AUDIENCE, AzureIssuer, AzureRun
from trustpub.rehearsal.impostors import Impostor, acting, differing, from_other_ref, in_other_hands, stranger
from trustpub.rehearsal.plays.play import RELEASE_TAGS, AssumedScript, Clock, Plain, Watch, Wishes, from_tags
from trustpub.rehearsal.project import Project, made_up_uuid, repository
from trustpub.trust.publishers import Rules

TAKES = ("repository",)
_SHARED = (
    f"every identity token of Azure Pipelines is for {AUDIENCE}: whoever is shown one could use it elsewhere; index "
    "and job must both accept that (--accept-shared-audience)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzurePlay(Plain):
    """A job on an agent of Azure's."""

    issuer: AzureIssuer
    identity: AzureRun

    @property
    def fields(self) -> Mapping[str, str]:
        """Organisation, project, definition and repository, ids all of them."""
        run = self.identity
        return {
            "organization_id": run.organization_id, "project_id": run.project_id, "definition_id": run.definition_id,
            "repository_id": run.repository_id,
        }  # fmt: skip

    @property
    def rules(self) -> Rules:
        """From tags only."""
        return from_tags()

    @property
    def shared_audience(self) -> str:
        """That of Microsoft's own token exchange."""
        return AUDIENCE

    def variables(self, audience: str) -> Mapping[str, str]:
        """What Azure sets in a job, and the access token that its step must be given by ``env:``."""
        run = self.identity
        name = run.ref.split("/", 2)[-1]
        return {
            "TF_BUILD": "True",
            "AGENT_OS": "Linux",
            "BUILD_BUILDID": run.run_id,
            "BUILD_BUILDNUMBER": "20261121.1",
            "BUILD_DEFINITIONNAME": run.pipeline,
            "BUILD_REASON": "IndividualCI",
            "BUILD_REPOSITORY_ID": run.repository_id,
            "BUILD_REPOSITORY_NAME": run.project,
            "BUILD_REPOSITORY_PROVIDER": "TfsGit",
            "BUILD_SOURCEBRANCH": run.ref,
            "BUILD_SOURCEBRANCHNAME": name.rpartition("/")[2],
            "SYSTEM_ACCESSTOKEN": self.issuer.access_token.reveal(),
            "SYSTEM_COLLECTIONID": run.organization_id,
            "SYSTEM_COLLECTIONURI": f"https://dev.azure.com/{run.organization}/",
            "SYSTEM_DEFINITIONID": run.definition_id,
            "SYSTEM_HOSTTYPE": "build",
            "SYSTEM_OIDCREQUESTURI": self.issuer.request_uri(run),
            "SYSTEM_PLANID": run.run_id,
            "SYSTEM_TEAMPROJECT": run.project,
            "SYSTEM_TEAMPROJECTID": run.project_id,
        }

    def impostors(self, audience: str) -> Sequence[Impostor]:
        """Another pipeline or project, the same one in other hands or of other sources, and a branch."""
        run, token = self.identity, acting(self.issuer, audience)
        other = made_up_uuid(f"other {run.project_id}")
        definition = str(int(run.definition_id) + 1)
        return (
            differing("definition_id", token(replace(run, definition_id=definition)), "other pipeline"),
            stranger(token(replace(run, project_id=other)), "other project, same name"),
            in_other_hands("organization_id", token(replace(run, organization_id=other))),
            differing("repository_id", token(replace(run, repository_id=other)), "other repository"),
            from_other_ref(token(replace(run, ref="refs/heads/main"))),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> AssumedScript:
    """A run of the pipeline that is called as the project.

    Raises:
        Misuse: the repository is not ``organisation/project``.
    """
    found = repository(project, wishes.repository, env)

    def start(tag: str, sha: str, clock: Clock, watch: Watch | None) -> AzurePlay:
        organization, _, name = found.name.partition("/")
        run = AzureRun(
            organization=organization,
            project=name,
            pipeline="release",
            organization_id=made_up_uuid(f"azure {organization}"),
            project_id=made_up_uuid(f"azure {found.name}"),
            definition_id="12",
            repository_id=made_up_uuid(f"azure {found.name} repository"),
            ref=RELEASE_TAGS + tag,
        )
        issuer = AzureIssuer(clock=clock, watch=watch)
        issuer.serve(run)
        return AzurePlay(issuer=issuer, identity=run)

    who = f"{found.told}, pipeline release"
    return AssumedScript(kind="azure", ci="Azure Pipelines", who=who, start=start, doubts=(*found.doubts, _SHARED))
