# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One connection, and the few ways in which reading and writing use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Executable, RowMapping, select

from trustpub.index.adapters.sql.database import Opened


class Statements:
    """What a view, or a transaction, of the store has in its hands; good as long as that is open."""

    def __init__(self, opened: Opened) -> None:
        self._connection = opened.core
        self._driver = opened.driver

    def _rows(self, statement: Executable, values: dict[str, Any] | None = None) -> Sequence[RowMapping]:
        return self._connection.execute(statement, values).mappings().all()

    def _row(self, table: Any, condition: ColumnElement[bool]) -> RowMapping | None:
        return self._connection.execute(select(table).where(condition).limit(1)).mappings().first()

    def _value(self, column: Any, condition: ColumnElement[bool]) -> Any:
        return self._connection.execute(select(column).where(condition)).scalar()

    def _run(self, statement: Executable) -> int:
        return self._connection.execute(statement).rowcount
