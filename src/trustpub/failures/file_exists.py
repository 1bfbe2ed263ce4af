# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The index has another file of this name."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="file-exists",
    title="The index has another file of this name",
    cause=(
        "A name is used once, for ever. A first try put some files up, and the second one built them anew, "
        "which made other bytes; or the version was not raised."
    ),
    fix=(
        "Run the failed job again with the files of the first (download the artifact), not with new ones; or "
        "raise the version. `trustpub publish` skips what is there unchanged, and stops before the first upload "
        "where something differs."
    ),
    says=(
        r"file already exists",
        r"only one sdist may be uploaded per release",
        r"this filename has already been used",
    ),
    rules=(
        "TP309",
        "TP406",
    ),
)
