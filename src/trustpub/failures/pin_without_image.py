# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The pin of the publish action is no commit that has an image."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="pin-without-image",
    title="The pin of the publish action is no commit that has an image",
    cause=(
        "Its images are named by commits. A tag that is annotated has an id of its own, which pinning tools "
        "take for the commit."
    ),
    fix="Pin the commit: `git ls-remote --tags URL`, the line that ends in ^{}.",
    says=(
        r"manifest unknown",
        r"ghcr\.io/pypa/gh-action-pypi-publish:.{0,80}not found",
    ),
    rules=("TP303",),
)
