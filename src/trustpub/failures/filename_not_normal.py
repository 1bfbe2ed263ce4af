# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A file is not named as the standards want it."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="filename-not-normal",
    title="A file is not named as the standards want it",
    cause=(
        "Names in files of a release are normalised: lower case, one underscore for every run of ., - and _. An "
        "old build backend, or a file made by hand, has another."
    ),
    fix="Build with a current backend. `trustpub check dist/*` says what each file must be called.",
    says=(
        r"filename .{1,150} is invalid, should be",
        r"start filename for",
        r"wheel not found at",
    ),
    rules=("TP407",),
)
