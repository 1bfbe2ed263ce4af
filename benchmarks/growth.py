# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How what the index costs grows with the projects in it: on SQLite, and on PostgreSQL.

Each index is filled to the first size and measured, then filled to the next. A project comes with a publisher and two
files. Costs are processor time of the index and of its database (/proc, so on Linux only); nothing else may use them.
Of each curve the exponent is told: the slope of a line through its points, both axes logarithmic. 0 is flat, 1 in
proportion. The list of all projects is an answer that grows itself; its cost is told for a project in it, too.

SIZES says how many projects (1000,10000,100000), ROUNDS how many rounds, of which the median is told. PostgreSQL is
that of the tests (`make postgres`). ``--keep FILE`` writes the figures as JSON, which `make docs` draws.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import hashlib
import http.client
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from beside.curves import exponent
from beside.load import Meter, get, upload
from beside.wheels import small
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey
from mint import ISSUER, KEY_ID, PUBLISHER, identity_tokens, send
from sqlalchemy import Table, create_engine, insert

from trustpub.index.adapters.sql import tables
from trustpub.index.adapters.sql.rows import columns, file_columns, identity_key, rules_text
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.bootstrap.stores import DATABASE
from trustpub.index.kept import File, Project
from trustpub.index.registration import Wanted
from trustpub.index.settings import Postgres
from trustpub.packages.names import file_key, look_alike
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import await_ready
from trustpub.rehearsal.processes import Children
from trustpub.secret import Secret
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Rules

sys.path.append(str(Path(__file__).parents[1]))  # for the PostgreSQL of the tests
from tests.postgres import Server, running

SIZES = tuple(int(one) for one in os.environ.get("SIZES", "1000,10000,100000").split(","))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
MINTS, UPLOADS, COLD = 300, 60, 200
SECONDS = 1.0
"""Of asking for one page again and again."""
CHUNK = 2000
"""Projects in one transaction of filling."""
JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}
MINT, UPLOAD, COLD_PAGE, PAGE, ROOT, ROOT_EACH, START, MEMORY = (
    "mint", "upload of 20 kB", "project page, not asked for lately", "project page", "list of all projects",
    "list of all projects, for each", "start, to the first answer", "memory",
)  # fmt: skip
UNITS = {**dict.fromkeys((MINT, UPLOAD, COLD_PAGE, PAGE, ROOT, START), "ms"), ROOT_EACH: "µs", MEMORY: "MB"}
WANTED: Mapping[str, float] = {
    **dict.fromkeys((MINT, UPLOAD, COLD_PAGE, PAGE, START, MEMORY), 0.15), ROOT: 1.1, ROOT_EACH: 0.15,
}  # fmt: skip
"""Flat, or nearly; but for the answer that grows by itself, at most in proportion to it."""


@dataclass(kw_only=True)
class Index:
    """One that is up."""

    port: int
    meter: Meter
    database: Meter | None
    audience: str

    def cpu(self) -> float:
        """Seconds so far, the database's too."""
        return self.meter.cpu() + (0.0 if self.database is None else self.database.cpu())


@dataclass(kw_only=True)
class Grown:
    """An index that is filled step by step."""

    name: str
    place: Path
    key: rsa.RSAPrivateKey
    pool: ProcessPoolExecutor
    server: Server | None
    token: str = field(default="", repr=False)
    projects: int = 0
    token_id: str = ""
    used: int = 0
    """Identity tokens so far."""
    points: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = Folder(path=self.place)
        self.place.mkdir()
        self.folder.make()
        self.postgres = None if self.server is None else Postgres(url=Secret(self.server.create().url))
        settings = f'[server]\ndata = "{self.folder.data}"\nport = 0\n'
        if self.postgres is not None:
            secret = self.place / "url"
            secret.write_text(self.postgres.url.reveal())
            secret.chmod(0o600)
            settings += f'[postgres]\nurl_file = "{secret}"\n'
        (self.place / "settings.toml").write_text(settings)

    @contextmanager
    def running(self) -> Iterator[tuple[Index, float]]:
        """The index, and how many ms it took to its first answer."""
        argv = [sys.executable, "-m", "trustpub", "serve", "--config", str(self.place / "settings.toml"), "--rehearsal"]
        with Children() as children:
            begun = time.perf_counter()
            log = self.folder.log("index")
            started = children.start(argv, env=self.folder.bare(os.environ), cwd=self.place, log=log)
            found = await_ready(started, self.folder)
            port = int(found.url.rpartition(":")[2])
            ask(port, "/readyz")
            took = 1000 * (time.perf_counter() - begun)
            database = None if self.server is None else Meter(self.server.pid)
            yield Index(port=port, meter=Meter(found.pid), database=database, audience=found.audience), took

    def begin(self) -> None:
        """An issuer and its key, the publisher that mints, and somebody who may upload."""
        with self.running():
            pass
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        jwk = RSAKey.import_key(pem, {"kid": KEY_ID}).as_dict(private=False)
        with open_folder(self.folder.data, create=False, postgres=self.postgres) as opened:
            opened.issuers.add(ISSUER, "github", jwks={"keys": [jwk]})
            opened.publishers.add(Wanted(project="hello", kind="github", issuer=ISSUER, fields=PUBLISHER, pending=True))
            row, token = opened.credentials.issue_user_token(opened.people.add("alice"), scope="upload")
            opened.people.note_token(row)
            self.token, self.token_id = token.reveal(), row.id

    def fill(self, size: int) -> None:
        """Projects with their publishers and files, as registrations and uploads would leave them."""
        where = f"sqlite:///{self.folder.data / DATABASE}"
        if self.postgres is not None:
            where = self.postgres.url.reveal().replace("postgresql:", "postgresql+psycopg:", 1)
        engine = create_engine(where)
        for begin in range(self.projects, size, CHUNK):
            with engine.begin() as connection:
                for table, rows in _rows(range(begin, min(begin + CHUNK, size)), self.token_id).items():
                    connection.execute(insert(table), rows)
        if self.postgres is not None:
            # What PostgreSQL does by itself some time after so many rows came at once.
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
        engine.dispose()
        with (
            open_folder(self.folder.data, create=False, postgres=self.postgres) as opened,
            opened.store.write() as writing,
        ):
            # By which the index knows that its list has changed.
            writing.add_project(_project(f"last-of-{size}", f"last-of-{size}"))
        self.projects = size

    def measure(self) -> None:
        """Everything at this size; the list of all projects last, for it stays in memory."""
        rounds = [self._round() for _ in range(ROUNDS)]
        for name in rounds[0]:
            self.points.setdefault(name, []).append(statistics.median(one[name] for one in rounds))

    def _round(self) -> Mapping[str, float]:
        with self.running() as (index, took):
            tokens = identity_tokens(self.pool, self.key, index.audience, MINTS + self.used + 50)[self.used :]
            self.used += len(tokens)
            self.pool.submit(send, index.port, "/_/oidc/mint-token", tokens[:50]).result()
            before = index.cpu()
            self.pool.submit(send, index.port, "/_/oidc/mint-token", tokens[50:]).result()
            found = {START: took, MINT: 1000 * (index.cpu() - before) / MINTS, UPLOAD: self._uploads(index)}
            found[COLD_PAGE] = self._cold(index)
            found[PAGE] = 1000 * _again(index, "/simple/p-7/")
            found[MEMORY] = index.meter.resident()
            each = _again(index, "/simple/")
            return {**found, ROOT: 1000 * each, ROOT_EACH: 1e6 * each / self.projects}

    def _uploads(self, index: Index) -> float:
        place = Path(tempfile.mkdtemp(dir=self.place))
        wheels = [small(place, f"up{self.projects}-{time.time_ns()}", f"1.{at}", 20_000) for at in range(UPLOADS)]
        credential = base64.b64encode(f"__token__:{self.token}".encode()).decode()
        before = 0.0 if index.database is None else index.database.cpu()
        cost = upload(index.port, "/legacy/", {"Authorization": f"Basic {credential}"}, wheels, index.meter)
        after = 0.0 if index.database is None else index.database.cpu()
        return 1000 * (cost.cpu + (after - before) / UPLOADS)

    def _cold(self, index: Index) -> float:
        step = max(1, self.projects // COLD)
        before = index.cpu()
        for number in range(COLD):
            ask(index.port, f"/simple/p-{number * step % self.projects}/")
        return 1000 * (index.cpu() - before) / COLD


def _again(index: Index, path: str) -> float:
    before = 0.0 if index.database is None else index.database.cpu()
    cost = get(index.port, path, JSON, index.meter, seconds=SECONDS, connections=4)
    after = 0.0 if index.database is None else index.database.cpu()
    return cost.cpu + (after - before) * cost.wall / SECONDS


def ask(port: int, path: str) -> None:
    """One request, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=JSON)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"GET {path} was answered {answer.status}")


def _rows(numbers: range, token_id: str) -> Mapping[Table, list[dict[str, Any]]]:
    """Of the tables, as the store would write them."""
    found: dict[Table, list[dict[str, Any]]] = {
        one: [] for one in (tables.projects, tables.publishers, tables.publisher_links, tables.files)
    }
    provider = PROVIDERS["github"]
    for number in numbers:
        name, project, publisher = f"p-{number}", f"project-{number}", f"publisher-{number}"
        found[tables.projects].append({**columns(_project(project, name)), "look_alike": look_alike(name)})
        fields = {**PUBLISHER, "repository": f"owner-{number % 997}/{name}", "repository_id": str(10_000 + number)}
        found[tables.publishers].append({
            "id": publisher, "issuer": ISSUER, "kind": "github", "lookup": provider.lookup(fields),
            "identity": identity_key("github", fields), "fields": json.dumps(fields), "immutable": "[]",
            "pin_on_first_use": 0,
        })  # fmt: skip
        link = {"publisher_id": publisher, "project_id": project, "rules": rules_text(Rules())}
        found[tables.publisher_links].append(link)
        for version in ("1.0", "1.1"):
            file = _file(project, f"p_{number}-{version}-py3-none-any.whl", version, token_id)
            found[tables.files].append({**file_columns(file), "normalized": file_key(file.filename)})
    return found


def _project(ident: str, name: str) -> Project:
    return Project(id=ident, name=name, normalized=name, created=0, pending_until=None, serial=1)


def _file(project: str, name: str, version: str, token_id: str) -> File:
    return File(
        project_id=project, filename=name, version=version, filetype="bdist_wheel", size=20_000,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        blake2b_256=hashlib.blake2b(name.encode(), digest_size=32).hexdigest(), md5=None, metadata_sha256=None,
        requires_python=">=3.9", uploaded=1_790_000_000.25, token_id=token_id,
    )  # fmt: skip


def tell(grown: Sequence[Grown]) -> None:
    """A table for each index, and the targets."""
    for one in grown:
        print(f"{one.name}: costs at so many projects (medians of {ROUNDS})")
        print(f"  {'':38}" + "".join(f"{size:>11,}" for size in SIZES) + "   exponent")
        for name, points in one.points.items():
            told = "".join(f"{point:>11.2f}" for point in points)
            print(f"  {f'{name}, {UNITS[name]}':38}{told}{exponent(SIZES, points):>11.2f}")
    for one in grown:
        for name, points in one.points.items():
            slope, label = exponent(SIZES, points), name.replace(",", "").replace(" ", "-")
            met = "met" if slope <= WANTED[name] else "short"
            print(f"target growth-{one.name}-{label}-exponent measured {slope:.2f} wanted {WANTED[name]} {met}")


def main() -> int:
    """Fill, measure, fill …"""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--keep", type=Path, metavar="FILE")
    given = reader.parse_args()
    if not Path("/proc/self/stat").exists():
        print("The processor time of another process is read from /proc, which is not here.")
        return 1
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pool = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        server = stack.enter_context(running())
        grown = [
            Grown(name=name, place=place / name, key=key, pool=pool, server=one)
            for name, one in (("SQLite", None), ("PostgreSQL", server))
        ]
        for one in grown:
            one.begin()
        for size in SIZES:
            for one in grown:
                begun = time.perf_counter()
                one.fill(size)
                filled = time.perf_counter()
                one.measure()
                took = f"filled in {filled - begun:.0f} s, measured in {time.perf_counter() - filled:.0f} s"
                print(f"{one.name}, {size:,} projects: {took}", file=sys.stderr, flush=True)
    tell(grown)
    if given.keep:
        kept = {
            "command": "python benchmarks/growth.py", "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
            f"Python {platform.python_version()}",
            "rounds": ROUNDS, "sizes": SIZES, "units": UNITS, "indexes": {one.name: one.points for one in grown},
        }  # fmt: skip
        given.keep.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
