# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The store says, at once and without waiting, whether anything changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trustpub.index.adapters.sql.store import SqlStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = SqlStore(tmp_path / "index?a#b %41.db")
    store.upgrade()
    yield store
    store.close()


def test_the_state_stays_while_nothing_is_committed(store: SqlStore) -> None:
    before = store.state()
    with store.read() as reading:
        reading.fact("audience")
    assert store.state() == before
    with pytest.raises(ZeroDivisionError), store.write() as writing:
        writing.set_fact("undone", str(1 // 0))
    assert store.state() == before


def test_every_commit_is_another_state(store: SqlStore) -> None:
    seen = {store.state()}
    with store.write() as writing:
        writing.set_fact("one", "1")
        seen.add(store.state())
        assert len(seen) == 1  # not committed yet
    seen.add(store.state())
    store.transact(lambda writing: writing.set_fact("two", "2"))
    seen.add(store.state())
    assert len(seen) == 3


def test_a_commit_of_another_process_is_another_state(store: SqlStore) -> None:
    before = store.state()
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version = 7'); c.commit()"
    subprocess.run([sys.executable, "-c", program, str(store.path)], check=True)
    assert store.state() != before


def test_asking_holds_nothing_open(store: SqlStore) -> None:
    store.state()
    with store.write() as writing:
        writing.set_fact("one", "1")
    store.copy_to(store.path.with_name("copy.db"))
    store.close()
    # The last to leave put everything into the one file: nobody held a transaction.
    assert not store.path.with_name(store.path.name + "-wal").exists()


def test_a_state_from_before_closing_is_none_of_those_after(store: SqlStore) -> None:
    before = store.state()
    store.close()
    assert store.state() != before


def test_where_it_cannot_be_told_every_answer_is_new(tmp_path: Path) -> None:
    nowhere = SqlStore(tmp_path / "gone" / "index.db")
    assert nowhere.state() != nowhere.state()
    assert not (tmp_path / "gone").exists()
