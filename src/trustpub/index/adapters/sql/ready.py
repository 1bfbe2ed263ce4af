# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Statements that are made once, for what happens at every mint and every upload.

SQLAlchemy takes 20 to 60 times as long to run such a statement as SQLite itself. Here it writes the SQL, when the
module is loaded (for PostgreSQL: when it is first needed), and then stands aside.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import SQLCompiler


class Ready:
    """One statement, whose parameters are named by ``bindparam`` or, in an insert without values, by the columns."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        dialect: DefaultDialect = sqlite.dialect()
        compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
        self.text = str(compiled)
        self.columns: tuple[str, ...] = tuple(column.key for column in getattr(statement, "selected_columns", ()))
        """Of a row, by name."""
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        """Values that stand in the statement itself."""

    @cached_property
    def _postgresql(self) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
        """The same for psycopg: the text, with a name at each parameter, these names, and values of its own."""
        from sqlalchemy.dialects.postgresql import psycopg

        dialect: DefaultDialect = psycopg.dialect()  # type: ignore[no-untyped-call]
        compiled = cast(SQLCompiler, self._statement.compile(dialect=dialect))
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return str(compiled), tuple(compiled.params), constants

    def run(self, connection: Any, values: Mapping[str, Any]) -> Any:
        """Run it with these values, on a connection of sqlite3 or psycopg; its cursor."""
        if isinstance(connection, sqlite3.Connection):
            return connection.execute(
                self.text, [values[name] if name in values else self._constants[name] for name in self._names]
            )
        text, names, constants = self._postgresql
        return connection.execute(text, {name: values[name] if name in values else constants[name] for name in names})

    def row(self, connection: Any, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row, by column."""
        found = self.run(connection, values).fetchone()
        return None if found is None else dict(zip(self.columns, found, strict=True))
