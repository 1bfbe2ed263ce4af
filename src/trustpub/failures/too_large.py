# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A file or a project is too large for the index."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="too-large",
    title="A file or a project is too large for the index",
    cause="PyPI takes files of up to 100 MB and projects of up to 10 GB; other indexes have limits of their own.",
    fix="Make it smaller, delete old pre-releases, or ask the index for more.",
    says=(
        r"file too large",
        r"project size too large",
        r"413 request entity too large.{0,80}upload\.pypi",
    ),
    rules=("TP407",),
)
