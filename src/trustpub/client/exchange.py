# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The exchange, seen from the job: which audience, a token for an identity, and the token given back.

audience ──> (the CI gives an identity token) ──> mint ──> … ──> burn
"""

from __future__ import annotations

import json
import re
from typing import Protocol

from trustpub.ci import unverified
from trustpub.ci.detection import Job
from trustpub.client.indexes import Index, check_audience
from trustpub.client.refusals import refusal, sentences
from trustpub.errors import Declined, NoTrustedPublishing, TrustpubError, Unreachable
from trustpub.http import ATTEMPTS, BUSY, Http, Response
from trustpub.printable import printable
from trustpub.protocol.exchange import (
    AUDIENCE_PATH,
    BURN_PATH,
    MINT_PATH,
    UPLOAD,
    BadBody,
    Minted,
    read_audience,
    read_minted,
)
from trustpub.secret import Secret

SHOWN_CLAIMS = (
    ("repository", "repository_owner_id", "job_workflow_ref", "environment", "ref", "event_name"),
    ("ci_config_ref_uri", "project_path", "project_id", "namespace_id", "environment", "ref_path", "pipeline_source"),
    ("email", "email_verified", "sub"),
    ("iss", "sub"),
)
"""What a person compares with the publisher that is registered: for each CI the claim that tells it, and others."""

_ABSENT = frozenset({404, 405, 406, 410, 501})
"""Statuses of a server that does not know the endpoint."""
_TOKEN = re.compile(r"[!-~]{1,16384}\Z")
_JSON = {"Accept": "application/json, application/problem+json"}


class Listener(Protocol):
    """Who is told how an exchange goes."""

    def mask(self, secret: Secret) -> None:
        """``secret`` exists from now on; keep it out of every log. Called before anything else is said about it."""

    def step(self, text: str) -> None:
        """Something was done."""


def obtain(http: Http, index: Index, job: Job, listener: Listener, *, scope: str = UPLOAD) -> Minted:
    """A token for ``index`` as whom ``job`` is, for uploads unless ``scope`` says that it shall read.

    The caller masks it, and gives it back.

    Raises:
        TrustpubError: those of :func:`audience`, of :func:`mint` and of the job's CI.
    """
    asked = audience(http, index)
    listener.step(f"{index.origin} asks for the audience {asked}")
    identity = job.identity_token(http, asked)
    listener.mask(identity)
    listener.step(f"{job.name} vouches for this job")
    return mint(http, index, identity, scope=scope)


def audience(http: Http, index: Index) -> str:
    """The audience that identity tokens for ``index`` must have; known to be nobody else's.

    Raises:
        NoTrustedPublishing: the index does not offer it.
        Declined: the audience is somebody else's (:func:`~trustpub.client.indexes.check_audience`).
        Unreachable: the index fails.
    """
    response = http.request("GET", index.origin + AUDIENCE_PATH, headers=_JSON, attempts=ATTEMPTS)
    if response.status in BUSY or response.status >= 500:
        raise Unreachable(_failing(index, response))
    if response.status in _ABSENT:
        raise _not_offered(index)
    if response.status != 200:
        raise NoTrustedPublishing(_told(f"{index.origin} offers no Trusted Publishing", response))
    try:
        asked = read_audience(response.body)
    except BadBody:
        raise _not_offered(index) from None
    check_audience(index, asked)
    return asked


def mint(http: Http, index: Index, identity: Secret, *, scope: str = UPLOAD) -> Minted:
    """A token of this scope for the identity that ``identity``, a JSON Web Token, proves.

    Raises:
        Declined: the index does not trust this identity; the message has its reasons and what the identity says. Or
            it knows no scopes, and gave a token that can do more than was asked for, which it was given back.
        NoTrustedPublishing: there is no such endpoint.
        Unreachable: the index fails, or answers with something else.
    """
    response = _post(http, index, MINT_PATH, identity, attempts=ATTEMPTS, scope=scope)
    if response.status in BUSY or response.status >= 500:
        raise Unreachable(_failing(index, response))
    if response.status in _ABSENT:
        raise _not_offered(index)
    if response.status not in (200, 201):
        raise Declined(
            "\n".join([_told(f"{index.origin} gives no token", response), *_own_claims(identity)]),
            hint="Compare this with the publisher that is registered for the project on the index.",
        )
    try:
        minted = read_minted(response.body)
    except BadBody as error:
        raise Unreachable(f"{index.origin} answers without a token ({error}).") from None
    if not _TOKEN.match(minted.token.reveal()):
        # It is going into a header, a log command and a file of a CI: a line break there would be an injection.
        raise Unreachable(f"{index.origin} answers with a token that is not one line of printable ASCII.")
    if minted.scope != scope:
        burn(http, index, minted.token)
        raise Declined(f"{index.origin} gave a token that is for something else than to {scope}; it was given back.")
    return minted


def burn(http: Http, index: Index, token: Secret) -> str | None:
    """Give ``token`` back, so that it is good for nothing more.

    Never fails, since a release is no worse for it: returns a warning in words, or None if all went well.
    """
    try:
        response = _post(http, index, BURN_PATH, token, attempts=2)
    except TrustpubError as error:
        return f"The upload token was not given back and stays valid until it expires: {error.message}"
    if 200 <= response.status < 300:
        return None
    if response.status in _ABSENT:
        return f"{index.origin} takes no token back; this one stays valid until it expires."
    return f"{index.origin} did not take the upload token back ({response.status}); it stays valid until it expires."


def _post(http: Http, index: Index, path: str, token: Secret, *, attempts: int, scope: str = UPLOAD) -> Response:
    # Not a word of what goes without saying: an index may refuse what it does not know.
    wish = {} if scope == UPLOAD else {"scope": scope}
    body = json.dumps({"token": token.reveal(), **wish}).encode()
    headers = {**_JSON, "Content-Type": "application/json"}
    return http.request("POST", index.origin + path, headers=headers, body=body, attempts=attempts)


def _not_offered(index: Index) -> NoTrustedPublishing:
    return NoTrustedPublishing(
        f"{index.origin} is an index without Trusted Publishing: it has no {AUDIENCE_PATH} that answers.",
        hint="Check the address: the exchange is looked for at the root of the upload URL's host.",
    )


def _failing(index: Index, response: Response) -> str:
    return _told(f"{index.origin} fails", response)


def _told(what: str, response: Response) -> str:
    return "\n".join([f"{what} ({response.status}):", *(f"  {line}" for line in sentences(refusal(response)))])


def _own_claims(identity: Secret) -> list[str]:
    claims = unverified.claims(identity)
    names = next((names for names in SHOWN_CLAIMS if names[0] in claims), SHOWN_CLAIMS[-1])
    shown = ["This job's identity says:"]
    for name in names:
        value = claims.get(name)
        shown.append(f"  {name}: {'(none)' if value in (None, '') else printable(str(value), 300)}")
    return shown
