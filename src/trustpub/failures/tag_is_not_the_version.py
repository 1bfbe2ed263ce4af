# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The tag and the version in the files differ."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="tag-is-not-the-version",
    title="The tag and the version in the files differ",
    cause="The version stands in a file that was not changed before the tag was made.",
    fix=(
        'Compare the two in the job that builds, so that it fails there: `tag = "v{version}"` in '
        "[tool.trustpub] makes trustpub do it."
    ),
    says=(
        r"tag .{1,100} does not match .{0,40}version",
        r"version .{1,100} does not match .{0,40}tag",
    ),
    rules=("TP406",),
)
