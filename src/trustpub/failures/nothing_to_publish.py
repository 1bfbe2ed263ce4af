# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""There are no distributions where they were looked for."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="nothing-to-publish",
    title="There are no distributions where they were looked for",
    cause=(
        "The job that builds and the one that uploads are two machines: what is not handed over as an artifact "
        "is not there. Or it was downloaded elsewhere, into a folder per artifact, or under another name."
    ),
    fix=(
        "Upload `dist/` as one artifact and download it by the same name with `path: dist/`; several with "
        "`merge-multiple: true`."
    ),
    says=(
        r"no python distribution packages to publish",
        r"artifact not found for name",
        r"unable to download artifact",
        r"filenotfounderror.{0,80}dist\b",
        r"unknown distribution format",
        r"there is nothing to publish",
        r"names no file\.",
        r"no files found to publish",
    ),
    rules=(
        "TP401",
        "TP402",
        "TP403",
        "TP404",
    ),
)
