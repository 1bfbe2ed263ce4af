# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How the processes of an index meet."""

from __future__ import annotations

from trustpub.index.adapters.fellows import Alone
from trustpub.index.ports import Fellows
from trustpub.index.settings import Postgres


def open_fellows(postgres: Postgres | None) -> Fellows:
    """At the server that has their rows; where these are in a file, there is one process."""
    if postgres is None:
        return Alone()
    from trustpub.index.adapters.sql.fellows import PostgresFellows

    return PostgresFellows(postgres)
