# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The environment does not let this tag or branch in."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="protection-rules",
    title="The environment does not let this tag or branch in",
    cause="Its rules name branches where a tag is deployed, or a pattern that the tag does not fit.",
    fix=("In the environment's settings allow tags, with the pattern of your releases, as v*; the rule's type is tag."),
    says=(r"not allowed to deploy to .{1,100} due to environment protection rules",),
    rules=("TP153",),
)
