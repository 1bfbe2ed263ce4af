# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A real object storage for the tests, SeaweedFS: on loopback, and each test has a prefix of its own in one bucket.

Import the fixtures that you need::

    from tests.objects import Objects, ObjectServer, objects, object_server, way  # noqa: F401
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trustpub.errors import Unreachable
from trustpub.index.adapters.bucket import Bucket
from trustpub.index.settings import ObjectStorage
from trustpub.secret import Secret

BUCKET = "tests"
ACCESS_KEY = "AKtheindex"
SECRET_KEY = "s3-Xyzzy-not-to-be-told"
"""In every setting, so that a test can look whether it is ever shown."""

_PROGRAM = Path(__file__).parents[1] / ".venvs/seaweedfs/bin/weed"
_MISSING = "SEAWEEDFS IS NOT HERE, so nothing was tested on object storage. Get it: make objects"
_START_SECONDS = 60
# The server ends when this shell's input does: also when the tests are killed. It takes its time to end in peace.
_HELD = (
    'exec 3<&0; "$@" </dev/null 3<&- & server=$!; (cat <&3 >/dev/null; kill -KILL $server 2>/dev/null) & '
    "exec 3<&-; wait $server"
)
_NUMBERS = itertools.count(1)


@dataclass
class ObjectServer:
    """SeaweedFS in a folder of its own."""

    folder: Path
    ports: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def start(self) -> None:
        """Start it, and wait until it takes requests."""
        self.ports = self.ports or _free_ports(8)
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = self.ports
        can = ["Admin", "Read", "Write", "List", "Tagging"]
        one = {"name": "index", "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}], "actions": can}
        (self.folder / "s3.json").write_text(json.dumps({"identities": [one]}))
        command = [
            str(_PROGRAM), f"-logdir={self.folder}", "server", f"-dir={self.folder}", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", f"-master.port={master}", f"-master.port.grpc={master_grpc}",
            f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", "-filer", f"-filer.port={filer}",
            f"-filer.port.grpc={filer_grpc}", "-s3", f"-s3.port={s3}", f"-s3.port.grpc={s3_grpc}",
            "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={self.folder / 's3.json'}", "-volume.max=100",
            "-master.volumeSizeLimitMB=64", "-volume.preStopSeconds=0", "-master.telemetry=false",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", _HELD, "sh", *command], stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True, cwd=self.folder,
            )  # fmt: skip
        until = time.monotonic() + _START_SECONDS
        while not self._works():
            in_time = time.monotonic() < until and self.process.poll() is None
            assert in_time, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.05)

    def _works(self) -> bool:
        """Whether an object can be written."""
        try:
            urllib.request.urlopen(self.endpoint, timeout=1).close()
        except urllib.error.HTTPError:
            pass
        except OSError:
            return False
        try:
            Bucket(self.storage(BUCKET)).put_new("works", b"it")
        except Unreachable:
            return False
        return True

    def stop(self) -> None:
        """Kill it: it takes its time to end in peace."""
        if self.process is None:
            return
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process = None

    def storage(self, bucket: str, **others: Any) -> ObjectStorage:
        """The setting for one of its buckets, which comes to be with the first object."""
        given: dict[str, Any] = {"access_key": ACCESS_KEY, "secret_key": Secret(SECRET_KEY), "endpoint": self.endpoint}
        return ObjectStorage(bucket=bucket, **{**given, **others})


@dataclass(frozen=True)
class Objects:
    """Below one prefix, where nothing is at first: the first object of a bucket takes a second, of a prefix none."""

    server: ObjectServer
    prefix: str
    bucket: str = BUCKET

    def storage(self, **others: Any) -> ObjectStorage:
        """The setting for it."""
        return self.server.storage(self.bucket, **{"prefix": self.prefix, **others})

    def keys(self) -> list[str]:
        """The names of all objects, without the prefix."""
        return sorted(one.key for one in Bucket(self.storage()).list(""))

    def config(self, path: Path, **others: str) -> Path:
        """A file for ``trustpub serve --config`` that says the same; the secret is in one beside it."""
        secret = path.with_name(f"{path.name}.secret")
        secret.touch(mode=0o600)
        secret.write_text(f"{SECRET_KEY}\n")
        said = {
            "bucket": self.bucket, "prefix": self.prefix, "endpoint": self.server.endpoint, "access_key": ACCESS_KEY,
            "secret_key_file": str(secret), **others,
        }  # fmt: skip
        path.write_text("[s3]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items()))
        return path


class Way:
    """A way to the server that can be cut and mended, and on which one text that is sent can become another."""

    def __init__(self, server: ObjectServer, needle: bytes = b"") -> None:
        self._target = ("127.0.0.1", server.ports[0])
        self._needle = needle
        self.altered = 0
        self._held: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._take()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Nobody listens any more, and all connections end."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._taking.join(10)
        self._listening.close()
        for one in self._held:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in self._held:
            one.close()

    def mend(self) -> None:
        """As before."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self._take()

    def _take(self) -> None:
        self._held, self._threads = [], list[threading.Thread]()
        self._taking = threading.Thread(target=self._accept, daemon=True)
        self._taking.start()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listening.accept()
            except OSError:
                return
            other = socket.create_connection(self._target)
            self._held += [one, other]
            for ends in ((one, other, bool(self._needle)), (other, one, False)):
                thread = threading.Thread(target=self._pass, args=ends, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass(self, source: socket.socket, target: socket.socket, alter: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                if alter and self._needle in chunk:
                    self.altered += 1
                    chunk = chunk.replace(self._needle, self._needle[:-1] + b"!")
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)


def _free_ports(count: int) -> tuple[int, ...]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(one.getsockname()[1] for one in sockets)


def new_server() -> ObjectServer:
    """One that was not started; skips the test where there is none."""
    if not _PROGRAM.exists():
        pytest.skip(_MISSING)
    # A short path: it makes sockets there.
    return ObjectServer(Path(tempfile.mkdtemp(prefix="weed-")))


@pytest.fixture(scope="session")
def object_server() -> Iterator[ObjectServer]:
    """For all tests of this process."""
    server = new_server()
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def way(object_server: ObjectServer) -> Iterator[Way]:
    """To the server, for one test, which may cut it."""
    way = Way(object_server)
    yield way
    way.cut()


@pytest.fixture
def objects(object_server: ObjectServer) -> Objects:
    """A prefix that no other test has."""
    return Objects(object_server, f"test-{next(_NUMBERS)}")
