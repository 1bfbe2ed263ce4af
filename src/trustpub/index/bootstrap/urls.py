# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an index is called: its URL, and its audience."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

from trustpub.addresses import is_loopback
from trustpub.errors import Misuse

FORBIDDEN_AUDIENCES = frozenset({"pypi", "testpypi", "sigstore"})
"""Those of others: an index that took them could replay its users' identity tokens there."""

_PLAIN = re.compile(r"[!-~]+\Z")
"""ASCII without blanks."""


def read_public_url(text: str) -> str:
    """Scheme, host and port of ``text``, as clients will use them.

    Raises:
        Misuse: there is more in it, or plain HTTP to another machine.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not _PLAIN.match(text):
        raise Misuse("The public URL is not https://HOST or https://HOST:PORT.")
    if parts.path not in ("", "/"):
        raise Misuse(
            "The public URL has a path, which clients drop when they ask for a token.",
            hint="Give every index a host name of its own.",
        )
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise Misuse("The public URL has a user, a query or a fragment.")
    if parts.scheme == "http" and not is_loopback(host):
        raise Misuse(
            "The public URL starts with http://, over which anybody could read tokens.",
            hint="Plain HTTP is for this machine only.",
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def new_audience(public_url: str) -> str:
    """An audience that no other index has, in letters that every CI can put into a variable's name."""
    host = re.sub(r"[^a-z0-9]+", "_", (urlsplit(public_url).hostname or "").lower()).strip("_")
    if not host[:1].isalpha():
        host = f"index_{host}"
    return f"{host[:100]}_{secrets.token_hex(8)}"
