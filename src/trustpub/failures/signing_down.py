# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Sigstore could not be reached, or refused."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="signing-down",
    title="Sigstore could not be reached, or refused",
    cause=(
        "Signing needs a certificate (Fulcio) and an entry in a public log (Rekor), each of which may fail; an "
        "identity token that is too old is refused too."
    ),
    fix="Try again. `--attestations auto` publishes without them when Sigstore is down, `required` stops.",
    says=(
        r"rekor.{0,100}(?:50\d|timed? ?out|unavailable|bad gateway)",
        r"fulcio.{0,100}(?:50\d|timed? ?out|unavailable|bad gateway)",
        r"failed to refresh tuf metadata",
        r"attestation generation failure",
    ),
)
