# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every provider there is, whatever its tokens say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trustpub.trust import explain
from trustpub.trust.claims import BadClaim, SignedClaims
from trustpub.trust.decision import Identity, Refused, Trusted, decide
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import CIRCUMSTANCES, ENVELOPE, BadFields, Fault, Provider, seen
from trustpub.trust.publishers import Link, Publisher, Rules

NOW = 1_790_000_000
every_provider = pytest.mark.parametrize("kind", sorted(PROVIDERS))

PINNED = {
    "github": (
        "iss", "repository", "repository_owner", "repository_owner_id", "repository_id", "job_workflow_ref",
        "environment",
    ),
    "gitlab": ("iss", "project_path", "namespace_id", "project_id", "ci_config_ref_uri", "environment"),
    "google": ("iss", "email", "email_verified", "sub"),
    "activestate": ("iss", "organization", "project", "actor_id", "builder"),
    "generic": ("iss", "account_id", "pipeline_id"),
}  # fmt: skip
"""Claims of the example that its publisher pins. Presets are data: what they pin is tested with them."""


def a_publisher(provider: Provider, rules: Rules | None = None) -> Publisher:
    """That of the documented example."""
    fields = provider.spell(provider.example_fields)
    immutable = tuple(name for name in ("account_id",) if provider.kind == "generic")
    link = Link(project_id="p-1", project="hello", rules=rules or Rules())
    issuer = str(provider.example_claims["iss"])
    return Publisher(id="pub", issuer=issuer, kind=provider.kind, fields=fields, links=(link,), immutable=immutable)


def an_identity(provider: Provider, claims: Mapping[str, Any]) -> Identity:
    return provider.identify(SignedClaims({**provider.example_claims, **claims}))


# Letters that break rows, messages and comparisons, beside some that do not.
_TEXT = st.text(alphabet="abAB01/@:.-_ \n\x00\u212a\u00e9*", max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(10**30) | st.just(0.5) | st.just(float("nan")) | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def _nearly(draw: st.DrawFn, value: str) -> str:
    """``value`` with one character more, less or other, or other cases."""
    at = draw(st.integers(0, len(value)))
    letter = draw(st.sampled_from("aZ0/@.- \u212a"))
    return draw(
        st.sampled_from(
            [
                value[:at] + letter + value[at:], value[:at] + value[at + 1 :], value[:at] + letter + value[at + 1 :],
                value.swapcase(), value.upper(), value + letter, letter + value,
            ]
        )
    )  # fmt: skip


@every_provider
def test_the_documented_example_is_trusted_and_found(kind: str) -> None:
    provider = PROVIDERS[kind]
    publisher, identity = a_publisher(provider), an_identity(provider, {})
    assert isinstance(decide(identity, [publisher], NOW), Trusted)
    assert provider.lookup(publisher.fields) in identity.lookups
    assert (identity.kind, identity.issuer) == (kind, provider.example_claims["iss"])
    assert identity.subject
    assert provider.is_issuer(identity.issuer)


@pytest.mark.parametrize("kind", sorted(PINNED))
@given(data=st.data())
def test_only_the_registered_identity_is_ever_trusted(kind: str, data: st.DataObject) -> None:
    provider = PROVIDERS[kind]
    name = data.draw(st.sampled_from(PINNED[kind]))
    right = provider.example_claims[name]
    value: Any = data.draw(_JSON | (_nearly(right) if isinstance(right, str) else st.nothing()))
    try:
        verdict = decide(an_identity(provider, {name: value}), [a_publisher(provider)], NOW)
    except BadClaim:
        return
    if isinstance(verdict, Trusted):
        ascii_only = isinstance(value, str) and value.isascii() and isinstance(right, str)
        assert value is right or (ascii_only and value.lower() == right.lower())


@every_provider
@given(data=st.data())
def test_any_claims_end_in_a_verdict_or_a_bad_claim(kind: str, data: st.DataObject) -> None:
    provider = PROVIDERS[kind]
    names = st.sampled_from(sorted(provider.example_claims) + sorted(_known(provider)) + ["x"])
    changes = data.draw(st.dictionaries(names, _JSON, max_size=4))
    base = data.draw(st.sampled_from([dict(provider.example_claims), {}]))
    try:
        identity = provider.identify(SignedClaims({**base, **changes}))
    except BadClaim:
        return
    for text in (identity.subject, *identity.lookups):
        assert "\x00" not in text
        text.encode()
    rules = Rules(ref="refs/*/*", protected_ref=True, events=("push",), runner="x")
    right = a_publisher(provider, rules)
    for publisher in (right, replace(right, fields={}), replace(right, fields={}, pin_on_first_use=True)):
        mine = replace(publisher, issuer=identity.issuer)
        verdict = decide(identity, [mine], NOW)
        if isinstance(verdict, Refused):
            assert explain.for_caller(verdict, identity).text
            assert explain.for_maintainer(verdict, identity)
        assert isinstance(identity.specificity(mine), int)
        assert isinstance(dict(identity.anchors(mine)), dict)
    if not base:
        assert isinstance(decide(identity, [replace(right, fields={}, pin_on_first_use=True)], NOW), Refused)


@every_provider
@given(data=st.data())
def test_whatever_is_trusted_is_looked_up(kind: str, data: st.DataObject) -> None:
    provider = PROVIDERS[kind]
    right = a_publisher(provider)
    swapped = data.draw(st.sets(st.sampled_from(sorted(right.fields))))
    fields = {name: value.swapcase() if name in swapped else value for name, value in right.fields.items()}
    changed = data.draw(st.sets(st.sampled_from(sorted(provider.example_claims))))
    claims = {
        name: value.swapcase()
        for name, value in provider.example_claims.items()
        if name in changed and isinstance(value, str) and name != "iss"
    }
    publisher = replace(right, fields=fields)
    try:
        identity = an_identity(provider, claims)
    except BadClaim:
        return
    if isinstance(decide(identity, [publisher], NOW), Trusted):
        assert provider.lookup(fields) in identity.lookups


@every_provider
@given(data=st.data())
def test_what_is_spelled_once_is_spelled_for_good(kind: str, data: st.DataObject) -> None:
    provider = PROVIDERS[kind]
    name = data.draw(st.sampled_from(sorted(provider.example_fields)))
    value = data.draw(_TEXT | _nearly(provider.example_fields[name]) | st.just(f"  {provider.example_fields[name]} "))
    try:
        spelled = provider.spell({**provider.example_fields, name: value})
    except BadFields:
        return
    assert provider.spell(spelled) == spelled
    assert all(spelled.values())
    made_of = dict(provider.identity_fields(spelled))
    assert provider.lookup({**spelled, **made_of}) == provider.lookup(spelled)
    assert dict(provider.identity_fields({**spelled, **made_of})) == made_of


@every_provider
@given(fields=st.dictionaries(_TEXT, _TEXT, max_size=3))
def test_any_fields_are_spelled_or_named_as_faults(kind: str, fields: dict[str, str]) -> None:
    faults: tuple[Fault, ...] = ()
    try:
        spelled = PROVIDERS[kind].spell(fields)
    except BadFields as bad:
        spelled, faults = {}, bad.faults
    assert spelled or faults
    assert all(fault.field is not None and fault.problem for fault in faults)


@every_provider
@given(name=st.text(alphabet="abcdefgh_", min_size=3, max_size=10), value=_JSON)
def test_a_claim_that_nobody_knew_changes_nothing(kind: str, name: str, value: Any) -> None:
    provider = PROVIDERS[kind]
    assume(name not in provider.example_claims and name not in _known(provider))
    identity = an_identity(provider, {name: value})
    assert isinstance(decide(identity, [a_publisher(provider)], NOW), Trusted)
    if kind != "generic":
        assert provider.census.unknown([*provider.example_claims, name]) == (name,)


def _known(provider: Provider) -> frozenset[str]:
    census = provider.census
    return census.verified | census.required | census.optional | census.unchecked


@every_provider
def test_the_census_names_every_claim_once_and_all_of_the_example(kind: str) -> None:
    provider = PROVIDERS[kind]
    census = provider.census
    groups = (census.verified, census.required, census.optional, census.unchecked)
    assert sum(map(len, groups)) == len(_known(provider))
    assert not _known(provider) & (ENVELOPE - {"sub"})
    assert census.unknown(provider.example_claims) == ()
    assert census.unknown(["zz-b", "iss", "zz-a"]) == (() if kind == "generic" else ("zz-a", "zz-b"))
    assert provider.tells <= CIRCUMSTANCES
    assert kind == "generic" or set(provider.kept_claims) <= _known(provider) | ENVELOPE


@every_provider
def test_every_verified_claim_is_missed_when_it_is_not_there(kind: str) -> None:
    provider = PROVIDERS[kind]
    for name in provider.census.verified & set(provider.example_claims):
        claims = {one: value for one, value in provider.example_claims.items() if one != name}
        try:
            verdict = decide(provider.identify(SignedClaims(claims)), [a_publisher(provider)], NOW)
        except BadClaim:
            continue
        assert isinstance(verdict, Refused), name


@every_provider
def test_what_a_run_does_not_tell_keeps_no_rule(kind: str) -> None:
    provider = PROVIDERS[kind]
    run = an_identity(provider, {}).circumstances
    told = {"ref": run.ref, "ref_protected": run.ref_protected, "event": run.event, "runner": run.runner}
    assert {name for name, value in told.items() if value is not None} <= provider.tells


@every_provider
def test_ids_that_are_pinned_at_first_use_are_the_ones_that_count_from_then_on(kind: str) -> None:
    provider = PROVIDERS[kind]
    pinned = {field.name for field in provider.fields if field.immutable and not field.required}
    right, identity = a_publisher(provider), an_identity(provider, {})
    unpinned = {name: value for name, value in right.fields.items() if name not in pinned}
    first = replace(right, fields=unpinned, pin_on_first_use=True)
    assert not pinned or isinstance(decide(identity, [replace(right, fields=unpinned)], NOW), Refused)
    assert isinstance(decide(identity, [first], NOW), Trusted)
    ids = {name: value for name, value in identity.anchors(first).items() if value is not None and name not in unpinned}
    assert pinned <= set(ids)
    assert isinstance(decide(identity, [replace(first, fields={**unpinned, **ids})], NOW), Trusted)
    for name in ids:
        other = replace(first, fields={**unpinned, **ids, name: json.dumps("other")})
        verdict = decide(identity, [other], NOW)
        assert isinstance(verdict, Refused)
        assert "re-created or transferred" in explain.for_caller(verdict, identity).text


def test_values_worth_keeping_are_plain_and_short() -> None:
    claims = {"a": "x" * 400, "b": 1, "c": True, "d": ["x"], "e": None, "f": {}, "g": False, "h": 0.5, "i": "y"}
    assert seen(claims, ["a", "b", "c", "d", "e", "f", "g", "h", "z"]) == {
        "a": "x" * 300, "b": "1", "c": "true", "g": "false",
    }  # fmt: skip
    assert seen(claims, ["a", "i"], limit=3) == {"a": "xxx", "i": "y"}
