# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A week of an index that is simulated: by the minute, and its busiest part request by request.

The week has days and nights, a weekend, full hours at which jobs start, and releases of many projects at once. The
busiest part goes through a queue at each worker and one at the database. Chance is the same each time.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from beside.queueing import Outcome, Request, number, serve, work

SEED = 20_26
DAY, WEEK, YEAR = 1440, 10_080, 525_600
"""Minutes."""
MOST = 60_000
"""Requests that are looked at one by one."""
VARIETY = 0.5
"""How unlike in cost two requests of a kind are: half is the same for all, half exponential."""
FULL = 0.6
"""Of a worker's time in the busiest minute, when the number of workers is chosen."""
DATABASE_FULL = 0.5
PATIENCE = 0.25
"""Seconds that 99 of 100 requests are to wait at most; more workers are taken until it is so."""
CORES = 16
"""Of one machine for the index: as many workers."""
POOL = 8
"""Connections to the database that a worker may have; it has one more, to hear what others tell."""
COMMIT = 0.002
"""Seconds that a transaction waits for the disk, with its connection in hand."""
ATTESTED_BYTES = 20_000
"""Of a file's provenance in the database: the document, and what is kept of who it came from."""
KINDS = ("mint", "upload", "burn", "page", "cold page", "download")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Who uses an index, and how much."""

    name: str
    projects: int
    new_projects: int
    """A year."""
    files: int
    """Uploaded in a year."""
    files_each: float
    """In a release."""
    megabytes: float
    """Of a file."""
    trusted: float
    """The part of the releases that comes by Trusted Publishing."""
    attested: float
    """The part of the files that has an attestation."""
    pages: float
    """Asked for in a day, by clients, of the Simple API."""
    downloads: float
    """Of files, in a day."""
    download_megabytes: float
    hits: float
    """The part of them that a network of caches in front answers by itself, where there is one."""
    cold: float
    """The part of the pages, without such a network, that nobody asked for lately."""
    swing: float
    """How much more is asked in the middle of the day than on average; as much less at night."""
    weekend: float
    """Of a weekday's."""
    hour: float
    """How much more is asked in the first minute of an hour, when jobs start by the clock."""
    train: int
    """Projects that are released at once where many come from one repository; one release in fifty is such."""
    edges: int = 30
    """Places of a network of caches that ask anew after a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How the index is run."""

    name: str
    site: Site
    database: str
    caches: str
    """``none``; ``asking``: in front, and asking for every page, as the index's ``no-cache`` tells them; ``keeping``:
    told to keep pages, and to read files from the bucket by themselves."""


COMPANY = Site(
    name="a company", projects=2_000, new_projects=300, files=48_000, files_each=2, megabytes=1.0, trusted=1.0,
    attested=0.0, pages=500 * 20 * 20, downloads=500 * 20 * 5, download_megabytes=1.0, hits=0.0, cold=0.1, swing=0.9,
    weekend=0.1, hour=4.0, train=40,
)  # fmt: skip
FORGE = Site(
    name="a large forge", projects=100_000, new_projects=20_000, files=1_800_000, files_each=3, megabytes=2.0,
    trusted=0.6, attested=0.2, pages=86_000_000, downloads=43_000_000, download_megabytes=1.4, hits=0.95, cold=0.3,
    swing=0.4, weekend=0.6, hour=2.0, train=100,
)  # fmt: skip
PYPI = Site(
    name="PyPI's size", projects=700_000, new_projects=750 * 365, files=3_900_000, files_each=4, megabytes=5.0,
    trusted=0.2, attested=0.17, pages=6e9, downloads=7e9, download_megabytes=10e9 / 7e9, hits=69 / 70, cold=0.3,
    swing=0.25, weekend=0.75, hour=1.5, train=200,
)  # fmt: skip
SETUPS = (
    Setup(name="company, one process", site=COMPANY, database="SQLite", caches="none"),
    Setup(name="company, workers", site=COMPANY, database="PostgreSQL", caches="none"),
    Setup(name="forge, caches that ask", site=FORGE, database="PostgreSQL", caches="asking"),
    Setup(name="forge, caches that keep", site=FORGE, database="PostgreSQL", caches="keeping"),
    Setup(name="PyPI's size, caches that ask", site=PYPI, database="PostgreSQL", caches="asking"),
    Setup(name="PyPI's size, caches that keep", site=PYPI, database="PostgreSQL", caches="keeping"),
    Setup(
        name="the same, every release by Trusted Publishing", site=replace(PYPI, trusted=1.0, attested=1.0),
        database="PostgreSQL", caches="keeping",
    ),
)  # fmt: skip


class Cost(NamedTuple):
    """Of one request, in seconds of processor time."""

    index: float
    database: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What things cost, and leave, in an index of one size on one database."""

    costs: Mapping[str, Cost]
    memory: float
    """MB of a worker."""
    list_seconds: float
    """To make the list of all projects anew."""
    list_bytes: float
    traces: Mapping[str, Any]


def units(site: Site, database: str, figures: Mapping[str, Any], traces: Mapping[str, Any]) -> Units:
    """Between two measured sizes, and beyond the largest, costs lie on the line that was measured."""
    points, left, sizes = figures["indexes"][database], traces["indexes"][database], figures["sizes"]

    def cost(name: str, measured: str, more: float = 0.0) -> Cost:
        spent = left[measured]["ms"]
        part = spent["index"] / ((spent["index"] + spent["database"]) or 1.0)
        ms = curve(sizes, points[name], site.projects)
        return Cost((ms * part + more) / 1000, ms * (1 - part) / 1000)

    burned, each = left["burn"]["ms"], left["megabyte"]
    page = cost("project page", "page")
    costs = {
        "mint": cost("mint", "mint"), "burn": Cost(burned["index"] / 1000, burned["database"] / 1000),
        "upload": cost("upload of 20 kB", "upload", each["upload"] * site.megabytes),
        "page": page, "cold page": cost("project page, not asked for lately", "page"),
        "download": Cost(page.index + each["download"] * site.download_megabytes / 1000, page.database),
    }  # fmt: skip
    return Units(
        costs=costs, memory=line(sizes, points["memory"], site.projects),
        list_seconds=left["list"]["us"] * site.projects / 1e6, list_bytes=left["list"]["bytes"] * site.projects,
        traces=left,
    )  # fmt: skip


def curve(sizes: Sequence[float], points: Sequence[float], size: float) -> float:
    """The straight line through what was measured, both axes logarithmic; never falling."""
    across, up = [math.log(one) for one in sizes], [math.log(max(one, 1e-6)) for one in points]
    slope = max(0.0, statistics.linear_regression(across, up).slope) if len(across) > 1 else 0.0
    return math.exp(statistics.mean(up) + slope * (math.log(size) - statistics.mean(across)))


def line(sizes: Sequence[float], points: Sequence[float], size: float) -> float:
    """The same of what is a part for all and a part for each."""
    slope = max(0.0, statistics.linear_regression(sizes, points).slope) if len(sizes) > 1 else 0.0
    return statistics.mean(points) + slope * (size - statistics.mean(sizes))


def tides(site: Site) -> list[float]:
    """How busy each minute of a week is, beginning on a Monday; 1 on average."""
    raw = []
    for minute in range(WEEK):
        day = 1 - site.swing * math.cos(2 * math.pi * (minute % DAY) / DAY)
        raw.append(day * (site.weekend if minute >= 5 * DAY else 1.0) * (site.hour if minute % 60 == 0 else 1.0))
    mean = statistics.mean(raw)
    return [one / mean for one in raw]


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """How many of each come in it."""

    releases: int
    pages: float
    """Expected at the index; so many, but for chance."""
    cold: float
    downloads: float

    def counts(self, site: Site) -> Mapping[str, float]:
        """Requests of each kind."""
        jobs = self.releases * site.trusted
        return {
            "mint": jobs, "burn": jobs, "upload": self.releases * site.files_each, "page": self.pages + self.releases,
            "cold page": self.cold, "download": self.downloads,
        }  # fmt: skip


def week(setup: Setup, rng: random.Random) -> list[Minute]:
    """Each minute."""
    site, made = setup.site, []
    # One in fifty brings `train` releases, so there are fewer occasions than releases.
    occasions = site.files / site.files_each / YEAR / (1 + (site.train - 1) / 50)
    for busy in tides(site):
        releases = sum(
            site.train if rng.random() < 1 / 50 else 1 for _ in range(number(rng, occasions * busy))
        )  # fmt: skip
        pages, downloads, cold = site.pages / DAY * busy, site.downloads / DAY * busy, site.cold
        if setup.caches != "none":
            downloads *= 1 - site.hits if setup.caches == "asking" else 0.0
        if setup.caches == "keeping":
            # What caches do not have, nobody asked for lately; and after a release each of them asks once.
            pages, cold = pages * (1 - site.hits) + releases * site.edges, 1.0
        elif setup.caches == "asking":
            cold = (1 - site.hits) * site.cold
        made.append(Minute(releases=releases, pages=pages * (1 - cold), cold=pages * cold, downloads=downloads))
    return made


def load(counts: Mapping[str, float], costs: Mapping[str, Cost]) -> Cost:
    """Processors that are busy with so many in a minute."""
    return Cost(
        sum(counts[kind] * costs[kind].index for kind in KINDS) / 60,
        sum(counts[kind] * costs[kind].database for kind in KINDS) / 60,
    )


def requests(
    setup: Setup, minutes: Sequence[Minute], costs: Mapping[str, Cost], rng: random.Random
) -> Iterator[Request]:
    """One by one. A job mints, uploads as fast as its line is, looks at the page and burns."""
    site = setup.site
    expected = sum(sum(one.counts(site).values()) for one in minutes)
    part = min(1.0, MOST / (expected or 1))  # of the only minute, where even one is too much

    def one(at: float, kind: str) -> Request:
        cost = costs[kind]
        return Request(at, work(rng, cost.index, VARIETY), work(rng, cost.database, VARIETY), kind)

    for place, minute in enumerate(minutes):
        begin, length = 60.0 * place, 60.0 * part
        for kind, count in (("page", minute.pages), ("cold page", minute.cold), ("download", minute.downloads)):
            for _ in range(number(rng, count * part)):
                yield one(begin + rng.random() * length, kind)
        for _ in range(number(rng, minute.releases * part) if part < 1 else minute.releases):
            at = begin + rng.random() * length
            trusted = rng.random() < site.trusted
            if trusted:
                yield one(at, "mint")
            for _ in range(max(1, round(site.files_each))):
                at += 0.05 + site.megabytes / 12.5 * rng.random()  # a line of 100 Mbit/s, at most
                yield one(at, "upload")
            yield one(at + 0.1, "page")
            if trusted:
                yield one(at + 0.2, "burn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a setup needs."""

    setup: Setup
    units: Units
    mean: float
    """Requests a second at the index, over the week."""
    peak: float
    """The same, in the busiest minute."""
    peak_mints: float
    peak_writes: float
    """Mints, burns and uploads a second in the busiest minute."""
    busy: Cost
    """Processors in the busiest minute, without anything waiting."""
    average: Cost
    workers: int
    cores: int
    """Of the database."""
    outcome: Outcome
    seconds: float
    """Looked at one by one."""
    egress: float
    """Gbit/s of files in the busiest minute, from the index."""

    @property
    def machines(self) -> int:
        """For the index: enough when one is away."""
        return 1 if self.setup.database == "SQLite" else math.ceil(self.workers / CORES) + 1

    @property
    def connections(self) -> float:
        """To the database in use on average in the busiest part (Little's law)."""
        return self.outcome.at_database + self.peak_writes * COMMIT

    @property
    def most_connections(self) -> int:
        """That the workers may open."""
        return self.workers * (POOL + 1) if self.setup.database == "PostgreSQL" else 0


def find(setup: Setup, figures: Mapping[str, Any], traces: Mapping[str, Any]) -> Found:
    """Simulate the week, then its busiest part with as many workers as that needs."""
    rng = random.Random(SEED)  # noqa: S311 - the same each time
    known = units(setup.site, setup.database, figures, traces)
    minutes = week(setup, rng)
    counted = [one.counts(setup.site) for one in minutes]
    loads = [load(one, known.costs) for one in counted]
    worst = max(range(WEEK), key=lambda at: loads[at].index)
    total = [sum(one.values()) for one in counted]
    first, last = _around(total, worst)
    single = setup.database == "SQLite"
    workers = 1 if single else max(2, math.ceil(loads[worst].index / FULL))
    cores = 1 if single else max(2, math.ceil(max(one.database for one in loads) / DATABASE_FULL))
    coming = list(requests(setup, minutes[first:last], known.costs, rng))
    while True:
        outcome = serve(coming, workers=workers, cores=cores, rng=random.Random(SEED))  # noqa: S311
        if single or outcome.waited(0.99) <= PATIENCE:
            break
        workers += max(1, workers // 8)
    return Found(
        setup=setup, units=known, mean=statistics.mean(total) / 60, peak=total[worst] / 60,
        peak_mints=max(one["mint"] for one in counted) / 60,
        peak_writes=max(one["mint"] + one["burn"] + one["upload"] for one in counted) / 60, busy=loads[worst],
        average=Cost(statistics.mean(one.index for one in loads), statistics.mean(one.database for one in loads)),
        workers=workers, cores=cores, outcome=outcome, seconds=outcome.span,
        egress=max(one.downloads for one in minutes) * setup.site.download_megabytes * 8 / 1000 / 60,
    )  # fmt: skip


def _around(total: Sequence[float], worst: int) -> tuple[int, int]:
    """As many minutes with the busiest among them as :data:`MOST` allows; first, and the one after the last."""
    first, last, count = worst, worst + 1, total[worst]
    while True:
        left, right = total[first - 1] if first else -1.0, total[last] if last < WEEK else -1.0
        count += max(left, right)
        if count > MOST or (first == 0 and last == WEEK):
            return first, last
        if left >= right:
            first -= 1
        else:
            last += 1
