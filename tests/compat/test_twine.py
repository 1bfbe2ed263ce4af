# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The real twine, with a token that `trustpub mint` got for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.compat.conftest import Shop


def mint(shop: Shop, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """`trustpub mint` as a job of the publisher."""
    argv = [sys.executable, "-m", "trustpub", "mint", "--print", "--index", shop.url, "--ca", str(shop.ca)]
    return shop.run(argv, env=shop.job_env, fails=fails)


def token(shop: Shop) -> str:
    """What `$(trustpub mint --print)` is."""
    return mint(shop).stdout.splitlines()[-1]


def twine_upload(
    shop: Shop, twine: str, secret: str, distributions: list[Path], *, fails: bool = False
) -> subprocess.CompletedProcess[str]:
    """`twine upload` with the token as a password."""
    return shop.run(
        [
            twine, "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", f"{shop.url}/legacy/",
            *map(str, distributions),
        ],
        env={"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": secret, "REQUESTS_CA_BUNDLE": str(shop.ca)},
        fails=fails,
    )  # fmt: skip


def test_twine_publishes_with_a_minted_token_and_pip_installs(
    shop: Shop, distributions: list[Path], client: Callable[[str], str], tmp_path: Path
) -> None:
    shop.register("hello")
    done = twine_upload(shop, client("twine"), token(shop), distributions)
    assert "pypi-" not in shop.said(done)
    assert shop.install("hello", tmp_path / "target") == "hello from the index\n"


def test_a_refused_mint_says_which_field_differs(shop: Shop) -> None:
    shop.register("hello", workflow="other.yml")
    done = mint(shop, fails=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "workflow is 'release.yml', wanted 'other.yml'" in shop.said(done)


def test_twine_shows_why_an_upload_is_refused(
    shop: Shop, distributions: list[Path], client: Callable[[str], str]
) -> None:
    shop.register("another-name")
    done = twine_upload(shop, client("twine"), token(shop), distributions, fails=True)
    assert "There is no project 'hello'" in shop.said(done)


def test_twine_shows_that_a_token_was_not_made_here(
    shop: Shop, distributions: list[Path], client: Callable[[str], str]
) -> None:
    done = twine_upload(shop, client("twine"), "pypi-AgEIcHlwaS5vcmc", distributions, fails=True)
    assert "Invalid or non-existent authentication information" in shop.said(done)
