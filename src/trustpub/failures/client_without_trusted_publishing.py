# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The client went on without an identity."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="client-without-trusted-publishing",
    title="The client went on without an identity",
    cause=(
        "uv tries Trusted Publishing by itself and hides why it failed; poetry, flit and hatch have none; twine "
        "has it since 6.1 and only for PyPI's own hosts."
    ),
    fix=("`uv publish --trusted-publishing always`; for the others `trustpub mint -- COMMAND`, or `trustpub publish`."),
    says=(
        r"missing credentials for https?://",
        r"credential not found for username",
        r"username and password are required",
    ),
    likely=(
        r"enter your (?:username|api token)",
        r"could not authenticate|403 .{0,40}invalid or non-existent authentication",
    ),
    rules=(
        "TP206",
        "TP207",
    ),
)
