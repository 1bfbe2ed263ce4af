# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The indexes that are measured, each set up as its own documents say, in a folder of its own."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beside.load import Cost, Meter, upload
from beside.wheels import Wheel, metadata

from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import File, Project

ROOT = Path(__file__).parents[2]
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
_PASSWORD = "benchmark-0123456789-benchmark-0123456789"  # noqa: S105 - of servers that live for minutes


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Server(ABC):
    """An index in a folder."""

    name: str
    in_python = True
    has_json = True
    """Whether its pages come as JSON too."""
    takes_uploads = True
    upload_path = "/"
    simple = "/simple"

    def __init__(self, folder: Path) -> None:
        self.folder = folder / self.name
        self.folder.mkdir()
        self.port = free_port()
        self.headers: Mapping[str, str] = {}
        """Of an upload."""
        self.start = Cost(cpu=0.0, wall=0.0)
        """What the last start took, to the first answer."""

    def program(self, name: str) -> str:
        """Of its own environment."""
        return str(ROOT / ".venvs" / self.name / "bin" / name)

    def missing(self) -> str | None:
        """Why it cannot be measured here, and what to do."""
        wanted = ROOT / ".venvs" / self.name / "installed"
        return (
            None if wanted.exists() else f"{self.name.upper()} IS NOT HERE, so it was not measured. Get it: make peers"
        )

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What starts it."""

    def fill(self, wheels: Sequence[Wheel]) -> int:
        """Put these into it while it does not run. How many it has; the rest is to be uploaded."""
        return 0

    def prepare(self) -> None:  # noqa: B027 - most have nothing to do
        """What is still to do when it runs for the first time."""

    def page(self, project: str) -> str:
        """Path of a project's page."""
        return f"{self.simple}/{project}/"

    def pages(self, kind: Mapping[str, str]) -> tuple[str, str]:
        """Paths of the project's page and of the list of projects, as HTML or JSON."""
        return self.page("page-project"), f"{self.simple}/"

    @contextmanager
    def running(self) -> Iterator[Meter]:
        """From its first answer to its end."""
        begun = time.perf_counter()
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )  # fmt: skip
        try:
            self._await(process)
            meter = Meter(process.pid)
            self.start = Cost(cpu=meter.cpu(), wall=time.perf_counter() - begun)
            yield meter
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                connection.request("GET", self.pages(HTML)[1], headers=HTML)
                if connection.getresponse().status < 500:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.01)
        raise SystemExit(f"{self.name} did not start: {(self.folder / 'log').read_text(errors='replace')[-1500:]}")

    def read(self, path: str, headers: Mapping[str, str]) -> bytes:
        """What is there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"{self.name} answered {answer.status} to GET {path}: {said[:300]!r}")
        return said

    def file_path(self, wheel: Wheel) -> str:
        """Where a client finds this file: what the project's page says."""
        html = self.read(self.page(wheel.project), HTML).decode()
        link = next(
            piece.partition('"')[0].partition("#")[0] for piece in html.split('href="')[1:] if wheel.path.name in piece
        )
        if "://" in link:
            return "/" + link.split("/", 3)[3]
        return link if link.startswith("/") else os.path.normpath(self.page(wheel.project) + link)

    def upload(self, wheels: Sequence[Wheel], meter: Meter) -> Cost:
        """What that costs it, see :func:`beside.load.upload`."""
        return upload(self.port, self.upload_path, self.headers, wheels, meter)


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Ours(Server):
    """`trustpub serve`, with a token that a person was given."""

    name = "trustpub"
    upload_path = "/legacy/"

    def missing(self) -> str | None:
        """It is here."""
        return None

    def command(self) -> Sequence[str]:
        """One process, as always."""
        return [sys.executable, "-m", "trustpub", "--quiet", "serve", "--data", "data", "--port", str(self.port)]

    def fill(self, wheels: Sequence[Wheel]) -> int:
        """Rows and bytes, as uploads would leave them."""
        with open_folder(self.folder / "data", create=True, local_url=f"http://localhost:{self.port}") as folder:
            folder.people.add("bench")
            row, token = folder.credentials.issue_user_token(
                folder.people.user("bench"), scope="upload", project=None, lifetime=None
            )
            folder.people.note_token(row)
            self.headers = _basic("__token__", token.reveal())
            with folder.store.write() as writing:
                for project in dict.fromkeys(wheel.project for wheel in wheels):
                    writing.add_project(
                        Project(id=project, name=project, normalized=project, created=0, pending_until=None, serial=1)
                    )
                    writing.add_member(project, folder.people.user("bench").id)
                for wheel in wheels:
                    file = _row(wheel, row.id)
                    writing.add_file(file)
                    path = folder.blobs.path(file.blake2b_256, file.filename)
                    assert path is not None
                    path.parent.mkdir(parents=True)
                    shutil.copyfile(wheel.path, path)
                    path.with_name(f"{path.name}.metadata").write_bytes(metadata(wheel.project, wheel.version))
        return len(wheels)


def _row(wheel: Wheel, token_id: str) -> File:
    content = wheel.content
    return File(
        project_id=wheel.project, filename=wheel.path.name, version=wheel.version, filetype="bdist_wheel",
        size=len(content), sha256=hashlib.sha256(content).hexdigest(),
        blake2b_256=hashlib.blake2b(content, digest_size=32).hexdigest(), md5=None,
        metadata_sha256=hashlib.sha256(metadata(wheel.project, wheel.version)).hexdigest(), requires_python=">=3.9",
        uploaded=1_790_000_000.25, token_id=token_id,
    )  # fmt: skip


class Peryx(Server):
    """One hosted index with one access token."""

    name = "peryx"
    in_python = False
    upload_path = "/hosted/"
    simple = "/hosted/simple"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.headers = _basic("__token__", _PASSWORD)
        (self.folder / "peryx.toml").write_text(
            f'data_dir = "data"\nhost = "127.0.0.1"\nport = {self.port}\n'
            '[[index]]\necosystem = "pypi"\nname = "hosted"\nhosted = true\n'
            f'[[index.access_token]]\nname = "upload"\nsecret = "{_PASSWORD}"\nactions = ["write", "delete"]\n'
        )

    def command(self) -> Sequence[str]:
        """With its usual threads."""
        return [self.program("peryx"), "serve", "--config", "peryx.toml", "--log-level", "warn"]

    def fill(self, wheels: Sequence[Wheel]) -> int:
        """By its own command."""
        argv = [self.program("peryx"), "import-dir", "--config", "peryx.toml", "hosted", str(wheels[0].path.parent)]
        subprocess.run(argv, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return len(wheels)


class PypiServer(Server):
    """As its image for containers has it: gunicorn, one gevent worker, a cached folder."""

    name = "pypiserver"
    has_json = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.folder / "packages").mkdir()
        digest = base64.b64encode(hashlib.sha1(_PASSWORD.encode()).digest()).decode()  # noqa: S324 - its format
        (self.folder / "htpasswd").write_text(f"bench:{{SHA}}{digest}\n")
        (self.folder / "gunicorn.conf.py").write_text('worker_class = "gevent"\nworkers = 1\npreload_app = True\n')
        self.headers = _basic("bench", _PASSWORD)

    def command(self) -> Sequence[str]:
        """The programs of its environment must be on the path."""
        return [
            "env", f"PATH={ROOT / '.venvs' / self.name / 'bin'}:{os.environ['PATH']}", self.program("pypi-server"),
            "run", "--server", "gunicorn", "--backend", "cached-dir", "-i", "127.0.0.1", "-p", str(self.port),
            "-P", "htpasswd", "-a", "update", "--disable-fallback", "packages",
        ]  # fmt: skip

    def fill(self, wheels: Sequence[Wheel]) -> int:
        """Files in a folder are its index."""
        for wheel in wheels:
            shutil.copyfile(wheel.path, self.folder / "packages" / wheel.path.name)
        return len(wheels)


class Devpi(Server):
    """With SQLite and without the web pages; uploads with the token of a login."""

    name = "devpi-server"
    upload_path = "/bench/dev/"
    simple = "/bench/dev/+simple"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if self.missing() is None:
            for argv in (
                ["devpi-gen-secret", "--secretfile", "secret"],
                ["devpi-init", "--serverdir", "data", "--root-passwd", _PASSWORD, "--no-root-pypi"],
            ):
                subprocess.run([self.program(argv[0]), *argv[1:]], cwd=self.folder, check=True, capture_output=True)

    def command(self) -> Sequence[str]:
        """With its usual threads."""
        return [
            self.program("devpi-server"), "--serverdir", "data", "--secretfile", "secret", "--host", "127.0.0.1",
            "--port", str(self.port),
        ]  # fmt: skip

    def prepare(self) -> None:
        """A user, an index, a login."""
        self._ask("PUT", "/bench", {"password": _PASSWORD})
        token = self._ask("POST", "/+login", {"user": "bench", "password": _PASSWORD})["result"]["password"]
        self.headers = _basic("bench", token)
        self._ask("PUT", "/bench/dev", {"bases": [], "volatile": True})

    def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        given = {"Content-Type": "application/json", "Accept": "application/json"}
        if "Authorization" in self.headers:
            given["X-Devpi-Auth"] = self.headers["Authorization"].removeprefix("Basic ")
        connection.request(method, path, json.dumps(body), given)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status not in (200, 201):
            raise SystemExit(f"devpi answered {answer.status} to {method} {path}: {said[:300]!r}")
        return json.loads(said)


class Nginx(Server):
    """Pages of ours as files, with one worker: what no index can do with less."""

    name = "nginx"
    in_python = False
    takes_uploads = False

    def missing(self) -> str | None:
        """A program of the system's."""
        if shutil.which("nginx"):
            return None
        return "NGINX IS NOT HERE, so the ceiling was not measured. Get it: apt install nginx-light"

    def publish(self, files: Mapping[str, bytes]) -> None:
        """What it serves."""
        (self.folder / "www").mkdir(exist_ok=True)
        for name, content in files.items():
            (self.folder / "www" / name).write_bytes(content)

    def command(self) -> Sequence[str]:
        """In the foreground, with nothing of the system's configuration."""
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{user} daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error;"
            "events { worker_connections 256; }"
            f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;"
            f"client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;"
            f"server {{ listen 127.0.0.1:{self.port}; root {self.folder}/www; default_type text/html; }} }}"
        )
        return ["nginx", "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error")]

    def pages(self, kind: Mapping[str, str]) -> tuple[str, str]:
        """One file for each format."""
        suffix = "json" if kind == JSON else "html"
        return f"/page.{suffix}", f"/root.{suffix}"

    def file_path(self, wheel: Wheel) -> str:
        """A file like any other."""
        return f"/{wheel.path.name}"


class Floor(Server):
    """No index: it takes bytes from the network, hashes them twice and writes them down durably."""

    name = "floor"

    def missing(self) -> str | None:
        """It is below."""
        return None

    def command(self) -> Sequence[str]:
        """The server of ours, and nothing on it."""
        return [sys.executable, "-c", _FLOOR, str(self.port)]


_FLOOR = """
import hashlib, os, sys
import uvicorn
from trustpub.index.web.app import HTTP_PROTOCOL

async def app(scope, receive, send):
    if scope["method"] == "POST":
        digests = hashlib.sha256(), hashlib.blake2b(digest_size=32)
        with open("content", "wb", buffering=0) as file:
            more = True
            while more:
                message = await receive()
                chunk, more = message.get("body", b""), message.get("more_body", False)
                for digest in digests:
                    digest.update(chunk)
                file.write(chunk)
            os.fsync(file.fileno())
        folder = os.open(".", os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})

uvicorn.run(
    app, host="127.0.0.1", port=int(sys.argv[1]), http=HTTP_PROTOCOL, ws="none", lifespan="off", log_config=None,
    access_log=False,
)
"""
