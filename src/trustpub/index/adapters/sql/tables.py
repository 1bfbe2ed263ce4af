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
    false,
    text,
    true,
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

Words = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is ordered by its bytes (UTF-8), whatever language the server speaks."""
Whole = BigInteger().with_variant(Integer(), "sqlite")
"""Whole seconds, sizes and serials: 64 bits, under the only name that a STRICT table of SQLite takes."""
Moment: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")
"""Unix time with its fraction."""
Flag = Boolean().with_variant(Integer(), "sqlite")

facts = Table(
    "facts",
    metadata,
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
    sqlite_strict=True,
)

issuers = Table(
    "issuers",
    metadata,
    Column("url", Words, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("jwks", Words),
    Column("ca", Words),
    # JSON of trust.provider.Terms.
    Column("terms", Words, nullable=False),
    Column("audience", Words),
    Column("jwks_hosts", Words, nullable=False),
    Column("private", Flag, nullable=False),
    Column("enabled", Flag, nullable=False, server_default=true()),
    sqlite_strict=True,
)

users = Table(
    "users",
    metadata,
    Column("id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    # The lower-cased name, so that Anna and anna are one person on every database.
    Column("folded", Words, nullable=False, unique=True),
    Column("created", Whole, nullable=False),
    Column("email", Words, nullable=False, server_default=""),
    Column("administrator", Flag, nullable=False, server_default=false()),
    Column("suspended", Whole),
    sqlite_strict=True,
)

# What is a person's goes with them: logins, sessions, memberships, tokens, invitations to set a new password.
logins = Table(
    "logins",
    metadata,
    Column("user_id", Words, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("password", Words),
    Column("totp", Words),
    Column("totp_step", Whole, nullable=False),
    # JSON: an array of digests.
    Column("recovery", Words, nullable=False),
    Column("subject", Words, unique=True),
    sqlite_strict=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Words, primary_key=True),
    Column("user_id", Words, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created", Whole, nullable=False),
    Column("expires", Whole, nullable=False),
    Column("seen", Whole, nullable=False),
    Column("confirmed", Whole, nullable=False),
    Column("complete", Flag, nullable=False),
    Column("peer", Words, nullable=False),
    Column("agent", Words, nullable=False),
    sqlite_strict=True,
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Words, primary_key=True),
    Column("email", Words, nullable=False),
    Column("administrator", Flag, nullable=False),
    Column("user_id", Words, ForeignKey("users.id", ondelete="CASCADE"), index=True),
    # No foreign key: an invitation outlives who wrote it, and may come from the command line.
    Column("by", Words, nullable=False),
    Column("created", Whole, nullable=False),
    Column("expires", Whole, nullable=False),
    sqlite_strict=True,
)

letters = Table(
    "letters",
    metadata,
    Column("id", Words, primary_key=True),
    Column("to", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("body", Words, nullable=False),
    Column("created", Whole, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("not_before", Whole, nullable=False, index=True),
    sqlite_strict=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("normalized", Words, nullable=False, unique=True),
    # What packages.names.look_alike makes of the name. Not unique: names that were there before may look alike.
    Column("look_alike", Words, nullable=False, index=True),
    Column("created", Whole, nullable=False),
    Column("pending_until", Whole),
    Column("reminded", Flag, nullable=False),
    Column("serial", Whole, nullable=False),
    Column("status", Words, nullable=False, server_default="active"),
    Column("status_reason", Words, nullable=False, server_default=""),
    Column("trusted_only", Flag, nullable=False, server_default=false()),
    Column("attestations", Words, nullable=False, server_default="optional"),
    sqlite_strict=True,
)

prohibited_names = Table(
    "prohibited_names",
    metadata,
    # In normal form.
    Column("name", Words, primary_key=True),
    Column("reason", Words, nullable=False),
    sqlite_strict=True,
)

# Someone named here for a pending project is its owner-to-be; reading.is_member counts real projects only.
members = Table(
    "members",
    metadata,
    Column("project_id", Words, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", Words, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("role", Words, nullable=False, server_default="owner"),
    sqlite_strict=True,
)

publishers = Table(
    "publishers",
    metadata,
    Column("id", Words, primary_key=True),
    Column("issuer", Words, ForeignKey("issuers.url"), nullable=False),
    Column("kind", Words, nullable=False),
    # The text to find candidates by, see Provider.lookup.
    Column("lookup", Words, nullable=False),
    # Everything that makes it this identity and no other, see identity_key in rows.py.
    Column("identity", Words, nullable=False),
    Column("fields", Words, nullable=False),
    Column("immutable", Words, nullable=False),
    Column("pin_on_first_use", Flag, nullable=False),
    UniqueConstraint("issuer", "kind", "identity"),
    Index(None, "issuer", "kind", "lookup"),
    sqlite_strict=True,
)

publisher_links = Table(
    "publisher_links",
    metadata,
    Column("publisher_id", Words, ForeignKey("publishers.id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", Words, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    # JSON of trust.publishers.Rules, without what is not asked for.
    Column("rules", Words, nullable=False),
    Index(None, "project_id"),
    sqlite_strict=True,
)

# A publisher's row takes every token it was minted with it.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Words, primary_key=True),
    Column("key_id", Words, nullable=False),
    Column("location", Words, nullable=False),
    Column("publisher_id", Words, ForeignKey("publishers.id", ondelete="CASCADE"), index=True),
    Column("user_id", Words, ForeignKey("users.id", ondelete="CASCADE")),
    Column("description", Words, nullable=False),
    Column("caveats", Words, nullable=False),
    Column("scope", Words, nullable=False),
    Column("created", Whole, nullable=False),
    Column("expires", Whole),
    Column("burned", Whole),
    Column("single_use", Flag, nullable=False),
    Column("used", Whole),
    # JSON of what the identity token said that it was minted for.
    Column("claims", Words, nullable=False, server_default="{}"),
    Column("last_used", Whole),
    # Minted tokens, by far the most, have none, and need not be written into it.
    Index(None, "user_id", sqlite_where=text("user_id IS NOT NULL"), postgresql_where=text("user_id IS NOT NULL")),
    sqlite_strict=True,
)

claims = Table(
    "claims",
    metadata,
    Column("issuer", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    # No index: notes are few at any time, and are looked through once an hour.
    Column("expires", Whole, nullable=False),
    # Empty in notes that were taken before these columns were: such a note stands, and nothing can be repeated by it.
    Column("token_id", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("peer", Words, nullable=False),
    Column("body_sha256", Words, nullable=False),
    sqlite_strict=True,
)

files = Table(
    "files",
    metadata,
    Column("filename", Words, primary_key=True),
    # The same distribution under another spelling of its name is the same file, see packages.names.file_key.
    Column("normalized", Words, nullable=False, unique=True),
    Column("project_id", Words, ForeignKey("projects.id"), nullable=False, index=True),
    Column("version", Words, nullable=False),
    Column("filetype", Words, nullable=False),
    Column("size", Whole, nullable=False),
    Column("sha256", Words, nullable=False, index=True),
    Column("blake2b_256", Words, nullable=False, index=True),
    Column("md5", Words),
    Column("metadata_sha256", Words),
    Column("requires_python", Words),
    Column("uploaded", Moment, nullable=False),
    # No foreign key: a file outlives the token it came with.
    Column("token_id", Words, nullable=False),
    Column("yanked", Words),
    Column("deleted", Whole),
    Column("attested", Flag, nullable=False, server_default=false()),
    # JSON of who uploaded it, see kept.File.
    Column("origin", Words, nullable=False, server_default="{}"),
    sqlite_strict=True,
)

# Beside the files, whose rows are read for every page: a document may be large.
provenances = Table(
    "provenances",
    metadata,
    Column("filename", Words, ForeignKey("files.filename"), primary_key=True),
    Column("document", Words, nullable=False),
    Column("everything", Words, nullable=False),
    sqlite_strict=True,
)

# No foreign keys: what happened stays written when what it happened to is gone. Triggers that the migrations make let
# nobody change or remove a row.
events = Table(
    "events",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("kind", Words, nullable=False),
    Column("project_id", Words, index=True),
    Column("publisher_id", Words),
    Column("facts", Words, nullable=False),
    # Those of a kind, the newest first, and how many there were on a day, without a look at the rows.
    Index(None, "kind", "id", "at"),
    sqlite_strict=True,
)

# Without a project: nobody's but the administrators'.
attempts = Table(
    "attempts",
    metadata,
    Column("id", Words, primary_key=True),
    Column("project_id", Words, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("issuer", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("digest", Words, nullable=False),
    Column("claims", Words, nullable=False),
    Column("reasons", Words, nullable=False),
    Column("first", Moment, nullable=False),
    Column("last", Moment, nullable=False),
    Column("count", Whole, nullable=False),
    Column("peer", Words, nullable=False),
    # JSON of fields to register, and of each publisher that was near; see kept.Attempt.
    Column("proposed", Words, nullable=False, server_default="{}"),
    Column("near", Words, nullable=False, server_default="[]"),
    Index(None, "project_id", "digest"),
    Index(None, "project_id", "last"),
    Index(None, "last"),
    sqlite_strict=True,
)

counters = Table(
    "counters",
    metadata,
    Column("name", Words, primary_key=True),
    Column("value", Whole, nullable=False),
    sqlite_strict=True,
)
