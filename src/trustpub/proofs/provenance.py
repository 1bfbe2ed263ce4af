# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A provenance document (PEP 740), read by whoever wants to know where a file came from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trustpub.printable import printable
from trustpub.proofs.attestation import Attestation, BadAttestation, load, read
from trustpub.proofs.expected import Demand, Expected, of_publisher
from trustpub.proofs.verify import Checker, Verified

MAX_BYTES = 4 * 1024 * 1024
_MAX_BUNDLES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Attestations of one publisher."""

    publisher: Mapping[str, Any]
    attestations: tuple[Attestation, ...]

    @property
    def kind(self) -> str:
        """The publisher's, fit to be shown."""
        return printable(str(self.publisher.get("kind")), 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What holds of a document."""

    verified: tuple[Verified, ...]
    passed_over: tuple[str, ...]
    """Kinds of publishers of which nobody here knows how they sign."""


def read_document(text: str) -> Sequence[Bundle]:
    """What the document holds.

    Raises:
        BadAttestation: it is none of version 1, is empty, or an attestation in it is not of the shape.
    """
    value = load(text)
    if not isinstance(value, dict) or value.get("version") != 1 or isinstance(value.get("version"), bool):
        raise BadAttestation("document", "It is not a provenance document of version 1 (PEP 740).")
    bundles = value.get("attestation_bundles")
    if not isinstance(bundles, list) or not 0 < len(bundles) <= _MAX_BUNDLES:
        raise BadAttestation("document", "The provenance document has no attestations, or far too many.")
    return [_bundle(one) for one in bundles]


def _bundle(value: Any) -> Bundle:
    publisher = value.get("publisher") if isinstance(value, dict) else None
    attestations = value.get("attestations") if isinstance(value, dict) else None
    if not isinstance(publisher, dict) or not isinstance(attestations, list) or not attestations:
        raise BadAttestation("document", "A bundle in the provenance document has no publisher or no attestation.")
    return Bundle(publisher=publisher, attestations=tuple(read(json.dumps(one)) for one in attestations))


def judge(
    checker: Checker, bundles: Sequence[Bundle], filename: str, sha256: str, wanted: Sequence[Demand] = ()
) -> Judgement:
    """That every attestation of a known kind of publisher holds, and at least one is there.

    Args:
        checker: with the roots to believe.
        bundles: from :func:`read_document`.
        filename: the file's.
        sha256: its digest, hexadecimal.
        wanted: what at least one bundle's certificates must say, beside being their publisher's.

    Raises:
        BadAttestation: the first one that does not hold, or none is left.
    """
    verified: list[Verified] = []
    passed_over: list[str] = []
    unwanted: BadAttestation | None = None
    for bundle in bundles:
        try:
            expected = of_publisher(bundle.publisher)
        except BadAttestation as bad:
            if bad.code != "unknown-kind":
                raise
            passed_over.append(bundle.kind)
            continue
        held = [checker.check(one, expected, filename, sha256) for one in bundle.attestations]
        try:
            for one in held:
                _check_wanted(one, wanted)
        except BadAttestation as bad:
            unwanted = bad
            continue
        verified += held
    if not verified:
        kinds = ", ".join(passed_over)
        raise unwanted or BadAttestation("document", f"Nothing is known of how its publishers sign: {kinds}.")
    return Judgement(verified=tuple(verified), passed_over=tuple(passed_over))


def _check_wanted(one: Verified, wanted: Sequence[Demand]) -> None:
    if wanted:
        Expected(demands=tuple(wanted), publisher={}).check(one.signer)
