# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What both sides say during the exchange: audience, mint, burn, and refusals.

Paths and success bodies are PyPI's. A refusal is at once an RFC 9457 problem and PyPI's ``errors`` list, because
twine and the PyPI action read only the one, uv shows the other, and PEP 807 asks for the first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trustpub.printable import inert
from trustpub.protocol.scopes import READ, SCOPES, UPLOAD
from trustpub.secret import Secret
from trustpub.trust.mismatch import Mismatch

AUDIENCE_PATH = "/_/oidc/audience"
MINT_PATH = "/_/oidc/mint-token"
OLD_MINT_PATH = "/_/oidc/github/mint-token"
"""Its name before PyPI knew other providers; accepts tokens of every provider."""
BURN_PATH = "/_/oidc/burn-token"
PREFLIGHT_PATH = "/api/v1/preflight"
"""Ours: decides on an identity token as the mint does, and uses nothing up."""

PROBLEMS_PATH = "/problems/"
"""Below it a page about each kind of problem, by its code."""
PROBLEM_TYPE = "application/problem+json"
_MAX_DETAIL = 16_000
_MAX_VALUE = 1000

AUDIENCE = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
"""Audiences that every CI can put into a variable name (GitLab jobs look for ``<AUDIENCE>_ID_TOKEN``)."""


MULTI_USE = "multi-use-token"
"""The feature of a token that uploads any number of files until it expires (PEP 807)."""
SINGLE_USE = "single-use-token"
"""The feature of a token that uploads one file."""
FEATURES = (MULTI_USE, SINGLE_USE)


class BadBody(ValueError):
    """A body that is not what the endpoint takes. The message names the member, never its value."""


class NotJson(BadBody):
    """A body that is no JSON at all: whoever wrote it may never have heard of the endpoint."""


class UnsupportedFeature(BadBody):
    """A mint request for a kind of token that this index does not give out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MintRequest:
    """What a client asks for when it mints (PEP 807)."""

    token: Secret
    """The identity token."""
    single_use: bool = False
    """Whether the minted token shall be good for one upload only."""
    scope: str = UPLOAD
    """:data:`UPLOAD`, or :data:`READ` for one that reads a private index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A refusal on the wire."""

    status: int
    code: str
    """One of PyPI's error codes where it has one, e.g. ``invalid-publisher``."""
    title: str
    detail: str
    mismatches: Sequence[Mismatch] = ()
    retry_after: int | None = None
    """Seconds after which the same request may succeed; sent as ``Retry-After``."""

    @property
    def sentence(self) -> str:
        """The detail, fit for a terminal, a CI's log and its Markdown summary, whatever was sent."""
        return inert(self.detail, _MAX_DETAIL)

    def body(self, public_url: str | None = None) -> dict[str, Any]:
        """Members of RFC 9457 section 3.1, then ``message`` and ``errors`` as PyPI has them.

        ``public_url``: of the index, whose page about this kind of problem is its ``type``.
        """
        body: dict[str, Any] = {
            "type": "about:blank" if public_url is None else f"{public_url}{PROBLEMS_PATH}{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.sentence,
            "message": self.title,
            "errors": [{"code": self.code, "description": self.sentence}],
        }
        if self.mismatches:
            body["mismatches"] = write_mismatches(self.mismatches)
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A token an index gave out."""

    token: Secret
    expires: int | None
    """Unix time; None where the index does not say."""
    scope: str = UPLOAD
    """What it is for. An index that knows nothing of scopes says nothing, and gives tokens for uploads."""

    def body(self) -> dict[str, Any]:
        """The three members that PyPI answers with; and ``scope``, unless it is for uploads like PyPI's."""
        body = {"success": True, "token": self.token.reveal(), "expires": self.expires}
        return body if self.scope == UPLOAD else {**body, "scope": self.scope}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refusal as a client read it, whatever the dialect."""

    status: int
    reasons: Sequence[tuple[str, str]]
    """``(code, description)``, as sent."""
    mismatches: Sequence[Mismatch] = ()


def write_mismatches(mismatches: Sequence[Mismatch]) -> list[dict[str, str | None]]:
    """Fields that differ as they are sent; what came from outside commands nothing where it is shown."""
    return [{"field": one.field, "given": _inert(one.given), "wanted": _inert(one.wanted)} for one in mismatches]


def read_mint(body: bytes) -> MintRequest:
    """What a mint request asks for. Unknown members are ignored, as the Content-Type is.

    ``features`` absent or empty means what PEP 807 gives by default: a token for several uploads. ``scope`` absent
    means a token for uploads.

    Raises:
        UnsupportedFeature: it names a feature that there is not, both at once, or one upload for a token that reads.
        BadBody: it is not a JSON object with a ``token``, or a member has the wrong type.
    """
    document = _request(body)
    token = _token(document)
    features = document.get("features", [])
    if not isinstance(features, list):
        raise BadBody(f"features: is not a list but {_kind(features)}")
    for position, feature in enumerate(features):
        if not isinstance(feature, str):
            raise BadBody(f"features[{position}]: is not a string but {_kind(feature)}")
    for position, feature in enumerate(features):
        if feature not in FEATURES:
            raise UnsupportedFeature(f"features[{position}]: is not a feature of this index; it has {_either()}")
    if set(features) == set(FEATURES):
        raise UnsupportedFeature(f"features: {_either()} exclude each other; ask for one of them")
    scope = _scope(document)
    if scope == READ and SINGLE_USE in features:
        raise UnsupportedFeature(f"features: {SINGLE_USE} is for uploads, and a token of scope '{READ}' makes none")
    return MintRequest(token=token, single_use=SINGLE_USE in features, scope=scope)


def read_token(body: bytes) -> Secret:
    """The ``token`` member of a burn or preflight request. Unknown members are ignored, as the Content-Type is.

    Raises:
        BadBody: there is no such member, or it is not a string.
    """
    return _token(_request(body))


def read_audience(body: bytes) -> str:
    """The audience an index asks for.

    Raises:
        BadBody: the answer is not ``{"audience": "..."}``.
    """
    value = read_object(body).get("audience")
    if not isinstance(value, str) or not value:
        raise BadBody("audience: is missing, empty or not a string")
    return value


def read_minted(body: bytes) -> Minted:
    """The token in a successful mint.

    Raises:
        BadBody: there is none.
    """
    document = read_object(body)
    token, expires = document.get("token"), document.get("expires")
    if not isinstance(token, str) or not token:
        raise BadBody("token: is missing, empty or not a string")
    if expires is not None and (isinstance(expires, bool) or not isinstance(expires, int)):
        raise BadBody(f"expires: is not a whole number but {_kind(expires)}")
    scope = document.get("scope", UPLOAD)
    return Minted(token=Secret(token), expires=expires, scope=scope if isinstance(scope, str) else UPLOAD)


def read_refusal(status: int, body: bytes) -> Refusal:
    """What a refusal says, in PyPI's dialect, RFC 9457's, or a bare ``message``; nothing if it is none of them."""
    try:
        document = read_object(body)
    except BadBody:
        return Refusal(status=status, reasons=())
    reasons = [
        (_line(error.get("code")), _line(error.get("description")))
        for error in _objects(document.get("errors"))
        if error.get("code") or error.get("description")
    ]
    if not reasons and (said := document.get("detail") or document.get("message") or document.get("title")):
        reasons = [(_line(document.get("code")), _line(said))]
    mismatches = [
        Mismatch(field=_line(one.get("field")), given=_optional(one.get("given")), wanted=_optional(one.get("wanted")))
        for one in _objects(document.get("mismatches"))
    ]
    return Refusal(status=status, reasons=reasons, mismatches=mismatches)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that ``body``, an answer, is.

    Raises:
        NotJson: it is no JSON.
        BadBody: it is something else.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise NotJson("the body is not JSON") from None
    return _object(value)


def _inert(value: str | None) -> str | None:
    return None if value is None else inert(value, _MAX_VALUE)


def _either() -> str:
    return " and ".join(FEATURES)


def _scope(document: Mapping[str, Any]) -> str:
    scope = document.get("scope", UPLOAD)
    if not isinstance(scope, str):
        raise BadBody(f"scope: is not a string but {_kind(scope)}")
    if scope not in SCOPES:
        raise BadBody(f"scope: is neither '{UPLOAD}' nor '{READ}'")
    return scope


def _token(document: Mapping[str, Any]) -> Secret:
    if "token" not in document:
        raise BadBody("token: is missing")
    token = document["token"]
    if not isinstance(token, str):
        raise BadBody(f"token: is not a string but {_kind(token)}")
    try:
        token.encode()
    except UnicodeEncodeError:
        raise BadBody("token: is not text; it has half of a surrogate pair") from None
    return Secret(token)


def _request(body: bytes) -> dict[str, Any]:
    """A request's JSON object, read more strictly than an answer: nobody shall take it for something else."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_distinct, parse_constant=_no_constant)
    except BadBody:
        raise
    except UnicodeDecodeError:
        raise BadBody("the body is not JSON in UTF-8") from None
    except (ValueError, RecursionError):
        raise BadBody("the body is not JSON") from None
    return _object(value)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadBody("the body has a member twice")
    return members


def _no_constant(name: str) -> None:
    raise BadBody("the body is not JSON; it has a number that is none")


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadBody(f"the body is not a JSON object but {_kind(value)}")
    return value


def _kind(value: object) -> str:
    names: Mapping[type, str] = {
        type(None): "null", bool: "a boolean", int: "a number", float: "a number",
        str: "a string", list: "a list", dict: "an object",
    }  # fmt: skip
    return names[type(value)]


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _line(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _optional(value: object) -> str | None:
    return None if value is None else _line(value)
