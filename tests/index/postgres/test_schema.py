# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The schema on PostgreSQL: upgraded from every revision there was, the same as on SQLite, and as strict."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, inspect

from tests.postgres import Database
from trustpub.errors import Misuse
from trustpub.index.adapters.sql import store as sql_store
from trustpub.index.adapters.sql.copying import difference
from trustpub.index.adapters.sql.database import Opened
from trustpub.index.adapters.sql.postgres import PostgresDatabase
from trustpub.index.adapters.sql.sqlite import SqliteDatabase
from trustpub.index.adapters.sql.store import SqlStore, head
from trustpub.index.adapters.sql.tables import metadata
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Event

from .conftest import at, store_at

STORAGE = Path(__file__).parents[1] / "storage"


def upgrade_to(opened: Opened, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(sql_store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = opened.core
    command.upgrade(config, revision)


def fill(old: sqlite3.Connection, opened: Opened) -> int:
    """The rows of an old SQLite file, in tables of the same revision."""
    seen, total = inspect(opened.core), 0
    for name in (one for one, _ in seen.get_sorted_table_and_fkc_names() if one and one != "alembic_version"):
        flags = [isinstance(one["type"], Boolean) for one in seen.get_columns(name)]
        columns = ", ".join(f'"{one["name"]}"' for one in seen.get_columns(name))
        for row in old.execute(f'SELECT {columns} FROM "{name}"'):  # noqa: S608 - names of our own tables
            values = [bool(one) if flag else one for one, flag in zip(row, flags, strict=True)]
            marks = ", ".join(["%s"] * len(values))
            opened.driver.execute(f'INSERT INTO "{name}" ({columns}) VALUES ({marks})', values)  # noqa: S608
            total += 1
    opened.driver.execute("SELECT setval(pg_get_serial_sequence('events', 'id'), (SELECT max(id) FROM events))")
    return total


@pytest.mark.parametrize("revision", ["0001", "0003"])
def test_what_an_earlier_version_wrote_becomes_the_same_as_on_sqlite(
    revision: str, database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "index.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript((STORAGE / f"written_by_{revision}.sql").read_text())
        target = PostgresDatabase(at(database))
        with target.upgrading() as opened:
            upgrade_to(opened, revision)
            assert fill(old, opened) > 10
    here, there = SqlStore(path), SqlStore(target)
    assert there.revision() == revision
    for store in (here, there):
        store.upgrade()
        assert store.revision() == head()
    file = SqliteDatabase(path)
    with file.reading() as one, target.reading() as other:
        assert difference(one, other) is None
        assert compare_metadata(MigrationContext.configure(other.core), metadata) == []
    here.close()
    there.close()
    file.close()


def test_every_text_is_ordered_by_its_bytes_whatever_the_server_speaks(store: SqlStore) -> None:
    with store.database.reading() as opened:
        other = opened.driver.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C' "
            "AND table_name <> 'alembic_version'"
        ).fetchall()
    assert other == []


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE events SET facts = '{}'",
        "DELETE FROM events WHERE id = 1",
        "TRUNCATE events",
        "TRUNCATE events RESTART IDENTITY CASCADE",
        "INSERT INTO events (id, at, kind, facts) VALUES (1, 0.5, 'x', '{}') ON CONFLICT (id) DO UPDATE SET kind = 'y'",
    ],
)
def test_nobody_changes_or_removes_an_event_by_whatever_program(store: SqlStore, attempt: str) -> None:
    with store.write() as writing:
        writing.add_event(Event(at=0.5, kind="tick", project_id="p", publisher_id=None, facts={"n": 1}))
        before = writing.events()
    kept = store.database
    assert isinstance(kept, PostgresDatabase)
    with (
        psycopg.connect(kept.settings.url.reveal(), autocommit=True) as program,
        pytest.raises(psycopg.IntegrityError, match="events are never changed or removed"),
    ):
        program.execute(attempt.encode())
    with store.read() as reading:
        assert reading.events() == before


def test_several_that_start_at_once_make_one_index(database: Database, tmp_path: Path) -> None:
    """As machines do that are started together on an empty database; they have the same secret."""
    for number in range(4):
        (tmp_path / str(number)).mkdir(mode=0o700)
        (tmp_path / str(number) / "secret").write_text("5" * 64 + "\n")
        (tmp_path / str(number) / "secret").chmod(0o600)

    def start(number: int) -> tuple[str, tuple[str, ...]]:
        where = tmp_path / str(number)
        with open_folder(where, create=True, public_url="https://index.example", postgres=at(database)) as folder:
            return folder.audience, tuple(folder.said)

    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(start, range(4)))
    assert len({audience for audience, _ in started}) == 1
    assert sum("A new index was made." in said for _, said in started) == 1


def test_a_machine_with_another_secret_is_refused(database: Database, tmp_path: Path) -> None:
    with open_folder(tmp_path / "one", create=True, public_url="https://index.example", postgres=at(database)):
        pass
    with pytest.raises(Misuse, match="secret"):
        open_folder(tmp_path / "two", create=True, public_url="https://index.example", postgres=at(database))


def test_a_newer_schema_and_a_strange_database_are_left_alone(database: Database, tmp_path: Path) -> None:
    store = store_at(database)
    store.upgrade()
    database.run("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misuse, match="newer trustpub"):
        open_folder(tmp_path / "one", create=True, public_url="https://index.example", postgres=at(database))
    store.close()
    database.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE salaries (id int)")
    with pytest.raises(Misuse, match="not that of an index"):
        open_folder(tmp_path / "two", create=True, public_url="https://index.example", postgres=at(database))
