# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.registration import Wanted

from .conftest import PUBLIC, Ran, Served, eventually

EVERYWHERE = "0.0.0.0"
Trustpub = Callable[..., Ran]
Serve = Callable[..., Served]


def ask(
    url: str, headers: Mapping[str, str] | None = None, *, ca: str | None = None, body: bytes | None = None
) -> tuple[int, bytes]:
    context = ssl.create_default_context(cafile=ca) if url.startswith("https") else None
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_the_first_start_says_where_it_is_and_what_comes_next(tmp_path: Path, serve: Serve) -> None:
    served = serve()
    assert set(served.told) == {"url", "ca", "audience", "data"}
    assert served.told["ca"] is None
    assert ask(served.url + "/_/oidc/audience") == (
        200,
        json.dumps({"audience": served.told["audience"]}, separators=(",", ":")).encode(),
    )
    lock = json.loads((served.data / "lock").read_text())
    assert lock == {
        "pid": served.process.pid, "url": served.url, "ca": None, "audience": served.told["audience"],
    }  # fmt: skip
    stopped = served.stop()
    assert (stopped.code, stopped.out) == (0, "")  # what a program reads is one object and nothing else
    assert "• Stopped.\n" in stopped.err
    assert (served.data / "lock").read_bytes() == b""


def test_later_starts_find_it_all(serve: Serve) -> None:
    first = serve()
    first.stop(signal.SIGINT)
    assert first.process.returncode == 0
    second = serve()
    assert second.told["audience"] == first.told["audience"]
    assert second.lines[:-1] == []


def test_people_are_told_the_next_commands(tmp_path: Path, serve: Serve, trustpub: Trustpub) -> None:
    """Without --json, read until the last line of the greeting."""
    import subprocess

    from .conftest import command

    process = subprocess.Popen(
        command("serve", "--data", tmp_path / "index", "--port", "0", "--tls-dev", "--rehearsal"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if "pip install" in line:
            break
    process.terminate()
    _, err = process.communicate(timeout=30)
    watchdog.cancel()
    text = "".join(lines)
    assert process.returncode == 0
    assert re.search(r"^Index      https://localhost:\d+/$", text, re.MULTILINE)
    assert re.search(r"^Audience   localhost_[0-9a-f]{16}$", text, re.MULTILINE)
    assert f"CA         {tmp_path}/index/tls/ca.pem" in text
    assert "trustpub admin publisher add PROJECT" in text
    assert "trustpub publish --index https://localhost:" in text
    assert "This is a rehearsal" in err


def test_a_second_server_of_a_folder_is_refused(serve: Serve, trustpub: Trustpub) -> None:
    served = serve()
    second = trustpub("serve", "--data", served.data, "--port", 0)
    assert second.code == 2
    assert f"process {served.process.pid} at {served.url}" in second.err
    assert ask(served.url + "/simple/")[0] == 200


def test_a_port_that_is_taken_is_told_so(tmp_path: Path, trustpub: Trustpub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = trustpub("serve", "--data", tmp_path / "index", "--port", port)
    assert ran.code == 2
    assert ran.err == (
        f"error: Port {port} on 127.0.0.1 is taken by another program.\n"
        "hint: Name another with --port, or take a free one with --port 0.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--data", "d", "--host", EVERYWHERE], "without TLS they can read its tokens"),
        (["--data", "d", "--host", "::"], "without TLS they can read its tokens"),
        (["--data", "d", "--public-url", "https://index.example/pypi"], "has a path"),
        (["--data", "d", "--tls-cert", "c.pem"], "go together"),
        (["--data", "d", "--tls-cert", "c.pem", "--tls-key", "k.pem"], "--tls-cert names a file that is not there"),
        (["--data", "d", "--tls-cert", "c.pem", "--tls-key", "k.pem", "--tls-dev"], "Leave out one"),
        (["--data", "d", "--trusted-proxy", "proxy"], "neither an address nor a network"),
        (["--data", "d", "--trusted-proxy", "0.0.0.0/0"], "is everybody"),
        (["--data", "d", "--host", "no-such-host.invalid", "--tls-dev", "--port", "0"], "no address of this machine"),
        (["--data", "d", "--host", "192.0.2.7", "--tls-dev", "--port", "0"], "cannot listen on 192.0.2.7"),
        (["--data", "d", "--host", EVERYWHERE, "--tls-dev", "--port", "0"], "needs the URL that clients use"),
        (["--data", "d", "--github-env"], "goes with --ephemeral only"),
        (["--data", "d", "--ephemeral"], "makes its own folder"),
        (["--ephemeral", "--github-env"], "needs the variable GITHUB_ENV"),
        ([], "Where is the index to be kept?"),
        (["--data", "d", "--port", "65536"], "--port is not in the range from 0 to 65535"),
    ],
)
def test_a_start_that_cannot_be_is_refused_with_a_sentence(
    arguments: list[str], sentence: str, trustpub: Trustpub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = trustpub("serve", *arguments)
    assert ran.code == 2
    assert sentence in ran.err
    assert ran.out == ""
    assert not (tmp_path / "d" / "index.db").exists() or "--host" in arguments


def test_beyond_loopback_both_ways_are_shown(trustpub: Trustpub, tmp_path: Path) -> None:
    ran = trustpub("serve", "--data", tmp_path / "d", "--host", EVERYWHERE)
    assert "--host 0.0.0.0 --public-url https://HOST --tls-cert FILE --tls-key FILE" in ran.err
    assert "--host 0.0.0.0 --public-url https://HOST --trusted-proxy CIDR" in ran.err
    assert not (tmp_path / "d").exists()


def test_development_tls_is_verified_by_strict_clients(serve: Serve) -> None:
    served = serve("--tls-dev")
    assert served.url.startswith("https://localhost:")
    context = ssl.create_default_context(cafile=served.told["ca"])
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    port = int(served.url.rpartition(":")[2])
    for name in ("localhost", "127.0.0.1"):
        with (
            socket.create_connection(("127.0.0.1", port)) as raw,
            context.wrap_socket(raw, server_hostname=name) as tls,
        ):
            assert tls.version() in ("TLSv1.2", "TLSv1.3")
    assert ask(served.url + "/simple/", ca=served.told["ca"])[0] == 200
    # A certificate of one's own is used the same way.
    other = serve(
        "--tls-cert", served.data / "tls/server.pem", "--tls-key", served.data / "tls/server-key.pem",
        data=served.data.with_name("other"),
    )  # fmt: skip
    assert ask(other.url + "/simple/", ca=served.told["ca"])[0] == 200


def test_an_ephemeral_index_is_gone_when_it_stops(serve: Serve) -> None:
    served = serve("--ephemeral")
    data = Path(served.told["data"])
    assert data.is_dir()
    assert ask(served.url + "/simple/", ca=served.told["ca"])[0] == 200
    assert served.stop().code == 0
    assert not data.parent.exists()


def test_an_ephemeral_index_exports_what_a_job_needs(tmp_path: Path) -> None:
    import subprocess

    from .conftest import command

    env_file = tmp_path / "github_env"
    env_file.write_text("BEFORE=1\n")
    process = subprocess.Popen(
        command("serve", "--ephemeral", "--github-env"),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "GITHUB_ENV": str(env_file)},
    )  # fmt: skip
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    exported: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.fullmatch(r"export ([A-Z_]+)=(\S+)\n", line):
            exported[match[1]] = match[2]
        if "PIP_CERT" in exported:
            break
    assert ask(exported["TRUSTPUB_INDEX"] + "/simple/", ca=exported["SSL_CERT_FILE"])[0] == 200
    process.terminate()
    process.communicate(timeout=30)
    watchdog.cancel()
    assert process.returncode == 0
    assert dict(line.split("=", 1) for line in env_file.read_text().splitlines()) == {"BEFORE": "1", **exported}
    assert set(exported) == {
        "TRUSTPUB_INDEX", "TRUSTPUB_DATA", "TRUSTPUB_CA", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT",
    }  # fmt: skip


def test_absolute_urls_come_from_the_public_url_and_never_from_host(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = serve("--public-url", "https://index.example", "--port", port)
    assert served.url == "https://index.example"
    status, body = ask(f"http://127.0.0.1:{port}/", {"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert status == 200
    assert b"https://index.example/simple/" in body
    assert b"evil" not in body


def test_clients_behind_a_trusted_proxy_are_named_and_no_others(serve: Serve) -> None:
    for trusted, seen in (("127.0.0.0/8", "192.0.2.9"), ("10.0.0.0/8", "127.0.0.1")):
        served = serve("--trusted-proxy", trusted, data=None)
        ask(served.url + "/simple/?secret=query", {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https"})
        err = served.stop().err
        assert re.search(rf"trustpub\.access {re.escape(seen)} GET /simple/ 200 \d+ ms$", err, re.MULTILINE)
        assert "query" not in err


def test_requests_under_way_are_finished_when_it_is_told_to_stop(serve: Serve) -> None:
    served = serve()
    port = int(served.url.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/_/oidc/burn-token")
    connection.putheader("Content-Length", "12")
    connection.endheaders()
    connection.send(b'{"token":')
    time.sleep(0.3)
    served.process.terminate()
    time.sleep(0.3)
    connection.send(b'""}')
    assert connection.getresponse().status == 202
    connection.close()
    assert served.process.wait(30) == 0


def test_connections_that_a_browser_keeps_for_later_do_not_delay_the_stop(serve: Serve) -> None:
    served = serve("--tls-dev")
    context = ssl.create_default_context(cafile=served.told["ca"])
    port = int(served.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as used,
        socket.create_connection(("127.0.0.1", port)) as raw_too,
        context.wrap_socket(raw_too, server_hostname="localhost"),
    ):
        used.sendall(b"GET /_/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert used.recv(4096).startswith(b"HTTP/1.1 ")
        served.process.terminate()
        # Nobody reads from either, so that nobody answers the end of TLS.
        assert served.process.wait(12) == 0


def test_a_folder_written_by_a_newer_trustpub_is_refused(serve: Serve, trustpub: Trustpub) -> None:
    import sqlite3
    from contextlib import closing

    served = serve()
    served.stop()
    with closing(sqlite3.connect(served.data / "index.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    ran = trustpub("serve", "--data", served.data, "--port", 0)
    assert ran.code == 2
    assert "written by a newer trustpub (its schema is 9999" in ran.err


def test_an_open_secret_is_refused(serve: Serve, trustpub: Trustpub) -> None:
    served = serve()
    served.stop()
    (served.data / "secret").chmod(0o644)
    ran = trustpub("serve", "--data", served.data, "--port", 0)
    assert ran.code == 2
    assert "Others can read the secret" in ran.err


def test_leftovers_of_a_crash_are_swept_at_the_start(serve: Serve) -> None:
    served = serve()
    served.process.kill()
    served.process.communicate()
    (served.data / "staging" / "left").write_bytes(b"x")
    again = serve()
    assert list((served.data / "staging").iterdir()) == []
    assert "• 1 leftover(s) of an earlier run removed from the folder\n" in again.stop().err


# Managing it while it runs


class Job:
    """A CI job of an issuer whose keys the index was given."""

    def __init__(self, served: Served, trustpub: Trustpub, tmp_path: Path) -> None:
        self.key = RSAKey.generate_key(2048)
        self.served = served
        jwks = {"keys": [{**self.key.as_dict(private=False), "kid": "key-1"}]}
        (tmp_path / "jwks.json").write_text(json.dumps(jwks))
        self.said = trustpub("admin", "issuer", "add", PUBLIC, "--jwks", tmp_path / "jwks.json", "--data", served.data)

    def mint(self, number: int) -> tuple[int, Mapping[str, Any]]:
        now = int(time.time())
        claims = {
            "iss": PUBLIC, "aud": self.served.told["audience"], "iat": now, "nbf": now - 600, "exp": now + 300,
            "jti": f"jti-{number}", "sub": "x", "repository": "octo-org/hello", "repository_id": "456789",
            "repository_owner": "octo-org", "repository_owner_id": "123456", "event_name": "push",
            "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/tags/v1",
            "ref": "refs/tags/v1", "sha": "f" * 40,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "key-1"}, claims, self.key)
        status, body = ask(self.served.url + "/_/oidc/mint-token", body=json.dumps({"token": token}).encode())
        return status, json.loads(body)

    def upload(self, token: str) -> int:
        pair = base64.b64encode(f"__token__:{token}".encode()).decode()
        return ask(self.served.url + "/legacy/", {"Authorization": f"Basic {pair}"}, body=b"")[0]


def test_a_removed_publisher_is_gone_for_the_very_next_request(
    serve: Serve, trustpub: Trustpub, tmp_path: Path
) -> None:
    served = serve()
    job = Job(served, trustpub, tmp_path)
    assert job.said.code == 0
    assert "THE KEYS OF A KNOWN ISSUER WERE REPLACED" in job.said.err
    assert job.mint(1)[0] == 422
    added = trustpub(
        "admin", "publisher", "add", "Hello", "--repository", "octo-org/hello", "--workflow", "release.yml",
        "--owner-id", "123456", "--repository-id", "456789", "--pending", "--data", served.data,
    )  # fmt: skip
    assert added.code == 0, added.err
    status, minted = job.mint(1)
    assert (status, minted["success"]) == (200, True)
    # Not 403: the token opens the door, and what comes through it is no form.
    assert job.upload(minted["token"]) == 400
    listed = json.loads(trustpub("admin", "publisher", "list", "--json", "--data", served.data).out)
    removed = trustpub("admin", "publisher", "remove", listed[0]["id"], "--data", served.data)
    assert removed.code == 0
    assert job.mint(2)[0] == 422
    assert job.upload(minted["token"]) == 403
    err = served.stop().err
    assert minted["token"] not in err


def test_a_user_token_is_shown_once_and_ends_when_it_is_removed(
    serve: Serve, trustpub: Trustpub, tmp_path: Path
) -> None:
    served = serve()
    data = ("--data", served.data)
    assert trustpub("admin", "user", "add", "anna", *data).out == "• User anna added.\n"
    made = trustpub("admin", "token", "create", "anna", "--scope", "upload", "--expires", "30d", *data)
    token = made.out.strip()
    assert re.fullmatch(r"pypi-[A-Za-z0-9_-]+", token)
    assert token not in made.err
    job = Job(served, trustpub, tmp_path)
    assert job.upload(token) == 400
    listed = trustpub("admin", "token", "list", "--json", *data)
    (row,) = json.loads(listed.out)
    assert (row["user"], row["scope"], row["revoked"]) == ("anna", "upload", None)
    assert 29 * 86_400 < row["expires"] - time.time() <= 30 * 86_400 + 2
    shown = trustpub("admin", "token", "list", *data).out
    assert token not in listed.out + shown
    assert trustpub("admin", "token", "remove", row["id"], *data).code == 0
    assert job.upload(token) == 403
    with open_folder(served.data, create=False) as folder, folder.store.read() as reading:
        assert [event.kind for event in reversed(reading.events())][-2:] == ["issuer-keys-replaced", "token-revoked"]
        assert all(token not in str(event.facts) for event in reading.events())


def test_admin_lists_are_for_people_and_for_programs(serve: Serve, trustpub: Trustpub) -> None:
    served = serve("--rehearsal")
    data = ("--data", served.data)
    trustpub("admin", "user", "add", "anna", *data)
    trustpub("admin", "issuer", "add", "https://ci.test", *data)
    added = trustpub(
        "admin", "publisher", "add", "Hello", "--repository", "octo-org/hello", "--workflow", "release.yml",
        "--environment", "release", "--issuer", "https://ci.test", "--pin-on-first-use", "--pending",
        "--owner", "anna", *data,
    )  # fmt: skip
    assert "warning: not pinned yet" in added.err
    assert [row["name"] for row in json.loads(trustpub("admin", "user", "list", "--json", *data).out)] == ["anna"]
    listed = trustpub("admin", "issuer", "list", *data).out.splitlines()
    assert {"https://ci.test  github, keys fetched", f"{PUBLIC}  github, keys fetched"} <= set(listed)
    shown = trustpub("admin", "publisher", "list", "hello", *data).out
    assert "octo-org/hello, release.yml, environment release, by https://ci.test" in shown
    assert "Hello (pending, held until" in shown
    assert "warning: not pinned yet" in shown
    (row,) = json.loads(trustpub("admin", "publisher", "list", "--json", *data).out)
    assert row["not_pinned"] == ["owner_id", "repository_id"]
    assert trustpub("admin", "issuer", "remove", "https://ci.test", *data).code == 1
    trustpub("admin", "publisher", "remove", row["id"], *data)
    assert trustpub("admin", "issuer", "remove", "https://ci.test", *data).code == 0
    assert trustpub("admin", "publisher", "list", *data).out == "• No publisher is registered.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["user", "add", "a b"], 2, "cannot be a user's name"),
        (["token", "create", "nobody", "--scope", "read"], 1, "no user 'nobody'"),
        (["token", "create", "nobody", "--scope", "read", "--expires", "1y"], 2, "no time such as 30d"),
        (["token", "create", "nobody", "--scope", "write"], 2, "write"),
        (["token", "remove", "x"], 1, "no token 'x'"),
        (["issuer", "add", "https://ci.test"], 2, "only a rehearsal believes"),
        (["issuer", "add", "https://ci.example", "--jwks", "missing.json"], 2, "cannot be read: No such file"),
        (["issuer", "add", "https://ci.example", "--jwks", "list.json"], 2, "is not a JSON object"),
        (
            ["issuer", "add", "https://ci.example", "--kind", "gitlab", "--ca", "list.json"],
            2,
            "no certificate in PEM form",
        ),
        (["issuer", "remove", "https://ci.example"], 1, "not known here"),
        (["publisher", "add", "x", "--repository", "o", "--workflow", "r.yml"], 2, "is not OWNER/NAME"),
        (["publisher", "add", "x", "--repository", "o/r", "--workflow", "r.yml"], 1, "no project 'x'"),
        (["publisher", "list", "x"], 1, "no project 'x'"),
        (["publisher", "remove", "x"], 1, "no publisher 'x'"),
    ],
)
def test_admin_refuses_with_a_sentence(
    arguments: list[str], code: int, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trustpub: Trustpub
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.json").write_text("[]")
    open_folder(tmp_path / "index", create=True, public_url="https://index.example").close()
    ran = trustpub("admin", *arguments, "--data", tmp_path / "index")
    assert (ran.code, ran.out) == (code, "")
    assert sentence in ran.err


def test_a_server_that_is_killed_leaves_no_lock_behind(serve: Serve) -> None:
    served = serve()
    served.process.kill()
    served.process.communicate()
    again = serve()
    eventually(lambda: json.loads((served.data / "lock").read_text())["pid"] == again.process.pid)


def test_a_server_frees_at_its_start_the_names_that_were_held_in_vain(serve: Serve, tmp_path: Path) -> None:
    fields = {"repository": "o/r", "workflow": "r.yml", "owner_id": "1", "repository_id": "2"}
    long_ago = time.time() - 40 * 86_400
    with open_folder(
        tmp_path / "index", create=True, public_url="https://index.example", clock=lambda: long_ago
    ) as folder:
        folder.publishers.add(Wanted(project="vain", fields=fields, pending=True))
        folder.publishers.add(Wanted(project="nearly", fields=fields, pending=True, hold_days=42))
    served = serve(data=tmp_path / "index")
    with open_folder(served.data, create=False) as folder:

        def names() -> list[str]:
            return [link.project for one in folder.publishers.all() for link in one.links]

        eventually(lambda: names() == ["nearly"])
        eventually(lambda: folder.records.events()[0].kind == "name-nearly-up")
        kinds = [one.kind for one in folder.records.events(limit=3)]
    assert kinds == ["name-nearly-up", "project-freed", "publisher-removed"]
    said = served.stop().err
    assert "the name vain was held in vain and is free again" in said
    assert "the name nearly will be free again within 5 days" in said
