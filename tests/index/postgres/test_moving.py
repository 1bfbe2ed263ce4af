# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``admin move-to-postgres``: every row of an index in a folder is in the server afterwards, or nothing happened."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.index.storage.conftest import Ran
from tests.postgres import PASSWORD, Database
from trustpub.errors import Misuse
from trustpub.index.adapters.sql import copying, moving
from trustpub.index.adapters.sql.copying import difference, tables
from trustpub.index.adapters.sql.moving import move
from trustpub.index.adapters.sql.postgres import PostgresDatabase
from trustpub.index.adapters.sql.sqlite import SqliteDatabase
from trustpub.index.adapters.sql.store import SqlStore, head
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Event

from .conftest import at

URL = "https://index.example"
STORAGE = Path(__file__).parents[1] / "storage"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "index"
    with open_folder(data, create=True, public_url=URL) as folder:
        folder.people.add("Anna")
        with folder.store.write() as writing:
            writing.set_fact("snowman", "☃ \N{GRINNING FACE}")
    return data


@pytest.fixture
def stocked(tmp_path: Path) -> Path:
    """A database with something in most tables, from the time before people signed in."""
    path = tmp_path / "index.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript((STORAGE / "written_by_0003.sql").read_text())
    store = SqlStore(path)
    store.upgrade()
    with store.write() as writing:
        for number in range(2_500):  # more than is copied at a time
            writing.add_event(
                Event(at=number / 3, kind="tick", project_id=None, publisher_id=None, facts={"n": number})
            )
    store.close()
    return path


def test_an_index_goes_on_in_the_server_as_it_was(data: Path, database: Database, trustpub: Callable[..., Ran]) -> None:
    with open_folder(data, create=False) as before:
        audience, anna = before.audience, before.people.user("Anna")
    env = {"TRUSTPUB_POSTGRES_URL": database.url}
    done = trustpub("admin", "move-to-postgres", "--data", data, "--json", env=env)
    assert done.code == 0, done.err
    assert json.loads(done.out)["rows"] > 5
    assert PASSWORD not in done.out + done.err
    with open_folder(data, create=True, public_url=URL, postgres=at(database)) as after:
        assert (after.audience, after.people.user("Anna")) == (audience, anna)
        after.people.add("Ben")
        with after.store.read() as reading:
            assert reading.fact("snowman") == "☃ \N{GRINNING FACE}"
    listed = trustpub("admin", "user", "list", "--data", data, env=env)
    assert "Ben" in listed.out


def test_nothing_opens_the_database_in_the_folder_any_more(
    data: Path, database: Database, trustpub: Callable[..., Ran], tmp_path: Path
) -> None:
    move(data / "index.db", PostgresDatabase(at(database)), lambda table, rows: None)
    for command in (["serve", "--port", "0"], ["admin", "user", "list"], ["admin", "backup", tmp_path / "copy"]):
        done = trustpub(*command, "--data", data)
        assert done.code == 2
        assert "were moved to a PostgreSQL server" in done.err
        assert "[postgres]" in done.err
    again = trustpub("admin", "move-to-postgres", "--data", data, env={"TRUSTPUB_POSTGRES_URL": database.url})
    assert (again.code, "moved to a PostgreSQL server before" in again.err) == (2, True)


def test_every_row_is_the_same_and_events_go_on_being_counted(stocked: Path, database: Database) -> None:
    told: list[tuple[str, int]] = []
    target = PostgresDatabase(at(database))
    done = move(stocked, target, lambda table, rows: told.append((table, rows)))
    here = SqliteDatabase(stocked)
    with here.reading() as one, target.reading() as other:
        assert difference(one, other) is None
        counted = {
            table.name: other.core.execute(select(func.count()).select_from(table)).scalar_one() for table in tables()
        }
    assert done.rows == sum(counted.values())
    assert {name: rows for name, rows in told if rows} == {name: rows for name, rows in counted.items() if rows}
    assert [rows for name, rows in told if name == "events"][:2] == [1000, 2000]
    store = SqlStore(target)
    with store.write() as writing:
        before = writing.events(limit=1)[0].number or 0
        writing.add_event(Event(at=1.0, kind="tick", project_id=None, publisher_id=None, facts={}))
        assert writing.events(limit=1)[0].number == before + 1
    here.close()
    store.close()


def test_a_row_that_came_over_changed_undoes_it_all(
    stocked: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(source: object, target: object, tell: object) -> int:
        rows = honest(source, target, tell)  # type: ignore[arg-type]
        target.driver.execute("UPDATE projects SET created = created + 1")  # type: ignore[attr-defined]
        return rows

    honest = copying.copy_rows
    monkeypatch.setattr(moving, "copy_rows", spoil)
    with pytest.raises(Misuse, match=r"row \d+ of the table projects has another created"):
        move(stocked, PostgresDatabase(at(database)), lambda table, rows: None)
    assert database.run("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    assert SqlStore(stocked).revision() == head()


def test_what_was_stopped_before_the_file_was_marked_is_finished_by_doing_it_again(
    stocked: Path, database: Database
) -> None:
    target = PostgresDatabase(at(database))
    move(stocked, target, lambda table, rows: None)
    with closing(sqlite3.connect(stocked)) as file:  # as it is where the power fails in between
        file.execute("UPDATE alembic_version SET version_num = ?", [head()])
        file.commit()
    assert move(stocked, target, lambda table, rows: None).rows == 0
    assert SqlStore(stocked).revision() == "moved-to-postgresql"


def test_a_database_with_something_else_in_it_is_left_alone(stocked: Path, database: Database) -> None:
    database.run("CREATE TABLE salaries (id int)")
    with pytest.raises(Misuse, match="what is in it is no index"):
        move(stocked, PostgresDatabase(at(database)), lambda table, rows: None)
    database.run("DROP TABLE salaries")
    other = SqlStore(PostgresDatabase(at(database)))
    other.upgrade()
    other.close()
    with pytest.raises(Misuse, match="is not empty: the table claims has 1 rows here and 0 there"):
        move(stocked, PostgresDatabase(at(database)), lambda table, rows: None)
    assert SqlStore(stocked).revision() == head()


def test_an_empty_database_beside_an_index_is_not_made_another_index(data: Path, database: Database) -> None:
    with pytest.raises(Misuse, match="are in its folder, and the PostgreSQL database is empty") as told:
        open_folder(data, create=True, public_url=URL, postgres=at(database))
    assert "move-to-postgres" in (told.value.hint or "")
    move(data / "index.db", PostgresDatabase(at(database)), lambda table, rows: None)
    wrong = database.server.create()
    with pytest.raises(Misuse, match="this database is empty"):
        open_folder(data, create=True, public_url=URL, postgres=at(wrong))
    database.server.drop(wrong)
    with open_folder(data, create=True, public_url=URL, postgres=at(database)) as folder:
        assert folder.people.user("Anna").name == "Anna"


def test_a_copy_of_what_is_in_the_server_is_a_file_again(stocked: Path, database: Database, tmp_path: Path) -> None:
    """As a backup has it, whatever the index runs on."""
    target = PostgresDatabase(at(database))
    move(stocked, target, lambda table, rows: None)
    target.copy_to(tmp_path / "copy.db")
    copy = SqliteDatabase(tmp_path / "copy.db")
    with copy.reading() as one, target.reading() as other:
        assert difference(one, other) is None
    assert SqlStore(tmp_path / "copy.db").revision() == head()
    copy.close()


def test_it_says_what_is_missing(data: Path, trustpub: Callable[..., Ran], tmp_path: Path) -> None:
    done = trustpub("admin", "move-to-postgres", "--data", data)
    assert done.code == 2
    assert "TRUSTPUB_POSTGRES_URL" in done.err
    nobody = f"postgresql://anna:{PASSWORD}@127.0.0.1:1/index"
    done = trustpub("admin", "move-to-postgres", "--data", data, env={"TRUSTPUB_POSTGRES_URL": nobody})
    assert done.code == 4
    assert "cannot be used" in done.err
    assert PASSWORD not in done.err
    done = trustpub("admin", "move-to-postgres", "--data", tmp_path / "none", env={"TRUSTPUB_POSTGRES_URL": nobody})
    assert done.code == 2
