# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What mints, uploads and burns leave: rows and bytes of each table, on SQLite and on PostgreSQL.

They are really done, by an index with PROJECTS projects (2000), and the tables are looked at before and after: bytes
with their indexes, of SQLite by its ``dbstat``, of PostgreSQL by ``pg_total_relation_size`` with the room that changed
rows left; and its log, written without images of whole pages. Besides, how much of the processor time is the index's
and how much the database's, and what the size of a file or of the list of all projects adds. MINTS and UPLOADS say how
many there are. ``--keep FILE`` writes the figures as JSON; benchmarks/scale.py reckons with them.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import http.client
import json
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
from beside.load import get, upload
from beside.wheels import Wheel, small
from cryptography.hazmat.primitives.asymmetric import rsa
from growth import JSON, Grown, Index, ask
from mint import identity_tokens, send

from trustpub.index.adapters.sql.tables import metadata
from trustpub.index.bootstrap.stores import DATABASE

sys.path.append(str(Path(__file__).parents[1]))  # for the PostgreSQL of the tests
from tests.postgres import running

PROJECTS = int(os.environ.get("PROJECTS", "2000"))
MINTS = int(os.environ.get("MINTS", "2000"))
BURNS = 200
UPLOADS = int(os.environ.get("UPLOADS", "1000"))
WARM = 50
LARGE, LARGE_BYTES = 12, 8_000_000
SMALL_BYTES = 20_000
MAKINGS = 5
"""Of the list of all projects, anew."""

Tables = Mapping[str, tuple[int, int]]
"""Rows and bytes of each."""


class Watch:
    """Tables, the log's end, and processor time of an index and of its database."""

    def __init__(self, grown: Grown, index: Index) -> None:
        self._grown = grown
        self._index = index

    def tables(self) -> Tables:
        """As they are now."""
        if self._grown.postgres is None:
            return _sqlite(self._grown.folder.data / DATABASE)
        return _postgres(self._grown.postgres.url.reveal())

    def log(self) -> int:
        """Bytes of PostgreSQL's log so far; SQLite's is written over and over."""
        if self._grown.postgres is None:
            return 0
        with psycopg.connect(self._grown.postgres.url.reveal()) as connection:
            found = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()
            assert found is not None
            return int(found[0])

    def left(self, count: int, act: Callable[[], object]) -> Mapping[str, Any]:
        """Of one, when ``act`` does ``count``."""
        before, log, index, database = self.tables(), self.log(), self._index.meter.cpu(), self._database()
        act()
        time.sleep(0.1)  # what is still done for it is part of its cost
        spent = {"index": self._index.meter.cpu() - index, "database": self._database() - database}
        log, after = self.log() - log, self.tables()
        changed = {
            name: {"rows": _each(rows - before[name][0], count), "bytes": _each(size - before[name][1], count)}
            for name, (rows, size) in after.items()
            if (rows, size) != before[name]
        }
        cost = {name: round(1000 * seconds / count, 3) for name, seconds in spent.items()}
        return {"tables": changed, "log": round(log / count), "ms": cost}

    def _database(self) -> float:
        return 0.0 if self._index.database is None else self._index.database.cpu()


def _each(total: int, count: int) -> float:
    return round(total / count, 3)


def _sqlite(path: Path) -> Tables:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        sizes = dict(
            connection.execute(
                "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name GROUP BY 1"
            )
        )
        return {one: (_counted(connection.execute(_count(one)).fetchone()), sizes.get(one, 0)) for one in _names()}


def _postgres(url: str) -> Tables:
    with psycopg.connect(url) as connection:
        found = {}
        for one in _names():
            size = connection.execute("SELECT pg_total_relation_size(%s)", (one,)).fetchone()
            found[one] = (_counted(connection.execute(_count(one).encode()).fetchone()), _counted(size))
        return found


def _names() -> Sequence[str]:
    return sorted(metadata.tables)


def _count(table: str) -> str:
    return f'SELECT count(*) FROM "{table}"'  # noqa: S608 - a name of ours


def _counted(row: Sequence[Any] | None) -> int:
    return 0 if row is None else int(row[0])


def measure(grown: Grown) -> Mapping[str, Any]:
    """Everything, of one index."""
    grown.begin()
    with grown.running() as (index, _):
        empty = Watch(grown, index).tables()
    grown.fill(PROJECTS)
    with grown.running() as (index, _):
        watch = Watch(grown, index)
        filled = watch.tables()
        project = {
            name: {
                "rows": _each(rows - empty[name][0], PROJECTS),
                "bytes": _each(size - empty[name][1], PROJECTS),
            }
            for name, (rows, size) in filled.items()
            if rows != empty[name][0]
        }
        tokens = identity_tokens(grown.pool, grown.key, index.audience, MINTS + WARM + BURNS)
        grown.pool.submit(send, index.port, "/_/oidc/mint-token", tokens[:WARM]).result()
        found: dict[str, Any] = {"project": {"tables": project}}
        found["mint"] = watch.left(
            MINTS, lambda: grown.pool.submit(send, index.port, "/_/oidc/mint-token", tokens[WARM:-BURNS]).result()
        )
        found["upload"] = watch.left(UPLOADS, lambda: _upload(grown, index, UPLOADS, SMALL_BYTES))
        minted = _posted(index.port, "/_/oidc/mint-token", tokens[-BURNS:])
        given = [json.loads(answer)["token"] for answer in minted]
        found["burn"] = watch.left(BURNS, lambda: _posted(index.port, "/_/oidc/burn-token", given))
        large = watch.left(LARGE, lambda: _upload(grown, index, LARGE, LARGE_BYTES))["ms"]
        more = (LARGE_BYTES - SMALL_BYTES) / 1e6
        found["megabyte"] = {
            "upload": round(max(0.0, large["index"] - found["upload"]["ms"]["index"]) / more, 3),
            "download": round(_download(index) / (LARGE_BYTES / 1e6), 3),
        }
        found["page"] = {"ms": _page(watch, index, "/simple/p-7/")}
        found["list"] = _list(grown, index)
    return found


def _upload(grown: Grown, index: Index, count: int, size: int) -> Wheel:
    place = Path(tempfile.mkdtemp(dir=grown.place))
    wheels = [small(place, f"trace-{size}-{at % 20}", f"1.{at}", size) for at in range(count)]
    credential = base64.b64encode(f"__token__:{grown.token}".encode()).decode()
    upload(index.port, "/legacy/", {"Authorization": f"Basic {credential}"}, wheels, index.meter)
    shutil.rmtree(place)
    return wheels[-1]


def _posted(port: int, path: str, tokens: Sequence[str]) -> list[bytes]:
    """What was answered to each, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    answers = []
    for token in tokens:
        connection.request("POST", path, json.dumps({"token": token}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answers.append(answer.read())
        if answer.status not in (200, 202):
            raise SystemExit(f"{path} was answered {answer.status} {answers[-1][:300]!r}")
    connection.close()
    return answers


def _download(index: Index) -> float:
    """Processor ms of the index for one of the large files."""
    connection = http.client.HTTPConnection("127.0.0.1", index.port, timeout=60)
    connection.request("GET", f"/simple/trace-{LARGE_BYTES}-0/", headers=JSON)
    page = json.loads(connection.getresponse().read())
    connection.close()
    path = "/" + page["files"][0]["url"].split("/", 3)[3]
    return 1000 * get(index.port, path, {}, index.meter, seconds=1.0, connections=2).cpu


def _page(watch: Watch, index: Index, path: str) -> Mapping[str, float]:
    asked = 400
    spent: Mapping[str, float] = watch.left(asked, lambda: [ask(index.port, path) for _ in range(asked)])["ms"]
    return spent


def _list(grown: Grown, index: Index) -> Mapping[str, float]:
    """Of the list of all projects, for each project in it: microseconds of making it anew, and its bytes."""
    spent = 0.0
    for number in range(MAKINGS):
        _upload(grown, index, 1, SMALL_BYTES + 1 + number)
        before = index.cpu()
        ask(index.port, "/simple/")
        time.sleep(0.05)
        spent += index.cpu() - before
    connection = http.client.HTTPConnection("127.0.0.1", index.port, timeout=60)
    connection.request("GET", "/simple/", headers=JSON)
    length = len(connection.getresponse().read())
    connection.close()
    return {"us": round(1e6 * spent / MAKINGS / PROJECTS, 3), "bytes": round(length / PROJECTS, 1)}


def tell(name: str, found: Mapping[str, Any]) -> None:
    """One index."""
    print(f"{name}: what one leaves, in an index with {PROJECTS:,} projects")
    for what, kept in found.items():
        for table, left in kept.get("tables", {}).items():
            print(f"  {what:9}{table:18}{left['rows']:7.2f} rows {left['bytes']:8.0f} bytes")
        if "ms" in kept:
            spent = f"{kept['ms']['index']:.2f} ms of the index, {kept['ms']['database']:.2f} ms of the database"
            print(f"  {what:9}{spent}" + (f", {kept['log']:,} bytes of the log" if kept.get("log") else ""))
    each = found["megabyte"]
    print(f"  each megabyte: uploaded {each['upload']:.2f} ms, downloaded {each['download']:.2f} ms")
    listed = found["list"]
    print(f"  list of all projects, for each: made anew {listed['us']:.1f} µs, {listed['bytes']:.0f} bytes")


def main() -> int:
    """Both."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--keep", type=Path, metavar="FILE")
    given = reader.parse_args()
    if not Path("/proc/self/stat").exists():
        print("The processor time of another process is read from /proc, which is not here.")
        return 1
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    indexes = {}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pool = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        server = stack.enter_context(running())
        for name, one in (("SQLite", None), ("PostgreSQL", server)):
            indexes[name] = measure(Grown(name=name, place=place / name, key=key, pool=pool, server=one))
            tell(name, indexes[name])
    if given.keep:
        machine = (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
        )
        kept = {
            "command": "python benchmarks/traces.py", "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": machine, "projects": PROJECTS, "indexes": indexes,
        }  # fmt: skip
        given.keep.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
