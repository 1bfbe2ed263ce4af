# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked for in every mint costs as much in a large index as in a small one, counted in steps of SQLite."""

from __future__ import annotations

from typing import cast

from trustpub.index.adapters.sql.reading import SqlReading
from trustpub.index.adapters.sql.store import SqlStore

from .conftest import PUBLIC, a_publisher


def steps(store: SqlStore) -> int:
    """Of the machine that SQLite makes of a statement, to find the publishers that an identity may mean."""
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    with store.read() as reading:
        driver = cast(SqlReading, reading)._driver
        driver.set_progress_handler(count, 1)
        found = [one.id for one in reading.candidates(PUBLIC, "github", {"octo-org/hello"})]
        driver.set_progress_handler(None, 1)
    assert found == ["publisher-0"]
    return taken


def test_whoever_may_be_meant_is_found_in_as_many_steps_however_many_publishers_there_are(store: SqlStore) -> None:
    with store.write() as writing:
        writing.add_publisher(a_publisher("publisher-0"))
    few = steps(store)
    with store.write() as writing:
        for number in range(1, 500):
            writing.add_publisher(a_publisher(f"publisher-{number}", repository=f"octo-org/other-{number}"))
    assert steps(store) <= few + 10
