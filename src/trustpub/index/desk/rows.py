# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is kept, as rows of the management API (:mod:`trustpub.protocol.management.rows`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trustpub.index.accounts.invitations import Invited
from trustpub.index.kept import Attempt, Event, File, Invitation, Issuer, Member, Project, Token, User
from trustpub.index.manage.apply import Applied
from trustpub.index.manage.enrolment import Registered, rule_facts
from trustpub.index.manage.switches import Stopped
from trustpub.index.registration import missing_ids
from trustpub.trust.publishers import Publisher
from trustpub.trust.wording import describe, link_line

Row = dict[str, Any]

_ASKED = {
    "optional": "attestations are taken and not asked for",
    "required": "every file needs an attestation",
    "once": "every file needs an attestation once one came with it",
}


def project(found: Project) -> Row:
    """A project."""
    who = "only publishers may upload" if found.trusted_only else "publishers and people may upload"
    return {
        "name": found.name, "id": found.id, "created": found.created, "pending_until": found.pending_until,
        "status": found.status, "reason": found.status_reason, "trusted_only": found.trusted_only,
        "attestations": found.attestations, "policy": f"{who}; {_ASKED[found.attestations]}",
    }  # fmt: skip


def file(found: File) -> Row:
    """A file."""
    return {
        "filename": found.filename, "version": found.version, "size": found.size, "sha256": found.sha256,
        "uploaded": found.uploaded, "yanked": found.yanked, "deleted": found.deleted, "attested": found.attested,
        "origin": {name: str(value) for name, value in found.origin.items()},
    }  # fmt: skip


def filenames(found: Sequence[File]) -> Row:
    """Files by their names alone."""
    return {"files": [one.filename for one in found]}


def member(found: Member) -> Row:
    """A member."""
    return {"name": found.user.name, "role": found.role}


def publisher(found: Publisher, now: float) -> Row:
    """A publisher."""
    return {
        "id": found.id,
        "issuer": found.issuer,
        "kind": found.kind,
        "fields": dict(found.fields),
        "immutable": list(found.immutable),
        "not_pinned": list(missing_ids(found)),
        "projects": [
            {"name": link.project, "pending_until": link.pending_until, "rules": _rules(rule_facts(link.rules))}
            for link in found.links
        ],
        "who": describe(found),
        "what": [link_line(link, int(now)) for link in found.links],
    }


def registered(done: Registered, found: Publisher, now: float) -> Row:
    """What became of a registration; ``found``: the publisher, as the one who asked may know it."""
    return {
        "publisher": publisher(found, now), "project": project(done.project), "new": done.new,
        "changes": list(done.changes), "warnings": list(done.warnings),
    }  # fmt: skip


def attempt(found: Attempt) -> Row:
    """A refused attempt."""
    return {
        "id": found.id, "issuer": found.issuer, "kind": found.kind, "claims": dict(found.claims),
        "reasons": list(found.reasons), "first": found.first, "last": found.last, "count": found.count,
        "peer": found.peer, "proposed": dict(found.proposed),
        "near": [
            {
                "publisher": one.publisher_id,
                "compared": [
                    {"field": it.field, "wanted": it.wanted, "given": it.given, "holds": it.holds}
                    for it in one.compared
                ],
            }
            for one in found.near
        ],
    }  # fmt: skip


def event(found: Event) -> Row:
    """An event."""
    return {
        "number": found.number, "at": found.at, "kind": found.kind, "project_id": found.project_id,
        "publisher_id": found.publisher_id, "facts": dict(found.facts),
    }  # fmt: skip


def issuer(found: Issuer, publishers: int) -> Row:
    """An issuer, with the number of its publishers."""
    return {
        "url": found.url,
        "kind": found.kind,
        "keys": "fetched" if found.jwks is None else "given",
        "enabled": found.enabled,
        "own_ca": found.ca is not None,
        "jwks_hosts": list(found.jwks_hosts),
        "private": found.private,
        "algorithms": list(found.terms.algorithms),
        "array_audience": found.terms.array_audience,
        "max_age": found.terms.max_age,
        "max_lifetime": found.terms.max_lifetime,
        "token_lifetime": found.terms.token_lifetime,
        "shared_audience": found.audience,
        "publishers": publishers,
    }


def user(found: User) -> Row:
    """A user."""
    return {
        "name": found.name, "id": found.id, "created": found.created, "email": found.email,
        "administrator": found.administrator, "suspended": found.suspended,
    }  # fmt: skip


def token(found: Token, holder: str | None) -> Row:
    """A token, without itself."""
    return {
        "id": found.id, "user": holder, "scope": found.scope, "description": found.description,
        "created": found.created, "expires": found.expires, "revoked": found.burned, "last_used": found.last_used,
    }  # fmt: skip


def invitation(found: Invitation) -> Row:
    """An invitation, without what its link has in it."""
    return {
        "id": found.id, "email": found.email, "administrator": found.administrator, "user_id": found.user_id,
        "created": found.created, "expires": found.expires,
    }  # fmt: skip


def invited(made: Invited) -> Row:
    """An invitation with its link."""
    return {"invitation": invitation(made.invitation), "link": made.link.reveal()}


def switches(found: Stopped) -> Row:
    """What is off."""
    return {"read_only": found.read_only, "stopped": dict(found.minting)}


def applied(done: Applied) -> Row:
    """What applying a file did."""
    return {
        "applied": not done.dry_run,
        "changes": [
            {
                "path": one.path,
                "what": one.what,
                "outcome": one.outcome,
                "details": list(one.details),
                "warnings": list(one.warnings),
            }
            for one in done.changes
        ],
        "not_in_file": {
            "issuers": list(done.other_issuers),
            "publishers": [
                {"id": one.id, "project": None if link is None else link.project, "who": describe(one)}
                for one, link in done.other_links
            ],
        },
    }


def _rules(facts: Mapping[str, Any]) -> Row:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}
