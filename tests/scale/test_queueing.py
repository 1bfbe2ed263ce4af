# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The simulation behind docs/explanation/scale.md waits as queues do that can be reckoned by hand."""

from __future__ import annotations

import importlib.util
import math
import random
import statistics
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def loaded(name: str) -> ModuleType:
    """A program there, or what it is made of."""
    spec = importlib.util.spec_from_file_location(f"benchmarks_{Path(name).stem}", BENCHMARKS / name)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


queueing = loaded("beside/queueing.py")
MANY = 60_000


def chance(seed: int) -> random.Random:
    """The same each time."""
    return random.Random(seed)  # noqa: S311


def coming(rng: random.Random, rate: float, index: float, database: float, variety: float) -> list[object]:
    """Requests at random, so many a second."""
    at, made = 0.0, []
    for _ in range(MANY):
        at += rng.expovariate(rate)
        costs = (queueing.work(rng, index, variety), queueing.work(rng, database, variety))
        made.append(queueing.Request(at, *costs))
    return made


@pytest.mark.parametrize("used", [0.3, 0.6, 0.8])
@pytest.mark.parametrize(("variety", "shorter"), [(0.0, 2.0), (1.0, 1.0)], ids=["same work", "exponential work"])
def test_one_worker_keeps_requests_waiting_as_pollaczek_and_khinchine_say(
    used: float, variety: float, shorter: float
) -> None:
    rng = chance(7)
    work = 0.004
    outcome = queueing.serve(coming(rng, used / work, work, 0, variety), workers=1, cores=1, rng=rng)
    wanted = used * work / (shorter * (1 - used))
    assert statistics.mean(outcome.waits) == pytest.approx(wanted, rel=0.1)
    assert outcome.index_busy == pytest.approx(used, rel=0.03)


def test_many_workers_are_as_many_queues_of_their_own() -> None:
    rng = chance(11)
    workers, used, work = 8, 0.6, 0.01
    outcome = queueing.serve(coming(rng, workers * used / work, work, 0, 0.0), workers=workers, cores=1, rng=rng)
    assert statistics.mean(outcome.waits) == pytest.approx(used * work / (2 * (1 - used)), rel=0.1)


def test_the_processors_of_the_database_share_one_queue_as_erlang_says() -> None:
    rng = chance(13)
    cores, used, work = 4, 0.75, 0.004
    outcome = queueing.serve(coming(rng, cores * used / work, 0, work, 1.0), workers=1, cores=cores, rng=rng)
    offered = cores * used
    last = offered**cores / math.factorial(cores) / (1 - used)
    waiting = last / (sum(offered**at / math.factorial(at) for at in range(cores)) + last)
    assert statistics.mean(outcome.waits) == pytest.approx(waiting * work / (cores * (1 - used)), rel=0.1)
    assert outcome.database_busy == pytest.approx(used, rel=0.03)


def test_as_many_are_inside_as_littles_law_says() -> None:
    rng = chance(17)
    rate = 900.0
    outcome = queueing.serve(coming(rng, rate, 0.004, 0.002, 0.5), workers=6, cores=3, rng=rng)
    assert outcome.inside == pytest.approx(MANY / outcome.span * statistics.mean(outcome.responses), rel=1e-6)
    assert outcome.inside == pytest.approx(rate * statistics.mean(outcome.responses), rel=0.02)
    assert 0 < outcome.at_database < outcome.inside
    assert min(outcome.waits) > -1e-9
    assert outcome.waited(0.5) <= outcome.waited(0.99) <= max(outcome.waits)


@pytest.mark.parametrize("mean", [0.0, 0.3, 12.0, 4000.0])
def test_as_many_come_as_are_wanted_and_as_unevenly_as_chance_is(mean: float) -> None:
    rng = chance(19)
    found = [queueing.number(rng, mean) for _ in range(3000)]
    assert statistics.mean(found) == pytest.approx(mean, rel=0.08)
    assert statistics.pvariance(found) == pytest.approx(mean, rel=0.15)
