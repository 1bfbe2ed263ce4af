# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an identity token says, read by the job that holds it.

No signature is checked: the job asked its own CI for the token, and only the index has to be convinced. What is read
here serves to catch a token for somebody else, and to show a person what the index was told.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from trustpub.errors import NoIdentity
from trustpub.printable import printable
from trustpub.secret import Secret
from trustpub.trust.claims import MAX_TOKEN_BYTES

_PART = re.compile(r"[A-Za-z0-9_-]+\Z")


def claims(token: Secret, *, hint: str | None = None) -> Mapping[str, Any]:
    """The payload of a JSON Web Token in compact form (RFC 7515 section 3.1); ``hint`` says how to get one.

    Raises:
        NoIdentity: it is none. The message says what is wrong with it, never what it holds.
    """
    text = token.reveal()
    parts = text.split(".")
    if len(text) > MAX_TOKEN_BYTES or len(parts) != 3 or not all(_PART.match(part) for part in parts):
        raise NoIdentity("What this CI gives as an identity token is not a JSON Web Token.", hint=hint)
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise NoIdentity("What this CI gives as an identity token has claims that are not a JSON object.", hint=hint)
    return payload


def checked(token: Secret, audience: str, *, hint: str | None = None) -> Secret:
    """``token``, once it is known to be for ``audience`` and nobody else; ``hint`` says how to get one that is.

    Raises:
        NoIdentity: it is not, or is no token at all.
    """
    given = claims(token, hint=hint).get("aud")
    if given not in (audience, [audience]):
        raise NoIdentity(
            "The identity token this CI gives is not for the audience that was asked for, so it is not shown to "
            "the index.",
            hint=hint,
        )
    return token


class Bound(Protocol):
    """A job whose tokens are all for one audience."""

    @property
    def name(self) -> str:
        """Of the CI, for people."""

    @property
    def fixed_audience(self) -> str | None:
        """The one audience."""


def fixed(job: Bound, audience: str) -> None:
    """Make sure that ``audience`` is the only one that tokens of ``job`` have.

    Whoever asks for a token of that audience knows that it is good elsewhere as well; nobody gets it who asked for one
    of their own.

    Raises:
        NoIdentity: it is another.
    """
    if audience != job.fixed_audience:
        only = printable(job.fixed_audience or "", 256)
        raise NoIdentity(
            f"{job.name} lets no job choose the audience: its tokens are for {only}, and never for "
            f"{printable(audience, 256)}."
        )
