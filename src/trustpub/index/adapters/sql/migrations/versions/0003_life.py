# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of projects and files, where files came from, and a log of events that only grows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")

_ONLY_GROWS = "events are never changed or removed"


def upgrade() -> None:
    """Everything stored stays as it was; nothing is deleted, yanked or forbidden that was not."""
    op.add_column("projects", sa.Column("status", sa.Text(), nullable=False, server_default="active"))
    op.add_column("projects", sa.Column("status_reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("projects", sa.Column("trusted_only", FLAG, nullable=False, server_default=sa.text("0")))
    op.add_column("projects", sa.Column("attestations", sa.Text(), nullable=False, server_default="optional"))
    op.add_column("files", sa.Column("deleted", WHOLE, nullable=True))
    op.add_column("files", sa.Column("attested", FLAG, nullable=False, server_default=sa.text("0")))
    op.add_column("tokens", sa.Column("claims", sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "provenances",
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("everything", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["filename"], ["files.filename"], name=op.f("fk_provenances_filename")),
        sa.PrimaryKeyConstraint("filename", name=op.f("pk_provenances")),
        sqlite_strict=True,
    )
    _events_only_grow()


def _events_only_grow() -> None:
    """Whoever writes to the file by any program is refused, unless they take the triggers away first.

    INSERT OR REPLACE removes a row without asking a trigger for DELETE, so there is one for it too.
    """
    for name, when in (
        ("events_unchanged", "BEFORE UPDATE ON events"),
        ("events_undeleted", "BEFORE DELETE ON events"),
        ("events_unreplaced", "BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{_ONLY_GROWS}'); END")
