# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index does not allow this name for a new project."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="name-not-allowed",
    title="The index does not allow this name for a new project",
    cause=(
        "It is too like the name of another project (l, 1 and i, or 0 and o, count as the same), was "
        "prohibited, or is that of a module of Python's. A pending publisher on PyPI does not hold its name."
    ),
    fix="Choose another name, or ask the index for this one.",
    says=(
        r"too similar to an existing project",
        r"the name .{1,120} isn.t allowed",
    ),
    rules=("TP151",),
)
