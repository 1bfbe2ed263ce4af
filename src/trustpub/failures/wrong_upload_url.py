# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""This is not where the index takes uploads."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="wrong-upload-url",
    title="This is not where the index takes uploads",
    cause=(
        "An index is read at one address and takes uploads at another: pypi.org/simple and upload.pypi.org/legacy/."
    ),
    fix="Give the upload URL; for PyPI and TestPyPI leave it away or name them.",
    says=(
        r"413 request entity too large",
        r"is where an index is read, not where files are uploaded",
        r"405 method not allowed",
    ),
    rules=("TP306",),
)
