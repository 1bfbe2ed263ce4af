# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is done to a folder while its server takes uploads."""

from __future__ import annotations

import http.client
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .conftest import Index, trustpub, wrong
from .uploading import BOUNDARY, Client, Storm, Wheel, below


def test_a_second_server_that_is_refused_sweeps_nothing(index: Index) -> None:
    """An upload stops half-way, somebody tries to start a second server on the folder, the upload goes on."""
    wheel = Wheel("halves", "1", 6_000_000)
    parts = urlsplit(index.url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        connection.putrequest("POST", "/legacy/")
        connection.putheader("Authorization", f"Bearer {index.token}")
        connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        connection.putheader("Content-Length", str(len(wheel.body)))
        connection.endheaders()
        connection.send(wheel.body[:5_000_000])
        until = time.monotonic() + 20
        while not (staged := below(index.data / "staging")):
            assert time.monotonic() < until
            time.sleep(0.01)
        second = trustpub("serve", "--data", index.data, "--port", 0)
        assert second.returncode == 2
        assert "Another trustpub serve has the folder" in second.stderr
        assert below(index.data / "staging") == staged
        # Nor is it a fault that it is there.
        assert trustpub("admin", "check-files", "--data", index.data).returncode == 0
        connection.send(wheel.body[5_000_000:])
        assert connection.getresponse().status == 200
    assert index.tidied() == []


@pytest.mark.parametrize("kind", ["backup", "backup.tar"])
def test_backups_and_checks_while_files_come_in_are_whole_and_find_no_fault(
    index: Index, kind: str, tmp_path: Path
) -> None:
    storm = Storm(index.url, index.token, "1", clients=2)
    storm.start()
    try:
        for number in range(2):
            while len(storm.acknowledged) < 5 * (number + 1):
                assert storm.refused == []
                time.sleep(0.01)
            before = set(storm.acknowledged)
            made = trustpub("admin", "backup", tmp_path / f"{number}{kind}", "--data", index.data)
            assert made.returncode == 0, made.stderr
            checked = trustpub("admin", "check-files", "--data", index.data)
            assert checked.returncode == 0, checked.stdout + checked.stderr
            back = trustpub("admin", "restore", tmp_path / f"{number}{kind}", "--data", tmp_path / f"new{number}")
            assert back.returncode == 0, back.stderr
            assert wrong(tmp_path / f"new{number}") == []
            assert before <= {Path(one).name for one in below(tmp_path / f"new{number}" / "packages")}
    finally:
        index.end()
        storm.join()
    assert storm.refused == []


def test_an_index_that_was_restored_takes_new_tokens_and_no_old_ones(index: Index, tmp_path: Path) -> None:
    wheel = Wheel("hello", "1", 1000)
    with index.client() as client:
        assert client.upload(wheel).status == 200
    assert trustpub("admin", "backup", tmp_path / "backup", "--data", index.data).returncode == 0
    assert trustpub("admin", "restore", tmp_path / "backup", "--data", tmp_path / "new").returncode == 0
    again = Index(tmp_path / "new", tmp_path / "new.log")
    again.start()
    try:
        with Client(again.url, index.token) as client:
            assert client.get(f"/{wheel.place}").body == wheel.content
            assert client.upload(Wheel("hello", "2", 1000)).status == 403
        made = trustpub("admin", "token", "create", "alice", "--scope", "upload", "--data", again.data)
        with Client(again.url, made.stdout.strip()) as client:
            assert client.upload(Wheel("hello", "2", 1000)).status == 200
    finally:
        again.end()
