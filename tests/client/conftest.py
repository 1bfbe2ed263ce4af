# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a release job meets: an index whose answers can be set, an identity endpoint, certificates and real files."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import os
import ssl
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustpub.http import Http

from .. import packed  # noqa: TID252 - pytest gives these folders no absolute name

TOKEN = "pypi-AgEIbG9jYWxob3N0-a-minted-token"
DISCOVERY = "/.well-known/pytp"
REQUEST_TOKEN = "the-runners-request-token"
CLAIMS = {
    "iss": "https://token.actions.githubusercontent.com",
    "sub": "repo:octo/hello:environment:release",
    "repository": "octo/hello",
    "repository_owner_id": "65",
    "job_workflow_ref": "octo/hello/.github/workflows/release.yml@refs/tags/v1",
    "environment": "release",
    "ref": "refs/tags/v1",
    "event_name": "push",
}

# Python 3.13 believes no authority that does not say that it may sign certificates (RFC 5280 section 4.2.1.3).
_CA_USAGE = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


def jwt(audience: Any, **claims: Any) -> str:
    """An identity token nobody will verify."""
    parts = [{"alg": "RS256", "kid": "1"}, {**CLAIMS, "aud": audience, **claims}]
    heads = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*heads, "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LWNoZWNrcw"])


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    peer: int
    address: str


@dataclass(kw_only=True)
class Answer:
    """What to say to it. ``None`` as status: break the connection off."""

    status: int | None = 200
    body: Any = b""
    reason: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Emulated:
    """A server on loopback whose answers are set path by path; the last answer of a list stays."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.looked_up: list[Asked] = []
        """Requests that only ask where the exchange is; they are not among the others."""
        self._answers: dict[str, list[Answer | Callable[[Asked], Answer]]] = {}
        emulated = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                emulated.serve(self)

            do_POST = do_GET  # noqa: N815 - the name that http.server calls

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that does not trust us breaks the handshake off

        self._server = Quiet(("127.0.0.1", 0), Door)
        if context:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, *answers: Answer | Callable[[Asked], Answer]) -> None:
        self._answers[path] = list(answers)

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def serve(self, door: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(door.path)
        asked = Asked(
            method=door.command,
            path=parts.path,
            query=parse_qs(parts.query, keep_blank_values=True),
            headers={name.lower(): value for name, value in door.headers.items()},
            body=door.rfile.read(int(door.headers.get("Content-Length", 0))),
            peer=door.client_address[1],
            address=door.client_address[0],
        )
        (self.looked_up if parts.path == DISCOVERY else self.asked).append(asked)
        waiting = self._answers.get(parts.path, [Answer(status=404, body=b"nothing here")])
        chosen = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        answer = chosen if isinstance(chosen, Answer) else chosen(asked)
        if answer.status is None:
            door.close_connection = True
            return
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        kind = {} if isinstance(answer.body, bytes) else {"Content-Type": "application/json"}
        door.send_response(answer.status, answer.reason)
        for name, value in {**kind, "Content-Length": str(len(body)), **answer.headers}.items():
            door.send_header(name, value)
        door.end_headers()
        door.wfile.write(body)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and server.pem for localhost."""
    folder = tmp_path_factory.mktemp("certificates")
    now = dt.datetime.now(dt.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A test's CA")])

    def signed(name: x509.Name, public: Any, *extensions: tuple[Any, bool]) -> bytes:
        builder = x509.CertificateBuilder(
            issuer_name=ca_name,
            subject_name=name,
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - dt.timedelta(hours=1),
            not_valid_after=now + dt.timedelta(days=1),
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    ca = signed(
        ca_name,
        ca_key.public_key(),
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (_CA_USAGE, True),
        (x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False),
    )
    host = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    leaf = signed(
        host,
        key.public_key(),
        (names, False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False),
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(ca)
    (folder / "server.pem").write_bytes(private + leaf)
    return folder


@pytest.fixture
def plain() -> Iterator[Emulated]:
    """A server that speaks HTTP and knows no path."""
    server = Emulated()
    yield server
    server.close()


@pytest.fixture
def index(certificates: Path) -> Iterator[Emulated]:
    """An index, over TLS, that trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem")
    server = Emulated(context)
    server.answer("/_/oidc/audience", Answer(body={"audience": "test_index"}))
    server.answer("/_/oidc/mint-token", Answer(body={"success": True, "token": TOKEN, "expires": 1790000000}))
    server.answer("/_/oidc/burn-token", Answer(status=202, body={"message": "Accepted"}))
    server.answer("/legacy/", Answer(body=b"OK"))
    yield server
    server.close()


@pytest.fixture
def runner() -> Iterator[Emulated]:
    """GitHub's identity endpoint of a job, as its runner offers it."""
    server = Emulated()
    server.answer("/idtoken", lambda asked: Answer(body={"count": 1, "value": jwt(asked.query["audience"][0])}))
    yield server
    server.close()


@pytest.fixture
def env(index: Emulated, runner: Emulated, certificates: Path, tmp_path: Path) -> dict[str, str]:
    """The variables of a job on GitHub Actions that may publish."""
    return {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{runner.url}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "SSL_CERT_FILE": str(certificates / "ca.pem"),
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(tmp_path),
        "PYTHONWARNINGS": "error",
        "NO_GCE_CHECK": "true",  # these tests may run on a machine of Google's
    }


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        """All that a log would show: the lines that are commands to GitHub's runner are not."""
        lines = (self.out + self.err).splitlines()
        return "\n".join(line for line in lines if not line.startswith("::add-mask::"))


Run = Callable[..., Ran]


@pytest.fixture
def run(env: dict[str, str], tmp_path: Path) -> Run:
    """Run trustpub as a program, in ``tmp_path``."""

    def program(*arguments: str, **more: str | None) -> Ran:
        variables = {name: value for name, value in {**env, **more}.items() if value is not None}
        done = subprocess.run(
            [sys.executable, "-m", "trustpub", *arguments],
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)

    return program


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A folder dist with the wheel and the source distribution of hello 1.0."""
    folder = tmp_path / "dist"
    folder.mkdir()
    make_sdist(folder)
    make_wheel(folder)
    return folder


def metadata(name: str, version: str) -> bytes:
    """Core metadata with a field of each sort."""
    return (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: Says hello — politely\n"
        "Classifier: Programming Language :: Python :: 3\nClassifier: Operating System :: OS Independent\n"
        "Project-URL: Source, https://example.org/hello\nRequires-Python: >=3.11\nRequires-Dist: click>=8\n"
        "Provides-Extra: fast\nDescription-Content-Type: text/plain\n\nHello.\n\n  It is indented.\n"
    ).encode()


def make_wheel(folder: Path, name: str = "hello", version: str = "1.0", *, padding: int = 0) -> Path:
    """A wheel that an index takes, with ``padding`` bytes of ballast."""
    inside = f"{name}-{version}.dist-info"
    members = {
        f"{name}/__init__.py": b"",
        f"{name}/ballast": os.urandom(padding),
        f"{inside}/METADATA": metadata(name, version),
        f"{inside}/WHEEL": packed.TAGGED,
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    path.write_bytes(packed.wheel(inside, members, level=6))
    return path


def make_sdist(folder: Path, name: str = "hello", version: str = "1.0") -> Path:
    """A source distribution that an index takes."""
    path = folder / f"{name}-{version}.tar.gz"
    members = {
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "none"\n',
        "PKG-INFO": metadata(name, version),
    }
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{member}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def put_program(folder: Path, name: str, code: str) -> str:
    """Put a program in Python, as a CI has one for its jobs, into ``folder``; the folder, for PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable} -IS\nimport json, os, sys, time\n{code}\n")
    path.chmod(0o755)
    return str(folder)


@pytest.fixture
def http() -> Iterator[Http]:
    """No variables, and no pauses."""
    with Http(env={}, sleep=lambda seconds: None) as one:
        yield one


@pytest.fixture
def make() -> Any:
    """The makers of this file, which test modules cannot import."""
    return Makers


class Makers:
    Answer = Answer
    Emulated = Emulated
    TOKEN = TOKEN
    REQUEST_TOKEN = REQUEST_TOKEN
    jwt = staticmethod(jwt)
    wheel = staticmethod(make_wheel)
    sdist = staticmethod(make_sdist)
    program = staticmethod(put_program)
