# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Attestations that must be refused: each is genuine but for one thing, and comes with a token that is good.

They come with a file that nobody has published, so that none of them is taken for what is there already; and since all
are refused, it is never published.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from packaging.version import Version

from trustpub.client.files import Distribution, read
from trustpub.errors import Declined
from trustpub.http import Http
from trustpub.packages.names import normalize
from trustpub.printable import printable
from trustpub.proofs.attestation import PUBLISH, STATEMENT_TYPE
from trustpub.protocol.exchange import BURN_PATH, MINT_PATH, read_minted, read_refusal
from trustpub.protocol.upload import ATTESTATIONS, CONTENT, UPLOAD_PATH, form_fields
from trustpub.rehearsal.impostors import Outcome
from trustpub.rehearsal.sigstore import attesting
from trustpub.rehearsal.sigstore.server import LocalSigstore
from trustpub.remote.form import Form
from trustpub.secret import Secret

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_CODE = "invalid-attestation"
_PREFACE = re.compile(r"invalid-attestation: Invalid attestations supplied during upload: (?:\(publish\) )?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Altered:
    """An attestation that is nearly right."""

    name: str
    """In a few words: what is wrong with it."""
    attestation: Mapping[str, Any]
    words: str
    """What a refusal for this very reason says."""


def a_file(folder: Path, name: str, version: str) -> Distribution:
    """A source distribution of the project, of a version that it has not."""
    own = f"{Version(version).public}+altered"
    stem = f"{normalize(name).replace('-', '_')}-{own}"
    path = folder / f"{stem}.tar.gz"
    members = {
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "none"\n',
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {own}\n".encode(),
    }
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members.items():
            entry = tarfile.TarInfo(f"{stem}/{member}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return read(str(path))


def play(
    http: Http, index: str, identity: Callable[[], Secret], sigstore: LocalSigstore, said: Mapping[str, str],
    distribution: Distribution,
) -> tuple[Outcome, ...]:  # fmt: skip
    """Bring each to the index, which must refuse it for what is wrong with it.

    Args:
        http: the way to the index.
        index: its URL.
        identity: identity tokens of the job that may publish.
        sigstore: that the index believes.
        said: what certificates of that job say.
        distribution: from :func:`a_file`.

    Raises:
        Declined: the index gives the job no token.
    """
    token = _token(http, index, identity())
    try:
        return tuple(_bring(http, index, token, distribution, one) for one in _all(sigstore, said, distribution))
    finally:
        http.request("POST", index + BURN_PATH, headers=_JSON, body=_body(token))


def _all(sigstore: LocalSigstore, said: Mapping[str, str], distribution: Distribution) -> Sequence[_Altered]:
    filename, sha256 = distribution.filename, distribution.submission.sha256 or ""
    other_file = hashlib.sha256(b"another file").hexdigest()

    def made(digest: str = sha256, who: Mapping[str, str] = said) -> dict[str, Any]:
        return attesting.attest(sigstore.authority, sigstore.log, who, _statement(filename, digest))

    return (
        _Altered(name="attestation with an altered statement", attestation=_restated(made()), words="it does not hold"),
        _Altered(
            name="attestation of a file of other contents",
            attestation=made(other_file),
            words="a file of this name with other contents",
        ),
        _Altered(name="attestation signed by another key", attestation=_signed_anew(made()), words="it does not hold"),
        _Altered(
            name="attestation by somebody else",
            attestation=made(who=_somebody_else(said)),
            words="its certificate names",
        ),
        _Altered(name="attestation logged at another time", attestation=_moved(made()), words="it does not hold"),
    )


def _statement(filename: str, sha256: str) -> Mapping[str, Any]:
    subject = {"name": filename, "digest": {"sha256": sha256}}
    return {"_type": STATEMENT_TYPE, "subject": [subject], "predicateType": PUBLISH, "predicate": None}


def _restated(attestation: dict[str, Any]) -> Mapping[str, Any]:
    """It says the same in other bytes, which nobody signed."""
    envelope = attestation["envelope"]
    statement = {**json.loads(base64.b64decode(envelope["statement"])), "predicate": {}}
    return {**attestation, "envelope": {**envelope, "statement": _base64(json.dumps(statement).encode())}}


def _signed_anew(attestation: dict[str, Any]) -> Mapping[str, Any]:
    envelope = attestation["envelope"]
    signature = attesting.sign(ec.generate_private_key(ec.SECP256R1()), base64.b64decode(envelope["statement"]))
    return {**attestation, "envelope": {**envelope, "signature": _base64(signature)}}


def _moved(attestation: dict[str, Any]) -> Mapping[str, Any]:
    """The log is said to have taken it in a second later."""
    material = attestation["verification_material"]
    (entry,) = material["transparency_entries"]
    later = {**entry, "integratedTime": str(int(entry["integratedTime"]) + 1)}
    return {**attestation, "verification_material": {**material, "transparency_entries": [later]}}


def _somebody_else(said: Mapping[str, str]) -> Mapping[str, str]:
    """A certificate that another job could have: of another repository, or where there is none, of another account."""
    if "source_repository_uri" in said:
        mine, other = said["source_repository_uri"], f"{said['source_repository_uri']}-impostor"
        return {name: value.replace(mine, other) for name, value in said.items()}
    if "email" in said:
        return {**said, "email": f"not-{said['email']}"}
    return {**said, "token_subject": f"{said['token_subject']}-impostor"}


def _bring(http: Http, index: str, token: Secret, distribution: Distribution, altered: _Altered) -> Outcome:
    fields = [*form_fields(distribution.submission), (ATTESTATIONS, json.dumps([altered.attestation]))]
    body = Form(
        fields, file_field=CONTENT, filename=distribution.filename, path=distribution.path, size=distribution.size
    )
    pair = base64.b64encode(f"__token__:{token.reveal()}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Accept": "application/json"}
    response = http.request("POST", index + UPLOAD_PATH, headers=headers, body=body)
    if response.status == 200:
        return Outcome(name=altered.name, refused=False, reason="the index took the file")
    refusal = read_refusal(response.status, response.body)
    told = "; ".join(f"{code}: {text}" for code, text in refusal.reasons) or f"status {response.status}"
    codes = [code for code, _ in refusal.reasons]
    right = response.status == 400 and codes == [_CODE] and altered.words in told.lower()
    if not right:
        wrong = f"refused for another reason: wanted {_CODE} to say {altered.words!r} ({told})"
        return Outcome(name=altered.name, refused=False, reason=printable(wrong, 400))
    return Outcome(name=altered.name, refused=True, reason=printable(_PREFACE.sub("", told), 400))


def _token(http: Http, index: str, identity: Secret) -> Secret:
    response = http.request("POST", index + MINT_PATH, headers=_JSON, body=_body(identity))
    if response.status != 200:
        raise Declined(f"The job that published gets no other token ({response.status}), so no attestation was tried.")
    return read_minted(response.body).token


def _body(token: Secret) -> bytes:
    return json.dumps({"token": token.reveal()}).encode()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
