# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Files are added to a release that is published already."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="immutable-release",
    title="Files are added to a release that is published already",
    cause="Releases of GitHub may be immutable: what they hold is fixed when they are published.",
    fix=(
        "Make the release with its files in one command (`gh release create TAG FILES`), or as a draft that is "
        "published last; and do not let the upload to the index depend on it."
    ),
    says=(r"cannot upload assets to an immutable release",),
    rules=("TP509",),
)
