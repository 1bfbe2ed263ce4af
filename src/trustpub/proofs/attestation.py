# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An attestation (PEP 740): its shape, and what its statement says. No signature is judged here."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.packages.names import file_key
from trustpub.printable import printable

PUBLISH = "https://docs.pypi.org/attestations/publish/v1"
SLSA = "https://slsa.dev/provenance/v1"
PREDICATES: Mapping[str, str] = {PUBLISH: "publish", SLSA: "slsa-provenance"}
"""What an attestation may be about, and a short name for it."""

MAX_BYTES = 64 * 1024
"""Of one attestation's JSON; real ones have 5 to 11 KiB."""
MAX_COUNT = len(PREDICATES)
"""For one file: one of each predicate type."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class BadAttestation(ValueError):
    """An attestation that is not taken. ``code`` names the cause for programs; the message is a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """The parts of an attestation that is of the right shape."""

    original: str
    """Its JSON, character for character as it came."""
    certificate: str
    """DER (RFC 5280) in base64, as the other two."""
    entry: Mapping[str, Any]
    """The one entry of the transparency log, in Sigstore's JSON."""
    payload: str
    """The signed statement."""
    signature: str
    log_id: str
    """Which log has the entry: base64 of the id of its key."""
    predicate_type: str
    subject: str
    """A file's name, as the statement spells it."""
    sha256: str

    @property
    def about(self) -> str:
        """The predicate's short name."""
        return PREDICATES[self.predicate_type]

    def check_file(self, filename: str, sha256: str) -> None:
        """That it is about this file.

        Raises:
            BadAttestation: it is about another.
        """
        # Spelled alike is the rule, and the reading of names costs more than all else here.
        if self.subject != filename and file_key(self.subject) != file_key(filename):
            raise BadAttestation("subject", f"It was made for a file named {printable(self.subject, 240)!r}.")
        if self.sha256 != sha256:
            raise BadAttestation("digest", "It was made for a file of this name with other contents.")


def read_all(text: str) -> list[Attestation]:
    """The attestations in a JSON array, as the upload form has it.

    Raises:
        BadAttestation: it is no such array, is empty, has two of one predicate type, or one is not of the shape.
    """
    found = [_read(original, value) for original, value in split(text)]
    if not found:
        raise BadAttestation("empty", "The list of attestations is empty.")
    kinds = [one.predicate_type for one in found]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise BadAttestation("repeated", f"There is more than one attestation of the type {kind}.")
    return found


def split(text: str) -> list[tuple[str, Any]]:
    """The members of a JSON array, each as it stands in ``text`` and as what it means.

    Raises:
        BadAttestation: it is no array, or has more members than anybody may send.
    """
    if len(text) > MAX_COUNT * (MAX_BYTES + 1024):
        raise BadAttestation("too-large", f"There are more than {MAX_COUNT} times {MAX_BYTES} characters.")
    members: list[tuple[str, Any]] = []
    at = _blank(text, 0)
    if text[at : at + 1] != "[":
        raise BadAttestation("json", _NO_ARRAY)
    try:
        at = _blank(text, at + 1)
        more = text[at : at + 1] != "]"
        while more:
            if len(members) == MAX_COUNT:
                raise BadAttestation("too-many", f"There are more than {MAX_COUNT} attestations.")
            value, end = _JSON.raw_decode(text, at)
            members.append((text[at:end], value))
            at = _blank(text, end)
            more = text[at : at + 1] == ","
            at = _blank(text, at + 1) if more else at
    except BadAttestation:
        raise
    except (ValueError, RecursionError):
        raise BadAttestation("json", _NO_JSON) from None
    if text[at:].rstrip(_SPACE) != "]":
        raise BadAttestation("json", _NO_ARRAY)
    return members


def read(text: str) -> Attestation:
    """One attestation.

    Raises:
        BadAttestation: it is too large or not of the shape, has more or less than one log entry, or its statement is
            not about one file and of a predicate type that is taken.
    """
    _check_size(text)
    return _read(text, load(text))


def _read(text: str, decoded: Any) -> Attestation:
    _check_size(text)
    value = _object(decoded, "It")
    version = value.get("version")
    if version != 1 or isinstance(version, bool | float):
        raise BadAttestation("version", "Its `version` is not 1.")
    material = _object(value.get("verification_material"), "Its `verification_material`")
    envelope = _object(value.get("envelope"), "Its `envelope`")
    entries = material.get("transparency_entries")
    if not isinstance(entries, list) or len(entries) != 1:
        raise BadAttestation("log-entries", "It does not have exactly one entry of a transparency log.")
    entry = _object(entries[0], "Its log entry")
    log_id = _object(entry.get("logId"), "Its log entry's `logId`").get("keyId")
    if not isinstance(log_id, str):
        raise BadAttestation("log-id", "Its log entry does not say which log it is in.")
    _check_signed_time(entry)
    subject, sha256, predicate_type = _statement(_base64(envelope, "statement"))
    _base64(material, "certificate")
    _base64(envelope, "signature")
    return Attestation(
        original=text,
        certificate=material["certificate"],
        entry=entry,
        payload=envelope["statement"],
        signature=envelope["signature"],
        log_id=log_id,
        predicate_type=predicate_type,
        subject=subject,
        sha256=sha256,
    )


def _check_size(text: str) -> None:
    if len(text) > MAX_BYTES or (not text.isascii() and len(text.encode(errors="replace")) > MAX_BYTES):
        raise BadAttestation("too-large", f"It has more than {MAX_BYTES} bytes.")


def _check_signed_time(entry: Mapping[str, Any]) -> None:
    if not entry.get("inclusionPromise"):
        raise BadAttestation(
            "signed-time",
            "Its log entry has no signed time (no inclusion promise), so that nobody can know whether the certificate "
            "was still good. Entries of Rekor version 2 are like that: sign with version 1.",
        )


def _statement(payload: bytes) -> tuple[str, str, str]:
    """Name and SHA-256 of the one subject, and the predicate type (in-toto attestation framework, Statement v1)."""
    try:
        value = _object(load(payload.decode()), "Its statement")
    except UnicodeDecodeError:
        raise BadAttestation("statement", "Its statement is not UTF-8.") from None
    if value.get("_type") != STATEMENT_TYPE:
        raise BadAttestation("statement", f"Its statement is not of the type {STATEMENT_TYPE}.")
    predicate_type, predicate = value.get("predicateType"), value.get("predicate")
    if not isinstance(predicate_type, str) or predicate_type not in PREDICATES:
        raise BadAttestation("predicate-type", f"Its predicate type is neither {PUBLISH} nor {SLSA}.")
    if predicate_type == PUBLISH and predicate not in (None, {}):
        raise BadAttestation("predicate", "A publish attestation has no predicate: `{}` or `null`.")
    subjects = value.get("subject")
    if not isinstance(subjects, list) or len(subjects) != 1:
        raise BadAttestation("subjects", "Its statement is not about exactly one file.")
    subject = _object(subjects[0], "Its subject")
    name, digest = subject.get("name"), _object(subject.get("digest"), "Its subject's `digest`").get("sha256")
    if not isinstance(name, str) or not name:
        raise BadAttestation("subject", "Its subject has no name.")
    if not isinstance(digest, str) or not _SHA256.match(digest):
        raise BadAttestation("digest", "Its subject has no `sha256` digest in lower-case hexadecimal.")
    return name, digest, predicate_type


def _object(value: Any, told: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadAttestation("shape", f"{told} is not a JSON object.")
    return value


def _base64(holder: Mapping[str, Any], name: str) -> bytes:
    value = holder.get(name)
    try:
        decoded = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except ValueError:
        decoded = b""
    if not decoded:
        raise BadAttestation("shape", f"Its `{name}` is not base64.")
    return decoded


def load(text: str) -> Any:
    """A JSON value in which no object names a member twice.

    Raises:
        BadAttestation: it is none.
    """
    try:
        return _JSON.decode(text)
    except (ValueError, RecursionError):
        raise BadAttestation("json", _NO_JSON) from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a member is named twice")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_constant)
_SPACE = " \t\r\n"
_NO_JSON = "It is not JSON, or names a member twice."
_NO_ARRAY = "It is not a JSON array."


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
