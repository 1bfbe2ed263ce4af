# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A registration, carried out inside a transaction: the name held, the identity found or made, the two linked."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trustpub.errors import Declined
from trustpub.index import names
from trustpub.index.kept import Project
from trustpub.index.manage.issuers import issuer_at
from trustpub.index.manage.notes import note
from trustpub.index.manage.people import user_called
from trustpub.index.ports import Reading, Writing
from trustpub.index.registration import NO_RULES, Registration, missing_ids
from trustpub.packages.names import normalize
from trustpub.printable import quoted
from trustpub.trust.publishers import Link, Publisher, Rules

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A publisher that may now publish a project."""

    publisher: Publisher
    project: Project
    changes: tuple[str, ...]
    """What it took, in this order: ``publisher``, ``project``, ``ids``, ``rules``, ``owner``. Empty: nothing."""
    warnings: tuple[str, ...]

    @property
    def new(self) -> bool:
        """Whether the identity was not registered before."""
        return "publisher" in self.changes


def check(reading: Reading, wanted: Registration, now: int) -> None:
    """That everything a registration names is there, and that the name may be registered in this way.

    Raises:
        Declined: something is not, or may not.
    """
    issuer = issuer_at(reading, wanted.issuer)
    if issuer.kind != wanted.provider.kind:
        raise Declined(
            f"The issuer {quoted(wanted.issuer)} is of kind {issuer.kind}, and not {wanted.provider.kind}.",
            hint="See them with: trustpub admin issuer list",
        )
    if wanted.owner is not None:
        user_called(reading, wanted.owner)
    project = reading.project(wanted.project)
    if not wanted.pending:
        if project is None or project.pending_until is not None:
            raise Declined(
                f"There is no project {quoted(wanted.project)} here.",
                hint="To let the first release create it, add --pending.",
            )
        return
    if project is not None and project.pending_until is None:
        raise Declined(
            f"The project {project.name!r} exists already, so nothing is pending.", hint="Leave --pending out."
        )
    is_held = project is not None and not _is_over(project, now)
    fault = names.prohibition(reading, wanted.project) if is_held else names.fault(reading, wanted.project, now)
    if fault is not None:
        raise Declined(fault)


def register(writing: Writing, wanted: Registration, ids: Mapping[str, str], at: float) -> Registered:
    """Carry out a registration. Where all of it is so already, nothing changes.

    ``ids``: those that were not given, as they were found out.

    Raises:
        Declined: as :func:`check`; or the identity is registered with other ids, or other marks.
    """
    _free_what_is_over(writing, wanted.project, at)
    check(writing, wanted, int(at))
    project = _project(writing, wanted, at)
    known = wanted.same_identity(writing)
    fields = {**wanted.fields, **ids}
    if known is None:
        publisher, changes = _new(writing, wanted, fields, project, at), ["publisher", "project"]
    else:
        publisher, changes = _known(writing, known, wanted, fields, project, at)
    if wanted.owner is not None and own(writing, project, wanted.owner, at):
        changes.append("owner")
    others = [one for one in writing.publishers(project.name) if one.id != publisher.id]
    warnings = (*_pin_warnings(publisher), *_rule_warnings(wanted.rules), *_shared_name_warnings(project, others))
    return Registered(publisher=publisher, project=project, changes=tuple(changes), warnings=warnings)


def own(writing: Writing, project: Project, user_name: str, at: float) -> bool:
    """Make a user a member of a project, from its first release on; False if they are.

    Raises:
        Declined: there is no such user.
    """
    user = user_called(writing, user_name)
    if user in writing.members(project.id):
        return False
    writing.add_member(project.id, user.id)
    note(writing, at, "owner-added", project_id=project.id, facts={"project": project.name, "user": user.name})
    return True


def set_rules(writing: Writing, publisher: Publisher, link: Link, rules: Rules, at: float) -> bool:
    """Give a link these rules and no others; False if it has them."""
    if link.rules == rules:
        return False
    writing.link_publisher(publisher.id, link.project_id, rules)
    facts = {"project": link.project, "rules": rule_facts(rules), "before": rule_facts(link.rules)}
    note(writing, at, "publisher-rules-changed", project_id=link.project_id, publisher_id=publisher.id, facts=facts)
    return True


def rule_facts(rules: Rules) -> dict[str, Any]:
    """The rules that are set, for events and listings."""
    return {name: value for name, value in asdict(rules).items() if value}


def link_to(publisher: Publisher, project_id: str) -> Link | None:
    """The publisher's link to this project, if it has one."""
    return next((link for link in publisher.links if link.project_id == project_id), None)


def _is_over(project: Project, now: int) -> bool:
    return project.pending_until is not None and project.pending_until <= now


def _free_what_is_over(writing: Writing, name: str, at: float) -> None:
    """Names held in vain, this one and one like it, do not wait for the next round of housekeeping."""
    for project in (writing.project(name), writing.project_like(name)):
        if project is not None and _is_over(project, int(at)) and writing.project_by_id(project.id) is not None:
            names.free(writing, project, at)


def _project(writing: Writing, wanted: Registration, at: float) -> Project:
    """The project to link to; its name is held if nobody does yet."""
    project = writing.project(wanted.project)
    if project is not None:
        return project
    days = wanted.hold_days or names.hold_days(writing)
    project = Project(
        id=str(uuid.uuid4()),
        name=wanted.project,
        normalized=normalize(wanted.project),
        created=int(at),
        pending_until=int(at) + days * DAY_SECONDS,
        serial=0,
    )
    writing.add_project(project)
    facts = {"project": project.name, "until": project.pending_until}
    note(writing, at, "project-held", project_id=project.id, facts=facts)
    return project


def _new(writing: Writing, wanted: Registration, fields: Mapping[str, str], project: Project, at: float) -> Publisher:
    link = Link(project_id=project.id, project=project.name, pending_until=project.pending_until, rules=wanted.rules)
    publisher = Publisher(
        id=str(uuid.uuid4()),
        issuer=wanted.issuer,
        kind=wanted.provider.kind,
        fields=dict(fields),
        immutable=wanted.immutable,
        links=(link,),
        pin_on_first_use=wanted.pin_on_first_use,
    )
    writing.add_publisher(publisher)
    _note_added(writing, publisher, project, wanted.rules, at)
    return publisher


def _known(
    writing: Writing, known: Publisher, wanted: Registration, fields: Mapping[str, str], project: Project, at: float
) -> tuple[Publisher, list[str]]:
    """The same identity again: one more project, ids that were not known, other rules, or nothing."""
    changes: list[str] = []
    if set(known.immutable) != set(wanted.immutable):
        raise Declined(
            f"This publisher is registered with other claims as immutable: {', '.join(known.immutable) or 'none'}.",
            hint=f"Its id is {known.id}. Remove it first, if they are wrong.",
        )
    given = {name: fields[name] for name in wanted.provider.ids if name in fields}
    check_ids(known, given)
    if given and given != {name: known.fields[name] for name in given if name in known.fields}:
        writing.pin(known.id, given)
        changes.append("ids")
        note(writing, at, "publisher-pinned", publisher_id=known.id, facts=given)
    link = link_to(known, project.id)
    if link is None:
        writing.link_publisher(known.id, project.id, wanted.rules)
        changes.insert(0, "project")
        _note_added(writing, known, project, wanted.rules, at)
    elif set_rules(writing, known, link, wanted.rules, at):
        changes.append("rules")
    return writing.publisher(known.id) or known, changes


def check_ids(known: Publisher, given: Mapping[str, str]) -> None:
    """That an identity is registered with these ids, as far as it has any.

    Raises:
        Declined: it has others.
    """
    for name, value in given.items():
        if known.fields.get(name, value) != value:
            raise Declined(
                f"This publisher is registered with {name} {known.fields[name]}, not {value}.",
                hint=f"If what it names was re-created, remove the publisher {known.id} first.",
            )


def _note_added(writing: Writing, publisher: Publisher, project: Project, rules: Rules, at: float) -> None:
    facts: dict[str, Any] = {**publisher.fields, "issuer": publisher.issuer, "project": project.name}
    if rules != NO_RULES:
        facts["rules"] = rule_facts(rules)
    note(writing, at, "publisher-added", project_id=project.id, publisher_id=publisher.id, facts=facts)


def _pin_warnings(publisher: Publisher) -> Iterable[str]:
    if missing := missing_ids(publisher):
        names_of = " and ".join(name.replace("_", " ") for name in missing)
        yield f"not pinned yet: the {names_of} will be taken from the first job that publishes"


def _rule_warnings(rules: Rules) -> Iterable[str]:
    if rules.ref is not None and not rules.ref.startswith(("refs/", "*")):
        yield (
            f"the pattern {rules.ref!r} is compared with the whole ref, as refs/tags/v1.0 or refs/heads/main: "
            "should it begin with refs/tags/ or refs/heads/?"
        )


def _shared_name_warnings(project: Project, others: Sequence[Publisher]) -> Iterable[str]:
    if project.pending_until is None or not others:
        return
    ids = ", ".join(one.id for one in others)
    name = project.name
    yield f"the name {name} is held for another publisher as well ({ids}): the first release decides whose it is"
