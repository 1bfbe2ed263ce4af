# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""docs/explanation/scale.md: what was measured, simulated by today's program, and nothing typed by hand."""

from __future__ import annotations

import importlib.util
import json
import random
import re
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "docs" / "benchmarks"
PAGE = ROOT / "docs" / "explanation" / "scale.md"


@cache
def loaded(name: str, folder: str) -> ModuleType:
    """A program below ``benchmarks`` or ``docs``, which import what lies beside them."""
    paths = [str(ROOT / "benchmarks"), str(ROOT / "docs")]
    sys.path[:0] = paths
    try:
        spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name.rpartition('.')[2]}.py")
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        sys.modules[name] = made
        spec.loader.exec_module(made)
    finally:
        sys.path[:] = [one for one in sys.path if one not in paths]
    return made


def kept(name: str) -> dict[str, Any]:
    """Figures as a benchmark wrote them."""
    found: dict[str, Any] = json.loads((KEPT / name).read_text("utf-8"))
    return found


def week() -> ModuleType:
    """The model."""
    return loaded("beside.week", "benchmarks/beside")


def program() -> ModuleType:
    """What makes tables of it."""
    return loaded("scale", "benchmarks")


@cache
def found(name: str) -> Any:
    """What a setup was found to need."""
    (setup,) = (one for one in week().SETUPS if one.name == name)
    return week().find(setup, kept("growth.json"), kept("traces.json"))


def test_the_page_is_what_the_program_writes_today_of_what_was_measured() -> None:
    for path, wanted in loaded("generate_scale", "docs").scale_pages().items():
        assert (ROOT / "docs" / "reference" / path).read_text("utf-8") == wanted, "run `make docs`"


def test_the_program_prints_the_tables_of_the_page() -> None:
    printed = subprocess.run(
        [sys.executable, "benchmarks/scale.py", "--figures", str(KEPT / "growth.json")],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    rows = [line for line in printed.splitlines() if line.startswith(("| ", "- **"))]
    assert len(rows) > 60
    page = set(PAGE.read_text("utf-8").splitlines())
    assert [line for line in rows if line not in page] == []


@pytest.mark.parametrize("name", ["company, one process", "PyPI's size, caches that keep"])
def test_a_week_has_as_much_in_it_as_the_year_has_weeks_for(name: str) -> None:
    setup = found(name).setup
    minutes = week().week(setup, random.Random(3))  # noqa: S311
    assert statistics.mean(week().tides(setup.site)) == pytest.approx(1)
    # One week differs from the next: releases of many projects are few.
    releases = statistics.mean(
        sum(one.releases for one in week().week(setup, random.Random(seed)))  # noqa: S311
        for seed in range(8)
    )
    assert releases == pytest.approx(setup.site.files / setup.site.files_each * 7 / 365, rel=0.1)
    asked = sum(one.pages + one.cold for one in minutes)
    if setup.caches == "none":
        assert asked == pytest.approx(7 * setup.site.pages, rel=0.001)
    else:
        # One request in seventy, and what caches ask after releases.
        again = setup.site.edges * sum(one.releases for one in minutes)
        assert asked == pytest.approx(7 * setup.site.pages / 70 + again, rel=0.001)


def test_the_busiest_part_is_used_as_its_load_says_and_obeys_littles_law() -> None:
    one = found("PyPI's size, caches that keep")
    outcome = one.outcome
    assert outcome.inside == pytest.approx(
        len(outcome.responses) / outcome.span * statistics.mean(outcome.responses), rel=1e-6
    )
    assert outcome.index_busy == pytest.approx(one.busy.index / one.workers, rel=0.25)
    assert outcome.waited(0.99) <= week().PATIENCE
    assert one.connections < one.most_connections


def test_fewer_workers_let_requests_wait_longer() -> None:
    one = found("forge, caches that ask")
    rng = random.Random(5)  # noqa: S311
    minutes = week().week(one.setup, rng)
    busiest = [max(minutes, key=lambda minute: float(minute.pages))]
    coming = list(week().requests(one.setup, busiest, one.units.costs, rng))
    waits = [
        week().serve(coming, workers=workers, cores=one.cores, rng=random.Random(5)).waited(0.99)  # noqa: S311
        for workers in (one.workers, 4 * one.workers, 64 * one.workers)
    ]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] > waits[2]


def test_costs_lie_on_the_line_that_was_measured() -> None:
    curve, line = week().curve, week().line
    assert curve([10, 100, 1000], [1, 2, 4], 10_000) == pytest.approx(8)
    assert curve([10, 100], [3, 3], 1_000_000) == pytest.approx(3)
    assert curve([10, 100], [4, 2], 1_000_000) == pytest.approx(8**0.5)  # never falling: their mean
    assert line([1000, 3000], [90, 94], 101_000) == pytest.approx(290)


def test_limits_come_in_the_order_in_which_they_are_reached_and_follow_the_load() -> None:
    for setup in week().SETUPS:
        limits = program().limits(found(setup.name))
        assert [one.at for one in limits] == sorted(one.at for one in limits)
        assert all(one.remedy and one.at > 0 for one in limits)
    asking, keeping = (
        {one.what: one.at for one in program().limits(found(f"PyPI's size, caches that {kind}"))}
        for kind in ("ask", "keep")
    )
    assert keeping["connections to the database"] > asking["connections to the database"]
    assert "files through the index" not in keeping


def test_what_a_year_leaves_is_what_was_counted_for_each() -> None:
    one = found("PyPI's size, caches that keep")
    left, counted = program().left(one), kept("traces.json")["indexes"]["PostgreSQL"]
    jobs = 3_900_000 / 4 * 0.2
    assert counted["mint"]["tables"]["tokens"]["rows"] == 1
    assert counted["upload"]["tables"]["files"]["rows"] == 1
    assert left.passing == pytest.approx(2 * jobs / 365, rel=0.01)
    assert left.rows > 2 * 3_900_000 + 2 * jobs + 3 * 273_750
    assert left.files == 19_500


def test_numbers_of_pypi_have_a_source_with_an_address() -> None:
    page = PAGE.read_text("utf-8")
    sources = re.findall(r"^(\d)\. \[[^\]]+\]\((https://blog\.pypi\.org/posts/[^)]+/)\)", page, re.MULTILINE)
    assert [number for number, _ in sources] == ["1", "2", "3", "4"]
    _, _, rows = page.partition("| PyPI's from |")
    for row in rows.split("\n\n")[0].splitlines()[2:]:
        assert re.match(r"assumed$|\([1-4]\)", row.split("|")[-2].strip()), row
