# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""No identity could be had from this CI."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="provider-not-supported",
    title="No identity could be had from this CI",
    cause="The client does not know it, or it gives none.",
    fix=(
        "`trustpub publish` knows eleven; for any other, `--identity-token FILE`. Whether the index believes "
        "its issuer is another question."
    ),
    says=(
        r"no oidc token discovered",
        r"there is no ci job here",
        r"not in a supported trusted publishing environment",
        r"attempted to discover oidc in broken environment",
    ),
    rules=("TP209",),
)
