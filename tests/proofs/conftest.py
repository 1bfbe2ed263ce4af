# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Real attestations with the runs that made them, a Sigstore of one's own, and what verifies both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trustpub.proofs.attestation import Attestation, read
from trustpub.proofs.expected import CIRCLECI, GITHUB, GITLAB, GOOGLE, Expected, of_run
from trustpub.proofs.root import Root, public_good, read_root
from trustpub.proofs.verify import Checker, Verified

from .signing import Sigstore

REAL = Path(__file__).parent / "real"
_FULCIO = "1.3.6.1.4.1.57264.1."


@dataclass(frozen=True)
class Sample:
    """A real attestation, and what the upload token of the run that made it would know."""

    name: str
    attestation: dict[str, Any]
    filename: str
    sha256: str
    kind: str
    issuer: str
    claims: Mapping[str, str]

    @property
    def expected(self) -> Expected:
        return of_run(self.kind, self.issuer, self.claims)

    def altered(self) -> dict[str, Any]:
        """One to be changed."""
        copy: dict[str, Any] = json.loads(json.dumps(self.attestation))
        return copy


def _claims(kind: str, said: Mapping[str, str], publisher: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    at = {number.removeprefix(_FULCIO): value for number, value in said.items()}
    if kind == "GitHub":
        claims = {
            "repository": at["12"].removeprefix("https://github.com/"),
            "repository_id": at["15"],
            "repository_owner_id": at["17"],
            "workflow_ref": at["18"].removeprefix("https://github.com/"),
            "ref": at["14"],
            "sha": at["13"],
        }
        return GITHUB, claims
    if kind == "GitLab":
        claims = {
            "project_path": at["12"].removeprefix("https://gitlab.com/"),
            "project_id": at["15"],
            "namespace_id": at["17"],
            "ci_config_ref_uri": at["18"].removeprefix("https://"),
            "ref_path": at["14"],
            "sha": at["13"],
        }
        return GITLAB, claims
    if kind == "Google":
        return GOOGLE, {"email": publisher["email"], "sub": "117"}
    claims = {"project-id": publisher["project_id"], "pipeline-definition-id": publisher["pipeline_definition_id"]}
    claims |= {"vcs-origin": at["12"], "vcs-ref": at["14"]}
    return CIRCLECI, {f"oidc.circleci.com/{name}": value for name, value in claims.items()}


def _samples() -> list[Sample]:
    found = []
    for row in json.loads((REAL / "MANIFEST.json").read_text()):
        value = json.loads((REAL / row["file"]).read_text())
        if "attestation_bundles" in value:
            value = value["attestation_bundles"][0]["attestations"][0]
        kind = row["publisher"]["kind"]
        issuer, claims = _claims(kind, row["claims"], row["publisher"])
        found.append(
            Sample(
                name=row["file"],
                attestation=value,
                filename=row["artifact"] or read(json.dumps(value)).subject,
                sha256=row["sha256"],
                kind=kind.lower(),
                issuer=issuer,
                claims=claims,
            )
        )
    return found


SAMPLES = _samples()
GITHUB_SAMPLE = next(one for one in SAMPLES if one.name == "pypi_attestations-0.0.19.tar.gz.publish.attestation")
SLSA_SAMPLE = next(one for one in SAMPLES if one.name == "pypi_attestations-0.0.19.tar.gz.slsa.attestation")


def attestation(value: Mapping[str, Any]) -> Attestation:
    return read(json.dumps(value))


@pytest.fixture(scope="session")
def public() -> Checker:
    """Believes the public-good instance, as shipped."""
    root = public_good()
    return Checker(lambda: [root])


@pytest.fixture(scope="session")
def sigstore() -> Sigstore:
    return Sigstore()


@pytest.fixture(scope="session")
def own_root(sigstore: Sigstore, tmp_path_factory: pytest.TempPathFactory) -> Root:
    path = tmp_path_factory.mktemp("root") / "trusted_root.json"
    path.write_text(json.dumps(sigstore.trusted_root()))
    return read_root("own", path, dated="2026-06-01")


@pytest.fixture(scope="session")
def private(own_root: Root) -> Checker:
    """Believes the public-good instance, and the one of the test."""
    roots = [public_good(), own_root]
    return Checker(lambda: roots)


def check(checker: Checker, sample: Sample, value: Mapping[str, Any] | None = None) -> Verified:
    return checker.check(
        attestation(sample.attestation if value is None else value), sample.expected, sample.filename, sample.sha256
    )
