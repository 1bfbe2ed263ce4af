# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index made to be as a file says: issuers, projects and publishers, all in one transaction or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trustpub.errors import Misuse, TrustpubError
from trustpub.index.issuers import WantedTerms
from trustpub.index.kept import Issuer
from trustpub.index.manage.enrolment import own, register
from trustpub.index.manage.issuers import Issuers, put
from trustpub.index.manage.publishers import NoIds, Publishers
from trustpub.index.manage.schema import faults as schema_faults
from trustpub.index.ports import Clock, Reading, Store, Writing
from trustpub.index.registration import GENERIC, BadRegistration, Registration, Wanted, read
from trustpub.packages.names import normalize
from trustpub.printable import printable
from trustpub.trust.issuers import PUBLIC_ISSUERS
from trustpub.trust.providers import github
from trustpub.trust.publishers import Link, Publisher, Rules

Read = Callable[[str], str]
"""What is in the file of this path, from the folder of the applied one; raises Misuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of an entry of the file."""

    path: str
    """Where it stands, as ``projects[0].publishers[1]``."""
    what: str
    """It, in a few words."""
    outcome: str
    """``added``, ``changed`` or ``unchanged``."""
    details: tuple[str, ...] = ()
    """What about it changed."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What applying a file did, or would do."""

    changes: tuple[Change, ...]
    """In the order of the file, issuers first."""
    other_issuers: tuple[str, ...]
    """Those the index believes, that are neither public nor in the file. They stay."""
    other_links: tuple[tuple[Publisher, Link | None], ...]
    """Publishers, and what they may publish, that are not in the file. They stay."""
    dry_run: bool


class BadFile(Misuse):
    """A file that cannot be applied; everything wrong with it at once, a line each, with its path."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "The file cannot be applied, and nothing was changed:\n" + "\n".join(f"  {one}" for one in faults)
        )


class _Undo(Exception):
    """Raised inside a transaction so that nothing of it stays."""


@dataclass(slots=True, kw_only=True)
class _Plan:
    """What a file asks for, read and checked as far as that goes without the index."""

    issuers: list[tuple[str, Issuer]] = field(default_factory=list)
    projects: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """Path and entry."""
    wanted: dict[str, list[tuple[str, Registration]]] = field(default_factory=dict)
    """By a project's path: its publishers' paths, and what they say."""
    ids: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """By a publisher's path: ids that were found out."""
    faults: list[str] = field(default_factory=list)


class Applying:
    """Carries out files."""

    def __init__(self, store: Store, clock: Clock, *, issuers: Issuers, publishers: Publishers) -> None:
        self._store = store
        self._clock = clock
        self._issuers = issuers
        self._publishers = publishers

    def apply(self, document: Any, *, read: Read, dry_run: bool = False) -> Applied:
        """Make the index be as ``document`` says. What is so already stays untouched: a second time changes nothing.

        Steps: the shape, then everything that can be judged without the index, then ids that others know, then one
        transaction. With ``dry_run`` that is undone at its end, so what it says is what would happen.

        Raises:
            BadFile: something is wrong; nothing was changed.
        """
        if shape := list(schema_faults(document)):
            raise BadFile(shape)
        plan = _Plan()
        self._read_issuers(plan, document.get("issuers", []), read)
        self._read_projects(plan, document.get("projects", []))
        self._find_ids(plan)
        found: list[Applied] = []
        try:
            with self._store.write() as writing:
                found.append(self._carry_out(writing, plan, dry_run=dry_run))
                if plan.faults or dry_run:
                    raise _Undo
        except _Undo:
            if plan.faults:
                raise BadFile(plan.faults) from None
        return found[0]

    def _read_issuers(self, plan: _Plan, entries: Sequence[Mapping[str, Any]], read: Read) -> None:
        seen: dict[str, str] = {}
        for number, entry in enumerate(entries):
            path = f"issuers[{number}]"
            if (first := seen.setdefault(entry["url"], path)) != path:
                plan.faults.append(f"{path}: is the same issuer as {first}")
                continue
            try:
                plan.issuers.append((path, self._issuer(entry, read)))
            except TrustpubError as error:
                plan.faults += _lines(path, error)

    def _issuer(self, entry: Mapping[str, Any], read: Read) -> Issuer:
        terms = WantedTerms(
            algorithms=entry.get("algorithms"),
            array_audience=entry.get("array-audience"),
            max_age=entry.get("max-age"),
            max_lifetime=entry.get("max-lifetime"),
            token_lifetime=entry.get("token-lifetime"),
        )
        return self._issuers.make(
            entry["url"],
            entry["kind"],
            jwks=_key_set(read(entry["jwks"])) if "jwks" in entry else None,
            ca=read(entry["ca"]) if "ca" in entry else None,
            terms=terms,
            audience=entry.get("accept-shared-audience"),
            jwks_hosts=tuple(entry.get("jwks-hosts", ())),
            private=entry.get("private", False),
        )

    def _read_projects(self, plan: _Plan, entries: Sequence[Mapping[str, Any]]) -> None:
        seen: dict[str, str] = {}
        for number, entry in enumerate(entries):
            path = f"projects[{number}]"
            if (first := seen.setdefault(normalize(entry["name"]), path)) != path:
                plan.faults.append(f"{path}: is the same project as {first}")
                continue
            plan.projects.append((path, entry))
            plan.wanted[path] = []
            for one, said in enumerate(entry.get("publishers", ())):
                below = f"{path}.publishers[{one}]"
                try:
                    plan.wanted[path].append((below, read(_wanted(entry, said))))
                except BadRegistration as error:
                    plan.faults += _lines(below, error)

    def _find_ids(self, plan: _Plan) -> None:
        """Ask for ids before the transaction, which must not wait for anybody; once for each identity."""
        new = {issuer.url: issuer for _, issuer in plan.issuers}
        known: dict[str, Mapping[str, str]] = {}
        everything = [one for publishers in plan.wanted.values() for one in publishers]
        for _, wanted in everything:
            if not wanted.missing_ids:
                known.setdefault(_identity(wanted), {name: wanted.fields[name] for name in wanted.provider.ids})
        for path, wanted in everything:
            identity, missing = _identity(wanted), wanted.missing_ids
            try:
                if identity not in known and missing and not wanted.pin_on_first_use:
                    known[identity] = self._publishers.find_ids(wanted, new.get(wanted.issuer))
            except NoIds as error:
                hint = f"Give {', '.join(error.missing)} among its fields, or set pin-on-first-use = true."
                plan.faults.append(f"{path}: {error.message} {hint}")
            except TrustpubError as error:
                plan.faults += _lines(path, error)
            else:
                plan.ids[path] = {name: value for name, value in known.get(identity, {}).items() if name in missing}

    def _carry_out(self, writing: Writing, plan: _Plan, *, dry_run: bool) -> Applied:
        at = self._clock()
        changes: list[Change] = []
        for path, issuer in plan.issuers:
            try:
                changes.append(_put_issuer(writing, path, issuer, at))
            except TrustpubError as error:
                plan.faults += _lines(path, error)
        named: dict[tuple[str, str], str] = {}
        for path, entry in plan.projects:
            changes += self._apply_project(writing, plan, path, entry, named, at)
        return Applied(
            changes=tuple(changes),
            other_issuers=_other_issuers(writing, plan),
            other_links=_other_links(writing, named),
            dry_run=dry_run,
        )

    def _apply_project(
        self,
        writing: Writing,
        plan: _Plan,
        path: str,
        entry: Mapping[str, Any],
        named: dict[tuple[str, str], str],
        at: float,
    ) -> list[Change]:
        """``named``: what the file names so far, by ids of publisher and project."""
        before = writing.project(entry["name"])
        pending = before is None or before.pending_until is not None
        changes = []
        for one, wanted in plan.wanted[path]:
            if one not in plan.ids:
                continue
            try:
                registration = replace(wanted, pending=True, hold_days=entry.get("hold-days")) if pending else wanted
                changes.append(_register(writing, one, registration, plan.ids[one], named, at))
            except TrustpubError as error:
                plan.faults += _lines(one, error)
        after = writing.project(entry["name"])
        if after is None:
            if not entry.get("publishers"):
                plan.faults.append(f"{path}: does not exist, and has no publisher that its name could be held for")
            return changes
        try:
            owned = "owner" in entry and own(writing, after, entry["owner"], at)
        except TrustpubError as error:
            plan.faults += _lines(path, error)
            return changes
        is_new = before is None or before.id != after.id
        details = (f"{entry['owner']} owns it",) if owned else ()
        outcome = "added" if is_new else ("changed" if owned else "unchanged")
        what = f"project {after.name}" + (", held for its first release" if after.pending_until is not None else "")
        return [Change(path=path, what=what, outcome=outcome, details=details), *changes]


def _wanted(project: Mapping[str, Any], said: Mapping[str, Any]) -> Wanted:
    kind = said.get("provider", github.Identity.kind)
    rules = said.get("rules", {})
    return Wanted(
        project=project["name"],
        kind=kind,
        issuer=said.get("issuer"),
        fields={name: _value(value, kind) for name, value in said["fields"].items()},
        immutable=tuple(said.get("immutable", ())),
        workload=tuple(said.get("workload", ())),
        rules=Rules(
            ref=rules.get("ref"),
            protected_ref=rules.get("protected-ref", False),
            events=tuple(dict.fromkeys(rules.get("events", ()))),
            runner=rules.get("runner"),
        ),
        pin_on_first_use=said.get("pin-on-first-use", False),
    )


def _value(value: str | int, kind: str) -> str:
    """A field's value as it is typed on the command line: JSON for a generic publisher, else plain."""
    return value if isinstance(value, str) and kind != GENERIC else json.dumps(value)


def _key_set(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Misuse("The file that jwks names is not a JSON object.")
    return value


def _put_issuer(writing: Writing, path: str, issuer: Issuer, at: float) -> Change:
    known = put(writing, issuer, at)
    what = f"issuer {issuer.url}"
    if known.unchanged:
        return Change(path=path, what=what, outcome="unchanged")
    if known.before is None:
        return Change(path=path, what=what, outcome="added")
    warning = f"the keys of a known issuer are replaced: {known.publishers} publisher(s) are registered with it"
    return Change(
        path=path,
        what=what,
        outcome="changed",
        details=("its keys",) if known.replaced else ("its terms",),
        warnings=(warning,) if known.replaced else (),
    )


def _register(
    writing: Writing,
    path: str,
    registration: Registration,
    ids: Mapping[str, str],
    named: dict[tuple[str, str], str],
    at: float,
) -> Change:
    done = register(writing, registration, ids, at)
    first = named.setdefault((done.publisher.id, done.project.id), path)
    if first != path:
        raise Misuse(f"It is the same publisher as {first}.")
    added = "project" in done.changes
    outcome = "added" if added else ("changed" if done.changes else "unchanged")
    called = printable(registration.called, 200)
    return Change(
        path=path,
        what=f"publisher {registration.provider.kind} {called} of {done.project.name}",
        outcome=outcome,
        details=() if added else tuple(f"its {name}" for name in done.changes),
        warnings=done.warnings if done.changes else (),
    )


def _other_issuers(reading: Reading, plan: _Plan) -> tuple[str, ...]:
    named = {issuer.url for _, issuer in plan.issuers} | set(PUBLIC_ISSUERS)
    return tuple(issuer.url for issuer in reading.issuers() if issuer.url not in named)


def _other_links(reading: Reading, named: Mapping[tuple[str, str], str]) -> tuple[tuple[Publisher, Link | None], ...]:
    found: list[tuple[Publisher, Link | None]] = []
    for publisher in reading.publishers():
        links = [link for link in publisher.links if (publisher.id, link.project_id) not in named]
        found += [(publisher, link) for link in links]
        if not publisher.links:
            found.append((publisher, None))
    return tuple(found)


def _identity(wanted: Registration) -> str:
    fields = wanted.provider.identity_fields(wanted.fields)
    return json.dumps([wanted.issuer, wanted.provider.kind, sorted(fields.items())])


def _lines(path: str, error: TrustpubError) -> list[str]:
    """What is wrong, behind its path; one for each fault. What to type on a command line is left out."""
    if isinstance(error, BadRegistration):
        return [f"{path}: {sentence}" for sentence in error.faults]
    typed = error.hint is None or "--" in error.hint or "trustpub " in error.hint
    return [f"{path}: {error.message}" + ("" if typed else f" {error.hint}")]
