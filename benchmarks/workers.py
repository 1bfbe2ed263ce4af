# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a mint and an upload cost with one worker and with two on PostgreSQL, beside one process on SQLite.

All three indexes are up at once on the same machine, and take their turns. What counts is processor time, of the
processes of the index and, apart from it, of PostgreSQL (/proc, so on Linux only): on a machine with few processors
the load, the database and the workers share them, and the time on the clock says little of what more would bring.

MINTS and UPLOADS set how many there are in a round, ROUNDS the rounds after one to warm up; medians are told. It needs
PostgreSQL, as the tests do (`make postgres`).
"""

from __future__ import annotations

import base64
import http.client
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import pytest
from beside.load import Meter
from beside.wheels import BOUNDARY, Wheel, form, small
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey
from mint import ISSUER, KEY_ID, PUBLISHER, identity_tokens, send

from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.registration import Wanted
from trustpub.index.settings import Postgres
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import await_ready
from trustpub.rehearsal.processes import Children
from trustpub.secret import Secret

sys.path.append(str(Path(__file__).parents[1]))  # for the PostgreSQL of the tests
from tests.postgres import Server, running

MINTS = int(os.environ.get("MINTS", "1000"))
UPLOADS = int(os.environ.get("UPLOADS", "200"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
CONNECTIONS = 8
WHEEL_BYTES = 20_000
WANTED_SHARE = 0.85
"""Of what one worker does in a second of processor time, what each of two is to do."""
SQLITE, ONE, TWO = "SQLite, one process", "PostgreSQL, one worker", "PostgreSQL, two workers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one round."""

    done: int
    wall: float
    index: float
    """Seconds of processor time."""
    database: float

    @property
    def per_cpu_second(self) -> float:
        """Of the index's processes."""
        return self.done / max(self.index, 0.01)

    @property
    def per_cpu_second_of_all(self) -> float:
        """The database's included."""
        return self.done / max(self.index + self.database, 0.01)


@dataclass(slots=True, kw_only=True)
class Measured:
    """An index at work."""

    port: int
    audience: str
    token: str = field(repr=False)
    workers: int
    meter: Meter
    database: Meter | None
    mints: list[Cost] = field(default_factory=list)
    uploads: list[Cost] = field(default_factory=list)

    def cost(self, before: tuple[float, float, float], done: int) -> Cost:
        """Of what was done since :meth:`now`."""
        wall, index, database = self.now()
        return Cost(done=done, wall=wall - before[0], index=index - before[1], database=database - before[2])

    def now(self) -> tuple[float, float, float]:
        """The clock, and processor time so far."""
        return time.perf_counter(), self.meter.cpu(), 0.0 if self.database is None else self.database.cpu()


def main() -> int:
    """Measure, print, and end with the targets' lines."""
    if not Path("/proc/self/stat").exists():
        print("The processor time of another process is read from /proc, which is not here.")
        return 1
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            server = stack.enter_context(running())
        except pytest.skip.Exception as missing:
            print(missing)
            return 0
        children = stack.enter_context(Children())
        pool = stack.enter_context(ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")))
        indexes = {
            SQLITE: start(children, place / "sqlite", key, None, workers=1),
            ONE: start(children, place / "one", key, server, workers=1),
            TWO: start(children, place / "two", key, server, workers=2),
        }
        tokens = {
            name: identity_tokens(pool, key, index.audience, MINTS * (ROUNDS + 1)) for name, index in indexes.items()
        }
        (place / "wheels").mkdir()
        for number in range(ROUNDS + 1):
            for name, index in indexes.items():
                batch = tokens[name][number * MINTS : (number + 1) * MINTS]
                before = index.now()
                # As many connections for each worker: a mint has the same company in its round.
                lanes = [batch[at :: index.workers] for at in range(index.workers)]
                for sent in [pool.submit(send, index.port, "/_/oidc/mint-token", lane) for lane in lanes]:
                    sent.result()
                index.mints.append(index.cost(before, len(batch)))
                wheels = [
                    small(place / "wheels", f"p{at % 20}", f"{number}.{at}", WHEEL_BYTES) for at in range(UPLOADS)
                ]
                upload_all(index, wheels)
    tell(indexes)
    return 0


def start(children: Children, place: Path, key: rsa.RSAPrivateKey, server: Server | None, *, workers: int) -> Measured:
    """An index that knows an issuer and its key, a publisher, and somebody who may upload."""
    folder = Folder(path=place)
    place.mkdir()
    folder.make()
    settings = f'[server]\ndata = "{folder.data}"\nport = 0\nworkers = {workers}\n'
    postgres = None
    if server is not None:
        postgres = Postgres(url=Secret(server.create().url))
        (place / "url").write_text(postgres.url.reveal())
        (place / "url").chmod(0o600)
        settings += f'[postgres]\nurl_file = "{place}/url"\n'
    (place / "settings.toml").write_text(settings)
    argv = [sys.executable, "-m", "trustpub", "serve", "--config", str(place / "settings.toml"), "--rehearsal"]
    started = children.start(argv, env=folder.bare(os.environ), cwd=place, log=folder.log("index"))
    index = await_ready(started, folder)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    jwk = RSAKey.import_key(pem, {"kid": KEY_ID}).as_dict(private=False)
    with open_folder(folder.data, create=False, postgres=postgres) as opened:
        opened.issuers.add(ISSUER, "github", jwks={"keys": [jwk]})
        opened.publishers.add(Wanted(project="hello", kind="github", issuer=ISSUER, fields=PUBLISHER, pending=True))
        alice = opened.people.add("alice")
        token = opened.credentials.issue_user_token(alice, scope="upload")[1].reveal()
    return Measured(
        workers=workers, port=int(index.url.rpartition(":")[2]), audience=index.audience, token=token,
        meter=Meter(index.pid), database=None if server is None else Meter(server.pid),
    )  # fmt: skip


def upload_all(index: Measured, wheels: Sequence[Wheel]) -> None:
    """Over connections that stay open, each taking the next that nobody has taken."""
    bodies = []
    for wheel in wheels:
        content = wheel.content
        head, tail = form(wheel, content)
        bodies.append(head + content + tail)
        wheel.path.unlink()
    credential = base64.b64encode(f"__token__:{index.token}".encode()).decode()
    headers = {
        "Authorization": f"Basic {credential}", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }  # fmt: skip

    def send_some(part: Sequence[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", index.port, timeout=120)
        for body in part:
            connection.request("POST", "/legacy/", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise SystemExit(f"An upload was answered {answer.status} {said[:300]!r}")
        connection.close()

    before = index.now()
    lanes = CONNECTIONS * index.workers
    with ThreadPoolExecutor(lanes) as threads:
        list(threads.map(send_some, [bodies[at::lanes] for at in range(lanes)]))
    index.uploads.append(index.cost(before, len(bodies)))


def tell(indexes: dict[str, Measured]) -> None:
    """Medians of the rounds."""
    print(
        f"{ROUNDS} rounds of {MINTS} mints over 16 connections for each worker, "
        f"and {UPLOADS} uploads of 20 kB over {CONNECTIONS}"
    )
    for what in ("mints", "uploads"):
        rate = {}
        for name, index in indexes.items():
            rounds: list[Cost] = getattr(index, what)[1:]
            rate[name] = statistics.median(one.per_cpu_second for one in rounds)
            whole = statistics.median(one.per_cpu_second_of_all for one in rounds)
            wall = statistics.median(one.done / one.wall for one in rounds)
            print(
                f"  {what:8}{name:26} {rate[name]:6.0f} per CPU-second of the index, {whole:6.0f} with the database's, "
                f"{wall:6.0f} per second"
            )
        share = rate[TWO] / rate[ONE]
        met = "met" if share >= WANTED_SHARE else "short"
        print(f"target {what}-with-two-workers-over-one measured {share:.2f} wanted {WANTED_SHARE} {met}")


if __name__ == "__main__":
    sys.exit(main())
