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

from trustpub.trust.claims import BadClaim, SignedClaims, optional_text, text
from trustpub.trust.decision import Check, Circumstances
from trustpub.trust.globs import matches
from trustpub.trust.provider import BadFields, Census, Fault, Field, Provider, Terms
from trustpub.trust.publishers import Publisher

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
_REPOSITORY_CLAIM = re.compile(r"(?P<owner>[^/]+)/(?P<name>[^/]+)\Z", re.DOTALL)

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,98}\Z")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
_FILE = re.compile(r"[^/\x00-\x1f\x7f]{1,250}\.ya?ml\Z")
_CALLED = re.compile(
    r"(?P<repository>[^/@]+/[^/@]+)/\.github/workflows/(?P<file>[^/\x00-\x1f\x7f]{1,250}\.ya?ml)@(?P<at>[!-~]{1,255})\Z"
)
"""A workflow of another repository, and a pattern for the ref at which it is called."""
_ENVIRONMENT = re.compile(r"(?! )[^\x00-\x1f\x7f'\"`,;\\]{1,255}(?<! )\Z")
_ID = re.compile(r"[1-9][0-9]{0,19}\Z")


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
        if text(claims, "repository_owner").lower() != split["owner"].lower():
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
        return frozenset({self.repository.lower()})

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
        checks = [_same("repository", wanted.get("repository", ""), self.repository, fold=True)]
        for name, given in self.anchors(publisher).items():
            if name in wanted:
                checks.append(_same(name, wanted[name], given))
            elif not publisher.pin_on_first_use:
                # Names can be given to somebody else; without an id nothing tells them apart.
                checks.append(Check(field=name, wanted="a registered id", given=given, holds=False))
            elif given is None:
                checks.append(Check(field=name, wanted="an id to pin", given=None, holds=False))
        checks += self._workflows(wanted)
        if "environment" in wanted:
            checks.append(_same("environment", wanted["environment"], self.environment, fold=True))
        event = Check(
            field="event", wanted=f"not {FORBIDDEN_EVENT}", given=self.event, holds=self.event != FORBIDDEN_EVENT
        )
        return (*checks, event)

    def _workflows(self, wanted: Mapping[str, str]) -> list[Check]:
        """At least one of the two files is checked, whatever the publisher says."""
        checks = []
        if "calling_workflow" in wanted:
            calling = self._own_file(self.workflow_ref or "") or self.workflow_ref
            checks.append(_same("calling_workflow", wanted["calling_workflow"], calling))
        workflow = wanted.get("workflow")
        if workflow is not None or not checks:
            given = self._own_file(self.job_workflow_ref) or self.job_workflow_ref
            called = _CALLED.match(workflow or "")
            if called is None:
                checks.append(_same("workflow", workflow or "", given))
            else:
                holds = _calls(called, self.job_workflow_ref)
                checks.append(Check(field="workflow", wanted=called.string, given=self.job_workflow_ref, holds=holds))
        return checks

    def _own_file(self, workflow_ref: str) -> str | None:
        """The file's name, if it lies in this repository and was taken from the very ref or commit of the run."""
        for place in (self.ref, self.sha):
            path = workflow_ref.removesuffix(f"@{place}")
            if not place or path == workflow_ref:
                continue
            start = f"{self.repository}/{_WORKFLOWS}"
            file = path[len(start) :]
            if path[: len(start)].lower() == start.lower() and _FILE.match(file):
                return file
        return None


def _calls(called: re.Match[str], job_workflow_ref: str) -> bool:
    """Whether ``job_workflow_ref`` is the called workflow, at a ref that its pattern allows."""
    path = f"{called['repository']}/{_WORKFLOWS}{called['file']}@"
    start, at = job_workflow_ref[: len(path)], job_workflow_ref[len(path) :]
    length = len(called["repository"])
    same = start[:length].lower() == path[:length].lower() and start[length:] == path[length:]
    return same and bool(at) and matches(called["at"], at)


def _present(claims: SignedClaims, name: str) -> str:
    """A claim that must be there, and may be empty."""
    return "" if claims.get(name) == "" else text(claims, name)


def _same(field: str, wanted: str, given: str | None, *, fold: bool = False) -> Check:
    holds = bool(wanted) and given is not None and (wanted.lower() == given.lower() if fold else wanted == given)
    return Check(field=field, wanted=wanted, given=given, holds=holds)


def _spell(fields: Mapping[str, str]) -> dict[str, str]:
    """As GitHub allows and spells them; an environment in lower case."""
    found = {name: value for name, value in fields.items() if value}
    faults = [Fault(field=name, problem="is no field of a GitHub publisher") for name in found if name not in _NAMES]
    if not _is_repository(found.get("repository", "")):
        hint = "As in the address of its page, without https://github.com/ and without .git."
        faults.append(Fault(field="repository", problem="is not OWNER/NAME", hint=hint))
    if "workflow" not in found and "calling_workflow" not in found:
        hint = "Name the file in .github/workflows that holds the publishing job, such as release.yml."
        faults.append(Fault(field="workflow", problem="is missing, and so is calling_workflow", hint=hint))
    if (fault := _workflow_fault(found.get("workflow"))) is not None:
        faults.append(fault)
    if "calling_workflow" in found and not _FILE.match(found["calling_workflow"]):
        faults.append(_not_a_file("calling_workflow", found["calling_workflow"]))
    if "environment" in found and not _ENVIRONMENT.match(found["environment"]):
        hint = (
            "At most 255 characters, no blank at either end, no quotes, comma, semicolon or backslash. "
            "For any environment, leave it out."
        )
        faults.append(Fault(field="environment", problem="is not a name that GitHub allows", hint=hint))
    for name in _IDS:
        if name in found and not _ID.match(found[name]):
            faults.append(Fault(field=name, problem="is not a number, as GitHub's ids are"))
    if faults:
        raise BadFields(faults)
    if "environment" in found:
        found["environment"] = found["environment"].lower()
    return found


def _is_repository(value: str) -> bool:
    owner, _, name = value.partition("/")
    return _OWNER.match(owner) is not None and _NAME.match(name) is not None and name not in (".", "..")


def _workflow_fault(workflow: str | None) -> Fault | None:
    if workflow is None or _FILE.match(workflow):
        return None
    called = _CALLED.match(workflow)
    if called is None:
        return _not_a_file("workflow", workflow)
    if not _is_repository(called["repository"]):
        return Fault(field="workflow", problem="does not begin with the OWNER/NAME of a repository")
    if not called["at"].replace("*", "").strip("/"):
        return Fault(field="workflow", problem="allows any ref, so whoever can push a branch there could publish")
    return None


def _not_a_file(field: str, value: str) -> Fault:
    last = value.partition("@")[0].rpartition("/")[2]
    hint = (
        f"Give only the file's name: {last}"
        if last != value and _FILE.match(last)
        else "The name of a file in .github/workflows, such as release.yml."
    )
    return Fault(field=field, problem="is not a file name that ends in .yml or .yaml", hint=hint)


def _lookup(fields: Mapping[str, str]) -> str:
    return fields["repository"].lower()


def _identity_fields(fields: Mapping[str, str]) -> Mapping[str, str]:
    found = {name: fields[name] for name in ("workflow", "calling_workflow", "environment") if name in fields}
    return {"repository": fields["repository"].lower(), **found}


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
    issuers=(ISSUER,),
    issuer_form="https://token.actions.githubusercontent.com[/SLUG], https://token.actions.SUB.ghe.com[/SLUG] "
    "or https://HOST/_services/token",
    is_issuer=lambda url: _ISSUERS.match(url) is not None,
    terms=Terms(max_age=3600, max_lifetime=3600),
    kept_claims=tuple(_KEPT.split()),
)

_NAMES = frozenset(field.name for field in PROVIDER.fields)
