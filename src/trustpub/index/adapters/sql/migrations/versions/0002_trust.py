# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Publishers of any provider, rules on their links, terms of issuers, what a used identity token was used for.

What the application computes from a row is spelled out here once more, as it was when this was written: a migration
must do the same for ever.
"""

from __future__ import annotations

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")

# The only kind of issuer there was, and how its tokens are taken from now on.
_GITHUB_TERMS = {
    "algorithms": ["RS256"],
    "array_audience": False,
    "max_age": 3600,
    "max_lifetime": 3600,
    "token_lifetime": 900,
}


def upgrade() -> None:
    """Everything stored stays, in its new form."""
    _issuers()
    _names()
    _publishers()
    _uses()
    _attempts()


def _issuers() -> None:
    terms = json.dumps(_GITHUB_TERMS)
    op.add_column("issuers", sa.Column("terms", WORDS, nullable=False, server_default=terms))
    op.add_column("issuers", sa.Column("audience", WORDS, nullable=True))
    op.add_column("issuers", sa.Column("jwks_hosts", WORDS, nullable=False, server_default="[]"))
    op.add_column("issuers", sa.Column("private", FLAG, nullable=False, server_default=sa.false()))
    op.add_column("issuers", sa.Column("enabled", FLAG, nullable=False, server_default=sa.true()))


def _names() -> None:
    op.create_table(
        "prohibited_names",
        sa.Column("name", WORDS, nullable=False),
        sa.Column("reason", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_prohibited_names")),
        sqlite_strict=True,
    )
    op.add_column("projects", sa.Column("look_alike", WORDS, nullable=False, server_default=""))
    op.add_column("projects", sa.Column("reminded", FLAG, nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_projects_look_alike"), "projects", ["look_alike"], unique=False)
    projects = sa.table("projects", sa.column("id"), sa.column("name"), sa.column("look_alike"))
    bind = op.get_bind()
    for project_id, name in bind.execute(sa.select(projects.c.id, projects.c.name)).all():
        # Separators are dropped; then what the eye takes for one another is made one.
        letters = re.sub(r"[-_.]+", "", name).lower().translate(str.maketrans("lio", "110"))
        bind.execute(sa.update(projects).where(projects.c.id == project_id).values(look_alike=letters))


def _publishers() -> None:
    op.drop_index(op.f("ix_publishers_issuer_kind_repository"), table_name="publishers")
    op.execute("ALTER TABLE publishers RENAME COLUMN repository TO lookup")
    op.create_index(op.f("ix_publishers_issuer_kind_lookup"), "publishers", ["issuer", "kind", "lookup"], unique=False)
    op.add_column("publishers", sa.Column("immutable", WORDS, nullable=False, server_default="[]"))
    op.add_column("publisher_links", sa.Column("rules", WORDS, nullable=False, server_default="{}"))
    publishers = sa.table("publishers", sa.column("id"), sa.column("fields"), sa.column("identity"))
    bind = op.get_bind()
    for publisher_id, stored in bind.execute(sa.select(publishers.c.id, publishers.c.fields)).all():
        fields = json.loads(stored)
        means = {"repository": fields["repository"].lower(), "workflow": fields["workflow"]}
        if fields.get("environment"):
            means["environment"] = fields["environment"].lower()
        identity = json.dumps(means, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        bind.execute(sa.update(publishers).where(publishers.c.id == publisher_id).values(identity=identity))


def _uses() -> None:
    # Every page that a mint writes has to reach the disk before its answer.
    op.drop_index(op.f("ix_tokens_user_id"), table_name="tokens")
    of_people = sa.text("user_id IS NOT NULL")
    op.create_index(
        op.f("ix_tokens_user_id"),
        "tokens",
        ["user_id"],
        unique=False,
        sqlite_where=of_people,
        postgresql_where=of_people,
    )
    op.drop_index(op.f("ix_claims_expires"), table_name="claims")
    op.add_column("tokens", sa.Column("single_use", FLAG, nullable=False, server_default=sa.false()))
    op.add_column("tokens", sa.Column("used", WHOLE, nullable=True))
    op.add_column("claims", sa.Column("token_id", WORDS, nullable=False, server_default=""))
    op.add_column("claims", sa.Column("at", MOMENT, nullable=False, server_default=sa.text("0")))
    op.add_column("claims", sa.Column("peer", WORDS, nullable=False, server_default=""))
    op.add_column("claims", sa.Column("body_sha256", WORDS, nullable=False, server_default=""))


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("project_id", WORDS, nullable=True),
        sa.Column("issuer", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("claims", WORDS, nullable=False),
        sa.Column("reasons", WORDS, nullable=False),
        sa.Column("first", MOMENT, nullable=False),
        sa.Column("last", MOMENT, nullable=False),
        sa.Column("count", WHOLE, nullable=False),
        sa.Column("peer", WORDS, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_attempts_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_attempts_project_id_digest"), "attempts", ["project_id", "digest"], unique=False)
    op.create_index(op.f("ix_attempts_project_id_last"), "attempts", ["project_id", "last"], unique=False)
    op.create_index(op.f("ix_attempts_last"), "attempts", ["last"], unique=False)
