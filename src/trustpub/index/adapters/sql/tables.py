# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The tables, as the newest migration leaves them (a test compares the two)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.sqlite import REAL
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Whole = BigInteger().with_variant(Integer(), "sqlite")
"""Whole seconds, sizes and serials: 64 bits, under the only name that a STRICT table of SQLite takes."""
Moment: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")
"""Unix time with its fraction."""
Flag = Boolean().with_variant(Integer(), "sqlite")

facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_strict=True,
)

issuers = Table(
    "issuers",
    metadata,
    Column("url", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("jwks", Text),
    Column("ca", Text),
    sqlite_strict=True,
)

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # The lower-cased name, so that Anna and anna are one person on every database.
    Column("folded", Text, nullable=False, unique=True),
    Column("created", Whole, nullable=False),
    sqlite_strict=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("normalized", Text, nullable=False, unique=True),
    Column("created", Whole, nullable=False),
    Column("pending_until", Whole),
    Column("serial", Whole, nullable=False),
    sqlite_strict=True,
)

# Someone named here for a pending project is its owner-to-be; reading.is_member counts real projects only.
members = Table(
    "members",
    metadata,
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sqlite_strict=True,
)

publishers = Table(
    "publishers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, ForeignKey("issuers.url"), nullable=False),
    Column("kind", Text, nullable=False),
    # What a provider's token names first; lower-cased, to find candidates by.
    Column("repository", Text, nullable=False),
    # Everything that makes it this identity and no other: a JSON list, see identity_key in reading.py.
    Column("identity", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("pin_on_first_use", Flag, nullable=False),
    UniqueConstraint("issuer", "kind", "identity"),
    Index(None, "issuer", "kind", "repository"),
    sqlite_strict=True,
)

publisher_links = Table(
    "publisher_links",
    metadata,
    Column("publisher_id", Text, ForeignKey("publishers.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Index(None, "project_id"),
    sqlite_strict=True,
)

# A publisher's row takes every token it was minted with it.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("publisher_id", Text, ForeignKey("publishers.id", ondelete="CASCADE"), index=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    Column("description", Text, nullable=False),
    Column("caveats", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("created", Whole, nullable=False),
    Column("expires", Whole),
    Column("burned", Whole),
    sqlite_strict=True,
)

claims = Table(
    "claims",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("expires", Whole, nullable=False, index=True),
    sqlite_strict=True,
)

files = Table(
    "files",
    metadata,
    Column("filename", Text, primary_key=True),
    # The same distribution under another spelling of its name is the same file, see packages.names.file_key.
    Column("normalized", Text, nullable=False, unique=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False, index=True),
    Column("version", Text, nullable=False),
    Column("filetype", Text, nullable=False),
    Column("size", Whole, nullable=False),
    Column("sha256", Text, nullable=False, index=True),
    Column("blake2b_256", Text, nullable=False, index=True),
    Column("md5", Text),
    Column("metadata_sha256", Text),
    Column("requires_python", Text),
    Column("uploaded", Moment, nullable=False),
    # No foreign key: a file outlives the token it came with.
    Column("token_id", Text, nullable=False),
    Column("yanked", Text),
    sqlite_strict=True,
)

# No foreign keys: what happened stays written when what it happened to is gone.
events = Table(
    "events",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("project_id", Text, index=True),
    Column("publisher_id", Text),
    Column("facts", Text, nullable=False),
    sqlite_strict=True,
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Whole, nullable=False),
    sqlite_strict=True,
)
