# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of Buildkite: the program ``buildkite-agent``, a real one on PATH, is asked for its identity token."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity
from trustpub.http import Http

PROGRAM = "buildkite-agent"
JOB = {"BUILDKITE": "true", "BUILDKITE_AGENT_ACCESS_TOKEN": "the-agents-own-token"}
ANSWER = "print(os.environ['THE_TOKEN'])"
DOCKER = "mount-buildkite-agent: true"
NEW = "oidc request-token --claim"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are scripts of POSIX")


@pytest.fixture
def place(make: Any, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Put the program on PATH, in Python, and get the variables of a job that finds it."""
    return lambda code: {**JOB, "PATH": make.program(tmp_path / "bin", PROGRAM, code)}


def test_the_agent_is_asked_for_the_audience_and_the_ids(http: Http, place: Any, make: Any) -> None:
    env = place("json.dump(sys.argv[1:], open(os.environ['SEEN'], 'w')); " + ANSWER)
    seen = Path(env["PATH"]) / "seen"
    job = detect({**env, "SEEN": str(seen), "THE_TOKEN": make.jwt("a b")})
    assert (job.name, job.renews, job.fixed_audience) == ("Buildkite", True, None)
    assert job.identity_token(http, "a b").reveal() == make.jwt("a b")
    assert seen.read_text() == (
        '["oidc", "request-token", "--audience", "a b", "--claim", "organization_id,pipeline_id"]'
    )


def test_an_audience_of_a_list_of_one_is_good(http: Http, place: Any, make: Any) -> None:
    job = detect({**place(ANSWER), "THE_TOKEN": make.jwt(["here"])})
    assert job.identity_token(http, "here").reveal() == make.jwt(["here"])


def test_without_the_agent_it_is_said_how_a_container_gets_it(http: Http, tmp_path: Path) -> None:
    with pytest.raises(NoIdentity, match="`buildkite-agent`.*is not on PATH") as caught:
        detect({**JOB, "PATH": str(tmp_path)}).identity_token(http, "here")
    assert DOCKER in str(caught.value.hint)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("sys.stderr.write('flag provided but not defined: -claim'); sys.exit(1)", "not defined: -claim"),
        ("sys.stderr.write('401 Unauthorized: ' + os.environ['BUILDKITE_AGENT_ACCESS_TOKEN']); sys.exit(1)", "401"),
        ("sys.exit(94)", "it ended with 94"),
        ("", "wrote no identity token"),
        ("print(os.environ['ELSEWHERE'])", "not for the audience"),
    ],
)
def test_a_failure_is_told_with_what_to_set(http: Http, place: Any, make: Any, code: str, problem: str) -> None:
    with pytest.raises(NoIdentity) as caught:
        detect({**place(code), "ELSEWHERE": make.jwt("elsewhere")}).identity_token(http, "here")
    assert problem in caught.value.message
    assert NEW in str(caught.value.hint)
    assert JOB["BUILDKITE_AGENT_ACCESS_TOKEN"] not in str(caught.value)


@pytest.mark.parametrize("value", ["false", "1", "TRUE", ""])
def test_only_true_means_buildkite(value: str) -> None:
    with pytest.raises(NoIdentity, match="BUILDKITE=true"):
        detect({"BUILDKITE": value, "NO_GCE_CHECK": "true"})


def test_nothing_about_a_job_shows_its_variables(place: Any) -> None:
    assert JOB["BUILDKITE_AGENT_ACCESS_TOKEN"] not in repr(detect(place("")))


def test_a_token_is_minted_from_a_job_of_buildkite(run: Any, index: Any, place: Any, make: Any) -> None:
    env = place(ANSWER) | {"THE_TOKEN": make.jwt("test_index"), "GITHUB_ACTIONS": None}
    ran = run("mint", "--print", "--index", index.url, **env)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n")
    assert "Buildkite vouches for this job" in ran.err
