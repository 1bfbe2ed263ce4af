# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A CI whose identity tokens all have one audience: shown to an index only when the person publishing says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

MINT = "/_/oidc/mint-token"
SHARED = "https://octo.semaphoreci.com"


def semaphore(make: Any, audience: str = SHARED) -> dict[str, Any]:
    """The variables of a job on Semaphore, and none of GitHub's."""
    return {
        "GITHUB_ACTIONS": None, "SEMAPHORE": "true",
        "SEMAPHORE_OIDC_TOKEN": make.jwt(audience, iss=SHARED, sub="org:octo:project:1"),
    }  # fmt: skip


def test_it_is_not_shown_unasked(run: Any, index: Any, make: Any) -> None:
    job = semaphore(make)
    ran = run("mint", "--print", "--index", index.url, **job)
    assert (ran.code, ran.out) == (1, "")
    assert MINT not in index.paths()
    assert f"--accept-shared-audience {SHARED}" in ran.err
    assert job["SEMAPHORE_OIDC_TOKEN"] not in ran.err


def test_it_is_shown_to_who_is_trusted_with_it(run: Any, index: Any, make: Any) -> None:
    job = semaphore(make)
    ran = run("mint", "--print", "--index", index.url, "--accept-shared-audience", SHARED, **job)
    assert (ran.code, ran.out) == (0, f"{make.TOKEN}\n"), ran.err
    assert json.loads(index.asked[-1].body)["token"] == job["SEMAPHORE_OIDC_TOKEN"]


def test_an_index_that_asks_for_that_very_audience_needs_no_option(run: Any, index: Any, make: Any) -> None:
    ran = run("mint", "--print", "--index", index.url, **semaphore(make, "test_index"))
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("given", ["https://other.semaphoreci.com", "test_index", ""])
def test_the_option_names_the_audience_or_is_a_mistake(run: Any, index: Any, make: Any, given: str) -> None:
    ran = run("mint", "--print", "--index", index.url, "--accept-shared-audience", given, **semaphore(make))
    assert (ran.code, ran.out) == (2, "")
    assert MINT not in index.paths()


def test_where_the_ci_lets_the_audience_be_chosen_the_option_is_a_mistake(run: Any, index: Any, runner: Any) -> None:
    ran = run("mint", "--print", "--index", index.url, "--accept-shared-audience", "sts.amazonaws.com")
    assert (ran.code, ran.out) == (2, "")
    assert runner.asked == []
    assert MINT not in index.paths()
