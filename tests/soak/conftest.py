# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of the test's own."""

from __future__ import annotations

from ..postgres import server  # noqa: TID252 - pytest gives these folders no absolute name

__all__ = ["server"]
