# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a registration of a publisher may say, and how its fields are spelled from then on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trustpub.errors import Misuse
from trustpub.index.ports import Reading
from trustpub.packages.names import is_valid
from trustpub.printable import quoted
from trustpub.trust.globs import MAX_PATTERN
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import BadFields, Fault, Provider
from trustpub.trust.providers import github
from trustpub.trust.providers.generic import check_marks
from trustpub.trust.publishers import Publisher, Rules

GENERIC = "generic"
"""The kind whose publishers name claims themselves."""

MAX_HOLD_DAYS = 365
"""A name that nobody uses for longer is somebody else's turn."""

FORBIDDEN_EVENTS = frozenset({github.FORBIDDEN_EVENT})
"""Whoever opens a pull request starts these: no rule can allow them."""

_PATTERN = re.compile(rf"[!-~]{{1,{MAX_PATTERN}}}\Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,99}\Z")


NO_RULES = Rules()
"""Any run of the publisher will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody asks to be registered, as it was typed."""

    project: str
    fields: Mapping[str, str]
    """By the names that the provider gives them."""
    kind: str = github.Identity.kind
    issuer: str | None = None
    """Whose tokens the job shows; None: the public issuer of that kind, if there is exactly one."""
    immutable: tuple[str, ...] = ()
    """For the generic kind: which of the fields are ids and never given to anybody else."""
    workload: tuple[str, ...] = ()
    """For the generic kind: which of the fields say what job it is, and not only whose."""
    rules: Rules = NO_RULES
    pin_on_first_use: bool = False
    pending: bool = False
    owner: str | None = None
    """Name of the user who owns the project once it is real."""
    hold_days: int | None = None
    """How long the name of a pending project is held; None: as long as this index usually does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What was wanted, once it is known that a publisher can be that."""

    project: str
    provider: Provider
    issuer: str
    fields: Mapping[str, str]
    """In the provider's own spelling."""
    immutable: tuple[str, ...]
    rules: Rules
    pin_on_first_use: bool
    pending: bool
    owner: str | None
    hold_days: int | None

    @property
    def called(self) -> str:
        """What the publisher is, in one word for messages: a repository, an account."""
        names = [field.name for field in self.provider.fields] or list(self.fields)
        return next((self.fields[name] for name in names if name in self.fields), "")

    @property
    def missing_ids(self) -> tuple[str, ...]:
        """Ids that were not given."""
        return tuple(name for name in self.provider.ids if name not in self.fields)

    def same_identity(self, reading: Reading) -> Publisher | None:
        """The publisher that is registered as this very identity."""
        wanted = dict(self.provider.identity_fields(self.fields))
        for publisher in reading.candidates(self.issuer, self.provider.kind, {self.provider.lookup(self.fields)}):
            if dict(self.provider.identity_fields(publisher.fields)) == wanted:
                return publisher
        return None


class Wrong(NamedTuple):
    """One thing that is wrong with a registration."""

    field: str
    """What it is about: a field of the provider, or one of :class:`Wanted` or :class:`Rules`."""
    sentence: str
    hint: str = ""

    @property
    def told(self) -> str:
        """A sentence or two, with nothing in them to type on a command line."""
        return f"{self.sentence} {self.hint}" if self.hint and "--" not in self.hint else self.sentence


class BadRegistration(Misuse):
    """A registration that no publisher can have; everything wrong with it at once, a line each."""

    def __init__(self, faults: Sequence[Wrong]) -> None:
        self.wrong = tuple(faults)
        hints = dict.fromkeys(one.hint for one in faults if one.hint)
        super().__init__("\n".join(one.sentence for one in faults), hint="\n".join(hints) or None)

    @property
    def faults(self) -> tuple[str, ...]:
        """A sentence or two each, with nothing in them to type on a command line."""
        return tuple(one.told for one in self.wrong)


def missing_ids(publisher: Publisher) -> tuple[str, ...]:
    """The ids of a publisher that are still to be pinned."""
    return tuple(name for name in PROVIDERS[publisher.kind].ids if name not in publisher.fields)


def read(wanted: Wanted) -> Registration:
    """What ``wanted`` says, in the spelling of its provider.

    Raises:
        BadRegistration: no publisher can be that.
    """
    provider = PROVIDERS.get(wanted.kind)
    if provider is None:
        known = f"Known: {', '.join(PROVIDERS)}."
        raise BadRegistration([Wrong("kind", f"{quoted(wanted.kind)} is no kind of publisher.", known)])
    faults = [*_name_faults(wanted), *_issuer_faults(wanted, provider)]
    spelled, bad = _spell(wanted, provider)
    faults += [_worded(fault, wanted, provider) for fault in bad]
    faults += rule_faults(wanted.rules, provider)
    if faults:
        raise BadRegistration(faults)
    return Registration(
        project=wanted.project,
        provider=provider,
        issuer=wanted.issuer or provider.issuers[0],
        fields=spelled,
        immutable=wanted.immutable,
        rules=wanted.rules,
        pin_on_first_use=wanted.pin_on_first_use,
        pending=wanted.pending,
        owner=wanted.owner,
        hold_days=wanted.hold_days,
    )


def read_rules(rules: Rules, kind: str) -> Rules:
    """``rules``, for a link of a publisher of this kind.

    Raises:
        BadRegistration: no run of that kind could ever be said to keep them, or any would.
    """
    if faults := list(rule_faults(rules, PROVIDERS[kind])):
        raise BadRegistration(faults)
    return rules


def rule_faults(rules: Rules, provider: Provider) -> Iterator[Wrong]:
    """What is wrong with rules."""
    if rules.ref is not None and not _PATTERN.match(rules.ref):
        hint = f"At most {MAX_PATTERN} visible characters of ASCII, such as refs/tags/v*"
        yield Wrong("ref", f"The ref {quoted(rules.ref)} is no pattern.", hint)
    elif rules.ref is not None and not rules.ref.replace("*", "").strip("/"):
        hint = "Name more of it, as refs/tags/v*, or leave it out."
        yield Wrong("ref", f"The ref {quoted(rules.ref)} allows any ref.", hint)
    for event in rules.events:
        if event in FORBIDDEN_EVENTS:
            yield Wrong("events", f"The event {event} is never allowed: whoever opens a pull request can start it.")
        elif not _WORD.match(event):
            yield Wrong("events", f"The event {quoted(event)} is not a word, as events are.")
    if rules.runner is not None and not _WORD.match(rules.runner):
        yield Wrong("runner", f"The runner {quoted(rules.runner)} is not a word, such as github-hosted.")
    asked = {
        "ref": rules.ref is not None,
        "ref_protected": rules.protected_ref,
        "event": bool(rules.events),
        "runner": rules.runner is not None,
    }
    for name, is_asked in asked.items():
        if is_asked and name not in provider.tells:
            what = _CIRCUMSTANCES[name]
            sentence = f"{provider.title} does not say {what}, so no run could keep that rule."
            yield Wrong(RULE_OF.get(name, name), sentence, "Leave it out.")


RULE_OF = {"ref_protected": "protected_ref", "event": "events"}
"""From a circumstance of a run to the rule about it, where that is called otherwise."""

_CIRCUMSTANCES = {
    "ref": "which ref a run is for",
    "ref_protected": "whether the ref of a run is protected",
    "event": "what started a run",
    "runner": "what kind of machine ran it",
}


def _name_faults(wanted: Wanted) -> Iterator[Wrong]:
    if not is_valid(wanted.project):
        hint = "Letters, digits, dots, dashes and underscores of ASCII, a letter or digit at both ends."
        yield Wrong("project", f"{quoted(wanted.project)} cannot be a project's name.", hint)
    named = {"owner": ("An owner", wanted.owner), "hold_days": ("A time to hold", wanted.hold_days)}
    for name, (what, given) in named.items():
        if given is not None and not wanted.pending:
            yield Wrong(name, f"{what} is only named for a project that does not exist yet.", "Add --pending.")
    if wanted.hold_days is not None and not 1 <= wanted.hold_days <= MAX_HOLD_DAYS:
        yield Wrong("hold_days", f"A name is held from 1 to {MAX_HOLD_DAYS} days, not {wanted.hold_days}.")


def _issuer_faults(wanted: Wanted, provider: Provider) -> Iterator[Wrong]:
    if wanted.issuer is None and len(provider.issuers) != 1:
        sentence = f"{provider.title} has no issuer of its own for everybody."
        yield Wrong("issuer", sentence, "Name the issuer with --issuer URL.")


def _spell(wanted: Wanted, provider: Provider) -> tuple[dict[str, str], tuple[Fault, ...]]:
    # Given and empty is no way to say "any": it may be a variable that nobody set.
    empty = [
        Fault(field=name, problem="is empty", hint="Leave it out where it does not matter.")
        for name, value in wanted.fields.items()
        if not value.strip()
    ]
    if empty:
        return {}, tuple(empty)
    try:
        spelled = provider.spell(wanted.fields)
        if provider.kind == GENERIC:
            check_marks(spelled, wanted.immutable, wanted.workload)
    except BadFields as bad:
        return {}, bad.faults
    if provider.kind == GENERIC or not (wanted.immutable or wanted.workload):
        return spelled, ()
    fault = Fault(field="immutable and workload", problem=f"are known of {provider.title}, and not to be given")
    return {}, (fault,)


def _worded(fault: Fault, wanted: Wanted, provider: Provider) -> Wrong:
    """A sentence, and what to do about it."""
    named = any(field.name == fault.field for field in provider.fields)
    value = wanted.fields.get(fault.field, "").strip()
    if named:
        subject = f"The {fault.field.replace('_', ' ')}" + (f" {quoted(value)}" if value else "")
    elif fault.field in wanted.fields:
        subject = f"The field {quoted(fault.field)}"
    else:
        subject = f"The {fault.field}"
    return Wrong(fault.field, f"{subject} {fault.problem}.", fault.hint)
