# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table, those that others point to first."""
    _settings()
    _people_and_projects()
    _publishers()
    _tokens()
    _files()


def _settings() -> None:
    op.create_table(
        "facts",
        sa.Column("name", WORDS, nullable=False),
        sa.Column("value", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
        sqlite_strict=True,
    )
    op.create_table(
        "counters",
        sa.Column("name", WORDS, nullable=False),
        sa.Column("value", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
        sqlite_strict=True,
    )
    op.create_table(
        "events",
        sa.Column("id", WHOLE, autoincrement=True, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("project_id", WORDS, nullable=True),
        sa.Column("publisher_id", WORDS, nullable=True),
        sa.Column("facts", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_events_project_id"), "events", ["project_id"], unique=False)


def _people_and_projects() -> None:
    op.create_table(
        "users",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("folded", WORDS, nullable=False),
        sa.Column("created", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("folded", name=op.f("uq_users_folded")),
        sqlite_strict=True,
    )
    op.create_table(
        "projects",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("normalized", WORDS, nullable=False),
        sa.Column("created", WHOLE, nullable=False),
        sa.Column("pending_until", WHOLE, nullable=True),
        sa.Column("serial", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("normalized", name=op.f("uq_projects_normalized")),
        sqlite_strict=True,
    )
    op.create_table(
        "members",
        sa.Column("project_id", WORDS, nullable=False),
        sa.Column("user_id", WORDS, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_members_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_members")),
        sqlite_strict=True,
    )


def _publishers() -> None:
    op.create_table(
        "issuers",
        sa.Column("url", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("jwks", WORDS, nullable=True),
        sa.Column("ca", WORDS, nullable=True),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_issuers")),
        sqlite_strict=True,
    )
    op.create_table(
        "publishers",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("issuer", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("repository", WORDS, nullable=False),
        sa.Column("identity", WORDS, nullable=False),
        sa.Column("fields", WORDS, nullable=False),
        sa.Column("pin_on_first_use", FLAG, nullable=False),
        sa.ForeignKeyConstraint(["issuer"], ["issuers.url"], name=op.f("fk_publishers_issuer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publishers")),
        sa.UniqueConstraint("issuer", "kind", "identity", name=op.f("uq_publishers_issuer_kind_identity")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_publishers_issuer_kind_repository"), "publishers", ["issuer", "kind", "repository"], unique=False
    )
    op.create_table(
        "publisher_links",
        sa.Column("publisher_id", WORDS, nullable=False),
        sa.Column("project_id", WORDS, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_publisher_links_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["publisher_id"], ["publishers.id"], name=op.f("fk_publisher_links_publisher_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("publisher_id", "project_id", name=op.f("pk_publisher_links")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_publisher_links_project_id"), "publisher_links", ["project_id"], unique=False)


def _tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("key_id", WORDS, nullable=False),
        sa.Column("location", WORDS, nullable=False),
        sa.Column("publisher_id", WORDS, nullable=True),
        sa.Column("user_id", WORDS, nullable=True),
        sa.Column("description", WORDS, nullable=False),
        sa.Column("caveats", WORDS, nullable=False),
        sa.Column("scope", WORDS, nullable=False),
        sa.Column("created", WHOLE, nullable=False),
        sa.Column("expires", WHOLE, nullable=True),
        sa.Column("burned", WHOLE, nullable=True),
        sa.ForeignKeyConstraint(
            ["publisher_id"], ["publishers.id"], name=op.f("fk_tokens_publisher_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_tokens_publisher_id"), "tokens", ["publisher_id"], unique=False)
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"], unique=False)
    op.create_table(
        "claims",
        sa.Column("issuer", WORDS, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("expires", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "key", name=op.f("pk_claims")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_claims_expires"), "claims", ["expires"], unique=False)


def _files() -> None:
    op.create_table(
        "files",
        sa.Column("filename", WORDS, nullable=False),
        sa.Column("normalized", WORDS, nullable=False),
        sa.Column("project_id", WORDS, nullable=False),
        sa.Column("version", WORDS, nullable=False),
        sa.Column("filetype", WORDS, nullable=False),
        sa.Column("size", WHOLE, nullable=False),
        sa.Column("sha256", WORDS, nullable=False),
        sa.Column("blake2b_256", WORDS, nullable=False),
        sa.Column("md5", WORDS, nullable=True),
        sa.Column("metadata_sha256", WORDS, nullable=True),
        sa.Column("requires_python", WORDS, nullable=True),
        sa.Column("uploaded", MOMENT, nullable=False),
        sa.Column("token_id", WORDS, nullable=False),
        sa.Column("yanked", WORDS, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_files_project_id")),
        sa.PrimaryKeyConstraint("filename", name=op.f("pk_files")),
        sa.UniqueConstraint("normalized", name=op.f("uq_files_normalized")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_files_blake2b_256"), "files", ["blake2b_256"], unique=False)
    op.create_index(op.f("ix_files_project_id"), "files", ["project_id"], unique=False)
    op.create_index(op.f("ix_files_sha256"), "files", ["sha256"], unique=False)
