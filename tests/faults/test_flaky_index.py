# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whole releases, by the program, to a real index behind a network that fails: complete, or truthfully reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.compat.conftest import Shop, serving, with_a_job
from trustpub.rehearsal.issuers import GitHubIssuer

from .flaky import Flaky
from .uploading import Client, Wheel

WEIGHTS = {
    "none": 60, "drop": 5, "cut": 5, "lost": 6, "torn": 4, "503": 6, "gateway": 5, "429": 2, "late": 7,
}  # fmt: skip
NOT_THERE = {"waiting", "refused"}
THERE = {"uploaded", "present"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with GitHubIssuer(clock=time.time) as issuer, serving(tmp_path, "github", issuer) as opened:
        yield with_a_job(opened, issuer)


class Job:
    """A job that publishes to an index through a proxy, again and again."""

    def __init__(self, shop: Shop, flaky: Flaky, folder: Path) -> None:
        self.flaky = flaky
        self.folder = folder
        self._shop = shop
        self.env = {
            "PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONWARNINGS": "error", "NO_GCE_CHECK": "true",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), **shop.job_env,
        }  # fmt: skip

    def files(self, name: str, version: str, count: int, size: int = 3000) -> list[Wheel]:
        """Wheels of one release in the folder dist, and nothing else in it."""
        dist = self.folder / "dist"
        dist.mkdir(exist_ok=True)
        for old in dist.iterdir():
            old.unlink()
        wheels = [Tagged(name, version, size + number, f"cp3{number + 10}") for number in range(count)]
        for wheel in wheels:
            (dist / wheel.filename).write_bytes(wheel.content)
        return wheels

    def argv(self, *options: str) -> list[str]:
        command = [sys.executable, "-m", "trustpub", "publish", "--json"]
        return [*command, "--index", self.flaky.url, "--ca", str(self._shop.ca), *options]

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.argv(*options), env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
        )
        assert "Traceback" not in done.stderr
        assert "bug in trustpub" not in done.stderr
        return done

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(), env=self.env, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def listed(self, name: str) -> dict[str, str]:
        """What the index has, asked past the proxy."""
        with SecureClient(self._shop) as client:
            return {one["filename"]: one["hashes"]["sha256"] for one in client.files(name)}


class Tagged(Wheel):
    """A wheel for one Python only, so that a release has several."""

    def __init__(self, name: str, version: str, size: int, tag: str) -> None:
        super().__init__(name, version, size)
        object.__setattr__(self, "tag", tag)

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-{self.tag}-none-any.whl"  # type: ignore[attr-defined]


class SecureClient(Client):
    """The light client, over TLS."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.url)
        import http.client
        import ssl
        from urllib.parse import urlsplit

        parts = urlsplit(shop.url)
        context = ssl.create_default_context(cafile=shop.ca)
        self._connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=30, context=context)


@pytest.fixture
def job(shop: Shop, tmp_path: Path) -> Iterator[Callable[..., Job]]:
    """Make a job behind a proxy with these faults."""
    opened: list[Flaky] = []

    def made(**options: Any) -> Job:
        flaky = Flaky(shop.url, shop.ca, shop.data, **options)
        flaky.__enter__()
        opened.append(flaky)
        folder = tmp_path / f"job{len(opened)}"
        folder.mkdir()
        return Job(shop, flaky, folder)

    yield made
    for flaky in opened:
        flaky.__exit__(None, None, None)


def told(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What the program said of each file."""
    return {row["filename"]: row["state"] for row in json.loads(done.stdout)["files"]}


def check_truth(said: dict[str, str], listed: dict[str, str]) -> None:
    for filename, state in said.items():
        if state in THERE:
            assert filename in listed, f"{filename} is said to be {state}"
        if state in NOT_THERE:
            assert filename not in listed, f"{filename} is said to be {state}"


def release(job: Job, shop: Shop, name: str, version: str, count: int = 10) -> int:
    """Publish through all faults, and again until it is done; how many runs that took."""
    wheels = job.files(name, version, count)
    for run in range(1, 12):
        done = job.run()
        said, listed = told(done) if done.stdout else {}, job.listed(name)
        assert done.returncode in (0, 4, 5), f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        check_truth(said, listed)
        if done.returncode == 0:
            break
        assert any(one.filename not in listed for one in wheels) or "unknown" in said.values()
    assert done.returncode == 0, done.stderr
    assert {one.filename: one.sha256 for one in wheels}.items() <= listed.items(), "lost"
    doubled = {name: times for name, times in job.flaky.taken().items() if times != 1}
    assert not doubled
    return run


def test_releases_to_a_flaky_index_are_complete_or_truthfully_told_and_another_run_completes_them(
    job: Callable[..., Job], shop: Shop
) -> None:
    shop.register("hello")
    behind = job(seed=5, weights=WEIGHTS)
    for number in range(3):
        release(behind, shop, "hello", f"{number}")
    assert sum(behind.flaky.faults.values()) > behind.flaky.faults["none"] > 0


@pytest.mark.long
def test_two_hundred_releases_to_a_flaky_index(job: Callable[..., Job], shop: Shop) -> None:
    shop.register("hello")
    runs = [release(job(seed=seed, weights=WEIGHTS), shop, "hello", f"{seed}") for seed in range(200)]
    assert runs.count(1) > 150, "most releases need no second run"
