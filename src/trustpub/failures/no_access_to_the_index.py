# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who could mend it has no access to the index."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="no-access-to-the-index",
    title="Who could mend it has no access to the index",
    cause=(
        "Publishers are registered by owners of the project on the index, who may be other people than those "
        "who maintain its repository."
    ),
    fix=(
        "Ask an owner, and hand them the fields that `trustpub whoami` prints. An index that trustpub runs "
        "shows its owners the refused attempt."
    ),
    likely=(
        r"(?:only|ask) (?:an|the) owners? .{0,40}(?:pypi|index|project)",
        r"do not have (?:access|permission) to .{0,40}(?:pypi|project)",
    ),
)
