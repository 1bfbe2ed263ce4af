# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From an identity token to an upload token: every cause of a refusal, and what a mint leaves behind."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey, RSAKey

from trustpub.index.kept import Issuer, User
from trustpub.protocol.exchange import Minted, Problem
from trustpub.secret import Secret
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import Expiry, ProjectIds, PublisherId, read
from trustpub.trust.publishers import Rules


def code(problem: Problem) -> str:
    return problem.code


def test_a_trusted_identity_gets_a_token_for_its_project_and_fifteen_minutes(bench: Any) -> None:
    minted = bench.minted()
    parsed = macaroon.parse(minted.token)
    assert parsed.location == "index.example"
    assert parsed.signed_by(bench.root_keys.root(parsed.identifier))
    assert [read(caveat) for caveat in parsed.caveats] == [
        PublisherId("pub-1"),
        ProjectIds(("project-1",)),
        Expiry(expires_at=1_790_000_901, not_before=1_790_000_000),
    ]
    assert minted.expires == 1_790_000_901
    with bench.store.read() as reading:
        row = reading.token(parsed.identifier)
        kinds = [event.kind for event in reading.events(project_id="project-1")]
    assert row is not None
    assert (row.key_id, row.expires, row.publisher_id) == (bench.root_keys.key_id, minted.expires, "pub-1")
    assert kinds == ["token-minted"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "token: is missing"),
        (b'{"token":null}', "null"),
        (b'{"token":7}', "a number"),
        (b'{"token":"null"}', "malformed JWT"),
        (b'{"token":"a.b.c"}', "malformed JWT"),
        (b'"\\ud800"', "not a JSON object"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 60_000, "not JSON"),
    ],
)
def test_a_body_without_a_token_is_an_invalid_payload(bench: Any, body: bytes, said: str) -> None:
    answer = bench.mint.mint(body, "192.0.2.7")
    assert (answer.status, answer.code) == (422, "invalid-payload")
    assert said in answer.detail


def test_an_issuer_that_is_not_registered_exactly_so_is_unknown(bench: Any) -> None:
    for issuer in ("https://evil.example", "https://ci.example/", "https://CI.example"):
        problem = bench.refused(iss=issuer)
        assert problem.code == "invalid-payload"
        assert problem.detail == "unknown trusted publishing issuer"


def test_who_proves_nothing_is_told_nothing(bench: Any, signing_key: RSAKey) -> None:
    good = bench.identity_token()
    head, payload, signature = good.split(".")
    public = signing_key.as_pem(private=False)
    other = RSAKey.generate_key(2048, parameters={"kid": "key-1"})
    claims = json.dumps(bench.claims()).encode()
    forged = {
        "another key": jws.serialize_compact({"alg": "RS256", "kid": "key-1"}, claims, other),
        "no signature": f"{head}.{payload}.{'A' * len(signature)}",
        "signature changed": f"{head}.{payload}.{signature[:-6]}AAAAAA",
        "unknown key": bench.identity_token(header={"kid": "key-2"}),
        "HS256 with the public key": jws.serialize_compact(
            {"alg": "HS256", "kid": "key-1"}, claims, OctKey.import_key(base64.b64encode(public))
        ),
        "PS256": jws.serialize_compact({"alg": "PS256", "kid": "key-1"}, claims, signing_key, algorithms=["PS256"]),
        "access token": bench.identity_token(header={"typ": "at+jwt"}),
        "none": base64.urlsafe_b64encode(b'{"alg":"none","kid":"key-1"}').decode().rstrip("=") + f".{payload}.AA",
    }
    for how, token in forged.items():
        problem = bench.refused(token)
        assert (problem.status, problem.code, problem.detail) == (422, "invalid-token", "malformed or invalid token"), (
            how
        )
    assert {event.facts["cause"] for event in bench.events()} == {
        "signature", "unknown-key", "algorithm", "header",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"aud": "pypi"}, "audience 'pypi'"),
        ({"aud": ["index_example_1234"]}, "audience"),
        ({"aud": None}, "audience"),
        ({"exp": 1_789_999_970}, "expired 30 seconds ago"),
        ({"exp": 1_789_999_000}, "expired"),
        ({"exp": None}, "'exp' is not a time"),
        ({"exp": "1790000300"}, "'exp' is not a time"),
        ({"exp": True}, "'exp' is not a time"),
        ({"exp": 1_790_090_000}, "longer than"),
        ({"iat": None}, "'iat' is not a time"),
        ({"iat": -1}, "'iat' is not a time"),
        ({"iat": 1_790_000_031}, "not valid yet"),
        ({"nbf": 1_790_000_031}, "not valid yet"),
        ({"nbf": "x"}, "'nbf' is not a time"),
        ({"sub": 7}, "'sub' is not a string"),
        ({"jti": 7}, "'jti' is not a string"),
    ],
)
def test_who_holds_a_signed_token_is_told_what_is_wrong_with_it(bench: Any, changes: dict[str, Any], word: str) -> None:
    problem = bench.refused(**changes)
    assert (problem.status, problem.code) == (422, "invalid-token")
    assert word in problem.detail


@pytest.mark.parametrize(
    "changes", [{"exp": 1_789_999_971}, {"iat": 1_790_000_030}, {"nbf": None}, {"exp": 1_790_000_300.5}]
)
def test_clocks_may_differ_by_less_than_the_leeway(bench: Any, changes: dict[str, Any]) -> None:
    bench.minted(**changes)


def test_a_key_too_short_is_no_key(bench: Any) -> None:
    with pytest.warns(SecurityWarning):
        weak = RSAKey.generate_key(1024, parameters={"kid": "key-1"})
    token = jwt.encode({"alg": "RS256", "kid": "key-1"}, bench.claims(), weak)
    with bench.store.write() as writing:
        writing.put_issuer(
            Issuer(url="https://ci.example", kind="github", jwks={"keys": [weak.as_dict(private=False)]})
        )
    assert bench.refused(token).detail == "malformed or invalid token"


def test_a_wrong_workflow_is_named_with_what_was_wanted(bench: Any) -> None:
    changed = "octo-org/hello/.github/workflows/test.yml@refs/tags/v1"
    problem = bench.refused(job_workflow_ref=changed)
    assert problem.code == "invalid-publisher"
    assert [(one.field, one.given, one.wanted) for one in problem.mismatches] == [
        ("workflow", "test.yml", "release.yml")
    ]


def test_a_claim_that_github_never_makes_is_named(bench: Any) -> None:
    assert (
        bench.refused(repository_owner="evil").detail
        == "valid token, but claim 'repository_owner' is not the owner in `repository`"
    )


def test_an_identity_nobody_registered_is_refused(bench: Any) -> None:
    changes = {"repository": "octo-org/x", "job_workflow_ref": "octo-org/x/.github/workflows/release.yml@refs/tags/v1"}
    assert bench.refused(**changes).detail == "valid token, but no corresponding publisher is registered"


def test_a_refusal_uses_nothing_up_so_the_same_job_may_try_again(bench: Any) -> None:
    token = bench.identity_token(environment="other")
    assert code(bench.refused(token)) == "invalid-publisher"
    bench.add_publisher("pub-2", environment="other")
    assert isinstance(bench.try_mint(token), Minted)


def test_the_first_use_pins_the_ids_and_another_owner_is_refused_from_then_on(bench: Any) -> None:
    bench.add_publisher("pub-2", pin=True, without=("owner_id", "repository_id"), environment="pinning")
    bench.minted(environment="pinning", jti="first")
    with bench.store.read() as reading:
        publisher = reading.publisher("pub-2")
    assert publisher is not None
    assert (publisher.fields["owner_id"], publisher.fields["repository_id"]) == ("123456", "456789")
    reborn = bench.refused(environment="pinning", jti="second", repository_owner_id="999")
    assert "re-created or transferred" in reborn.detail
    assert [(one.field, one.given, one.wanted) for one in reborn.mismatches] == [("owner_id", None, None)]


def test_one_token_carries_every_project_of_the_publisher(bench: Any) -> None:
    bench.add_project("project-2", "Extras")
    with bench.store.write() as writing:
        writing.link_publisher("pub-1", "project-2", Rules())
    caveats = [read(one) for one in macaroon.parse(bench.minted().token).caveats]
    (ids,) = (caveat.ids for caveat in caveats if isinstance(caveat, ProjectIds))
    assert set(ids) == {"project-1", "project-2"}


def test_a_removed_publisher_mints_no_more(bench: Any) -> None:
    with bench.store.write() as writing:
        assert writing.unlink_publisher("pub-1", "project-1")
    assert code(bench.refused()) == "invalid-publisher"


def basic(token: Secret, user: str = "__token__") -> str:
    return "Basic " + base64.b64encode(f"{user}:{token.reveal()}".encode()).decode()


def upload(bench: Any, token: Secret, name: str = "hello") -> object:
    """What the door says, at the header and then for the project."""
    bearer = bench.credentials.check_header(basic(token))
    if isinstance(bearer, Problem):
        return bearer
    with bench.store.read() as reading:
        return bench.credentials.may_upload(bearer, reading, name)


def test_the_minted_token_opens_its_project_and_no_other(bench: Any) -> None:
    other = bench.add_project("project-2", "Other")
    token = bench.minted().token
    assert upload(bench, token, "HELLO").id == "project-1"  # type: ignore[attr-defined]
    for name, status in ((other.name, 403), ("nowhere", 400)):
        answer = upload(bench, token, name)
        assert isinstance(answer, Problem)
        assert answer.status == status


@pytest.mark.parametrize(("later", "opens"), [(900, True), (901, False), (-1, False)])
def test_the_token_is_good_up_to_its_expiry_and_not_before_its_making(bench: Any, later: int, opens: bool) -> None:
    token = bench.minted().token
    bench.clock.now += later
    assert isinstance(bench.credentials.check_header(basic(token)), Problem) is not opens


def burn(bench: Any, token: object) -> Problem | None:
    answer: Problem | None = bench.mint.burn(json.dumps({"token": token}).encode())
    return answer


def test_a_burned_token_is_refused_at_the_door_and_in_the_transaction_of_an_upload_under_way(bench: Any) -> None:
    token = bench.minted().token
    bearer = bench.credentials.check_header(basic(token))
    assert burn(bench, token.reveal()) is None
    assert burn(bench, token.reveal()) is None
    with bench.store.read() as reading:
        in_flight = bench.credentials.may_upload(bearer, reading, "hello")
        kinds = [event.kind for event in reading.events()]
    assert "burned" in in_flight.detail
    assert "burned" in bench.credentials.check_header(basic(token)).detail
    assert kinds.count("token-burned") == 1


def test_only_the_signature_burns_and_only_minted_tokens(bench: Any) -> None:
    token = bench.minted().token
    parsed = macaroon.parse(token)
    forged = macaroon.create(
        location=parsed.location, identifier=parsed.identifier, root_key=b"guess", caveats=parsed.caveats
    )
    assert burn(bench, forged.serialize().reveal()) is None
    assert burn(bench, "nonsense") is None
    assert not isinstance(bench.credentials.check_header(basic(token)), Problem)
    with bench.store.write() as writing:
        user = User(id="6f5e1f4e-4f1c-4c1e-9c7b-3d4c2f8e5a11", name="ada", created=0)
        writing.add_user(user)
        writing.add_member("project-1", user.id)
    _, personal = bench.credentials.issue_user_token(user, scope="upload")
    assert burn(bench, personal.reveal()) is None
    assert upload(bench, personal).id == "project-1"  # type: ignore[attr-defined]


@pytest.mark.parametrize("token", [None, 7, ["x"]])
def test_burning_what_is_no_text_is_an_invalid_payload(bench: Any, token: object) -> None:
    problem = burn(bench, token)
    assert problem is not None
    assert problem.code == "invalid-payload"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Digest x",
        "Bearer x",
        "Token pypi-",
    ],
)
def test_a_header_without_a_token_of_ours_gets_one_text(bench: Any, header: str | None) -> None:
    problem = bench.credentials.check_header(header)
    assert (problem.status, problem.code) == (403, "invalid-credentials")
    assert "invalid or non-existent authentication information" in problem.detail


def test_a_user_name_other_than_token_is_told_so_without_repeating_the_password(bench: Any) -> None:
    problem = bench.credentials.check_header(basic(Secret("hunter2"), user="ada"))
    assert "__token__" in problem.detail
    assert "hunter2" not in problem.detail


def test_bearer_and_token_schemes_are_taken_like_basic(bench: Any) -> None:
    token = bench.minted().token.reveal()
    for scheme in ("Bearer", "token", "BEARER"):
        assert not isinstance(bench.credentials.check_header(f"{scheme}  {token} "), Problem)


def test_a_caveat_the_holder_added_counts_and_an_unknown_one_refuses(bench: Any) -> None:
    parsed = macaroon.parse(bench.minted().token)
    narrowed = parsed.restrict(b'[1,["other"]]').serialize()
    assert "not valid for project 'hello'" in upload(bench, narrowed).detail  # type: ignore[attr-defined]
    strange = parsed.restrict(b"[99]").serialize()
    assert "unknown tag" in bench.credentials.check_header(basic(strange)).detail


def test_removing_the_publisher_ends_its_tokens_at_once(bench: Any) -> None:
    token = bench.minted().token
    bearer = bench.credentials.check_header(basic(token))
    with bench.store.write() as writing:
        writing.unlink_publisher("pub-1", "project-1")
    with bench.store.read() as reading:
        assert isinstance(bench.credentials.may_upload(bearer, reading, "hello"), Problem)
    assert isinstance(bench.credentials.check_header(basic(token)), Problem)
