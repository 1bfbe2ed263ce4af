# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The list of deviations is honest: every entry is about a case, says why, and names its test where it admits more."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from .conftest import HERE, Deviations, cases


def test_every_deviation_is_about_a_case_and_says_why(deviations: Deviations) -> None:
    known = {case["id"] for case in cases()}
    for case, deviation in deviations.listed.items():
        assert case in known
        assert deviation["kind"] in {"stricter", "pypi-defect", "wider"}
        assert len(deviation["why"]) > 20
        assert deviation["outcome"]


def test_no_case_is_listed_twice() -> None:
    listed = re.findall(r'^case = "(.*)"$', (HERE / "deviations.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert [one for one, times in Counter(listed).items() if times > 1] == []


def test_what_is_admitted_beyond_pypi_has_a_test_that_nothing_else_is(deviations: Deviations) -> None:
    tests = Path(__file__).parents[1]
    for deviation in deviations.listed.values():
        if deviation["kind"] != "wider":
            continue
        file, _, name = deviation["test"].partition("::")
        assert f"def {name}(" in (tests.parent / file).read_text(encoding="utf-8")


def test_there_are_432_cases() -> None:
    assert len(cases()) == 432
    assert len({case["id"] for case in cases()}) == 432
