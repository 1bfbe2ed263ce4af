# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The list of threats is whole, and every test that it names is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).parents[1]
THREATS = tomllib.loads((Path(__file__).parent / "checklist.toml").read_text(encoding="utf-8"))["threat"]


def test_every_letter_and_every_finding_is_listed_once() -> None:
    wanted = [
        f"{letter}{number}"
        for letter, last in zip("ABCD", (14, 11, 7, 9), strict=True)
        for number in range(1, last + 1)
    ]
    wanted += [f"TOB-PYPI26-{number}" for number in (1, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14)]
    assert [one["id"] for one in THREATS] == wanted


def test_every_threat_has_tests_or_a_reason_why_it_cannot_occur() -> None:
    for threat in THREATS:
        assert bool(threat.get("tests")) != bool(threat.get("reason")), threat["id"]
        for test in threat.get("tests", ()):
            file, _, name = test.partition("::")
            source = (TESTS / file).read_text(encoding="utf-8")
            assert re.search(rf"^def {re.escape(name)}\(", source, re.MULTILINE), f"{threat['id']}: {test} is not there"
