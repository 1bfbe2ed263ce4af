# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Checking an attestation as an upload does, beside sigstore's own ``Verifier``, made once and used again."""

from __future__ import annotations

import base64
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy

from trustpub.proofs.attestation import PAYLOAD_TYPE, read_all
from trustpub.proofs.expected import GITHUB, of_run
from trustpub.proofs.root import public_good
from trustpub.proofs.roots import Roots
from trustpub.proofs.verify import Checker

REAL = Path(__file__).parent.parent / "tests/proofs/real"
FILENAME = "pypi_attestations-0.0.19.tar.gz"
SHA256 = "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3"
CLAIMS = {
    "repository": "trailofbits/pypi-attestations",
    "repository_id": "772247423",
    "repository_owner_id": "2314423",
    "workflow_ref": "trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19",
    "ref": "refs/tags/v0.0.19",
}
ROUNDS = 300
WANTED = 1.2
"""Our time as a share of theirs."""


def _ours() -> Callable[[], object]:
    """The form's field in, a verdict out: parsed, compared with the run and with the file, verified."""
    text = f"[{(REAL / f'{FILENAME}.publish.attestation').read_text()}]"
    checker = Checker(Roots(Path("no-such-folder")))

    def act() -> object:
        (attestation,) = read_all(text)
        return checker.check(attestation, of_run("github", GITHUB, CLAIMS), FILENAME, SHA256)

    return act


def _theirs() -> Callable[[], object]:
    """The same as a bundle in Sigstore's own form: parsed and verified for issuer and repository."""
    value = json.loads((REAL / f"{FILENAME}.publish.attestation").read_text())
    material, envelope = value["verification_material"], value["envelope"]
    text = json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": material["certificate"]},
                "tlogEntries": material["transparency_entries"],
            },
            "dsseEnvelope": {
                "payload": base64.b64encode(base64.b64decode(envelope["statement"])).decode(),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": envelope["signature"]}],
            },
        }
    )
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(public_good().path)))
    wanted = policy.AllOf(
        [
            policy.OIDCIssuerV2(GITHUB),
            policy.OIDCSourceRepositoryURI(f"https://github.com/{CLAIMS['repository']}"),
        ]
    )
    return lambda: verifier.verify_dsse(Bundle.from_json(text), wanted)


def run() -> None:
    """In turns, so that whatever else the machine does slows both."""
    acts = {"trustpub": _ours(), "sigstore": _theirs()}
    spent: dict[str, list[float]] = {name: [] for name in acts}
    for act in acts.values():
        act()
    for _ in range(ROUNDS):
        for name, act in acts.items():
            before = time.process_time()
            act()
            spent[name].append((time.process_time() - before) * 1e3)
    # The tenth part that was fastest: what others do on the machine only ever adds.
    least = {name: statistics.quantiles(times, n=10)[0] for name, times in spent.items()}
    print(f"An attestation checked, CPU, {ROUNDS} times in turns")
    for name, times in spent.items():
        print(f"  {name:12} {least[name]:6.2f} ms, median {statistics.median(times):.2f} ms")
    share = least["trustpub"] / least["sigstore"]
    met = "met" if share <= WANTED else "short"
    print(f"target attestation-check-over-verifier measured {share:.2f} wanted {WANTED} {met}")


if __name__ == "__main__":
    run()
