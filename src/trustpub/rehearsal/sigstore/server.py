# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A whole Sigstore on this machine: authority (Fulcio), log (Rekor version 1) and timestamps, behind one port.

Sigstore's own clients work with it unchanged. It is for rehearsals and tests: its keys live as long as it does, and it
believes exactly the issuers that it was told, by the keys that it was given with them. It never asks an issuer.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from trustpub.rehearsal.listening import Asked, Listening, Reply
from trustpub.rehearsal.sigstore import identities
from trustpub.rehearsal.sigstore.authority import AGE, Authority, key_id, public_bytes
from trustpub.rehearsal.sigstore.der import BadDer
from trustpub.rehearsal.sigstore.log import BadEntry, Known, Log
from trustpub.rehearsal.sigstore.stamps import QUERY_TYPE, REPLY_TYPE, Stamps
from trustpub.trust.claims import MalformedToken, peek

AUDIENCE = "sigstore"
"""What identity tokens for the public instance say; ours takes it too."""
CERTIFICATE_PATH = "/api/v2/signingCert"
ENTRIES_PATH = "/api/v1/log/entries"
STAMP_PATH = "/api/v1/timestamp"

_ALGORITHMS = ("RS256", "ES256")
_LEEWAY_SECONDS = 5
_CONFIG = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
_TRUSTED = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
_SIGNING = "application/vnd.dev.sigstore.signingconfig.v0.2+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Believed:
    """An issuer, as it was told."""

    kind: str
    keys: KeySet


class Refused(Exception):
    """A request that is turned down. The message goes to whoever sent it."""


class LocalSigstore(Listening):
    """One instance, listening on loopback from the moment it is made until :meth:`close`."""

    def __init__(self, *, clock: Callable[[], float] = time.time, audiences: Sequence[str] = (AUDIENCE,)) -> None:
        """``clock``: Unix time. ``audiences``: what identity tokens may be for."""
        super().__init__()
        self._clock = clock
        began = datetime.fromtimestamp(clock(), UTC) - AGE
        self._start = began.strftime("%Y-%m-%dT%H:%M:%SZ")
        self._audiences = frozenset(audiences)
        self._issuers: dict[str, _Believed] = {}
        self.url = self.origin
        host = self.origin.removeprefix("http://")
        self.authority = Authority(f"sigstore of {host}", clock)
        self.log = Log(host, clock)
        self.stamps = Stamps(f"sigstore of {host}", clock)
        self.begin()

    def believe(self, issuer: str, kind: str, jwks: Mapping[str, Any]) -> None:
        """Give certificates to jobs that ``issuer`` vouches for with these keys (RFC 7517); see :mod:`.identities`."""
        self._issuers[issuer] = _Believed(kind=kind, keys=KeySet.import_key_set({"keys": list(jwks["keys"])}))

    def trusted_root(self) -> Mapping[str, Any]:
        """Whom to believe, as ``trusted_root.json``."""
        return trusted_root(self.url, self.authority, self.log, self.stamps, start=self._start)

    def trust_config(self, *, stamped: bool = False) -> Mapping[str, Any]:
        """All that a client needs, as ``sigstore --trust-config`` takes it.

        ``stamped``: have clients get a timestamp for each signature, too. A PEP 740 attestation has no place for it.
        """

        def service(path: str = "") -> list[Mapping[str, Any]]:
            one = {"url": self.url + path, "majorApiVersion": 1, "validFor": {"start": self._start}, "operator": "here"}
            return [one]

        signing = {
            "mediaType": _SIGNING,
            "caUrls": service(),
            "oidcUrls": service(),
            "rekorTlogUrls": service(),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": service(STAMP_PATH) if stamped else [],
            "tsaConfig": {"selector": "ANY"},
        }
        return {"mediaType": _CONFIG, "trustedRoot": self.trusted_root(), "signingConfig": signing}

    def reply(self, asked: Asked) -> Reply:
        """What is said to a request."""
        wanted = (asked.method, asked.path)
        try:
            if wanted == ("POST", CERTIFICATE_PATH):
                return _json(201, self._certify(asked.bearer, asked.body))
            if wanted == ("POST", ENTRIES_PATH):
                return self._propose(asked.body)
            if asked.method == "GET" and asked.path.startswith(f"{ENTRIES_PATH}/"):
                found = self.log.find(asked.path.rpartition("/")[2])
                return _json(404, _message("there is no such entry")) if found is None else _json(200, found)
            if wanted == ("POST", STAMP_PATH):
                return self._stamp(asked.headers.get("content-type", ""), asked.body)
        except Refused as refused:
            return _json(400, _message(str(refused)))
        return _json(404, _message("there is nothing here"))

    def _certify(self, token: str, body: bytes) -> Mapping[str, Any]:
        """A certificate for the key of a signing request (PKCS #10, RFC 2986), whose signature proves who has it."""
        said = self._identify(token)
        try:
            asked = json.loads(body)["certificateSigningRequest"]
            request = x509.load_pem_x509_csr(base64.b64decode(asked, validate=True))
            key = request.public_key()
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refused("the certificate signing request cannot be read") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not request.is_signature_valid:
            raise Refused("the certificate signing request is not signed by its own ECDSA key")
        leaf = self.authority.certificate(key, said)
        chain = [one.public_bytes(Encoding.PEM).decode() for one in (leaf, *self.authority.chain)]
        return {"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}

    def _identify(self, token: str) -> identities.Said:
        try:
            issuer = self._issuers.get(peek(token).issuer)
            if issuer is None:
                raise Refused("the issuer of the identity token is not believed here")
            claims = jwt.decode(token, issuer.keys, algorithms=list(_ALGORITHMS)).claims
        except (MalformedToken, JoseError, ValueError):
            raise Refused("the identity token is not one that its issuer signed") from None
        given = claims.get("aud")
        if not self._audiences.intersection(given if isinstance(given, list) else [given]):
            raise Refused("the identity token is for another audience")
        begins, ends, now = claims.get("nbf", claims.get("iat")), claims.get("exp"), self._clock()
        if not isinstance(begins, int) or not isinstance(ends, int) or not begins - _LEEWAY_SECONDS <= now < ends:
            raise Refused("the identity token is expired, or not valid yet")
        try:
            return identities.said(issuer.kind, claims)
        except identities.BadIdentity as bad:
            raise Refused(str(bad)) from None

    def _propose(self, body: bytes) -> Reply:
        try:
            proposed = json.loads(body)
            return _json(201, self.log.propose(proposed if isinstance(proposed, dict) else {}))
        except Known as known:
            headers = {"Location": f"{ENTRIES_PATH}/{known.uuid}"}
            return Reply(status=409, body=_encoded(_message("an equivalent entry is in the log")), headers=headers)
        except BadEntry as bad:
            raise Refused(str(bad)) from None
        except (ValueError, RecursionError):
            raise Refused("the entry is not JSON") from None

    def _stamp(self, content_type: str, body: bytes) -> Reply:
        if content_type != QUERY_TYPE:
            raise Refused(f"a query is {QUERY_TYPE}")
        try:
            return Reply(status=201, body=self.stamps.reply(body), content_type=REPLY_TYPE)
        except (BadDer, binascii.Error):
            raise Refused("the query cannot be read") from None


def trusted_root(url: str, authority: Authority, log: Log, stamps: Stamps, *, start: str) -> Mapping[str, Any]:
    """Whom to believe, in Sigstore's JSON. ``start``: since when (RFC 3339)."""

    def known(path: str, key: ec.EllipticCurvePrivateKey) -> Mapping[str, Any]:
        public = {"rawBytes": _base64(public_bytes(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
        return {
            "baseUrl": url + path,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {**public, "validFor": {"start": start}},
            "logId": {"keyId": _base64(key_id(key))},
        }

    def above(path: str, chain: Sequence[x509.Certificate]) -> Mapping[str, Any]:
        certificates = [{"rawBytes": _base64(one.public_bytes(Encoding.DER))} for one in chain]
        return {
            "subject": {"organization": "trustpub rehearsal", "commonName": url},
            "uri": url + path,
            "certChain": {"certificates": certificates},
            "validFor": {"start": start},
        }

    return {
        "mediaType": _TRUSTED,
        "tlogs": [known("", log.key)],
        "certificateAuthorities": [above("", authority.chain)],
        "ctlogs": [known("/ct", authority.log_key)],
        "timestampAuthorities": [above(STAMP_PATH, stamps.chain)],
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _message(text: str) -> Mapping[str, Any]:
    return {"code": 3, "message": text}


def _encoded(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()


def _json(status: int, document: Mapping[str, Any]) -> Reply:
    return Reply(status=status, body=_encoded(document))
