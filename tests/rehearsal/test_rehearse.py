# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whole rehearsals, as a person starts them."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.rehearsal.conftest import processes_below, read_json
from trustpub.rehearsal.impostors import has_second_address

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearse


ALL = 6 + has_second_address()
"""Impostors on GitHub. Where a machine has only one address, nobody can ask from another."""
ALTERED = 5
"""Attestations that are brought to the index where the client signs, and refused."""


def states(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file below, with its time of change and its bytes' hash."""
    return {
        str(path): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_example_is_built_trusted_published_installed_and_defended(
    rehearse: Rehearse, example: Path, temporary: Path
) -> None:
    before = states(example)
    done = rehearse(example, "--no-isolation")
    assert (done.returncode, done.stderr) == (0, "")
    steps = [line for line in done.stdout.splitlines() if re.match(r"\d/8 ", line)]
    assert [line.split()[1] for line in steps] == [
        "workflow", "build", "index", "register", "publish", "attest", "install", "impostors",
    ]  # fmt: skip
    summary = done.stdout.splitlines()[len(steps) :]
    assert summary[-1] == f"{ALL + ALTERED} of {ALL + ALTERED} impostors refused"
    text = "\n".join(summary)
    for wanted in (
        "Built        hello-release 0.1.0: 1 wheel and source distribution",
        "repository example/hello-release, workflow release.yml, environment release, owner id",
        "valid for 15 minutes, to upload hello-release and nothing else; given back",
        "hello-release 0.1.0, by pip into a fresh environment",
        "workflow is 'impostor.yml', wanted 'release.yml'",
        "environment is 'not-release', wanted 'release'",
        "re-created or transferred",
        "used already",
        "expired",
        "for the audience",
        "Attested     2 files, signed as this job, and proven again offline",
        "a file of this name with other contents",
        "DSSE: invalid signature",
        "Its certificate names the repository 'https://github.com/example/hello-release-impostor'",
        "invalid log entry",
    ):
        assert wanted in text
    assert text.count("  refused  ") == ALL + ALTERED
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert states(example) == before
    assert list(temporary.iterdir()) == []
    assert processes_below(temporary) == []


def test_json_is_all_that_stands_on_standard_output(rehearse: Rehearse, example: Path) -> None:
    done = rehearse(example, "--no-isolation", "--json", "--repository", "Acme/Hello", "--client", "trustpub")
    told: dict[str, Any] = read_json(done.stdout)
    assert (done.returncode, told["ok"], told["exit_code"], told["kept"]) == (0, True, 0, None)
    assert told["trusted_as"]["repository"] == "Acme/Hello"
    assert told["token"]["projects"] == ["hello-release"]
    assert told["token"]["given_back"] is True
    assert (told["refused"], told["counted"], len(told["impostors"])) == (ALL + ALTERED,) * 3
    assert told["attested"] == 2
    assert told["installed"]["version"] == told["built"]["version"] == "0.1.0"
    assert told["seconds"] > 0
    assert "8/8" in done.stderr


def test_a_real_client_publishes_it_too(
    rehearse: Rehearse, example: Path, built: Path, program: Callable[[str], Path]
) -> None:
    path = f"{program('twine')}{os.pathsep}{os.environ['PATH']}"
    done = rehearse(example, "--dist", built, "--client", "twine", "--json", env={"PATH": path})
    told: dict[str, Any] = read_json(done.stdout)
    assert (done.returncode, told["refused"], told["client"]) == (0, ALL, "twine")
    # twine knows nothing of giving back; who ran it does.
    assert told["token"]["given_back"] is True


@pytest.mark.parametrize(
    ("provider", "options", "who", "impostors"),
    [
        ("gitlab", [], "job publish of .gitlab-ci.yml, environment release", ALL + 1),
        (
            "gitlab",
            ["--workflow", "ci/release.yml", "--repository", "Group/sub/Hello"],
            "ci/release.yml, not read",
            ALL,
        ),
        ("google", [], "release@example-project.iam.gserviceaccount.com (assumed)", ALL + 1),
        ("google", ["--service-account", "ci@acme.iam.gserviceaccount.com"], "ci@acme.iam.gserviceaccount", ALL + 1),
    ],
)
def test_the_example_is_released_from_other_places_too(
    provider: str, options: list[str], who: str, impostors: int, rehearse: Rehearse, example: Path, temporary: Path
) -> None:
    before = states(example)
    done = rehearse(example, "--no-isolation", "--provider", provider, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert who in done.stdout.splitlines()[0]
    refused = impostors + ALTERED
    assert done.stdout.splitlines()[-1] == f"{refused} of {refused} impostors refused"
    assert "2 files signed as this job, proven again offline" in done.stdout
    assert "to upload hello-release and nothing else; given back" in done.stdout
    assert states(example) == before
    assert processes_below(temporary) == []


def test_an_environment_that_is_not_there_is_not_guarded_and_not_counted(rehearse: Rehearse, project: Path) -> None:
    workflow = project / ".github" / "workflows" / "release.yml"
    workflow.write_text(workflow.read_text("utf-8").replace("    environment: release\n", ""), "utf-8")
    done = rehearse(project, "--no-isolation")
    assert done.returncode == 0
    assert "NOT GUARDED" in done.stdout
    assert "environment: release" in done.stdout
    assert done.stdout.rstrip().endswith(f"{ALL + 4} of {ALL + 4} impostors refused")


def test_a_placeholder_is_named_and_another_version_put_in_its_place(rehearse: Rehearse, project: Path) -> None:
    assert "0.0.0 is a placeholder" in rehearse(project, "--no-isolation").stdout
    refused = rehearse(project, "--no-isolation", "--version", "1.2.3")
    assert refused.returncode == 2
    assert "no step of the workflow changes it" in refused.stderr
    workflow = project / ".github" / "workflows" / "release.yml"
    text = workflow.read_text("utf-8").replace("run: python -m build", "run: hatch version $V && python -m build")
    workflow.write_text(text, "utf-8")
    done = rehearse(project, "--no-isolation", "--version", "1.2.3")
    assert done.returncode == 0
    assert "odd-one 1.2.3, by pip" in done.stdout


def test_built_files_are_taken_as_they_are(rehearse: Rehearse, project: Path, tmp_path: Path) -> None:
    built = tmp_path / "built"
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", str(built), str(project)],
        check=True, capture_output=True,
    )  # fmt: skip
    done = rehearse(project, "--dist", built)
    assert done.returncode == 0
    assert "fetched and compared, not installed: it has no wheel" in done.stdout
    assert f"{ALL + ALTERED} of {ALL + ALTERED} impostors refused" in done.stdout


def test_a_run_that_the_index_must_not_trust_fails_with_its_reason(rehearse: Rehearse, project: Path) -> None:
    workflow = project / ".github" / "workflows" / "release.yml"
    text = workflow.read_text("utf-8").replace("  push:\n    tags: ['v*']\n", "  pull_request_target:\n")
    workflow.write_text(text, "utf-8")
    done = rehearse(project, "--no-isolation")
    assert done.returncode == 1
    assert "pull_request_target" in done.stderr
    assert "Traceback" not in done.stderr


def test_kept_it_goes_on_and_says_where_and_how_to_stop_it(rehearse: Rehearse, example: Path, temporary: Path) -> None:
    done = rehearse(example, "--no-isolation", "--json", "--keep")
    told: dict[str, Any] = read_json(done.stdout)
    kept = told["kept"]
    try:
        context = ssl.create_default_context(cafile=kept["ca"])
        with urllib.request.urlopen(f"{kept['url']}/simple/hello-release/", context=context, timeout=10) as page:
            assert b"hello_release-0.1.0" in page.read()
        assert Path(kept["data"], "index.db").is_file()
    finally:
        os.kill(kept["pid"], signal.SIGTERM)
    wait_until(lambda: processes_below(temporary) == [])
    text = rehearse(example, "--no-isolation", "--keep").stdout
    stop = re.search(r"^Stop it +kill (\d+)$", text, re.MULTILINE)
    assert stop is not None
    os.kill(int(stop[1]), signal.SIGTERM)
    for wanted in ("Still running  https://", "Its authority  ", "Its data  ", "Clean up       rm -r "):
        assert wanted in text
    wait_until(lambda: processes_below(temporary) == [])


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def started(example: Path, temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """A rehearsal on its way, in a process group of its own, as a shell would start it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "trustpub", "rehearse", str(example), "--no-isolation", "--keep"],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, process_group=0,
    )  # fmt: skip
    with process:
        yield process


@pytest.mark.parametrize("step", ["1/8", "2/8", "4/8", "5/8", "7/8"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_end_on_the_way_leaves_no_process_and_no_file(
    step: str, number: signal.Signals, code: int, example: Path, temporary: Path
) -> None:
    with started(example, temporary) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if line.startswith(step):
                break
        os.kill(process.pid, number)
        said = process.stderr.read()
        process.stdout.read()
        assert process.wait(30) == code, said
    assert "Traceback" not in said
    assert processes_below(temporary) == []
    assert list(temporary.iterdir()) == []


def test_an_impatient_person_presses_twice_and_still_nothing_is_left(example: Path, temporary: Path) -> None:
    with started(example, temporary) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(3):
            os.kill(process.pid, signal.SIGINT)
            time.sleep(0.05)
        process.communicate(timeout=30)
    assert processes_below(temporary) == []
    assert list(temporary.iterdir()) == []
