# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The identity token is too old, or not valid yet."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="token-expired",
    title="The identity token is too old, or not valid yet",
    cause=(
        "Identity tokens live for minutes. The job took it too early, waited between, or the clocks of the two "
        "machines differ."
    ),
    fix=(
        "Fetch the identity token right before the exchange, as `trustpub publish` does. On a machine of your "
        "own, set its clock."
    ),
    says=(
        r"identity token (?:has )?expired",
        r"token (?:is|was) issued (?:too|more than)",
        r"expiredidentity",
        r"signature has expired",
    ),
    likely=(r"invalid-token",),
)
