# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How an emulated program asks the emulated provider on this machine."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

SECONDS = 30.0


class Refused(Exception):
    """The provider gave no token; the message says why."""


def ask(url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> str:
    """The member ``token`` of what is answered to ``body``, posted as JSON.

    Raises:
        Refused: there is none, or nobody answers.
    """
    request = urllib.request.Request(  # noqa: S310 - the address of the emulated provider, from the rehearsal itself
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **(headers or {})},
        method="POST",
    )
    # The provider is on this machine, whatever proxies the job is told of.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(f"status {error.code}") from None
    except (OSError, ValueError) as error:
        raise Refused(str(error)) from None
    token = told.get("token") if isinstance(told, dict) else None
    if not isinstance(token, str):
        raise Refused("no token in the answer")
    return token
