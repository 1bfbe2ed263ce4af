# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Run by Alembic, only ever on a connection that store.py hands it inside a transaction."""

from __future__ import annotations

from alembic import context

from trustpub.index.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # Schema changes are part of a transaction once BEGIN is ours, whatever Alembic assumes.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
