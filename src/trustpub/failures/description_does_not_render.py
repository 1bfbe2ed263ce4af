# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The long description cannot be shown."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="description-does-not-render",
    title="The long description cannot be shown",
    cause="The index shows the description as what its content type says, and something in it is not that.",
    fix="`trustpub check dist/*` shows the place. Say the content type: text/markdown for README.md.",
    says=(
        r"failed to render description",
        r"description failed to render",
        r"long_description.{0,60}(?:missing|syntax errors|invalid markup)",
    ),
)
