# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A build of Jenkins, played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.rehearsal.emulated.jenkins import JenkinsBuild, JenkinsIssuer
from trustpub.rehearsal.impostors import Impostor, Outcome, acting, stranger, unguarded
from trustpub.rehearsal.plays.play import AssumedScript, Clock, Plain, Watch, Wishes
from trustpub.rehearsal.project import Project, repository

TAKES = ("repository",)
_REBORN = (
    "no id of a job outlives a rename, so a job made anew under the same address is the same publisher; who may make "
    "jobs in that folder may publish: give it an issuer of its own"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JenkinsPlay(Plain):
    """A build whose step has the credential bound."""

    issuer: JenkinsIssuer
    identity: JenkinsBuild

    @property
    def fields(self) -> Mapping[str, str]:
        """The address of the job."""
        return {"subject": self.identity.url(self.issuer.origin)}

    def variables(self, audience: str) -> Mapping[str, str]:
        """What Jenkins sets in a build, and the credential that its step binds."""
        build = self.identity
        bound = {name: token.reveal() for name, token in self.issuer.bind(build, audience).items()}
        url = build.url(self.issuer.origin)
        return {
            "CI": "true",
            "JENKINS_URL": f"{self.issuer.origin}/",
            "BUILD_ID": build.number,
            "BUILD_NUMBER": build.number,
            "BUILD_TAG": f"jenkins-{'-'.join(build.path)}-{build.number}",
            "BUILD_URL": f"{url}{build.number}/",
            "EXECUTOR_NUMBER": "0",
            "JOB_BASE_NAME": build.path[-1],
            "JOB_NAME": "/".join(build.path),
            "JOB_URL": url,
            "NODE_NAME": "built-in",
            **bound,
        }

    def impostors(self, audience: str) -> Sequence[Impostor | Outcome]:
        """Another job beside this one, one of the same name in another folder, and one made anew."""
        build, token = self.identity, acting(self.issuer, audience)
        *folders, name = build.path
        return (
            stranger(token(replace(build, path=(*folders, f"not-{name}"))), "other job"),
            stranger(token(replace(build, path=(*folders, "forks", name))), "same name in another folder"),
            unguarded("same job, made anew", _REBORN),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> AssumedScript:
    """A build of the job that lies in folders called as the repository is.

    Raises:
        Misuse: the repository is not ``folder/job``, or deeper.
    """
    found = repository(project, wishes.repository, env, groups=True)
    build = JenkinsBuild(path=tuple(found.name.split("/")))

    def start(tag: str, sha: str, clock: Clock, watch: Watch | None) -> JenkinsPlay:
        return JenkinsPlay(issuer=JenkinsIssuer(clock=clock, watch=watch), identity=build)

    return AssumedScript(kind="jenkins", ci="Jenkins", who=f"job {found.told}", start=start, doubts=found.doubts)
