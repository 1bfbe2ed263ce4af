# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A gateway in a process of its own, before a real index in another, with a wire between them that can be cut."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.compat.conftest import JOB, ROOT, TOKEN, Shop, free_port, run, wait_for, with_a_job
from trustpub.http import Http, Response
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Event
from trustpub.index.registration import Wanted
from trustpub.protocol.upload import CONTENT, WHEEL, Submission, form_fields
from trustpub.rehearsal.issuers import GitHubIssuer, Issuer
from trustpub.remote.form import Form
from trustpub.trust.publishers import Rules

from .. import packed  # noqa: TID252 - pytest gives these folders no absolute name
from ..beside import running  # noqa: TID252 - pytest gives these folders no absolute name
from .wire import Wire

USER, PASSWORD = "gateway", "the-gateways-own-password"
FIELDS = {
    "repository": JOB.repository, "workflow": "release.yml", "environment": "release", "owner_id": JOB.owner_id,
    "repository_id": JOB.repository_id,
}  # fmt: skip


@dataclass(kw_only=True)
class Gate(Shop):
    """A gateway that serves."""

    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path
    argv: list[str] = field(repr=False)

    def send(self, token: str, path: Path, **changes: str) -> Response:
        """One upload of a wheel, and the answer."""
        content = path.read_bytes()
        name, version = path.name.split("-")[:2]
        fields = {"Metadata-Version": ("2.1",), "Name": (name.replace("_", "-"),), "Version": (version,)}
        submission = Submission(
            filetype=WHEEL, pyversion="py3", fields=fields, sha256=hashlib.sha256(content).hexdigest()
        )
        pairs = [(one, changes.get(one, value)) for one, value in form_fields(submission)]
        form = Form(pairs, file_field=CONTENT, filename=path.name, path=str(path), size=len(content))
        credential = base64.b64encode(f"__token__:{token}".encode()).decode()
        with Http(env={}, ca=str(self.ca), read_seconds=60) as http:
            return http.request(
                "POST",
                f"{self.url}/legacy/",
                headers={"Authorization": f"Basic {credential}", "Accept": "application/json"},
                body=form,
            )

    def events(self, project: str) -> list[Event]:
        """What its log says of a project, the newest first."""
        with open_folder(self.data, create=False) as folder, folder.store.read() as reading:
            found = reading.project(project)
            return [] if found is None else list(reading.events(project_id=found.id))

    def kinds(self, project: str) -> list[str]:
        """Of what became of its files, the oldest first."""
        of_files = ("file-handed-on", "file-not-taken", "file-uploaded")
        return [one.kind for one in reversed(self.events(project)) if one.kind in of_files]

    def hold(self, project: str) -> None:
        """:meth:`register`, without a program for it."""
        wanted = Wanted(
            project=project, kind="github", issuer=self.issuer.url, fields=FIELDS, rules=Rules(), pending=True
        )
        with open_folder(self.data, create=False) as folder:
            folder.publishers.add(wanted)

    def token(self, *features: str) -> str:
        """:meth:`mint`, without a program for it; ``features`` as PEP 807 has them."""
        url = f"{self.job_env['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={self.audience}"
        headers = {"Authorization": f"Bearer {self.job_env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            identity = json.loads(answer.read())["value"]
        body = json.dumps({"token": identity, **({"features": features} if features else {})}).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        with Http(env={}, ca=str(self.ca)) as http:
            minted = http.request("POST", f"{self.url}/_/oidc/mint-token", headers=headers, body=body)
        assert minted.status == 200, minted.body
        return str(json.loads(minted.body)["token"])


def code(response: Response) -> str:
    """Of the problem that it is."""
    return str(json.loads(response.body)["errors"][0]["code"])


def detail(response: Response) -> str:
    """What it says in words."""
    return str(json.loads(response.body)["detail"])


@contextmanager
def gateway(place: Path, issuer: Issuer, lines: str, *, user: str = USER, password: str = PASSWORD) -> Iterator[Gate]:
    """A gateway with these lines in its ``[gateway]``. That neither token nor password is in its log is seen at the
    end.
    """
    place.mkdir(exist_ok=True)
    secret = place / "password"
    secret.write_text(f"{password}\n", encoding="utf-8")
    secret.chmod(0o600)
    settings = place / "trustpub.toml"
    settings.write_text(f'[gateway]\n{lines}\nuser = "{user}"\npassword_file = "{secret}"\n', encoding="utf-8")
    data, log, port = place / "index", place / "serve.log", free_port()
    argv = [sys.executable, "-m", "trustpub", "serve", "--config", str(settings), "--data", str(data)]
    argv += ["--port", str(port), "--tls-dev", "--rehearsal"]
    with ExitStack() as ends:
        made = start(argv, data, log, port, issuer)
        ends.callback(end, made)
        made.admin("issuer", "add", issuer.url, "--kind", "github")
        yield made
    said = log.read_text(encoding="utf-8")
    assert TOKEN.findall(said) == []
    assert password not in said


def start(argv: list[str], data: Path, log: Path, port: int, issuer: Issuer) -> Gate:
    """It, once it serves."""
    with log.open("ab") as stream:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)
    try:
        url, ca = wait_for(process, log, port)
    except BaseException:
        process.kill()
        raise
    return Gate(url=url, ca=ca, data=data, issuer=issuer, process=process, log=log, argv=argv)


def end(gate: Gate) -> None:
    """Stop it."""
    if gate.process.poll() is None:
        gate.process.terminate()
    gate.process.wait(30)


def kill(gate: Gate) -> None:
    """As a power cut would."""
    gate.process.send_signal(signal.SIGKILL)
    gate.process.wait(30)


def again(gate: Gate) -> None:
    """Start what was killed."""
    port = int(gate.url.rpartition(":")[2])
    gate.log.write_bytes(b"")
    gate.process = start(gate.argv, gate.data, gate.log, port, gate.issuer).process


# The real indexes behind it.


def program(environment: str, name: str) -> str:
    """A program of a real index, from its own environment below .venvs."""
    found = ROOT / ".venvs" / environment / "bin" / name
    if not found.exists():
        pytest.skip(f"THE REAL {environment} IS NOT HERE, so no gateway before it was tested. Get it: make without")
    return str(found)


@dataclass(kw_only=True)
class Behind:
    """An index behind a gateway."""

    url: str
    upload_url: str
    simple_url: str
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    packages: Path | None = None
    """Where it keeps its files, one beside the other; None where that is another matter."""

    @property
    def lines(self) -> str:
        """How a gateway is told of it."""
        return f'upstream = "{self.url}/"\nupload_url = "{self.upload_url}"\nsimple_url = "{self.simple_url}"'

    def names(self) -> list[str]:
        """Of the files there."""
        assert self.packages is not None
        return sorted(one.name for one in self.packages.iterdir())


@contextmanager
def pypiserver(place: Path, *options: str, port: int | None = None) -> Iterator[Behind]:
    """pypiserver, which takes uploads of one user, by password, and keeps files in a folder."""
    place.mkdir(exist_ok=True)
    packages, users = place / "packages", place / "htpasswd"
    packages.mkdir(exist_ok=True)
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
    users.write_text(f"{USER}:{{SHA}}{digest}\n", encoding="utf-8")
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    argv = [program("pypiserver", "pypi-server"), "run", "-i", "127.0.0.1", "-p", str(port), "-P", str(users)]
    with running([*argv, "--disable-fallback", *options, str(packages)], url, place / "peer.log") as process:
        yield Behind(url=url, upload_url=f"{url}/", simple_url=f"{url}/simple/", process=process, packages=packages)


@contextmanager
def devpi(place: Path) -> Iterator[Behind]:
    """devpi, with an index of the gateway's user, who alone uploads there."""
    place.mkdir(exist_ok=True)
    port, data = free_port(), place / "devpi"
    url = f"http://127.0.0.1:{port}"
    run([program("devpi-server", "devpi-init"), "--serverdir", str(data), "--no-root-pypi"])
    argv = [program("devpi-server", "devpi-server"), "--serverdir", str(data), "--host", "127.0.0.1"]
    with running([*argv, "--port", str(port)], url, place / "peer.log") as process:
        _asked(f"{url}/{USER}", "PUT", {"password": PASSWORD})
        login = _asked(f"{url}/+login", "POST", {"user": USER, "password": PASSWORD})
        stage = {"type": "stage", "bases": [], "volatile": True}
        _asked(f"{url}/{USER}/dev", "PUT", stage, login["result"]["password"])
        own = f"{url}/{USER}/dev"
        yield Behind(url=own, upload_url=f"{own}/", simple_url=f"{own}/+simple/", process=process)


def _asked(url: str, method: str, document: Any, password: str = "") -> Any:
    """One request of devpi's own interface."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if password:
        headers["X-Devpi-Auth"] = base64.b64encode(f"{USER}:{password}".encode()).decode()
    request = urllib.request.Request(url, json.dumps(document).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


# What is published.


def wheel(folder: Path, project: str, version: str = "1.0", *, said: str = "hello", padding: int = 0) -> Path:
    """A wheel of a module that says something."""
    module = project.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    contents = {f"{module}.py": f"SAID = {said!r}\n".encode()}
    if padding:
        contents[f"{module}.bin"] = os.urandom(padding)
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n".encode()
    contents[f"{info}/WHEEL"] = packed.TAGGED
    path = folder / said / f"{module}-{version}-py3-none-any.whl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(packed.wheel(info, contents))
    return path


@dataclass(kw_only=True)
class Bench:
    """A gateway, a wire, and pypiserver behind it, for many tests, each with a project of its own."""

    gate: Gate
    wire: Wire
    behind: Behind

    def token(self, project: str) -> str:
        """One that may upload to a project of this name, which is registered for it."""
        self.gate.hold(project)
        return self.gate.token()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """pypiserver would write files over (`--overwrite`): that it does not is the gateway's doing."""
    place = tmp_path_factory.mktemp("bench")
    with ExitStack() as ends:
        behind = ends.enter_context(pypiserver(place / "behind", "--overwrite"))
        wire = ends.enter_context(Wire(behind.url))
        issuer = ends.enter_context(GitHubIssuer(clock=time.time))
        lines = f'upstream = "{wire.url}/"'
        gate = ends.enter_context(gateway(place / "gate", issuer, lines))
        with_a_job(gate, issuer)
        yield Bench(gate=gate, wire=wire, behind=behind)


@pytest.fixture
def calm(bench: Bench) -> Iterator[Bench]:
    """The same, with a wire that works."""
    bench.wire.mend()
    yield bench
    bench.wire.mend()


@pytest.fixture
def installed(tmp_path: Path) -> Callable[..., str]:
    """What a module says, once real pip installed its project from an index and no other."""

    def install(simple_url: str, project: str, *, ca: Path | None = None) -> str:
        target = tmp_path / "installed"
        shutil.rmtree(target, ignore_errors=True)
        argv = [sys.executable, "-m", "pip", "install", "--isolated", "--no-deps", "--no-cache-dir", "--target"]
        argv += [str(target), "--index-url", simple_url, project]
        env: Mapping[str, str] = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        run([*argv, *([] if ca is None else ["--cert", str(ca)])], env=env)
        module = project.replace("-", "_").lower()
        return run(
            [sys.executable, "-c", f"import {module}; print({module}.SAID)"], env={"PYTHONPATH": str(target)}
        ).stdout

    return install
