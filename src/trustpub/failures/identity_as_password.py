# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An identity token was used as an upload token."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="identity-as-password",
    title="An identity token was used as an upload token",
    cause="An identity token says who the job is; it opens nothing. It has to be exchanged at the index first.",
    fix="Leave user name and password away and let the client exchange it, or use `trustpub mint`.",
    says=(
        r"invalid api token: .{0,80}(?:jwt|not a macaroon|unsupported)",
        r"--(?:token|password)[ =].{0,4}(?:PYPI|TESTPYPI)_ID_TOKEN",
        r"\bpassword is an identity token",
    ),
    rules=("TP208",),
)
