# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Of a whole publish, no identity and no upload token is anywhere it could be read afterwards, or beside it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.conftest import make_sdist, make_wheel
from tests.faults.flaky import Flaky
from trustpub.rehearsal.issuers import GitHubIssuer

from .conftest import Shop, serving, with_a_job

PROC = Path("/proc")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = tmp_path_factory.mktemp("shop")
    with GitHubIssuer(clock=time.time) as issuer, serving(place, "github", issuer) as opened:
        yield with_a_job(opened, issuer)


class Onlooker(threading.Thread):
    """Somebody on the same machine who reads what the kernel tells of a process and of those it starts."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self._pid = pid
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.005):
            for pid in self._family():
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((PROC / str(pid) / name).read_bytes())
                    except OSError:
                        continue

    def over(self) -> bytes:
        self._over.set()
        self.join(5)
        return b"\0".join(self.seen)

    def _family(self) -> list[int]:
        parents = {}
        for folder in PROC.iterdir():
            if folder.name.isdigit():
                try:
                    parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                except (OSError, ValueError, IndexError):
                    continue
        found = [self._pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found


@pytest.mark.skipif(not (PROC / "self" / "environ").exists(), reason="there is no /proc to look into")
@pytest.mark.parametrize(
    ("project", "weights", "options"),
    [
        ("quiet", None, ()),
        ("loud", None, ("--verbose", "--json", "--print-hash")),
        ("failing", {"none": 3.0, "503": 1.0, "lost": 1.0}, ("--verbose",)),
        ("refused", {"none": 1.0, "gateway": 9.0}, ("--json",)),
        ("dry", None, ("--dry-run=mint", "--verbose")),
    ],
)
def test_no_token_is_shown_logged_raised_listed_or_left(
    shop: Shop, tmp_path: Path, project: str, weights: dict[str, float] | None, options: tuple[str, ...]
) -> None:
    shop.register(project)
    home = tmp_path / "home"
    (home / "dist").mkdir(parents=True)
    (home / "tmp").mkdir()
    make_sdist(home / "dist", project)
    make_wheel(home / "dist", project)
    env = {
        "PATH": os.environ.get("PATH", ""), "HOME": str(home), "TMPDIR": str(home / "tmp"), "NO_GCE_CHECK": "true",
        "GITHUB_STEP_SUMMARY": str(home / "summary.md"), "GITHUB_OUTPUT": str(home / "output"),
        "GITHUB_ENV": str(home / "env"), "PYTHONDONTWRITEBYTECODE": "1", **shop.job_env,
    }  # fmt: skip
    with Flaky(shop.url, shop.ca, shop.data, seed=3, weights=weights) as seen:
        argv = [sys.executable, "-m", "trustpub", "publish", "--index", seen.url, "--ca", str(shop.ca), *options]
        with subprocess.Popen(argv, env=env, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            onlooker = Onlooker(running.pid)
            onlooker.start()
            out, err = running.communicate(timeout=120)
        listed = onlooker.over()
        secrets = {*seen.minted(), *seen.identities(), *(one.reveal() for one in shop.issuer.given)}
    assert any(one.startswith("ey") for one in secrets), "there was something to hide"
    assert b"-m\0trustpub\0publish" in listed, "the onlooker saw it"
    masked = [line for line in (out + err).splitlines() if line.startswith(b"::add-mask::")]
    assert {line.removeprefix(b"::add-mask::").decode() for line in masked} <= secrets
    shown = b"\n".join(line for line in (out + err).splitlines() if not line.startswith(b"::add-mask::"))
    left = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    served = (shop.data.parent / "serve.log").read_bytes()
    for secret in secrets:
        pair = base64.b64encode(f"__token__:{secret}".encode())
        for text in (secret.encode(), pair, pair.rstrip(b"="), secret.rpartition(".")[2].encode()):
            assert text not in shown
            assert text not in listed
            assert text not in served
            assert [path for path, content in left.items() if text in content] == []
    assert b"Traceback" not in shown
