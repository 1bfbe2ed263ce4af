# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Asking an index of trustpub's own what an exchange would give, without one (``POST /api/v1/preflight``)."""

from __future__ import annotations

import json

from trustpub.ci.detection import Job
from trustpub.client.exchange import Exchange
from trustpub.client.indexes import Index
from trustpub.errors import Unreachable
from trustpub.http import Http
from trustpub.protocol.exchange import PREFLIGHT_PATH
from trustpub.remote.refusals import refusal, sentences
from trustpub.secret import Secret

_ABSENT = frozenset({404, 405, 406, 501})


class _Quiet:
    """A listener that says nothing: the doctor tells what it found, and no token is shown."""

    def mask(self, secret: Secret) -> None:
        """Nothing of it is printed."""

    def step(self, text: str) -> None:
        """Not said."""


def ask(http: Http, index: Index, job: Job) -> str | None:
    """Why ``index`` would not know ``job``, in a sentence; None: it would.

    Raises:
        Unreachable: the index cannot be asked that: it is none of trustpub's, or fails.
        TrustpubError: those of :meth:`trustpub.client.exchange.Exchange.audience` and of the job's CI.
    """
    audience = Exchange(http, index, job, _Quiet()).audience()
    token = job.identity_token(http, audience)
    answer = http.request(
        "POST",
        index.origin + PREFLIGHT_PATH,
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        body=json.dumps({"token": token.reveal()}).encode(),
    )
    if answer.status in _ABSENT:
        raise Unreachable(f"{index.origin} cannot be asked what it would give to this job.")
    if answer.status >= 500 or answer.status == 429:
        raise Unreachable(f"{index.origin} fails ({answer.status}).")
    return None if answer.status < 300 else "; ".join(sentences(refusal(answer)))
