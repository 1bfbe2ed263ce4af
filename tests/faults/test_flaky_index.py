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

from tests.compat.conftest import JOB, Shop, serving, with_a_job
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
        wheels: list[Wheel] = [Tagged(name, version, size + number, f"cp3{number + 10}") for number in range(count)]
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
            self.argv("--jobs", "2"),
            env=self.env,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
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
    run = 0
    while True:
        run += 1
        done = job.run()
        said, listed = told(done) if done.stdout else {}, job.listed(name)
        assert done.returncode in (0, 4, 5), f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        check_truth(said, listed)
        if done.returncode == 0:
            break
        assert any(one.filename not in listed for one in wheels) or "unknown" in said.values()
        assert run < 12, done.stderr
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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_cancelled_release_says_what_is_up_gives_its_token_back_and_is_completed_by_another_run(
    job: Callable[..., Job], shop: Shop, number: int, code: int
) -> None:
    shop.register("hello")
    behind = job()
    wheels = behind.files("hello", "1", 12)
    behind.flaky.delay = 0.3
    with behind.start() as running:
        while len(behind.listed("hello")) < 2:
            time.sleep(0.02)
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    assert running.returncode == code
    said, listed = {row["filename"]: row["state"] for row in json.loads(out)["files"]}, behind.listed("hello")
    check_truth(said, listed)
    assert 0 < len(listed) < len(wheels)
    assert "The release was cancelled." in err
    assert "Not on the index:" in err
    assert "Traceback" not in err
    assert behind.flaky.minted() == behind.flaky.burned() != set()
    complete(behind, wheels)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_release_that_was_killed_is_completed_by_another_run(job: Callable[..., Job], shop: Shop) -> None:
    shop.register("hello")
    behind = job()
    wheels = behind.files("hello", "1", 12)
    behind.flaky.delay = 0.2
    with behind.start() as running:
        while len(behind.listed("hello")) < 3:
            time.sleep(0.02)
        running.kill()
        running.communicate(timeout=30)
    time.sleep(0.5)  # what was on its way arrives
    assert 0 < len(behind.listed("hello")) < len(wheels)
    complete(behind, wheels)


def complete(behind: Job, wheels: Sequence[Wheel]) -> None:
    behind.flaky.delay = 0
    there = behind.listed("hello")
    done = behind.run()
    assert done.returncode == 0, done.stderr
    assert {one.filename: one.sha256 for one in wheels} == behind.listed("hello")
    assert set(told(done).values()) <= THERE
    assert {name for name, state in told(done).items() if state == "present"} == set(there)
    assert set(behind.flaky.taken().values()) == {1}


def test_a_token_that_ends_in_the_middle_is_renewed_once_for_all_and_every_one_is_given_back(
    job: Callable[..., Job], shop: Shop
) -> None:
    shop.register("hello")
    behind = job()
    behind.files("hello", "1", 20)
    behind.flaky.expires_in = 2  # so it is renewed after one second; the index itself would take it for longer
    behind.flaky.delay = 0.4
    done = behind.run()
    assert done.returncode == 0, done.stderr
    used = behind.flaky.used()
    assert 2 <= len(set(used)) <= 4
    assert len(behind.flaky.minted()) == len(set(used)), "one of those who upload renews, for all of them"
    assert behind.flaky.burned() == behind.flaky.minted()
    assert set(behind.flaky.taken().values()) == {1}


def test_where_the_job_is_vouched_for_only_once_an_ended_token_ends_the_release_in_a_sentence(
    job: Callable[..., Job], shop: Shop, tmp_path: Path
) -> None:
    shop.register("hello")
    behind = job()
    wheels = behind.files("hello", "1", 12)
    identity = tmp_path / "identity"
    identity.write_text(shop.issuer.give(JOB, shop.audience).reveal())
    behind.flaky.expires_in = 2
    behind.flaky.delay = 0.9
    done = behind.run("--identity-token", str(identity), "--jobs", "2")
    assert done.returncode == 5
    assert "The upload token expired" in done.stderr
    assert "only once" in done.stderr
    check_truth(told(done), behind.listed("hello"))
    assert behind.flaky.burned() == behind.flaky.minted()
    behind.flaky.expires_in = None
    complete(behind, wheels)
