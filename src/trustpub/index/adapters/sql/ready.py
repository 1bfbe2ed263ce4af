# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Statements that are made once, for what happens at every mint and every upload.

SQLAlchemy takes 20 to 60 times as long to run such a statement as SQLite itself. Here it writes the SQL, when the
module is loaded, and then stands aside.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import SQLCompiler


class Ready:
    """One statement, whose parameters are named by ``bindparam`` or, in an insert without values, by the columns."""

    def __init__(self, statement: ClauseElement) -> None:
        dialect: DefaultDialect = sqlite.dialect()
        compiled = cast(SQLCompiler, statement.compile(dialect=dialect))
        self.text = str(compiled)
        self.columns: tuple[str, ...] = tuple(column.key for column in getattr(statement, "selected_columns", ()))
        """Of a row, by name."""
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        """Values that stand in the statement itself."""

    def run(self, connection: sqlite3.Connection, values: Mapping[str, Any]) -> sqlite3.Cursor:
        """Run it with these values."""
        return connection.execute(
            self.text, [values[name] if name in values else self._constants[name] for name in self._names]
        )

    def row(self, connection: sqlite3.Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row, by column."""
        found = self.run(connection, values).fetchone()
        return None if found is None else dict(zip(self.columns, found, strict=True))
