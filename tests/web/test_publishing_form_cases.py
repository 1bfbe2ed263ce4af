# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""PyPI's table of registration forms, sent through the form in the browser: the same verdict."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import _FIELDS, _OPTIONAL, ISSUERS, cases
from tests.web.publishing_bench import PAGE, Bench, Browser, open_bench, words

FORMS = [one for one in cases() if one["kind"] == "form"]
_LISTED = Path(__file__).parents[1] / "conformance" / "deviations.toml"
OTHERWISE = {
    one["case"]: one["outcome"] for one in tomllib.loads(_LISTED.read_text("utf-8"))["deviation"] if "outcome" in one
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(tmp_path_factory.mktemp("forms") / "index") as made:
        yield made


@pytest.fixture(scope="module")
def owner(bench: Bench) -> Browser:
    return bench.owner


@pytest.mark.parametrize("case", FORMS, ids=[one["id"] for one in FORMS])
def test_a_form_ends_in_the_browser_as_on_pypi(bench: Bench, owner: Browser, case: Mapping[str, Any]) -> None:
    provider, row = case["provider"], case["publisher_fields"]
    fields = {name: value for name, value in _FIELDS[provider](row).items() if value or name not in _OPTIONAL}
    issuer = row.get("issuer_url") or ISSUERS[provider]
    answer = owner.send(PAGE, provider=provider, issuer=issuer, pin_on_first_use="yes", **fields)
    accepted = answer.status_code == 303
    if accepted:
        bench.folder.publishers.remove(answer.headers["location"].rstrip("/").rpartition("/")[2])
    assert accepted or answer.status_code == 400
    assert ("accept" if accepted else "reject") == OTHERWISE.get(case["id"], case["expected"]), words(answer)
    if not accepted:
        assert 'aria-invalid="true"' in answer.text or "Nothing was registered." in answer.text


def test_the_table_was_sent_whole() -> None:
    assert len(FORMS) > 100
    assert {one["provider"] for one in FORMS} == {"github", "gitlab", "google", "activestate"}


def test_nothing_of_the_table_stayed_behind(bench: Bench) -> None:
    assert len(bench.publishers()) == 1
