# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Attestations (PEP 740): checked when a file comes in, demanded by a project's policy, served as provenance.

:class:`trustpub.index.upload.Upload` asks :meth:`Attested.check` when the file itself is known to be good, stores what
that returns with the file, and asks :func:`missing` again in the transaction that makes the upload real.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from packaging.version import InvalidVersion, Version

from trustpub.index.kept import File, Project, Provenance, Token
from trustpub.index.ports import Reading, Store
from trustpub.packages.names import normalize
from trustpub.proofs import verify
from trustpub.proofs.attestation import Attestation, BadAttestation, read_all
from trustpub.proofs.expected import Demand, Expected, of_run
from trustpub.proofs.verify import EXTRA, Verified
from trustpub.protocol.exchange import Problem
from trustpub.trust.publishers import Publisher

ALL = "all"
"""The query with which it holds every publisher, of whatever kind."""
PROVENANCE_TYPE = "application/vnd.pypi.integrity.v1+json"
OPTIONAL, REQUIRED, ONCE = "optional", "required", "once"
"""A project's policy: any file may come without; none may; none may once one came with."""
POLICIES = (OPTIONAL, REQUIRED, ONCE)

_TITLE = "Upload refused"


class Check(Protocol):
    """How one attestation is verified: :meth:`trustpub.proofs.verify.Checker.check`."""

    def check(self, attestation: Attestation, expected: Expected, filename: str, sha256: str) -> Verified:
        """Raises BadAttestation where it does not hold."""


class Attested:
    """What this index knows of where files come from."""

    def __init__(self, *, store: Store, checker: Check) -> None:
        self._store = store
        self._checker = checker

    def check(self, texts: Sequence[str], file: File, token: Token) -> Provenance | Problem | None:
        """Verify the attestations that came with ``file``, before it is on the index.

        Args:
            texts: the values of all fields called ``attestations`` of the form.
            file: as its row will be; ``project_id`` may be of a project that does not exist yet.
            token: that of the upload.

        Returns:
            What to store with the file, which is then ``attested`` if there is a ``document``; None where none came
            and none was needed; or why the upload is refused.
        """
        given = [text for text in texts if text.strip()]
        with self._store.read() as reading:
            if not given:
                return missing(reading, reading.project_by_id(file.project_id))
            publisher = reading.publisher(token.publisher_id) if token.publisher_id else None
        if len(given) > 1:
            return _invalid(["the form has more than one field of this name"])
        if not verify.installed():
            return _problem(
                "attestations-unsupported",
                "This index cannot verify attestations, because its administrator did not install what that takes "
                f"({EXTRA}). Upload without them, or ask for it.",
            )
        if publisher is None:
            return _invalid(["they are taken only with a token of Trusted Publishing, which says who must have signed"])
        return self._verify(given[0], file, publisher, token)

    def _verify(self, text: str, file: File, publisher: Publisher, token: Token) -> Provenance | Problem:
        try:
            attestations = read_all(text)
            expected = of_run(publisher.kind, publisher.issuer, token.claims)
        except BadAttestation as bad:
            return _invalid([bad.message])
        verified: list[Verified] = []
        faults: list[str] = []
        for attestation in attestations:
            try:
                verified.append(self._checker.check(attestation, expected, file.filename, file.sha256))
            except BadAttestation as bad:
                faults.append(f"({attestation.about}) {bad.message}")
        if faults:
            return _invalid(faults)
        return Provenance(
            filename=file.filename,
            document=_document(verified, expected),
            everything=_everything(verified, publisher, expected, token),
        )

    def document(self, project: str, version: str, filename: str, *, everything: bool = False) -> bytes | None:
        """The provenance of a file, by its project in any spelling, its version in any spelling and its exact
        name.

        None where there is none to be seen: no such file, one without, or one of a project in quarantine.
        """
        with self._store.read() as reading:
            file, owner = reading.file(filename), reading.project(normalize(project))
            if file is None or owner is None or file.project_id != owner.id or not _same(file.version, version):
                return None
            if file.deleted is not None or owner.pending_until is not None or owner.status == "quarantined":
                return None
            found = reading.provenance(filename)
        text = "" if found is None else found.everything if everything else found.document
        return text.encode() if text else None


def _same(one: str, other: str) -> bool:
    """Whether two texts are one version (PEP 440)."""
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False


def missing(reading: Reading, project: Project | None) -> Problem | None:
    """Why a file may not come to ``project`` without an attestation; None if it may."""
    if project is None or project.attestations == OPTIONAL:
        return None
    if project.attestations == ONCE and not _ever(reading, project):
        return None
    reason = "demands one for every file" if project.attestations == REQUIRED else "has had them before"
    return _problem(
        "attestation-required",
        f"There is no attestation, and the project '{project.name}' {reason}. Sign the file in the job that publishes "
        "it, and upload the attestation with it.",
    )


def _ever(reading: Reading, project: Project) -> bool:
    """Whether a file of the project came with an attestation, also one that only ``?all`` shows, or that is deleted."""
    files = reading.files(project.id, hidden=True)
    return any(file.attested for file in files) or any(reading.provenance(file.filename) for file in files)


def _document(verified: Sequence[Verified], expected: Expected) -> str:
    """PEP 740's provenance object; empty where its readers would not know what to make of it.

    They know publishers of four kinds, take ``GitHub`` and ``GitLab`` for the public issuers, and believe the
    public-good instance of Sigstore alone.
    """
    if not expected.publisher or not all(one.root.public for one in verified):
        return ""
    publisher = {**expected.publisher, "claims": {}}
    return _provenance(publisher, verified)


def _everything(verified: Sequence[Verified], publisher: Publisher, expected: Expected, token: Token) -> str:
    """The same for whatever kind, with the issuer, the ids and what a certificate has to say to be theirs."""
    described: dict[str, Any] = {
        "kind": publisher.kind,
        **expected.publisher,
        "issuer": publisher.issuer,
        "claims": dict(token.claims),
        "signed_as": _signed_as(expected.demands, verified),
        "root": {one.root.name: one.root.sha256 for one in verified},
    }
    return _provenance(described, verified)


def _signed_as(demands: Iterable[Demand], verified: Iterable[Verified]) -> dict[str, str]:
    """What every one of the certificates says, of all that was demanded."""
    shared: dict[str, str] = {}
    for demand in demands:
        said = {one.signer.get(demand.field) for one in verified}
        if len(said) == 1 and (value := said.pop()) is not None:
            shared[demand.field] = value
    return shared


def _provenance(publisher: Mapping[str, Any], verified: Sequence[Verified]) -> str:
    """A provenance object with one bundle, in which the attestations stand as they came."""
    originals = ",".join(one.attestation.original for one in verified)
    return (
        f'{{"version":1,"attestation_bundles":[{{"publisher":{_COMPACT.encode(publisher)},'
        f'"attestations":[{originals}]}}]}}'
    )


_COMPACT = json.JSONEncoder(separators=(",", ":"))


def _invalid(faults: Sequence[str]) -> Problem:
    return _problem("invalid-attestation", f"Invalid attestations supplied during upload: {' '.join(faults)}")


def _problem(code: str, detail: str) -> Problem:
    return Problem(status=400, code=code, title=_TITLE, detail=detail)
