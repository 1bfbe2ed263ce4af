# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A gateway in front of pypiserver, devpi and another trustpub: real clients publish through it, real pip installs."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.compat.conftest import ROOT, Shop, run, serving, with_a_job
from tests.compat.publishers import PUBLISHERS, SAID, Release, write_project
from trustpub.errors import Misuse
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.gateway.standing import take_up
from trustpub.index.settings import Gateway
from trustpub.rehearsal.issuers import GitHubIssuer

from .conftest import Behind, Gate, again, devpi, gateway, kill, pypiserver, wheel
from .wire import Wire


def client(name: str) -> str:
    """The program of a real client, from its own environment below .venvs."""
    program = ROOT / ".venvs" / name / "bin" / name
    if not program.exists():
        pytest.skip(f"THE REAL {name} IS NOT HERE, so nothing about it was tested. Get it: make clients")
    return str(program)


@pytest.fixture(scope="module", params=[pypiserver, devpi], ids=["pypiserver", "devpi"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, Behind]]:
    place = tmp_path_factory.mktemp("pair")
    with ExitStack() as ends:
        behind = ends.enter_context(request.param(place / "behind"))
        issuer = ends.enter_context(GitHubIssuer(clock=time.time))
        gate = ends.enter_context(gateway(place / "gate", issuer, behind.lines))
        with_a_job(gate, issuer)
        yield gate, behind


def publish(gate: Shop, *paths: Path, fails: bool = False) -> str:
    """`trustpub publish`, in the job."""
    argv = [sys.executable, "-m", "trustpub", "publish", "--index", gate.url, "--ca", str(gate.ca)]
    return gate.said(gate.run([*argv, *map(str, paths)], env=gate.job_env, fails=fails, cwd=paths[0].parent))


def test_uv_publishes_through_it_and_pip_installs(
    pair: tuple[Gate, Behind], tmp_path: Path, installed: Callable[..., str]
) -> None:
    gate, behind = pair
    gate.hold("by-uv")
    publisher, folder = PUBLISHERS["uv"], tmp_path / "by-uv"
    write_project(folder, "by-uv", publisher.build_system)
    release = Release(shop=gate, name="by-uv", folder=folder, program=client("uv"), token=None)
    publisher.build(release.program, folder)
    publisher.publish(release)
    # By way of the gateway, and from the index behind it.
    assert installed(f"{gate.url}/simple/", "by-uv", ca=gate.ca).strip() == SAID
    assert installed(behind.simple_url, "by-uv").strip() == SAID
    publisher.publish(release)  # again: no fault
    assert gate.kinds("by-uv").count("file-uploaded") == 2


def test_trustpub_publishes_through_it_and_pip_installs(
    pair: tuple[Gate, Behind], tmp_path: Path, installed: Callable[..., str]
) -> None:
    gate, behind = pair
    gate.hold("by-trustpub")
    paths = [wheel(tmp_path, "by-trustpub", version) for version in ("1.0", "2.0")]
    for path in paths:
        publish(gate, path)
    assert installed(f"{gate.url}/simple/", "By_Trustpub", ca=gate.ca).strip() == "hello"
    assert installed(behind.simple_url, "by-trustpub").strip() == "hello"
    publish(gate, paths[-1])
    other = wheel(tmp_path, "by-trustpub", "2.0", said="another")
    assert "File already exists" in publish(gate, other, fails=True)
    assert installed(behind.simple_url, "by-trustpub").strip() == "hello"


def test_twine_publishes_through_it_with_a_token(pair: tuple[Gate, Behind], tmp_path: Path) -> None:
    gate, _ = pair
    gate.hold("by-twine")
    argv = [client("twine"), "upload", "--non-interactive", "--disable-progress-bar"]
    argv += ["--repository-url", f"{gate.url}/legacy/", "--cert", str(gate.ca)]
    env = {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": gate.token()}
    gate.run([*argv, str(wheel(tmp_path, "by-twine"))], env=env)
    gate.run([*argv, str(wheel(tmp_path, "by-twine"))], env=env)
    other = wheel(tmp_path, "by-twine", said="another")
    assert "File already exists" in gate.said(gate.run([*argv, str(other)], env=env, fails=True))


def test_publishing_ends_well_though_the_index_behind_is_killed_and_comes_back(tmp_path: Path) -> None:
    with ExitStack() as ends:
        issuer = ends.enter_context(GitHubIssuer(clock=time.time))
        first = ends.enter_context(ExitStack())
        behind = first.enter_context(pypiserver(tmp_path / "behind"))
        wire = ends.enter_context(Wire(behind.url))
        gate = ends.enter_context(gateway(tmp_path / "gate", issuer, f'upstream = "{wire.url}/"'))
        with_a_job(gate, issuer)
        gate.hold("killed-one")
        path = wheel(tmp_path, "killed-one", padding=3_000_000)
        killed, process = threading.Event(), behind.process

        def strike() -> None:
            assert process is not None
            process.kill()
            process.wait(20)
            killed.set()

        wire.before = strike
        said: list[str] = []
        publishing = threading.Thread(target=lambda: said.append(publish(gate, path)))
        publishing.start()
        assert killed.wait(60)
        assert behind.names() == []
        wire.before = lambda: None
        first.close()
        ends.enter_context(pypiserver(tmp_path / "behind", port=int(behind.url.rpartition(":")[2])))
        publishing.join(120)
        assert said
        assert behind.names() == [path.name]
        assert gate.kinds("killed-one") == ["file-handed-on", "file-uploaded"]


def test_a_gateway_that_is_killed_after_the_file_went_through_completes_it_at_a_retry(tmp_path: Path) -> None:
    with ExitStack() as ends:
        issuer = ends.enter_context(GitHubIssuer(clock=time.time))
        behind = ends.enter_context(pypiserver(tmp_path / "behind"))
        wire = ends.enter_context(Wire(behind.url))
        gate = ends.enter_context(gateway(tmp_path / "gate", issuer, f'upstream = "{wire.url}/"'))
        with_a_job(gate, issuer)
        gate.hold("killed-gate")
        token, path = gate.token(), wheel(tmp_path, "killed-gate")
        wire.after = lambda: kill(gate)
        with pytest.raises(Exception, match="localhost"):
            gate.send(token, path)
        assert behind.names() == [path.name]
        wire.mend()
        again(gate)
        try:
            # Whoever comes with other bytes does not get past what is there.
            other = gate.send(token, wheel(tmp_path, "killed-gate", said="other"))
            assert other.status == 400
            assert gate.send(token, path).status == 200
            assert wire.posts == 0
            assert gate.kinds("killed-gate") == ["file-handed-on", "file-uploaded"]
        finally:
            gate.process.terminate()
            gate.process.wait(30)


def test_another_trustpub_behind_it_has_the_files(tmp_path: Path, installed: Callable[..., str]) -> None:
    with ExitStack() as ends:
        issuer = ends.enter_context(GitHubIssuer(clock=time.time))
        back = ends.enter_context(serving(tmp_path, "github", issuer))
        back.admin("user", "add", "gateway")
        token = back.admin("token", "create", "gateway", "--scope", "upload").split()[-1]
        lines = f'upstream = "{back.url}/"\nupload_url = "{back.url}/legacy/"\nca = "{back.ca}"'
        gate = ends.enter_context(gateway(tmp_path / "gate", issuer, lines, user="__token__", password=token))
        with_a_job(gate, issuer)
        gate.hold("two-deep")
        publish(gate, wheel(tmp_path, "two-deep"))
        bundle = tmp_path / "both.pem"
        bundle.write_text(gate.ca.read_text() + back.ca.read_text())
        assert installed(f"{gate.url}/simple/", "two-deep", ca=bundle).strip() == "hello"
        assert installed(f"{back.url}/simple/", "two-deep", ca=back.ca).strip() == "hello"
        publish(gate, wheel(tmp_path, "two-deep"))
        other = wheel(tmp_path, "two-deep", said="other")
        assert "File already exists" in publish(gate, other, fails=True)
        # One that has files of its own cannot become a gateway.
        settings = Gateway(upstream="https://else.test/", upload_url="https://else.test/", simple_url="", password=None)
        with open_folder(back.data, create=False) as folder, pytest.raises(Misuse, match="cannot become a gateway"):
            take_up(folder.store, settings)


def peak(pid: int) -> int:
    """Kibibytes of memory that a process had at most."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="ONLY LINUX TELLS HOW MUCH MEMORY A PROCESS HAD")
def test_a_large_file_goes_through_it_and_not_into_its_memory(pair: tuple[Gate, Behind], tmp_path: Path) -> None:
    gate, _ = pair
    gate.hold("large-one")
    token = gate.token()
    assert gate.send(token, wheel(tmp_path, "large-one", "1.0")).status == 200
    before = peak(gate.process.pid)
    assert gate.send(token, wheel(tmp_path, "large-one", "2.0", padding=96_000_000)).status == 200
    assert peak(gate.process.pid) - before < 32_000


def test_check_files_backup_and_run_know_what_is_not_here(pair: tuple[Gate, Behind], tmp_path: Path) -> None:
    gate, _ = pair
    gate.hold("looked-after")
    assert gate.send(gate.token(), wheel(tmp_path, "looked-after")).status == 200
    told = json.loads(gate.admin("check-files", "--json"))
    assert (told["wrong"], told["unsure"]) == ([], [])
    assert told["gateway"].startswith("http://127.0.0.1:")
    gate.admin("backup", str(tmp_path / "copy"))
    ours = [sys.executable, "-m", "trustpub"]
    run([*ours, "admin", "restore", str(tmp_path / "copy"), "--data", str(tmp_path / "restored"),
         "--secret-file", str(gate.data / "secret")])  # fmt: skip
    # Its rows mean files that are not here: whoever forgets the gateway is told, and nothing is served.
    alone = [*ours, "serve", "--data", str(tmp_path / "restored"), "--port", "0"]
    done = run([*alone, "--secret-file", str(gate.data / "secret")], fails=True)
    assert "is a gateway to" in done.stderr
    brought = [*ours, "admin", "import", "folder", str(tmp_path), "--data", str(tmp_path / "restored")]
    done = run([*brought, "--secret-file", str(gate.data / "secret")], fails=True)
    assert "to which this index is a gateway" in done.stderr
    for words in (
        ("yank", "looked-after", "--version", "1.0"),
        ("delete", "looked-after", "--version", "1.0", "--yes"),
    ):
        done = run([*ours, "admin", "project", *words, "--data", str(gate.data)], fails=True)
        assert "to which this index is a gateway" in done.stderr
