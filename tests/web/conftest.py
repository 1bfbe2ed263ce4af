# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index with accounts for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .door import Door, open_door


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """An index that has people, and its clock in our hand."""
    with open_door(tmp_path / "index") as made:
        yield made
