# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""INSERT … ON CONFLICT, written once for both databases.

SQLAlchemy has one for each, which differ in nothing that is used here; loading the other one takes 50 ms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate


class _DoNothing(OnConflictDoNothing):
    inherit_cache = True
    constraint_target = None
    """What PostgreSQL's compiler looks at first: no constraint is named."""


class _DoUpdate(OnConflictDoUpdate):
    inherit_cache = True
    constraint_target = None


def insert_new(table: Table, values: Mapping[str, Any] | None = None) -> Insert:
    """Insert a row, or do nothing where one is in the way."""
    return _with(table, values, _DoNothing())


def insert_or_update(table: Table, values: Mapping[str, Any], key: Sequence[str], other: Mapping[str, Any]) -> Insert:
    """Insert the row, or give the one with this key these ``other`` values."""
    return _with(table, values, _DoUpdate(index_elements=list(key), set_=dict(other)))


def _with(table: Table, values: Mapping[str, Any] | None, clause: _DoNothing | _DoUpdate) -> Insert:
    made = Insert(table)
    if values is not None:
        made = made.values(dict(values))
    made._post_values_clause = clause  # noqa: SLF001 - as its own methods do
    return made
