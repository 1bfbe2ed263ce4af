# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job whose identity token somebody else fetched: any CI at all, and whatever gives a file or a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from trustpub.ci import unverified
from trustpub.errors import Misuse, NoIdentity
from trustpub.http import Http
from trustpub.secret import Secret
from trustpub.trust.claims import MAX_TOKEN_BYTES

_HINT = "It must hold one JSON Web Token, on one line, and nothing else."


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A job that has its identity token already."""

    token: Secret
    name: str = "The identity token given"
    renews: bool = False
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """The token as it was given, whatever its audience: whoever gave it chose it, and the index judges it."""
        return self.token


def read(stream: BinaryIO, told: str) -> Given:
    """The job whose identity token ``stream`` holds; ``told`` says in messages where that is.

    Raises:
        Misuse: it holds something else. The message never has any of it.
    """
    content = stream.read(MAX_TOKEN_BYTES + 3)  # the line break that every shell adds may have two bytes
    try:
        text = content.decode("ascii").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""
    if not content.strip():
        raise Misuse(f"{told} is empty.", hint=_HINT)
    token = Secret(text)
    try:
        unverified.claims(token)
    except NoIdentity:
        raise Misuse(f"{told} is not a JSON Web Token.", hint=_HINT) from None
    return Given(token=token)
