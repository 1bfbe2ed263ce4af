# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""`trustpub mint --scope read`: a token to install with, from an index that knows what that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]


def minting(index: Any, make: Any, **more: object) -> None:
    index.answer("/_/oidc/mint-token", make.Answer(body={"success": True, "token": make.TOKEN, "expires": 1, **more}))


def asked_of(index: Any, path: str) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in index.asked if one.path == path]


def test_a_token_that_reads_is_asked_for_by_its_scope(index: Any, run: Run, make: Any) -> None:
    minting(index, make, scope="read")
    done = run("mint", "--print", "--index", index.url, "--scope", "read")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == make.TOKEN
    assert "gave a read token" in done.err
    (body,) = asked_of(index, "/_/oidc/mint-token")
    assert body["scope"] == "read"
    assert asked_of(index, "/_/oidc/burn-token") == []


@pytest.mark.parametrize("scope", [(), ("--scope", "upload")])
def test_an_upload_token_is_asked_for_without_a_word_that_others_do_not_know(
    index: Any, run: Run, scope: tuple[str, ...]
) -> None:
    assert run("mint", "--print", "--index", index.url, *scope).code == 0
    (body,) = asked_of(index, "/_/oidc/mint-token")
    assert set(body) == {"token"}


@pytest.mark.parametrize(
    ("asked", "more"),
    [("read", {}), ("read", {"scope": "upload"}), ("read", {"scope": 1}), ("upload", {"scope": "read"})],
)
def test_a_token_for_something_else_is_given_back_and_not_shown(
    index: Any, run: Run, make: Any, asked: str, more: dict[str, Any]
) -> None:
    minting(index, make, **more)
    done = run("mint", "--print", "--index", index.url, "--scope", asked)
    assert done.code == 1
    assert f"for something else than to {asked}; it was given back" in done.err
    assert make.TOKEN not in done.shown
    assert asked_of(index, "/_/oidc/burn-token") == [{"token": make.TOKEN}]
