# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub serve --workers 2``: the real program on a real PostgreSQL, its workers killed and replaced."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from trustpub.index.accounts.authority import MANAGE_SCOPE

from ..faults.uploading import Client, Wheel  # noqa: TID252 - pytest gives these folders no absolute name
from ..postgres import PASSWORD, Database, Server  # noqa: TID252
from ..soak.asking import Asking, Tally  # noqa: TID252
from ..soak.many import Jobs, Many, project  # noqa: TID252

METRICS = '[metrics]\nnetworks = ["127.0.0.1"]\n'
SECONDS = 30


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[Many]:
    """One for all tests here: whatever they do to its workers, it goes on."""
    many = Many(tmp_path_factory.mktemp("many"), postgres.create(), settings=METRICS)
    many.start()
    yield many
    many.stop(signal.SIGKILL)


@pytest.fixture
def another(tmp_path: Path, database: Database) -> Iterator[Many]:
    """One that a test may stop."""
    many = Many(tmp_path, database)
    many.start()
    yield many
    many.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def token(many: Many) -> str:
    """Of somebody who may upload anything."""
    return issued(many, "upload")


def issued(many: Many, scope: str) -> str:
    with many.opened() as folder:
        someone = folder.people.add(f"someone-who-may-{scope}")
        return folder.credentials.issue_user_token(someone, scope=scope)[1].reveal()


def soon(true: Callable[[], object]) -> None:
    until = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def asked(many: Many, path: str) -> tuple[int, str]:
    """Over a connection of its own, so that any worker may answer."""
    with Client(many.url) as client:
        answer = client.get(path)
        return answer.status, answer.body.decode()


def figure(many: Many, name: str) -> float:
    status, text = asked(many, "/metrics")
    assert status == 200, text
    return sum(float(value) for value in re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE))


def test_several_workers_on_a_file_are_refused_with_the_way_there(tmp_path: Path) -> None:
    command = ["serve", "--data", str(tmp_path / "index"), "--port", "0", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "trustpub", *command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "2 workers need PostgreSQL" in done.stderr
    assert "trustpub admin move-to-postgres" in done.stderr
    assert not (tmp_path / "index").exists()


def test_what_one_worker_was_told_every_worker_knows(many: Many) -> None:
    tally, jobs = Tally(), Jobs()
    soon(lambda: len(many.pids()) == 2)
    with many.opened() as folder:
        owner = folder.people.add("owner")
        jobs.register(folder, 1, owner="owner")
        manager = folder.credentials.issue_user_token(owner, scope=MANAGE_SCOPE)[1].reveal()

    def another() -> Asking:
        made.append(Asking(many.url, tally))
        return made[-1]

    made: list[Asking] = []
    name = project(0)
    for number in range(6):
        # Each over a connection of its own: the workers take turns, more or less.
        minted = another().mint(jobs.token(many.audience, 0))
        wheel = Wheel(name, f"1.{number}", 500)
        assert another().upload(wheel, minted.json["token"]).status == 200
        for _ in range(3):
            assert wheel.filename in {one["filename"] for one in another().page(name).json["files"]}
        body = {"filenames": [wheel.filename], "reason": "why"}
        assert another().manage("POST", f"/projects/{name}/yank", manager, body).ok
        for _ in range(3):
            files = another().page(name).json["files"]
            assert {one["filename"]: one["yanked"] for one in files}[wheel.filename] == "why"
    for one in made:
        one.close()
    assert tally.wrong == []


def test_figures_are_of_all_workers_together_and_of_those_that_are_gone(many: Many) -> None:
    counted = 'trustpub_requests_total{route="health",status="2xx"}'
    before = figure(many, counted)
    for _ in range(30):
        assert asked(many, "/healthz")[0] == 200
    soon(lambda: figure(many, counted) == before + 30)
    killed = many.pids()[0]
    os.kill(killed, signal.SIGKILL)
    soon(lambda: len(set(many.pids()) - {killed}) == 2)
    soon(lambda: figure(many, counted) == before + 30)
    assert asked(many, "/metrics")[1].count("\ntrustpub_requests_in_progress ") == 1
    assert asked(many, "/readyz") == (200, "ready\n")


def test_the_parent_tells_the_figures_of_workers_that_speak_tls(tmp_path: Path, database: Database) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    many = Many(tmp_path, database, settings=f"[metrics]\nport = {port}\n")
    many.start("--tls-dev")
    try:
        context = ssl.create_default_context(cafile=str(many.data / "tls/ca.pem"))
        for _ in range(5):
            with urllib.request.urlopen(f"{many.url}/healthz", context=context, timeout=SECONDS) as answer:
                assert answer.read() == b"ok\n"
        with Client(f"http://127.0.0.1:{port}") as client:
            soon(lambda: b'route="health",status="2xx"} 5.0' in client.get("/metrics").body)
        with socket.create_connection(("127.0.0.1", int(many.url.rpartition(":")[2])), timeout=SECONDS) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")  # no TLS: nobody else is disturbed by that
            with contextlib.suppress(OSError):
                plain.recv(100)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{many.url}/metrics", context=context, timeout=SECONDS)
        for pid in many.pids():
            os.kill(pid, signal.SIGKILL)
        # Nobody serves, and they are there all the same.
        with Client(f"http://127.0.0.1:{port}") as client:
            assert b'route="health",status="2xx"} 5.0' in client.get("/metrics").body
    finally:
        assert many.stop() == 0


def test_of_a_worker_that_is_killed_nothing_stays_in_the_way(many: Many, token: str) -> None:
    wheel = Wheel("killed", "1.0", 3_000_000)
    staging = many.data / "staging"
    with Client(many.url, token) as client:

        def upload() -> None:
            with pytest.raises((OSError, http.client.HTTPException)):
                client.upload(wheel, 0.05)

        thread = threading.Thread(target=upload)
        thread.start()
        soon(lambda: list(staging.iterdir()))
        (arriving,) = staging.iterdir()
        killed = int(arriving.name.partition("-")[0])
        assert killed in many.pids()
        os.kill(killed, signal.SIGKILL)
        thread.join(SECONDS)
        soon(lambda: not list(staging.iterdir()))
    with Client(many.url, token) as client:
        assert client.upload(wheel).status == 200
        assert [one["filename"] for one in client.files("killed")] == [wheel.filename]


def test_one_of_all_workers_keeps_house(many: Many) -> None:
    def keepers() -> int:
        asking = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND classid = %s"
        (row,) = many.database.run(asking, int.from_bytes(b"tp:h"))
        return int(row[0])

    soon(keepers)
    assert keepers() == 1
    for pid in many.pids():
        os.kill(pid, signal.SIGKILL)
    soon(lambda: len(many.pids()) == 2 and keepers() == 1)


def test_a_stop_lets_an_upload_under_way_finish_and_is_no_fault(another: Many) -> None:
    many, token = another, issued(another, "upload")
    wheel = Wheel("hello", "1.0", 2_000_000)
    answers: list[int] = []
    with Client(many.url, token) as client:
        thread = threading.Thread(target=lambda: answers.append(client.upload(wheel, 0.05).status))
        thread.start()
        soon(lambda: list((many.data / "staging").iterdir()))
        workers = many.pids()
        assert many.stop(signal.SIGTERM, SECONDS) == 0
        thread.join(SECONDS)
    assert answers == [200]
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    with many.opened() as folder, folder.store.read() as reading:
        assert reading.file(wheel.filename) is not None


def test_on_a_hangup_all_are_replaced_and_nobody_notices(many: Many, token: str) -> None:
    soon(lambda: len(many.pids()) == 2)
    before, statuses = set(many.pids()), set()
    wheel, answers = Wheel("hangup", "1.0", 2_000_000), []

    def upload() -> None:
        with Client(many.url, token) as client:
            answers.append(client.upload(wheel, 0.05).status)

    thread = threading.Thread(target=upload)
    thread.start()
    soon(lambda: list((many.data / "staging").iterdir()))
    assert many.process is not None
    many.process.send_signal(signal.SIGHUP)
    until = time.monotonic() + SECONDS
    while before & set(many.pids()) or len(many.pids()) != 2:
        assert time.monotonic() < until
        statuses.add(asked(many, "/simple/")[0])
    thread.join(SECONDS)
    assert answers == [200]
    assert statuses == {200}


def test_no_secret_is_where_others_of_the_machine_can_see_it(many: Many, token: str) -> None:
    for pid in [*many.pids(), many.process.pid if many.process else 0]:
        shown = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
        assert PASSWORD.encode() not in shown
    assert PASSWORD not in many.log()


def test_another_machine_serves_the_same_index_with_the_same_secret_only(
    many: Many, token: str, tmp_path: Path
) -> None:
    with Client(many.url, token) as client:
        assert client.upload(Wheel("elsewhere", "1.0", 500)).status == 200
    (tmp_path / "elsewhere").mkdir()
    other = Many(tmp_path / "elsewhere", many.database)
    with pytest.raises(AssertionError, match="secret"):
        other.start("--public-url", many.url)
    other.data.mkdir(exist_ok=True)
    shutil.copy(many.data / "secret", other.data / "secret")
    other.start("--public-url", many.url)
    try:
        assert other.audience == many.audience
        where = next(line for line in other.log().splitlines() if "is up" in line)
        assert "worker" in where
    finally:
        assert other.stop() == 0


def test_the_root_page_is_that_of_the_last_upload_whoever_answers(many: Many, token: str) -> None:
    with Client(many.url, token) as client:
        for number in range(5):
            assert client.upload(Wheel(f"project{number}", "1.0", 300)).status == 200
            for _ in range(4):
                assert f"project{number}" in asked(many, "/simple/")[1]


def test_of_connections_that_come_together_each_worker_takes_its_part(many: Many) -> None:
    soon(lambda: len(many.pids()) == 2)
    port = int(many.url.rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
        soon(lambda: sum(connections(pid, port) for pid in many.pids()) >= 40)
        assert min(connections(pid, port) for pid in many.pids()) >= 4


def connections(pid: int, port: int) -> int:
    """Open ones of this process at the port that it serves."""
    sockets = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(one).removeprefix("socket:[").removesuffix("]"))
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == "01" and int(row[1].rpartition(":")[2], 16) == port and row[9] in sockets for row in rows)


def test_a_connection_that_is_kept_goes_on_while_others_come(many: Many) -> None:
    parts = urlsplit(many.url)
    open_ones = [http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS) for _ in range(20)]
    for _ in range(3):
        for one in open_ones:
            one.request("GET", "/healthz")
            assert one.getresponse().read() == b"ok\n"
    for one in open_ones:
        one.close()
