# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The container's file: judged by hadolint, and what it says carried out as far as no engine is needed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import DEPLOY, ROOT, eventually, free_port

FILE = DEPLOY / "container" / "Containerfile"
HADOLINT = ROOT / ".venvs" / "hadolint" / "bin" / "hadolint"
PIN = re.compile(r"^([A-Za-z0-9_.-]+(?:\[[^]]+\])?)==([^ ;\\]+)", re.MULTILINE)


def instructions() -> list[tuple[str, str]]:
    """Each with what it is given, on one line and without comments."""
    text = "\n".join(one for one in FILE.read_text().splitlines() if not one.startswith("#"))
    joined = text.replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (one.partition(" ") for one in joined.splitlines() if one)]


def of_kind(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def test_hadolint_has_nothing_to_say() -> None:
    if not HADOLINT.exists():
        pytest.skip("HADOLINT IS NOT HERE, and judges the container's file. Get it: make .venvs/hadolint/installed")
    done = subprocess.run([HADOLINT, "--failure-threshold", "style", FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    bad = "FROM python\nRUN cd /tmp && sudo pip install x\n"
    found = subprocess.run([HADOLINT, "-"], input=bad, capture_output=True, text=True, check=False)
    assert found.returncode != 0


def test_it_is_run_by_nobody_of_note() -> None:
    (user,) = of_kind("USER")
    uid, _, gid = user.partition(":")
    assert int(uid) >= 10_000
    assert int(gid) >= 10_000
    words = [word for word, _ in instructions()]
    assert words.index("USER") < words.index("ENTRYPOINT")
    made = next(rest for rest in of_kind("RUN") if "useradd" in rest)
    assert f"--uid {uid}" in made
    assert f"--gid {gid}" in made


def test_the_image_that_runs_has_nothing_of_the_one_that_builds_but_the_programs() -> None:
    stages = of_kind("FROM")
    assert [one.partition(" AS ")[2] for one in stages] == ["build", ""]
    last = [index for index, (word, _) in enumerate(instructions()) if word == "FROM"][-1]
    copied = [rest for word, rest in instructions()[last:] if word in ("COPY", "ADD")]
    assert copied == ["--from=build /opt/trustpub /opt/trustpub"]


def test_every_package_comes_by_its_hash_and_is_the_one_that_was_tested() -> None:
    tested = set(PIN.findall((ROOT / "requirements" / "dev.txt").read_text()))
    for name in ("server.txt", "backend.txt"):
        text = (ROOT / "requirements" / name).read_text()
        found = PIN.findall(text)
        assert found
        assert set(found) <= tested
        assert text.count("--hash=sha256:") >= len(found)
    installs = [one for rest in of_kind("RUN") for one in re.split(r"&&", rest) if " install --" in f"{one} "]
    for one in installs:
        assert "--require-hashes" in one or "--no-deps" in one or "install --directory" in one, one


def test_what_is_copied_is_there_and_gets_past_the_list_of_what_is_left_out() -> None:
    let_in = re.findall(r"^!(\S+)", (FILE.parent / f"{FILE.name}.dockerignore").read_text(), re.MULTILINE)
    sources = [one for rest in of_kind("COPY") if not rest.startswith("--from") for one in rest.split()[:-1]]
    assert sorted(sources) == sorted(let_in)
    for source in sources:
        assert (ROOT / source).exists(), source


def test_what_the_image_starts_serves_and_its_health_check_sees_that(tmp_path: Path) -> None:
    """The same environment, command and check, with another folder and port."""
    port = free_port()
    (stage,) = [one for one in of_kind("ENV") if "TRUSTPUB" in one]
    said = dict(one.partition("=")[::2] for one in shlex.split(stage) if one.startswith("TRUSTPUB_"))
    assert set(said) == {"TRUSTPUB_SERVER_DATA", "TRUSTPUB_SERVER_HOST", "TRUSTPUB_SERVER_PORT", "TRUSTPUB_LOG_FORMAT"}
    own = {"TRUSTPUB_SERVER_DATA": str(tmp_path / "data"), "TRUSTPUB_SERVER_PORT": str(port)}
    given = {
        "TRUSTPUB_SERVER_PUBLIC_URL": "https://packages.example.com",
        "TRUSTPUB_SERVER_TRUSTED_PROXIES": "10.0.0.0/8",
    }
    env = {**os.environ, **said, **own, **given}
    words = [*json.loads(of_kind("ENTRYPOINT")[0]), *json.loads(of_kind("CMD")[0])]
    assert words[0] == "trustpub"
    (line,) = of_kind("HEALTHCHECK")
    check = json.loads(line.partition(" CMD ")[2])
    assert check[0] == "python"
    check[0] = sys.executable

    def healthy() -> bool:
        return subprocess.run(check, env=env, capture_output=True, check=False).returncode == 0

    assert not healthy()
    with (tmp_path / "log").open("wb") as log:
        argv = [sys.executable, "-m", *words]
        with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=log) as running:
            try:
                eventually(healthy)
            finally:
                running.terminate()
                running.wait(60)
    assert running.returncode == 0
    assert not healthy()
    lines = [one for one in (tmp_path / "log").read_text().splitlines() if one.startswith("{")]
    assert any(json.loads(one).get("path") == "/healthz" for one in lines)
