# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""People who sign in, what they are to projects, and letters to them; who uploaded each file, with the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")

_NOT_CLAIMS = frozenset({"token", "scope", "peer"})
"""Texts that an event of a mint told beside the claims of the run, which are texts all."""

_OWN_CLAIMS = {
    "job_workflow_ref": "github",
    "ci_config_ref_uri": "gitlab",
    "azp": "google",
    "actor_id": "activestate",
}


def upgrade() -> None:
    """Everything stored stays. Nobody is an administrator, can sign in or is anything less than an owner yet."""
    op.add_column("users", sa.Column("email", WORDS, nullable=False, server_default=""))
    op.add_column("users", sa.Column("administrator", FLAG, nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("suspended", WHOLE, nullable=True))
    op.add_column("members", sa.Column("role", WORDS, nullable=False, server_default="owner"))
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)
    op.add_column("tokens", sa.Column("last_used", WHOLE, nullable=True))
    op.add_column("files", sa.Column("origin", WORDS, nullable=False, server_default="{}"))
    op.create_index(op.f("ix_events_kind_id_at"), "events", ["kind", "id", "at"], unique=False)
    _logins()
    _invitations()
    _letters()
    _origins()


def _logins() -> None:
    op.create_table(
        "logins",
        sa.Column("user_id", WORDS, nullable=False),
        sa.Column("password", WORDS, nullable=True),
        sa.Column("totp", WORDS, nullable=True),
        sa.Column("totp_step", WHOLE, nullable=False),
        sa.Column("recovery", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_logins_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_logins")),
        sa.UniqueConstraint("subject", name=op.f("uq_logins_subject")),
        sqlite_strict=True,
    )
    op.create_table(
        "sessions",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("user_id", WORDS, nullable=False),
        sa.Column("created", WHOLE, nullable=False),
        sa.Column("expires", WHOLE, nullable=False),
        sa.Column("seen", WHOLE, nullable=False),
        sa.Column("confirmed", WHOLE, nullable=False),
        sa.Column("complete", FLAG, nullable=False),
        sa.Column("peer", WORDS, nullable=False),
        sa.Column("agent", WORDS, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("email", WORDS, nullable=False),
        sa.Column("administrator", FLAG, nullable=False),
        sa.Column("user_id", WORDS, nullable=True),
        sa.Column("by", WORDS, nullable=False),
        sa.Column("created", WHOLE, nullable=False),
        sa.Column("expires", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_invitations_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_invitations_user_id"), "invitations", ["user_id"], unique=False)


def _letters() -> None:
    op.create_table(
        "letters",
        sa.Column("id", WORDS, nullable=False),
        sa.Column("to", WORDS, nullable=False),
        sa.Column("subject", WORDS, nullable=False),
        sa.Column("body", WORDS, nullable=False),
        sa.Column("created", WHOLE, nullable=False),
        sa.Column("attempts", WHOLE, nullable=False),
        sa.Column("not_before", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_letters_not_before"), "letters", ["not_before"], unique=False)


def _origins() -> None:
    """Who uploaded each file, as far as the log of events tells; a file that it does not tell of keeps none."""
    bind = op.get_bind()
    files = sa.table("files", sa.column("filename"), sa.column("token_id"), sa.column("origin"))
    wanted = {row.filename: row.token_id for row in bind.execute(sa.select(files.c.filename, files.c.token_id))}
    publishers, claims = _publishers(bind), _claims(bind, set(wanted.values()))
    for publisher_id, facts in _events(bind, "file-uploaded"):
        filename, token = facts.get("filename"), facts.get("token")
        if filename not in wanted or wanted[filename] != token:
            continue  # of another file, which had this name
        if publisher_id is None:
            origin = {"user": facts["user"]} if facts.get("user") else {}
        else:
            origin = {**claims.get(token, {}), "publisher": publisher_id, **publishers.get(publisher_id, {})}
            origin = {**_kind(origin), **origin}
            origin.update(_subject(origin))
        bind.execute(sa.update(files).where(files.c.filename == filename).values(origin=json.dumps(origin)))


def _events(bind: sa.Connection, kind: str) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    events = sa.table(
        "events", sa.column("id"), sa.column("kind"), sa.column("publisher_id"), sa.column("facts", sa.Text())
    )
    found = sa.select(events.c.publisher_id, events.c.facts).where(events.c.kind == kind).order_by(events.c.id)
    for row in bind.execute(found).all():
        yield row.publisher_id, json.loads(row.facts)


def _publishers(bind: sa.Connection) -> dict[str, dict[str, str]]:
    """Kind and issuer of those that are there, and the issuer of those that are gone."""
    gone = {
        publisher_id: {"issuer": facts["issuer"]}
        for publisher_id, facts in _events(bind, "publisher-added")
        if publisher_id is not None and isinstance(facts.get("issuer"), str)
    }
    publishers = sa.table("publishers", sa.column("id"), sa.column("kind"), sa.column("issuer"))
    found = bind.execute(sa.select(publishers.c.id, publishers.c.kind, publishers.c.issuer))
    return {**gone, **{row.id: {"kind": row.kind, "issuer": row.issuer} for row in found}}


def _claims(bind: sa.Connection, tokens: set[str]) -> dict[str, dict[str, str]]:
    """What was kept of the runs for which these tokens were minted."""
    kept: dict[str, dict[str, str]] = {}
    for _, facts in _events(bind, "token-minted"):
        if facts.get("token") in tokens:
            texts = {name: value for name, value in facts.items() if isinstance(value, str)}
            kept[facts["token"]] = {name: value for name, value in texts.items() if name not in _NOT_CLAIMS}
    return kept


def _kind(origin: Mapping[str, str]) -> dict[str, str]:
    """Of a publisher that is gone: by a claim that tokens of one kind alone have."""
    return next(({"kind": kind} for claim, kind in _OWN_CLAIMS.items() if claim in origin), {})


def _subject(origin: Mapping[str, str]) -> dict[str, str]:
    """Of those kinds whose claims name it; of others nobody kept it."""
    claim = {"github": "repository", "gitlab": "project_path", "google": "email"}.get(origin.get("kind", ""))
    if origin.get("kind") == "activestate" and "organization" in origin and "project" in origin:
        return {"subject": f"{origin['organization']}/{origin['project']}"}
    return {"subject": origin[claim]} if claim is not None and claim in origin else {}
