# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a mint costs the server: `trustpub serve` with one worker at 16 connections, every token verified and durable.

Beside it, in turns on the same machine: (a) OpenSSL checking RS256 signatures and nothing else, which no index can do
with less, and (b) a Starlette endpoint on the same server configuration that only verifies the same identity tokens.
Each identity token is another one, signed before the clock starts. What counts is processor time of the server's
process (/proc, so on Linux only), and of the waiting the 99th percentile in proportion to that of (b).

MINTS sets the mints in a round, ROUNDS the rounds after one to warm up; medians of the rounds are told. The load comes
from one other process, so that two processors are needed; where other programs use them too, the waiting says little.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc.jwk import RSAKey

from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.bootstrap.stores import DATABASE
from trustpub.index.registration import Wanted
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import await_ready
from trustpub.rehearsal.processes import Children

ISSUER = "https://ci.test/_services/token"
KEY_ID = "key-1"
MINTS = int(os.environ.get("MINTS", "2000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
CONNECTIONS = 16
WANTED_PER_SECOND = 1500
WANTED_RATIO = 3.0
PUBLISHER = {
    "repository": "acme/hello", "workflow": "release.yml", "environment": "release",
    "owner_id": "77", "repository_id": "501",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of requests took."""

    per_cpu_second: float
    per_second: float
    milliseconds: Sequence[float] = field(repr=False)

    def percentile(self, share: int) -> float:
        """Milliseconds that ``share`` of a hundred requests were answered in."""
        return statistics.quantiles(self.milliseconds, n=100, method="inclusive")[share - 1]


def main() -> int:
    """Measure, print, and end with the targets' lines."""
    if not Path("/proc/self/stat").exists():
        print("The processor time of another process is read from /proc, which is not here.")
        return 1
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    spawn = get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as place,
        Children() as children,
        ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool,
    ):
        folder = Folder(path=Path(place))
        folder.make()
        audience, index = start_index(children, folder, key)
        bare = start_bare(children, folder, key, audience)
        tokens = identity_tokens(pool, key, audience, MINTS * (ROUNDS + 1))
        openssl, verified, minted = [], [], []
        for number in range(ROUNDS + 1):
            batch = tokens[number * MINTS : (number + 1) * MINTS]
            openssl.append(signatures_per_cpu_second(key, batch))
            verified.append(measure(pool, bare, "/verify", batch))
            minted.append(measure(pool, index, "/_/oidc/mint-token", batch))
        with closing(sqlite3.connect(folder.data / DATABASE)) as database:
            kept = database.execute("SELECT count(*) FROM tokens JOIN claims ON token_id = id").fetchone()[0]
    if kept != len(tokens):
        print(f"{len(tokens)} tokens were told, and {kept} are stored.")
        return 1
    tell(openssl[1:], verified[1:], minted[1:])
    return 0


def tell(openssl: Sequence[float], verified: Sequence[Round], minted: Sequence[Round]) -> None:
    """Medians of the rounds."""
    print(f"Verified, durable mints: {len(minted)} rounds of {MINTS} over {CONNECTIONS} connections, in turns")
    print(f"  {'RS256 by OpenSSL alone':30} {statistics.median(openssl):7.0f} per CPU-second")
    for name, rounds in (("bare endpoint that verifies", verified), ("trustpub's mint", minted)):
        cpu, wall = (statistics.median(getattr(one, at) for one in rounds) for at in ("per_cpu_second", "per_second"))
        half, most = (statistics.median(one.percentile(share) for one in rounds) for share in (50, 99))
        print(
            f"  {name:30} {cpu:7.0f} per CPU-second {wall:7.0f} per second, p50 {half:5.1f} ms, p99 {most:5.1f} ms"
            f"   ({', '.join(f'{one.per_cpu_second:.0f}' for one in rounds)})"
        )
    rate = statistics.median(one.per_cpu_second for one in minted)
    ratio = statistics.median(
        ours.percentile(99) / theirs.percentile(99) for ours, theirs in zip(minted, verified, strict=True)
    )
    met = "met" if rate >= WANTED_PER_SECOND else "short"
    print(f"target mint-per-cpu-second measured {rate:.0f} wanted {WANTED_PER_SECOND} {met}")
    met = "met" if ratio <= WANTED_RATIO else "short"
    print(f"target mint-p99-over-bare measured {ratio:.2f} wanted {WANTED_RATIO} {met}")


# The two servers


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where it listens, and which process it is."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time so far, of the process and the kernel for it."""
        words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def start_index(
    children: Children, folder: Folder, key: rsa.RSAPrivateKey, settings: Mapping[str, str] | None = None
) -> tuple[str, Server]:
    """The index, told of the issuer and its key, and of a publisher for a project that is still to come.

    ``settings``: variables for it.
    """
    argv = [sys.executable, "-m", "trustpub", "serve", "--data", str(folder.data), "--rehearsal", "--port", "0"]
    env = {**folder.bare(os.environ), **(settings or {})}
    running = children.start(argv, env=env, cwd=folder.path, log=folder.log("index"))
    index = await_ready(running, folder)
    jwk = RSAKey.import_key(_pem(key), {"kid": KEY_ID}).as_dict(private=False)
    with open_folder(folder.data, create=False) as opened:
        opened.issuers.add(ISSUER, "github", jwks={"keys": [jwk]})
        opened.publishers.add(Wanted(project="hello", kind="github", issuer=ISSUER, fields=PUBLISHER, pending=True))
    return index.audience, Server(port=urlsplit(index.url).port or 0, pid=index.pid)


def start_bare(children: Children, folder: Folder, key: rsa.RSAPrivateKey, audience: str) -> Server:
    """An endpoint that verifies a JWT, and does nothing else."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    jwk = json.dumps(RSAKey.import_key(_pem(key)).as_dict(private=False))
    argv = [sys.executable, __file__, "bare", str(port), audience, jwk]
    running = children.start(argv, env=dict(os.environ), cwd=folder.path, log=folder.log("bare"))
    until = time.monotonic() + 30
    while time.monotonic() < until and not running.ended():
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return Server(port=port, pid=running.process.pid)
        time.sleep(0.05)
    raise SystemExit(f"The bare endpoint did not start: {running.output()[-1000:]}")


def serve_bare(port: int, audience: str, jwk: str) -> None:
    """The least that somebody would write with Starlette and joserfc."""
    import uvicorn
    from joserfc import jwt
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from trustpub.index.web.app import HTTP_PROTOCOL

    key = RSAKey.import_key(json.loads(jwk))
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": audience}, exp={"essential": True}
    )

    async def verify(request: Request) -> JSONResponse:
        token = jwt.decode((await request.json())["token"], key, algorithms=["RS256"])
        registry.validate(token.claims)
        return JSONResponse({"sub": token.claims["sub"]})

    uvicorn.run(
        Starlette(routes=[Route("/verify", verify, methods=["POST"])]),
        host="127.0.0.1", port=port, http=HTTP_PROTOCOL, ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, backlog=2048,
    )  # fmt: skip


# Identity tokens


def identity_tokens(pool: ProcessPoolExecutor, key: rsa.RSAPrivateKey, audience: str, number: int) -> list[str]:
    """As GitHub signs them, each with a ``jti`` of its own."""
    pem, step = _pem(key), 500
    parts = [range(at, min(at + step, number)) for at in range(0, number, step)]
    return [token for part in pool.map(_sign, [pem] * len(parts), [audience] * len(parts), parts) for token in part]


def _sign(pem: bytes, audience: str, numbers: range) -> list[str]:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": ISSUER, "aud": audience, "iat": now, "nbf": now - 300, "exp": now + 3000,
        "sub": "repo:acme/hello:environment:release", "actor": "octocat", "actor_id": "12", "base_ref": "",
        "check_run_id": "61348912345", "environment": "release", "environment_node_id": "EN_501",
        "event_name": "release", "head_ref": "",
        "job_workflow_ref": "acme/hello/.github/workflows/release.yml@refs/tags/v1.0", "job_workflow_sha": "f" * 40,
        "ref": "refs/tags/v1.0", "ref_protected": "true", "ref_type": "tag", "repository": "acme/hello",
        "repository_id": "501", "repository_owner": "acme", "repository_owner_id": "77",
        "repository_visibility": "public", "run_attempt": "1", "run_id": "20123456789", "run_number": "17",
        "runner_environment": "github-hosted", "sha": "f" * 40, "workflow": "Release",
        "workflow_ref": "acme/hello/.github/workflows/release.yml@refs/tags/v1.0", "workflow_sha": "f" * 40,
    }  # fmt: skip
    head = _base64(json.dumps({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}).encode())
    tokens = []
    for number in numbers:
        signed = f"{head}.{_base64(json.dumps({**claims, 'jti': f'jti-{number}'}).encode())}"
        tokens.append(f"{signed}.{_base64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}")
    return tokens


def signatures_per_cpu_second(key: rsa.RSAPrivateKey, tokens: Sequence[str]) -> float:
    """How many of these OpenSSL checks, with all that is around it done before."""
    public, scheme, digest = key.public_key(), padding.PKCS1v15(), hashes.SHA256()
    parts = [token.rpartition(".") for token in tokens]
    ready = [(base64.urlsafe_b64decode(signature + "=="), signed.encode()) for signed, _, signature in parts]
    begun = time.process_time()
    for signature, signed in ready:
        public.verify(signature, signed, scheme, digest)
    return len(ready) / (time.process_time() - begun)


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


# The load


def measure(pool: ProcessPoolExecutor, server: Server, path: str, tokens: Sequence[str]) -> Round:
    """Send all of them, over CONNECTIONS connections that are kept, as fast as answers come."""
    before, begun = server.cpu_seconds(), time.perf_counter()
    milliseconds = pool.submit(send, server.port, path, tokens).result()
    wall, cpu = time.perf_counter() - begun, server.cpu_seconds() - before
    return Round(per_cpu_second=len(tokens) / cpu, per_second=len(tokens) / wall, milliseconds=milliseconds)


def send(port: int, path: str, tokens: Sequence[str]) -> list[float]:
    """Milliseconds that each answer took. Any answer but 200 ends the measurement."""
    requests = iter([_request(path, token) for token in tokens])
    took: list[float] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, _Asked(connection, next(requests)))
        while selector.get_map():
            for ready, _ in selector.select():
                asked: _Asked = ready.data
                if not asked.answered():
                    continue
                took.append(1000 * (time.perf_counter() - asked.begun))
                following = next(requests, None)
                if following is None:
                    selector.unregister(asked.connection)
                    asked.connection.close()
                else:
                    asked.ask(following)
    return took


class _Asked:
    """One connection, and the request under way on it."""

    def __init__(self, connection: socket.socket, request: bytes) -> None:
        self.connection = connection
        self.ask(request)

    def ask(self, request: bytes) -> None:
        self._answer = b""
        self.begun = time.perf_counter()
        self.connection.sendall(request)

    def answered(self) -> bool:
        """Take what is there; whether it is all."""
        received = self.connection.recv(65536)
        self._answer += received
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not received or (end and not head.startswith(b"HTTP/1.1 200 ")):
            raise RuntimeError(f"the server answered {head[:200]!r} {body[:300]!r}")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        return bool(end) and len(body) >= int(length)


def _request(path: str, token: str) -> bytes:
    body = json.dumps({"token": token}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        serve_bare(int(sys.argv[2]), *sys.argv[3:5])
        sys.exit()
    sys.exit(main())
