# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index has no Trusted Publishing."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="index-without-trusted-publishing",
    title="The index has no Trusted Publishing",
    cause="It does not answer at /_/oidc/audience: an older server, or one that was never meant to.",
    fix="Use a token of that index, or run one that has it: `trustpub serve`.",
    says=(
        r"is an index without trusted publishing",
        r"404 .{0,60}/_/oidc/audience",
        r"/_/oidc/audience.{0,60}404",
    ),
    rules=("TP306",),
)
