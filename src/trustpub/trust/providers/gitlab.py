# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitLab CI: gitlab.com, and instances of one's own, also below a path.

Claims: docs.gitlab.com, "OpenID Connect (OIDC) Authentication Using ID Tokens". ``sub`` is never looked at: a project
may shape it. Only the top-level CI file is in the claims; whatever it includes is part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trustpub.trust.checks import alike, anchored, folded, same
from trustpub.trust.claims import BadClaim, SignedClaims, optional_text, text
from trustpub.trust.decision import Check, Circumstances
from trustpub.trust.provider import BadFields, Census, Fault, Field, Provider, Terms
from trustpub.trust.publishers import Publisher
from trustpub.trust.spelling import is_plain, is_yaml, not_numbers, said, unknown

ISSUER = "https://gitlab.com"
"""gitlab.com's; every other instance has its own address."""

_IDS = ("namespace_id", "project_id")
_PROTECTED: Mapping[object, bool] = {"true": True, "false": False}

_ISSUER_FORM = re.compile(r"https://[^/?#\s]+(?:/[^/?#\s]+)*\Z")
_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.+-]*[A-Za-z0-9])?\Z")
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]\Z")
_TWO_SPECIALS = re.compile(r"[._-]{2}")
_ENVIRONMENT = re.compile(r"(?![ /])[A-Za-z0-9_/${} -]{1,255}(?<![ /])\Z")
_MAX_PATH = 255
"""Characters of a namespace, a project or the path of a CI file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A job of GitLab CI."""

    kind: ClassVar[str] = "gitlab"

    issuer: str
    project_path: str
    """``namespace/project``, in GitLab's own case; the namespace may be a group within groups."""
    namespace_id: str
    """Stays when the group or account is renamed, and is never given again."""
    project_id: str
    """Likewise for the project."""
    ci_config_ref_uri: str
    """The top-level CI file: ``host[/path]/namespace/project//file@ref``."""
    ref_path: str
    """The whole ref, ``refs/heads/main``."""
    sha: str
    environment: str | None
    pipeline_source: str | None
    ref_protected: bool | None
    runner: str | None

    @classmethod
    def from_claims(cls, claims: SignedClaims) -> Identity:
        """The identity these claims describe.

        Raises:
            BadClaim: one that is required is missing, or of a form that GitLab never gives it.
        """
        path = text(claims, "project_path")
        namespace, _, project = path.rpartition("/")
        if not namespace or not project:
            raise BadClaim("project_path", "is not `namespace/project`")
        return cls(
            issuer=text(claims, "iss"),
            project_path=path,
            namespace_id=text(claims, "namespace_id"),
            project_id=text(claims, "project_id"),
            ci_config_ref_uri=text(claims, "ci_config_ref_uri"),
            ref_path=text(claims, "ref_path"),
            sha=text(claims, "sha"),
            environment=optional_text(claims, "environment"),
            pipeline_source=optional_text(claims, "pipeline_source"),
            ref_protected=_is_protected(claims),
            runner=optional_text(claims, "runner_environment"),
        )

    @property
    def subject(self) -> str:
        """The project's path."""
        return self.project_path

    @property
    def lookups(self) -> frozenset[str]:
        """The project's path, without case."""
        return frozenset({folded(self.project_path)})

    @property
    def circumstances(self) -> Circumstances:
        """Ref, its protection, what started the pipeline, and the runner."""
        return Circumstances(
            ref=self.ref_path, ref_protected=self.ref_protected, event=self.pipeline_source, runner=self.runner
        )

    def anchors(self, publisher: Publisher) -> Mapping[str, str | None]:
        """The two ids that outlive every rename."""
        return {"namespace_id": self.namespace_id, "project_id": self.project_id}

    def specificity(self, publisher: Publisher) -> int:
        """One that names an environment is meant before one that allows any."""
        return int("environment" in publisher.fields)

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Namespace, project, ids, CI file and environment.

        Paths of groups and projects are compared without case, as GitLab finds them; files and environments with it.
        """
        wanted = publisher.fields
        namespace, _, project = self.project_path.rpartition("/")
        checks = [
            alike("namespace", wanted.get("namespace", ""), namespace),
            alike("project", wanted.get("project", ""), project),
            *anchored(publisher, self.anchors(publisher)),
            same(
                "workflow_filepath",
                wanted.get("workflow_filepath", ""),
                self.own_file(),
                instead=self.ci_config_ref_uri,
            ),
        ]
        if "environment" in wanted:
            checks.append(same("environment", wanted["environment"], self.environment))
        return tuple(checks)

    def own_file(self) -> str | None:
        """The path of the CI file, if it lies in this very project and was taken from the run's own ref or commit.

        What stands before and after the path is known, so it is taken away. Nothing is searched for: paths may hold
        an ``@`` or two slashes in a row.
        """
        start = f"{self.issuer.partition('://')[2]}/"
        project = f"{self.project_path}//"
        rest = self.ci_config_ref_uri.removeprefix(start)
        if rest == self.ci_config_ref_uri or folded(rest[: len(project)]) != folded(project):
            return None
        for place in (self.ref_path, self.sha):
            path = rest.removesuffix(f"@{place}")
            if path != rest and is_yaml(path.rpartition("/")[2]):
                return path[len(project) :]
        return None


def _is_protected(claims: SignedClaims) -> bool | None:
    value = claims.get("ref_protected")
    return value if isinstance(value, bool) else _PROTECTED.get(optional_text(claims, "ref_protected"))


def _spell(fields: Mapping[str, str]) -> dict[str, str]:
    """As GitLab allows them."""
    found = said(fields, trimmed=("workflow_filepath",))
    faults = unknown(found, _NAMES, "GitLab")
    if not _is_namespace(found.get("namespace", "")):
        hint = "The user or group, with the groups it is in: my-group/my-subgroup."
        faults.append(Fault(field="namespace", problem="is not a path that GitLab gives users and groups", hint=hint))
    if not _PROJECT.match(found.get("project", "")) or not _is_orderly(found["project"]):
        hint = "The last part of the project's address, without .git."
        faults.append(Fault(field="project", problem="is not a name that GitLab gives projects", hint=hint))
    if not _is_path(found.get("workflow_filepath", "")):
        hint = "From the root of the repository, such as .gitlab-ci.yml or ci/release.yml."
        faults.append(
            Fault(field="workflow_filepath", problem="is not the path of a .yml or .yaml file", hint=hint),
        )
    if "environment" in found and not _ENVIRONMENT.match(found["environment"]):
        hint = (
            "At most 255 letters, digits, blanks and - _ / $ { }, no blank or slash at either end. "
            "For any environment, leave it out."
        )
        faults.append(Fault(field="environment", problem="is not a name that is taken here", hint=hint))
    faults += not_numbers(found, _IDS, "GitLab")
    if faults:
        raise BadFields(faults)
    return found


def _is_namespace(value: str) -> bool:
    segments = value.split("/")
    return len(value) >= 2 and _is_orderly(value) and all(_SEGMENT.match(one) for one in segments)


def _is_orderly(value: str) -> bool:
    """What GitLab asks of every part of an address."""
    ends = folded(value).endswith((".git", ".atom"))
    return len(value) <= _MAX_PATH and not ends and _TWO_SPECIALS.search(value) is None


def _is_path(value: str) -> bool:
    *folders, name = value.split("/")
    inside = all(folder not in ("", ".", "..") for folder in folders)
    return len(value) <= _MAX_PATH and inside and is_plain(value) and is_yaml(name)


def _lookup(fields: Mapping[str, str]) -> str:
    return folded(f"{fields['namespace']}/{fields['project']}")


def _identity_fields(fields: Mapping[str, str]) -> Mapping[str, str]:
    names = {name: folded(fields[name]) for name in ("namespace", "project")}
    return names | {name: fields[name] for name in ("workflow_filepath", "environment") if name in fields}


def _propose(claims: SignedClaims) -> Mapping[str, str]:
    """Both ids, the CI file, and the environment."""
    identity = Identity.from_claims(claims)
    namespace, _, project = identity.project_path.rpartition("/")
    found = {
        "namespace": namespace,
        "project": project,
        "workflow_filepath": identity.own_file(),
        "environment": identity.environment,
        "namespace_id": identity.namespace_id,
        "project_id": identity.project_id,
    }
    return {name: value for name, value in found.items() if value}


_VERIFIED = "project_path namespace_id project_id ci_config_ref_uri ref_path sha"
_OPTIONAL = "environment ref_protected pipeline_source runner_environment"
_UNCHECKED = (
    "ci_config_sha deployment_tier environment_action environment_protected groups_direct job_id job_source "
    "namespace_path pipeline_id project_visibility ref ref_type runner_id user_access_level user_email user_id "
    "user_identities user_login"
)
_KEPT = (
    "project_path project_id namespace_id ci_config_ref_uri environment ref_path sha pipeline_source pipeline_id job_id"
)

PROVIDER = Provider(
    kind=Identity.kind,
    title="GitLab CI",
    fields=(
        Field(name="namespace", title="Group or user", example="my-group/my-subgroup"),
        Field(name="project", title="Project", example="sampleproject"),
        Field(name="workflow_filepath", title="Top-level CI file", example=".gitlab-ci.yml"),
        Field(name="environment", title="Environment", example="release", required=False),
        Field(name="namespace_id", title="Group or user id", example="72", required=False, immutable=True),
        Field(name="project_id", title="Project id", example="20", required=False, immutable=True),
    ),
    census=Census(
        verified=frozenset(_VERIFIED.split()),
        optional=frozenset(_OPTIONAL.split()),
        unchecked=frozenset(_UNCHECKED.split()),
        prefixes=("job_project_", "job_namespace_"),
    ),
    identify=Identity.from_claims,
    spell=_spell,
    lookup=_lookup,
    identity_fields=_identity_fields,
    propose=_propose,
    issuers=(ISSUER,),
    issuer_form="https://HOST[/PATH], the address of the instance",
    is_issuer=lambda url: _ISSUER_FORM.match(url) is not None,
    # A job gets its one identity token when it starts, good until the job's own time is up. An administrator of an
    # instance with slow jobs gives the upload token more than the usual 900 seconds, since no second can be minted.
    terms=Terms(max_age=24 * 3600, max_lifetime=24 * 3600),
    kept_claims=tuple(_KEPT.split()),
    sources={
        "docs.gitlab.com, OpenID Connect (OIDC) Authentication Using ID Tokens": (
            *_VERIFIED.split(),
            *_OPTIONAL.split(),
        ),
        "pypi/warehouse 6b62157, warehouse/oidc/models/gitlab.py": tuple(_UNCHECKED.split()),
    },
    notes=(
        "The job asks for its token under `id_tokens:`, with this index's audience as `aud`, one text and no list.",
        (
            "One job has one identity token for all its time, and so one upload token: a job that uploads for longer "
            "than that lives wants a longer `--token-lifetime` of the issuer."
        ),
        "Only the top-level CI file is named in the token; whatever it includes may publish too.",
    ),
    example_claims={
        "iss": ISSUER,
        "sub": "project_path:my-group/my-subgroup/sampleproject:ref_type:tag:ref:v1",
        "jti": "c82eeb0c-5c6f-4a33-abf5-4c474b92b558",
        "namespace_id": "72",
        "namespace_path": "my-group/my-subgroup",
        "project_id": "20",
        "project_path": "my-group/my-subgroup/sampleproject",
        "project_visibility": "private",
        "ci_config_ref_uri": "gitlab.com/my-group/my-subgroup/sampleproject//.gitlab-ci.yml@refs/tags/v1",
        "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "ref": "v1",
        "ref_type": "tag",
        "ref_path": "refs/tags/v1",
        "ref_protected": "true",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "environment": "release",
        "environment_protected": "true",
        "deployment_tier": "production",
        "pipeline_id": "574",
        "pipeline_source": "push",
        "job_id": "302",
        "runner_id": 1,
        "runner_environment": "gitlab-hosted",
        "user_id": "1",
        "user_login": "sample-user",
        "user_email": "sample-user@example.com",
    },
    example_fields={
        "namespace": "my-group/my-subgroup",
        "project": "sampleproject",
        "workflow_filepath": ".gitlab-ci.yml",
        "environment": "release",
        "namespace_id": "72",
        "project_id": "20",
    },
)

_NAMES = frozenset(field.name for field in PROVIDER.fields)
