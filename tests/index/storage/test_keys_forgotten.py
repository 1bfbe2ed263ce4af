# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A running index, an issuer whose key leaked, and an administrator beside it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.trust.issuers import PROVIDERS

from .conftest import Ran, Served
from .issuer_site import DISCOVERY, Site, serving

GITHUB = PROVIDERS["github"]


def mint(index: Served, issuer: Site, key: RSAKey) -> tuple[int, dict[str, Any], dict[str, str]]:
    now = int(time.time())
    claims = {
        **GITHUB.example_claims, "iss": issuer.url, "aud": index.told["audience"], "jti": str(uuid.uuid4()),
        "iat": now, "nbf": now, "exp": now + 300,
    }  # fmt: skip
    token = jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "JWT"}, claims, key)
    request = urllib.request.Request(index.url + "/_/oidc/mint-token", data=json.dumps({"token": token}).encode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), dict(error.headers)


def test_after_forget_keys_the_next_mint_asks_anew_and_a_withdrawn_key_is_refused(
    serve: Callable[..., Served], trustpub: Callable[..., Ran]
) -> None:
    leaked, kept = (RSAKey.generate_key(2048, {"kid": kid}, private=True) for kid in ("leaked", "kept"))
    index = serve("--rehearsal")
    at = ("--data", index.data)
    with serving() as issuer:

        def publish(*keys: RSAKey) -> None:
            issuer.be_issuer()
            issuer.put("/keys", {"keys": [key.as_dict(private=False) for key in keys]})

        publish(leaked, kept)
        fields = [part for name, value in GITHUB.example_fields.items() for part in ("--field", f"{name}={value}")]
        assert trustpub("admin", "issuer", "add", issuer.url, "--kind", "github", *at).code == 0
        added = trustpub(
            "admin", "publisher", "add", "hello", "--pending", "--provider", "github", "--issuer", issuer.url,
            *fields, *at,
        )  # fmt: skip
        assert added.code == 0, added.err
        for key in (leaked, kept):
            status, body, _ = mint(index, issuer, key)
            assert status == 200, body
        publish(kept)
        assert mint(index, issuer, leaked)[0] == 200  # nobody has told the index
        assert issuer.fetches == 1

        forgotten = trustpub("admin", "issuer", "forget-keys", issuer.url, *at)
        assert (forgotten.code, "are forgotten" in forgotten.out) == (0, True), forgotten.err
        status, body, _ = mint(index, issuer, leaked)
        assert (status, body["errors"][0]["code"]) == (422, "invalid-token")
        assert mint(index, issuer, kept)[0] == 200
        assert issuer.asked == [DISCOVERY, "/keys"] * 2

        issuer.pages.clear()
        assert trustpub("admin", "issuer", "forget-keys", issuer.url, *at).code == 0
        status, body, headers = mint(index, issuer, kept)
        assert (status, body["errors"][0]["code"]) == (503, "issuer-unavailable")
        assert 1 <= int(headers["retry-after"]) <= 60
        assert "status 404" not in json.dumps(body)  # why is for those who run the index
        told = trustpub("admin", "events", "--json", *at)
        assert "it answers with status 404" in told.out, told.err
