# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Any other identity provider: only the claims that were registered, by type and value, are ever trusted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.trust import explain
from trustpub.trust.claims import BadClaim, SignedClaims
from trustpub.trust.decision import Circumstances, Refused, Trusted, decide
from trustpub.trust.provider import BadFields
from trustpub.trust.providers.generic import PROVIDER, Identity, check_marks
from trustpub.trust.publishers import Link, Publisher
from trustpub.trust.values import MAX_DEPTH, MAX_NAME, MAX_VALUE, MAX_VALUES, plain

NOW = 1_790_000_000
ISSUER = "https://ci.example.org"
FIELDS = {"account_id": '"a-17"', "pipeline": '"release"', "/ci/runner/own": "true", "build_pool": "7"}


def claims_of_a_job(**changes: Any) -> SignedClaims:
    """Claims of a release job; a change to None takes the claim away."""
    claims = {
        "iss": ISSUER,
        "sub": "job:17/release",
        "aud": "index",
        "account_id": "a-17",
        "pipeline": "release",
        "ci": {"runner": {"own": True, "tags": ["linux"]}, "by": None},
        "build_pool": 7,
    }
    claims.update(changes)
    return SignedClaims({name: value for name, value in claims.items() if value is not None})


def a_publisher(fields: dict[str, str] | None = None, immutable: tuple[str, ...] = ("account_id",)) -> Publisher:
    spelled = PROVIDER.spell(FIELDS if fields is None else fields)
    link = Link(project_id="p-1", project="hello")
    return Publisher(id="pub-1", issuer=ISSUER, kind="generic", fields=spelled, immutable=immutable, links=(link,))


def verdict(publisher: Publisher, **changes: Any) -> Trusted | Refused:
    return decide(PROVIDER.identify(claims_of_a_job(**changes)), [publisher], NOW)


def failed_fields(publisher: Publisher, **changes: Any) -> list[str]:
    refused = verdict(publisher, **changes)
    assert isinstance(refused, Refused)
    return [check.field for check in refused.near_misses[0].failed]


def faults_of(fields: dict[str, str]) -> dict[str, str]:
    with pytest.raises(BadFields) as caught:
        PROVIDER.spell(fields)
    return {fault.field: fault.problem for fault in caught.value.faults}


def test_a_job_with_every_registered_claim_is_trusted() -> None:
    assert isinstance(verdict(a_publisher()), Trusted)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account_id": "a-18"}, "account_id"),
        ({"account_id": None}, "account_id"),
        ({"account_id": ["a-17"]}, "account_id"),
        ({"pipeline": "Release"}, "pipeline"),
        ({"pipeline": "release "}, "pipeline"),
        ({"pipeline": ""}, "pipeline"),
        ({"ci": {"runner": {"own": 1}}}, "/ci/runner/own"),
        ({"ci": {"runner": {"own": "true"}}}, "/ci/runner/own"),
        ({"ci": {"runner": [{"own": True}]}}, "/ci/runner/own"),
        ({"ci": None}, "/ci/runner/own"),
        ({"build_pool": "7"}, "build_pool"),
        ({"build_pool": True}, "build_pool"),
        ({"build_pool": 7.5}, "build_pool"),
        ({"build_pool": {"7": 7}}, "build_pool"),
    ],
)
def test_a_claim_of_another_value_or_type_is_refused_by_its_name(changes: dict[str, Any], field: str) -> None:
    assert failed_fields(a_publisher(), **changes) == [field]


def test_a_whole_number_is_the_same_with_a_point() -> None:
    assert isinstance(verdict(a_publisher(), build_pool=7.0), Trusted)


@pytest.mark.parametrize(
    "value", [2.0**53, 2**64, -(2**64), float("inf"), float("nan"), 0.5, None, [], {}, "", "x" * 1023]
)
def test_what_is_not_exact_plain_or_short_equals_nothing(value: object) -> None:
    assert plain(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0**53 - 1, "9007199254740991"),
        (-0.0, "0"),
        (2**64 - 1, "18446744073709551615"),
        (1 - 2**64, "-18446744073709551615"),
        (False, "false"),
        ("é\ud800", '"\\u00e9\\ud800"'),
        ("x" * 1022, '"' + "x" * 1022 + '"'),
    ],
)
def test_every_plain_value_has_one_text(value: object, text: str) -> None:
    assert plain(value) == text


def test_a_string_that_json_makes_too_long_equals_nothing() -> None:
    assert plain("é" * 500) is None
    assert plain("x" * (MAX_VALUE + 1)) is None


def test_the_other_type_is_shown_as_such_and_equal_types_without_quotes() -> None:
    refused = verdict(a_publisher(), account_id=17, pipeline="test")
    assert isinstance(refused, Refused)
    shown = {check.field: (check.wanted, check.given) for check in refused.near_misses[0].failed}
    assert shown == {"account_id": ('"a-17"', "17"), "pipeline": ("release", "test")}


@pytest.mark.parametrize("immutable", [(), ("elsewhere",), ("account_id", "elsewhere"), tuple(FIELDS)])
def test_without_an_id_and_something_else_nobody_is_trusted(immutable: tuple[str, ...]) -> None:
    assert failed_fields(a_publisher(immutable=immutable)) == ["fields"]
    assert failed_fields(a_publisher(immutable=immutable), pipeline="test") == ["fields", "pipeline"]


def test_the_caller_sees_what_is_wanted_only_if_its_ids_are_the_registered_ones() -> None:
    identity = PROVIDER.identify(claims_of_a_job(pipeline="test"))
    refused = decide(identity, [a_publisher()], NOW)
    assert isinstance(refused, Refused)
    assert "wanted 'release'" in explain.for_caller(refused, identity).text
    stranger = PROVIDER.identify(claims_of_a_job(account_id="a-18", pipeline="test"))
    refused = decide(stranger, [a_publisher()], NOW)
    assert isinstance(refused, Refused)
    assert "release" not in explain.for_caller(refused, stranger).text


def test_the_publisher_that_names_more_claims_is_meant() -> None:
    wide = replace(a_publisher({"account_id": '"a-17"', "pipeline": '"release"'}), id="pub-2")
    found = decide(PROVIDER.identify(claims_of_a_job()), [wide, a_publisher()], NOW)
    assert isinstance(found, Trusted)
    assert found.publisher.id == "pub-1"


def test_an_identity_tells_no_circumstances_and_the_provider_says_so() -> None:
    assert PROVIDER.identify(claims_of_a_job()).circumstances == Circumstances()
    assert PROVIDER.tells == frozenset()
    assert PROVIDER.census.unknown(claims_of_a_job()) == ()


@pytest.mark.parametrize(
    ("sub", "subject"),
    [("job:17", "job:17"), (None, ISSUER), (17, ISSUER), ("a\x1b[2J\nb", "a\\x1b[2J b"), ("x" * 300, "x" * 199 + "…")],
)
def test_the_subject_is_fit_for_a_line_of_a_log(sub: object, subject: str) -> None:
    assert PROVIDER.identify(claims_of_a_job(sub=sub)).subject == subject


def test_an_issuer_and_a_bounded_number_of_claims_are_needed() -> None:
    with pytest.raises(BadClaim, match="iss"):
        PROVIDER.identify(claims_of_a_job(iss=None))
    room = MAX_VALUES - len(Identity.from_claims(claims_of_a_job()).values)
    full = {f"c{number}": number for number in range(room)}
    assert len(PROVIDER.identify(claims_of_a_job(**full)).lookups) == MAX_VALUES
    with pytest.raises(BadClaim, match="more than"):
        PROVIDER.identify(claims_of_a_job(**full, one_more=1))


def test_claims_are_found_by_pointer_whatever_their_names_hold() -> None:
    claims = SignedClaims({"iss": ISSUER, "/a": "1", "b": {"~/c": "2", "": "3"}, "": "4", "d e": "5", "f=": "6"})
    assert set(Identity.from_claims(claims).values) == {"iss", "/~1a", "/b/~0~1c"}
    fields = PROVIDER.spell({"/~1a": '"1"', "/b/~0~1c": '"2"'})
    publisher = Publisher(id="p", issuer=ISSUER, kind="generic", fields=fields, immutable=("/~1a",))
    assert [check.holds for check in PROVIDER.identify(claims).checks(publisher)] == [True, True]


def test_the_lookup_is_the_longest_value_and_the_first_name_among_equals() -> None:
    assert PROVIDER.lookup({"b": "true", "a": '"xy"', "c": "1"}) == 'a="xy"'
    assert PROVIDER.lookup({"b": '"release"', "a": "7"}) == 'b="release"'


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        *((name, "says who the job is") for name in ("iss", "aud", "exp", "nbf", "iat", "jti")),
        ("", "printable"),
        ("a b", "printable"),
        ("a=b", "printable"),
        ("ä", "printable"),
        ("a\n", "printable"),
        ("x" * (MAX_NAME + 1), "printable"),
        ("/", "JSON Pointer"),
        ("/a/", "JSON Pointer"),
        ("/a~2b/c", "JSON Pointer"),
        ("/a/b~", "JSON Pointer"),
        ("/a" * (MAX_DEPTH + 1), "deeper"),
        ("/sub", "at the top"),
    ],
)
def test_a_name_that_no_claim_can_have_is_refused_at_registration(name: str, problem: str) -> None:
    assert problem in faults_of({**FIELDS, name: '"x"'})[name]


def test_names_up_to_the_limits_are_taken() -> None:
    fields = {"x" * MAX_NAME: "1", "/a" * MAX_DEPTH: "1", "/~1a": "1", "sub": '"s"'}
    assert PROVIDER.spell(fields) == fields


@pytest.mark.parametrize(
    "value",
    ["null", "[1]", '{"a": 1}', '""', "0.5", "1e400", "NaN", "Infinity", "1" * 30, "[" * 3000, '"' + "x" * 1023 + '"'],
)
def test_a_value_that_identifies_nobody_is_refused_at_registration(value: str) -> None:
    assert set(faults_of({**FIELDS, "extra": value})) == {"extra"}


@pytest.mark.parametrize("value", ["release", "a-17", "'x'", '"x', "", "TRUE", "1 2", "x" * 10_000])
def test_a_bare_word_is_refused_with_a_hint_to_quote_it(value: str) -> None:
    with pytest.raises(BadFields) as caught:
        PROVIDER.spell({"extra": value})
    (fault,) = caught.value.faults
    assert fault.problem == "is not a value in JSON"
    assert "double quotes" in fault.hint


def test_values_are_kept_in_one_spelling() -> None:
    typed = {"a": ' "\\u0061" ', "b": "1.0", "c": " true", "d": "1e2", "e": "-0"}
    assert PROVIDER.spell(typed) == {"a": '"a"', "b": "1", "c": "true", "d": "100", "e": "0"}


def test_a_publisher_names_between_one_and_32_claims() -> None:
    assert faults_of({}) == {"fields": "are missing"}
    many = {f"c{number}": "1" for number in range(32)}
    assert PROVIDER.spell(many) == many
    assert faults_of({**many, "more": "1"}) == {"fields": "are more than 32"}


def test_the_identity_of_a_publisher_is_all_it_names() -> None:
    assert PROVIDER.identity_fields(FIELDS) == FIELDS


def test_marks_name_an_id_and_a_workload_among_the_fields() -> None:
    check_marks(FIELDS, ["account_id"], ["pipeline"])


@pytest.mark.parametrize(
    ("fields", "immutable", "workload", "faulty"),
    [
        (FIELDS, [], ["pipeline"], ["immutable"]),
        (FIELDS, ["account_id"], [], ["workload"]),
        (FIELDS, [], [], ["immutable", "workload"]),
        (FIELDS, ["account_id"], ["account_id"], ["account_id"]),
        (FIELDS, ["elsewhere"], ["pipeline"], ["elsewhere"]),
        (FIELDS, ["account_id"], ["elsewhere"], ["elsewhere"]),
        ({"sub": '"x"'}, ["sub"], ["sub"], ["sub"]),
        ({"sub": '"x"'}, ["sub"], [], ["workload"]),
        ({**FIELDS, "jti": '"x"'}, ["jti"], ["pipeline"], ["jti"]),
        ({**FIELDS, "aud": '"x"'}, ["account_id"], ["aud"], ["aud"]),
    ],
)
def test_marks_that_leave_a_publisher_without_id_or_workload_are_refused(
    fields: dict[str, str], immutable: list[str], workload: list[str], faulty: list[str]
) -> None:
    with pytest.raises(BadFields) as caught:
        check_marks(fields, immutable, workload)
    assert [fault.field for fault in caught.value.faults] == faulty
    assert all(fault.problem and fault.hint for fault in caught.value.faults)


NAMES = st.sampled_from(["sub", "a", "b/c", "~d", "/e", "", "ü", "account_id", "x y"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["", "a-17", "7", "true", "é", "\ud800", "x" * 2000])
)
VALUES = st.recursive(SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3))


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_any_claims_end_in_a_verdict_and_every_registered_value_can_be_looked_up(claims: dict[str, Any]) -> None:
    identity = Identity.from_claims(SignedClaims({**claims, "iss": ISSUER}))
    assert isinstance(decide(identity, [a_publisher()], NOW), Refused | Trusted)
    assert len(identity.lookups) == len(identity.values)
    assert all(text.isascii() and text.isprintable() for text in identity.lookups)
    for name, value in identity.values.items():
        if name != "iss":
            assert PROVIDER.lookup(PROVIDER.spell({name: value})) in identity.lookups


def test_nesting_without_end_is_not_followed() -> None:
    deep: dict[str, Any] = {"x": 1}
    for _ in range(50_000):
        deep = {"a": deep}
    identity = PROVIDER.identify(claims_of_a_job(deep=deep))
    assert isinstance(decide(identity, [a_publisher()], NOW), Trusted)
    while deep:  # so that Python need not take it apart all at once
        deep = deep.pop("a", {})


@given(SCALARS, SCALARS)
def test_two_values_are_equal_only_by_type_and_value(one: object, other: object) -> None:
    first, second = plain(one), plain(other)
    if first is None or second is None:
        return
    same_type = isinstance(one, bool) == isinstance(other, bool) and isinstance(one, str) == isinstance(other, str)
    assert (first == second) == (same_type and one == other)
    assert json.loads(first) == one


@given(st.sampled_from(sorted(FIELDS)), SCALARS)
def test_any_other_value_of_a_registered_claim_is_never_trusted(name: str, value: object) -> None:
    claims = dict(claims_of_a_job())
    if name.startswith("/"):
        claims["ci"] = {"runner": {"own": value}}
    else:
        claims[name] = value
    identity = PROVIDER.identify(SignedClaims(claims))
    trusted = isinstance(decide(identity, [a_publisher()], NOW), Trusted)
    assert trusted == (plain(value) == FIELDS[name])
