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
    text,
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
    # JSON of trust.provider.Terms.
    Column("terms", Text, nullable=False),
    Column("audience", Text),
    Column("jwks_hosts", Text, nullable=False),
    Column("private", Flag, nullable=False),
    Column("enabled", Flag, nullable=False, server_default=text("1")),
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
    Column("email", Text, nullable=False, server_default=""),
    Column("administrator", Flag, nullable=False, server_default=text("0")),
    Column("suspended", Whole),
    sqlite_strict=True,
)

# What is a person's goes with them: logins, sessions, memberships, tokens, invitations to set a new password.
logins = Table(
    "logins",
    metadata,
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("password", Text),
    Column("totp", Text),
    Column("totp_step", Whole, nullable=False),
    # JSON: an array of digests.
    Column("recovery", Text, nullable=False),
    Column("subject", Text, unique=True),
    sqlite_strict=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created", Whole, nullable=False),
    Column("expires", Whole, nullable=False),
    Column("seen", Whole, nullable=False),
    Column("confirmed", Whole, nullable=False),
    Column("complete", Flag, nullable=False),
    Column("peer", Text, nullable=False),
    Column("agent", Text, nullable=False),
    sqlite_strict=True,
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("administrator", Flag, nullable=False),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    # No foreign key: an invitation outlives who wrote it, and may come from the command line.
    Column("by", Text, nullable=False),
    Column("created", Whole, nullable=False),
    Column("expires", Whole, nullable=False),
    sqlite_strict=True,
)

letters = Table(
    "letters",
    metadata,
    Column("id", Text, primary_key=True),
    Column("to", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created", Whole, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("not_before", Whole, nullable=False, index=True),
    sqlite_strict=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("normalized", Text, nullable=False, unique=True),
    # What packages.names.look_alike makes of the name. Not unique: names that were there before may look alike.
    Column("look_alike", Text, nullable=False, index=True),
    Column("created", Whole, nullable=False),
    Column("pending_until", Whole),
    Column("reminded", Flag, nullable=False),
    Column("serial", Whole, nullable=False),
    Column("status", Text, nullable=False, server_default="active"),
    Column("status_reason", Text, nullable=False, server_default=""),
    Column("trusted_only", Flag, nullable=False, server_default=text("0")),
    Column("attestations", Text, nullable=False, server_default="optional"),
    sqlite_strict=True,
)

prohibited_names = Table(
    "prohibited_names",
    metadata,
    # In normal form.
    Column("name", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    sqlite_strict=True,
)

# Someone named here for a pending project is its owner-to-be; reading.is_member counts real projects only.
members = Table(
    "members",
    metadata,
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", Text, nullable=False, server_default="owner"),
    sqlite_strict=True,
)

publishers = Table(
    "publishers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, ForeignKey("issuers.url"), nullable=False),
    Column("kind", Text, nullable=False),
    # The text to find candidates by, see Provider.lookup.
    Column("lookup", Text, nullable=False),
    # Everything that makes it this identity and no other, see identity_key in rows.py.
    Column("identity", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("immutable", Text, nullable=False),
    Column("pin_on_first_use", Flag, nullable=False),
    UniqueConstraint("issuer", "kind", "identity"),
    Index(None, "issuer", "kind", "lookup"),
    sqlite_strict=True,
)

publisher_links = Table(
    "publisher_links",
    metadata,
    Column("publisher_id", Text, ForeignKey("publishers.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    # JSON of trust.publishers.Rules, without what is not asked for.
    Column("rules", Text, nullable=False),
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
    Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE")),
    Column("description", Text, nullable=False),
    Column("caveats", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("created", Whole, nullable=False),
    Column("expires", Whole),
    Column("burned", Whole),
    Column("single_use", Flag, nullable=False),
    Column("used", Whole),
    # JSON of what the identity token said that it was minted for.
    Column("claims", Text, nullable=False, server_default="{}"),
    Column("last_used", Whole),
    # Minted tokens, by far the most, have none, and need not be written into it.
    Index(None, "user_id", sqlite_where=text("user_id IS NOT NULL")),
    sqlite_strict=True,
)

claims = Table(
    "claims",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    # No index: notes are few at any time, and are looked through once an hour.
    Column("expires", Whole, nullable=False),
    # Empty in notes that were taken before these columns were: such a note stands, and nothing can be repeated by it.
    Column("token_id", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("peer", Text, nullable=False),
    Column("body_sha256", Text, nullable=False),
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
    Column("deleted", Whole),
    Column("attested", Flag, nullable=False, server_default=text("0")),
    # JSON of who uploaded it, see kept.File.
    Column("origin", Text, nullable=False, server_default="{}"),
    sqlite_strict=True,
)

# Beside the files, whose rows are read for every page: a document may be large.
provenances = Table(
    "provenances",
    metadata,
    Column("filename", Text, ForeignKey("files.filename"), primary_key=True),
    Column("document", Text, nullable=False),
    Column("everything", Text, nullable=False),
    sqlite_strict=True,
)

# No foreign keys: what happened stays written when what it happened to is gone. Triggers that the migrations make let
# nobody change or remove a row.
events = Table(
    "events",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("project_id", Text, index=True),
    Column("publisher_id", Text),
    Column("facts", Text, nullable=False),
    # Those of a kind, the newest first, and how many there were on a day, without a look at the rows.
    Index(None, "kind", "id", "at"),
    sqlite_strict=True,
)

# Without a project: nobody's but the administrators'.
attempts = Table(
    "attempts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("issuer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("claims", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("first", Moment, nullable=False),
    Column("last", Moment, nullable=False),
    Column("count", Whole, nullable=False),
    Column("peer", Text, nullable=False),
    # JSON of fields to register, and of each publisher that was near; see kept.Attempt.
    Column("proposed", Text, nullable=False, server_default="{}"),
    Column("near", Text, nullable=False, server_default="[]"),
    Index(None, "project_id", "digest"),
    Index(None, "project_id", "last"),
    Index(None, "last"),
    sqlite_strict=True,
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Whole, nullable=False),
    sqlite_strict=True,
)
