# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Makes a suite of a port run on every database: import ``on_both``, and each test that needs ``store`` runs on each."""

from __future__ import annotations

import pytest

from .conftest import POSTGRESQL, SQLITE


@pytest.fixture(name="rows", params=[SQLITE, POSTGRESQL])
def on_both(request: pytest.FixtureRequest) -> str:
    """Where ``store`` keeps its rows."""
    where: str = request.param
    return where
