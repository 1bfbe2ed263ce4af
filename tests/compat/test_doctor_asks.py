# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub doctor --index`` in a job, and a real index that knows the job or does not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trustpub.rehearsal.issuers import GitHubIssuer

from .conftest import Shop, serving, with_a_job

PROJECT = Path(__file__).parents[1] / "doctor" / "fixtures" / "00-good"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = tmp_path_factory.mktemp("shop")
    with GitHubIssuer(clock=time.time) as issuer, serving(place, "github", issuer) as opened:
        yield with_a_job(opened, issuer)


def asked(shop: Shop, *, fails: bool) -> list[dict[str, Any]]:
    argv = [
        sys.executable, "-m", "trustpub", "doctor", str(PROJECT), "--index", shop.url, "--ca", str(shop.ca),
        "--format", "json",
    ]  # fmt: skip
    done = shop.run(argv, env={**shop.job_env, "NO_GCE_CHECK": "true"}, fails=fails)
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return found


def test_a_job_that_the_index_does_not_know_is_an_error_and_one_it_knows_is_none(shop: Shop) -> None:
    (found,) = asked(shop, fails=True)
    assert (found["ident"], found["severity"]) == ("TP152", "error")
    shop.register("elsewhere", workflow="other.yml")
    (found,) = asked(shop, fails=True)
    assert "release.yml" in found["message"] or "no corresponding publisher" in found["message"]
    shop.register("here")
    assert asked(shop, fails=False) == []


def test_outside_of_a_job_there_is_nobody_to_ask_about(shop: Shop) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trustpub", "doctor", str(PROJECT), "--index", shop.url, "--ca", str(shop.ca)],
        capture_output=True, encoding="utf-8", check=False, env={"PATH": "", "NO_GCE_CHECK": "true"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "this is none" in done.stderr
