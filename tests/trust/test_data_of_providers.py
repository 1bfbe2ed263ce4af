# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What providers are made of where nobody says otherwise, and the corners of those that are made of data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from trustpub.trust.claims import BadClaim, SignedClaims
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.preset import Demand, preset
from trustpub.trust.provider import SHARED_AUDIENCE_AGE, USUAL, Census, Field, Provider, Terms
from trustpub.trust.providers import generic, google
from trustpub.trust.providers.presets import circleci
from trustpub.trust.publishers import Publisher
from trustpub.trust.values import MAX_DEPTH, MAX_NAME, MAX_VALUE, MAX_VALUES, plain, read
from trustpub.trust.wanted import claim_fault


def test_the_usual_terms_are_a_day_for_the_identity_and_a_quarter_of_an_hour_for_the_upload() -> None:
    assert Terms() == USUAL
    assert (USUAL.algorithms, USUAL.array_audience) == (("RS256",), False)
    assert (USUAL.max_age, USUAL.max_lifetime, USUAL.token_lifetime) == (86_400, 86_400, 900)
    assert SHARED_AUDIENCE_AGE == 600


def test_a_field_is_asked_for_and_is_no_id_unless_that_is_said() -> None:
    field = Field(name="x", title="X", example="x")
    assert (field.required, field.immutable, field.workload, field.claim) == (True, False, False, "")


def test_a_provider_has_a_jti_an_audience_of_ones_own_and_has_been_seen_to_work_unless_that_is_said() -> None:
    least = Provider(
        kind="x",
        title="X",
        fields=(),
        census=Census(verified=frozenset()),
        identify=google.PROVIDER.identify,
        spell=google.PROVIDER.spell,
        lookup=google.PROVIDER.lookup,
        identity_fields=google.PROVIDER.identity_fields,
    )
    assert (least.has_jti, least.fixed_audience, least.experimental) == (True, False, False)
    assert least.is_issuer("https://anything.example")
    assert least.terms == USUAL


@pytest.mark.parametrize("other", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"])
def test_an_issuer_that_names_an_organisation_speaks_for_that_one_alone(other: str) -> None:
    provider = PROVIDERS["circleci"]
    claims = {**provider.example_claims, "oidc.circleci.com/org-id": other}
    with pytest.raises(BadClaim) as caught:
        provider.identify(SignedClaims(claims))
    assert (caught.value.name, caught.value.problem) == ("oidc.circleci.com/org-id", "is not what the issuer names")


@pytest.mark.parametrize("typed", ['!x"', "!x!", 'x"', "xax", '"x', '"', "x", '"x"y'])
def test_a_word_is_a_string_unless_it_begins_and_ends_with_a_quote(typed: str) -> None:
    assert PROVIDERS["jenkins"].spell({"subject": typed}) == {"subject": json.dumps(typed)}
    assert PROVIDERS["jenkins"].spell({"subject": json.dumps(typed)}) == {"subject": json.dumps(typed)}


def test_a_demand_inside_of_an_object_counts_for_the_claim_at_the_top() -> None:
    demands = (
        Demand(claim="/outer/inner", allowed=("x",), why="so"),
        Demand(claim="/other/inner", allowed=("x",), absent=True, why="so"),
    )
    census = preset(replace(circleci.PRESET, demands=demands)).census
    assert "outer" in census.verified
    assert "other" in census.optional
    assert not {"inner", "/outer/inner"} & (census.verified | census.optional)


def test_what_can_be_compared_and_looked_up_has_bounds() -> None:
    assert (MAX_NAME, MAX_VALUE, MAX_DEPTH, MAX_VALUES) == (255, 1024, 4, 256)


@pytest.mark.parametrize("number", [2.0**53, 2.0**54, -(2.0**53), -(2.0**60), 1e300, float("inf"), float("nan")])
def test_a_fraction_that_may_stand_for_several_whole_numbers_is_none(number: float) -> None:
    assert plain(number) is None


def test_a_generic_publisher_without_ids_is_told_that_first() -> None:
    identity = generic.PROVIDER.identify(SignedClaims(generic.PROVIDER.example_claims))
    publisher = Publisher(id="pub", issuer="x", kind="generic", fields=generic.PROVIDER.example_fields)
    assert [(check.field, check.holds) for check in identity.checks(publisher)] == [
        ("fields", False), ("account_id", True), ("pipeline_id", True),
    ]  # fmt: skip


def test_a_string_typed_in_escapes_is_read_up_to_four_times_its_length() -> None:
    assert read('"' + "\\u0061" * 600 + '"') == json.dumps("a" * 600)
    with pytest.raises(ValueError, match="Unterminated|Expecting|Invalid"):
        read('"' + "\\u0061" * 800 + '"')


def test_a_claim_of_the_envelope_cannot_be_wanted_and_one_inside_of_an_object_of_that_name_can() -> None:
    assert claim_fault("jti") is not None
    assert claim_fault("sub") is None
    assert claim_fault("/jti/x") is None
