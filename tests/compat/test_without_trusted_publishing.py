# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""pypiserver and devpi, as they are: indexes without Trusted Publishing, which a release must be told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..beside import running  # noqa: TID252 - pytest gives these folders no absolute name
from .conftest import ROOT, free_port, run

COMMANDS: tuple[list[str], ...] = (
    ["mint", "--print"],
    ["mint", "--", sys.executable, "-c", "open('started', 'w')"],
    ["publish"],
)


@pytest.fixture
def peer(tmp_path: Path) -> Callable[[str, str], str]:
    """A program of a real index, from its own environment below .venvs."""

    def find(environment: str, name: str) -> str:
        program = ROOT / ".venvs" / environment / "bin" / name
        if not program.exists():
            pytest.skip(f"THE REAL {environment} IS NOT HERE, so nothing about it was tested. Get it: make without")
        return str(program)

    return find


def told(url: str, command: list[str], folder: Path, job: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What trustpub says of such an index, in a job on GitHub whose identity endpoint is not there."""
    ours = [sys.executable, "-m", "trustpub", command[0], "--index", url, *command[1:]]
    return subprocess.run(
        ours, env={**os.environ, **job}, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def check(url: str, folder: Path, distributions: list[Path]) -> None:
    """Every command says it in one sentence, starts nothing, and asks for no identity."""
    nobody = f"http://127.0.0.1:{free_port()}/idtoken"
    job = {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": nobody,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "never-used",
    }
    for command in COMMANDS:
        files = [str(one) for one in distributions] if command[0] == "publish" else []
        done = told(url, [*command, *files], folder, job)
        assert done.returncode == 4, done.stderr
        assert "is an index without Trusted Publishing" in done.stderr
        assert "identity" not in done.stderr.replace("identities", "")
        assert "Traceback" not in done.stderr
    assert not (folder / "started").exists()


def test_pypiserver_is_named_as_one_without(
    peer: Callable[[str, str], str], client: Callable[[str], str], tmp_path: Path, distributions: list[Path]
) -> None:
    port, packages = free_port(), tmp_path / "packages"
    packages.mkdir()
    url = f"http://127.0.0.1:{port}"
    argv = [peer("pypiserver", "pypi-server"), "run", "-i", "127.0.0.1", "-p", str(port), "-a", ".", "-P", "."]
    with running([*argv, "--disable-fallback", str(packages)], url, tmp_path / "peer.log"):
        for given in (url, f"{url}/"):
            check(given, tmp_path, distributions)
        assert list(packages.iterdir()) == []
        # What the address is good for: with a stored password it would have been a release.
        upload(client("twine"), f"{url}/", "somebody", distributions)
        assert len(list(packages.iterdir())) == len(distributions)


def test_devpi_is_named_as_one_without(
    peer: Callable[[str, str], str], client: Callable[[str], str], tmp_path: Path, distributions: list[Path]
) -> None:
    port, data = free_port(), tmp_path / "devpi"
    url = f"http://127.0.0.1:{port}"
    run([peer("devpi-server", "devpi-init"), "--serverdir", str(data), "--no-root-pypi"])
    server = [peer("devpi-server", "devpi-server"), "--serverdir", str(data), "--host", "127.0.0.1"]
    with running([*server, "--port", str(port)], url, tmp_path / "peer.log"):
        asked(f"{url}/ada", "PUT", {"password": "a-stored-secret"})
        login = asked(f"{url}/+login", "POST", {"user": "ada", "password": "a-stored-secret"})
        asked(f"{url}/ada/dev", "PUT", {"type": "stage", "bases": []}, ("ada", login["result"]["password"]))
        check(f"{url}/ada/dev/", tmp_path, distributions)
        upload(client("twine"), f"{url}/ada/dev/", "ada", distributions)


def asked(url: str, method: str, document: Any, auth: tuple[str, str] | None = None) -> Any:
    """One request of devpi's own interface."""
    import base64

    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if auth:
        headers["X-Devpi-Auth"] = base64.b64encode(":".join(auth).encode()).decode()
    request = urllib.request.Request(url, json.dumps(document).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def upload(twine: str, url: str, user: str, distributions: list[Path]) -> None:
    """`twine upload` with a stored password, which is what such an index takes."""
    argv = [twine, "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", url]
    run([*argv, *map(str, distributions)], env={"TWINE_USERNAME": user, "TWINE_PASSWORD": "a-stored-secret"})
