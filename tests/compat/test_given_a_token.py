# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Real clients run by `trustpub mint -- …`, with nothing said to them but what to publish."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .conftest import Shop
from .publishers import PUBLISHERS, SAID, write_project

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "uv": ("publish", "--no-config"),
    "twine": ("upload", "--disable-progress-bar"),
    "hatch": ("publish", "--no-prompt"),
    "poetry": ("publish", "--no-interaction", "--repository", "trustpub"),
    "pdm": ("publish", "--no-build"),
    "flit": ("publish",),
}
"""As a person types them. The first three are given the files, the others find them."""
WITH_FILES = ("uv", "twine", "hatch")


@pytest.fixture(scope="module")
def shop(open_shop_for_all: Callable[..., Shop]) -> Shop:
    """One index for all of these, with a project for each."""
    return open_shop_for_all()


def given(shop: Shop, command: list[str], folder: Path, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """`trustpub mint -- COMMAND` in a project's folder, as a job of the publisher on a fresh runner."""
    env = {
        **shop.job_env, "HOME": str(folder), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "SOURCE_DATE_EPOCH": "1700000000", "PDM_CHECK_UPDATE": "0", "PDM_USE_VENV": "0", "FLIT_NO_NETWORK": "1",
    }  # fmt: skip
    ours = [sys.executable, "-m", "trustpub", "mint", "--index", shop.url, "--ca", str(shop.ca), "--"]
    return shop.run([*ours, *command], env=env, cwd=folder, fails=fails)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_client_publishes_with_the_token_it_is_given_and_the_token_is_given_back(
    name: str, shop: Shop, client: Callable[[str], str], tmp_path: Path
) -> None:
    program, publisher, project = client(name), PUBLISHERS[name], f"given-{name}"
    folder = tmp_path / project
    write_project(folder, project, publisher.build_system)
    publisher.build(program, folder)
    shop.register(project)
    files = [str(path) for path in sorted((folder / "dist").iterdir()) if path.suffix in (".whl", ".gz")]

    done = given(shop, [program, *COMMANDS[name], *(files if name in WITH_FILES else [])], folder)
    assert "The upload token is given back" in done.stderr
    assert shop.install(project, tmp_path / "target", f"given_{name}") == f"{SAID}\n"


def test_a_client_that_is_refused_ends_as_it_would_and_the_token_is_given_back(
    shop: Shop, client: Callable[[str], str], distributions: list[Path], tmp_path: Path
) -> None:
    shop.register("not-hello")
    done = given(
        shop, [client("twine"), "upload", "--disable-progress-bar", *map(str, distributions)], tmp_path, fails=True
    )  # fmt: skip
    assert done.returncode == 1
    assert "There is no project 'hello'" in shop.said(done)
    assert "The upload token is given back" in done.stderr
