# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the index of a company, of a large forge and one of PyPI's size would need, and what breaks first.

Costs of one request are those that benchmarks/growth.py measured (``--figures``), what a request leaves in the database
is what benchmarks/traces.py counted (``--traces``). beside/week.py simulates. The tables that this prints are those of
docs/explanation/scale.md, which docs/generate.py writes with them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))  # docs/generate.py imports this, too
from beside.week import (
    ATTESTED_BYTES,
    COMPANY,
    CORES,
    DATABASE_FULL,
    FORGE,
    FULL,
    KINDS,
    PYPI,
    SETUPS,
    Found,
    Site,
    find,
)

KEPT = Path(__file__).parents[1] / "docs" / "benchmarks"
SITES = (COMPANY, FORGE, PYPI)
PASSING = ("claims", "tokens")
"""Tables whose rows housekeeping removes after a day."""
MOST_DATABASE_CORES, MOST_CONNECTIONS, MOST_DATABASE_GB = 64, 500, 2000
"""Of one PostgreSQL server that can be had everywhere."""
LINE_GBIT, FAST_LINE_GBIT, DISK_GB = 1, 10, 2000
"""Of a company's machine; of one in a data centre; and the disk for files, where they are in a folder."""
LIST_SECONDS = 1.0
"""That a worker may be held up by one answer."""

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Something that ends."""

    what: str
    now: str
    most: str
    at: float
    """How many times as much as now it is, or, of what piles up, years."""
    of: str = "load"
    """As much of what; or ``years``."""
    remedy: str

    @property
    def told(self) -> str:
        """When it is reached."""
        if self.of == "years":
            return f"after {said(self.at)} years"
        return "**now**" if self.at < 1 else f"at {said(self.at)} times the {self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a year leaves."""

    rows: float
    """That stay."""
    gigabytes: float
    passing: float
    """Rows that are there for a day."""
    log: float
    """GB of PostgreSQL's log."""
    files: float
    """GB."""


def said(value: float) -> str:
    """Two digits that count, and a thousand with its comma."""
    if value >= 100:
        digits = len(str(int(value))) - 2
        return f"{round(value, -digits):,.0f}"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def left(found: Found) -> Kept:
    """By what was counted of each kind."""
    site, traces = found.setup.site, found.units.traces
    jobs = site.files / site.files_each * site.trusted
    times = {"project": site.new_projects, "mint": jobs, "burn": jobs, "upload": site.files}
    rows = size = passing = log = 0.0
    for kind, count in times.items():
        for table, one in traces[kind]["tables"].items():
            # The files of a project that was filled in are counted with the uploads.
            if table in PASSING:
                passing += count * one["rows"] / 365
            elif not (kind == "project" and table in ("files", "counters")):
                rows, size = rows + count * max(0.0, one["rows"]), size + count * max(0.0, one["bytes"])
        log += count * traces[kind].get("log", 0)
    attested = site.files * site.attested
    return Kept(
        rows=rows + attested, gigabytes=(size + attested * ATTESTED_BYTES) / 1e9, passing=passing,
        log=(log + attested * ATTESTED_BYTES) / 1e9, files=site.files * site.megabytes / 1000,
    )  # fmt: skip


def limits(found: Found) -> list[Limit]:
    """Those of a setup, the first first."""
    caches, sqlite, kept = found.setup.caches, found.setup.database == "SQLite", left(found)
    made = [
        Limit(
            what="the list of all projects, made anew after each new project",
            now=f"{said(found.units.list_seconds)} s", most=f"{LIST_SECONDS:.0f} s of a worker",
            at=LIST_SECONDS / found.units.list_seconds, of="projects",
            remedy="let caches keep `/simple/` for minutes, and ask one worker for it",
        ),
        Limit(
            what="rows in the database", now=f"{said(kept.gigabytes)} GB a year", most=f"{MOST_DATABASE_GB:,} GB",
            at=MOST_DATABASE_GB / kept.gigabytes, of="years",
            remedy="a larger disk: the log of events stays for ever",
        ),
    ]  # fmt: skip
    if found.egress:
        line = LINE_GBIT if caches == "none" else FAST_LINE_GBIT * found.machines
        made.append(Limit(
            what="files through the index", now=f"{said(found.egress)} Gbit/s", most=f"{said(line)} Gbit/s",
            at=line / found.egress, remedy=(
                'a bucket, and `download = "redirect"`' if caches == "none"
                else "let the caches read `/packages/` from the bucket: the path is the object's name below its prefix"
            ),
        ))  # fmt: skip
    if caches == "none":
        made.append(Limit(
            what="the disk for files", now=f"{said(kept.files)} GB a year", most=f"{DISK_GB:,} GB",
            at=DISK_GB / kept.files, of="years", remedy="a bucket: `admin move-files --to s3`",
        ))  # fmt: skip
    return sorted([*made, *(_one_process(found) if sqlite else _server(found))], key=lambda one: one.at)


def _one_process(found: Found) -> list[Limit]:
    return [Limit(
        what="the one process", now=f"{said(100 * found.busy.index)} % of a core in the busiest minute",
        most=f"{100 * FULL:.0f} %", at=FULL / found.busy.index,
        remedy="`admin move-to-postgres`, and `serve --workers`",
    )]  # fmt: skip


def _server(found: Found) -> list[Limit]:
    fewer = "let the caches keep pages for a minute" if found.setup.caches == "asking" else "a larger server"
    most = MOST_DATABASE_CORES * DATABASE_FULL
    return [
        Limit(
            what="processors of the one database server", now=f"{said(found.busy.database)} busy",
            most=f"{most:.0f} of {MOST_DATABASE_CORES}", at=most / found.busy.database, remedy=fewer,
        ),
        Limit(
            what="connections to the database", now=f"{found.most_connections:,} that {found.workers} workers may open",
            most=f"{MOST_CONNECTIONS}", at=MOST_CONNECTIONS / found.most_connections,
            remedy=f"a smaller `postgres.pool`: {said(found.connections)} are in use at once",
        ),
    ]  # fmt: skip


def table(head: Sequence[str], rows: Rows) -> str:
    """As Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(one)} |\n" for one in lines)


def sites() -> str:
    """What is simulated."""
    shown: Sequence[tuple[str, Callable[[Site], str], str]] = (
        ("projects", lambda one: f"{one.projects:,}", "(3)"),
        ("new projects in a year", lambda one: f"{one.new_projects:,}", "(4): 700 to 800 a day"),
        ("files uploaded in a year", lambda one: f"{one.files:,}", "(1)"),
        ("files in a release", lambda one: said(one.files_each), "assumed"),
        ("MB of a file", lambda one: said(one.megabytes), "assumed"),
        ("releases by Trusted Publishing", lambda one: f"{100 * one.trusted:.0f} %", "(1), of files"),
        ("files with an attestation", lambda one: f"{100 * one.attested:.0f} %", "(1)"),
        ("pages asked for in a day", lambda one: f"{one.pages:,.0f}", "(2): requests but for downloads"),
        ("files downloaded in a day", lambda one: f"{one.downloads:,.0f}", "(2): the other requests"),
        ("TB that go out in a day", lambda one: said(one.downloads * one.download_megabytes / 1e6), "(2)"),
        (
            "answered by caches in front", lambda one: f"{100 * one.hits:.1f} %" if one.hits else "there are none",
            "(2): one in seventy is not",
        ),
        ("midday, over the average", lambda one: f"+{100 * one.swing:.0f} %", "assumed"),
        ("a day of the weekend, of another", lambda one: f"{100 * one.weekend:.0f} %", "assumed"),
        ("first minute of an hour", lambda one: f"× {said(one.hour)}", "assumed"),
        ("projects at once, in one of 50 releases", lambda one: f"{one.train}", "assumed"),
    )  # fmt: skip
    rows = [[name, *(show(one) for one in SITES), source] for name, show, source in shown]
    return table(["", *(one.name for one in SITES), "PyPI's from"], rows)


def costs(everything: Sequence[Found]) -> str:
    """Of one request, at each site's size."""
    firsts = {(one.setup.site.name, one.setup.database): one for one in reversed(everything)}
    shown = [firsts[key] for key in dict.fromkeys((one.setup.site.name, one.setup.database) for one in everything)]
    rows = [
        [
            kind,
            *(
                f"{1000 * one.units.costs[kind].index:.2f} + {1000 * one.units.costs[kind].database:.2f}"
                for one in shown
            ),
        ]
        for kind in KINDS
    ]
    memory = ["memory of a worker, MB", *(said(one.units.memory) for one in shown)]
    listed = ["list of all projects, made anew, ms", *(said(1000 * one.units.list_seconds) for one in shown)]
    return table(
        ["ms of index + database", *(f"{one.setup.site.name}, {one.setup.database}" for one in shown)],
        [*rows, listed, memory],
    )


def needs(everything: Sequence[Found]) -> str:
    """Machines, and how long who asks waits."""
    rows = []
    for one in everything:
        postgres = one.setup.database == "PostgreSQL"
        rows.append([
            one.setup.name, f"{said(one.mean)}, {said(one.peak)}", said(one.peak_mints),
            f"{said(one.busy.index)} + {said(one.busy.database)}", f"{one.workers}",
            f"{said(100 * one.outcome.index_busy)} %",
            f"{1000 * one.outcome.waited(0.5):.1f}, {1000 * one.outcome.waited(0.99):.1f}",
            f"{one.machines}" + (f", and {one.cores} cores of PostgreSQL" if postgres else ""),
            f"{said(one.connections)} of {one.most_connections}" if postgres else "",
        ])  # fmt: skip
    head = (
        "", "requests a second: mean, busiest minute", "mints a second, busiest", "cores busy then: index + database",
        "workers", "of their time used", "waiting, ms: half, 99 of 100", f"machines of {CORES} cores",
        "connections: in use, open at most",
    )  # fmt: skip
    return table(head, rows)


def storage(everything: Sequence[Found]) -> str:
    """What a year leaves, for each site and database."""
    rows, seen = [], set()
    for one in everything:
        site, key = one.setup.site, (one.setup.site, one.setup.database)
        if key in seen:
            continue
        seen.add(key)
        kept = left(one)
        rows.append([
            site.name + (", every release trusted" if site not in SITES else ""), one.setup.database, said(kept.rows),
            said(kept.gigabytes), said(kept.passing), said(kept.log) if kept.log else "", said(kept.files),
            said(site.downloads * site.download_megabytes / 1000 * 365 / 1000),
        ])  # fmt: skip
    head = (
        "a year", "", "rows that stay", "GB of rows and indexes", "rows for a day, at once", "GB of its log",
        "GB of files", "TB that go out, caches included",
    )  # fmt: skip
    return table(head, rows)


def traces_table(traces: Mapping[str, Any]) -> str:
    """Bytes of one, with its indexes."""
    names = list(traces["indexes"])
    keys = dict.fromkeys(
        (kind, name)
        for one in traces["indexes"].values()
        for kind in ("project", "mint", "upload", "burn")
        for name, found in one[kind]["tables"].items()
        if found["rows"] >= 0.5 and (kind, name) != ("project", "files")
    )
    rows = [
        [kind, f"`{name}`", *(f"{traces['indexes'][one][kind]['tables'][name]['bytes']:.0f}" for one in names)]
        for kind, name in keys
    ]
    return table(["one", "leaves a row in", *(f"{one}, bytes" for one in names)], rows)


def breaks(found: Found) -> str:
    """The limits of a setup, in their order."""
    rows = [[one.what, one.now, one.most, one.told, one.remedy] for one in limits(found)]
    return table(["what", "today", "limit", "reached", "remedy"], rows)


def short(one: Found) -> str:
    """A setup in two sentences."""
    first, after = limits(one)[:2]
    mints = one.peak_mints * sum(one.units.costs["mint"])
    needed = f"{one.workers} workers on {one.machines} machines, one of them to spare"
    if one.setup.database == "SQLite":
        needed = "one process on SQLite"
    return (
        f"- **{one.setup.name[0].upper()}{one.setup.name[1:]}**: {needed}; asked {said(one.peak)} times a second in "
        f"the busiest minute; minting takes {said(100 * mints)} % of a core then. First breaks {first.what} "
        f"({first.told.strip('*')}), then {after.what} ({after.told.strip('*')}).\n"
    )


def tables(figures: Mapping[str, Any], traces: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Name and text of each; the limits of a setup have its name."""
    everything = [find(setup, figures, traces) for setup in SETUPS]
    yield "short", "".join(map(short, everything))
    yield "sites", sites()
    yield "costs", costs(everything)
    yield "needs", needs(everything)
    yield "storage", storage(everything)
    yield "traces", traces_table(traces)
    for one in everything:
        yield one.setup.name, breaks(one)


def main() -> int:
    """Print the tables."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--figures", type=Path, metavar="FILE", default=KEPT / "growth.json")
    reader.add_argument("--traces", type=Path, metavar="FILE", default=KEPT / "traces.json")
    given = reader.parse_args()
    missing = [one.name for one in (given.figures, given.traces) if not one.exists()]
    if missing:
        print(f"{' and '.join(missing)} not here: benchmarks/growth.py and traces.py write them with --keep.")
        return 1
    figures, traces = (json.loads(one.read_text(encoding="utf-8")) for one in (given.figures, given.traces))
    for name, text in tables(figures, traces):
        print(f"{name}\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
