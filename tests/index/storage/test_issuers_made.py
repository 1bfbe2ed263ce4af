# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from trustpub.errors import Misuse
from trustpub.index.adapters.tls import make as make_certificates
from trustpub.index.issuers import WantedTerms, check_hosts, check_terms, make
from trustpub.trust.issuers import PROVIDERS, PUBLIC_ISSUERS
from trustpub.trust.provider import SHARED_AUDIENCE_AGE, Terms

from .issuer_site import an_ec_key, an_rsa_key

GHES = "https://ghe.example.com/_services/token"
ORGANISATION = "https://acme.semaphoreci.com"
JENKINS = "https://jenkins.example.com/oidc"


def made(url: str, kind: str = "generic", *, rehearsal: bool = False, **wanted: Any) -> Any:
    return make(url, kind, rehearsal=rehearsal, **wanted)


@pytest.mark.parametrize(("url", "kind"), PUBLIC_ISSUERS.items())
def test_every_public_issuer_can_be_made_as_it_is(url: str, kind: str) -> None:
    issuer = made(url, kind)
    assert (issuer.url, issuer.kind, issuer.terms) == (url, kind, PROVIDERS[kind].terms)
    assert (issuer.jwks, issuer.ca, issuer.audience, issuer.jwks_hosts, issuer.private) == (None, None, None, (), False)


@pytest.mark.parametrize(("url", "owner"), PUBLIC_ISSUERS.items())
def test_tob_pypi26_12_an_issuer_of_a_known_provider_is_registered_as_no_other_kind(url: str, owner: str) -> None:
    for kind in PROVIDERS:
        if kind != owner:
            with pytest.raises(Misuse, match=f"is one of kind {owner}, and cannot be one of kind {kind}"):
                made(url, kind, audience="x" if PROVIDERS[kind].fixed_audience else None)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://ci.example.com", "github"),
        ("https://token.actions.githubusercontent.com.example.com", "github"),
        (GHES + "/", "github"),
        ("https://accounts.example.com", "google"),
        ("https://circleci.example.com", "circleci"),
        ("https://token.actions.githubusercontent.com/", "github"),
        ("https://accounts.google.com/", "google"),
    ],
)
def test_an_issuer_looks_like_one_of_its_kind(url: str, kind: str) -> None:
    with pytest.raises(Misuse, match="is not one of"):
        made(url, kind)


def test_a_rehearsal_plays_every_kind_on_this_machine() -> None:
    for kind, provider in PROVIDERS.items():
        audience = "shared" if provider.fixed_audience else None
        for url in ("http://127.0.0.1:8080", "https://ci.test", "https://localhost:8443/x"):
            assert made(url, kind, rehearsal=True, audience=audience).kind == kind
            with pytest.raises(Misuse, match="only a rehearsal"):
                made(url, kind, audience=audience)


def test_a_kind_is_one_of_those_we_know() -> None:
    with pytest.raises(Misuse, match="'gitea' is no kind of issuer") as caught:
        made("https://ci.example.com", "gitea")
    assert "generic" in str(caught.value.hint)


def test_terms_are_the_providers_until_somebody_wants_others() -> None:
    issuer = made(
        JENKINS,
        "jenkins",
        terms=WantedTerms(
            algorithms=["ES256", "RS256", "ES256"], max_age=60, max_lifetime=86_400, token_lifetime=21_600
        ),
    )
    assert issuer.terms == Terms(
        algorithms=("ES256", "RS256"), array_audience=True, max_age=60, max_lifetime=86_400, token_lifetime=21_600
    )
    assert made(JENKINS, "jenkins", terms=WantedTerms(array_audience=False)).terms.array_audience is False
    assert made(JENKINS, "jenkins", terms=WantedTerms()).terms == PROVIDERS["jenkins"].terms


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (WantedTerms(algorithms=["HS256"]), "'HS256' is no algorithm"),
        (WantedTerms(algorithms=["RS256", "none"]), "'none' is no algorithm"),
        (WantedTerms(algorithms=["rs256"]), "'rs256' is no algorithm"),
        (WantedTerms(algorithms=[]), "None is no algorithm"),
        (WantedTerms(max_age=59), "age .* between 60 and 86400"),
        (WantedTerms(max_age=86_401), "age .* between 60 and 86400"),
        (WantedTerms(max_lifetime=0), "lifetime of an identity token .* between 60 and 86400"),
        (WantedTerms(max_lifetime=-1), "lifetime of an identity token .* between 60 and 86400"),
        (WantedTerms(token_lifetime=899), "lifetime of an upload token .* between 900 and 21600"),
        (WantedTerms(token_lifetime=21_601), "lifetime of an upload token .* between 900 and 21600"),
        (WantedTerms(token_lifetime=True), "lifetime of an upload token .* between 900 and 21600"),
    ],
)
def test_terms_out_of_bounds_are_refused_with_the_bound(wanted: WantedTerms, sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        made(JENKINS, terms=wanted)


def test_the_terms_of_every_provider_are_within_bounds() -> None:
    for provider in PROVIDERS.values():
        check_terms(provider.terms)
        assert not provider.fixed_audience or provider.terms.max_age <= SHARED_AUDIENCE_AGE


def test_a_shared_audience_is_accepted_only_by_naming_it() -> None:
    with pytest.raises(Misuse, match="cannot choose the audience") as caught:
        made(ORGANISATION, "semaphore")
    assert "--accept-shared-audience AUDIENCE" in str(caught.value.hint)
    issuer = made(ORGANISATION, "semaphore", audience=ORGANISATION)
    assert issuer.audience == ORGANISATION
    assert issuer.terms.max_age == SHARED_AUDIENCE_AGE


@pytest.mark.parametrize("audience", ["", " ", "a b", "ä", "a\nb", "x" * 301])
def test_a_shared_audience_is_one_that_a_token_can_have(audience: str) -> None:
    with pytest.raises(Misuse, match="cannot be an audience"):
        made(ORGANISATION, "semaphore", audience=audience)


def test_tokens_with_a_shared_audience_are_nearly_new() -> None:
    with pytest.raises(Misuse, match="may be 600 seconds old at most, not 601"):
        made(ORGANISATION, "semaphore", audience="x", terms=WantedTerms(max_age=601))
    assert made(ORGANISATION, "semaphore", audience="x", terms=WantedTerms(max_age=60)).terms.max_age == 60


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://semaphoreci.com", "semaphore"),
        ("https://id.semaphoreci.com/x", "semaphore"),
        ("https://vstoken.dev.azure.com", "azure"),
        ("https://vstoken.dev.azure.com/acme", "azure"),
        ("https://ci.example.com", "azure"),
    ],
)
def test_with_a_shared_audience_the_issuer_is_that_of_one_tenant(url: str, kind: str) -> None:
    with pytest.raises(Misuse, match="is not one of"):
        made(url, kind, audience="shared")


@pytest.mark.parametrize("kind", ["generic", "gitlab", "jenkins"])
def test_where_jobs_choose_their_audience_no_shared_one_is_accepted(kind: str) -> None:
    with pytest.raises(Misuse, match="choose the audience"):
        made(JENKINS, kind, audience="shared")


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (an_rsa_key(bits=1024), "fewer than 2048 bits"),
        (an_rsa_key(exponent=1), "exponent"),
        (an_rsa_key(use="enc"), "not for signatures"),
        (an_rsa_key(alg="PS256"), "another algorithm"),
        (an_ec_key(crv="secp256k1"), "P-256"),
        (an_ec_key(y="AA"), "malformed"),
        ({"kty": "OKP", "kid": "1", "crv": "Ed25519", "x": "AA"}, "neither of kind RSA nor EC"),
        (an_rsa_key(d="AQAB"), "private or a shared key"),
        ({"kty": "oct", "k": "AAAA", "kid": "1"}, "private or a shared key"),
        (an_rsa_key(None), "id of their own|`kid`"),
        (an_rsa_key(""), "`kid`"),
    ],
)
def test_given_keys_are_public_named_and_strong(key: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        made(JENKINS, jwks={"keys": [an_rsa_key("good"), key]})


def test_given_keys_of_both_kinds_are_kept_as_they_are() -> None:
    jwks = {"keys": [an_rsa_key("1"), an_ec_key("2")]}
    assert made(JENKINS, jwks=jwks).jwks == jwks
    with pytest.raises(Misuse, match="`kid`"):
        made(JENKINS, jwks={"keys": [an_rsa_key("1"), an_ec_key("1")]})


def test_certificates_hold_no_private_key(tmp_path: Path) -> None:
    tls = make_certificates(tmp_path / "tls", [], time.time())
    ca = tls.ca.read_text()
    assert made(JENKINS, ca=ca).ca == ca
    for bad in ("", "nothing", ca + tls.key.read_text()):
        with pytest.raises(Misuse):
            made(JENKINS, ca=bad)


def test_hosts_of_key_sets_are_hosts() -> None:
    given = ["Keys.Example.com", "keys.example.com", "keys.example.com:8443", "10.0.0.1:6443", "[fd00::1]:6443"]
    assert check_hosts(given) == ("keys.example.com", "keys.example.com:8443", "10.0.0.1:6443", "[fd00::1]:6443")


@pytest.mark.parametrize(
    "host",
    [
        "", "https://keys.example.com", "keys.example.com/", "keys.example.com/keys", "a@keys.example.com",
        "*.example.com", "keys.example.com:", "keys.example.com:x", "keys.example.com:99999", "keys.example.com?",
        "127.1", "[::1", "a b", "kéys.example.com", "keys.example.com\n",
    ],
)  # fmt: skip
def test_what_is_no_host_of_a_key_set(host: str) -> None:
    with pytest.raises(Misuse, match="is not a host on which a key set can be"):
        check_hosts([host])


def test_hosts_of_key_sets_are_few() -> None:
    with pytest.raises(Misuse, match="at most 8"):
        check_hosts(f"{number}.example.com" for number in range(9))


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "192.168.1.1:8443", "[fd00::1]", "[::ffff:10.0.0.1]", "jenkins", "ci.internal", "ci.corp", "ci.local"],
)
def test_issuers_in_a_private_network_need_leave_unless_their_keys_are_given(host: str) -> None:
    url = f"https://{host}/oidc"
    with pytest.raises(Misuse, match="is not on the public internet") as caught:
        made(url)
    assert "--private" in str(caught.value.hint)
    assert made(url, private=True).private
    assert made(url, jwks={"keys": [an_rsa_key()]}).private is False
    with pytest.raises(Misuse, match="is not on the public internet"):
        made(JENKINS, jwks_hosts=[host])


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "224.0.0.1", "192.0.2.1", "[fd00:ec2::254]"])
def test_no_leave_is_given_for_what_is_no_issuers_address(host: str) -> None:
    with pytest.raises(Misuse, match="which no index asks for keys"):
        made(f"https://{host}", private=True)
    with pytest.raises(Misuse, match="which no index asks for keys"):
        made(JENKINS, private=True, jwks_hosts=[host])


@pytest.mark.parametrize(
    "url", ["https://[::ffff:127.0.0.1]", "https://[64:ff9b::7f00:1]", "https://0.0.0.0", "https://[::]"]
)
def test_this_machine_is_found_out_in_every_spelling(url: str) -> None:
    with pytest.raises(Misuse, match="only a rehearsal"):
        made(url, private=True)
