# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Attestations whose every signature holds, by a Sigstore of the test's own: what decides is what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from trustpub.proofs.attestation import SLSA, BadAttestation
from trustpub.proofs.expected import of_publisher, of_run, workflow_of
from trustpub.proofs.verify import Checker, Verified

from .conftest import attestation
from .signing import Sigstore

FILE, SHA256 = "hello-1.0-py3-none-any.whl", "ab" * 32
RUN = {
    "repository": "Acme/hello", "repository_id": "22", "repository_owner_id": "11", "environment": "pypi",
    "workflow_ref": "Acme/hello/.github/workflows/release.yml@refs/tags/v1",
    "job_workflow_ref": "acme/shared/.github/workflows/build.yml@refs/heads/main",
    "ref": "refs/tags/v1", "sha": "c" * 40,
}  # fmt: skip
HOSTS = {
    "https://token.actions.githubusercontent.com": "https://github.com",
    "https://token.actions.githubusercontent.com/acme": "https://github.com",
    "https://token.actions.acme.ghe.com": "https://acme.ghe.com",
    "https://token.actions.acme.ghe.com/inc": "https://acme.ghe.com",
    "https://ghe.acme.example/_services/token": "https://ghe.acme.example",
}


def github(at: str = "https://token.actions.githubusercontent.com", **changes: str | None) -> dict[str, str]:
    """What Fulcio writes for :data:`RUN`."""
    server = HOSTS[at]
    said: dict[str, str | None] = {
        "issuer": at,
        "san": f"{server}/acme/shared/.github/workflows/build.yml@refs/heads/main",
        "build_signer_uri": f"{server}/acme/shared/.github/workflows/build.yml@refs/heads/main",
        "source_repository_uri": f"{server}/Acme/hello",
        "source_repository_digest": "c" * 40,
        "source_repository_ref": "refs/tags/v1",
        "source_repository_id": "22",
        "source_repository_owner_id": "11",
        "build_config_uri": f"{server}/Acme/hello/.github/workflows/release.yml@refs/tags/v1",
        "deployment_environment": "pypi",
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def judge(
    checker: Checker, sigstore: Sigstore, said: Mapping[str, str], kind: str, issuer: str, claims: Mapping[str, str]
) -> Verified:
    value = sigstore.attest(said, FILE, SHA256)
    return checker.check(attestation(value), of_run(kind, issuer, claims), FILE, SHA256)


@pytest.mark.parametrize("issuer", HOSTS)
def test_every_kind_of_github_server_is_taken_and_none_for_another(
    private: Checker, sigstore: Sigstore, issuer: str
) -> None:
    verified = judge(private, sigstore, github(issuer), "github", issuer, RUN)
    assert verified.root.name == "own"
    for other in HOSTS:
        if other != issuer:
            with pytest.raises(BadAttestation, match="the issuer"):
                judge(private, sigstore, github(other), "github", issuer, RUN)


CHANGES: dict[str, dict[str, str | None]] = {
    "another repository": {"source_repository_uri": "https://github.com/Acme/hell0"},
    "the repository under another server": {"source_repository_uri": "https://ghe.acme.example/Acme/hello"},
    "no repository": {"source_repository_uri": None},
    "another id": {"source_repository_id": "23"},
    "no id": {"source_repository_id": None},
    "another owner's id": {"source_repository_owner_id": "12"},
    "no owner's id": {"source_repository_owner_id": None},
    "another workflow": {"build_config_uri": "https://github.com/Acme/hello/.github/workflows/test.yml@refs/tags/v1"},
    "the called workflow for the calling one": {
        "build_config_uri": "https://github.com/acme/shared/.github/workflows/build.yml@refs/heads/main"
    },
    "another ref": {"build_config_uri": "https://github.com/Acme/hello/.github/workflows/release.yml@refs/heads/v1"},
    "more than the ref": {
        "build_config_uri": "https://github.com/Acme/hello/.github/workflows/release.yml@refs/tags/v1@refs/tags/v1"
    },
    "no workflow": {"build_config_uri": None},
    "another environment": {"deployment_environment": "test"},
    "another issuer": {"issuer": "https://gitlab.com"},
    "no issuer": {"issuer": None},
    "an issuer with a slash": {"issuer": "https://token.actions.githubusercontent.com/"},
    "an issuer in capitals": {"issuer": "https://TOKEN.actions.githubusercontent.com"},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_genuine_certificate_is_refused_with(private: Checker, sigstore: Sigstore, name: str) -> None:
    issuer = "https://token.actions.githubusercontent.com"
    said = {one: value for one, value in {**github(), **CHANGES[name]}.items() if value is not None}
    with pytest.raises(BadAttestation) as refused:
        judge(private, sigstore, said, "github", issuer, RUN)
    assert refused.value.code in ("identity", "sigstore")


def test_an_environment_counts_where_the_certificate_names_one(private: Checker, sigstore: Sigstore) -> None:
    issuer = "https://token.actions.githubusercontent.com"
    judge(private, sigstore, github(deployment_environment=None), "github", issuer, RUN)
    judge(private, sigstore, github(deployment_environment='""'), "github", issuer, RUN)
    judge(private, sigstore, github(deployment_environment="PyPI"), "github", issuer, RUN)
    without = {name: value for name, value in RUN.items() if name != "environment"}
    judge(private, sigstore, github(deployment_environment=None), "github", issuer, without)
    with pytest.raises(BadAttestation, match="the run that uploads has none"):
        judge(private, sigstore, github(), "github", issuer, without)


def test_the_workflow_that_the_run_began_with_must_have_signed_and_not_the_one_that_holds_the_job(
    private: Checker, sigstore: Sigstore
) -> None:
    issuer = "https://token.actions.githubusercontent.com"
    verified = judge(private, sigstore, github(), "github", issuer, RUN)
    assert verified.expected.publisher["workflow"] == "release.yml"
    assert workflow_of(verified.signer) == "release.yml"


GITLAB_RUN = {
    "project_path": "group/sub/hello", "project_id": "5", "namespace_id": "4", "environment": "prod",
    "ref_path": "refs/tags/v1", "sha": "d" * 40,
}  # fmt: skip


@pytest.mark.parametrize("issuer", ["https://gitlab.com", "https://git.acme.example", "https://acme.example/git"])
def test_a_gitlab_of_ones_own_is_not_gitlab_com(private: Checker, sigstore: Sigstore, issuer: str) -> None:
    config = f"{issuer.removeprefix('https://')}/group/sub/hello//ci/release.yml@refs/tags/v1"
    said = {
        "issuer": issuer,
        "source_repository_uri": f"{issuer}/group/sub/hello",
        "source_repository_id": "5",
        "source_repository_owner_id": "4",
        "source_repository_ref": "refs/tags/v1",
        "build_config_uri": f"https://{config}",
        "deployment_environment": "prod",
    }
    claims = {**GITLAB_RUN, "ci_config_ref_uri": config}
    verified = judge(private, sigstore, said, "gitlab", issuer, claims)
    public = {
        "kind": "GitLab",
        "repository": "group/sub/hello",
        "workflow_filepath": "ci/release.yml",
        "environment": "prod",
    }
    assert verified.expected.publisher == (public if issuer == "https://gitlab.com" else {})
    other = "https://gitlab.com" if issuer != "https://gitlab.com" else "https://git.acme.example"
    with pytest.raises(BadAttestation, match="the issuer"):
        judge(private, sigstore, said | {"issuer": other}, "gitlab", issuer, claims)
    for field in ("source_repository_id", "source_repository_owner_id", "source_repository_uri", "build_config_uri"):
        with pytest.raises(BadAttestation):
            judge(private, sigstore, said | {field: said[field] + "0"}, "gitlab", issuer, claims)
    # GitLab's environments have a case.
    with pytest.raises(BadAttestation, match="the environment"):
        judge(private, sigstore, said | {"deployment_environment": "Prod"}, "gitlab", issuer, claims)


def test_google_names_an_account_and_where_it_can_its_number(private: Checker, sigstore: Sigstore) -> None:
    issuer, claims = "https://accounts.google.com", {"email": "ci@p.iam.gserviceaccount.com", "sub": "117"}
    said = {"issuer": issuer, "email": "ci@p.iam.gserviceaccount.com"}
    judge(private, sigstore, said, "google", issuer, claims)
    judge(private, sigstore, said | {"token_subject": "117"}, "google", issuer, claims)
    for other in (
        {"email": "ci@q.iam.gserviceaccount.com"},
        {"token_subject": "118"},
        {"issuer": "accounts.google.com"},
    ):
        with pytest.raises(BadAttestation):
            judge(private, sigstore, said | other, "google", issuer, claims)


def test_any_other_issuer_is_known_by_the_subject_of_its_token(private: Checker, sigstore: Sigstore) -> None:
    issuer, claims = "https://jenkins.acme.example", {"sub": "https://jenkins.acme.example/job/hello"}
    said = {"issuer": issuer, "san": claims["sub"], "token_subject": claims["sub"]}
    verified = judge(private, sigstore, said, "jenkins", issuer, claims)
    assert verified.expected.publisher == {}
    for other in ({"token_subject": claims["sub"] + "2"}, {"issuer": "https://jenkins.example"}):
        with pytest.raises(BadAttestation):
            judge(private, sigstore, said | other, "jenkins", issuer, claims)
    with pytest.raises(BadAttestation, match="must be"):
        judge(private, sigstore, {"issuer": issuer, "san": claims["sub"]}, "jenkins", issuer, claims)
    with pytest.raises(BadAttestation, match="without the claim `sub`"):
        of_run("semaphore", issuer, {"prj_id": "1"})


def test_a_certificate_that_was_not_valid_when_it_was_logged_is_refused(private: Checker, sigstore: Sigstore) -> None:
    issuer = "https://token.actions.githubusercontent.com"
    expected = of_run("github", issuer, RUN)
    for late in (timedelta(minutes=11), timedelta(minutes=-1), timedelta(days=5000)):
        value = sigstore.attest(github(), FILE, SHA256, late=late)
        with pytest.raises(BadAttestation) as refused:
            private.check(attestation(value), expected, FILE, SHA256)
        assert refused.value.code == "sigstore"


def test_an_instance_with_the_same_address_and_other_keys_vouches_for_nobody(
    private: Checker, sigstore: Sigstore
) -> None:
    impostor = Sigstore(sigstore.url)
    expected = of_run("github", "https://token.actions.githubusercontent.com", RUN)
    value = impostor.attest(github(), FILE, SHA256)
    with pytest.raises(BadAttestation) as refused:
        private.check(attestation(value), expected, FILE, SHA256)
    assert refused.value.code == "unknown-log"
    impostor.log.id = sigstore.log.id
    value = impostor.attest(github(), FILE, SHA256)
    with pytest.raises(BadAttestation) as refused:
        private.check(attestation(value), expected, FILE, SHA256)
    assert refused.value.code == "sigstore"


def test_slsa_provenance_may_say_anything_of_a_build(private: Checker, sigstore: Sigstore) -> None:
    expected = of_run("github", "https://token.actions.githubusercontent.com", RUN)
    value = sigstore.attest(github(), FILE, SHA256, predicateType=SLSA, predicate={"buildDefinition": {}})
    assert private.check(attestation(value), expected, FILE, SHA256).attestation.about == "slsa-provenance"


@pytest.mark.parametrize(
    ("publisher", "holds"),
    [
        ({"kind": "GitHub", "repository": "acme/HELLO", "workflow": "release.yml"}, True),
        ({"kind": "GitHub", "repository": "acme/hello", "workflow": "release.yml", "environment": "PyPI"}, True),
        ({"kind": "GitHub", "repository": "acme/hello", "workflow": "release.yml", "environment": ""}, True),
        ({"kind": "GitHub", "repository": "acme/hello", "workflow": "release.yml", "environment": "x"}, False),
        ({"kind": "GitHub", "repository": "acme/hello", "workflow": "Release.yml"}, False),
        ({"kind": "GitHub", "repository": "acme/hello", "workflow": "build.yml"}, False),
        ({"kind": "GitHub", "repository": "acme/hell", "workflow": "release.yml"}, False),
        ({"kind": "GitLab", "repository": "acme/hello", "workflow_filepath": "release.yml"}, False),
    ],
)
def test_a_publisher_in_a_document_is_compared_as_its_forge_would(
    private: Checker, sigstore: Sigstore, publisher: Mapping[str, str], holds: bool
) -> None:
    value = sigstore.attest(github(), FILE, SHA256)
    if holds:
        private.check(attestation(value), of_publisher(publisher), FILE, SHA256)
    else:
        with pytest.raises(BadAttestation) as refused:
            private.check(attestation(value), of_publisher(publisher), FILE, SHA256)
        assert refused.value.code == "identity"
