# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who must have signed: what a certificate has to say of the run that a token was minted for, or of a publisher.

Fulcio's certificates name the workflow that a run *began* with (Build Config URI), which is what ``workflow_ref`` says
in an identity token; ``job_workflow_ref``, which a publisher is registered by, may be another that it calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trustpub.printable import printable
from trustpub.proofs.attestation import BadAttestation
from trustpub.trust.checks import folded

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
GOOGLE = "https://accounts.google.com"
CIRCLECI = "https://oidc.circleci.com"

_GHE = re.compile(r"https://token\.actions\.(?P<sub>[a-z0-9-]+)\.ghe\.com(?:/.*)?\Z")
_SERVER = re.compile(r"(?P<server>https://[^/]+)/_services/token\Z")
_CIRCLECI_ORG = re.compile(r"https://oidc\.circleci\.com(?:/org/[0-9a-f-]{36})?\Z")

TITLES: Mapping[str, str] = {
    "issuer": "the issuer",
    "source_repository_uri": "the repository",
    "source_repository_id": "the repository's id",
    "source_repository_owner_id": "the id of the repository's owner",
    "source_repository_ref": "the ref",
    "build_config_uri": "the workflow that the run began with (Build Config URI)",
    "build_signer_uri": "the pipeline (Build Signer URI)",
    "deployment_environment": "the environment",
    "workflow": "the workflow's file",
    "email": "the account",
    "token_subject": "the subject of the token",
}
"""What a certificate says, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One thing that the certificate must say."""

    field: str
    """As :func:`trustpub.proofs.certificate.signer` names it."""
    wanted: str
    caseless: bool = False
    """Compared without the case of ASCII letters."""
    where_said: bool = False
    """Only where the certificate says it at all: older ones do not."""
    prefix: bool = False
    """It must only begin like this: what follows is checked by another demand."""

    def fault(self, said: Mapping[str, str]) -> str | None:
        """What is wrong, as a sentence; None if it holds."""
        given, wanted = said.get(self.field), self.wanted
        if given is None and self.where_said:
            return None
        title = TITLES.get(self.field, self.field)
        if given is None:
            return f"Its certificate does not name {title}, which must be {printable(wanted, 300)!r}."
        ours, theirs = (folded(wanted), folded(given)) if self.caseless else (wanted, given)
        if ours and (theirs.startswith(ours) if self.prefix else theirs == ours):
            return None
        instead = printable(given, 300)
        if not wanted:
            return f"Its certificate names {title} {instead!r}, and the run that uploads has none."
        return f"Its certificate names {title} {instead!r}; that must be {printable(wanted, 300)!r}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Whoever must have signed, and how that is told to others."""

    demands: tuple[Demand, ...]
    """Never empty."""
    publisher: Mapping[str, Any]
    """PEP 740's publisher object, as far as readers know this kind; empty if they do not."""

    def check(self, said: Mapping[str, str]) -> None:
        """That a certificate which says this is theirs.

        Raises:
            BadAttestation: it is another's.
        """
        if not self.demands:
            raise BadAttestation("identity", "There is nobody who could have made it.")
        if any(demand.field == "workflow" for demand in self.demands):
            said = {**said, "workflow": workflow_of(said)}
        for demand in self.demands:
            if (fault := demand.fault(said)) is not None:
                raise BadAttestation("identity", fault)


def of_run(kind: str, issuer: str, claims: Mapping[str, str]) -> Expected:
    """Who must have signed what a run uploads.

    Args:
        kind: the provider's, as in :class:`trustpub.trust.publishers.Publisher`.
        issuer: the verified ``iss``.
        claims: those that were kept when its token was minted.

    Raises:
        BadAttestation: what was kept is not enough to tell.
    """
    return _RUNS.get(kind, _by_subject)(issuer, claims)


def _github(issuer: str, claims: Mapping[str, str]) -> Expected:
    server = github_server(issuer)
    repository, began = _kept(claims, "repository"), _kept(claims, "workflow_ref")
    demands = [
        Demand(field="issuer", wanted=issuer),
        Demand(field="source_repository_uri", wanted=f"{server}/{repository}"),
        Demand(field="build_config_uri", wanted=f"{server}/{began}"),
        Demand(field="source_repository_owner_id", wanted=_kept(claims, "repository_owner_id")),
        _environment(claims, caseless=True),
    ]
    if claims.get("repository_id"):
        demands.append(Demand(field="source_repository_id", wanted=claims["repository_id"]))
    path = began.removeprefix(f"{repository}/.github/workflows/")
    known: Mapping[str, Any] = {}
    if issuer == GITHUB and path != began:
        ref = claims.get("ref", "")
        at = next((one for one in (ref, claims.get("sha", "")) if one and path.endswith(f"@{one}")), "")
        workflow = path.removesuffix(f"@{at}") if at else path.partition("@")[0]
        known = {
            "kind": "GitHub",
            "repository": repository,
            "workflow": workflow,
            "environment": claims.get("environment"),
        }
    return Expected(demands=tuple(demands), publisher=known)


def github_server(issuer: str) -> str:
    """Where the repositories of a GitHub issuer are."""
    if (cloud := _GHE.match(issuer)) is not None:
        return f"https://{cloud['sub']}.ghe.com"
    own = _SERVER.match(issuer)
    return own["server"] if own is not None else "https://github.com"


def _gitlab(issuer: str, claims: Mapping[str, str]) -> Expected:
    project, config = _kept(claims, "project_path"), _kept(claims, "ci_config_ref_uri")
    demands = (
        Demand(field="issuer", wanted=issuer),
        Demand(field="source_repository_uri", wanted=f"{issuer}/{project}"),
        Demand(field="build_config_uri", wanted=f"https://{config}"),
        Demand(field="source_repository_id", wanted=_kept(claims, "project_id")),
        Demand(field="source_repository_owner_id", wanted=_kept(claims, "namespace_id")),
        _environment(claims, caseless=False),
    )
    start = f"gitlab.com/{project}//"
    known: Mapping[str, Any] = {}
    if issuer == GITLAB and config.startswith(start):
        file = config[len(start) :]
        for at in (claims.get("ref_path", ""), claims.get("sha", "")):
            file = file.removesuffix(f"@{at}") if at else file
        known = {
            "kind": "GitLab",
            "repository": project,
            "workflow_filepath": file,
            "environment": claims.get("environment"),
        }
    return Expected(demands=demands, publisher=known)


def _google(issuer: str, claims: Mapping[str, str]) -> Expected:
    email = _kept(claims, "email")
    demands = (
        Demand(field="issuer", wanted=issuer),
        Demand(field="email", wanted=email),
        Demand(field="token_subject", wanted=_kept(claims, "sub"), where_said=True),
    )
    known = {"kind": "Google", "email": email} if issuer == GOOGLE else {}
    return Expected(demands=demands, publisher=known)


def _circleci(issuer: str, claims: Mapping[str, str]) -> Expected:
    said = {name: claims.get(f"oidc.circleci.com/{name}", "") for name in ("vcs-origin", "vcs-ref")}
    project = _kept(claims, "oidc.circleci.com/project-id")
    pipeline = _kept(claims, "oidc.circleci.com/pipeline-definition-id")
    public = _CIRCLECI_ORG.match(issuer) is not None
    demands = [
        # Clients sign with a token of the root issuer, also where they upload with one of the organisation's.
        Demand(field="issuer", wanted=CIRCLECI if public else issuer),
        Demand(field="build_signer_uri", wanted=_pipeline(project, pipeline)),
    ]
    if said["vcs-origin"]:
        demands.append(Demand(field="source_repository_uri", wanted=said["vcs-origin"]))
    if said["vcs-ref"]:
        demands.append(Demand(field="source_repository_ref", wanted=said["vcs-ref"]))
    known: dict[str, Any] = {"kind": "CircleCI", "project_id": project, "pipeline_definition_id": pipeline}
    known |= {"vcs_origin": said["vcs-origin"] or None, "vcs_ref": said["vcs-ref"] or None}
    return Expected(demands=tuple(demands), publisher=known if public else {})


def _pipeline(project: str, pipeline: str) -> str:
    return f"https://circleci.com/api/v2/projects/{project}/pipeline-definitions/{pipeline}"


def _by_subject(issuer: str, claims: Mapping[str, str]) -> Expected:
    """Of any other kind: a certificate of an own CA that repeats issuer and subject of the identity token."""
    subject = _kept(claims, "sub")
    demands = (Demand(field="issuer", wanted=issuer), Demand(field="token_subject", wanted=subject))
    return Expected(demands=demands, publisher={})


_RUNS: Mapping[str, Callable[[str, Mapping[str, str]], Expected]] = {
    "github": _github,
    "gitlab": _gitlab,
    "google": _google,
    "circleci": _circleci,
}


def _environment(claims: Mapping[str, str], *, caseless: bool) -> Demand:
    return Demand(
        field="deployment_environment", wanted=claims.get("environment", ""), caseless=caseless, where_said=True
    )


def _kept(claims: Mapping[str, str], name: str) -> str:
    value = claims.get(name)
    if not value:
        raise BadAttestation(
            "unknown-run",
            f"Who must have signed cannot be told: the token was minted without the claim `{name}`.",
        )
    return value


def of_publisher(publisher: Mapping[str, Any]) -> Expected:
    """Who must have signed according to a publisher object in a provenance document (PEP 740), or to a person.

    Raises:
        BadAttestation: it is of a kind that nothing is known about, or lacks a member.
    """
    kind = publisher.get("kind")
    if kind == "GitHub":
        demands = _forge(publisher, GITHUB, "https://github.com", "/.github/workflows/", "workflow")
    elif kind == "GitLab":
        demands = _forge(publisher, GITLAB, GITLAB, "//", "workflow_filepath")
    elif kind == "Google":
        demands = [
            Demand(field="issuer", wanted=GOOGLE),
            Demand(field="email", wanted=_member(publisher, "email")),
        ]
    elif kind == "CircleCI":
        ids = (_member(publisher, "project_id"), _member(publisher, "pipeline_definition_id"))
        demands = [
            Demand(field="issuer", wanted=CIRCLECI),
            Demand(field="build_signer_uri", wanted=_pipeline(*ids)),
        ]
        for field, name in (("source_repository_uri", "vcs_origin"), ("source_repository_ref", "vcs_ref")):
            if publisher.get(name) is not None:
                demands.append(Demand(field=field, wanted=_member(publisher, name)))
    else:
        demands = _own_words(publisher)
    return Expected(demands=tuple(demands), publisher=publisher)


def _forge(publisher: Mapping[str, Any], issuer: str, server: str, between: str, file: str) -> list[Demand]:
    # A person types a repository in any case; the forge sees none.
    repository = f"{server}/{_member(publisher, 'repository')}"
    demands = [
        Demand(field="issuer", wanted=issuer),
        Demand(field="source_repository_uri", wanted=repository, caseless=True),
        Demand(field="build_config_uri", wanted=f"{repository}{between}", caseless=True, prefix=True),
        Demand(field="workflow", wanted=_member(publisher, file)),
    ]
    environment = publisher.get("environment")
    if isinstance(environment, str) and environment:
        demands.append(
            Demand(field="deployment_environment", wanted=environment, caseless=True, where_said=True),
        )
    return demands


def _own_words(publisher: Mapping[str, Any]) -> list[Demand]:
    """As this project's indexes write them for kinds that PEP 740's readers have no name for: what was demanded."""
    signed = publisher.get("signed_as")
    if not isinstance(signed, dict) or not signed.get("issuer") or len(signed) < 2:
        kind = printable(str(publisher.get("kind")), 60)
        raise BadAttestation("unknown-kind", f"What a publisher of the kind {kind!r} signs as is not known.")
    return [
        Demand(field=str(name), wanted=str(value), where_said=name == "deployment_environment")
        for name, value in signed.items()
    ]


def _member(publisher: Mapping[str, Any], name: str) -> str:
    value = publisher.get(name)
    if not isinstance(value, str) or not value:
        raise BadAttestation("publisher", f"The publisher in the provenance document has no `{name}`.")
    return value


def workflow_of(said: Mapping[str, str], starts: Sequence[str] = ("/.github/workflows/", "//")) -> str:
    """The file that a certificate's run began with, without repository and ref; empty if it cannot be told.

    What stands before and after it is known from the rest of the certificate, so it is taken away, not searched for.
    """
    uri, repository = said.get("build_config_uri", ""), said.get("source_repository_uri", "")
    for start in starts:
        whole = f"{repository}{start}"
        if not repository or folded(uri[: len(whole)]) != folded(whole):
            continue
        for at in (said.get("source_repository_ref"), said.get("source_repository_digest")):
            if at and uri.endswith(f"@{at}") and len(uri) > len(whole) + len(at) + 1:
                return uri[len(whole) : -len(at) - 1]
    return ""
