# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Indexes as they are run: a program with a file of settings, its log, and whoever asks it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests import packed
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.registration import Wanted

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ISSUER = "https://ci.test/_services/token"
FIELDS = {
    "repository": "acme/hello", "workflow": "release.yml", "environment": "release",
    "owner_id": "77", "repository_id": "501",
}  # fmt: skip


@dataclass
class Answer:
    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    source: str | None = None,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
) -> Answer:
    """One request. ``source``: the address it comes from, any of 127.0.0.0/8."""
    bound = None if source is None else (source, 0)
    if tls is None:
        connection = http.client.HTTPConnection(host, port, timeout=60, source_address=bound)
    else:
        connection = http.client.HTTPSConnection(host, port, timeout=60, source_address=bound, context=tls)
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(status=answer.status, reason=answer.reason, headers=found, body=answer.read())


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def eventually(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What ``what`` gives, once that is something."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return found


@dataclass
class Index:
    """One at work."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    audience: str
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, parameters={"kid": "key-1"}))

    def ask(self, path: str, **how: Any) -> Answer:
        return ask(self.port, path, **how)

    @property
    def data(self) -> Path:
        return self.folder / "index"

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def logged(self, needle: str) -> str:
        """The first line of the log with this in it, which may be written after the answer was read."""
        return str(eventually(lambda: next((one for one in self.log().splitlines() if needle in one), None)))

    def register(self) -> None:
        """An issuer whose keys are known, and a publisher for a project that its first upload makes."""
        with open_folder(self.data, create=False) as opened:
            opened.issuers.add(ISSUER, "github", jwks={"keys": [self.key.as_dict(private=False)]})
            opened.publishers.add(Wanted(project="hello", kind="github", issuer=ISSUER, fields=FIELDS, pending=True))

    def identity_token(self, number: int = 1, **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": self.audience, "iat": now, "nbf": now - 300, "exp": now + 300, "jti": f"jti-{number}",
            "sub": "repo:acme/hello:environment:release", "repository": "acme/hello", "repository_id": "501",
            "repository_owner": "acme", "repository_owner_id": "77", "environment": "release", "event_name": "release",
            "job_workflow_ref": "acme/hello/.github/workflows/release.yml@refs/tags/v1.0", "ref": "refs/tags/v1.0",
            "ref_type": "tag", "sha": "f" * 40,
            "workflow_ref": "acme/hello/.github/workflows/release.yml@refs/tags/v1.0",
            **changes,
        }  # fmt: skip
        return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": "key-1"}, claims, self.key)

    def mint(self, **changes: Any) -> Answer:
        body = json.dumps({"token": self.identity_token(**changes)}).encode()
        return self.ask("/_/oidc/mint-token", method="POST", body=body)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


@contextlib.contextmanager
def run_index(folder: Path, settings: str, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Index]:
    """An index with these settings, TOML in which ``[server]`` comes first, on a free port of this machine."""
    config, log = folder / "trustpub.toml", folder / "log"
    config.write_text(f'[server]\ndata = "{folder}/index"\nport = 0\n{settings}')
    argv = [sys.executable, "-m", "trustpub", "serve", "--config", str(config), "--json", *options]
    with log.open("ab") as said:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=said, env={**os.environ, **(env or {})})
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, log.read_text()
        told = json.loads(line)
        lock = json.loads((folder / "index" / "lock").read_text())
        assert lock["pid"] == process.pid
        yield Index(folder=folder, port=_port_of(process.pid, settings), process=process, audience=told["audience"])
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _port_of(pid: int, settings: str) -> int:
    """Where the process listens, by /proc: its URL may be that of a proxy. Not on a port that the settings name."""
    own = {os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir() if one.exists() or one.is_symlink()}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        port = int(words[1].partition(":")[2], 16) if ":" in words[1] else 0
        if words[3] == "0A" and f"socket:[{words[9]}]" in own and f"port = {port}\n" not in settings:
            return port
    raise AssertionError("it does not listen")


def program(name: str) -> str:
    """The path of a program of the system, or a skip that says how to get it."""
    import shutil

    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name.upper()} IS NOT HERE. Get it, as root where apt is: make operations")
    return found


def basic(token: str) -> str:
    """The header of who uploads with a token."""
    return "Basic " + base64.b64encode(f"__token__:{token}".encode()).decode()


def a_wheel(name: str, version: str, size: int = 0) -> bytes:
    """A sound one, with a member of so many bytes that nothing makes smaller."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": b"",
        f"{name}.bin": random.Random(size).randbytes(size),  # noqa: S311 - nobody is to be surprised
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": packed.TAGGED,
    }
    return packed.wheel(info, contents)


def form(content: bytes, filename: str) -> tuple[bytes, str]:
    """The body of an upload, and its type."""
    name, version, *_ = filename.split("-")
    fields = {
        ":action": "file_upload", "protocol_version": "1", "filetype": "bdist_wheel", "pyversion": "py3",
        "metadata_version": "2.1", "name": name, "version": version,
        "sha256_digest": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    texts = "".join(f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items())
    head = f'--b\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n\r\n'
    return b"".join((texts.encode(), head.encode(), content, b"\r\n--b--\r\n")), "multipart/form-data; boundary=b"
