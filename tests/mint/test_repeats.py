# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One identity token, one upload token: whoever asks again, when, from where, and how often."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from trustpub.index.adapters.sql.writing import SqlWriting
from trustpub.index.upload import Accepted
from trustpub.protocol.exchange import Minted, Problem
from trustpub.tokens.keys import RootKeys
from trustpub.trust.provider import Terms
from trustpub.trust.publishers import Link, Publisher, Rules

ELSEWHERE = "198.51.100.9"


def code(answer: Any) -> str:
    assert isinstance(answer, Problem), answer
    return answer.code


def test_a_lost_answer_is_given_again_and_it_is_the_very_same_token(bench: Any) -> None:
    token = bench.identity_token()
    first = bench.minted(token)
    bench.clock.now += 59.5
    again = bench.minted(token)
    assert (again.token.reveal(), again.expires) == (first.token.reveal(), first.expires)
    assert bench.row(again) == bench.row(first)
    (repeated,) = bench.events("token-repeated", project_id="project-1")
    assert repeated.facts["token"] == bench.row(first).id
    assert len(bench.events("token-minted")) == 1


def test_a_lost_answer_is_given_again_after_a_restart(bench: Any) -> None:
    body = bench.body()
    first = bench.mint.mint(body, "192.0.2.7")
    again = bench.another_mint().mint(body, "192.0.2.7")
    assert isinstance(again, Minted)
    assert again.token == first.token


@pytest.mark.parametrize("seconds", [60, 61, 329])
def test_after_a_minute_it_is_a_replay(bench: Any, seconds: int) -> None:
    token = bench.identity_token()
    bench.minted(token)
    bench.clock.now += seconds
    assert code(bench.try_mint(token)) == "invalid-reuse-token"


def test_after_a_clock_was_set_back_it_is_a_replay(bench: Any) -> None:
    token = bench.identity_token()
    bench.minted(token)
    bench.clock.now -= 1
    assert code(bench.try_mint(token)) == "invalid-reuse-token"


def test_from_another_address_it_is_a_replay(bench: Any) -> None:
    token = bench.identity_token()
    bench.minted(token)
    assert code(bench.try_mint(token, peer=ELSEWHERE)) == "invalid-reuse-token"
    assert bench.events("token-repeated") == []


def test_two_unknown_addresses_are_not_the_same_one(bench: Any) -> None:
    token = bench.identity_token()
    bench.minted(token, peer="")
    assert code(bench.try_mint(token, peer="")) == "invalid-reuse-token"


def test_other_bytes_with_the_same_identity_token_are_a_replay(bench: Any) -> None:
    token = bench.identity_token()
    bench.minted(token)
    for body in (
        json.dumps({"token": token}, separators=(",", ":")),
        json.dumps({"token": token, "features": []}),
        json.dumps({"token": token, "features": ["single-use-token"]}),
    ):
        assert code(bench.mint.mint(body.encode(), "192.0.2.7")) == "invalid-reuse-token"


def test_another_identity_token_with_the_same_jti_is_a_replay(bench: Any) -> None:
    bench.minted(environment="release")
    assert code(bench.try_mint(sha="e" * 40)) == "invalid-reuse-token"


def test_once_the_token_uploaded_it_is_told_no_more(bench: Any) -> None:
    token = bench.identity_token()
    minted = bench.minted(token)
    assert isinstance(bench.upload(minted), Accepted)
    assert code(bench.try_mint(token)) == "invalid-reuse-token"


def test_once_the_token_was_burned_it_is_told_no_more(bench: Any) -> None:
    token = bench.identity_token()
    bench.burn(bench.minted(token))
    assert code(bench.try_mint(token)) == "invalid-reuse-token"


def test_a_repeated_token_works_and_so_it_burns(bench: Any) -> None:
    token = bench.identity_token()
    bench.minted(token)
    again = bench.minted(token)
    assert isinstance(bench.upload(again), Accepted)
    bench.burn(again)
    assert code(bench.upload(again, version="1.1")) == "invalid-credentials"


def test_a_publisher_that_is_gone_repeats_nothing(bench: Any) -> None:
    token = bench.identity_token()
    bench.minted(token)
    with bench.store.write() as writing:
        assert writing.unlink_publisher("pub-1", "project-1")
    assert code(bench.try_mint(token)) == "invalid-publisher"


def test_another_publisher_that_now_is_meant_does_not_get_the_token_of_the_first(bench: Any) -> None:
    bench.add_publisher("pub-any", without=("environment",))
    with bench.store.write() as writing:
        assert writing.unlink_publisher("pub-1", "project-1")
    token = bench.identity_token()
    bench.minted(token)
    bench.add_publisher("pub-release")
    assert code(bench.try_mint(token)) == "invalid-reuse-token"


def test_a_token_for_more_projects_than_the_run_may_publish_now_is_told_no_more(bench: Any) -> None:
    bench.add_project("project-2", "Extras")
    with bench.store.write() as writing:
        writing.link_publisher("pub-1", "project-2", Rules())
    token = bench.identity_token()
    bench.minted(token)
    with bench.store.write() as writing:
        writing.link_publisher("pub-1", "project-2", Rules(ref="refs/heads/main"))
    assert code(bench.try_mint(token)) == "invalid-reuse-token"


def test_a_refusal_claims_nothing_so_the_same_job_may_try_again_once_the_publisher_is_mended(bench: Any) -> None:
    token = bench.identity_token(environment="staging")
    assert code(bench.try_mint(token)) == "invalid-publisher"
    bench.add_publisher("pub-2", environment="staging")
    bench.minted(token)


def test_tob_pypi26_1_a_used_token_stays_used_through_the_leeway_and_the_margin(bench: Any) -> None:
    """PyPI's audit: the note of a used token died when the token expired, and the leeway let it in again."""
    token = bench.identity_token()
    minted_at = bench.clock.now
    bench.minted(token)
    for later in (300, 301, 329, 329.7):
        bench.clock.now = minted_at + later
        with bench.store.write() as writing:
            writing.forget_claims(int(bench.clock.now))
        assert code(bench.try_mint(token)) == "invalid-reuse-token", later
    bench.clock.now = minted_at + 330
    assert code(bench.try_mint(token)) == "invalid-token"
    # A clock that is set back within the margin finds the note still there.
    bench.clock.now = minted_at + 389
    with bench.store.write() as writing:
        writing.forget_claims(int(bench.clock.now))
    bench.clock.now = minted_at + 310
    assert code(bench.try_mint(token)) == "invalid-reuse-token"


def test_tob_pypi26_2_of_two_mints_at_the_same_moment_one_wins(bench: Any, together: Any) -> None:
    """PyPI's audit: two requests could both find the token unused before either noted it."""
    for round_number in range(8):
        token = bench.identity_token(jti=f"race-{round_number}")
        answers = together(
            lambda token=token: bench.try_mint(token, peer="192.0.2.7"),
            lambda token=token: bench.try_mint(token, peer=ELSEWHERE),
        )
        assert sorted(type(one) is Minted for one in answers) == [False, True]
        (refused,) = [one for one in answers if isinstance(one, Problem)]
        assert refused.code == "invalid-reuse-token"


def test_tob_pypi26_2_many_mints_of_one_job_at_once_end_with_one_token(bench: Any, together: Any) -> None:
    token = bench.identity_token()
    answers = together(*[lambda: bench.try_mint(token)] * 16)
    assert len({one.token for one in answers}) == 1
    assert len(bench.events("token-minted")) == 1
    assert len(bench.events("token-repeated")) == 15


def test_a_race_to_be_pinned_first_ends_with_one_owner(bench: Any, together: Any) -> None:
    unpinned = ("owner_id", "repository_id")
    bench.add_publisher("pub-2", pin=True, without=unpinned, environment="pinning")

    def ask(owner: int) -> Any:
        return lambda: bench.try_mint(environment="pinning", jti=f"o{owner}", repository_owner_id=str(owner))

    answers = together(*[ask(owner) for owner in range(1, 9)])
    assert sum(isinstance(one, Minted) for one in answers) == 1
    assert {one.code for one in answers if isinstance(one, Problem)} == {"invalid-publisher"}
    with bench.store.read() as reading:
        publisher = reading.publisher("pub-2")
        (pinned,) = [event for event in reading.events() if event.kind == "publisher-pinned"]
    winner = [number for number, one in enumerate(answers, 1) if isinstance(one, Minted)]
    assert publisher is not None
    assert [int(publisher.fields["owner_id"])] == winner
    assert pinned.facts["owner_id"] == publisher.fields["owner_id"]


def test_where_the_provider_gives_no_jti_the_token_itself_is_what_is_used_up(bench: Any) -> None:
    url = "https://plain.example"
    bench.set_issuer(url=url, kind="generic")
    publisher = Publisher(
        id="pub-g",
        issuer=url,
        kind="generic",
        fields={"project_id": '"7"', "job": '"release"'},
        immutable=("project_id",),
        links=(Link(project_id="project-1", project="Hello"),),
    )
    with bench.store.write() as writing:
        writing.add_publisher(publisher)
    claims = {"iss": url, "project_id": "7", "job": "release"}
    token = bench.identity_token(**claims)
    bench.minted(token)
    assert code(bench.try_mint(token, peer=ELSEWHERE)) == "invalid-reuse-token"
    bench.minted(bench.identity_token(**claims, iat=int(bench.clock.now) - 1), peer=ELSEWHERE)


def test_a_pin_that_comes_too_late_undoes_the_whole_mint(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add_publisher("pub-2", pin=True, without=("owner_id", "repository_id"), environment="pinning")
    token = bench.identity_token(environment="pinning")
    with monkeypatch.context() as other_store:
        other_store.setattr(SqlWriting, "pin", lambda *_: False)
        problem = bench.refused(token)
    assert (problem.code, "pinned to other ids meanwhile" in problem.detail) == ("invalid-publisher", True)
    assert bench.events() == []
    bench.minted(token)


def test_under_another_server_secret_nothing_is_repeated(bench: Any) -> None:
    body = bench.body()
    assert isinstance(bench.mint.mint(body, "192.0.2.7"), Minted)
    bench.root_keys = RootKeys(b"another server secret of 32 bytes")
    assert code(bench.another_mint().mint(body, "192.0.2.7")) == "invalid-reuse-token"


def test_a_second_valid_signature_of_the_same_token_is_a_replay(bench: Any) -> None:
    key = ECKey.generate_key("P-256", parameters={"kid": "key-1"})
    url = "https://plain.example"
    terms = Terms(algorithms=("ES256",))
    jwks = {"keys": [key.as_dict(private=False)]}
    bench.set_issuer(url=url, kind="generic", jwks=jwks, terms=terms)
    publisher = Publisher(
        id="pub-g",
        issuer=url,
        kind="generic",
        fields={"project_id": '"7"', "job": '"release"'},
        immutable=("project_id",),
        links=(Link(project_id="project-1", project="Hello"),),
    )
    with bench.store.write() as writing:
        writing.add_publisher(publisher)
    claims = bench.claims(iss=url, project_id="7", job="release")
    token = jwt.encode({"alg": "ES256", "kid": "key-1"}, claims, key, algorithms=["ES256"])
    head, payload, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    twin = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    mirrored = f"{head}.{payload}." + base64.urlsafe_b64encode(twin).decode().rstrip("=")
    bench.minted(token)
    assert code(bench.try_mint(mirrored)) == "invalid-reuse-token"
