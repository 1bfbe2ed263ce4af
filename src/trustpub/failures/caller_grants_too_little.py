# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The calling workflow grants less than the called one asks for."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="caller-grants-too-little",
    title="The calling workflow grants less than the called one asks for",
    cause=(
        "The permissions of a called workflow cannot be more than those of the job that calls it, so the run "
        "ends before it begins."
    ),
    fix="Put `permissions: id-token: write` on the job that has `uses:`.",
    says=(r"is requesting .?id-token: write.{0,60}only allowed",),
    rules=("TP202",),
)
