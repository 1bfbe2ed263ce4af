# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A private index: every path that can be read asks for a token, and what is not for somebody is not there for them."""

from __future__ import annotations

import base64
import dataclasses
import json
import string
from collections.abc import Iterator, Mapping
from typing import Any, cast

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from trustpub.index.bootstrap.application import build_app
from trustpub.index.kept import QUARANTINED, Project, Provenance
from trustpub.index.web.gate import OPEN, is_open, private_headers
from trustpub.secret import Secret
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import Expiry, ProjectNames, UserId, write

from .conftest import Site, wheel

JSON = "application/vnd.pypi.simple.v1+json"
WHEEL = "{name}-1.0-py3-none-any.whl"
DOCUMENT = '{"version":1,"attestation_bundles":[]}'


def basic(token: Secret | str | None, user: str = "__token__") -> dict[str, str]:
    """A header; none without a token."""
    if token is None:
        return {}
    text = token.reveal() if isinstance(token, Secret) else token
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{text}".encode()).decode()}


@pytest.fixture
def closed(house: Any) -> Iterator[Any]:
    """A private index with the projects hello and secret, each with a wheel and its provenance."""
    public = TestClient(house.app, base_url="https://index.example", follow_redirects=False)
    for name in ("hello", "secret"):
        sent = Site(house=house, client=public).publishing(name).send(wheel(name), WHEEL.format(name=name))
        assert sent.status_code == 200, sent.text
    attest(house)
    house.settings = dataclasses.replace(house.settings, private=True)
    with TestClient(house.app, base_url="https://index.example", follow_redirects=False) as client:
        yield Site(house=house, client=client)


def attest(house: Any) -> None:
    """Give every file a provenance, as if it had come with one."""
    with house.store.write() as writing:
        for file in list(writing.all_files()):
            writing._connection.exec_driver_sql("UPDATE files SET attested = 1 WHERE filename = ?", (file.filename,))
            writing._connection.exec_driver_sql(
                "INSERT INTO provenances VALUES (?, ?, ?)",
                dataclasses.astuple(Provenance(filename=file.filename, document=DOCUMENT, everything=DOCUMENT)),
            )
            writing.touch(file.project_id)


def the_project(house: Any, name: str) -> Project:
    with house.store.read() as reading:
        return cast(Project, reading.project(name))


def limited(house: Any, name: str = "hello", user: str = "bob") -> Secret:
    """A token that reads this project alone."""
    house.user_token(user)
    with house.store.read() as reading:
        found = reading.user(user)
    return cast(Secret, house.credentials.issue_user_token(found, scope="read", project=the_project(house, name))[1])


def file_paths(house: Any, name: str) -> list[str]:
    with house.store.read() as reading:
        (file,) = reading.files(the_project(house, name).id, hidden=True)
    digest = file.blake2b_256
    path = f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{file.filename}"
    return [path, f"{path}.metadata"]


def readable(house: Any, name: str) -> list[str]:
    """Every path at which something of a project can be read."""
    filename = WHEEL.format(name=name)
    return [
        f"/simple/{name}/",
        f"/legacy/+simple/{name}/",
        f"/pypi/{name}/json",
        f"/pypi/{name}/1.0/json",
        f"/integrity/{name}/1.0/{filename}/provenance",
        f"/integrity/{name}/1.0/{filename}/provenance?all",
        *file_paths(house, name),
    ]


def answer(response: Any) -> tuple[int, Mapping[str, str], bytes]:
    return response.status_code, dict(response.headers), response.content


def test_every_route_that_is_not_named_open_asks_for_a_token(closed: Any) -> None:
    routes = [route.path for route in cast(Starlette, closed.house.app).routes if isinstance(route, Route)]
    assert {path for path in routes if is_open(path)} == {
        "/", "/healthz", "/readyz", "/.well-known/pytp", "/_/oidc/audience", "/_/oidc/mint-token",
        "/_/oidc/github/mint-token", "/_/oidc/burn-token", "/api/v1/preflight", "/problems/", "/problems/{code}",
        "/legacy/", "/legacy", "/.well-known/sigstore-trust-config.json",
    }  # fmt: skip
    fixed = [path.format_map({"project": "hello", "version": "1.0", "filename": "x", "code": "y"}) for path in routes]
    paths = [
        *[path for path in fixed if not is_open(path)], *readable(closed.house, "hello"), "/simple", "/simple/",
        "/simple/hello", "/simple/nobody/", "/legacy/+simple/", "/legacy/+simple", "/nothing", "/pypi/nobody/json",
        "/packages/aa/bb/cc/nobody-1.0.tar.gz", "/favicon.ico", "/legacy/x", "/_/oidc", "/problems",
    ]  # fmt: skip
    bodies = set()
    for path in paths:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            got = closed.client.request(method, path)
            assert got.status_code == 401, (method, path)
            assert got.headers["www-authenticate"].startswith("Basic realm=")
            assert got.headers["cache-control"] == "no-store"
            assert "authorization" in got.headers["vary"].lower()
            if method != "HEAD":
                bodies.add(got.content)
    assert len(bodies) == 1
    for path in OPEN:
        assert closed.client.get(path).status_code != 401
        assert closed.client.get(path).headers.get("www-authenticate") is None


_LETTERS = string.ascii_letters + string.digits + "+-._~%/: @"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.lists(
        st.sampled_from(["simple", "legacy", "+simple", "hello", "..", ".", "", "packages", "problems", "%2e", "json"])
        | st.text(_LETTERS, max_size=6),
        max_size=6,
    ).map("/".join)
)
def test_no_way_of_writing_a_path_leads_past_the_gate(closed: Any, path: str) -> None:
    """As the application is given it: a server decodes a path once, and neither folds dots nor slashes."""
    got: list[Any] = []

    async def ask() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            got.append(message)

        scope = {
            "type": "http", "method": "GET", "path": f"/{path}", "raw_path": f"/{path}".encode(), "query_string": b"",
            "headers": [(b"host", b"index.example")], "client": ("192.0.2.7", 1), "scheme": "https",
            "server": ("index.example", 443), "http_version": "1.1", "root_path": "", "extensions": {}, "state": {},
            "asgi": {"version": "3.0"},
        }  # fmt: skip
        await closed.client.app(scope, receive, send)

    anyio.run(ask)
    body = b"".join(one.get("body", b"") for one in got)
    assert got[0]["status"] == 401 or is_open(f"/{path}")
    assert b"py3-none-any" not in body


def test_who_may_read_all_sees_what_a_public_index_shows(closed: Any) -> None:
    token = closed.house.user_token("ada", scope="read")
    public = dataclasses.replace(closed.house, settings=dataclasses.replace(closed.house.settings, private=False))
    with TestClient(public.app, base_url="https://index.example", follow_redirects=False) as everybody:
        for path in [*readable(closed.house, "hello"), "/simple/", "/simple", "/simple/Hello/", "/legacy/+simple/"]:
            for accept in ("*/*", JSON):
                open_to_all = everybody.get(path, headers={"Accept": accept})
                got = closed.client.get(path, headers={"Accept": accept, **basic(token)})
                # Links to files name no host, so that poetry keeps a credential that is in the index's URL.
                linked = open_to_all.content
                if "simple/" in path.lower():
                    linked = linked.replace(b'"https://index.example/packages/', b'"/packages/')
                assert (got.status_code, got.content) == (open_to_all.status_code, linked), path
                if got.status_code == 200 and linked == open_to_all.content:
                    assert got.headers.get("etag") == open_to_all.headers.get("etag")
                words = {one.strip() for one in got.headers["cache-control"].split(",")}
                assert words & {"private", "no-store"}, path
                assert "public" not in words
                assert "authorization" in got.headers["vary"].lower()
        for path in ("/simple/nobody/", "/nothing"):
            assert closed.client.get(path, headers=basic(token)).status_code == 404


def test_what_is_unchanged_is_told_privately_too(closed: Any) -> None:
    headers = basic(closed.house.user_token("ada", scope="read"))
    for path in readable(closed.house, "hello"):
        first = closed.client.get(path, headers=headers)
        again = closed.client.get(path, headers={**headers, "If-None-Match": first.headers["etag"]})
        assert again.status_code == 304, path
        assert "private" in again.headers["cache-control"]
    part = closed.client.get(file_paths(closed.house, "hello")[0], headers={**headers, "Range": "bytes=0-3"})
    assert (part.status_code, len(part.content)) == (206, 4)


def test_what_somebody_may_not_read_is_as_what_there_is_not(closed: Any) -> None:
    house = closed.house
    headers = basic(limited(house))
    for path in readable(house, "hello"):
        assert closed.client.get(path, headers=headers).status_code == 200, path
    listed = closed.client.get("/simple/", headers={**headers, "Accept": JSON}).json()
    assert [one["name"] for one in listed["projects"]] == ["hello"]
    assert b"secret" not in closed.client.get("/legacy/+simple/", headers=headers).content
    nothing = answer(closed.client.get("/simple/nobody/", headers=headers))
    assert nothing[0] == 404
    there = [*readable(house, "secret"), "/simple/secret", "/simple/Secret/", "/simple/SECRET", "/pypi/Secret/json"]
    missing = [one.replace("secret", "nobody").replace("Secret", "Nobody") for one in there]
    for path in [*there, *missing, "/nothing", "/pypi/secret/9.9/json"]:
        for method in ("GET", "HEAD", "POST"):
            got = answer(closed.client.request(method, path, headers=headers))
            assert got == (nothing if method != "HEAD" else (got[0], got[1], b"")), path
            assert got[0] == 404
    for path in (
        f"/integrity/hello/1.0/{WHEEL.format(name='secret')}/provenance",
        file_paths(house, "hello")[0].replace("hello-1.0", "secret-1.0"),
        file_paths(house, "secret")[0].replace("secret-1.0", "hello-1.0"),
    ):
        assert closed.client.get(path, headers=headers).status_code == 404


def test_the_list_says_nothing_of_projects_that_are_not_in_it(closed: Any) -> None:
    headers = {**basic(limited(closed.house)), "Accept": JSON}
    before = closed.client.get("/simple/", headers=headers)
    assert closed.publishing("third").send(wheel("third"), WHEEL.format(name="third")).status_code == 200
    assert answer(closed.client.get("/simple/", headers=headers)) == answer(before)


def test_an_upstream_is_never_asked_for_by_who_sees_a_part(closed: Any) -> None:
    closed.house.settings = dataclasses.replace(closed.house.settings, upstream="https://pypi.example/simple/")
    with TestClient(closed.house.app, base_url="https://index.example", follow_redirects=False) as client:
        everything = basic(closed.house.user_token("ada", scope="read"))
        assert client.get("/simple/nobody/", headers=everything).status_code == 302
        headers = basic(limited(closed.house))
        seen = {answer(client.get(f"/simple/{name}/", headers=headers))[0] for name in ("nobody", "secret")}
        assert seen == {404}
        assert client.get("/simple/nobody/").status_code == 401


def test_a_token_is_worth_nothing_from_the_moment_it_ends(closed: Any) -> None:
    house = closed.house
    house.user_token("ada")
    with house.store.read() as reading:
        ada = reading.user("ada")
    short, token = house.credentials.issue_user_token(ada, scope="read", lifetime=60)
    lasting, other = house.credentials.issue_user_token(ada, scope="read")
    for one in (token, other):
        for _ in range(2):
            assert closed.client.get("/simple/", headers=basic(one)).status_code == 200
    house.clock.now += 61
    late = closed.client.get("/simple/", headers=basic(token))
    assert late.status_code == 401
    assert "expired" in late.json()["detail"]
    assert closed.client.get("/simple/", headers=basic(other)).status_code == 200
    with house.store.write() as writing:
        writing.burn(lasting.id, int(house.clock.now))
    ended = closed.client.get("/simple/", headers=basic(other))
    assert ended.status_code == 401
    assert "burned" in ended.json()["detail"]
    assert short.id not in late.text


def test_what_is_no_token_for_reading_opens_nothing_and_says_nothing_of_what_is_here(closed: Any) -> None:
    house = closed.house
    good = house.user_token("ada", scope="read").reveal()
    minted = house.minted(house.publisher(the_project(house, "hello")))[1]
    foreign = macaroon.create(
        location="index.example", identifier="nobody", root_key=b"x" * 32, caveats=(write(UserId("u")),)
    ).serialize()
    wrong: list[tuple[int, dict[str, str]]] = [
        (401, {}),
        (401, {"Authorization": ""}),
        (401, {"Authorization": "Basic"}),
        (401, {"Authorization": "Basic !!!"}),
        (401, {"Authorization": "Digest x"}),
        (401, basic("", "")),
        (401, basic("password", "ada")),
        (401, basic(good, "ada")),
        (401, basic(good[:-4])),
        (401, basic(good + "A")),
        (401, basic(foreign)),
        (403, basic(house.user_token("ada"))),
        (403, basic(minted)),
    ]
    for status, headers in wrong:
        answers = set()
        for path in ("/simple/", "/simple/hello/", "/simple/nobody/", "/nothing", *file_paths(house, "hello")):
            got = closed.client.get(path, headers=headers)
            assert got.status_code == status, headers
            assert ("www-authenticate" in got.headers) == (status == 401)
            answers.add(got.content)
        assert len(answers) == 1
        assert good not in next(iter(answers)).decode()
    twice = [("Authorization", basic(good)["Authorization"])] * 2
    assert closed.client.get("/simple/", headers=twice).status_code == 401
    for scheme in ("Bearer", "bearer", "token"):
        assert closed.client.get("/simple/", headers={"Authorization": f"{scheme} {good}"}).status_code == 200


def test_a_token_for_reading_never_uploads(closed: Any) -> None:
    for token in (closed.house.user_token("ada", scope="read"), limited(closed.house)):
        got = closed.uploader(token).send(wheel("other"), WHEEL.format(name="other"))
        assert got.status_code == 403
        assert "scope 'read' cannot upload" in got.text


def test_the_holder_of_a_token_may_make_it_weaker(closed: Any) -> None:
    token = closed.house.user_token("ada", scope="read")
    weaker = macaroon.parse(token).restrict(write(ProjectNames(("secret",)))).serialize()
    headers = basic(weaker)
    assert closed.client.get("/simple/secret/", headers=headers).status_code == 200
    assert closed.client.get("/simple/hello/", headers=headers).status_code == 404
    now = int(closed.house.clock.now)
    shorter = macaroon.parse(token).restrict(write(Expiry(now + 5, now))).serialize()
    assert closed.client.get("/simple/hello/", headers=basic(shorter)).status_code == 200
    closed.house.clock.now += 5
    assert closed.client.get("/simple/hello/", headers=basic(shorter)).status_code == 401
    nobodys = macaroon.parse(token).restrict(write(UserId("somebody else"))).serialize()
    assert [closed.client.get(one, headers=basic(nobodys)).status_code for one in readable(closed.house, "hello")] == (
        [404] * 8
    )


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], "private, no-cache"),
        ([(b"Cache-Control", b"public, max-age=60, immutable")], "private, max-age=60, immutable"),
        ([(b"cache-control", b"no-cache")], "private, no-cache"),
        ([(b"cache-control", b"private, no-cache")], "private, no-cache"),
        ([(b"cache-control", b"s-maxage=9, max-age=1")], "private, max-age=1"),
        ([(b"cache-control", b"no-store")], "no-store"),
    ],
)
def test_whatever_a_route_says_of_caching_others_share_nothing(given: list[tuple[bytes, bytes]], wanted: str) -> None:
    headers = [*given, (b"vary", b"Accept"), (b"x-other", b"kept")]
    assert private_headers(headers) == [
        (b"x-other", b"kept"), (b"cache-control", wanted.encode()), (b"vary", b"Accept, Authorization"),
    ]  # fmt: skip
    assert private_headers(private_headers(headers)) == private_headers(headers)


def test_files_in_quarantine_are_neither_listed_nor_served_anywhere(closed: Any) -> None:
    house = closed.house
    headers = basic(house.user_token("ada", scope="read"))
    before = [closed.client.get(path, headers=headers) for path in readable(house, "hello")]
    assert {one.status_code for one in before} == {200}
    with house.store.write() as writing:
        writing.set_status(the_project(house, "hello").id, QUARANTINED, "odd")
    for path in readable(house, "hello"):
        got = closed.client.get(path, headers={**headers, "Accept": "*/*"})
        if "simple" in path:
            assert got.status_code == 200
        else:
            assert got.status_code == 404, path
        assert b"py3-none-any" not in got.content
    page = closed.client.get("/simple/hello/", headers={**headers, "Accept": JSON}).json()
    assert (page["files"], page["project-status"]["status"]) == ([], "quarantined")
    with house.store.write() as writing:
        writing.set_status(the_project(house, "hello").id, "active", "")
    again = [closed.client.get(path, headers=headers) for path in readable(house, "hello")]
    assert [one.content for one in again if b"serial" not in one.content] == (
        [one.content for one in before if b"serial" not in one.content]
    )


@pytest.mark.parametrize(
    ("status", "said"), [("archived", "is archived and takes no uploads: odd"), ("quarantined", "is in quarantine and")]
)
def test_a_closed_project_takes_no_uploads_from_anybody(closed: Any, status: str, said: str) -> None:
    house = closed.house
    with house.store.write() as writing:
        writing.set_status(the_project(house, "hello").id, status, "odd")
    person = member(house, "hello")
    for uploader in (closed.publishing("hello"), closed.uploader(person)):
        got = uploader.send(closed.sdist(), "hello-1.0.tar.gz")
        assert got.status_code == 403
        assert said in got.text
    with house.store.write() as writing:
        writing.set_status(the_project(house, "hello").id, "deprecated", "odd")
    assert closed.publishing("hello").send(closed.sdist(), "hello-1.0.tar.gz").status_code == 200


def test_where_only_publishers_may_upload_no_person_does(closed: Any) -> None:
    house = closed.house
    with house.store.write() as writing:
        writing.set_policy(the_project(house, "hello").id, trusted_only=True, attestations="optional")
    got = closed.uploader(member(house, "hello")).send(closed.sdist(), "hello-1.0.tar.gz")
    assert got.status_code == 403
    assert "by Trusted Publishing only" in got.text
    stranger = closed.uploader(house.user_token("eve")).send(closed.sdist(), "hello-1.0.tar.gz")
    assert stranger.status_code == 403
    assert "Trusted Publishing" not in stranger.text
    assert closed.publishing("hello").send(closed.sdist(), "hello-1.0.tar.gz").status_code == 200


def member(house: Any, name: str) -> Secret:
    token = cast(Secret, house.user_token("ada"))
    with house.store.write() as writing:
        user = writing.user("ada")
        writing.add_member(the_project(house, name).id, user.id)
    return token


@pytest.fixture
def private_live(live: Any) -> Iterator[Any]:
    """A private index as it is served, with an issuer, and a client."""
    app = build_app(live.folder, dataclasses.replace(live.folder.settings, private=True))
    with TestClient(app, base_url="https://index.example", follow_redirects=False) as client:
        yield client


def mint(live: Any, client: Any, **members: Any) -> Any:
    body = json.dumps({"token": live.identity_token(), **members}).encode()
    return client.post("/_/oidc/mint-token", content=body)


def test_an_identity_token_is_exchanged_for_one_that_reads(live: Any, private_live: Any) -> None:
    minted = mint(live, private_live, scope="read")
    assert minted.status_code == 200, minted.text
    headers = basic(minted.json()["token"])
    assert private_live.get("/simple/", headers=headers).status_code == 200
    assert private_live.get("/simple/hello/", headers=headers).status_code == 200
    refused = private_live.post("/legacy/", headers=headers, content=b"")
    assert refused.status_code in (400, 403)
    with live.folder.store.read() as reading:
        row = reading.token(macaroon.parse(Secret(minted.json()["token"])).identifier)
        (event,) = [one for one in reading.events() if one.kind == "token-minted"]
    assert (row.scope, row.publisher_id, row.claims["repository"]) == ("read", "pub-1", "octo/hello")
    assert event.facts["scope"] == "read"
    live.clock.now = minted.json()["expires"]
    assert private_live.get("/simple/", headers=headers).status_code == 401


def test_a_minted_token_reads_as_long_as_its_publisher_is_there(live: Any, private_live: Any) -> None:
    headers = basic(mint(live, private_live, scope="read").json()["token"])
    assert private_live.get("/simple/", headers=headers).status_code == 200
    with live.folder.store.write() as writing:
        assert writing.unlink_publisher("pub-1", writing.project("hello").id)
    assert private_live.get("/simple/", headers=headers).status_code == 401


def test_a_token_for_uploads_is_what_comes_without_a_word(live: Any, private_live: Any) -> None:
    for members in ({}, {"scope": "upload"}):
        token = mint(live, private_live, **members).json()["token"]
        assert private_live.get("/simple/", headers=basic(token)).status_code == 403


def test_the_same_request_is_answered_the_same_and_another_scope_is_another_request(
    live: Any, private_live: Any
) -> None:
    token = live.identity_token()
    body = json.dumps({"token": token, "scope": "read"}).encode()
    first, again = (private_live.post("/_/oidc/mint-token", content=body) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    upload = private_live.post("/_/oidc/mint-token", content=json.dumps({"token": token}).encode())
    assert upload.status_code == 422
    assert upload.json()["errors"][0]["code"] == "invalid-reuse-token"


@pytest.mark.parametrize(
    ("members", "code", "said"),
    [
        ({"scope": "admin"}, "invalid-payload", "scope: is neither 'upload' nor 'read'"),
        ({"scope": None}, "invalid-payload", "scope: is not a string but null"),
        ({"scope": ["read"]}, "invalid-payload", "scope: is not a string but a list"),
        ({"scope": "read", "features": ["single-use-token"]}, "unsupported-feature", "is for uploads"),
    ],
)
def test_a_scope_that_is_none_is_refused(
    live: Any, private_live: Any, members: dict[str, Any], code: str, said: str
) -> None:
    got = mint(live, private_live, **members)
    assert got.status_code == 422
    assert got.json()["errors"][0]["code"] == code
    assert said in got.text


def test_a_burned_token_reads_nothing(live: Any, private_live: Any) -> None:
    token = mint(live, private_live, scope="read").json()["token"]
    assert private_live.get("/simple/", headers=basic(token)).status_code == 200
    assert private_live.post("/_/oidc/burn-token", content=json.dumps({"token": token}).encode()).status_code == 202
    assert private_live.get("/simple/", headers=basic(token)).status_code == 401
