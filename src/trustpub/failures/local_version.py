# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The version has a local part."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="local-version",
    title="The version has a local part",
    cause=(
        "The version was made from git, and the checkout had no tag or not enough history, or the tree was "
        "changed during the build."
    ),
    fix="Check out with `fetch-depth: 0`, build from the tag, and leave the tree clean.",
    says=(
        r"use of local versions",
        r"has a local part, which this index does not take",
    ),
    rules=("TP405",),
)
