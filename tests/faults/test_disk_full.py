# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A disk that is full: at every stage of an upload, on a small file system of the test's own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import Index, trustpub
from .uploading import Answer, Wheel, below

PAGE = 4096
DISK_BYTES = 64 * 1024 * 1024
DISK_FILES = 3000


@dataclass
class Disk:
    """A small file system that only the processes in one mount namespace see, and this test through ``/proc``."""

    path: Path
    """As those processes call it."""
    keeper: subprocess.Popen[bytes]

    @property
    def within(self) -> list[str]:
        """What a command is run through to be among them."""
        return ["nsenter", f"--mount=/proc/{self.keeper.pid}/ns/mnt"]

    @property
    def seen(self) -> Path:
        """As this test sees it."""
        return Path(f"/proc/{self.keeper.pid}/root{self.path}")

    def leave(self, pages: int) -> None:
        """Fill it, but for so many pages."""
        self.empty()
        free = os.statvfs(self.seen).f_bfree
        assert free >= pages
        if free > pages:
            with (self.seen / "ballast").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, (free - pages) * PAGE)
        assert os.statvfs(self.seen).f_bfree == pages

    def leave_files(self, count: int) -> None:
        """Let only so many more files be made."""
        folder = self.seen / "many"
        folder.mkdir(exist_ok=True)
        free = os.statvfs(self.seen).f_ffree
        for number in range(free - count):
            (folder / f"{number}-{free}").touch()
        there = list(folder.iterdir())
        for path in there[: max(0, count - free)]:
            path.unlink()
        assert os.statvfs(self.seen).f_ffree == count

    def empty(self) -> None:
        """Take the ballast away."""
        (self.seen / "ballast").unlink(missing_ok=True)
        if (self.seen / "many").exists():
            shutil.rmtree(self.seen / "many")


def _mounted(path: Path) -> subprocess.Popen[bytes] | None:
    path.mkdir()
    options = f"size={DISK_BYTES},nr_inodes={DISK_FILES}"
    script = 'mount -t tmpfs -o "$1" tmpfs "$2" && echo mounted && exec sleep 3600'
    try:
        keeper = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", options, str(path)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        return None
    assert keeper.stdout is not None
    if keeper.stdout.readline() == b"mounted\n":
        return keeper
    _end(keeper)
    return None


def _end(keeper: subprocess.Popen[bytes]) -> None:
    keeper.kill()
    keeper.wait()
    assert keeper.stdout is not None
    keeper.stdout.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    keeper = _mounted(tmp_path / "disk")
    if keeper is None:
        pytest.skip("A FULL DISK IS NOT TESTED HERE: mounting a small file system needs root and Linux.")
    yield Disk(tmp_path / "disk", keeper)
    _end(keeper)


@pytest.fixture
def full(disk: Disk, tmp_path: Path) -> Iterator[Index]:
    """An index on the small disk, with room still."""
    index = Index(disk.path / "index", tmp_path / "log", within=disk.within)
    index.start()
    index.give_token()
    yield index
    with suppress(ProcessLookupError):
        index.end()


class Watch:
    """Uploads, and that each is done wholly or not at all."""

    def __init__(self, index: Index, disk: Disk) -> None:
        self.index, self.disk = index, disk
        self.data = disk.seen / "index"
        self.accepted: set[str] = set()
        self.details: list[str] = []

    def upload(self, wheel: Wheel) -> Answer:
        before = below(self.data / "packages")
        with self.index.client() as client:
            answer = client.upload(wheel)
            listed = {one["filename"] for one in client.files(wheel.name)}
        if answer.status == 200:
            self.accepted.add(wheel.filename)
        else:
            assert answer.status == 507, answer
            assert answer.headers["content-type"] == "application/problem+json"
            problem = answer.json
            assert (problem["status"], problem["type"]) == (507, f"{self.index.url}/problems/no-room")
            assert problem["detail"].endswith("Nothing was changed.")
            assert problem["detail"] in answer.reason
            self.details.append(problem["detail"])
            assert below(self.data / "packages") == before
            assert wheel.filename not in listed
        assert below(self.data / "staging") == []
        return answer

    def finish(self) -> None:
        """There is room again: everything goes on, and all that was accepted is there."""
        self.disk.empty()
        wheel = Wheel("afterwards", str(time.time_ns()), 3_000_000)
        assert self.upload(wheel).status == 200
        assert self.index.tidied() == []
        with self.index.client() as client:
            for project in {name.partition("-")[0] for name in self.accepted}:
                listed = {one["filename"] for one in client.files(project)}
                assert {one for one in self.accepted if one.startswith(f"{project}-")} <= listed
            for accepted in self.accepted:
                assert accepted in {Path(one).name for one in below(self.data / "packages")}
        checked = trustpub("admin", "check-files", "--data", self.index.data, within=self.disk.within)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def pages(wheel: Wheel) -> int:
    return -(-len(wheel.content) // PAGE)


_READ = """
import pathlib, sys
from trustpub.index.adapters.sql.store import SqlStore
with SqlStore(pathlib.Path(sys.argv[1])).read() as reading:
    seen = reading.serial()
    print("reading", flush=True)
    sys.stdin.read()
    assert reading.serial() == seen
"""


@contextmanager
def reading(index: Index) -> Iterator[None]:
    """Somebody has begun to read the database, and does not end."""
    command = [*index.within, sys.executable, "-c", _READ, str(index.data / "index.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        yield
        reader.communicate(timeout=30)
    assert reader.returncode == 0


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_an_upload_that_does_not_fit_is_refused_and_goes_through_once_there_is_room(full: Index, disk: Disk) -> None:
    watch = Watch(full, disk)
    first = Wheel("before", "1", 100_000)
    assert watch.upload(first).status == 200
    with full.client() as client:
        assert client.get("/readyz").status == 200
    disk.leave(256)
    free = os.statvfs(disk.seen).f_bfree
    large = Wheel("large", "1", 3_000_000)
    assert watch.upload(large).status == 507
    assert os.statvfs(disk.seen).f_bfree == free
    with full.client() as client:
        assert client.get("/healthz").status == 200
        eventually(lambda: client.get("/readyz").status == 503)
        said = client.get("/readyz")
        assert "nearly full" in said.json["detail"]
        assert str(disk.path) not in said.body.decode()
        assert client.get(f"/{first.place}").body == first.content
    disk.empty()
    assert watch.upload(large).status == 200
    with full.client() as client:
        eventually(lambda: client.get("/readyz").status == 200)
    watch.finish()


def test_wherever_an_upload_meets_the_end_of_the_disk_it_is_whole_or_not_there(full: Index, disk: Disk) -> None:
    """A page more each time: it ends in the file, in its metadata, in the rows, and then no more."""
    watch = Watch(full, disk)
    ends = []
    for left in range(40):
        wheel = Wheel("growing", str(left), 10_000)
        disk.leave(left)
        ends.append(watch.upload(wheel).status)
    assert ends[0] == 507
    assert ends[-1] == 200
    files, database = (
        "The disk that holds the index's files is full.",
        "The disk that holds the index's database is full.",
    )
    assert sum(detail.startswith(files) for detail in watch.details) > pages(Wheel("growing", "0", 10_000))
    assert any(detail.startswith(database) for detail in watch.details)
    watch.finish()


def test_wherever_there_is_no_room_for_a_name_the_upload_is_whole_or_not_there(full: Index, disk: Disk) -> None:
    """Of files and folders there may be only so many: the staged file, three folders, the metadata."""
    watch = Watch(full, disk)
    ends = []
    for left in range(8):
        disk.leave_files(left)
        ends.append(watch.upload(Wheel("named", str(left), 500)).status)
    assert ends[:3] == [507] * 3
    assert ends[-1] == 200
    watch.finish()


def test_a_log_that_cannot_grow_any_more_stops_writers_and_no_reader(full: Index, disk: Disk) -> None:
    """Somebody reads for long, so that the log can only grow, until it fills the disk."""
    watch = Watch(full, disk)
    assert watch.upload(Wheel("log", "0.1", 10)).status == 200
    log = watch.data / "index.db-wal"
    with reading(full):
        disk.leave(600)
        size = log.stat().st_size
        count = 0
        while watch.upload(Wheel("log", f"1.{count}", 10)).status == 200:
            count += 1
        assert log.stat().st_size > size
        assert watch.details[-1].startswith("The disk that holds the index's ")
        disk.leave(0)
        added = trustpub("admin", "user", "add", "bob", "--data", full.data, within=disk.within)
        assert (added.returncode, "database is full" in added.stderr) == (4, True), added.stderr
        with full.client() as client:
            assert client.get("/simple/").status == 200
            assert len(client.files("log")) == count + 1
            assert client.post("/_/oidc/burn-token", b'{"token":"x"}').status == 202
    watch.finish()


def test_a_start_makes_room_where_leftovers_of_a_crash_fill_the_disk(full: Index, disk: Disk) -> None:
    watch = Watch(full, disk)
    assert watch.upload(Wheel("before", "1", 1000)).status == 200
    full.end(signal.SIGKILL)
    (watch.data / "staging" / "left").write_bytes(b"x" * 200_000)
    disk.leave(0)
    full.start()
    assert below(watch.data / "staging") == []
    watch.finish()


def test_a_start_on_a_full_disk_says_so_and_one_with_room_finds_all(full: Index, disk: Disk) -> None:
    watch = Watch(full, disk)
    assert watch.upload(Wheel("before", "1", 1000)).status == 200
    assert full.end(signal.SIGTERM) == 0
    disk.leave(0)
    refused = trustpub("serve", "--data", full.data, "--port", 0, within=disk.within)
    assert refused.returncode in (2, 4)
    assert refused.stderr.startswith("error: ")
    assert "disk" in refused.stderr
    disk.empty()
    full.start()
    watch.finish()


def test_a_backup_that_does_not_fit_leaves_nothing(full: Index, disk: Disk) -> None:
    watch = Watch(full, disk)
    assert watch.upload(Wheel("before", "1", 2_000_000)).status == 200
    disk.leave(300)
    for target, more in (("backup", ["--copy"]), ("backup.tar", [])):
        made = trustpub("admin", "backup", disk.path / target, "--data", full.data, *more, within=disk.within)
        assert (made.returncode, made.stdout) == (4, "")
        assert "no room for the backup" in made.stderr
    assert sorted(os.listdir(disk.seen)) == ["ballast", "index"]
    watch.finish()
