# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Operations on publishers, refused attempts, and a person's own account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from trustpub.errors import Declined
from trustpub.index.accounts.acting import NotHere
from trustpub.index.desk import rows
from trustpub.index.desk.desk import Asked, Desk, Services
from trustpub.index.desk.projects import PAGE
from trustpub.index.kept import Project
from trustpub.index.manage.enrolment import Registered
from trustpub.index.manage.publishing import Tried, own
from trustpub.index.registration import Wanted
from trustpub.printable import quoted
from trustpub.trust.providers import github
from trustpub.trust.publishers import Publisher, Rules

SERVICES = Services()
_does = SERVICES.does


def _rules(values: Any) -> Rules:
    return Rules(
        ref=values.get("ref"),
        protected_ref=values.get("protected_ref", False),
        events=tuple(dict.fromkeys(values.get("events", ()))),
        runner=values.get("runner"),
    )


def _wanted(asked: Asked, project: str, *, pending: bool, owner: str | None = None) -> Wanted:
    return Wanted(
        project=project,
        kind=asked.get("kind", github.Identity.kind),
        issuer=asked.get("issuer"),
        fields=asked["fields"],
        immutable=tuple(asked.get("immutable", ())),
        workload=tuple(asked.get("workload", ())),
        rules=_rules(asked.get("rules", {})),
        pin_on_first_use=asked.get("pin_on_first_use", False),
        pending=pending,
        owner=owner,
        hold_days=asked.get("hold_days"),
    )


def _registered(desk: Desk, asked: Asked, done: Registered) -> Any:
    return rows.registered(done, _seen(asked, done.publisher, done.project), desk.clock())


def _seen(asked: Asked, publisher: Publisher, project: Project) -> Publisher:
    """As the one who asks may know it: from afar, with the link of that one project."""
    if asked.actor is None or asked.actor.administrator:
        return publisher
    (found,) = own([publisher], project) or [replace(publisher, links=())]
    return found


def _publisher(desk: Desk, asked: Asked) -> Publisher:
    """The publisher that is named, if it is one of the project."""
    found = desk.publishing.publisher(asked.project, asked["publisher"])
    if found is None:
        if asked.actor is not None:
            raise NotHere
        desk.publishers.get(asked["publisher"])
        raise Declined(f"The publisher {asked['publisher']} is not one of project {quoted(asked['project'])}.")
    return found


def _tried(desk: Desk, asked: Asked) -> Tried:
    found = desk.publishing.tried(asked.project, asked["attempt"])
    if found is None:
        raise NotHere
    return found


@_does("project.publishers")
def _of_project(desk: Desk, asked: Asked) -> Any:
    found, now = desk.publishers.all(asked.project.name), desk.clock()
    seen = found if asked.actor is None or asked.actor.administrator else own(found, asked.project)
    return {"publishers": [rows.publisher(one, now) for one in seen]}


@_does("publisher.add")
def _add(desk: Desk, asked: Asked) -> Any:
    if asked.actor is None:
        return _registered(desk, asked, desk.publishers.add(_wanted(asked, asked["project"], pending=False)))
    wanted = _wanted(asked, asked.project.name, pending=asked.project.pending_until is not None)
    return _registered(desk, asked, desk.publishing.add_wanted(asked.actor.user, asked.project, wanted))


@_does("publisher.rules")
def _set_rules(desk: Desk, asked: Asked) -> Any:
    _publisher(desk, asked)
    done = desk.publishers.set_rules(asked["publisher"], asked.project.name, _rules(asked))
    return rows.publisher(_seen(asked, done, asked.project), desk.clock())


@_does("publisher.constrain")
def _constrain(desk: Desk, asked: Asked) -> Any:
    done = desk.publishing.constrain(asked.project, _publisher(desk, asked), asked["environment"])
    return _registered(desk, asked, done)


@_does("publisher.unlink")
def _unlink(desk: Desk, asked: Asked) -> Any:
    _publisher(desk, asked)
    return {"gone": len(desk.publishers.remove(asked["publisher"], asked.project.name).links) == 1}


@_does("attempt.list")
def _attempts(desk: Desk, asked: Asked) -> Any:
    with desk.store.read() as reading:
        found = reading.attempts(project_id=asked.project.id, limit=asked.get("limit", PAGE))
    return {"attempts": [rows.attempt(one) for one in found]}


@_does("attempt.show")
def _attempt(desk: Desk, asked: Asked) -> Any:
    tried = _tried(desk, asked)
    return {
        "attempt": rows.attempt(tried.attempt), "remedy": str(tried.offer.remedy),
        "publisher": tried.offer.publisher_id, "mended": dict(tried.offer.mended),
        "proposed": dict(tried.offer.proposed),
    }  # fmt: skip


@_does("attempt.mend")
def _mend(desk: Desk, asked: Asked) -> Any:
    return _registered(desk, asked, desk.publishing.mend(asked.project, _tried(desk, asked)))


@_does("attempt.register")
def _register(desk: Desk, asked: Asked) -> Any:
    done = desk.publishing.register(asked.person.user, asked.project, _tried(desk, asked))
    return _registered(desk, asked, done)


@_does("publisher.list")
def _all(desk: Desk, asked: Asked) -> Any:
    now = desk.clock()
    return {"publishers": [rows.publisher(one, now) for one in desk.publishers.all()]}


@_does("publisher.show")
def _show(desk: Desk, asked: Asked) -> Any:
    return rows.publisher(desk.publishers.get(asked["publisher"]), desk.clock())


@_does("publisher.remove")
def _remove(desk: Desk, asked: Asked) -> Any:
    return rows.publisher(desk.publishers.remove(asked["publisher"]), desk.clock())


@_does("pending.add")
def _pend(desk: Desk, asked: Asked) -> Any:
    actor, owner = asked.actor, asked.get("owner")
    if actor is None or actor.administrator:
        wanted = _wanted(asked, asked["name"], pending=True, owner=owner)
        return _registered(desk, asked, desk.publishers.add(wanted))
    if owner not in (None, actor.user.name) or "hold_days" in asked.values:
        raise Declined("Only administrators say who else owns a project, or for how long its name is held.")
    wanted = _wanted(asked, asked["name"], pending=True, owner=actor.user.name)
    return _registered(desk, asked, desk.publishing.hold_wanted(actor.user, wanted))


@_does("account.show")
def _account(desk: Desk, asked: Asked) -> Any:
    actor = asked.person
    with desk.store.read() as reading:
        found = reading.projects_of(actor.user.id)
    return {
        "user": rows.user(actor.user),
        "scope": actor.scope or "",
        "projects": [
            {"name": project.name, "role": role, "pending": project.pending_until is not None}
            for project, role in found
        ],
    }


@_does("account.tokens")
def _tokens(desk: Desk, asked: Asked) -> Any:
    user = asked.person.user
    with desk.store.read() as reading:
        return {"tokens": [rows.token(one, user.name) for one in reading.tokens_of(user.id)]}


@_does("account.pending")
def _pending(desk: Desk, asked: Asked) -> Any:
    now = desk.clock()
    return {
        "held": [
            {"project": rows.project(project), "publishers": [rows.publisher(one, now) for one in publishers]}
            for project, publishers in desk.publishing.held(asked.person.user)
        ]
    }
