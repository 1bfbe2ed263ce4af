# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The tool that uploads does not know the metadata of the files."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="metadata-too-new",
    title="The tool that uploads does not know the metadata of the files",
    cause=(
        "Nothing is missing: an old twine, or an old publish action with one inside, cannot read metadata 2.3 "
        "or 2.4, which build backends write today."
    ),
    fix="Update the action or twine: pypa/gh-action-pypi-publish 1.12.3, twine 6.1.",
    says=(
        r"metadata is missing required fields",
        r"is not a valid metadata version",
        r"unsupported metadata.version",
    ),
    rules=("TP305",),
)
