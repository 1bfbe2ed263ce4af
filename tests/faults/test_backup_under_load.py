# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A backup while everything goes on that changes an index: it is whole, and an index comes of it that goes on."""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from trustpub.errors import Declined
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.manage.projects import Chosen

from .conftest import Index, trustpub
from .uploading import Client, Storm, Wheel

DOOMED = 12
"""Files that are deleted while backups are made, each at its time."""


class Hands(threading.Thread):
    """Somebody who manages the index in its folder all the while: people, names, yanks, and files that are deleted."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self._data = data
        self.ended = threading.Event()
        self.deleted: set[str] = set()
        self.people: list[str] = []
        self.failures: list[Exception] = []

    def run(self) -> None:
        try:
            with open_folder(self._data, create=False) as folder:
                number = 0
                while not self.ended.is_set():
                    number += 1
                    self.people.append(folder.people.add(f"person{number}").name)
                    folder.names.prohibit(f"name-{number}", "taken")
                    with suppress(Declined):
                        (folder.projects.unyank if number % 2 else folder.projects.yank)(
                            "kept", Chosen(everything=True), *([] if number % 2 else ["a while"])
                        )
                    if number <= DOOMED:
                        wheel = Wheel("doomed", str(number), 20_000)
                        folder.projects.delete("doomed", Chosen(filenames=(wheel.filename,)))
                        self.deleted.add(wheel.filename)
                    time.sleep(0.02)
        except Exception as failure:  # noqa: BLE001 - told by the test
            self.failures.append(failure)


@pytest.mark.parametrize("kind", ["backup", "backup.tar"])
def test_an_index_that_is_changed_all_the_while_is_backed_up_whole(index: Index, kind: str, tmp_path: Path) -> None:
    kept = Wheel("kept", "1", 1000)
    with index.client() as client:
        for wheel in (kept, *(Wheel("doomed", str(number), 20_000) for number in range(1, DOOMED + 1))):
            assert client.upload(wheel).status == 200
    storm, hands = Storm(index.url, index.token, "1", clients=2), Hands(index.data)
    storm.start()
    hands.start()
    try:
        while len(storm.acknowledged) < 5 or len(hands.deleted) < 2:
            assert storm.refused == []
            assert hands.failures == []
            time.sleep(0.02)
        uploaded, deleted, people = set(storm.acknowledged), set(hands.deleted), list(hands.people)
        made = trustpub("admin", "backup", tmp_path / kind, "--with-secret", "--data", index.data)
        assert made.returncode == 0, made.stderr
    finally:
        hands.ended.set()
        hands.join()
        index.end()
        storm.join()
    assert (storm.refused, hands.failures) == ([], [])
    data = tmp_path / "elsewhere"
    back = trustpub("admin", "restore", tmp_path / kind, "--data", data)
    assert back.returncode == 0, back.stderr
    checked = trustpub("admin", "check-files", "--data", data)
    assert (checked.returncode, checked.stderr) == (0, "")
    with open_folder(data, create=False) as folder, folder.store.read() as reading:
        assert set(people) <= {one.name for one in reading.users()}
        rows = {one.filename: one.deleted for one in reading.all_files()}
    assert all(rows[filename] is not None for filename in deleted)
    again = Index(data, tmp_path / "again.log", index.token)
    again.start()
    try:
        with again.client() as client:
            for filename in uploaded:
                check_served(client, filename)
            assert client.upload(Wheel("after", "1", 1000)).status == 200
    finally:
        again.end()
    assert again.tidied() == []


def check_served(client: Client, filename: str) -> None:
    """The file is on its project's page, and its bytes are those that the page says."""
    project = filename.partition("-")[0]
    (file,) = [one for one in client.files(project) if one["filename"] == filename]
    answer = client.get(file["url"])
    assert (answer.status, hashlib.sha256(answer.body).hexdigest()) == (200, file["hashes"]["sha256"])
