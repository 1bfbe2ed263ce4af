# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""There is an attestation beside the file already."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="attestation-exists",
    title="There is an attestation beside the file already",
    cause="A step before this one, as for TestPyPI, signed the same files in the same folder.",
    fix="Upload to each index in a job of its own.",
    says=(r"already has a publish attestation",),
    rules=("TP307",),
)
