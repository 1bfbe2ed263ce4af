# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the index costs its machine, beside peryx, devpi-server, pypiserver and nginx, in one run.

Each index is installed from `requirements/peers`, set up as its documents say, and given the same files. All are up at
once and take their turns on the same machine; each is asked over connections that stay open, by this process, which
is none of theirs. What counts is processor time of all processes of a server (/proc, so on Linux only): the time on
the clock, told beside it, is what other programs left over.

nginx serves our own pages as files, with one worker: the ceiling. `floor` is no index either: uvicorn, SHA-256 and
BLAKE2b of what arrives, and a file that is synced. RECORD is always checked here, there is no switch: where a target
is about an upload without that check, the wheel is one stored member, and its one SHA-256 is part of the floor.

    python benchmarks/index.py         a few minutes; devpi-server, which is slow to fill, gets a tenth of the files
    python benchmarks/index.py full    every index with 500 files in one project and 5,000 more projects; more rounds
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from beside.load import Cost, Meter, get
from beside.servers import HTML, JSON, Devpi, Floor, Nginx, Ours, Peryx, PypiServer, Server
from beside.wheels import Wheel, large, many, small

FILES, PROJECTS = 500, 5000
LARGE = 100 * 1024 * 1024
DOWNLOAD = 20 * 1024 * 1024
SMALL = 20_000
FLAT = {"few-files": 10, "many-files": 1000}
"""Projects of ours, and how many files they have."""
CONNECTIONS = 8
START, STORED, PACKED = "start", "upload 100 MB, one member", "upload 100 MB, packed"
UPLOAD, DOWNLOADED, PAGE, ROOT = "upload 20 kB", "download 20 MB", "page, 500 files", "root, 5,000 projects"
MEMBERS = "members"
FORMATS: Mapping[str, Mapping[str, str]] = {"HTML": HTML, "JSON": JSON}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How long it takes, and how much noise is left."""

    rounds: int
    uploads: int
    """Small ones in a round."""
    seconds: float
    """Of asking for one page."""
    share: float
    """Of the files, for an index that can only be filled by uploads."""


SIZES = {
    "quick": Size(rounds=3, uploads=50, seconds=1.0, share=0.1),
    "full": Size(rounds=5, uploads=200, seconds=3.0, share=1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The files that every index gets, and those that only ours does."""

    wheels: Sequence[Wheel]
    flat: Sequence[Wheel]
    """Those of FLAT."""


@dataclass(slots=True, kw_only=True)
class Results:
    """Costs by row and by server, one for each round."""

    rows: dict[str, dict[str, list[Cost]]] = field(default_factory=dict)

    def add(self, row: str, server: str, cost: Cost) -> None:
        """One more round."""
        self.rows.setdefault(row, {}).setdefault(server, []).append(cost)

    def cpu(self, row: str, server: str) -> float | None:
        """Seconds, the median; None if it was not measured. A tick of the clock at the least: no division by zero."""
        found = self.rows.get(row, {}).get(server)
        return None if not found else max(1e-5, statistics.median(one.cpu for one in found))

    def over(self, row: str, server: str, other: str) -> float | None:
        """How often ``other`` can do what ``server`` does once: the ratio of their costs."""
        ours, theirs = self.cpu(row, server), self.cpu(row, other)
        return None if ours is None or theirs is None else ours / theirs


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and end with the targets' lines."""
    word = arguments[0] if arguments else "quick"
    if word not in SIZES or not Path("/proc/self/stat").exists():
        print("Usage: index.py [quick|full], on Linux.")
        return 2
    size, results = SIZES[word], Results()
    with tempfile.TemporaryDirectory() as made, ExitStack() as ends:
        place = Path(made)
        stock = make_stock(place)
        servers = [Ours(place), Peryx(place), Devpi(place), PypiServer(place), Floor(place)]
        running = {one: ends.enter_context(one.running()) for one in servers if set_up(one, stock, size)}
        nginx = set_up_nginx(place, next(iter(running)))
        if nginx is not None:
            running[nginx] = ends.enter_context(nginx.running())
        for server in running:
            if not isinstance(server, Floor):
                results.add(START, server.name, server.start)
        grown = measure_large(place, running, results, size)
        measure_small(place, running, results, size)
        measure_downloads(place, running, results, size)
        measure_pages(running, results, size)
    tell(results, grown, word)
    tell_targets(results, grown)
    return 0


# Before the first row


def make_stock(place: Path) -> Stock:
    """5,500 small wheels, and the two projects between which an upload should cost the same."""
    for name in ("wheels", "flat"):
        (place / name).mkdir()
    flat = [
        small(place / "flat", project, f"0.{number}", 1000)
        for project, count in FLAT.items()
        for number in range(count)
    ]
    return Stock(wheels=many(place / "wheels", FILES, PROJECTS), flat=flat)


def set_up(server: Server, stock: Stock, size: Size) -> bool:
    """Fill it. False if it is not here, which is said aloud."""
    missing = server.missing()
    if missing is not None:
        print(missing, flush=True)
        return False
    if isinstance(server, Floor):
        return True
    filled = server.fill([*stock.wheels, *stock.flat] if isinstance(server, Ours) else stock.wheels)
    if not filled:
        share = [*stock.wheels[: int(FILES * size.share)], *stock.wheels[FILES:][: int(PROJECTS * size.share)]]
        with server.running() as meter:
            server.prepare()
            server.upload(share, meter)
        print(f"{server.name} has {len(share)} of the {len(stock.wheels)} files.", flush=True)
    return True


def set_up_nginx(place: Path, ours: Server) -> Nginx | None:
    """With the pages that ours serves now."""
    nginx = Nginx(place)
    missing = nginx.missing()
    if missing is not None:
        print(missing, flush=True)
        return None
    nginx.publish(
        {
            f"{kept}.{name.lower()}": ours.read(path, headers)
            for name, headers in FORMATS.items()
            for kept, path in zip(("page", "root"), ours.pages(headers), strict=True)
        }
    )
    return nginx


# The rows


def measure_large(place: Path, running: Mapping[Server, Meter], results: Results, size: Size) -> dict[str, float]:
    """Uploads of 100 MB. How many megabytes a server's memory grows in one, at the worst moment."""
    grown: dict[str, float] = {}
    for number in range(size.rounds):
        for row, packed in ((STORED, False), (PACKED, True)):
            wheel = large(place, f"{'packed' if packed else 'stored'}-{number}", LARGE, packed=packed)
            results.add(row, MEMBERS, members_cost(wheel))
            for server, meter in running.items():
                if not server.takes_uploads:
                    continue
                before = meter.resident()
                meter.begin_peak()
                results.add(row, server.name, server.upload([wheel], meter))
                grown[server.name] = max(grown.get(server.name, 0.0), meter.peak() - before)
            wheel.path.unlink()
    return grown


def members_cost(wheel: Wheel) -> Cost:
    """Of what a RECORD asks for: every member unpacked, and its SHA-256."""
    cpu, begun = time.process_time(), time.perf_counter()
    with zipfile.ZipFile(wheel.path) as archive:
        for name in archive.namelist():
            digest = hashlib.sha256()
            with archive.open(name) as member:
                while chunk := member.read(1024 * 1024):
                    digest.update(chunk)
    return Cost(cpu=time.process_time() - cpu, wall=time.perf_counter() - begun)


def measure_small(place: Path, running: Mapping[Server, Meter], results: Results, size: Size) -> None:
    """Uploads of 20 kB to a project that is new; to ours also to one that has few files, and to one that has many."""
    for number in range(size.rounds):
        new = [small(place, "newcomer", f"{number}.{at}", SMALL) for at in range(size.uploads)]
        for server, meter in running.items():
            if server.takes_uploads and not isinstance(server, Floor):
                results.add(UPLOAD, server.name, server.upload(new, meter))
            if isinstance(server, Ours):
                for project, count in FLAT.items():
                    more = [small(place, project, f"{number + 1}.{at}", SMALL) for at in range(size.uploads)]
                    results.add(f"{UPLOAD} to {count} files", server.name, server.upload(more, meter))


def measure_downloads(place: Path, running: Mapping[Server, Meter], results: Results, size: Size) -> None:
    """A wheel of 20 MB, over one connection."""
    wheel = large(place, "download", DOWNLOAD, packed=False)
    paths = {}
    for server, meter in running.items():
        if isinstance(server, Nginx):
            server.publish({wheel.path.name: wheel.content})
        elif not isinstance(server, Floor):
            server.upload([wheel], meter)
        else:
            continue
        paths[server] = server.file_path(wheel)
    for _ in range(size.rounds):
        for server, path in paths.items():
            found = get(server.port, path, {}, running[server], seconds=size.seconds, connections=1)
            results.add(DOWNLOADED, server.name, found)


def measure_pages(running: Mapping[Server, Meter], results: Results, size: Size) -> None:
    """A project with 500 files, and the list of 5,000 projects."""
    for _ in range(size.rounds):
        for server, meter in running.items():
            for name, headers in FORMATS.items():
                if isinstance(server, Floor) or (name == "JSON" and not server.has_json):
                    continue
                for row, path in zip((PAGE, ROOT), server.pages(headers), strict=True):
                    found = get(
                        server.port, path, headers, meter, seconds=size.seconds, connections=CONNECTIONS
                    )  # fmt: skip
                    results.add(f"{row}, {name}", server.name, found)


# What is said of it


def tell(results: Results, grown: Mapping[str, float], word: str) -> None:
    """All rows, a server in each column: processor milliseconds, and on the clock."""
    servers = list(dict.fromkeys(server for row in results.rows.values() for server in row))
    print(f"Processor ms of the server for one (on the clock), medians; {word}: {SIZES[word]}")
    print(f"{'':28}" + "".join(f"{server:>20}" for server in servers))
    for row, costs in results.rows.items():
        cells = []
        for server in servers:
            cpu = results.cpu(row, server)
            wall = statistics.median(one.wall for one in costs.get(server, [Cost(cpu=0, wall=0)]))
            cells.append("" if cpu is None else f"{1000 * cpu:.4g} ({1000 * wall:.4g})")
        print(f"{row:28}" + "".join(f"{cell:>20}" for cell in cells))
    print(f"{'memory in 100 MB, over idle':28}" + "".join(f"{_megabytes(grown, one):>20}" for one in servers))


def _megabytes(grown: Mapping[str, float], server: str) -> str:
    return f"{grown[server]:.0f} MB" if server in grown else ""


def tell_targets(results: Results, grown: Mapping[str, float]) -> None:
    """One line each; a target whose peer is missing has none."""
    ours = Ours.name
    for row, target in ((STORED, "upload-100mb-over-floor"), (PACKED, "upload-100mb-record-over-floor")):
        floor, mine, members = (results.cpu(row, one) for one in (Floor.name, ours, MEMBERS))
        if floor and mine and members:
            _target(target, mine / (floor + members), 1.3)
    _target("upload-100mb-over-peryx", results.over(STORED, ours, Peryx.name), 1.1)
    _target("upload-memory-mb", grown.get(ours), 40)
    small_one = results.cpu(UPLOAD, ours)
    _target("upload-20kb-cpu-ms", small_one and 1000 * small_one, 8)
    few, most = (results.cpu(f"{UPLOAD} to {count} files", ours) for count in FLAT.values())
    _target("upload-20kb-1000-files-over-10", few and most and most / few, 1.15)
    for row in (PAGE, ROOT):
        for name in FORMATS:
            target = f"{'page-500' if row == PAGE else 'root-5000'}-{name.lower()}-rate-over-peryx"
            _target(target, results.over(f"{row}, {name}", Peryx.name, ours), 5, least=True)
    _target("download-rate-over-nginx", results.over(DOWNLOADED, Nginx.name, ours), 0.7, least=True)
    _target("start-seconds", results.rows[START][ours][0].wall, 1)
    behind = [
        f"{row}: {peer}"
        for row in results.rows
        for peer in (Devpi.name, PypiServer.name)
        if (results.over(row, ours, peer) or 0) > 1
    ]
    print("".join(f"behind in {one}\n" for one in behind), end="")
    _target("rows-behind-a-python-peer", float(len(behind)), 0)


def _target(name: str, measured: float | None, wanted: float, *, least: bool = False) -> None:
    if measured is None:
        return
    met = measured >= wanted if least else measured <= wanted
    print(f"target {name} measured {measured:.2f} wanted {wanted} {'met' if met else 'short'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
