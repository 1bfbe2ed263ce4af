# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Identity providers that can be described in data alone, and the provider that such a description makes.

A field of a publisher is a word for people and the claim that it stands for; its value is kept as compact JSON
(:mod:`trustpub.trust.values`). A publisher may want more claims than the preset has words for: a field that begins
with a slash is a JSON Pointer (RFC 6901), and its value is typed as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trustpub.printable import printable
from trustpub.trust.claims import BadClaim, SignedClaims, text
from trustpub.trust.decision import Check, Circumstances
from trustpub.trust.provider import USUAL, BadFields, Census, Fault, Field, Provider, Terms
from trustpub.trust.publishers import Publisher
from trustpub.trust.values import find, plain, read, steps, unquoted
from trustpub.trust.wanted import MAX_FIELDS, claim_fault, equal, spell_json

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""As providers write one: lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A claim that a publisher's field has the wanted value of."""

    name: str
    """The field's, a word."""
    claim: str
    """Name, or JSON Pointer if it begins with a slash."""
    title: str
    example: str
    type: Literal["string", "member"] = "string"
    """``member``: the claim is an array, and the wanted string must be in it."""
    required: bool = True
    """Whether every publisher says it."""
    immutable: bool = False
    """An id never given to anybody else. Where it is not required, it may be pinned at first use instead."""
    workload: bool = False
    """Says which workflow, pipeline or job it is."""
    form: str = ""
    """Regular expression for the whole value; empty: any."""
    form_says: str = ""
    """The clause for a value of another form: "is not a UUID"."""
    if_missing: str = ""
    """What to do where a token lacks the claim."""

    @property
    def always(self) -> bool:
        """Whether every token must have the claim."""
        return self.required or self.immutable


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A claim that must have one of these values, whatever the publisher says."""

    claim: str
    allowed: tuple[str | bool, ...]
    absent: bool = False
    """Whether a token without the claim is as good."""
    why: str
    """A clause: "a job run again over SSH is in somebody's hands"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """An identity provider in data."""

    kind: str
    title: str
    issuer_form: str
    """For people, as ``https://oidc.circleci.com/org/ORG-UUID``."""
    issuer_pattern: str
    """Regular expression for the whole issuer. What a group of it captures must be the value of the pin named so."""
    hosts: tuple[str, ...] = ()
    """As :attr:`trustpub.trust.provider.Provider.hosts`."""
    pins: tuple[Pin, ...]
    """In the order to ask for them."""
    filed_under: tuple[str, ...]
    """Names of the required pins by which a publisher is found; together they name the job to people."""
    demands: tuple[Demand, ...] = ()
    more_claims: str = ""
    """Where the documents name no claim that says which workflow it is: what the publisher must find in a token, and
    want beside the pins. Empty: nothing."""
    ref: tuple[tuple[str, str], ...] = ()
    """Claims that tell the ref, each with what stands before it: ``("build_branch", "refs/heads/")``; the first that
    a token has counts."""
    event: str = ""
    """The claim that tells what started the run."""
    runner: str = ""
    """The claim that tells what kind of machine ran it."""
    unchecked: tuple[str, ...] = ()
    """Claims known and without consequence."""
    kept_claims: tuple[str, ...] = ()
    terms: Terms = USUAL
    has_jti: bool = False
    fixed_audience: bool = False
    experimental: bool = False
    sources: Mapping[str, tuple[str, ...]]
    """Document to the claims it names: all of the census, and nothing else."""
    notes: tuple[str, ...] = ()
    example: Mapping[str, Any]
    """A token's claims as documented, without audience and times."""
    example_more: Mapping[str, str] = field(default_factory=dict)
    """Of an example publisher: claims wanted beside the pins."""

    @property
    def by_name(self) -> dict[str, Pin]:
        """The pins by name."""
        return {pin.name: pin for pin in self.pins}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A job, in the words of a preset."""

    preset: Preset
    issuer: str
    claims: Mapping[str, Any]
    values: Mapping[str, str]
    """Those claims of pins that are strings, as compact JSON, by the pin's name."""

    @classmethod
    def from_claims(cls, preset: Preset, claims: SignedClaims) -> Identity:
        """The identity these claims describe.

        Raises:
            BadClaim: one that is required is missing or is no plain string, or the issuer is another tenant's.
        """
        issuer = text(claims, "iss")
        values: dict[str, str] = {}
        for pin in preset.pins:
            claim = find(claims, pin.claim)
            value = plain(claim) if isinstance(claim, str) else None
            if value is not None:
                values[pin.name] = value
            elif claim is None and pin.always:
                raise BadClaim(pin.claim, f"is missing: {pin.if_missing}" if pin.if_missing else "is missing")
            elif pin.always:
                raise BadClaim(pin.claim, "is no plain string")
        form = re.fullmatch(preset.issuer_pattern, issuer)
        for name, captured in form.groupdict().items() if form else ():
            if captured is not None and values[name] != plain(captured):
                raise BadClaim(preset.by_name[name].claim, "is not what the issuer names")
        return cls(preset=preset, issuer=issuer, claims=claims, values=values)

    @property
    def kind(self) -> str:
        """The preset's."""
        return self.preset.kind

    @property
    def subject(self) -> str:
        """What publishers are found by, joined by slashes."""
        return printable("/".join(unquoted(self.values[name]) for name in self.preset.filed_under), 200)

    @property
    def lookups(self) -> frozenset[str]:
        """The one text under which its publishers are filed."""
        return frozenset({_filed(self.preset, self.values)})

    @property
    def circumstances(self) -> Circumstances:
        """What the preset knows of the run."""
        ref = next((before + told for name, before in self.preset.ref if (told := self._told(name))), None)
        return Circumstances(ref=ref, event=self._told(self.preset.event), runner=self._told(self.preset.runner))

    def anchors(self, publisher: Publisher) -> Mapping[str, str | None]:
        """The values of the ids."""
        return {pin.name: self.values.get(pin.name) for pin in self.preset.pins if pin.immutable}

    def specificity(self, publisher: Publisher) -> int:
        """Who wants more claims is more specific; an id that is still to be pinned counts as one."""
        ids = {pin.name for pin in self.preset.pins if pin.immutable}
        return len(ids | set(publisher.fields))

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Every pin, the claims that the publisher adds, and what is demanded of every token."""
        checks = [check for pin in self.preset.pins for check in self._pinned(pin, publisher)]
        known = self.preset.by_name
        more = [name for name in publisher.fields if name not in known]
        checks += [equal(name, publisher.fields[name], plain(find(self.claims, name))) for name in more]
        if self.preset.more_claims and not more:
            checks.append(Check(field="claim", wanted=self.preset.more_claims, given=None, holds=False))
        return (*checks, *map(self._demanded, self.preset.demands))

    def _pinned(self, pin: Pin, publisher: Publisher) -> list[Check]:
        wanted, given = publisher.fields.get(pin.name), self.values.get(pin.name)
        if wanted is not None:
            return [self._member(pin, wanted) if pin.type == "member" else equal(pin.name, wanted, given)]
        if not pin.always or (not pin.required and publisher.pin_on_first_use):
            return []
        # Names can be given to somebody else: what is left open is no reason to trust.
        said = "id" if pin.immutable else "value"
        return [Check(field=pin.name, wanted=f"a registered {said}", given=given and unquoted(given), holds=False)]

    def _member(self, pin: Pin, wanted: str) -> Check:
        array = find(self.claims, pin.claim)
        texts = [plain(one) for one in array] if isinstance(array, list) else []
        shown = ", ".join(unquoted(one) for one in texts[:10] if one is not None)
        return Check(field=pin.name, wanted=unquoted(wanted), given=shown or None, holds=wanted in texts)

    def _demanded(self, demand: Demand) -> Check:
        claim = find(self.claims, demand.claim)
        given, allowed = plain(claim), [plain(one) or "" for one in demand.allowed]
        holds = demand.absent if claim is None else given in allowed
        wanted = f"{' or '.join(map(unquoted, allowed))}, because {demand.why}"
        return Check(field=demand.claim, wanted=wanted, given=given and unquoted(given), holds=holds)

    def _told(self, name: str) -> str | None:
        value = find(self.claims, name) if name else None
        return value if isinstance(value, str) and value else None


def _filed(preset: Preset, values: Mapping[str, str]) -> str:
    pins = preset.by_name
    return " ".join(f"{pins[name].claim}={values[name]}" for name in preset.filed_under)


def preset(one: Preset) -> Provider:
    """The provider that ``one`` describes."""
    return Provider(
        kind=one.kind,
        title=one.title,
        fields=tuple(_field(pin) for pin in one.pins),
        census=_census(one),
        identify=lambda claims: Identity.from_claims(one, claims),
        spell=lambda fields: _spell(one, fields),
        lookup=lambda fields: _filed(one, fields),
        identity_fields=dict,
        propose=lambda claims: _propose(one, claims),
        issuer_form=one.issuer_form,
        is_issuer=lambda url: re.fullmatch(one.issuer_pattern, url) is not None,
        terms=one.terms,
        has_jti=one.has_jti,
        fixed_audience=one.fixed_audience,
        experimental=one.experimental,
        tells=frozenset(
            name for name, told in (("ref", one.ref), ("event", one.event), ("runner", one.runner)) if told
        ),
        kept_claims=one.kept_claims,
        hosts=one.hosts,
        sources=one.sources,
        notes=(*map(_said, one.demands), *one.notes),
        example_claims=one.example,
        example_fields={pin.name: pin.example for pin in one.pins if pin.always} | dict(one.example_more),
    )


def _propose(one: Preset, claims: SignedClaims) -> Mapping[str, str]:
    """Every pin that a publisher must have, and every id that the token has."""
    values = Identity.from_claims(one, claims).values
    return {pin.name: unquoted(values[pin.name]) for pin in one.pins if pin.always and pin.name in values}


def _said(demand: Demand) -> str:
    """The demand as a sentence."""
    allowed = " or ".join(unquoted(plain(one) or "") for one in demand.allowed)
    absent = " or absent" if demand.absent else ""
    return f"`{demand.claim}` must be `{allowed}`{absent}: {demand.why}."


def _field(pin: Pin) -> Field:
    return Field(
        name=pin.name,
        title=pin.title,
        example=pin.example,
        required=pin.required,
        immutable=pin.immutable,
        claim=pin.claim,
        workload=pin.workload,
    )


def _census(one: Preset) -> Census:
    """Claims at the top, each by the most that is done with it or in it."""
    verified = {steps(pin.claim)[0] for pin in one.pins if pin.always}
    verified |= {steps(demand.claim)[0] for demand in one.demands if not demand.absent}
    optional = {steps(pin.claim)[0] for pin in one.pins}
    optional |= {steps(demand.claim)[0] for demand in one.demands}
    optional |= {name for name, _ in one.ref} | {name for name in (one.event, one.runner) if name}
    unchecked = frozenset(one.unchecked)
    return Census(verified=frozenset(verified), optional=frozenset(optional - verified), unchecked=unchecked)


def _spell(one: Preset, fields: Mapping[str, str]) -> dict[str, str]:
    """Each value as compact JSON; words for strings need no quotes."""
    typed = {name: value for name, value in fields.items() if value}
    pins = one.by_name
    faults: list[Fault] = []
    found: dict[str, str] = {}
    for name, value in typed.items():
        spelled = _spell_pin(pins[name], value) if name in pins else _spell_more(one, name, value)
        if isinstance(spelled, Fault):
            faults.append(spelled)
        else:
            found[name] = spelled
    for pin in one.pins:
        if pin.required and pin.name not in typed:
            faults.append(Fault(field=pin.name, problem="is missing", hint=f"{pin.title}, as {pin.example}"))
    if one.more_claims and not any(name not in pins for name in typed):
        faults.append(Fault(field="/claim", problem="is missing", hint=f"Add {one.more_claims}."))
    if len(typed) > MAX_FIELDS:
        faults.append(Fault(field="fields", problem=f"are more than {MAX_FIELDS}"))
    if faults:
        raise BadFields(faults)
    return found


def _spell_pin(pin: Pin, typed: str) -> str | Fault:
    text = plain(typed)
    if len(typed) > 1 and typed[0] == typed[-1] == '"':
        try:
            text = read(typed)  # what begins and ends so is a string, or nothing
        except ValueError:
            text = None
    if text is None:
        return Fault(field=pin.name, problem="is no string, or is too long", hint=f"{pin.title}, as {pin.example}")
    if pin.form and not re.fullmatch(pin.form, unquoted(text)):
        return Fault(field=pin.name, problem=pin.form_says, hint=f"{pin.title}, as {pin.example}")
    return text


def _spell_more(one: Preset, name: str, typed: str) -> str | Fault:
    if not name.startswith("/"):
        known = ", ".join(pin.name for pin in one.pins)
        hint = f"Fields: {known}; any other claim is a JSON Pointer such as /{name}."
        return Fault(field=name, problem=f"is no field of a publisher of {one.title}", hint=hint)
    return claim_fault(name) or spell_json(name, typed)
