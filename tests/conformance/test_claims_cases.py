# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signed claims beside registered publishers: the same verdict as PyPI's, over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from .conftest import ISSUERS, Deviations, Index, cases, sign


@pytest.fixture(scope="module")
def index(open_index: Callable[..., Index]) -> Index:
    """One that believes the four providers, each by a key of ours."""
    made = open_index()
    for kind, issuer in ISSUERS.items():
        made.believe(issuer, kind)
    made.believe("https://example.com/gitlab", "gitlab")
    return made


def test_ends_as_on_pypi(index: Index, claims_case: Mapping[str, Any], deviations: Deviations) -> None:
    index.clock.now += 61  # how often one address or repository may fail is counted by the minute
    provider = claims_case["provider"]
    rows = [claims_case["publisher_fields"], *claims_case["other_publishers"]]
    registered = [index.register(provider, row, f"case-{number}") for number, row in enumerate(rows)]
    try:
        claims = index.claims(claims_case["claims"])
        if isinstance(claims.get("jti"), str) and claims["jti"]:
            claims["jti"] = str(uuid.uuid4())  # many cases were recorded with one
        if claims_case["jti_already_used"]:
            first = next(one for one in cases() if one["provider"] == provider and one["kind"] == "claims")
            earlier = index.claims(first["claims"]) | {"jti": claims["jti"], "run_attempt": "2"}
            assert index.mint(sign(earlier)) == "accept"
        found = index.mint(sign(claims))
        deviations.judge(claims_case, _wanted(claims_case), found)
        if found == "accept" and claims_case["matched"]:
            # `other_publishers[0]` is the row after the first
            meant = registered[claims_case["matched"].startswith("other")]
            assert index.publisher_of_last_token() == meant
    finally:
        for publisher_id in registered:
            index.unregister(publisher_id)


def _wanted(case: Mapping[str, Any]) -> str:
    if case["expected"] == "accept":
        return "accept"
    said = str(case["warehouse_error"] or "")
    return "invalid-reuse-token" if "invalid-reuse-token" in said else "invalid-publisher"
