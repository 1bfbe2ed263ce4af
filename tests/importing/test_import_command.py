# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin import``: what it says, what it leaves alone, and how it goes on after it was killed."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from trustpub.cli.admin.pace import LINE_SECONDS, Pace
from trustpub.cli.main import INTERRUPTED
from trustpub.cli.show import Screen
from trustpub.errors import Misuse
from trustpub.index.adapters.lock import FolderLock
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder

from .conftest import OLD, URL, Trustpub, put, rows, sdist, wheel, wheel_name, wrong

WHEEL = wheel_name()
APPLY = """
[[projects]]
name = "hello"
owner = "ada"

[[projects.publishers]]
provider = "github"
fields = { repository = "octo/hello", workflow = "release.yml", owner_id = "1", repository_id = "2" }
"""


def test_a_new_index_is_made_filled_reported_and_mended(old: Path, tmp_path: Path, trustpub: Trustpub) -> None:
    data = tmp_path / "index"
    put(old / "sub" / WHEEL, wheel())
    put(old / "hello-1.1.tar.gz", b"cut off")
    put(old / "notes.txt", b"")
    first = trustpub("admin", "import", "folder", old, "--data", data, "--public-url", URL, "--owner", "ada")
    assert first.code == 1
    assert first.out.splitlines() == [
        "• A new index was made.",
        "refused  'hello-1.1.tar.gz'  The source distribution is damaged, or no gzip file.",
        "passed over  'notes.txt'  Its name is not that of a distribution.",
        f"• 1 file(s) imported, {len(wheel())} B, of 1 project(s); 0 were here already, 1 refused, 1 passed over.",
    ]
    assert first.err.startswith("error: 1 of 2 file(s) were not taken; why, stands above.")
    put(old / "hello-1.1.tar.gz", sdist(version="1.1"))
    second = trustpub("admin", "import", "folder", old, "--data", data, "--owner", "ada", "--json")
    assert (second.code, second.err) == (0, "")
    told = json.loads(second.out)
    assert (told["imported"], told["there"], told["refused"], told["projects"]) == (1, 1, [], ["hello"])
    assert told["passed_over"] == [{"file": "notes.txt", "reason": "Its name is not that of a distribution."}]
    with open_folder(data, create=False) as folder:
        assert set(rows(folder)) == {WHEEL, "hello-1.1.tar.gz"}
        assert wrong(folder) == []
        kinds = [one.kind for one in folder.records.events()]
        assert (kinds.count("file-imported"), kinds.count("import-ended"), kinds.count("project-added")) == (2, 2, 1)


def test_a_dry_run_judges_and_changes_nothing(folder: Folder, old: Path, tmp_path: Path, trustpub: Trustpub) -> None:
    put(old / WHEEL, wheel())
    put(old / wheel_name("other"), wheel("other"))
    file = tmp_path / "projects.toml"
    file.write_text(APPLY)
    before = folder.store.state()
    done = trustpub("admin", "import", "folder", old, "--data", folder.path, "--apply", file, "--dry-run")
    assert done.code == 1
    assert "refused  'other-1.0-py3-none-any.whl'  There is no project 'other' here" in done.out
    assert "1 file(s) would be imported" in done.out
    assert rows(folder) == {}
    assert folder.store.state() == before
    assert wrong(folder) == []


def test_projects_owners_and_publishers_come_from_a_file(
    folder: Folder, old: Path, tmp_path: Path, trustpub: Trustpub
) -> None:
    put(old / WHEEL, wheel())
    file = tmp_path / "projects.toml"
    file.write_text(APPLY)
    for _ in range(2):
        done = trustpub("admin", "import", "folder", old, "--data", folder.path, "--apply", file)
        assert (done.code, done.err) == (0, "")
    shown = folder.projects.show("hello")
    assert shown.project.pending_until is None
    assert [one.fields["repository"] for one in shown.publishers] == ["octo/hello"]
    assert [one.user.name for one in shown.members] == ["ada"]


def test_what_cannot_be_meant_is_refused_before_anything_is_done(
    folder: Folder, old: Path, tmp_path: Path, trustpub: Trustpub
) -> None:
    put(old / WHEEL, wheel())
    into = ("--data", folder.path)
    assert "There is no user 'bob'" in trustpub("admin", "import", "folder", old, *into, "--owner", "bob").err
    file = tmp_path / "projects.toml"
    file.write_text('[[projects]]\nname = "hello"\nowner = "bob"\n')
    assert "nothing was changed" in trustpub("admin", "import", "folder", old, *into, "--apply", file).err
    gateway = tmp_path / "gateway.toml"
    gateway.write_text('[gateway]\nupstream = "https://behind.example/"\n')
    assert "is a gateway keeps no files" in trustpub("admin", "import", "folder", old, *into, "--config", gateway).err
    both = trustpub("admin", "import", "folder", old, "--data", tmp_path / "new", "--public-url", URL, "--dry-run")
    assert (both.code, (tmp_path / "new").exists()) == (2, False)
    none = trustpub("admin", "import", "folder", old, "--data", tmp_path / "new")
    assert "There is no index in the folder" in none.err
    assert not (tmp_path / "new").exists()
    assert rows(folder) == {}


def test_nobody_serves_the_index_meanwhile(folder: Folder, old: Path, trustpub: Trustpub) -> None:
    put(old / WHEEL, wheel())
    with FolderLock(folder.path) as lock:
        lock.tell({"pid": 1, "url": URL})
        done = trustpub("admin", "import", "folder", old, "--data", folder.path, "--owner", "ada")
        assert (done.code, "Stop it first" in done.err) == (2, True)
        lock.tell({"pid": 1, "does": "trustpub admin import"})
        with pytest.raises(Misuse, match="trustpub admin import is at work"), FolderLock(folder.path):
            pass
    assert rows(folder) == {}


@pytest.mark.parametrize("after", [1, 7])
def test_a_killed_import_goes_on_and_takes_nothing_twice(
    after: int, folder: Folder, old: Path, trustpub: Trustpub
) -> None:
    count = 30
    for number in range(count):
        put(old / wheel_name(version=f"{number}.0"), wheel(version=f"{number}.0"), at=OLD + number)
    words = ("admin", "import", "folder", old, "--data", folder.path, "--owner", "ada")
    process = subprocess.Popen([sys.executable, "-m", "trustpub", *map(str, words)], stdout=subprocess.DEVNULL)
    with closing(sqlite3.connect(folder.path / "index.db")) as database:
        deadline = time.monotonic() + 60
        while database.execute("select count(*) from files").fetchone()[0] < after and process.poll() is None:
            assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.wait()
    taken = rows(folder)
    assert len(taken) >= after
    done = trustpub(*words, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["there"], told["imported"]) == (len(taken), count - len(taken))
    found = rows(folder)
    assert {name: one.uploaded for name, one in found.items()} == {
        wheel_name(version=f"{number}.0"): OLD + number for number in range(count)
    }
    imported = [one.facts["filename"] for one in folder.records.events(limit=1000) if one.kind == "file-imported"]
    assert sorted(imported) == sorted(found)
    # What the kill left of a file that it had just begun goes when a server starts, which sweeps.
    folder.blobs.sweep(folder.store)
    assert wrong(folder) == []


def test_whoever_interrupts_is_told_how_far_it_came(folder: Folder, old: Path) -> None:
    for number in range(200):
        put(old / wheel_name(version=f"{number}.0"), wheel(version=f"{number}.0"))
    words = ["admin", "import", "folder", str(old), "--data", str(folder.path), "--owner", "ada"]
    process = subprocess.Popen(
        [sys.executable, "-m", "trustpub", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not rows(folder):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode == INTERRUPTED
    assert "of 200 file(s)" in out
    assert "run the same again, and it goes on" in out
    assert wrong(folder) == []


def test_a_terminal_shows_a_bar(folder: Folder, old: Path) -> None:
    for number in range(20):
        put(old / wheel_name(version=f"{number}.0"), wheel(version=f"{number}.0"))
    above, below = pty.openpty()
    words = ["admin", "import", "folder", str(old), "--data", str(folder.path), "--owner", "ada"]
    env = {**os.environ, "TERM": "xterm"}
    process = subprocess.Popen([sys.executable, "-m", "trustpub", *words], stdout=below, env=env)
    os.close(below)
    shown = b""
    while True:
        try:
            chunk = os.read(above, 65536)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    os.close(above)
    assert process.wait(60) == 0
    assert b" of 20 files, " in shown
    assert b"\x1b[2A\r\x1b[J" in shown
    assert b"20 file(s) imported" in shown.splitlines()[-1]


def test_elsewhere_a_line_now_and_then_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    with Pace(Screen({}), 3, 3000, steady=lambda: now) as pace:
        pace.begins("a")
        pace.moved(500)
        now += LINE_SECONDS
        pace.moved(500)
        pace.ends(1000)
        pace.begins("b")
        now += LINE_SECONDS
        pace.moved(1000)
        pace.ends(2000)
    assert capsys.readouterr().out.splitlines() == [
        "• 0 of 3 files, 1.0 kB of 3.0 kB",
        "• 1 of 3 files, 2.0 kB of 3.0 kB",
    ]
