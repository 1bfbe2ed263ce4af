# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Attestations of a rehearsal: a Sigstore for it, what a job needs to sign, and the proof from what the index serves.

The job signs, the index verifies, and here the provenance is verified once more, offline, as whoever installs would:
by sigstore's own verifier, and for the job that was played rather than for whom the index names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from trustpub.ci import gitlab
from trustpub.client.attesting import audience_of
from trustpub.errors import Declined
from trustpub.http import Http
from trustpub.proofs.attestation import BadAttestation
from trustpub.proofs.expected import of_run
from trustpub.proofs.listing import Index
from trustpub.proofs.provenance import judge, read_document
from trustpub.proofs.root import read_root
from trustpub.proofs.verify import Checker
from trustpub.rehearsal.building import Release
from trustpub.rehearsal.emulated.issuer import Issuer, Workload
from trustpub.rehearsal.index import ThrowawayIndex
from trustpub.rehearsal.sigstore.server import LocalSigstore

SIGNS = ("github", "gitlab", "google", "circleci", "buildkite", "jenkins", "forgejo")
"""Kinds of providers whose jobs have an identity token for signing beside the one for the index."""
_IN_VARIABLES = ("gitlab", "jenkins")
"""Those that put each token into a variable when the job starts; with the others a job asks for it."""
AUDIENCES = (audience_of("localhost"), audience_of("127.0.0.1"))
"""Of identity tokens for signing, since the index is on this machine."""


def write_config(sigstore: LocalSigstore, folder: Path) -> Path:
    """Write the trust configuration of an instance into ``folder``. Returns its path."""
    path = folder / "sigstore.json"
    path.write_text(json.dumps(sigstore.trust_config()), "utf-8")
    return path


def variables(kind: str, issuer: Issuer, identity: Workload, index: ThrowawayIndex) -> Mapping[str, str]:
    """What the CI adds to the environment of a job that signs."""
    if kind not in _IN_VARIABLES:
        return {}
    audience = audience_of(urlsplit(index.url).hostname or "")
    # Not among those that the job was given: what an impostor replays is the one for the index.
    return {gitlab.variables(audience)[0]: issuer.token(identity, audience).reveal()}


def prove(
    index: ThrowawayIndex, release: Release, trust_config: Path, *, kind: str, issuer: Issuer, identity: Workload
) -> int:
    """Verify the provenance of each file that ``release`` has, as the index serves it. Returns how many there are.

    Raises:
        Declined: a file has none, or one that does not hold, or is of somebody else.
    """
    said = {name: value for name, value in identity.claims(issuer.url).items() if isinstance(value, str)}
    demands = of_run(kind, issuer.url, said).demands
    root = trust_config.with_name("trusted_root.json")
    root.write_text(json.dumps(json.loads(trust_config.read_text("utf-8"))["trustedRoot"]), "utf-8")
    believed = [read_root("rehearsal", root, dated="")]
    checker = Checker(lambda: believed)
    with Http(env={}, ca=str(index.ca)) as http:
        asked = Index(http, f"{index.url}/simple/")
        for file in release.files:
            name = file.path.name
            text = asked.provenance(asked.listed(name), everything=True)
            try:
                judge(checker, read_document(text), name, file.sha256, demands)
            except BadAttestation as bad:
                raise Declined(f"The provenance of {name} that the index serves does not hold. {bad.message}") from None
    return len(release.files)
