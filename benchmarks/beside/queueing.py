# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Requests that wait: first for the one worker that has their connection, then for a processor of the database."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """When it comes, and what it costs. Seconds."""

    at: float
    index: float
    database: float = 0.0
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of some requests. Seconds."""

    waits: Sequence[float]
    """Of each, in the order in which they came: how much longer its answer took than its work."""
    responses: Sequence[float]
    span: float
    """From the first request to the last answer."""
    inside: float
    """How many were there on average, counted at each coming and going."""
    at_database: float
    """How many of them were at the database."""
    index_busy: float
    """The part of the workers' time that they worked."""
    database_busy: float

    def waited(self, part: float) -> float:
        """What this part of the requests did not wait longer than: 0.5 for the median."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def serve(requests: Iterable[Request], *, workers: int, cores: int, rng: random.Random) -> Outcome:
    """First come, first served at each worker, and at the database's ``cores``.

    A connection is any worker's; it works on one request at a time, and on the next while the database works on that.
    """
    coming = sorted(requests, key=lambda one: one.at)
    free = [0.0] * workers
    handed: list[tuple[float, int]] = []
    for number, one in enumerate(coming):
        worker = rng.randrange(workers)
        free[worker] = max(free[worker], one.at) + one.index
        handed.append((free[worker], number))
    idle, ends = [0.0] * cores, [0.0] * len(coming)
    for at, number in sorted(handed):
        work = coming[number].database
        ends[number] = max(heapq.heappop(idle), at) + work if work else at
        if work:
            heapq.heappush(idle, ends[number])
    begins = [one.at for one in coming]
    span = max(ends, default=0.0) - min(begins, default=0.0) or 1.0
    there = sum(end - at for at, number in handed if (end := ends[number]) > at)
    return Outcome(
        waits=[max(0.0, end - one.at - one.index - one.database) for one, end in zip(coming, ends, strict=True)],
        responses=[end - at for at, end in zip(begins, ends, strict=True)],
        span=span, inside=_inside(begins, ends), at_database=there / span,
        index_busy=sum(one.index for one in coming) / (span * workers),
        database_busy=sum(one.database for one in coming) / (span * cores),
    )  # fmt: skip


def _inside(begins: Sequence[float], ends: Sequence[float]) -> float:
    """The mean of a count that goes up by one at each begin and down at each end."""
    steps = sorted([*((at, 1) for at in begins), *((at, -1) for at in ends)])
    area, count, last = 0.0, 0, steps[0][0] if steps else 0.0
    for at, step in steps:
        area += count * (at - last)
        count, last = count + step, at
    return area / ((steps[-1][0] - steps[0][0]) or 1.0) if steps else 0.0


def number(rng: random.Random, mean: float) -> int:
    """How many come, if nobody knows of the others (Poisson)."""
    if mean > 500:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    count, left = 0, rng.expovariate(1.0)
    while left < mean:
        count, left = count + 1, left + rng.expovariate(1.0)
    return count


def work(rng: random.Random, mean: float, variety: float) -> float:
    """What one request costs: from always the same (0) to very different (1, exponential)."""
    return mean * (1 - variety) + (rng.expovariate(1 / (mean * variety)) if mean * variety else 0.0)
