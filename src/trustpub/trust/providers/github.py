# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitHub Actions: github.com, enterprises with an issuer of their own, GHE.com, and GitHub Enterprise Server.

Claims: docs.github.com, "OpenID Connect reference". ``sub`` is never looked at: organisations rewrite it, and since
July 2026 it has two forms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trustpub.trust.checks import alike, anchored, folded, same
from trustpub.trust.claims import BadClaim, SignedClaims, optional_text, text
from trustpub.trust.decision import Check, Circumstances
from trustpub.trust.globs import matches
from trustpub.trust.provider import BadFields, Census, Fault, Field, Provider, Terms
from trustpub.trust.publishers import Publisher
from trustpub.trust.spelling import is_yaml, not_numbers, said, unknown

ISSUER = "https://token.actions.githubusercontent.com"
"""github.com's own; other GitHub servers have theirs."""

FORBIDDEN_EVENT = "pull_request_target"
"""Runs with the repository's identity on behalf of whoever opens a pull request."""

_IDS = ("owner_id", "repository_id")
_WORKFLOWS = ".github/workflows/"

# {host} of GHE.com and of a server of one's own; an enterprise adds its slug to the issuer of github.com or GHE.com.
_ISSUERS = re.compile(
    r"https://(?:token\.actions\.githubusercontent\.com(?:/[A-Za-z0-9._-]+)?"
    r"|token\.actions\.[a-z0-9-]+\.ghe\.com(?:/[A-Za-z0-9._-]+)?"
    r"|[^/]+/_services/token)\Z"
)
_REPOSITORY_CLAIM = re.compile(r"(?P<owner>[^/]+)/(?P<name>[^/]+)\Z")

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,98}\Z")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
_CALLED = re.compile(
    r"(?P<repository>[^/@]+/[^/@]+)/\.github/workflows/(?P<file>[^/\x00-\x1f\x7f]+\.ya?ml)@(?P<at>[!-~]{1,255})\Z"
)
"""A workflow of another repository, and a pattern for the ref at which it is called."""
_SAFE_START = re.compile(r"refs/(?:heads|tags)/")
_ANOTHER_FILE = re.compile(r"\.ya?ml@")
_ENVIRONMENT = re.compile(r"(?! )[^\x00-\x1f\x7f'\"`,;\\]{1,255}(?<! )\Z")
_MAX_FILE = 500
"""Characters of a path; more is a slip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A job of GitHub Actions."""

    kind: ClassVar[str] = "github"

    issuer: str
    repository: str
    """``owner/name``, in GitHub's own case (claim ``repository``)."""
    owner_id: str
    """``repository_owner_id``: stays when the account is renamed, and is never given again."""
    repository_id: str | None
    """``repository_id``, likewise for the repository."""
    job_workflow_ref: str
    """The file that holds the job, ``owner/name/.github/workflows/file@ref``; of any repository."""
    workflow_ref: str | None
    """The file that the run began with, likewise."""
    environment: str | None
    event: str
    ref: str
    sha: str
    ref_protected: bool | None
    runner: str | None

    @classmethod
    def from_claims(cls, claims: SignedClaims) -> Identity:
        """The identity these claims describe.

        Raises:
            BadClaim: one that is required is missing, or of a form that GitHub never gives it.
        """
        repository = text(claims, "repository")
        split = _REPOSITORY_CLAIM.match(repository)
        if split is None:
            raise BadClaim("repository", "is not `owner/name`")
        if text(claims, "repository_owner") != split["owner"]:
            raise BadClaim("repository_owner", "is not the owner in `repository`")
        ref, sha = _present(claims, "ref"), _present(claims, "sha")
        if not ref and not sha:
            raise BadClaim("ref", "is empty, and so is `sha`")
        return cls(
            issuer=text(claims, "iss"),
            repository=repository,
            owner_id=text(claims, "repository_owner_id"),
            repository_id=optional_text(claims, "repository_id"),
            job_workflow_ref=text(claims, "job_workflow_ref"),
            workflow_ref=optional_text(claims, "workflow_ref"),
            environment=optional_text(claims, "environment"),
            event=text(claims, "event_name"),
            ref=ref,
            sha=sha,
            ref_protected={"true": True, "false": False}.get(optional_text(claims, "ref_protected") or ""),
            runner=optional_text(claims, "runner_environment"),
        )

    @property
    def subject(self) -> str:
        """The repository."""
        return self.repository

    @property
    def lookups(self) -> frozenset[str]:
        """The repository, without case."""
        return frozenset({folded(self.repository)})

    @property
    def circumstances(self) -> Circumstances:
        """Ref, its protection, event and runner."""
        return Circumstances(
            ref=self.ref or None, ref_protected=self.ref_protected, event=self.event, runner=self.runner
        )

    def anchors(self, publisher: Publisher) -> Mapping[str, str | None]:
        """The two ids that outlive every rename."""
        return {"owner_id": self.owner_id, "repository_id": self.repository_id}

    def specificity(self, publisher: Publisher) -> int:
        """An environment weighs most, then both workflows, then the file of the job."""
        fields = publisher.fields
        return 4 * ("environment" in fields) + 2 * ("workflow" in fields) + ("calling_workflow" in fields)

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Repository, ids, workflows, environment and event.

        Names of owners, repositories and environments are compared without case, as GitHub does; file names with it.
        """
        wanted = publisher.fields
        checks = [alike("repository", wanted.get("repository", ""), self.repository)]
        checks += anchored(publisher, self.anchors(publisher))
        checks += self._workflows(wanted)
        if "environment" in wanted:
            checks.append(alike("environment", wanted["environment"], self.environment))
        event = Check(
            field="event", wanted=f"not {FORBIDDEN_EVENT}", given=self.event, holds=self.event != FORBIDDEN_EVENT
        )
        return (*checks, event)

    def _workflows(self, wanted: Mapping[str, str]) -> list[Check]:
        """At least one of the two files is checked, whatever the publisher says."""
        checks = []
        workflow = wanted.get("workflow")
        if workflow is not None or "calling_workflow" not in wanted:
            called = _CALLED.match(workflow or "")
            if called is None:
                file = self.own_file(self.job_workflow_ref)
                checks.append(same("workflow", workflow or "", file, instead=self.job_workflow_ref))
            else:
                given = self.job_workflow_ref
                checks.append(
                    Check(field="workflow", wanted=called.string, given=given, holds=_is_called(called, given))
                )
        if "calling_workflow" in wanted:
            file = self.own_file(self.workflow_ref or "")
            checks.append(same("calling_workflow", wanted["calling_workflow"], file, instead=self.workflow_ref))
        return checks

    def own_file(self, workflow_ref: str) -> str | None:
        """The file's name, if it lies in this repository and was taken from the very ref or commit of the run.

        What stands before and after the name is known, so it is taken away. Nothing is searched for: names of files
        and of refs may hold an ``@`` and end in ``.yml``.
        """
        start = f"{self.repository}/{_WORKFLOWS}"
        for place in filter(None, (self.ref, self.sha)):
            path = workflow_ref.removesuffix(f"@{place}")
            file = path[len(start) :]
            if path != workflow_ref and folded(path[: len(start)]) == folded(start) and is_yaml(file):
                return file
        return None


def _is_called(called: re.Match[str], job_workflow_ref: str) -> bool:
    """Whether ``job_workflow_ref`` is the called workflow, at a ref that its pattern allows."""
    path = f"{called['repository']}/{_WORKFLOWS}{called['file']}@"
    start, at = job_workflow_ref[: len(path)], job_workflow_ref[len(path) :]
    length = len(called["repository"])
    if folded(start[:length]) != folded(path[:length]) or start[length:] != path[length:]:
        return False
    # `a.yml@b.yml@main` may be the file a.yml at `b.yml@main`, or the file a.yml@b.yml at `main`. It is not guessed.
    return _ANOTHER_FILE.search(at) is None and matches(called["at"], at)


def _present(claims: SignedClaims, name: str) -> str:
    """A claim that must be there, and may be empty."""
    return "" if claims.get(name) == "" else text(claims, name)


def _spell(fields: Mapping[str, str]) -> dict[str, str]:
    """As GitHub allows and spells them; an environment in lower case."""
    found = said(fields, trimmed=("workflow", "calling_workflow"))
    faults = unknown(found, _NAMES, "GitHub")
    if not _is_repository(found.get("repository", "")):
        hint = "As in the address of its page, without https://github.com/ and without .git."
        faults.append(Fault(field="repository", problem="is not OWNER/NAME", hint=hint))
    if "workflow" not in found and "calling_workflow" not in found:
        hint = "Name the file in .github/workflows that holds the publishing job, such as release.yml."
        faults.append(Fault(field="workflow", problem="is missing, and so is calling_workflow", hint=hint))
    if (fault := _workflow_fault(found.get("workflow"))) is not None:
        faults.append(fault)
    if "calling_workflow" in found and not _is_file(found["calling_workflow"]):
        faults.append(_not_a_file("calling_workflow", found["calling_workflow"]))
    if "environment" in found and not _ENVIRONMENT.match(found["environment"]):
        hint = (
            "At most 255 characters, no blank at either end, no quotes, comma, semicolon or backslash. "
            "For any environment, leave it out."
        )
        faults.append(Fault(field="environment", problem="is not a name that GitHub allows", hint=hint))
    faults += not_numbers(found, _IDS, "GitHub")
    if faults:
        raise BadFields(faults)
    if "environment" in found:
        found["environment"] = folded(found["environment"])
    return found


def _is_repository(value: str) -> bool:
    owner, _, name = value.partition("/")
    if _OWNER.match(owner) is None or _NAME.match(name) is None:
        return False
    return name not in (".", "..") and not folded(name).endswith(".git")


def _is_file(value: str) -> bool:
    return len(value) <= _MAX_FILE and is_yaml(value)


def _workflow_fault(workflow: str | None) -> Fault | None:
    if workflow is None or _is_file(workflow):
        return None
    called = _CALLED.match(workflow)
    if called is None or not _is_file(called["file"]):
        return _not_a_file("workflow", workflow)
    if not _is_repository(called["repository"]):
        return Fault(field="workflow", problem="does not begin with the OWNER/NAME of a repository")
    if "*" in called["at"] and not _SAFE_START.match(called["at"]):
        hint = "A pattern begins with refs/tags/ or refs/heads/: under refs/pull/ anybody may leave a commit."
        return Fault(field="workflow", problem="allows refs that are no branch and no tag", hint=hint)
    return None


def _not_a_file(field: str, value: str) -> Fault:
    last = value.partition("@")[0].rpartition("/")[2]
    hint = (
        f"Give only the file's name: {last}"
        if last != value and _is_file(last)
        else "The name of a file in .github/workflows, such as release.yml."
    )
    return Fault(field=field, problem="is not a file name that ends in .yml or .yaml", hint=hint)


def _lookup(fields: Mapping[str, str]) -> str:
    return folded(fields["repository"])


def _identity_fields(fields: Mapping[str, str]) -> Mapping[str, str]:
    found = {name: fields[name] for name in ("workflow", "calling_workflow", "environment") if name in fields}
    return {"repository": folded(fields["repository"]), **found}


def _propose(claims: SignedClaims) -> Mapping[str, str]:
    """Both ids, the file of the job, the file that calls it where that is another, and the environment."""
    identity = Identity.from_claims(claims)
    file = identity.own_file(identity.job_workflow_ref)
    begun = identity.own_file(identity.workflow_ref or "")
    found = {
        "repository": identity.repository,
        "workflow": file or identity.job_workflow_ref,
        "calling_workflow": begun if begun != file else None,
        "environment": identity.environment,
        "owner_id": identity.owner_id,
        "repository_id": identity.repository_id,
    }
    return {name: value for name, value in found.items() if value}


_VERIFIED = "repository repository_owner repository_owner_id job_workflow_ref event_name ref sha"
_OPTIONAL = "repository_id workflow_ref environment ref_protected runner_environment"
_UNCHECKED = (
    "actor actor_id base_ref check_run_id enterprise enterprise_id environment_node_id head_ref job_workflow_sha "
    "ref_type repository_visibility run_attempt run_id run_number workflow workflow_sha"
)
_KEPT = (
    "repository repository_id repository_owner_id job_workflow_ref workflow_ref environment event_name ref sha "
    "run_id run_attempt"
)

PROVIDER = Provider(
    kind=Identity.kind,
    title="GitHub Actions",
    fields=(
        Field(name="repository", title="Repository", example="octo-org/sampleproject"),
        Field(name="workflow", title="Workflow file of the job", example="release.yml", required=False),
        Field(name="calling_workflow", title="Workflow file that calls it", example="ci.yml", required=False),
        Field(name="environment", title="Environment", example="release", required=False),
        Field(name="owner_id", title="Owner id", example="123456", required=False, immutable=True),
        Field(name="repository_id", title="Repository id", example="456789", required=False, immutable=True),
    ),
    census=Census(
        verified=frozenset(_VERIFIED.split()),
        optional=frozenset(_OPTIONAL.split()),
        unchecked=frozenset(_UNCHECKED.split()),
        prefixes=("repo_property_",),
    ),
    identify=Identity.from_claims,
    spell=_spell,
    lookup=_lookup,
    identity_fields=_identity_fields,
    propose=_propose,
    issuers=(ISSUER,),
    issuer_form="https://token.actions.githubusercontent.com[/SLUG], https://token.actions.SUB.ghe.com[/SLUG] "
    "or https://HOST/_services/token",
    is_issuer=lambda url: _ISSUERS.match(url) is not None,
    terms=Terms(max_age=3600, max_lifetime=3600),
    kept_claims=tuple(_KEPT.split()),
    hosts=(".ghe.com",),
    sources={
        "docs.github.com 051718f, OpenID Connect reference": (*_VERIFIED.split(), *_OPTIONAL.split()),
        "pypi/warehouse 6b62157, warehouse/oidc/models/github.py": tuple(_UNCHECKED.split()),
    },
    notes=(
        "The job needs `permissions: id-token: write`.",
        (
            "A reusable workflow of another repository is named whole, OWNER/NAME/.github/workflows/FILE@REF; the ref "
            "may be a pattern below refs/tags/ or refs/heads/."
        ),
        "`pull_request_target` never publishes: it acts for whoever opens a pull request.",
    ),
    example_claims={
        "iss": ISSUER,
        "sub": "repo:octo-org/sampleproject:environment:release",
        "jti": "6f2c4a0e-7f57-4ff1-a1d9-7be2a4c9d3d1",
        "repository": "octo-org/sampleproject",
        "repository_id": "456789",
        "repository_owner": "octo-org",
        "repository_owner_id": "123456",
        "repository_visibility": "public",
        "job_workflow_ref": "octo-org/sampleproject/.github/workflows/release.yml@refs/tags/v1",
        "job_workflow_sha": "f1f5f6d3c2a1b0e9d8c7b6a5948372615f4e3d2c",
        "workflow_ref": "octo-org/sampleproject/.github/workflows/release.yml@refs/tags/v1",
        "workflow_sha": "f1f5f6d3c2a1b0e9d8c7b6a5948372615f4e3d2c",
        "workflow": "Release",
        "environment": "release",
        "event_name": "push",
        "ref": "refs/tags/v1",
        "ref_type": "tag",
        "ref_protected": "true",
        "sha": "f1f5f6d3c2a1b0e9d8c7b6a5948372615f4e3d2c",
        "runner_environment": "github-hosted",
        "actor": "octocat",
        "actor_id": "12",
        "base_ref": "",
        "head_ref": "",
        "run_id": "30433642",
        "run_number": "10",
        "run_attempt": "1",
    },
    example_fields={
        "repository": "octo-org/sampleproject",
        "workflow": "release.yml",
        "environment": "release",
        "owner_id": "123456",
        "repository_id": "456789",
    },
)

_NAMES = frozenset(field.name for field in PROVIDER.fields)
