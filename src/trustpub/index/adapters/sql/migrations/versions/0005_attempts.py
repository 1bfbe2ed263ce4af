# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What was compared with a refused identity, and what would have to be registered for it to be trusted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Attempts from before have neither; their reasons say in words what differed."""
    op.add_column("attempts", sa.Column("proposed", WORDS, nullable=False, server_default="{}"))
    op.add_column("attempts", sa.Column("near", WORDS, nullable=False, server_default="[]"))
