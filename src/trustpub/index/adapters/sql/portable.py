# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What SQLite and PostgreSQL spell differently, as one expression each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Day(FunctionElement[int]):
    """Whole days (of 86,400 s, since 1970, UTC) of a Unix time that is not negative."""

    name = "day"
    type = BigInteger()
    inherit_cache = True

    def __init__(self, moment: ColumnElement[float]) -> None:
        super().__init__(moment)


class Texts(FunctionElement[Any]):
    """The texts of a JSON array, a row each, in the column ``value``. One parameter, however many they are."""

    name = "texts"
    inherit_cache = True


@compiles(Day, "sqlite")
def _sqlite_day(element: Day, compiler: SQLCompiler, **named: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **named)} / 86400 AS INTEGER)"


@compiles(Day, "postgresql")
def _postgresql_day(element: Day, compiler: SQLCompiler, **named: Any) -> str:
    # A cast alone would round to the nearest.
    return f"CAST(floor({compiler.process(element.clauses, **named)} / 86400) AS BIGINT)"


@compiles(Texts, "sqlite")
def _sqlite_texts(element: Texts, compiler: SQLCompiler, **named: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **named)})"


@compiles(Texts, "postgresql")
def _postgresql_texts(element: Texts, compiler: SQLCompiler, **named: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **named)} AS JSON))"
