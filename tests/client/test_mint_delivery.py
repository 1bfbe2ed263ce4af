# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of a minted token: printed, exported, or given to a command and burned when that ends."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

AUDIENCE, MINT, BURN = "/_/oidc/audience", "/_/oidc/mint-token", "/_/oidc/burn-token"
TELL = "import json, os; print(json.dumps(dict(os.environ)))"


def seen_by_a_command(run: Any, index: Any, *options: str, **more: str | None) -> dict[str, str]:
    """The environment of a command that `trustpub mint` runs."""
    ran = run("mint", "--index", index.url, *options, "--", sys.executable, "-c", TELL, **more)
    assert ran.code == 0, ran.err
    environment: dict[str, str] = json.loads(ran.out)
    return environment


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--print", "--export", "github"],
        ["--print", "--", "true"],
        ["--export", "github", "--", "true"],
        ["--export", "env-file"],
        ["--print", "--to", "x.env"],
        ["--export", "gitlab", "--to", "x.env"],
        ["--scope", "read", "--", "true"],
        ["--scope", "read", "--export", "gitlab"],
        ["--", "no-such-program-anywhere"],
    ],
)
def test_without_one_thing_to_do_with_it_no_token_is_asked_for(run: Any, index: Any, given: list[str]) -> None:
    ran = run("mint", "--index", index.url, *given)
    assert (ran.code, ran.out) == (2, "")
    assert index.asked == index.looked_up == []


def test_a_command_finds_user_token_and_address_in_the_variables_of_its_own(run: Any, index: Any, make: Any) -> None:
    found = seen_by_a_command(run, index)
    url = f"{index.url}/legacy/"
    for user, password, address in (
        ("TWINE_USERNAME", "TWINE_PASSWORD", "TWINE_REPOSITORY_URL"),
        ("HATCH_INDEX_USER", "HATCH_INDEX_AUTH", "HATCH_INDEX_REPO"),
        ("FLIT_USERNAME", "FLIT_PASSWORD", "FLIT_INDEX_URL"),
        ("PDM_PUBLISH_USERNAME", "PDM_PUBLISH_PASSWORD", "PDM_PUBLISH_REPO"),
    ):
        assert (found[user], found[password], found[address]) == ("__token__", make.TOKEN, url)
    assert (found["UV_PUBLISH_TOKEN"], found["UV_PUBLISH_URL"]) == (make.TOKEN, url)
    assert (found["POETRY_PYPI_TOKEN_TRUSTPUB"], found["POETRY_REPOSITORIES_TRUSTPUB_URL"]) == (make.TOKEN, url)
    assert found["TWINE_NON_INTERACTIVE"] == "1"
    assert found["TRUSTPUB_TOKEN"] == make.TOKEN


def test_the_token_is_given_back_when_the_command_ends(run: Any, index: Any, make: Any) -> None:
    seen_by_a_command(run, index)
    assert index.paths() == [AUDIENCE, MINT, BURN]
    assert json.loads(index.asked[-1].body) == {"token": make.TOKEN}


@pytest.mark.parametrize("code", [1, 3, 77])
def test_the_exit_code_is_the_commands_and_the_token_is_given_back_all_the_same(
    run: Any, index: Any, code: int
) -> None:
    ran = run("mint", "--index", index.url, "--", sys.executable, "-c", f"raise SystemExit({code})")
    assert (ran.code, ran.out) == (code, "")
    assert index.paths()[-1] == BURN


def test_a_command_that_kills_itself_ends_as_shells_say_it(run: Any, index: Any) -> None:
    ran = run("mint", "--index", index.url, "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert ran.code == 128 + 9
    assert index.paths()[-1] == BURN


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_goes_to_the_command_and_the_token_is_given_back(
    index: Any, env: dict[str, str], tmp_path: Path, number: int
) -> None:
    patient = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: (pathlib.Path('got').write_text('it'), sys.exit(9)))\n"
        "pathlib.Path('ready').touch()\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "trustpub", "mint", "--index", index.url, "--", sys.executable, "-c", patient],
        env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 30
        while not (tmp_path / "ready").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        process.communicate(timeout=30)
    assert (tmp_path / "got").read_text() == "it"
    assert process.returncode == 9
    assert index.paths()[-1] == BURN


def test_a_signal_while_the_token_is_given_back_does_not_keep_it_alive(
    index: Any, env: dict[str, str], tmp_path: Path, make: Any
) -> None:
    def slow(asked: Any) -> Any:
        (tmp_path / "burning").touch()
        time.sleep(0.5)
        return make.Answer(status=202, body={"message": "Accepted"})

    index.answer(BURN, slow)
    quick = [sys.executable, "-c", "raise SystemExit(4)"]
    with subprocess.Popen(
        [sys.executable, "-m", "trustpub", "mint", "--index", index.url, "--", *quick],
        env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 30
        while not (tmp_path / "burning").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 4
    assert b"given back" in err


def test_a_command_has_no_identity_to_get_another_token_with(run: Any, index: Any, make: Any) -> None:
    identity = make.jwt("elsewhere")
    found = seen_by_a_command(
        run, index, VAULT_ID_TOKEN="x", SOMETHING=identity, SYSTEM_OIDCREQUESTURI="https://localhost", KEPT="yes"
    )  # fmt: skip
    assert found["KEPT"] == "yes"
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "VAULT_ID_TOKEN", "SOMETHING"):
        assert name not in found
    assert make.REQUEST_TOKEN not in "".join(found.values())


def test_what_would_lead_a_tool_elsewhere_is_left_out(run: Any, index: Any) -> None:
    found = seen_by_a_command(
        run, index, UV_PUBLISH_USERNAME="somebody", UV_PUBLISH_PASSWORD="stored", TWINE_REPOSITORY="other"
    )  # fmt: skip
    assert not {"UV_PUBLISH_USERNAME", "UV_PUBLISH_PASSWORD", "TWINE_REPOSITORY"} & found.keys()


def test_a_command_believes_the_certificates_that_we_believe(run: Any, index: Any, certificates: Path) -> None:
    ca = str(certificates / "ca.pem")
    assert {seen_by_a_command(run, index)[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")} == {ca}
    found = seen_by_a_command(run, index, SSL_CERT_FILE=None, REQUESTS_CA_BUNDLE=ca)
    assert {found[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")} == {ca}


def test_certificates_for_the_index_alone_are_no_hindrance_elsewhere(
    run: Any, index: Any, certificates: Path, tmp_path: Path
) -> None:
    ca, other = certificates / "ca.pem", tmp_path / "other.pem"
    other.write_bytes(ca.read_bytes() + b"\n# of all others\n")
    show = "import os; print(open(os.environ['SSL_CERT_FILE']).read(), os.environ['SSL_CERT_FILE'])"
    ran = run("mint", "--index", index.url, "--ca", str(ca), "--", sys.executable, "-c", show, SSL_CERT_FILE=str(other))
    assert ran.code == 0, ran.err
    assert ran.out.startswith(ca.read_text())
    assert "# of all others" in ran.out
    assert not Path(ran.out.split()[-1]).exists(), "it is gone with the command"
    found = seen_by_a_command(run, index, "--ca", str(ca), SSL_CERT_FILE=None)
    assert {found[name] for name in ("TWINE_CERT", "HATCH_INDEX_CA_CERT", "PDM_PUBLISH_CA_CERTS")} == {str(ca)}
    assert found["POETRY_CERTIFICATES_TRUSTPUB_CERT"] == str(ca)


def test_a_declared_index_has_its_own_name_for_poetry_and_its_own_certificates(
    run: Any, index: Any, certificates: Path, tmp_path: Path
) -> None:
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "index.pem").write_bytes((certificates / "ca.pem").read_bytes())
    (tmp_path / "pyproject.toml").write_text(
        '[tool.trustpub]\ndefault-index = "our-packages"\n[tool.trustpub.indexes.our-packages]\n'
        f'url = "{index.url}"\naudience = "test_index"\nca = "certificates/index.pem"\n'
    )
    ran = run("mint", "--", sys.executable, "-c", TELL, SSL_CERT_FILE=None)
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["POETRY_REPOSITORIES_OUR_PACKAGES_URL"] == f"{index.url}/legacy/"
    assert "POETRY_PYPI_TOKEN_OUR_PACKAGES" in found
    assert found["TWINE_CERT"] == str(tmp_path / "certificates" / "index.pem")


def test_the_commands_output_stays_its_own(run: Any, index: Any, make: Any) -> None:
    ran = run("mint", "--index", index.url, "--", sys.executable, "-c", "print('mine')")
    assert ran.out == "mine\n"
    assert "gave an upload token" in ran.err
    assert make.TOKEN not in ran.shown


def test_a_file_for_gitlab_is_sourced_and_lies_where_no_artifact_is_taken_from(
    run: Any, index: Any, make: Any, tmp_path: Path
) -> None:
    project, temporary = tmp_path / "project", tmp_path / "project" / "tmp"
    temporary.mkdir(parents=True)
    ran = run("mint", "--index", index.url, "--export", "gitlab", CI_PROJECT_DIR=str(project), TMPDIR=str(temporary))
    assert ran.code == 0, ran.err
    path = Path(ran.out.strip())
    try:
        assert not path.is_relative_to(project)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        sourced = subprocess.run(
            ["sh", "-c", f'. "{path}"; echo "$TWINE_USERNAME $TWINE_PASSWORD $UV_PUBLISH_URL"'],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert sourced.stdout == f"__token__ {make.TOKEN} {index.url}/legacy/\n"
    finally:
        path.unlink()
    assert make.TOKEN not in ran.shown
    assert index.paths() == [AUDIENCE, MINT]


def test_an_env_file_is_new_and_its_owners(run: Any, index: Any, make: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    ran = run("mint", "--index", index.url, "--export", "env-file", "--to", "kept/token.env")
    assert (ran.code, ran.out) == (0, "")
    path = tmp_path / "kept" / "token.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = dict(line.split("=", 1) for line in path.read_text().splitlines())
    assert lines["UV_PUBLISH_TOKEN"] == lines["TRUSTPUB_TOKEN"] == make.TOKEN
    assert make.TOKEN not in ran.shown


def test_no_file_is_written_into_the_checkout_over_another_or_through_a_link(
    run: Any, index: Any, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (tmp_path / "there.env").write_text("mine")
    (tmp_path / "link.env").symlink_to(tmp_path / "nowhere")
    (tmp_path / "sly").symlink_to(checkout)
    for to in ("checkout/token.env", "sly/token.env", "there.env", "link.env", "no-folder/token.env"):
        for variable in ("CI_PROJECT_DIR", "GITHUB_WORKSPACE"):
            ran = run(
                "mint", "--index", index.url, "--export", "env-file", "--to", to, **{variable: str(checkout)}
            )  # fmt: skip
            assert ran.code == 2, to
            assert index.paths()[-1] == BURN, to
    assert list(checkout.iterdir()) == []
    assert (tmp_path / "there.env").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_an_index_whose_tokens_are_for_one_file_says_so_and_is_asked_for_what_it_has(
    run: Any, index: Any, make: Any
) -> None:
    index.answer(
        "/.well-known/pytp",
        make.Answer(
            body={
                "audience-endpoint": index.url + AUDIENCE, "token-mint-endpoint": index.url + MINT,
                "features": ["single-use-token"], "default-features": ["single-use-token"],
            }
        ),
    )  # fmt: skip
    ran = run("mint", "--index", index.url, "--print")
    assert ran.code == 0
    assert "good for one file" in ran.err
    assert "features" not in json.loads(index.asked[1].body)


def test_several_uses_are_asked_for_by_name_where_they_are_not_the_default(run: Any, index: Any, make: Any) -> None:
    index.answer(
        "/.well-known/pytp",
        make.Answer(
            body={
                "audience-endpoint": index.url + AUDIENCE, "token-mint-endpoint": index.url + MINT,
                "features": ["single-use-token", "multi-use-token"], "default-features": ["single-use-token"],
            }
        ),
    )  # fmt: skip
    ran = run("mint", "--index", index.url, "--print")
    assert ran.code == 0
    assert "one file" not in ran.err
    assert json.loads(index.asked[1].body)["features"] == ["multi-use-token"]
