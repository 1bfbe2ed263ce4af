# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent to the exchange and to the upload, over a real socket: never a fault of ours, always a reason."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.index.web.phrase import H11PhrasingProtocol, PhrasingProtocol
from trustpub.protocol.accept import JSON_TYPE, PYTP_TYPE
from trustpub.protocol.exchange import PROBLEM_TYPE
from trustpub.protocol.problems import KINDS

from .conftest import Live, open_live, serving

POSTS = ("/_/oidc/mint-token", "/_/oidc/github/mint-token", "/_/oidc/burn-token", "/api/v1/preflight")
GETS = ("/_/oidc/audience", "/.well-known/pytp")
EXCHANGE = (*GETS, *POSTS)
LETTERS = "aZ9/%&=+;:.,-_~ \"'\\<>[]{}é\u202e\x7f☃\U0001f600"
RAW = st.binary(max_size=200)


@dataclass
class Running:
    """The index on a socket, and what it wrote into its log."""

    live: Live
    port: int
    written: list[logging.LogRecord] = field(default_factory=list)

    def send(self, request: bytes) -> tuple[int, http.client.HTTPMessage, bytes] | None:
        """The answer to one request; None where the connection is closed without one."""
        self.live.clock.now += 61  # nobody is ever over a limit
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            answer = http.client.HTTPResponse(connection, method=request.partition(b" ")[0].decode("latin-1"))
            try:
                answer.begin()
                return answer.status, answer.headers, answer.read()
            except (http.client.HTTPException, ConnectionResetError):
                return None


class Listening(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(scope="module", params=[PhrasingProtocol, H11PhrasingProtocol], ids=["httptools", "h11"])
def running(tmp_path_factory: pytest.TempPathFactory, signing_key: Any, request: Any) -> Iterator[Running]:
    """One index for all examples; its clock jumps so that no limit is reached."""
    folder = tmp_path_factory.mktemp("fuzzed") / "index"
    with open_live(folder, signing_key) as live, serving(live.app, request.param) as port:
        index = Running(live=live, port=port)
        handler = Listening(index.written)
        names = ("trustpub.index", "uvicorn.error", "asyncio")
        for name in names:
            logging.getLogger(name).addHandler(handler)
        yield index
        for name in names:
            logging.getLogger(name).removeHandler(handler)


def request_of(
    method: str, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes = b"", *, chunked: bool = False
) -> bytes:
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: index.example"]
    lines += [name + b": " + value for name, value in headers]
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
        pieces = [body[at : at + 7] for at in range(0, len(body), 7)] if len(body) < 1000 else [body]
        body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"
    else:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body


def check(running: Running, request: bytes, *, path: str = "") -> int:
    """The answer is none of our faults, and a refusal says which it is. Returns the status."""
    del running.written[:]
    answer = running.send(request)
    assert answer is not None, "the connection ended without an answer"
    status, headers, body = answer
    assert status < 500, (status, body)
    assert [one.getMessage() for one in running.written] == []
    assert b"Traceback" not in body
    assert headers["x-content-type-options"] == "nosniff"
    if path in EXCHANGE:
        assert headers["cache-control"] == "no-store"
        assert not 300 <= status < 400
    if status >= 400 and not request.startswith(b"HEAD ") and path in (*EXCHANGE, ""):
        check_problem(status, headers, body)
    return status


def check_problem(status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
    assert headers["content-type"] in (PROBLEM_TYPE, JSON_TYPE)
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["errors"][0]["code"] in KINDS
    assert problem["errors"][0]["description"] == problem["detail"] != ""


texts = st.text(LETTERS, max_size=30)
numbers = st.sampled_from([0, -1, 1, 2**53, 2**63, -(2**64), 10**300, 1.5, -0.0, 1e308, 1790000000])
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def segment(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@st.composite
def tokens(draw: st.DrawFn) -> str:
    """What looks more or less like a JWT or a macaroon."""
    match draw(st.integers(0, 3)):
        case 0:
            return draw(texts)
        case 1:
            return "pypi-" + segment(draw(RAW)).decode()
        case 2:
            return ".".join(segment(draw(RAW)).decode() for _ in range(draw(st.integers(1, 5))))
    header = draw(st.fixed_dictionaries({}, optional={"alg": values, "kid": values, "typ": values, "crit": values}))
    claims = draw(st.fixed_dictionaries({}, optional={"iss": values | st.just("https://ci.example"), "aud": values}))
    return b".".join([segment(dumped(header)), segment(dumped(claims)), segment(draw(RAW))]).decode()


SPECIAL_BODIES = (
    b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"\x00" * 100,
    b"[" * 60_000, b'{"a":' * 10_000, b"9" * 50_000, b'{"token":' + b"9" * 5000 + b"}",
    b'{"token": NaN}', b'{"token": "x", "exp": Infinity}', b'{"token": "\\ud800"}', b'{"token": "\\udfff\\ud800.x.y"}',
    b'{"token": "a.b.c", "token": "d.e.f"}', b'{"token": "' + b"a" * 60_000 + b'"}',
    b'{"token": "a.b.c", "features": {}}', b'{"token": "..", "features": ["\\ud800"]}',
    b'{"token": "\\u0000"}', b" " * 65_537, b'{"token": "' + b"." * 9000 + b'"}',
    b"token=a.b.c", b"--x\r\nContent-Disposition: form-data; name=token\r\n\r\na.b.c\r\n--x--\r\n",
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    match draw(st.integers(0, 4)):
        case 0:
            return draw(RAW)
        case 1:
            return dumped(draw(values))
        case 2:
            return draw(st.sampled_from(SPECIAL_BODIES))
        case 3:
            return dumped({"token": draw(values), "features": draw(values)})
    features = draw(st.none() | st.lists(st.sampled_from(["multi-use-token", "single-use-token", "x"]), max_size=3))
    return dumped({"token": draw(tokens()), **({} if features is None else {"features": features})})


header_text = st.text('aZ0*/;=,+-. "q', max_size=40).map(lambda text: text.strip().encode())
accepts = header_text | st.sampled_from(
    [b"*/*", b"text/html", JSON_TYPE.encode(), PYTP_TYPE.encode(), b"", b"*/*;q=0", b"a" * 9000, b"," * 5000,
     b"\xe9\xff", b"application/json;q=9", b"*", b"/", b";;;", b"application/json;q=\xb2"]
)  # fmt: skip
content_types = header_text | st.sampled_from(
    [b"application/json; charset=utf-16", b"multipart/form-data", b"multipart/form-data; boundary=", b"\xff"]
)
credentials = header_text | st.sampled_from(
    [b"Basic", b"Basic !!!", b"Basic X190b2tlbl9fOg==", b"Bearer pypi-AAAA", b"Basic " + base64.b64encode(b"\xff:\xff"),
     b"Bearer " + b"a" * 20_000, b"Basic X190b2tlbl9fOnB5cGktQWdFSQ==", b"Digest x"]
)  # fmt: skip


@st.composite
def headers(draw: st.DrawFn) -> list[tuple[bytes, bytes]]:
    given: list[tuple[bytes, bytes]] = []
    for name, kind in (
        (b"Accept", accepts), (b"Content-Type", content_types), (b"Authorization", credentials), (b"Accept", accepts),
        (b"Content-Encoding", header_text), (b"X-Forwarded-For", header_text), (b"Expect", header_text),
    ):  # fmt: skip
        if draw(st.booleans()):
            given.append((name, draw(kind)))
    return given


queries = st.text("discover=%2Flgay+&;#\\x", max_size=40).map(
    lambda text: text.replace("#", "").encode()
) | st.sampled_from(
    [b"discover=%2Flegacy%2F", b"discover=%ff%00", b"discover", b"&" * 3000, b"discover=" + b"%25" * 2000, b"%", b"=&="]
)


@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"]),
    path=st.sampled_from(EXCHANGE),
    query=queries,
    given_headers=headers(),
    body=bodies(),
    chunked=st.booleans(),
)
def test_any_request_to_the_exchange_is_answered_with_a_reason(
    running: Running, method: str, path: str, query: bytes, given_headers: Any, body: bytes, *, chunked: bool
) -> None:
    target = path.encode() + (b"?" + query if query else b"")
    status = check(running, request_of(method, target, given_headers, body, chunked=chunked), path=path)
    if method not in ("GET", "HEAD") and path in GETS:
        assert status == 405
    if method != "POST" and path in POSTS:
        assert status == 405


@given(body=bodies(), path=st.sampled_from(POSTS))
def test_any_body_is_taken_or_refused(running: Running, body: bytes, path: str) -> None:
    status = check(running, request_of("POST", path.encode(), [], body), path=path)
    assert status in ((202, 422, 413) if path.endswith("burn-token") else (422, 413))


CLAIMS = (
    "iss", "aud", "iat", "nbf", "exp", "jti", "sub", "repository", "repository_id", "repository_owner",
    "repository_owner_id", "job_workflow_ref", "workflow_ref", "ref", "ref_type", "ref_protected", "sha", "event_name",
    "environment", "runner_environment", "enterprise", "something_new", "é", "",
)  # fmt: skip


@given(
    changes=st.dictionaries(st.sampled_from(CLAIMS), values | texts, max_size=4),
    header=st.dictionaries(st.sampled_from(["typ", "kid", "crit", "jku", "b64", "x"]), values, max_size=2),
    path=st.sampled_from(POSTS),
)
def test_any_claims_of_a_believed_issuer_are_decided_on(
    running: Running, changes: dict[str, Any], header: dict[str, Any], path: str
) -> None:
    """Signed with the issuer's real key, so that everything behind the signature is reached too."""
    live = running.live
    live.clock.now += 61
    claims = live.claims(**changes, iat=int(live.clock.now) + 61) if "iat" not in changes else live.claims(**changes)
    claims.setdefault("exp", int(live.clock.now) + 300)
    body = dumped({"token": signed(live, {"alg": "RS256", "typ": "JWT", "kid": "key-1", **header}, claims)})
    check(running, request_of("POST", path.encode(), [], body), path=path)


def signed(live: Live, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A JWT that a library would not make, with a signature that holds."""
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    content = segment(dumped(header)) + b"." + segment(dumped(claims))
    private: Any = live.key.private_key
    signature = private.sign(content, padding.PKCS1v15(), SHA256())
    return (content + b"." + segment(signature)).decode()


@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT"]),
    path=st.sampled_from([b"/legacy/", b"/legacy", b"/legacy//", b"/simple/", b"/simple/x", b"/problems/x", b"/"]),
    query=queries,
    given_headers=headers(),
    body=bodies(),
    chunked=st.booleans(),
)
def test_any_request_to_the_upload_or_the_pages_is_none_of_our_faults(
    running: Running, method: str, path: bytes, query: bytes, given_headers: Any, body: bytes, *, chunked: bool
) -> None:
    request = request_of(method, path + b"?" + query, given_headers, body, chunked=chunked)
    check(running, request, path=path.decode())


@pytest.mark.parametrize(
    "host", [b"[", b"]", b"", b"x:99999", b"x:y", b"evil.example", b"\xe9", b"a@b", b"[::1", b"//", b"#?"]
)
def test_the_host_header_may_be_anything(running: Running, host: bytes) -> None:
    for method, path in (
        ("POST", "/_/oidc/mint-token"), ("GET", "/_/oidc/audience"), ("GET", "/nothing"), ("POST", "/legacy"),
        ("GET", "/simple"), ("GET", "/simple/Hello/"), ("GET", "/legacy/"),
    ):  # fmt: skip
        request = request_of(method, path.encode(), [], b"{}").replace(b"index.example", host, 1)
        answer = running.send(request)
        assert answer is not None
        assert answer[0] < 500
        location = answer[1]["location"]
        assert location is None or location.startswith("https://index.example/")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /_/oidc/mint-token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
        b"POST /_/oidc/mint-token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /_/oidc/mint-token HTTP/1.1\r\nHost: x\r\nContent-Length: one\r\n\r\n{}",
        b"POST /_/oidc/mint-token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50 + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_is_not_http_is_answered_with_a_problem_too(running: Running, request_bytes: bytes) -> None:
    answer = running.send(request_bytes)
    assert answer is not None
    status, given_headers, body = answer
    assert status == 400
    check_problem(status, given_headers, body)
    assert json.loads(body)["errors"][0]["code"] == "bad-request"


def test_a_body_that_announces_too_much_is_refused_before_it_came(running: Running) -> None:
    for path in POSTS:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
            connection.sendall(head + b" " * 65_537)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 413
            check_problem(413, answer.headers, answer.read())


def test_one_who_hangs_up_in_the_middle_leaves_no_word_in_the_log(running: Running) -> None:
    del running.written[:]
    for path in POSTS:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
            connection.sendall(head + b'{"token":')
    assert running.send(request_of("GET", b"/_/oidc/audience", [])) is not None
    assert running.written == []
