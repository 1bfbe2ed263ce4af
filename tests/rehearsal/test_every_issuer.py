# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every provider that an index knows, emulated: seen by somebody else's library, and believed by a real index."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import jwt
import pytest

from trustpub.errors import Misuse
from trustpub.http import Http
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.registration import Wanted
from trustpub.protocol.exchange import MINT_PATH, read_refusal
from trustpub.rehearsal import index as indexes
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import ThrowawayIndex
from trustpub.rehearsal.issuers import Described, Issuer, Workload, emulate, example_job
from trustpub.rehearsal.processes import Children
from trustpub.secret import Secret
from trustpub.trust.claims import SignedClaims
from trustpub.trust.issuers import PROVIDERS

KINDS = sorted(kind for kind in PROVIDERS if kind != "generic")
OWN_AUDIENCE = "https://octo-org.ci.test"
"""What all relying parties share of a provider whose jobs cannot choose the audience."""


def get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return cast("dict[str, Any]", json.load(answer))


def claims_of(issuer: Issuer, who: Workload, audience: str) -> dict[str, Any]:
    """After PyJWT found the keys by discovery and checked all it checks."""
    discovery = get(f"{issuer.url}/.well-known/openid-configuration")
    assert discovery["issuer"] == issuer.url
    token = issuer.token(who, audience).reveal()
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    algorithms = discovery["id_token_signing_alg_values_supported"]
    return jwt.decode(token, key, algorithms=algorithms, audience=audience, issuer=issuer.url)


def test_there_is_an_emulation_of_every_kind() -> None:
    for kind in PROVIDERS:
        with emulate(kind, clock=time.time) as issuer:
            assert issuer.url.startswith("http://127.0.0.1:")
    with pytest.raises(KeyError):
        emulate("travis", clock=time.time)


@pytest.mark.parametrize("kind", KINDS)
def test_its_claims_are_those_that_its_provider_is_known_to_make(kind: str) -> None:
    provider = PROVIDERS[kind]
    with emulate(kind, clock=time.time) as issuer:
        claims = claims_of(issuer, example_job(kind), "some_index")
    assert provider.census.unknown(claims) == ()
    assert {name for name in provider.example_claims if name != "jti"} <= set(claims)
    assert issuer.form.algorithm in provider.terms.algorithms
    assert isinstance(claims["aud"], list) == provider.terms.array_audience
    assert claims["exp"] - claims["iat"] <= provider.terms.max_lifetime
    assert "jti" in claims or not provider.has_jti
    identity = provider.identify(SignedClaims(claims))
    assert provider.lookup(provider.spell(provider.example_fields)) in identity.lookups


@pytest.mark.parametrize("kind", KINDS)
def test_two_tokens_that_a_job_asks_for_in_one_second_are_two(kind: str) -> None:
    with emulate(kind, clock=lambda: 1_800_000_000.5) as issuer:
        tokens = {issuer.token(example_job(kind), "some_index").reveal() for _ in range(3)}
    assert len(tokens) == 3


def test_arrays_ecdsa_and_no_jti_are_where_the_providers_have_them() -> None:
    forms = {}
    for kind in KINDS:
        with emulate(kind, clock=time.time) as issuer:
            forms[kind] = issuer.form
    assert {kind for kind, form in forms.items() if form.array_audience} == {"jenkins", "kubernetes"}
    assert {kind for kind, form in forms.items() if form.algorithm == "ES256"} == {"kubernetes"}
    assert not forms["google"].jti
    assert forms["google"].backdated is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["https://gitlab.com", "https://accounts.google.com", "https://a.test.example"])
def test_none_signs_for_an_issuer_that_anybody_believes(kind: str, name: str) -> None:
    with emulate(kind, clock=time.time) as issuer, pytest.raises(ValueError, match="only"):
        issuer.token(example_job(kind), "a", issuer=name)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThrowawayIndex]:
    folder = Folder(path=tmp_path_factory.mktemp("index"))
    folder.make()
    with Children() as children:
        yield indexes.await_ready(indexes.start(children, folder, os.environ), folder)


def believe(up: ThrowawayIndex, issuer: Issuer, kind: str, project: str, fields: Mapping[str, str], **more: Any) -> str:
    """The audience of the identity tokens that the index takes from ``issuer``."""
    fixed = PROVIDERS[kind].fixed_audience
    with open_folder(up.data, create=False) as opened:
        opened.issuers.add(issuer.url, kind, audience=OWN_AUDIENCE if fixed else None)
        opened.publishers.add(
            Wanted(project=project, kind=kind, issuer=issuer.url, fields=fields, pending=True, **more)
        )
    return OWN_AUDIENCE if fixed else up.audience


def exchange(up: ThrowawayIndex, token: Secret) -> tuple[int, bytes]:
    with Http(env={}, ca=str(up.ca)) as http:
        answer = http.request("POST", up.url + MINT_PATH, body=json.dumps({"token": token.reveal()}).encode())
    return answer.status, answer.body


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_index_trusts_the_job_and_nobody_under_the_name_of_another_kind(kind: str, up: ThrowawayIndex) -> None:
    with emulate(kind, clock=time.time) as issuer:
        audience = believe(up, issuer, kind, f"of-{kind}", PROVIDERS[kind].example_fields)
        status, body = exchange(up, issuer.token(example_job(kind), audience))
        assert (status, json.loads(body)["success"]) == (200, True), body
        stranger = issuer.token(Described(values={"sub": "nobody"}), audience)
        status, body = exchange(up, stranger)
        assert (status, read_refusal(status, body).reasons[0][0]) == (422, "invalid-publisher")


def test_a_real_index_trusts_any_provider_by_the_claims_that_a_publisher_names(up: ThrowawayIndex) -> None:
    job = Described(values={"sub": "x", "project": {"id": 42}, "pipeline": "release", "debug": False})
    fields = {"/project/id": "42", "pipeline": '"release"', "debug": "false"}
    with emulate("generic", clock=time.time) as issuer:
        marks = {"immutable": ("/project/id",), "workload": ("pipeline",)}
        audience = believe(up, issuer, "generic", "of-anybody", fields, **marks)
        assert exchange(up, issuer.token(job, audience))[0] == 200
        for changed in ({"project": {"id": "42"}}, {"pipeline": "test"}, {"debug": 0}):
            assert exchange(up, issuer.token(job, audience, changes=changed))[0] == 422


def test_an_issuer_may_stand_nowhere_with_keys_known_by_file(up: ThrowawayIndex) -> None:
    url = "https://forge.corp.test"
    with emulate("gitlab", clock=time.time) as issuer, open_folder(up.data, create=False) as opened:
        opened.issuers.add(url, "gitlab", jwks=issuer.jwks)
        fields = PROVIDERS["gitlab"].example_fields
        opened.publishers.add(Wanted(project="of-static", kind="gitlab", issuer=url, fields=fields, pending=True))
        token = issuer.token(example_job("gitlab"), up.audience, issuer=url)
    assert exchange(up, token)[0] == 200  # the emulated issuer is gone by now


def test_an_index_for_others_believes_no_emulated_issuer(tmp_path: Path) -> None:
    with (
        emulate("gitlab", clock=time.time) as issuer,
        open_folder(tmp_path / "index", create=True, public_url="https://packages.test") as opened,
        pytest.raises(Misuse),
    ):
        opened.issuers.add(issuer.url, "gitlab")
