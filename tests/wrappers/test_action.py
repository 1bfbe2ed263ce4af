# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``uses: trustpub/trustpub`` as a job of GitHub's runs it: against a real index, with packages that pip installs."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from trustpub.rehearsal.issuers import GitHubIssuer
from trustpub.rehearsal.sigstore.server import LocalSigstore
from trustpub.secret import Secret

from .conftest import ROOT, TOKEN, WHEELS, Make, Shop, a_run, hashes
from .runner import Done, Job, use

Act = Callable[..., Done]


@pytest.fixture
def job(shop: Shop, github: GitHubIssuer, offline: Mapping[str, str], project: str, tmp_path: Path) -> Job:
    """A job that may publish ``project``, and has nothing to publish yet."""
    github.serve(a_run(project))
    env = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": github.request_url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": github.request_token.reveal(),
        "SSL_CERT_FILE": str(shop.index.ca),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **offline,
    }
    return Job(folder=tmp_path / "runner", env=env, secrets=(github.request_token.reveal(),))


@pytest.fixture
def act(job: Job, shop: Shop) -> Act:
    """``uses:`` the action. Whatever happens, the log shows no token, and nothing is left behind."""

    def run(**given: str) -> Done:
        given = {
            "repository-url": shop.url,
            "attestations": "false",
            **{_spelt(name): one for name, one in given.items()},
        }
        done = use(job, ROOT, {name: value for name, value in given.items() if value != "DEFAULT"})
        assert TOKEN.findall(job.shown) == []
        assert TOKEN.findall(job.summary) == []
        assert list(job.temporary.iterdir()) == []
        return done

    return run


@pytest.fixture
def registered(shop: Shop, github: GitHubIssuer, project: str) -> str:
    """Id of the publisher that the job is."""
    return shop.register(project, "github", github, fields_of(project))


def fields_of(project: str) -> dict[str, str]:
    """What the job is registered by."""
    return {
        "repository": f"acme/{project}", "workflow": "release.yml", "environment": "release",
        "repository_id": "501", "owner_id": "77",
    }  # fmt: skip


@pytest.fixture
def built(job: Job, make: Make, project: str) -> list[Path]:
    """A wheel and a source distribution in ``dist`` of the workspace."""
    return make(job.workspace / "dist", project)


def _spelt(name: str) -> str:
    """Keywords with a hyphen for each underscore; ``old_…`` keeps its own."""
    return name.removeprefix("old_") if name.startswith("old_") else name.replace("_", "-")


def said(job: Job, kind: str) -> str:
    """The annotations of a kind."""
    return "\n".join(text for one, text in job.annotations if one == kind)


def of_folder(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_files_are_published_and_the_token_is_given_back(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str
) -> None:
    before = of_folder(job.workspace)
    done = act()
    assert done.ok, job.shown
    assert done.outputs == {"api-token": ""}
    assert shop.files(project) == hashes(built)
    (grant,) = shop.grants(registered)
    assert grant.burned
    assert of_folder(job.workspace) == before
    assert said(job, "warning") == ""


def test_a_mint_gives_the_token_to_the_next_step_and_to_nobody_else(
    act: Act, job: Job, shop: Shop, registered: str
) -> None:
    done = act(mode="mint", attestations="DEFAULT")
    assert done.ok, job.shown
    token = done.outputs["api-token"]
    assert token.startswith("pypi-")
    assert token in job.masks
    # The line that masks it is the first in which it stands.
    assert next(line for line in job.raw if token in line) == f"::add-mask::{token}"
    (grant,) = shop.grants(registered)
    assert not grant.burned
    assert said(job, "warning") == ""


def test_a_mint_names_the_inputs_that_mean_nothing_to_it(act: Act, job: Job, registered: str) -> None:
    assert act(mode="mint", packages_dir="wheels", skip_existing="true", print_hash="TRUE", attestations="off").ok
    assert "packages-dir, attestations, skip-existing, print-hash: without a meaning" in said(job, "warning")


def test_the_index_may_be_the_one_that_the_project_declares(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str
) -> None:
    (job.workspace / "pyproject.toml").write_text(
        f'[tool.trustpub]\ndefault-index = "ours"\n[tool.trustpub.indexes.ours]\nurl = "{shop.url}/legacy/"\n', "utf-8"
    )
    assert act(repository_url="").ok, job.shown
    assert shop.files(project) == hashes(built)


def test_an_audience_that_contradicts_the_project_is_refused(
    act: Act, job: Job, shop: Shop, github: GitHubIssuer, built: list[Path]
) -> None:
    table = f'url = "{shop.url}/legacy/"\naudience = "{shop.audience}"\n'
    (job.workspace / "pyproject.toml").write_text(f"[tool.trustpub.indexes.ours]\n{table}", "utf-8")
    before = len(github.given)
    done = act(repository_url="ours", audience="another")
    assert done.steps["trustpub"]["code"] == 2
    assert "--audience is 'another', and pyproject.toml declares" in job.shown
    assert len(github.given) == before


@pytest.mark.parametrize("name", ["-rf", "a [b] $(touch made-by-shell) `touch made-by-shell`"])
def test_the_folder_of_the_files_may_have_any_name(
    act: Act, job: Job, shop: Shop, registered: str, make: Make, project: str, name: str
) -> None:
    files = make(job.workspace / name, project)
    assert act(packages_dir=name).ok, job.shown
    assert shop.files(project) == hashes(files)
    assert not list(job.folder.rglob("made-by-shell"))


HOSTILE = [
    "\"; touch made-by-shell; $(touch made-by-shell) `touch made-by-shell` '",
    "a\n::error::b\n::set-output name=api-token::x",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "name", ["mode", "repository-url", "packages-dir", "audience", "attestations", "user", "verbose"]
)
def test_no_value_of_an_input_becomes_a_command(act: Act, job: Job, built: list[Path], name: str, value: str) -> None:
    done = act(**{name.replace("-", "_"): value})
    assert not done.ok
    assert not list(job.folder.rglob("made-by-shell"))
    assert ("error", "b") not in job.annotations
    assert done.outputs == {"api-token": ""}


def test_an_audience_that_is_expected_must_be_asked_for(
    act: Act, job: Job, shop: Shop, github: GitHubIssuer, registered: str, built: list[Path], project: str
) -> None:
    before = len(github.given)
    assert not act(audience="somebody_else").ok
    assert "somebody_else" in job.shown
    assert shop.audience in job.shown
    assert len(github.given) == before
    assert act(audience=shop.audience).ok, job.shown
    assert shop.files(project) == hashes(built)


def test_a_mint_checks_the_audience_too(act: Act, job: Job, github: GitHubIssuer, registered: str) -> None:
    before = len(github.given)
    done = act(mode="mint", audience="pypi", attestations="DEFAULT")
    assert not done.ok
    assert done.outputs == {"api-token": ""}
    assert len(github.given) == before


def test_without_attestations_two_packages_are_installed(
    act: Act, job: Job, registered: str, built: list[Path], tmp_path: Path
) -> None:
    job.env["PIP_FIND_LINKS"] = str(only(tmp_path, "click", "packaging"))
    assert act(attestations="false").ok, job.shown
    assert said(job, "warning") == ""


@pytest.mark.parametrize("value", ["true", "required"])
def test_files_are_signed_where_the_index_names_a_sigstore_instance(
    act: Act, job: Job, signing_shop: Shop, sigstore: LocalSigstore, github: GitHubIssuer, built: list[Path],
    project: str, value: str,
) -> None:  # fmt: skip
    sigstore.believe(github.url, "github", github.jwks)
    signing_shop.believe(github, "github")
    signing_shop.register(project, "github", github, fields_of(project))
    job.env["SSL_CERT_FILE"] = str(signing_shop.index.ca)
    assert act(repository_url=signing_shop.url, attestations=value).ok, job.shown
    assert signing_shop.files(project) == hashes(built)
    assert signing_shop.signed(project) == set(hashes(built)), job.shown


def test_an_index_that_names_no_sigstore_gets_unsigned_files_by_default(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str
) -> None:
    assert act(attestations="DEFAULT").ok, job.shown
    assert shop.files(project) == hashes(built)
    assert shop.signed(project) == set()


def test_attestations_that_are_required_and_cannot_be_made_stop_the_release(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str
) -> None:
    done = act(attestations="required")
    assert not done.ok
    assert done.steps["trustpub"]["code"] in (1, 2)
    assert shop.files(project) == {}


def test_what_signs_may_be_missing_unless_it_is_required(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str, tmp_path: Path
) -> None:
    job.env["PIP_FIND_LINKS"] = str(only(tmp_path, "click", "packaging"))
    assert not act(attestations="required").ok
    assert "pip could not install what trustpub needs (action-attest.txt)" in said(job, "error")
    assert shop.files(project) == {}
    assert act(attestations="auto").ok, job.shown
    assert "Nothing will be signed" in said(job, "warning")
    assert shop.files(project) == hashes(built)


def test_files_that_are_there_are_skipped_and_others_of_their_name_only_when_asked(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], make: Make, project: str
) -> None:
    assert act().ok, job.shown
    there = shop.files(project)
    assert act().ok, job.shown
    make(job.workspace / "dist", project, padding=100)  # another wheel under the same name
    assert not act(skip_existing="false").ok
    assert not act(skip_existing="").ok
    assert built[0].name in job.shown
    assert act(skip_existing="True").ok, job.shown
    assert shop.files(project) == there


def test_hashes_are_shown_when_asked(act: Act, job: Job, registered: str, built: list[Path]) -> None:
    assert act(print_hash="false").ok, job.shown
    sha256 = hashes(built)[built[0].name]
    job.log.clear()
    assert act(print_hash="true").ok, job.shown
    assert sha256 in job.shown


def test_more_is_shown_when_asked(act: Act, job: Job, registered: str, built: list[Path]) -> None:
    assert act(mode="mint", attestations="DEFAULT", verbose="maybe").ok is False
    assert "verbose is 'maybe', and has to be true or false" in said(job, "error")
    assert act(verbose="true").ok, job.shown


def test_a_user_is_refused_and_the_one_for_tokens_is_needless(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str
) -> None:
    assert not act(user="ada").ok
    assert "user is 'ada'" in said(job, "error")
    assert shop.files(project) == {}
    assert act(user="__token__").ok, job.shown
    assert "user has no meaning here" in said(job, "warning")


def test_a_password_is_refused_and_never_seen(act: Act, job: Job, shop: Shop, built: list[Path], project: str) -> None:
    done = act(password="pypi-AgEIcHlwaS5vcmc")
    assert not done.ok
    assert done.steps["trustpub"]["code"] == 2
    assert "password is given" in said(job, "error")
    assert "id-token: write" in said(job, "error")
    assert "pypi-AgEIcHlwaS5vcmc" not in "\n".join([*job.raw, job.shown])
    assert shop.files(project) == {}


@pytest.mark.parametrize("name", ["verify_metadata", "old_verify_metadata"])
def test_the_check_of_the_metadata_cannot_be_turned_off(
    act: Act, job: Job, registered: str, built: list[Path], name: str
) -> None:
    assert act(**{name: "false"}).ok, job.shown
    assert "verify-metadata has no meaning here" in said(job, "warning")


def test_old_spellings_work_and_say_the_new_ones(
    act: Act, job: Job, shop: Shop, registered: str, make: Make, project: str
) -> None:
    files = make(job.workspace / "wheels", project)
    done = act(
        repository_url="DEFAULT", old_repository_url=f"{shop.url}/legacy/", old_packages_dir="wheels",
        old_skip_existing="true", old_print_hash="true",
    )  # fmt: skip
    assert done.ok, job.shown
    assert shop.files(project) == hashes(files)
    assert set(hashes(files).values()) <= set(re.findall("[0-9a-f]{64}", job.shown))
    for name in ("repository", "packages", "skip", "print"):
        assert re.search(rf"{name}_\w+ is an old spelling. Write {name}-", said(job, "warning"))


def test_two_spellings_that_differ_are_refused(act: Act, job: Job, built: list[Path]) -> None:
    assert not act(old_repository_url="https://elsewhere.test/").ok
    assert "repository-url and repository_url are both given, and differ" in said(job, "error")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mode": "upload"}, "mode is 'upload', and has to be publish or mint"),
        ({"skip_existing": "yes"}, "skip-existing is 'yes', and has to be true or false"),
        ({"print_hash": "1"}, "print-hash is '1', and has to be true or false"),
        ({"attestations": "always"}, "attestations is 'always', and has to be true, auto, required, false or off"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named(act: Act, job: Job, given: dict[str, str], told: str) -> None:
    done = act(**given)
    assert not done.ok
    assert done.steps["trustpub"]["code"] == 2
    assert told in said(job, "error")


def test_every_input_of_both_actions_is_known_and_has_a_test() -> None:
    document = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    of_pypi = {"user", "password", "repository-url", "packages-dir", "verify-metadata", "skip-existing", "verbose",
               "print-hash", "attestations"}  # fmt: skip
    old = {"repository_url", "packages_dir", "verify_metadata", "skip_existing", "print_hash"}
    assert set(document["inputs"]) == of_pypi | old | {"audience", "mode"}
    assert set(document["outputs"]) == {"api-token"}
    tested = Path(__file__).read_text(encoding="utf-8")
    for name in document["inputs"]:
        word = f"old_{name}" if name in old else name.replace("-", "_")
        assert re.search(rf"\b{word}=|\"{word}\"", tested), f"{name} has no test"
    for step in document["runs"]["steps"]:
        assert "${{" not in step["run"]


# What goes wrong


def test_without_the_permission_a_job_is_told_what_to_write(act: Act, job: Job, shop: Shop, built: list[Path]) -> None:
    del job.env["ACTIONS_ID_TOKEN_REQUEST_URL"], job.env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    for mode in ("publish", "mint"):
        done = act(mode=mode)
        assert not done.ok
        assert done.outputs == {"api-token": ""}
        assert done.steps["trustpub"]["code"] == 3
    assert "id-token: write" in job.shown


@pytest.mark.parametrize("mode", ["publish", "mint"])
def test_a_refused_mint_fails_the_step_and_gives_no_token(
    act: Act, job: Job, shop: Shop, built: list[Path], mode: str
) -> None:
    done = act(mode=mode)  # nobody registered this job
    assert not done.ok
    assert done.steps["trustpub"]["code"] == 1
    assert done.outputs == {"api-token": ""}
    assert "null" not in [line for line in job.raw if "api-token" in line]
    assert "invalid-publisher" in job.shown


def test_an_index_that_is_not_there_fails_the_step(act: Act, job: Job) -> None:
    done = act(mode="mint", repository_url="https://127.0.0.1:9")
    assert not done.ok
    assert done.steps["trustpub"]["code"] == 4
    assert done.outputs == {"api-token": ""}


def test_nothing_to_publish_is_told_before_anything_is_asked(act: Act, job: Job, github: GitHubIssuer) -> None:
    before = len(github.given)
    assert not act().ok
    assert "names no file" in job.shown
    assert len(github.given) == before


def test_nothing_in_the_workspace_or_in_pythons_variables_is_run(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str
) -> None:
    for name in ("click.py", "json.py", "pip.py", "sitecustomize.py", "trustpub.py", "urllib3.py", "venv.py"):
        (job.workspace / name).write_text("raise SystemExit('somebody else runs')\n", encoding="utf-8")
    job.env |= {
        "PYTHONPATH": str(job.workspace),
        "PYTHONSTARTUP": str(job.workspace / "json.py"),
        "PYTHONHASHSEED": "x",
    }
    assert act().ok, job.shown
    assert shop.files(project) == hashes(built)


def test_what_the_job_sets_for_its_own_pip_does_not_break_the_installation(
    act: Act, job: Job, registered: str, built: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "constraints.txt").write_text("click<8\n", encoding="utf-8")
    job.env |= {
        "PIP_CONSTRAINT": str(tmp_path / "constraints.txt"), "PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_TARGET": str(tmp_path / "target"), "PIP_PREFIX": str(tmp_path / "prefix"), "PIP_NO_BINARY": ":all:",
        "PIP_DRY_RUN": "1",
    }  # fmt: skip
    assert act().ok, job.shown


def test_another_file_under_the_name_of_a_package_is_refused_before_any_token(
    act: Act, job: Job, github: GitHubIssuer, registered: str, built: list[Path], tmp_path: Path
) -> None:
    folder = only(tmp_path, "click", "packaging")
    (wheel,) = folder.glob("click-*")
    wheel.write_bytes(wheel.read_bytes() + b"more")
    job.env["PIP_FIND_LINKS"] = str(folder)
    before = len(github.given)
    done = act(mode="mint", attestations="DEFAULT")
    assert not done.ok
    assert done.steps["trustpub"]["code"] == 4
    assert "HASHES" in said(job, "error").upper()
    assert len(github.given) == before


def test_a_runner_without_a_new_enough_python_is_told_what_to_do(act: Act, job: Job, tmp_path: Path) -> None:
    job.env["PATH"] = str(bare_path(tmp_path, "3.9"))
    done = act()
    assert not done.ok
    assert "seen: python3 (3.9)" in said(job, "error")
    assert "actions/setup-python" in said(job, "error")


def test_a_python_of_the_tool_cache_is_found(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str, tmp_path: Path
) -> None:
    job.env["PATH"] = str(bare_path(tmp_path, "3.10"))
    kept = job.tools / "Python" / "3.11.9" / "x64" / "bin"
    kept.mkdir(parents=True)
    (kept / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    (kept / "python3").chmod(0o755)
    assert act().ok, job.shown
    assert shop.files(project) == hashes(built)


def test_a_python_without_pip_makes_itself_a_place_that_has_it(
    act: Act, job: Job, shop: Shop, registered: str, built: list[Path], project: str, tmp_path: Path
) -> None:
    own = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(own)], check=True, timeout=60)
    (tmp_path / "none").mkdir()
    job.env["PATH"] = f"{own / 'bin'}{os.pathsep}{bare_path(tmp_path / 'none', '3.9')}"
    assert act().ok, job.shown
    assert shop.files(project) == hashes(built)


def test_a_cancelled_job_reaches_trustpub_itself(
    shop: Shop, job: Job, act: Act, project: str, built: list[Path]
) -> None:
    """The runner's signal goes to one process, which must be trustpub by then, lest no token is given back."""
    asked, cancelled = threading.Event(), threading.Event()

    def hold(secret: Secret) -> None:
        asked.set()
        cancelled.wait(30)

    started: list[subprocess.Popen[bytes]] = []
    job.watch = lambda process, line: started.append(process)

    def cancel() -> None:
        if asked.wait(60):
            started[-1].send_signal(signal.SIGINT)
            time.sleep(0.2)
        cancelled.set()

    with GitHubIssuer(clock=time.time, watch=hold) as issuer:
        issuer.serve(a_run(project))
        job.env |= {
            "ACTIONS_ID_TOKEN_REQUEST_URL": issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": issuer.request_token.reveal(),
        }
        thread = threading.Thread(target=cancel)
        thread.start()
        done = act()
        thread.join()
    assert not done.ok
    assert done.steps["trustpub"]["code"] == 130, job.shown
    assert "Interrupted" in job.shown


def only(tmp_path: Path, *names: str) -> Path:
    """A folder with these packages alone."""
    folder = tmp_path / "packages"
    folder.mkdir()
    for wheel in WHEELS.glob("*.whl"):
        if wheel.name.partition("-")[0] in names:
            shutil.copy(wheel, folder)
    assert len(list(folder.iterdir())) == len(names)
    return folder


def bare_path(tmp_path: Path, version: str) -> Path:
    """A folder for PATH with what a step needs, and a ``python3`` that says it is another version."""
    folder = tmp_path / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("bash", "sh", "dirname"):
        (folder / name).symlink_to(str(shutil.which(name)))
    (folder / "python3").write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    (folder / "python3").chmod(0o755)
    return folder
