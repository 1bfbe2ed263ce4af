# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Folders that earlier versions left, opened by this one: everything is there, and everything goes on."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from trustpub.index.adapters.sql import store
from trustpub.index.adapters.sql.store import SqlStore, head

from .job import Index, Signer, sdist, serving, wheel
from .save import COMMITS, HERE, URL

PASSED = {"0002", "0004"}
"""Schemas that no version had when it was done: the next came with it."""


@pytest.fixture(params=COMMITS)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A folder as it was left, and what was true of it."""
    with tarfile.open(HERE / "folders" / f"{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    known: dict[str, Any] = json.loads((tmp_path / "known.json").read_text())
    return tmp_path / "index", known


def admin(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trustpub", "admin", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def revision(database: Path) -> str:
    with closing(SqlStore(database)) as found:
        return str(found.revision())


def shows(before: Any, now: Any) -> bool:
    """Whether all that was told then is told now; today's answers may say more."""
    if isinstance(before, dict) and isinstance(now, dict):
        return all(name in now and shows(value, now[name]) for name, value in before.items())
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(shows, before, now))
    return bool(before == now)


def check_pages(index: Index, known: dict[str, Any]) -> None:
    for path, before in known["pages"].items():
        now = index.json(path, known["read"])
        del before["meta"]
        for file in before.get("files", ()):
            # Relative since; who follows one has always come to the same place.
            file["url"] = file["url"].removeprefix(URL)
        assert shows(before, now), (path, before, now)
        for file in before.get("files", ()):
            status, content = index.get(file["url"], token=known["read"])
            assert (status, hashlib.sha256(content).hexdigest()) == (200, file["hashes"]["sha256"])
            if file["core-metadata"]:
                status, content = index.get(f"{file['url']}.metadata", token=known["read"])
                assert hashlib.sha256(content).hexdigest() == file["core-metadata"]["sha256"]
    for path, text in known["texts"].items():
        assert index.get(path, token=known["read"])[1].decode() == text


def check_publishing(index: Index, known: dict[str, Any]) -> None:
    """Tokens from then, and publishers from then with tokens of today."""
    assert index.get("/simple/", token=known["upload"])[0] == 403
    index.upload(known["upload"], *wheel("world", "2.0"))
    index.upload(known["upload"], *wheel("world", "3.0"))
    index.upload(known["burned"], *wheel("hello", "2.0"), wanted=403)
    minted = index.mint(Signer.of(known["key"]))
    index.upload(minted, *wheel("hello", "1.0"))
    index.upload(minted, *sdist("hello", "2.0"))
    index.upload(minted, *wheel("hello", "2.0"))
    if known["deleted"]:
        answer = index.upload(known["upload"], *wheel("world", "0.9"), wanted=400)
        assert "no name is used again" in answer
    for project, versions in (("hello", {"1.0", "2.0"}), ("world", {"2.0", "3.0"})):
        assert versions <= set(index.json(f"/simple/{project}/", known["read"])["versions"])


def test_the_folder_of_an_earlier_version_is_upgraded_and_goes_on(left: tuple[Path, dict[str, Any]]) -> None:
    data, known = left
    before = revision(data / "index.db")
    if before != head():
        refused = admin("check-files", "--data", data)
        assert refused.returncode == 2
        assert "A start brings it up to date" in refused.stderr
    with serving(data) as index:
        check_pages(index, known)
        check_publishing(index, known)
    assert revision(data / "index.db") == head()
    copies = [] if before == head() else [f"index.db.before-{before}"]
    assert [path.name for path in sorted(data.glob("index.db.before-*"))] == copies
    for copy in copies:
        assert revision(data / copy) == before
    checked = admin("check-files", "--data", data)
    assert (checked.returncode, checked.stderr) == (0, "")
    # What it makes of all that can itself be copied, restored and read.
    made = admin("backup", data.with_name("copy.tar"), "--with-secret", "--data", data)
    assert made.returncode == 0, made.stderr


def test_every_schema_that_was_ever_left_is_among_the_folders(tmp_path: Path) -> None:
    """Whoever adds a migration saves a folder of the version before it: README.md says how."""
    found = set()
    for issue in COMMITS:
        with tarfile.open(HERE / "folders" / f"{issue}.tar.gz") as archive:
            archive.extract("index/index.db", tmp_path, filter="data")
        found.add(revision(tmp_path / "index" / "index.db"))
    scripts = ScriptDirectory(str(Path(store.__file__).parent / "migrations"))
    wanted = {script.revision for script in scripts.walk_revisions()} - {head()}
    assert wanted - found <= PASSED, "save a folder of the version before the newest migration"
