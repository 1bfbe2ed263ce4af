# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every control of the threat model names tests, by their sentences, and they are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
NAMED = re.compile(r"([a-z0-9][a-z0-9 ]*) \(`(tests/[\w/]+\.py)`\)\Z")


def controls() -> list[tuple[str, list[str]]]:
    """Each control and what it is shown by, of every table that has these two columns."""
    rows = []
    for table in PAGE.split("| control | shown by |\n|---|---|\n")[1:]:
        for line in table.partition("\n\n")[0].splitlines():
            control, shown = (cell.strip() for cell in line.strip("|").split("|"))
            rows.append((control, shown.split("<br>")))
    return rows


def test_every_control_is_shown_by_tests_that_are_there() -> None:
    lacking = []
    for control, shown in controls():
        assert shown, control
        for one in shown:
            named = NAMED.match(one)
            assert named is not None, f"{control}: {one}"
            file, name = ROOT / named[2], f"test_{named[1].replace(' ', '_')}"
            source = file.read_text(encoding="utf-8") if file.exists() else ""
            if not re.search(rf"^def {name}\(", source, re.MULTILINE):
                lacking.append(f"{control}: {name} in {named[2]}")
    assert lacking == []


def test_every_kind_of_attacker_has_controls() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    sections = {heading: PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0] for heading in headings}
    without = [heading for heading, text in sections.items() if "| control | shown by |" not in text]
    assert without == ["What is guarded", "Where trust ends", "What is not guarded against"]
    assert len(controls()) >= 40
