# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The exchange, seen from the job: which audience, a token for an identity, and the token given back.

endpoints ──> audience ──> (the CI gives an identity token) ──> mint ──> … ──> burn
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from trustpub.ci import unverified
from trustpub.ci.detection import Job
from trustpub.client.audiences import check_audience
from trustpub.client.endpoints import ACCEPT, Endpoints, find, usual
from trustpub.client.indexes import Index
from trustpub.errors import Declined, Misuse, NoTrustedPublishing, TrustpubError, Unreachable
from trustpub.http import ATTEMPTS, BUSY, Http, Response
from trustpub.printable import inert
from trustpub.protocol.exchange import BadBody, Minted, read_audience, read_minted
from trustpub.protocol.scopes import UPLOAD
from trustpub.remote.refusals import told
from trustpub.secret import Secret

SHOWN_CLAIMS = (
    ("repository", "repository_owner_id", "job_workflow_ref", "environment", "ref", "event_name"),
    ("ci_config_ref_uri", "project_path", "project_id", "namespace_id", "environment", "ref_path", "pipeline_source"),
    ("email", "email_verified", "sub"),
)
"""What a person compares with the publisher that is registered: for the CIs that most use, the claim that tells it, and
others. For any other it is what its provider compares."""

_ABSENT = frozenset({404, 405, 406, 410, 501})
"""Statuses of a server that does not know the endpoint."""
_TOKEN = re.compile(r"[!-~]{1,16384}\Z")


class Listener(Protocol):
    """Who is told how an exchange goes."""

    def mask(self, secret: Secret) -> None:
        """``secret`` exists from now on; keep it out of every log. Called before anything else is said about it."""

    def step(self, text: str) -> None:
        """Something was done."""


class Exchange:
    """The exchange of one job with one index. May be shared by threads.

    Where the index is, and what it asks for, is found out once; every :meth:`mint` shows an identity anew.
    """

    def __init__(
        self,
        http: Http,
        index: Index,
        job: Job,
        listener: Listener,
        *,
        scope: str = UPLOAD,
        shared_audience: str | None = None,
    ) -> None:
        """Nothing is asked yet.

        ``scope`` is what tokens are for. ``shared_audience``: the audience of the CI's tokens, where it has only the
        one for everybody, and the person publishing said that it may be shown to the index all the same.
        """
        self._http = http
        self._index = index
        self._job = job
        self._listener = listener
        self._scope = scope
        self._shared = shared_audience
        self._lock = threading.Lock()
        self._endpoints: Endpoints | None = None
        self._audience: str | None = None

    @property
    def endpoints(self) -> Endpoints:
        """Where the exchange is.

        Raises:
            TrustpubError: those of :func:`trustpub.client.endpoints.find`.
        """
        with self._lock:
            return self._find()

    @property
    def single_use(self) -> bool:
        """Whether every file needs a token of its own: call :meth:`mint` for each.

        Raises:
            TrustpubError: those of :attr:`endpoints`.
        """
        return self.endpoints.single_use

    def audience(self) -> str:
        """The audience that identity tokens for the index must have; known to be nobody else's.

        Raises:
            NoTrustedPublishing: the index does not offer it.
            Declined: the audience is somebody else's (:func:`~trustpub.client.audiences.check_audience`).
            Unreachable: the index fails.
        """
        with self._lock:
            if self._audience is None:
                self._audience = self._ask()
                self._listener.step(f"{self._index.origin} asks for the audience {inert(self._audience)}")
            return self._audience

    def mint(self) -> Minted:
        """A token, for the identity that the CI vouches for now. The caller masks it, and gives it back.

        Raises:
            Declined: the index does not trust this identity; the message has its reasons and what the identity says.
                Or the identity could be used elsewhere too (see :meth:`__init__`), and was not asked for.
            TrustpubError: those of :meth:`audience`, of the job's CI and of the mint endpoint.
        """
        identity = self.identity()  # first: the audience and where the exchange is are asked for side by side
        return _mint(self._http, self._index, self.endpoints, identity, scope=self._scope)

    def identity(self) -> Secret:
        """What the CI vouches with for this job now, to be shown to the index and to nobody else; masked.

        Raises:
            Declined: it could be used elsewhere too (see :meth:`__init__`), and was not asked for.
            TrustpubError: those of :meth:`audience` and of the job's CI.
        """
        identity = self._job.identity_token(self._http, self._wanted())
        self._listener.mask(identity)
        self._listener.step(f"{self._job.name} vouches for this job")
        return identity

    def burn(self, token: Secret) -> str | None:
        """Give ``token`` back, so that it is good for nothing more.

        Never fails, since a release is no worse for it: returns a warning in words, or None if all went well.
        """
        try:
            endpoints = self.endpoints
        except TrustpubError as error:
            return _kept(error.message)
        return _burn(self._http, self._index, endpoints, token)

    def _ask(self) -> str:
        """The audience: asked for at the usual place, while that is looked up to be the place.

        Over a connection of its own, this saves the round trip that discovery costs.
        """
        known = self._endpoints is not None or self._index.built_in
        guess = None if known else _Guess(self._http, usual(self._index).audience_url)
        endpoints = self._find()
        response = guess.answer(endpoints.audience_url) if guess else None
        if response is None:
            response = _get(self._http, endpoints.audience_url, attempts=ATTEMPTS)
        return _audience(self._index, endpoints, response)

    def _find(self) -> Endpoints:
        if self._endpoints is None:
            self._endpoints = find(self._http, self._index)
        return self._endpoints

    def _wanted(self) -> str:
        """The audience of the identity token to ask the CI for."""
        asked, fixed = self.audience(), self._job.fixed_audience
        if self._shared is not None and self._shared != fixed:
            mine = "lets the audience be chosen" if fixed is None else f"gives them for {inert(fixed)}"
            raise Misuse(
                f"--accept-shared-audience names {inert(self._shared)}, which is not the audience of this job's "
                f"identity tokens: {self._job.name} {mine}.",
                hint="Leave the option away." if fixed in (None, asked) else None,
            )
        if fixed is None or fixed == asked:
            return asked
        if self._shared is None:
            raise Declined(
                f"{self._job.name} gives identity tokens for the audience {inert(fixed)} only, and "
                f"{self._index.origin} asks for {inert(asked)}. Whoever gets such a token can use it wherever "
                f"{inert(fixed)} is taken, and be this job there. None was requested.",
                hint="If you trust this index, and whoever runs it, with that: "
                f"--accept-shared-audience {inert(fixed)}",
            )
        return fixed


class _Guess:
    """A question asked ahead of time, in a thread of its own; nobody waits for it unless it was the right one."""

    def __init__(self, http: Http, url: str) -> None:
        self._url = url
        self._response: Response | None = None
        self._thread = threading.Thread(target=self._ask, args=(http,), name="guessing", daemon=True)
        self._thread.start()

    def answer(self, url: str) -> Response | None:
        """What is said at ``url``; None where that was not asked, or is to be asked again."""
        if url != self._url:
            return None
        self._thread.join()
        return self._response

    def _ask(self, http: Http) -> None:
        with contextlib.suppress(TrustpubError):  # who asks again meets it again
            response = _get(http, self._url)
            self._response = None if response.status in BUSY else response


def _get(http: Http, url: str, *, attempts: int = 1) -> Response:
    return http.request("GET", url, headers={"Accept": ACCEPT}, attempts=attempts)


def _audience(index: Index, endpoints: Endpoints, response: Response) -> str:
    if response.status in BUSY or response.status >= 500:
        raise Unreachable(told(f"{index.origin} fails", response))
    if response.status in _ABSENT:
        raise _not_offered(index, endpoints)
    if response.status != 200:
        raise NoTrustedPublishing(told(f"{index.origin} offers no Trusted Publishing", response))
    try:
        asked = read_audience(response.body)
    except BadBody:
        raise _not_offered(index, endpoints) from None
    check_audience(index, asked)
    return asked


def _mint(http: Http, index: Index, endpoints: Endpoints, identity: Secret, *, scope: str) -> Minted:
    # Not a word of what goes without saying: an index may refuse what it does not know.
    wish: dict[str, object] = {} if scope == UPLOAD else {"scope": scope}
    if scope == UPLOAD and endpoints.wish:
        wish["features"] = list(endpoints.wish)
    response = _post(http, endpoints.mint_url, {"token": identity.reveal(), **wish}, attempts=ATTEMPTS)
    if response.status in BUSY or response.status >= 500:
        raise Unreachable(told(f"{index.origin} fails", response))
    if response.status in _ABSENT:
        raise _not_offered(index, endpoints)
    if response.status not in (200, 201):
        raise Declined(
            "\n".join([told(f"{index.origin} gives no token", response), *own_claims(identity)]),
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
        _burn(http, index, endpoints, minted.token)
        raise Declined(f"{index.origin} gave a token that is for something else than to {scope}; it was given back.")
    return minted


def _burn(http: Http, index: Index, endpoints: Endpoints, token: Secret) -> str | None:
    try:
        response = _post(http, endpoints.burn_url, {"token": token.reveal()}, attempts=2)
    except TrustpubError as error:
        return _kept(error.message)
    if 200 <= response.status < 300:
        return None
    if response.status in _ABSENT:
        return f"{index.origin} takes no token back; this one stays valid until it expires."
    return f"{index.origin} did not take the upload token back ({response.status}); it stays valid until it expires."


def _kept(why: str) -> str:
    return f"The upload token was not given back and stays valid until it expires: {why}"


def _post(http: Http, url: str, document: dict[str, object], *, attempts: int) -> Response:
    headers = {"Accept": ACCEPT, "Content-Type": "application/json"}
    return http.request("POST", url, headers=headers, body=json.dumps(document).encode(), attempts=attempts)


def _not_offered(index: Index, endpoints: Endpoints) -> NoTrustedPublishing:
    if endpoints.discovered:
        return NoTrustedPublishing(
            f"{index.origin} says where its Trusted Publishing is, and there nothing answers as it should.",
            hint="Its operator must mend this.",
        )
    where = usual(index).audience_url.removeprefix(index.origin)
    return NoTrustedPublishing(
        f"{index.origin} is an index without Trusted Publishing: it has no {where} that answers.",
        hint="Check the address: the exchange is looked for at the root of the upload URL's host. An index without it "
        "takes no identities; it wants a stored password or token, with which another tool can upload.",
    )


def own_claims(identity: Secret) -> list[str]:
    """What ``identity`` says, as lines for a person who compares it with a publisher."""
    claims = unverified.claims(identity)
    names = next((names for names in SHOWN_CLAIMS if claims.get(names[0])), None) or _compared(claims)
    shown = ["This job's identity says:"]
    for name in names:
        value = claims.get(name)
        shown.append(f"  {inert(name, 100)}: {'(none)' if value in (None, '') else inert(str(value), 300)}")
    return shown


def _compared(claims: Mapping[str, Any]) -> tuple[str, ...]:
    from trustpub.trust.proposal import compared_first, kind_for  # only here: a job that is trusted waits for neither

    compared, _, _ = compared_first(kind_for(str(claims.get("iss", "")), claims), claims)
    return tuple(dict.fromkeys(("iss", "sub", *compared)))
