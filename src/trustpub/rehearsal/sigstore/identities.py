# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a certificate says of a job, from the claims of its identity token (Fulcio's oid-info.md and its providers).

By the names of :mod:`trustpub.proofs.certificate`; ``san`` or ``email`` beside them is the alternative name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trustpub.proofs.expected import github_server

Said = dict[str, str]


class BadIdentity(ValueError):
    """Claims for which there is no certificate. The message goes to whoever asked."""


def said(kind: str, claims: Mapping[str, Any]) -> Said:
    """What the certificate of a job on a CI of this ``kind`` says.

    Raises:
        BadIdentity: a claim is missing, or is not good enough.
    """
    try:
        found = _KINDS.get(kind, _by_subject)(claims)
        return {**found, "issuer": str(claims["iss"]), "token_subject": str(claims["sub"])}
    except KeyError as missing:
        raise BadIdentity(f"the token has no claim {missing}") from None


def _github(claims: Mapping[str, Any]) -> Said:
    server = github_server(str(claims["iss"]))
    repository, signer = f"{server}/{claims['repository']}", f"{server}/{claims['job_workflow_ref']}"
    return {
        "san": signer,
        "build_signer_uri": signer,
        "build_signer_digest": claims["job_workflow_sha"],
        "runner_environment": claims["runner_environment"],
        "source_repository_uri": repository,
        "source_repository_digest": claims["sha"],
        "source_repository_ref": claims["ref"],
        "source_repository_id": claims["repository_id"],
        "source_repository_owner_uri": f"{server}/{claims['repository_owner']}",
        "source_repository_owner_id": claims["repository_owner_id"],
        "build_config_uri": f"{server}/{claims['workflow_ref']}",
        "build_config_digest": claims["workflow_sha"],
        "build_trigger": claims["event_name"],
        "run_invocation_uri": f"{repository}/actions/runs/{claims['run_id']}/attempts/{claims['run_attempt']}",
        "source_repository_visibility": claims["repository_visibility"],
        "deployment_environment": claims.get("environment", ""),
        # The first generation of extensions, which certificates still have beside the others.
        "github_trigger": claims["event_name"],
        "github_sha": claims["sha"],
        "github_workflow": claims["workflow"],
        "github_repository": claims["repository"],
        "github_ref": claims["ref"],
    }


def _gitlab(claims: Mapping[str, Any]) -> Said:
    server, config = claims["iss"], f"https://{claims['ci_config_ref_uri']}"
    project = f"{server}/{claims['project_path']}"
    kind = "tags" if claims["ref_type"] == "tag" else "heads"
    return {
        "san": config,
        "build_signer_uri": config,
        "build_signer_digest": claims["ci_config_sha"],
        "runner_environment": claims["runner_environment"],
        "source_repository_uri": project,
        "source_repository_digest": claims["sha"],
        "source_repository_ref": f"refs/{kind}/{claims['ref']}",
        "source_repository_id": claims["project_id"],
        "source_repository_owner_uri": f"{server}/{claims['namespace_path']}",
        "source_repository_owner_id": claims["namespace_id"],
        "build_config_uri": config,
        "build_config_digest": claims["ci_config_sha"],
        "build_trigger": claims["pipeline_source"],
        "run_invocation_uri": f"{project}/-/jobs/{claims['job_id']}",
        "source_repository_visibility": claims["project_visibility"],
        "deployment_environment": claims.get("environment", ""),
    }


def _google(claims: Mapping[str, Any]) -> Said:
    if claims.get("email_verified") not in (True, "true"):
        raise BadIdentity("the e-mail address is not verified")
    return {"email": claims["email"]}


def _circleci(claims: Mapping[str, Any]) -> Said:
    own = "oidc.circleci.com"
    project, pipeline = claims[f"{own}/project-id"], claims[f"{own}/pipeline-definition-id"]
    signer = f"https://circleci.com/api/v2/projects/{project}/pipeline-definitions/{pipeline}"
    return {
        "san": signer,
        "build_signer_uri": signer,
        "source_repository_uri": claims.get(f"{own}/vcs-origin", ""),
        "source_repository_ref": claims.get(f"{own}/vcs-ref", ""),
    }


def _by_subject(claims: Mapping[str, Any]) -> Said:
    """Of any other kind: its subject, as an instance of one's own is set up for it (Fulcio's type ``uri``)."""
    subject = str(claims["sub"])
    return {"san": subject if "://" in subject else f"{claims['iss']}/{subject}"}


_KINDS: Mapping[str, Callable[[Mapping[str, Any]], Said]] = {
    "github": _github,
    "gitlab": _gitlab,
    "google": _google,
    "circleci": _circleci,
}
