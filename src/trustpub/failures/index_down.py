# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index failed, or took too long."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="index-down",
    title="The index failed, or took too long",
    cause="An error of the server (5xx) or a time-out: not of this project.",
    fix="Try again. `trustpub publish` does by itself, and never uploads a file twice.",
    says=(
        r"50[0234] (?:server error|bad gateway|service unavailable|gateway time-?out|internal server error)",
        r"read timed out",
        r"does not answer in time",
        r"fails \(50\d\)",
    ),
)
