# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Questions that the index itself asks of others: the keys of an issuer, the ids of a repository.

Whoever registers an issuer decides whom the index talks to, so the same rules hold for all of it: the issuer's own
certificates, no address outside the public internet unless that was allowed, little time, no redirects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.addresses import is_local_name, is_own, literal, objection
from trustpub.http import Http, Limits, Response
from trustpub.index.kept import Issuer

SECONDS = 5.0
"""For each answer, all in all: a job is waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How this index asks."""

    env: Mapping[str, str]
    """For proxies and certificates."""
    rehearsal: bool = False
    """Issuers may be on this machine, or under ``.test`` wherever that leads."""
    seconds: float = SECONDS

    def http(self, issuer: Issuer) -> Http:
        """Requests on behalf of ``issuer``, with its certificates and its reach."""

        def judge(host: str, address: str) -> str | None:
            if self.rehearsal and is_own(host):
                return None
            if literal(address) is None:  # behind a proxy, with nothing but the name to go by
                return "is a name of a private network" if is_local_name(host) and not issuer.private else None
            return objection(address, private=issuer.private)

        limits = Limits(judge=judge, seconds=self.seconds)
        return Http(env=self.env, ca_text=issuer.ca, read_seconds=self.seconds, limits=limits)


def json_of(response: Response) -> Any:
    """The body as JSON; None where it is none."""
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None
