# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A real index in a process of its own, an emulated identity provider beside it, and real clients."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from trustpub.rehearsal.issuers import GitHubIssuer, Issuer, Run

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name

ROOT = Path(__file__).parents[2]
TOKEN = re.compile(r"pypi-[A-Za-z0-9_-]{40,}|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.")
JOB = Run(repository="acme/hello", repository_id="501", owner_id="77", workflow="release.yml", environment="release")


@dataclass(kw_only=True)
class Shop:
    """An index that serves, and all that a job of its one publisher needs."""

    url: str
    ca: Path
    data: Path
    issuer: Issuer
    job_env: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def run(
        argv: list[str], *, env: Mapping[str, str] | None = None, fails: bool = False, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A program that must end well, or, with ``fails``, must not; no token is in what it shows."""
        done = run(argv, env=env, fails=fails, cwd=cwd)
        shown = [line for line in done.stderr.splitlines() if not line.startswith("::add-mask::")]
        assert TOKEN.findall("\n".join(shown)) == []
        return done

    @staticmethod
    def said(done: subprocess.CompletedProcess[str]) -> str:
        """What a program showed, as one line: each client breaks lines where it likes."""
        return " ".join((done.stdout + done.stderr).split())

    def admin(self, *words: str) -> str:
        """`trustpub admin …` beside the running server."""
        done = typed("admin", *words, "--data", self.data)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def audience(self) -> str:
        """What identity tokens for this index say in ``aud``."""
        context = ssl.create_default_context(cafile=self.ca)
        with urllib.request.urlopen(f"{self.url}/_/oidc/audience", context=context, timeout=5) as answer:
            return str(json.loads(answer.read())["audience"])

    def register(self, project: str, *, workflow: str = "release.yml") -> None:
        """A pending publisher of JOB's repository."""
        fields = {
            "repository": JOB.repository, "workflow": workflow, "environment": "release", "owner_id": JOB.owner_id,
            "repository_id": JOB.repository_id,
        }  # fmt: skip
        self.register_as("github", project, fields)

    def register_as(self, provider: str, project: str, fields: Mapping[str, str]) -> None:
        """A pending publisher of any provider."""
        given = [word for name, value in fields.items() for word in ("--field", f"{name}={value}")]
        self.admin(
            "publisher", "add", project, "--provider", provider, "--issuer", self.issuer.url, "--pending", *given
        )

    def install(self, project: str, target: Path, module: str = "hello") -> str:
        """What ``module`` says, once real pip installed ``project`` from this index and no other."""
        run(
            [
                sys.executable, "-m", "pip", "install", "--isolated", "--no-deps", "--no-cache-dir", "--target",
                str(target), "--index-url", f"{self.url}/simple/", "--cert", str(self.ca), project,
            ],
            env={"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )  # fmt: skip
        return run(
            [sys.executable, "-c", f"import {module}; print({module}.SAID)"], env={"PYTHONPATH": str(target)}
        ).stdout

    def mint(self, *options: str) -> str:
        """The token that a job of the publisher gets for ``$(trustpub mint --print)``."""
        argv = [sys.executable, "-m", "trustpub", "mint", "--print", "--index", self.url, "--ca", str(self.ca)]
        argv += options
        return self.run(argv, env=self.job_env).stdout.splitlines()[-1]


def run(
    argv: list[str], *, env: Mapping[str, str] | None = None, fails: bool = False, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A program that must end well, or, with ``fails``, must not; in ``cwd``, or where no project is."""
    done = subprocess.run(
        argv, env={**os.environ, **(env or {})}, cwd=cwd or tempfile.gettempdir(), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode != 0) == fails, f"{argv[:4]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture
def shop(open_shop: Callable[[str, Issuer], Shop]) -> Iterator[Shop]:
    """`trustpub serve --tls-dev --rehearsal`, which believes an emulated GitHub."""
    with GitHubIssuer(clock=time.time) as issuer:
        yield with_a_job(open_shop("github", issuer), issuer)


@pytest.fixture(scope="module")
def open_shop_for_all(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Shop]]:
    """Start an index that believes an emulated GitHub, for all tests of a file, each with a project of its own."""
    with ExitStack() as ends:

        def opened(*options: str) -> Shop:
            issuer = ends.enter_context(GitHubIssuer(clock=time.time))
            place = tmp_path_factory.mktemp("shop")
            return with_a_job(ends.enter_context(serving(place, "github", issuer, *options)), issuer)

        yield opened


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Callable[[str, Issuer], Shop]]:
    """Start an index that believes an emulated provider of some kind; it runs until the test ends."""
    with ExitStack() as ends:
        yield lambda kind, issuer: ends.enter_context(serving(tmp_path, kind, issuer))


def with_a_job(shop: Shop, issuer: GitHubIssuer) -> Shop:
    """The variables that JOB sees."""
    issuer.serve(JOB)
    shop.job_env = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": issuer.request_url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": issuer.request_token.reveal(),
    }
    return shop


@contextmanager
def serving(place: Path, kind: str, issuer: Issuer, *options: str) -> Iterator[Shop]:
    """An index in a folder below ``place``. That no token is in its log is seen at the end."""
    data, log, port = place / "index", place / "serve.log", free_port()
    argv = [sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", str(port), "--tls-dev"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*argv, "--rehearsal", *options], stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
        try:
            url, ca = wait_for(process, log, port)
            made = Shop(url=url, ca=ca, data=data, issuer=issuer)
            made.admin("issuer", "add", issuer.url, "--kind", kind)
            yield made
        finally:
            process.terminate()
            process.wait(20)
    assert TOKEN.findall(log.read_text(encoding="utf-8")) == []


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(process: subprocess.Popen[bytes], log: Path, port: int) -> tuple[str, Path]:
    """URL and certificate authority, once the index answers over TLS with a certificate that holds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text(encoding="utf-8")
        url = re.search(rf"https://[^\s/]+:{port}\b", said)
        ca = re.search(r"/\S+\.pem\b", said)
        if url and ca:
            try:
                context = ssl.create_default_context(cafile=ca[0])
                with urllib.request.urlopen(f"{url[0]}/_/oidc/audience", context=context, timeout=5):
                    return url[0], Path(ca[0])
            except urllib.error.URLError:
                pass
        time.sleep(0.05)
    raise AssertionError(f"the index does not serve: {log.read_text(encoding='utf-8')}")


@pytest.fixture
def distributions(tmp_path: Path) -> list[Path]:
    """A wheel and an sdist of a little project, built by its own backend."""
    project = tmp_path / "hello"
    (project / "hello").mkdir(parents=True)
    (project / "hello" / "__init__.py").write_text('SAID = "hello from the index"\n', encoding="utf-8")
    (project / "README.md").write_text("# hello\n", encoding="utf-8")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "hello"\nversion = "1.0"\nreadme = "README.md"\ndescription = "Says hello"\n',
        encoding="utf-8",
    )
    run([sys.executable, "-m", "build", "--no-isolation", str(project)])
    return sorted((project / "dist").iterdir())


@pytest.fixture
def client() -> Callable[[str], str]:
    """The program of a real client, from its own environment below .venvs."""

    def find(name: str) -> str:
        program = ROOT / ".venvs" / name / "bin" / name
        if not program.exists():
            pytest.skip(f"THE REAL {name} IS NOT HERE, so nothing about it was tested. Get it: make clients")
        return str(program)

    return find
