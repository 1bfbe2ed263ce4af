# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Attestations (PEP 740) that lie beside a distribution, as signing tools leave them.

One that an earlier step left there, of a build that is gone or for another index, is left out and said so: it may not
break this release. No signature is judged here; the index does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from trustpub.client.files import Distribution, Found, LeftOut, digested
from trustpub.errors import Declined
from trustpub.printable import printable
from trustpub.proofs.attestation import MAX_BYTES, PUBLISH, Attestation, BadAttestation, read_all


def complete(found: Found) -> Found:
    """``found`` with the digests of all files, and the attestations that fit them.

    Raises:
        Misuse: a file cannot be read any more, or is another size than it was.
    """
    distributions: list[Distribution] = []
    left_out = [*found.left_out]
    for one in found.distributions:
        distribution, stray = attached(digested(one), found.beside.get(one.filename, ()))
        distributions.append(distribution)
        left_out += stray
    return Found(distributions=distributions, left_out=left_out)


def attached(distribution: Distribution, paths: Sequence[str]) -> tuple[Distribution, list[LeftOut]]:
    """``distribution``, hashed, with the attestations at ``paths`` that were made for it, and those that were not.

    Of two that are about the same thing, the first by name stays: an index takes one of each.
    """
    left_out: list[LeftOut] = []
    kept: dict[str, str] = {}
    for path in sorted(paths):
        try:
            text = _text(path)
            found = read(text, distribution)
        except (OSError, BadAttestation) as error:
            said = error.message if isinstance(error, BadAttestation) else f"It cannot be read: {error.strerror}."
            left_out.append(LeftOut(path=path, reason=f"does not fit: {printable(said, 300)}"))
            continue
        if found.predicate_type in kept:
            left_out.append(LeftOut(path=path, reason="says what another one beside the file says already"))
            continue
        kept[found.predicate_type] = text
    return replace(distribution, attestations=tuple(kept.values())), left_out


def read(text: str, distribution: Distribution) -> Attestation:
    """The attestation whose JSON is ``text``, once it is known to be of the file ``distribution``.

    Raises:
        BadAttestation: it is none, or of another file.
    """
    (found,) = read_all(f"[{text}]")
    found.check_file(distribution.filename, distribution.submission.sha256 or "")
    return found


def with_one(distribution: Distribution, text: str) -> Distribution:
    """``distribution`` with one more attestation, that was just made for it.

    Raises:
        Declined: it does not fit.
    """
    try:
        read(text, distribution)
    except BadAttestation as bad:
        raise Declined(f"The attestation made for {distribution.filename} does not fit it. {bad.message}") from None
    return replace(distribution, attestations=(*distribution.attestations, text))


def says_who(distribution: Distribution) -> bool:
    """Whether one of its attestations says who published it."""
    return any(read(text, distribution).predicate_type == PUBLISH for text in distribution.attestations)


def _text(path: str) -> str:
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise BadAttestation("too-large", f"It has more than {MAX_BYTES} bytes.")
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise BadAttestation("json", "It is not UTF-8.") from None
