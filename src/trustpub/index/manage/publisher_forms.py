# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The form for a publisher, as a value: one for each provider, with the fields that the provider names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trustpub.index.registration import GENERIC, NO_RULES, Wanted, Wrong
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import Field, Provider
from trustpub.trust.publishers import Publisher, Rules
from trustpub.trust.values import worded

PROJECT = "project_name"
ISSUER = "issuer"
CLAIMS = "claims"
IMMUTABLE = "immutable_claims"
WORKLOAD = "workload_claims"
PIN = "pin_on_first_use"
RETYPED = "retyped"
RULE_REF, RULE_EVENTS, RULE_RUNNER, RULE_PROTECTED = "rule_ref", "rule_events", "rule_runner", "rule_protected_ref"
"""Names of inputs, beside those of the provider's fields."""

MAX_LINES = 64
"""Claims in one form."""

_INPUT_OF = {
    "project": PROJECT, "immutable": IMMUTABLE, "workload": WORKLOAD, "ref": RULE_REF, "events": RULE_EVENTS,
    "runner": RULE_RUNNER, "protected_ref": RULE_PROTECTED,
}  # fmt: skip
"""From what a fault is about to the input it is shown beside, where that is called otherwise."""

_HINTS: Mapping[tuple[str, str], str] = {
    ("github", "repository"): "Owner and name, as in the address of its page.",
    ("github", "workflow"): "The file in .github/workflows with the job that publishes.",
    ("github", "calling_workflow"): "Only where that file is called by another one, which the run begins with.",
    ("github", "environment"): "The environment of the job. Have it ask for approval: then nobody publishes alone.",
    ("gitlab", "workflow_filepath"): "The file that the project's settings name, not one that it includes.",
    ("gitlab", "environment"): "The environment of the job. Protect it: then not everybody who can push publishes.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One input, and what is told beside it."""

    name: str
    title: str
    example: str = ""
    hint: str = ""
    required: bool = False
    value: str = ""
    fault: str = ""
    marked: bool = False
    """It differs from what is registered."""
    registered: str | None = None
    """What is registered; None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a form, or the query of a link, says."""

    kind: str
    project: str = ""
    issuer: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    claims: str = ""
    immutable: str = ""
    workload: str = ""
    rules: Rules = NO_RULES
    pin: bool = False
    wrong: tuple[Wrong, ...] = ()
    """Lines that cannot be read."""

    @property
    def provider(self) -> Provider:
        """Whose form it is."""
        return PROVIDERS[self.kind]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is filled in."""
        return not (self.project or self.fields or self.claims)

    def wanted(self, *, project: str, pending: bool, owner: str | None = None) -> Wanted:
        """As a registration."""
        return Wanted(
            project=project,
            kind=self.kind,
            issuer=self.issuer or None,
            fields={**self.fields, **dict(_claims(self.claims)[0])},
            immutable=tuple(_words(self.immutable)),
            workload=tuple(_words(self.workload)),
            rules=self.rules,
            pin_on_first_use=self.pin,
            pending=pending,
            owner=owner,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherForm:
    """A form, filled in as far as it is."""

    provider: Provider
    issuers: Sequence[str]
    """Those of the kind that the index believes; the first is taken if nothing else is said."""
    typed: Typed
    entries: Sequence[Entry]
    """For the provider's fields, without ids."""
    ids: Sequence[Entry]
    claims: Entry | None
    """Claims beside the fields, one a line."""
    marks: Sequence[Entry]
    """Which claims are ids, and which say what job it is: of the generic kind."""
    rules: Sequence[Entry]
    protected: bool | None
    """Whether the ref must be protected; None: the provider does not say whether it is."""
    project: Entry
    issuer_fault: str = ""
    faults: Sequence[str] = ()
    """Of no field."""
    retype: str = ""
    """What must be typed again by hand; empty: nothing."""
    retype_fault: str = ""

    @property
    def issuer_options(self) -> Sequence[tuple[str, str]]:
        """Values and texts to choose from; what was typed and is not known stands first, to be seen."""
        urls = list(self.issuers)
        if self.typed.issuer and self.typed.issuer not in urls:
            urls.insert(0, self.typed.issuer)
        return [(url, url) for url in urls]

    @property
    def has_rules(self) -> bool:
        """Whether any rule is filled in or wrong, so that they are to be seen."""
        return bool(self.protected) or any(one.value or one.fault for one in self.rules)

    @property
    def has_faults(self) -> bool:
        """Whether anything is wrong."""
        shown = [
            *self.entries,
            *self.ids,
            *self.marks,
            *self.rules,
            self.project,
            *([self.claims] if self.claims else []),
        ]
        return bool(self.faults or self.issuer_fault or self.retype_fault) or any(one.fault for one in shown)


def read_typed(kind: str, given: Mapping[str, str]) -> Typed:
    """What was typed into the form of this kind, or stands in the query of a link; unknown names are left alone.

    Links made for PyPI fill the forms as well: ``owner``, ``workflow_filename`` and ``issuer_url`` are understood.
    """
    said = dict(given)
    if kind == "github":
        if "owner" in said and "/" not in said.get("repository", "/"):
            said["repository"] = f"{said['owner']}/{said['repository']}"
        if "workflow_filename" in said:
            said.setdefault("workflow", said["workflow_filename"])
    provider = PROVIDERS[kind]
    text = said.get(CLAIMS, "")[:20_000]
    return Typed(
        kind=kind,
        project=said.get(PROJECT, "").strip()[:200],
        issuer=(said.get(ISSUER) or said.get("issuer_url") or "").strip()[:500],
        fields={one.name: said[one.name][:2000] for one in provider.fields if said.get(one.name)},
        claims=text if _names_claims(provider) else "",
        immutable=said.get(IMMUTABLE, "")[:2000] if kind == GENERIC else "",
        workload=said.get(WORKLOAD, "")[:2000] if kind == GENERIC else "",
        rules=read_rules_typed(said),
        pin=bool(said.get(PIN)),
        wrong=_claims(text)[1] if _names_claims(provider) else (),
    )


def read_rules_typed(given: Mapping[str, str]) -> Rules:
    """The rules as typed; nothing is checked yet."""
    return Rules(
        ref=given.get(RULE_REF, "").strip()[:1000] or None,
        protected_ref=bool(given.get(RULE_PROTECTED)),
        events=tuple(_words(given.get(RULE_EVENTS, "")[:1000])),
        runner=given.get(RULE_RUNNER, "").strip()[:200] or None,
    )


def as_typed(kind: str, fields: Mapping[str, str], *, issuer: str, rules: Rules = NO_RULES) -> Typed:
    """Fields that are known, as a person would type them."""
    provider = PROVIDERS[kind]
    names = {one.name for one in provider.fields}
    claims = "\n".join(f"{name} = {value}" for name, value in fields.items() if name not in names)
    own = {name: worded(value) for name, value in fields.items() if name in names}
    return Typed(kind=kind, issuer=issuer, fields=own, claims=claims, rules=rules)


def as_wanted(publisher: Publisher, fields: Mapping[str, str], *, project: str, pending: bool, rules: Rules) -> Wanted:
    """``publisher`` with other fields, as a registration."""
    immutable = publisher.immutable
    return Wanted(
        project=project,
        kind=publisher.kind,
        issuer=publisher.issuer,
        fields=fields,
        immutable=immutable,
        workload=tuple(name for name in fields if name not in immutable) if publisher.kind == GENERIC else (),
        rules=rules,
        pin_on_first_use=publisher.pin_on_first_use,
        pending=pending,
    )


def form_for(
    typed: Typed,
    issuers: Sequence[str],
    *,
    wrong: Sequence[Wrong] = (),
    faults: Sequence[str] = (),
    differing: Mapping[str, str | None] | None = None,
    retype: str = "",
    retype_fault: str = "",
) -> PublisherForm:
    """The form with what was typed, and what is wrong with it.

    ``differing``: fields that are not as registered, with what is.
    """
    provider, marked = typed.provider, differing or {}
    inputs = {one.name for one in provider.fields} | {*_INPUT_OF.values(), ISSUER}
    beside: dict[str, list[str]] = {}
    loose = list(faults)
    for one in wrong:
        name = (
            one.field if one.field in {field.name for field in provider.fields} else _INPUT_OF.get(one.field, one.field)
        )
        if name not in inputs and _names_claims(provider):
            name = CLAIMS
        if name in inputs or name == CLAIMS:
            beside.setdefault(name, []).append(one.told)
        else:
            loose.append(one.told)
    told = {name: " ".join(sentences) for name, sentences in beside.items()}
    own = [_entry(one, typed, told, marked) for one in provider.fields]
    ids = {one.name for one in provider.fields if one.immutable and not one.required}
    return PublisherForm(
        provider=provider,
        issuers=issuers,
        typed=typed,
        entries=[one for one in own if one.name not in ids],
        ids=[one for one in own if one.name in ids],
        claims=_claims_entry(typed, told, marked) if _names_claims(provider) else None,
        marks=list(_marks(typed, told)),
        rules=list(_rule_entries(typed.rules, provider, told)),
        protected=typed.rules.protected_ref if "ref_protected" in provider.tells else None,
        project=Entry(
            name=PROJECT, title="Name of the project", example="sampleproject", required=True, value=typed.project,
            fault=told.get(PROJECT, ""),
        ),
        issuer_fault=told.get(ISSUER, ""),
        faults=loose,
        retype=retype,
        retype_fault=retype_fault,
    )  # fmt: skip


def rules_form(
    publisher: Publisher, rules: Rules, *, wrong: Sequence[Wrong] = (), failing: Sequence[str] = ()
) -> PublisherForm:
    """The rules alone, of a publisher's link to one project. ``failing``: those that a run did not keep."""
    typed = Typed(kind=publisher.kind, rules=rules)
    made = form_for(typed, (), wrong=wrong)
    marked = {_INPUT_OF.get(name, name) for name in failing}
    return replace(made, rules=[replace(one, marked=one.name in marked) for one in made.rules])


def _entry(one: Field, typed: Typed, told: Mapping[str, str], differing: Mapping[str, str | None]) -> Entry:
    return Entry(
        name=one.name,
        title=one.title,
        example=one.example,
        hint=_HINTS.get((typed.kind, one.name), ""),
        required=one.required,
        value=typed.fields.get(one.name, ""),
        fault=told.get(one.name, ""),
        marked=one.name in differing,
        registered=differing.get(one.name),
    )


def _claims_entry(typed: Typed, told: Mapping[str, str], differing: Mapping[str, str | None]) -> Entry:
    own = {one.name for one in typed.provider.fields}
    changed = [name for name in differing if name not in own]
    example = "\n".join(f"{name} = {value}" for name, value in typed.provider.example_fields.items() if name not in own)
    return Entry(
        name=CLAIMS,
        title="Claims and their values, one a line" if typed.kind == GENERIC else "Further claims, one a line",
        example=example,
        hint="NAME = VALUE: a claim's name or JSON Pointer, and a value in JSON, strings in double quotes.",
        required=typed.kind == GENERIC,
        value=typed.claims,
        fault=told.get(CLAIMS, ""),
        marked=bool(changed),
        registered="; ".join(f"{name} = {differing[name]}" for name in changed) or None,
    )


def _marks(typed: Typed, told: Mapping[str, str]) -> Iterator[Entry]:
    if typed.kind != GENERIC:
        return
    yield Entry(
        name=IMMUTABLE, title="Which of them are ids that are never given to anybody else", example="account_id",
        required=True, value=typed.immutable, fault=told.get(IMMUTABLE, ""),
    )  # fmt: skip
    yield Entry(
        name=WORKLOAD, title="Which of them say what workflow, pipeline or job it is", example="pipeline_id",
        required=True, value=typed.workload, fault=told.get(WORKLOAD, ""),
    )  # fmt: skip


def _rule_entries(rules: Rules, provider: Provider, told: Mapping[str, str]) -> Iterator[Entry]:
    # One that the provider tells nothing of is shown only to say so.
    rows = (
        (
            "ref",
            RULE_REF,
            "Branch or tag",
            "refs/tags/v*",
            rules.ref or "",
            "The whole ref; * is anything but a slash.",
        ),
        ("event", RULE_EVENTS, "Events", "release push", " ".join(rules.events), "What may have started the run."),
        ("runner", RULE_RUNNER, "Kind of runner", "github-hosted", rules.runner or "", "As the provider calls it."),
    )
    for circumstance, name, title, example, value, hint in rows:
        if circumstance in provider.tells or value:
            yield Entry(name=name, title=title, example=example, hint=hint, value=value, fault=told.get(name, ""))


def _names_claims(provider: Provider) -> bool:
    """Whether a publisher of the kind may name claims itself: of the generic one, and of those made of data alone."""
    return provider.kind == GENERIC or any(one.claim for one in provider.fields)


def _claims(text: str) -> tuple[list[tuple[str, str]], tuple[Wrong, ...]]:
    """Names and values, and what is wrong with lines."""
    found: dict[str, str] = {}
    wrong: list[Wrong] = []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines[:MAX_LINES], start=1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name or not value:
            wrong.append(Wrong(CLAIMS, f"Line {number} is not NAME = VALUE."))
        elif name in found:
            wrong.append(Wrong(CLAIMS, f"Line {number} names a claim a second time."))
        found[name] = value
    if len(lines) > MAX_LINES:
        wrong.append(Wrong(CLAIMS, f"There are more than {MAX_LINES} lines."))
    return list(found.items()), tuple(wrong)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]
