# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A stored secret was given, so that the identity was not used."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="password-in-the-way",
    title="A stored secret was given, so that the identity was not used",
    cause=(
        "A password, token or key ring comes before Trusted Publishing in every client; an empty one, as in a "
        "fork, does not, which is why it seems to work there."
    ),
    fix=(
        "Take `password:`, TWINE_PASSWORD, UV_PUBLISH_TOKEN and the like out of the workflow, then delete the "
        "secret and revoke the token on the index."
    ),
    says=(
        r"explicit password was also set",
        r"not allowed when using trusted publishing",
        r"attestations are only supported when using trusted publishing",
    ),
    rules=("TP205",),
)
