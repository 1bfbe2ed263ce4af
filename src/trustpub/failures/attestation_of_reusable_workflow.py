# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The attestation names the calling workflow, the publisher the called one."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="attestation-of-reusable-workflow",
    title="The attestation names the calling workflow, the publisher the called one",
    cause=(
        "Sigstore's certificate names the workflow that was started. PyPI expects the one that the publisher is "
        "registered for, which for the token is the called one: no registration satisfies both."
    ),
    fix="Move the job that uploads into the workflow that is started. Switching attestations off only hides it.",
    says=(
        r"build config uri .* does not match expected trusted publisher",
        r"0 of 2 policies succeeded",
    ),
    rules=(
        "TP106",
        "TP308",
    ),
)
