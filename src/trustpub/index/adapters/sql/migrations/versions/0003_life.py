# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of projects and files, where files came from, and a log of events that only grows."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_version,
    parse_sdist_filename,
    parse_wheel_filename,
)

revision = "0003"
down_revision = "0002"

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")

_ONLY_GROWS = "events are never changed or removed"


def upgrade() -> None:
    """Everything stored stays as it was; nothing is deleted, yanked or forbidden that was not."""
    op.add_column("projects", sa.Column("status", WORDS, nullable=False, server_default="active"))
    op.add_column("projects", sa.Column("status_reason", WORDS, nullable=False, server_default=""))
    op.add_column("projects", sa.Column("trusted_only", FLAG, nullable=False, server_default=sa.false()))
    op.add_column("projects", sa.Column("attestations", WORDS, nullable=False, server_default="optional"))
    op.add_column("files", sa.Column("deleted", WHOLE, nullable=True))
    op.add_column("files", sa.Column("attested", FLAG, nullable=False, server_default=sa.false()))
    op.add_column("tokens", sa.Column("claims", WORDS, nullable=False, server_default="{}"))
    op.create_table(
        "provenances",
        sa.Column("filename", WORDS, nullable=False),
        sa.Column("document", WORDS, nullable=False),
        sa.Column("everything", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["filename"], ["files.filename"], name=op.f("fk_provenances_filename")),
        sa.PrimaryKeyConstraint("filename", name=op.f("pk_provenances")),
        sqlite_strict=True,
    )
    _events_only_grow()
    _rename_keys()


def _rename_keys() -> None:
    """Versions that are one had two keys. Files that are here under both keep theirs."""
    connection = op.get_bind()
    files = sa.table("files", sa.column("filename", sa.Text()), sa.column("normalized", sa.Text()))
    rows = connection.execute(sa.select(files.c.filename, files.c.normalized)).all()
    taken = {row.normalized for row in rows}
    for row in rows:
        key = _key(row.filename.lower())
        if key not in taken:
            taken.add(key)
            connection.execute(sa.update(files).where(files.c.filename == row.filename).values(normalized=key))


def _key(folded: str) -> str:
    """``packages.names.file_key`` as it was when this was written."""
    try:
        if folded.endswith(".whl"):
            name, version, build, tags = parse_wheel_filename(folded)
            return json.dumps([name, canonicalize_version(version), build, sorted(map(str, tags))])
        name, version = parse_sdist_filename(folded)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return folded
    return json.dumps([name, canonicalize_version(version), "zip" if folded.endswith(".zip") else "tar.gz"])


def _events_only_grow() -> None:
    """Whoever writes to the database by any program is refused, unless they take the triggers away first.

    SQLite's INSERT OR REPLACE removes a row without asking a trigger for DELETE, so there is one for it too; TRUNCATE
    is PostgreSQL's.
    """
    if op.get_bind().dialect.name == "postgresql":
        refuse = f"BEGIN RAISE EXCEPTION '{_ONLY_GROWS}' USING ERRCODE = 'integrity_constraint_violation'; END"
        op.execute(f"CREATE FUNCTION events_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$")
        for name, what, each in (
            ("events_unchanged", "UPDATE", "ROW"),
            ("events_undeleted", "DELETE", "ROW"),
            ("events_untruncated", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {what} ON events FOR EACH {each} EXECUTE FUNCTION events_only_grow()"
            )
        return
    for name, when in (
        ("events_unchanged", "BEFORE UPDATE ON events"),
        ("events_undeleted", "BEFORE DELETE ON events"),
        ("events_unreplaced", "BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id)"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{_ONLY_GROWS}'); END")
