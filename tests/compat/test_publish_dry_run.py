# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub publish --dry-run`` against a real index: what it finds out, and that nothing comes of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.conftest import make_sdist, make_wheel
from tests.faults.flaky import Flaky
from trustpub.rehearsal.issuers import GitHubIssuer

from .conftest import Shop, serving, with_a_job


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = tmp_path_factory.mktemp("shop")
    with GitHubIssuer(clock=time.time) as issuer, serving(place, "github", issuer) as opened:
        yield with_a_job(opened, issuer)


def dry(
    shop: Shop, url: str, folder: Path, *options: str, project: str, fails: bool = False
) -> subprocess.CompletedProcess[str]:
    dist = folder / "dist"
    if not dist.exists():  # made anew they would be others: there is a time in them
        dist.mkdir()
        make_wheel(dist, project)
        make_sdist(dist, project)
    files = sorted(map(str, dist.iterdir()))
    argv = [sys.executable, "-m", "trustpub", "publish", "--index", url, "--ca", str(shop.ca), *options, *files]
    return shop.run(argv, env={**shop.job_env, "NO_GCE_CHECK": "true"}, fails=fails, cwd=folder)


def test_it_says_what_the_index_would_say_and_uses_nothing_up(shop: Shop, tmp_path: Path) -> None:
    shop.register("dry")
    with Flaky(shop.url, shop.ca, shop.data) as seen:
        done = dry(shop, seen.url, tmp_path, "--json", "--dry-run", project="dry")
        assert "would give a token for dry, which the first file makes" in done.stderr
        assert "Nothing was published" in done.stderr
        told = json.loads(done.stdout)
        assert (told["dry_run"], told["preflight"], told["uploaded"]) == ("check", True, [])
        assert seen.minted() == set()
        assert not [one for one in seen.passed if one.path == "/legacy/"]
        assert dry(shop, seen.url, tmp_path, project="dry").returncode == 0
        assert "2 of 2 would be sent" in done.stderr
        again = dry(shop, seen.url, tmp_path, "--dry-run", project="dry")
        assert "0 of 2 would be sent" in again.stdout


def test_a_job_that_would_get_no_token_is_told_which_field_differs(shop: Shop, tmp_path: Path) -> None:
    shop.register("strange", workflow="other.yml")
    done = dry(shop, shop.url, tmp_path, "--dry-run", project="unknown", fails=True)
    assert done.returncode == 1
    assert "not for unknown" in done.stderr or "would give no token" in done.stderr


def test_the_declared_publisher_is_compared_before_the_index_is_shown_anything(shop: Shop, tmp_path: Path) -> None:
    shop.register("declared")
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.trustpub.indexes.here]\nurl = "{shop.url}/legacy/"\n'
        '[tool.trustpub.indexes.here.publisher]\nkind = "github"\n'
        f'issuer = "{shop.issuer.url}"\nrepository = "acme/hello"\nworkflow = "release.yml"\nenvironment = "prod"\n'
    )
    done = dry(shop, "here", tmp_path, "--dry-run", project="declared", fails=True)
    assert "This job is not the publisher that pyproject.toml declares" in done.stderr
    assert "environment: the job has release, declared is prod" in done.stderr


def test_with_mint_a_token_is_got_and_given_back_after_a_warning(shop: Shop, tmp_path: Path) -> None:
    shop.register("minted")
    with Flaky(shop.url, shop.ca, shop.data) as seen:
        done = dry(shop, seen.url, tmp_path, "--dry-run=mint", project="minted")
        assert "makes the project of a pending publisher" in done.stderr
        assert len(seen.minted()) == 1
        assert seen.burned() == seen.minted()
        assert not [one for one in seen.passed if one.path == "/legacy/"]
