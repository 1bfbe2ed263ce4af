# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""PEP 807 over HTTP, by the list of what an index must show (issue 3), and the manners of the exchange."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from trustpub.errors import Misuse
from trustpub.index.issuers import check_terms
from trustpub.index.kept import Issuer
from trustpub.index.ports import IssuerDown, NoSuchKey
from trustpub.index.web import answers as web_answers
from trustpub.index.web import api
from trustpub.protocol.accept import JSON_TYPE, PYTP_TYPE
from trustpub.protocol.discovery import discovery_url, read_discovery
from trustpub.protocol.exchange import PROBLEM_TYPE
from trustpub.protocol.problems import KINDS
from trustpub.trust.provider import Terms

from .conftest import BOUNDARY, Live, NoKeys, form, multipart, open_live, wheel

DISCOVERY = "/.well-known/pytp"
AUDIENCE = "/_/oidc/audience"
MINT = "/_/oidc/mint-token"
OLD_MINT = "/_/oidc/github/mint-token"
BURN = "/_/oidc/burn-token"
PREFLIGHT = "/api/v1/preflight"
POSTS = (MINT, OLD_MINT, BURN, PREFLIGHT)
EXCHANGE = (DISCOVERY, AUDIENCE, *POSTS)


def check_problem(answer: Any, status: int, code: str | None = None) -> dict[str, Any]:
    """It is RFC 9457's and PyPI's at once, and nobody keeps it. Returns its body."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] in (PROBLEM_TYPE, JSON_TYPE)
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert {"type", "title", "status", "detail", "message", "errors"} <= set(body)
    assert body["status"] == status
    [error] = body["errors"]
    assert error["description"] == body["detail"] != ""
    assert error["code"] in KINDS
    assert status in KINDS[error["code"]].statuses
    assert body["type"] == f"https://index.example/problems/{error['code']}"
    assert code in (None, error["code"])
    return dict(body)


# 1: discovery


@pytest.mark.parametrize("upload_url", ["https://index.example/legacy/", "https://index.example/legacy"])
def test_discovery_answers_for_each_upload_url(web: TestClient, upload_url: str) -> None:
    answer = web.get(discovery_url(upload_url))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == PYTP_TYPE
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "audience-endpoint": "https://index.example/_/oidc/audience",
        "token-mint-endpoint": "https://index.example/_/oidc/mint-token",
        "features": ["single-use-token", "multi-use-token"],
        "default-features": ["multi-use-token"],
    }
    told = read_discovery(answer.content, upload_url, plain=lambda host: False)
    assert {urlsplit(url).hostname for url in (told.audience_url, told.mint_url)} == {"index.example"}


@pytest.mark.parametrize(
    "query",
    ["discover=%2Fsimple%2F", "discover=", "discover", "discover=%2F", "discover=%252Flegacy%252F",
     "discover=%2Flegacy%2F%2F", "discover=%2FLEGACY%2F", "discover=%2Flegacy%2F%00", "discover=%ff"],
)  # fmt: skip
def test_discovery_knows_no_other_upload_url(web: TestClient, query: str) -> None:
    body = check_problem(web.get(f"{DISCOVERY}?{query}"), 404, "unknown-upload-url")
    assert "/legacy/" in body["detail"]


@pytest.mark.parametrize("query", ["", "?x=1", "?discover=%2Flegacy%2F&discover=%2Flegacy%2F", "?" + "a=1&" * 99])
def test_discovery_wants_to_be_asked_about_one_url(web: TestClient, query: str) -> None:
    check_problem(web.get(DISCOVERY + query), 400, "invalid-query")


@pytest.mark.parametrize("key", ["%2Flegacy%2F", "/legacy/", "%2flegacy%2f", "%2Fleg%61cy/"])
def test_a_key_may_be_encoded_more_or_less(web: TestClient, key: str) -> None:
    assert web.get(f"{DISCOVERY}?discover={key}&other=1").status_code == 200


def test_what_is_discovered_works(web: TestClient, live: Live) -> None:
    told = web.get(f"{DISCOVERY}?discover=%2Flegacy%2F").json()
    audience = web.get(told["audience-endpoint"]).json()["audience"]
    assert audience == live.folder.audience
    answer = web.post(told["token-mint-endpoint"], content=live.body(aud=audience))
    assert answer.status_code == 200
    assert {"token", "expires"} <= set(answer.json())


# 4: Accept


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (None, PYTP_TYPE),
        (PYTP_TYPE, PYTP_TYPE),
        ("*/*", JSON_TYPE),
        ("application/*", JSON_TYPE),
        (JSON_TYPE, JSON_TYPE),
    ],
)
def test_whoever_can_read_json_is_answered(web: TestClient, live: Live, accept: str | None, given: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    for answer in (
        web.get(f"{DISCOVERY}?discover=%2Flegacy%2F", headers=headers),
        web.get(AUDIENCE, headers=headers),
        web.post(MINT, content=live.body(), headers=headers),
        web.post(OLD_MINT, content=live.body(), headers=headers),
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == given
        assert answer.headers["cache-control"] == "no-store"
        assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/plain;q=0.5", "*/*;q=0", "nonsense"])
def test_who_can_read_nothing_is_told_so_before_anything_happens(web: TestClient, live: Live, accept: str) -> None:
    body, headers = live.body(), {"Accept": accept}
    for path in (DISCOVERY, AUDIENCE):
        check_problem(web.get(path, headers=headers), 406, "not-acceptable")
    for path in (MINT, OLD_MINT, PREFLIGHT):
        check_problem(web.post(path, content=body, headers=headers), 406, "not-acceptable")
    token = web.post(MINT, content=body).json()["token"]  # the identity token is as good as new
    burned = web.post(BURN, content=json.dumps({"token": token}).encode(), headers=headers)
    assert burned.status_code == 202  # a token is ended for whoever asks


def test_several_lines_of_accept_count_together(web: TestClient) -> None:
    headers = [("Accept", "text/html"), ("Accept", "application/json")]
    assert web.get(AUDIENCE, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("accept", "given"), [("*/*", PROBLEM_TYPE), (JSON_TYPE, JSON_TYPE), (PYTP_TYPE, PROBLEM_TYPE)]
)
def test_a_problem_has_the_type_that_was_asked_for(web: TestClient, accept: str, given: str) -> None:
    answer = web.post(MINT, content=b"{}", headers={"Accept": accept})
    check_problem(answer, 422, "invalid-payload")
    assert answer.headers["content-type"] == given  # exactly: uv compares the whole header


# 5: forms


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "nonsense", "", None])
def test_the_body_is_json_whatever_it_is_called(web: TestClient, live: Live, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    for path in (MINT, OLD_MINT):
        assert web.post(path, content=live.body(), headers=headers).status_code == 200
    assert web.post(PREFLIGHT, content=live.body(), headers=headers).status_code == 200
    assert web.post(BURN, content=b'{"token": "x"}', headers=headers).status_code == 202


# 6: how long a token lives


@pytest.mark.parametrize("seconds", [900, 21_600])
def test_a_token_lives_as_long_as_its_issuers_terms_say(tmp_path: Path, signing_key: Any, seconds: int) -> None:
    check_terms(Terms(token_lifetime=seconds))
    with open_live(tmp_path / "index", signing_key, token_lifetime=seconds) as live, TestClient(live.app) as web:
        for now in (1_790_000_000.0, 1_790_000_000.001, 1_790_000_000.999):
            live.clock.now = now
            expires = web.post(MINT, content=live.body()).json()["expires"]
            assert expires == math.ceil(now) + seconds
            assert 900 <= expires - now <= 21_600 + 1


@pytest.mark.parametrize("seconds", [899, 21_601, 0, -1])
def test_no_issuer_can_have_tokens_made_that_live_shorter_or_longer(seconds: int) -> None:
    with pytest.raises(Misuse, match="lifetime of an upload token"):
        check_terms(Terms(token_lifetime=seconds))


# 7: a token for one upload


def upload(web: TestClient, token: str, version: str) -> Any:
    content = wheel("hello", version)
    name = f"hello-{version}-py3-none-any.whl"
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Accept": JSON_TYPE,
    }
    return web.post("/legacy/", content=multipart(form(content, name, version=version), content, name), headers=headers)


def single_use(web: TestClient, live: Live) -> str:
    answer = web.post(MINT, content=live.body(features=["single-use-token"]))
    assert answer.status_code == 200
    return str(answer.json()["token"])


def test_a_single_use_token_uploads_once(web: TestClient, live: Live) -> None:
    token = single_use(web, live)
    assert upload(web, token, "1.0").status_code == 200
    again = upload(web, token, "1.1")
    check_upload_refused(again)
    several = web.post(MINT, content=live.body()).json()["token"]
    assert [upload(web, several, version).status_code for version in ("1.2", "1.3")] == [200, 200]


def test_a_single_use_token_that_comes_many_times_at_once_uploads_once(web: TestClient, live: Live) -> None:
    token = single_use(web, live)
    start = Barrier(4)

    def race(version: str) -> Any:
        with TestClient(live.app, base_url="https://index.example") as one:
            start.wait(20)
            return upload(one, token, version)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(race, ("1.0", "1.1", "1.2", "1.3")))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]
    for answer in answers:
        if answer.status_code == 403:
            check_upload_refused(answer)
    pages = web.get("/simple/hello/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}).json()
    assert len(pages["files"]) == 1


def check_upload_refused(answer: Any) -> None:
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "invalid-credentials"
    assert "mint another token" in answer.json()["detail"]


# 8: features


@pytest.mark.parametrize(
    ("features", "status", "code"),
    [
        ([], 200, None),
        (["multi-use-token"], 200, None),
        (["single-use-token"], 200, None),
        (["x"], 422, "unsupported-feature"),
        (["multi-use-token", "single-use-token"], 422, "unsupported-feature"),
        (["multi-use-token", "x"], 422, "unsupported-feature"),
        ("single-use-token", 422, "invalid-payload"),
        ([1], 422, "invalid-payload"),
    ],
)
def test_features_are_those_that_are_advertised(
    web: TestClient, live: Live, features: Any, status: int, code: str | None
) -> None:
    body = live.body(features=features)
    answer = web.post(MINT, content=body)
    if code is None:
        assert answer.status_code == status
        return
    check_problem(answer, status, code)
    plain = {name: value for name, value in json.loads(body).items() if name != "features"}
    assert web.post(MINT, content=json.dumps(plain).encode()).status_code == 200  # it was not used up


# 9: problems


def refusals(web: TestClient, live: Live) -> Iterator[tuple[Any, int]]:
    for path in EXCHANGE:
        wrong = "GET" if path in POSTS else "POST"
        yield web.request(wrong, path), 405
        yield web.request("DELETE", path), 405
        yield web.request("OPTIONS", path, headers={"Origin": "https://evil.example"}), 405
        yield web.get(path + "/"), 404
    for path in POSTS:
        for body in (b"", b"[]", b'{"token": 1}', b"\xff", b'{"token": "a", "token": "b"}', b"[" * 50_000):
            yield web.post(path, content=body), 422
        yield web.post(path, content=b" " * 65_537), 413
        yield web.post(path, content=iter([b" " * 50_000, b" " * 50_000])), 413
    for path in (MINT, PREFLIGHT):
        yield web.post(path, content=b'{"token": "a.b.c"}'), 422
        yield web.post(path, content=live.body(aud="another")), 422
        yield web.post(path, content=live.body(repository="octo/other")), 422
        yield web.post(path, content=live.body(iss="https://unknown.example")), 422
    yield web.get("/nothing"), 404
    yield web.get("/_/oidc/nothing"), 404
    yield web.get("/simple/nothing/"), 404


def test_every_refusal_is_a_problem_with_a_code(web: TestClient, live: Live) -> None:
    for answer, status in refusals(web, live):
        check_problem(answer, status)
        if status == 405:
            assert set(answer.headers["allow"].split(", ")) in ({"GET", "HEAD"}, {"POST"})


def test_a_problems_type_is_the_address_of_its_description(web: TestClient) -> None:
    body = check_problem(web.post(MINT, content=b"{}"), 422)
    page = web.get(body["type"])
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/plain; charset=utf-8"
    assert page.text.startswith("invalid-payload (422)")
    assert "invalid-payload" in web.get("/problems/").text
    check_problem(web.get("/problems/%3Cscript%3E"), 404, "not-found")


def test_an_upload_is_refused_with_the_same_members(web: TestClient) -> None:
    for accept, given in ((JSON_TYPE, JSON_TYPE), (PROBLEM_TYPE, PROBLEM_TYPE), (f"{PROBLEM_TYPE}, */*;q=0.1",) * 2):
        answer = web.post("/legacy/", headers={"Accept": accept})
        assert answer.status_code == 403
        assert answer.headers["content-type"] == given.partition(",")[0]
        body = answer.json()
        assert body["type"] == "https://index.example/problems/invalid-credentials"
        assert body["errors"][0]["code"] == "invalid-credentials"
    assert web.get("/legacy/", headers={"Accept": JSON_TYPE}).json()["errors"][0]["code"] == "method-not-allowed"


def test_what_a_job_says_of_itself_commands_nothing_in_the_answer(web: TestClient, live: Live) -> None:
    nasty = "a::warning::b ##[error]c ![d](https://evil.example) <img src=x>"
    told = ""
    names = ("environment", "event_name", "repository", "job_workflow_ref", "workflow_ref", "ref", "repository_id")
    for value in (nasty, nasty + "\x1b[31m\u202e"):
        for name in names:
            body = web.post(MINT, content=live.body(**{name: value})).json()
            told += body.get("detail", "") + json.dumps(body.get("mismatches"), ensure_ascii=False)
    assert "evil.example" in told
    for command in ("::", "##[", "](", "<img", "\x1b", "\u202e"):
        assert command not in told


# The manners of the endpoints


def test_d3_no_endpoint_of_the_exchange_redirects(web: TestClient, live: Live) -> None:
    for path in (*EXCHANGE, MINT + "/", "//_/oidc/mint-token", "/_/oidc//mint-token", "/_/OIDC/mint-token"):
        for scheme in ("http", "https"):
            answer = web.post(f"{scheme}://other.example{path}", content=b"{}")
            assert not 300 <= answer.status_code < 400
            assert "location" not in answer.headers


def test_d4_no_page_of_another_origin_has_any_business_here(web: TestClient, live: Live) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for path in EXCHANGE:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            answer = web.request(method, path, headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert "set-cookie" not in answer.headers


def test_d4_tob_pypi26_8_reading_changes_nothing(web: TestClient, live: Live) -> None:
    def rows() -> list[tuple[str, int]]:
        with closing(sqlite3.connect(live.folder.path / "index.db")) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return [(one, database.execute(f'SELECT count(*) FROM "{one}"').fetchone()[0]) for one in tables]  # noqa: S608

    before = rows()
    assert len(before) > 5
    token = live.identity_token()
    for path in (*EXCHANGE, "/", "/simple/", "/simple/hello/", "/problems/", "/legacy/"):
        for method in ("GET", "HEAD", "OPTIONS"):
            web.request(method, f"{path}?token={token}&discover=%2Flegacy%2F", headers={"Authorization": "Bearer x"})
    assert rows() == before
    assert web.post(MINT, content=json.dumps({"token": token}).encode()).status_code == 200


def test_head_says_what_get_would(web: TestClient) -> None:
    for path in (AUDIENCE, f"{DISCOVERY}?discover=%2Flegacy%2F", "/problems/"):
        got, head = web.get(path), web.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == got.headers["content-type"]
        assert head.headers["content-length"] == str(len(got.content))


def test_a_preflight_says_what_a_mint_would_and_uses_nothing_up(web: TestClient, live: Live) -> None:
    body = live.body()
    for _ in range(2):
        found = web.post(PREFLIGHT, content=body)
        assert found.status_code == 200
        assert "token" not in found.json()
        assert "pypi-" not in found.text
    assert web.post(MINT, content=body).status_code == 200
    wrong = live.body(environment="other")
    told = [check_problem(web.post(path, content=wrong), 422, "invalid-publisher") for path in (PREFLIGHT, MINT)]
    assert told[0]["detail"] == told[1]["detail"]


# Limits


def test_d2_an_address_that_keeps_failing_is_told_to_wait(web: TestClient, live: Live) -> None:
    for _ in range(120):
        check_problem(web.post(MINT, content=b'{"token": "a.b.c"}'), 422)
    check_problem(web.post(MINT, content=b'{"token": "a.b.c"}'), 429, "rate-limited")
    answer = web.post(MINT, content=live.body())
    check_problem(answer, 429, "rate-limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    live.clock.now += int(answer.headers["retry-after"])
    assert web.post(MINT, content=live.body()).status_code == 200


def test_d2_a_repository_that_keeps_being_refused_is_told_to_wait_and_others_are_not(
    web: TestClient, live: Live
) -> None:
    for _ in range(30):
        check_problem(web.post(MINT, content=live.body(repository="octo/other")), 422, "invalid-publisher")
    answer = web.post(MINT, content=live.body(repository="octo/other"))
    check_problem(answer, 429, "rate-limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert web.post(MINT, content=live.body()).status_code == 200


def test_a7_a_flood_of_key_ids_ends_at_the_limit_of_its_address(
    site: Any, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def none(keys: NoKeys, issuer: Issuer, kid: str) -> Any:
        asked.append(kid)
        raise NoSuchKey

    site.house.publisher(site.house.project("hello"))
    monkeypatch.setattr(NoKeys, "get", none)
    answers = [
        site.client.post(MINT, content=live.body(header={"kid": f"key-{number}"})).status_code for number in range(150)
    ]
    assert answers == [422] * 120 + [429] * 30
    assert len(asked) == 120


def test_an_issuer_that_is_down_is_told_with_the_time_to_wait(
    site: Any, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(keys: NoKeys, issuer: Issuer, kid: str) -> Any:
        raise IssuerDown("it answers ::error:: <b>", retry_after=17)

    site.house.publisher(site.house.project("hello"))
    monkeypatch.setattr(NoKeys, "get", down)
    for path in (MINT, PREFLIGHT):
        answer = site.client.post(path, content=live.body())
        body = check_problem(answer, 503, "issuer-unavailable")
        assert answer.headers["retry-after"] == "17"
        assert "::" not in body["detail"]
        assert "<b>" not in body["detail"]


def test_one_who_sends_nothing_is_told_so(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "IDLE_SECONDS", 0.05)

    async def never() -> Message:
        await anyio.sleep(60)
        raise AssertionError

    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    async def ask(path: str) -> None:
        headers = [(b"content-length", b"10"), (b"host", b"index.example")]
        scope = {
            "type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers, "scheme": "https",
            "server": ("index.example", 443), "client": ("192.0.2.1", 1), "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        await web.app(scope, never, keep)

    monkeypatch.setattr(web_answers, "DISCARD_SECONDS", 0.05)
    for path in POSTS:
        sent.clear()
        anyio.run(ask, path)
        assert sent[0]["status"] == 408
        body = json.loads(b"".join(message.get("body", b"") for message in sent))
        assert body["errors"][0]["code"] == "timeout"


def test_d2_any_number_of_mints_may_succeed(web: TestClient, live: Live) -> None:
    for _ in range(130):
        assert web.post(MINT, content=live.body()).status_code == 200
