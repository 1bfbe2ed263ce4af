# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A job of CircleCI: the program ``circleci``, a real one on PATH, is asked for its identity token."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trustpub.ci import program
from trustpub.ci.detection import detect
from trustpub.errors import NoIdentity
from trustpub.http import Http

PROGRAM = "circleci"
JOB = {"CIRCLECI": "true", "CIRCLE_TOKEN": "a-token-of-the-job"}
ANSWER = "print(os.environ['THE_TOKEN'])"
CONTEXT = "context: release"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are scripts of POSIX")


@pytest.fixture
def place(make: Any, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Put the program on PATH, in Python, and get the variables of a job that finds it."""
    return lambda code: {**JOB, "PATH": make.program(tmp_path / "bin", PROGRAM, code)}


def test_the_program_is_asked_for_the_audience_and_the_root_issuer(http: Http, place: Any, make: Any) -> None:
    env = place("json.dump(sys.argv[1:], open(os.environ['SEEN'], 'w')); " + ANSWER)
    seen = Path(env["PATH"]) / "seen"
    job = detect({**env, "SEEN": str(seen), "THE_TOKEN": make.jwt('a"b')})
    assert (job.name, job.renews, job.fixed_audience) == ("CircleCI", True, None)
    assert job.identity_token(http, 'a"b').reveal() == make.jwt('a"b')
    assert seen.read_text() == r"""["run", "oidc", "get", "--claims", "{\"aud\": \"a\\\"b\"}", "--root-issuer"]"""


def test_each_token_is_asked_for_anew(http: Http, place: Any, make: Any) -> None:
    env = place("open(os.environ['SEEN'], 'a').write('x'); " + ANSWER)
    seen = Path(env["PATH"]) / "seen"
    job = detect({**env, "SEEN": str(seen), "THE_TOKEN": make.jwt("here")})
    assert job.identity_token(http, "here") == job.identity_token(http, "here")
    assert seen.read_text() == "xx"


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_without_the_program_it_is_said_where_it_is_and_what_to_do_elsewhere(http: Http, path: str) -> None:
    with pytest.raises(NoIdentity, match="`circleci`.*is not on PATH") as caught:
        detect({**JOB, "PATH": path}).identity_token(http, "here")
    hint = str(caught.value.hint)
    assert """circleci run oidc get --claims '{"aud": "here"}' --root-issuer > identity.jwt""" in hint
    assert "--identity-token identity.jwt" in hint


@pytest.mark.parametrize(
    ("code", "problem", "word"),
    [
        ("sys.stderr.write('no context\\n'); sys.exit(3)", "it ended with 3. It says: no context", CONTEXT),
        ("print('OIDC is off'); sys.exit(1)", "It says: OIDC is off", CONTEXT),
        ("sys.exit(1)", "it ended with 1.", CONTEXT),
        ("os.kill(os.getpid(), 15)", "signal 15 ended it", CONTEXT),
        ("", "wrote no identity token", CONTEXT),
        ("print('  ')", "wrote no identity token", CONTEXT),
        ("print('no token')", "not a JSON Web Token", ""),
        ("print('a.b.c')", "claims that are not a JSON object", ""),
        ("sys.stdout.buffer.write(bytes([255, 254]))", "not a JSON Web Token", ""),
        ("print(os.environ['ELSEWHERE'])", "not for the audience", "command -v circleci"),
    ],
)
def test_a_failure_is_told_with_what_to_set(
    http: Http, place: Any, make: Any, code: str, problem: str, word: str
) -> None:
    with pytest.raises(NoIdentity) as caught:
        detect({**place(code), "ELSEWHERE": make.jwt("elsewhere")}).identity_token(http, "here")
    assert problem in caught.value.message
    assert word in str(caught.value.hint)


@pytest.mark.parametrize(
    "code",
    [
        "print(os.environ['THE_TOKEN']); sys.exit(1)",
        "sys.stderr.write('got ' + os.environ['THE_TOKEN']); sys.exit(1)",
        "sys.stderr.write(os.environ['THE_TOKEN'] + '\\x1b[31m'); sys.exit(1)",
        "sys.stderr.write('with ' + os.environ['CIRCLE_TOKEN']); sys.exit(1)",
        "print(os.environ['THE_TOKEN'], os.environ['THE_TOKEN'])",
    ],
)
def test_what_a_program_says_never_has_a_token_in_it(http: Http, place: Any, make: Any, code: str) -> None:
    token = make.jwt("here")
    with pytest.raises(NoIdentity) as caught:
        detect({**place(code), "THE_TOKEN": token}).identity_token(http, "here")
    assert token not in str(caught.value)
    assert token.partition(".")[2] not in str(caught.value)
    assert JOB["CIRCLE_TOKEN"] not in str(caught.value)


def test_what_a_program_says_commands_neither_terminal_nor_runner(http: Http, place: Any) -> None:
    env = place("sys.stderr.write('\\x1b[31mred\\x07\\n::error::x\\n' + 'y' * 9999); sys.exit(1)")
    with pytest.raises(NoIdentity) as caught:
        detect(env).identity_token(http, "here")
    assert caught.value.message.isprintable()
    assert "::" not in caught.value.message
    assert len(caught.value.message) < 1000


def test_a_program_that_hangs_is_ended_with_all_that_it_started(place: Any, tmp_path: Path) -> None:
    env = place("import subprocess; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])")
    before = time.monotonic()
    with pytest.raises(NoIdentity, match=r"no identity token within 0\.5 seconds"):
        program.ask(PROGRAM, ["run"], env, absent="", failed="", seconds=0.5)
    assert time.monotonic() - before < 20


def test_a_file_that_is_no_program_is_told(http: Http, place: Any) -> None:
    env = place("")
    (Path(env["PATH"]) / PROGRAM).write_text("#!/nowhere/at/all\n")
    with pytest.raises(NoIdentity, match="cannot be started: No such file"):
        detect(env).identity_token(http, "here")


@pytest.mark.parametrize("value", ["false", "1", "TRUE", ""])
def test_only_true_means_circleci(value: str) -> None:
    with pytest.raises(NoIdentity, match="CIRCLECI=true"):
        detect({"CIRCLECI": value, "NO_GCE_CHECK": "true"})


def test_nothing_about_a_job_shows_its_variables(place: Any) -> None:
    assert JOB["CIRCLE_TOKEN"] not in repr(detect(place("")))


def test_a_token_is_minted_from_a_job_of_circleci(run: Any, index: Any, place: Any, make: Any) -> None:
    env = place(ANSWER) | {"THE_TOKEN": make.jwt("test_index"), "GITHUB_ACTIONS": None}
    ran = run("mint", "--print", "--index", index.url, **env)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n")
    assert "CircleCI vouches for this job" in ran.err
    assert make.jwt("test_index") not in ran.err


def test_who_is_refused_is_told_the_claims_that_its_provider_compares(
    run: Any, index: Any, place: Any, make: Any
) -> None:
    claims = {
        "iss": "https://oidc.circleci.com",
        "oidc.circleci.com/project-id": "6a7e2c3d-0b6f-4f0e-9d55-2f6a3f1c9e10",
        "repository": None,
    }
    index.answer("/_/oidc/mint-token", make.Answer(status=422, body={"errors": [{"code": "invalid-publisher"}]}))
    env = place(ANSWER) | {"THE_TOKEN": make.jwt("test_index", **claims), "GITHUB_ACTIONS": None}
    ran = run("mint", "--print", "--index", index.url, **env)
    assert ran.code == 1
    assert "  iss: https://oidc.circleci.com\n" in ran.err
    assert "  oidc.circleci.com/project-id: 6a7e2c3d-0b6f-4f0e-9d55-2f6a3f1c9e10\n" in ran.err
