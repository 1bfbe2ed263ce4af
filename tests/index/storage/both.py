# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a suite run on every database: import ``on_both``, and each test that needs ``store`` runs on each."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from .conftest import POSTGRESQL, SQLITE

on_sqlite_only = pytest.mark.parametrize("rows", [SQLITE])
"""For what is about the file."""

VIOLATION = (IntegrityError, sqlite3.IntegrityError, psycopg.IntegrityError)
"""What a row that breaks a rule of its table is refused with."""


@pytest.fixture(name="rows", params=[SQLITE, POSTGRESQL])
def on_both(request: pytest.FixtureRequest) -> str:
    """Where ``store`` keeps its rows."""
    where: str = request.param
    return where
