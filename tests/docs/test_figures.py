# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What benchmarks print becomes the numbers of a drawing, and every drawing says what it was measured on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CHARTS = re.findall(r'^        name="([a-z-]+)"', (DOCS / "figures.py").read_text("utf-8"), re.MULTILINE)
KEPT = [path for name in CHARTS if (path := DOCS / "benchmarks" / f"{name}.json").exists()]
PAGE = DOCS / "reference" / "measured.md"
SVG = "{http://www.w3.org/2000/svg}"

LINES = """\
Minting on loopback, median of 3
  trustpub mint               70 ms
Minting with 50 ms added, median of 3
  trustpub mint              301 ms
  curl and jq                402 ms
target mint-over-curl measured 0.90 wanted 1.0 met
target mint-50ms-over-curl measured 0.75 wanted 1.0 met
Publishing 1 small wheel on loopback, median of 3
  uv publish --dry-run         1 ms
"""
TABLE = """\
PERYX IS NOT HERE
Processor ms of the server for one (on the clock), medians; quick: Size()
                                        trustpub        devpi-server               nginx
start                                400 (500.1)         1900 (2100)
upload 20 kB                         4.125 (9.2)          12.5 (30)
upload 20 kB to 10 files             5.125 (9.2)
page, 500 files, JSON                0.21 (0.44)           7.1 (7.7)         0.08 (0.21)
target upload-20kb-cpu-ms measured 4.13 wanted 8 met
"""


def kept(tmp_path: Path, script: str, printed: str) -> dict[str, Any]:
    """What is kept, by the name of the chart, when the benchmark ``script`` printed this."""
    code = (
        f"import sys, pathlib; sys.path.insert(0, {str(DOCS)!r}); import figures; "
        f"figures.KEPT = pathlib.Path({str(tmp_path)!r}); "
        f"figures.keep({script!r}, sys.stdin.read(), {{'date': 'today'}})"
    )
    subprocess.run([sys.executable, "-c", code], input=printed, text=True, timeout=60, check=True)
    return {path.stem: json.loads(path.read_text("utf-8")) for path in tmp_path.glob("*.json")}


def test_lines_below_their_heading_become_rows_and_what_is_not_installed_is_left_out(tmp_path: Path) -> None:
    (chart,) = kept(tmp_path, "client", LINES).values()
    assert [(row["label"], row["value"]) for row in chart["rows"]] == [
        ("trustpub mint", 301.0), ("a script of curl and jq", 402.0),
    ]  # fmt: skip
    assert [(one["name"], one["met"]) for one in chart["targets"]] == [("mint-50ms-over-curl", True)]
    assert (chart["command"], chart["date"]) == ("python benchmarks/client.py", "today")


def test_columns_of_a_table_become_rows(tmp_path: Path) -> None:
    charts = kept(tmp_path, "index", TABLE)
    assert [(row["label"], row["value"]) for row in charts["uploading"]["rows"]] == [
        ("trustpub", 4.125), ("devpi-server", 12.5),
    ]  # fmt: skip
    assert [(row["whose"], row["value"]) for row in charts["page-of-a-project"]["rows"]] == [
        ("us", 0.21), ("peer", 7.1), ("limit", 0.08),
    ]  # fmt: skip


def test_what_says_nothing_of_us_is_not_kept(tmp_path: Path) -> None:
    assert kept(tmp_path, "index", "The index did not start.\n") == {}


@pytest.mark.parametrize("path", KEPT, ids=lambda one: one.stem)
def test_a_drawing_has_the_words_and_numbers_of_its_table(path: Path) -> None:
    measured = json.loads(path.read_text("utf-8"))
    drawing = ET.parse(path.with_suffix(".svg"))  # noqa: S314
    told = [text.text for text in drawing.iter(f"{SVG}text")]
    section = PAGE.read_text("utf-8").partition(f"benchmarks/{path.stem}.svg")[2].partition("\n## ")[0]
    for row in measured["rows"]:
        number = f"{row['value']:,.0f}" if row["value"] >= 100 else f"{row['value']:g}"
        assert {row["label"], number} <= set(told)
        assert f"| {row['label']} | {number} |" in section
    for fact in ("command", "machine", "date", "commit"):
        assert measured[fact]
        assert measured[fact] in section
    assert drawing.find(f"{SVG}desc") is not None


def test_there_are_drawings() -> None:
    assert len(CHARTS) >= 9
    assert len(KEPT) >= 4
