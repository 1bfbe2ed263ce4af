# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The examples of deploy/ for nginx and Caddy, as they stand but for names, ports and paths, before a real index."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from trustpub.index.adapters.tls import DevTls, make

from .conftest import DEPLOY, Answer, Index, a_wheel, ask, basic, eventually, form, free_port, program, run_index

MIB = 1 << 20
SETTINGS = """\
public_url = "https://localhost:{port}"
trusted_proxies = ["127.0.0.1"]
private = false
[metrics]
networks = ["127.0.0.0/8"]
"""


@dataclass
class Front:
    """A proxy, and the index behind it."""

    name: str
    index: Index
    port: int
    plain_port: int
    folder: Path
    """Where the proxy would store what it does not pass on at once."""
    context: ssl.SSLContext
    token: str

    def ask(self, path: str, **how: object) -> Answer:
        return ask(self.port, path, tls=self.context, host="localhost", **how)  # type: ignore[arg-type]

    def stored(self) -> list[Path]:
        return [one for one in self.folder.rglob("*") if one.is_file() and one.stat().st_size > MIB]


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    name: str = request.param
    executable = program(name)
    folder = tmp_path_factory.mktemp(name)
    port, plain_port = free_port(), free_port()
    tls = make(folder / "tls", ["localhost"], time.time())
    with run_index(folder, SETTINGS.format(port=port)) as index:
        token = _token(index)
        place = folder / "proxy"
        place.mkdir()
        start = _nginx if name == "nginx" else _caddy
        argv = start(executable, place, index.port, (port, plain_port), tls)
        env = {**os.environ, "HOME": str(place), "XDG_DATA_HOME": str(place), "XDG_CONFIG_HOME": str(place)}
        with (
            (folder / "proxy.log").open("wb") as log,
            subprocess.Popen(argv, stdout=log, stderr=log, env=env) as running,
        ):
            try:
                eventually(lambda: _answers(port) or running.poll() is not None)
                assert running.poll() is None, (folder / "proxy.log").read_text()
                context = ssl.create_default_context(cafile=str(tls.ca))
                yield Front(name, index, port, plain_port, place, context, token)
            finally:
                running.terminate()
                running.wait(30)


def test_the_address_of_a_client_is_its_own_and_not_what_it_says(front: Front) -> None:
    for said in ("6.6.6.6", "127.0.0.1", "127.0.0.1, 6.6.6.6"):
        answer = front.ask(
            "/simple/", source="127.0.0.2", headers={"X-Forwarded-For": said, "Forwarded": f"for={said}"}
        )
        assert answer.status == 200
        line = front.index.logged(answer.headers["x-request-id"])
        assert " trustpub.access 127.0.0.2 GET /simple/ 200 " in line


def test_a_request_has_one_id_in_both_logs(front: Front) -> None:
    answer = front.ask("/healthz", headers={"X-Request-ID": "sent-by-a-client"})
    known = answer.headers["x-request-id"]
    assert known != "sent-by-a-client"  # the proxy's own counts
    front.index.logged(f" {known} trustpub.access")
    if front.name == "nginx":
        eventually(lambda: known in (front.folder / "access.log").read_text())


def test_what_is_only_for_the_inside_is_not_to_be_had(front: Front) -> None:
    assert front.ask("/metrics").status == 404
    assert front.index.ask("/metrics").status == 200


def test_plain_http_leads_to_tls(front: Front) -> None:
    if front.name == "caddy":
        return  # it does so by itself, on port 80, which the example does not speak of
    answer = ask(front.plain_port, "/simple/?a=b", host="localhost")
    assert (answer.status, answer.headers["location"]) == (308, "https://localhost/simple/?a=b")


def test_an_upload_goes_through_as_it_comes_and_a_download_as_it_is_taken(front: Front) -> None:
    _through(front, "flows", 24 * MIB)


@pytest.mark.long
def test_the_largest_upload_does_too(front: Front) -> None:
    _through(front, "largest", 1020 * MIB)


def test_a_refusal_arrives_before_the_body_was_sent_and_with_its_sentence(front: Front) -> None:
    head = _head(front, 900 * MIB, "multipart/form-data; boundary=b", "wrong")
    with _connected(front) as connection:
        connection.sendall(head + b"--b\r\n" + b"x" * MIB)
        status = _answered_while_sending(connection).partition(b"\r\n")[0].decode()
    assert re.match(r"HTTP/1\.1 (401|403) \S", status), status
    if front.name == "nginx":  # which passes on what stands beside the number, as twine shows it
        assert "token" in status.lower(), status


def test_what_is_wrong_with_a_file_is_told_through_the_proxy(front: Front) -> None:
    body, kind = form(b"no wheel at all", "told-1.0-py3-none-any.whl")
    answer = front.ask("/legacy/", method="POST", body=body, headers=_headers(front, kind))
    assert answer.status == 400
    assert "told-1.0-py3-none-any.whl" in answer.text or "zip" in answer.text.lower(), answer.text


def test_a_larger_body_than_any_file_is_refused(front: Front) -> None:
    with _connected(front) as connection:
        connection.sendall(_head(front, 1200 * MIB, "multipart/form-data; boundary=b", front.token))
        connection.settimeout(20)
        try:
            for _ in range(48):  # as clients do, who look for an answer when all is sent
                connection.sendall(b"x" * MIB)
            status = connection.recv(4096).partition(b"\r\n")[0]
        except (ConnectionError, ssl.SSLError):
            return  # closed before it was all said
    assert b" 413 " in status, status


def _through(front: Front, name: str, size: int) -> None:
    content = a_wheel(name, "1.0", size)
    filename = f"{name}-1.0-py3-none-any.whl"
    body, kind = form(content, filename)
    half = len(body) // 2
    with _connected(front) as connection:
        connection.sendall(_head(front, len(body), kind, front.token))
        connection.sendall(memoryview(body)[:half])
        staging = front.index.data / "staging"
        # The index has nearly all of that half, while the other was not sent yet; and the proxy keeps nothing of it.
        eventually(lambda: sum(one.stat().st_size for one in staging.iterdir()) > half - 6 * MIB, 120)
        assert front.stored() == []
        connection.sendall(memoryview(body)[half:])
        connection.settimeout(300)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    page = front.ask(f"/simple/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    (file,) = page.json()["files"]
    path = re.sub(r"^https://[^/]+", "", file["url"]) if file["url"].startswith("https") else file["url"].lstrip(".")
    with _connected(front) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        connection.settimeout(60)
        received = bytearray(connection.recv(65536))
        time.sleep(0.2)  # a slow reader: what it has not taken is not stored either
        assert front.stored() == []
        while chunk := connection.recv(MIB):
            received += chunk
    assert bytes(received[-len(content) :]) == content


def _answered_while_sending(connection: ssl.SSLSocket) -> bytes:
    """The beginning of the answer to a client that goes on sending: Caddy may not look up from one that rests."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        connection.settimeout(0.2)
        try:
            return connection.recv(4096)
        except TimeoutError:
            connection.settimeout(10)
            connection.sendall(b"x" * 65536)
    raise AssertionError("there was no answer before the body's end")


def _headers(front: Front, kind: str) -> dict[str, str]:
    return {"Authorization": basic(front.token), "Content-Type": kind, "Accept": "text/plain"}


def _head(front: Front, length: int, kind: str, token: str) -> bytes:
    lines = (
        "POST /legacy/ HTTP/1.1", f"Host: localhost:{front.port}", f"Authorization: {basic(token)}",
        f"Content-Type: {kind}", f"Content-Length: {length}", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


@contextlib.contextmanager
def _connected(front: Front) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=60) as plain,
        front.context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


def _answers(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _token(index: Index) -> str:
    from trustpub.index.bootstrap.opening import open_folder

    with open_folder(index.data, create=False) as opened:
        user = opened.people.add("ada")
        return opened.credentials.issue_user_token(user, scope="upload")[1].reveal()


def _nginx(executable: str, place: Path, index_port: int, ports: tuple[int, int], tls: DevTls) -> list[str]:
    example = (DEPLOY / "nginx" / "trustpub.conf").read_text()
    changes: tuple[tuple[str, str], ...] = (
        ("127.0.0.1:8080", f"127.0.0.1:{index_port}"), ("listen 443", f"listen {ports[0]}"),
        ("listen 80", f"listen {ports[1]}"), ("/etc/ssl/packages.pem", str(tls.certificate)),
        ("/etc/ssl/packages.key", str(tls.key)), ("/var/log/nginx/trustpub.log", str(place / "access.log")),
        ("packages.example.com", "localhost"),
    )  # fmt: skip
    for before, after in changes:
        assert before in example, before
        example = example.replace(before, after)
    example = re.sub(r"^ +listen \[::\].*\n", "", example, flags=re.MULTILINE)
    (place / "trustpub.conf").write_text(example)
    temporary = "".join(
        f"  {what}_temp_path {place}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (place / "nginx.conf").write_text(
        f"{user}daemon off;\npid {place}/pid;\nerror_log {place}/error.log;\nevents {{}}\n"
        f"http {{\n{temporary}  include {place}/trustpub.conf;\n}}\n"
    )
    argv = [executable, "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")]
    subprocess.run([*argv, "-t"], check=True, capture_output=True)
    return argv


def _caddy(executable: str, place: Path, index_port: int, ports: tuple[int, int], tls: DevTls) -> list[str]:
    example = (DEPLOY / "caddy" / "Caddyfile").read_text()
    assert "packages.example.com {\n" in example
    assert "127.0.0.1:8080" in example
    example = example.replace("127.0.0.1:8080", f"127.0.0.1:{index_port}")
    named = f"https://localhost:{ports[0]} {{\n\ttls {tls.certificate} {tls.key}\n"
    example = example.replace("packages.example.com {\n", named)
    (place / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + example)
    return [executable, "run", "--adapter", "caddyfile", "--config", str(place / "Caddyfile")]
