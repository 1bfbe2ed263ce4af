# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What reading costs the server: pages, metadata and downloads of `trustpub serve`, one worker, by its processor time.

Beside the downloads, on the same uvicorn and loop: a server that does nothing but send one file, (a) as this index
does, by sendfile(2), and (b) in chunks of a mebibyte that a thread reads. Pages are asked for by one process over four
connections that stay open; what counts is processor time of the server's process (/proc, so on Linux only), so that
other programs on the machine blur it little.

REQUESTS sets the requests of a row, MEGABYTES the size of the downloaded file, ROUNDS how often; medians are told.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import File, Project

REQUESTS = int(os.environ.get("REQUESTS", "3000"))
MEGABYTES = int(os.environ.get("MEGABYTES", "20"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
CONNECTIONS = 4
PAGE_FILES = 500
PROJECTS = 5000
WANTED_DOWNLOAD = 0.7
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
METADATA = b"Metadata-Version: 2.4\nName: project-1\nVersion: 1.0\n\n" + b"Words. " * 600
GZIP = {"Accept-Encoding": "gzip"}

PLAIN = """
import os, sys
import uvicorn
from trustpub.index.web.phrase import HTTP_PROTOCOL
from trustpub.index.web.sendfile import EXTENSION
from starlette.concurrency import run_in_threadpool
path, way = sys.argv[1:]
size = os.path.getsize(path)
start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]}
async def app(scope, receive, send):
    fd = os.open(path, os.O_RDONLY)
    try:
        if way == "sendfile":
            await send({**start, EXTENSION: True})
            span = {"before": b"", "descriptor": fd, "offset": 0, "count": size}
            await send({"type": EXTENSION, "more_body": True, **span})
        else:
            await send(start)
            while chunk := await run_in_threadpool(os.read, fd, 1048576):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        os.close(fd)
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)
config = uvicorn.Config(app, port=0, http=HTTP_PROTOCOL, lifespan="off", log_config=None, access_log=False)
Server(config).run()
"""


def cpu(pid: int) -> float:
    """Seconds of processor time of a process so far, of all the threads it has."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e9


def fill(data: Path) -> tuple[str, str]:
    """An index with PROJECTS projects, one of PAGE_FILES files; the path of a large file and of some metadata."""
    large = secrets.token_bytes(1024) * 1024 * MEGABYTES
    with open_folder(data, create=True, local_url="http://127.0.0.1") as folder:
        with folder.store.write() as writing:
            for number in range(PROJECTS):
                name = f"project-{number}"
                writing.add_project(
                    Project(id=name, name=name, normalized=name, created=0, pending_until=None, serial=1)
                )
            for number in range(PAGE_FILES):
                filename = f"project_0-1.{number}-py3-none-any.whl"
                writing.add_file(file_row("project-0", filename, f"1.{number}", filename.encode(), b"m" * 3000))
            row = file_row("project-1", "project_1-1.0-py3-none-any.whl", "1.0", large, METADATA)
            writing.add_file(row)
        with folder.blobs.stage() as staged:
            staged.write(large)
            staged.finish()
            staged.keep(row.blake2b_256, row.filename, METADATA)
    b2 = row.blake2b_256
    path = f"/packages/{b2[:2]}/{b2[2:4]}/{b2[4:]}/{row.filename}"
    return path, f"{path}.metadata"


def file_row(project: str, filename: str, version: str, content: bytes, metadata: bytes) -> File:
    """A wheel's row."""
    return File(
        project_id=project,
        filename=filename,
        version=version,
        filetype="bdist_wheel",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        blake2b_256=hashlib.blake2b(content, digest_size=32).hexdigest(),
        md5=None,
        metadata_sha256=hashlib.sha256(metadata).hexdigest(),
        requires_python=">=3.9",
        uploaded=1_790_000_000.25,
        token_id=str(uuid.uuid4()),
    )


@contextmanager
def running(*command: str) -> Iterator[tuple[int, int]]:
    """A server that says in its first line where it listens: process id and port."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            port = int(line) if line.strip().isdigit() else urlsplit(json.loads(line)["url"]).port
            assert port is not None
            yield process.pid, port
        finally:
            process.send_signal(signal.SIGTERM)


class Connection:
    """One that stays open, and reads answers by their length."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(1024 * 1024)

    def read(self) -> tuple[int, int]:
        """Status and length of the next answer, whose body is dropped."""
        head = b""
        while b"\r\n\r\n" not in head:
            got = self.socket.recv(65536)
            if not got:
                raise EOFError
            head += got
        head, _, begun = head.partition(b"\r\n\r\n")
        status = int(head[9:12])
        length = 0
        for line in head.split(b"\r\n"):
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        left = length - len(begun)
        while left > 0:
            got_now = self.socket.recv_into(self._buffer, min(left, len(self._buffer)))
            if not got_now:
                raise EOFError
            left -= got_now
        return status, length


def load(port: int, pid: int, path: str, headers: Mapping[str, str], count: int) -> tuple[float, int, int]:
    """Milliseconds of the server's processor per request, status and length of the last answer."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    status = length = 0
    with selectors.DefaultSelector() as selector:
        for one in connections:
            one.socket.sendall(request)
            one.read()
            selector.register(one.socket, selectors.EVENT_READ, one)
        before, sent, done = cpu(pid), 0, 0
        for one in connections:
            one.socket.sendall(request)
            sent += 1
        while done < count:
            for key, _ in selector.select():
                status, length = key.data.read()
                done += 1
                if sent < count:
                    key.data.socket.sendall(request)
                    sent += 1
        spent = cpu(pid) - before
    for one in connections:
        one.socket.close()
    return 1000 * spent / count, status, length


def download(data: Path, path: str, serve: Sequence[str]) -> None:
    """A large file from all three servers, in turns."""
    content = next(data.glob("packages/*/*/*/*.whl"))
    plain = [(sys.executable, "-c", PLAIN, str(content), way) for way in ("sendfile", "chunks")]
    with running(*serve) as ours, running(*plain[0]) as kernel, running(*plain[1]) as chunks:
        servers = {"ours": (*ours, path), "sendfile": (*kernel, "/"), "chunks": (*chunks, "/")}
        found: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, (pid, port, one) in servers.items():
                found[name].append(load(port, pid, one, {}, 40)[0])
    took = {name: statistics.median(times) for name, times in found.items()}
    print(f"{f'{MEGABYTES} MB download':28} {took['ours']:7.2f} ms")
    for way in ("sendfile", "chunks"):
        print(f"{f'  plain server, {way}':28} {took[way]:7.2f} ms")
    for way in ("sendfile", "chunks"):
        ratio = took[way] / took["ours"]
        met = "met" if ratio >= WANTED_DOWNLOAD else "short"
        print(f"target download/{way} measured {ratio:.2f} wanted {WANTED_DOWNLOAD} {met}")


def main() -> int:
    """Measure, and tell."""
    with tempfile.TemporaryDirectory() as made:
        data = Path(made) / "index"
        path, metadata = fill(data)
        rows = [
            ("500 files, HTML", "/simple/project-0/", {}),
            ("500 files, JSON", "/simple/project-0/", JSON),
            ("500 files, JSON, gzip", "/simple/project-0/", {**JSON, **GZIP}),
            ("5,000 projects, HTML", "/simple/", {}),
            ("5,000 projects, JSON", "/simple/", JSON),
            ("5,000 projects, JSON, gzip", "/simple/", {**JSON, **GZIP}),
            ("JSON API", "/pypi/project-1/json", {}),
            ("core metadata", metadata, {}),
            ("no such project", "/simple/nothing/", {}),
        ]
        serve = (sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", "0", "--json")
        with running(*serve) as (pid, port):
            for name, one, headers in rows:
                found = [load(port, pid, one, headers, REQUESTS) for _ in range(ROUNDS)]
                ms, (_, status, length) = max(0.001, statistics.median(one[0] for one in found)), found[0]
                print(f"{name:28} {status} {length:>9} bytes {ms:7.3f} ms {1000 / ms:8.0f} per CPU-second", flush=True)
        download(data, path, serve)
    return 0


if __name__ == "__main__":
    sys.exit(main())
