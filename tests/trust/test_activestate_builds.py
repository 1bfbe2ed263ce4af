# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Builds of the ActiveState Platform: what their claims mean, and what a publisher of theirs may say."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.trust.claims import BadClaim
from trustpub.trust.decision import Circumstances
from trustpub.trust.provider import BadFields
from trustpub.trust.providers.activestate import ISSUER, PROVIDER, Identity
from trustpub.trust.publishers import Publisher

from .acting import claims_of, misses, publisher_of

ACTOR = PROVIDER.example_fields["actor_id"]
ORGANIZATION_ID = str(PROVIDER.example_claims["organization_id"])
PROJECT_ID = str(PROVIDER.example_claims["project_id"])


def a_build(**changes: Any) -> Identity:
    """The documented example; a change to None takes a claim away."""
    return Identity.from_claims(claims_of(PROVIDER, changes))


def a_publisher(*, pin: bool = False, **changes: str | None) -> Publisher:
    return publisher_of(PROVIDER, changes, pin=pin)


def test_the_documented_example_is_the_publisher_of_the_documented_example() -> None:
    publisher, identity = a_publisher(), a_build()
    assert misses(identity, publisher) == []
    assert PROVIDER.spell(publisher.fields) == publisher.fields
    assert [check.field for check in identity.checks(publisher)] == ["organization", "project", "actor_id", "builder"]
    assert identity.subject == "my-organization/sampleproject"
    assert identity.lookups == {"my-organization/sampleproject"} == {PROVIDER.lookup(publisher.fields)}
    assert identity.circumstances == Circumstances()
    assert PROVIDER.identity_fields({**publisher.fields, "project_id": "x"}) == publisher.fields
    assert [field.name for field in PROVIDER.fields if field.required] == ["organization", "project", "actor_id"]
    assert (PROVIDER.ids, PROVIDER.has_jti, PROVIDER.tells) == (("actor_id",), False, frozenset())


@pytest.mark.parametrize(
    ("claims", "field", "given"),
    [
        ({"actor_id": "00000000-0000-1000-8000-00000000000f"}, "actor_id", "00000000-0000-1000-8000-00000000000f"),
        ({"organization": "other", "sub": "org:other:project:sampleproject"}, "organization", "other"),
        ({"project": "other", "sub": "org:my-organization:project:other"}, "project", "other"),
        ({"project": "SampleProject", "sub": "org:my-organization:project:SampleProject"}, "project", "SampleProject"),
        ({"builder": "PyPI-Publisher"}, "builder", "PyPI-Publisher"),
        ({"builder": "other-builder"}, "builder", "other-builder"),
    ],
)
def test_a_changed_claim_is_the_one_field_that_differs(claims: dict[str, Any], field: str, given: str) -> None:
    assert misses(a_build(**claims), a_publisher()) == [(field, given)]


def test_ids_of_organization_and_project_are_checked_where_they_are_registered() -> None:
    publisher = a_publisher(organization_id=ORGANIZATION_ID, project_id=PROJECT_ID)
    assert misses(a_build(), publisher) == []
    assert misses(a_build(organization_id="other"), publisher) == [("organization_id", "other")]
    assert misses(a_build(project_id=None), publisher) == [("project_id", None)]
    assert misses(a_build(organization_id=None, project_id=None), a_publisher()) == []


def test_what_is_pinned_is_the_account_and_those_ids_that_a_token_has() -> None:
    build, partly = a_build(), a_build(project_id=None)
    assert build.anchors(a_publisher()) == {"actor_id": ACTOR}
    assert build.anchors(a_publisher(pin=True)) == {
        "actor_id": ACTOR, "organization_id": ORGANIZATION_ID, "project_id": PROJECT_ID,
    }  # fmt: skip
    assert partly.anchors(a_publisher(pin=True)) == {"actor_id": ACTOR, "organization_id": ORGANIZATION_ID}
    assert partly.anchors(a_publisher(project_id=PROJECT_ID)) == {"actor_id": ACTOR, "project_id": None}
    assert misses(partly, a_publisher(pin=True)) == []
    assert misses(a_build(), a_publisher(actor_id=None)) == [("actor_id", ACTOR)]


def test_a_publisher_with_more_ids_is_meant_before_one_with_fewer() -> None:
    build = a_build()
    weights = [
        build.specificity(one)
        for one in (a_publisher(), a_publisher(project_id="x"), a_publisher(project_id="x", organization_id="y"))
    ]
    assert weights == [0, 1, 2]


def test_a_publisher_that_names_nothing_trusts_no_build() -> None:
    nothing = Publisher(id="pub", issuer=ISSUER, kind="activestate", fields={}, pin_on_first_use=True)
    assert [field for field, _ in misses(a_build(), nothing)] == ["organization", "project"]


@pytest.mark.parametrize("tail", ["", ":", ":extra:stuff"])
def test_only_the_first_four_parts_of_sub_count(tail: str) -> None:
    assert misses(a_build(sub=f"org:my-organization:project:sampleproject{tail}"), a_publisher()) == []


MISNAMED = "does not name the organization and project of the other claims"


@pytest.mark.parametrize(
    ("changes", "name", "problem"),
    [
        ({"sub": None}, "sub", "is missing"),
        ({"sub": ""}, "sub", "is empty"),
        ({"sub": "org:my-organization:project:other"}, "sub", MISNAMED),
        ({"sub": "org:other:project:sampleproject"}, "sub", MISNAMED),
        ({"sub": "org:My-Organization:project:sampleproject"}, "sub", MISNAMED),
        ({"sub": "org:my-organization:project"}, "sub", MISNAMED),
        ({"sub": "ORG:my-organization:project:sampleproject"}, "sub", MISNAMED),
        ({"sub": "org:my-organization:Project:sampleproject"}, "sub", MISNAMED),
        ({"sub": "org:a:project:b", "organization": "a:project:b"}, "sub", MISNAMED),
        ({"organization": None}, "organization", "is missing"),
        ({"project": 1}, "project", "is not a string but int"),
        ({"actor_id": None}, "actor_id", "is missing"),
        ({"builder": None}, "builder", "is missing"),
        ({"organization_id": 1}, "organization_id", "is not a string but int"),
        ({"project_id": []}, "project_id", "is not a string but list"),
        ({"iss": None}, "iss", "is missing"),
    ],
)
def test_claims_that_the_platform_never_makes_are_named(changes: dict[str, Any], name: str, problem: str) -> None:
    with pytest.raises(BadClaim) as caught:
        a_build(**changes)
    assert (caught.value.name, caught.value.problem) == (name, problem)


ORGANIZATION = ("organization", "is not the name of an organization")
PROJECT = ("project", "is not a name that the platform gives projects")
ACCOUNT = ("actor_id", "is not the id of an account")


@pytest.mark.parametrize(
    ("field", "values", "fault"),
    [
        ("organization", ["", " ", " a", "a ", "a:b", "a\n", "a\tb", "a" * 256], ORGANIZATION),
        ("project", ["", "ab", "a" * 41, "a--b", "-abc", "abc-", "a_b", "a b c", "abc\n"], PROJECT),
        ("actor_id", ["", "somebody", ACTOR[:-1], f"{ACTOR}0", f"{ACTOR}\n", ACTOR.replace("-", ""), "g" + ACTOR[1:]],
         ACCOUNT),
        ("organization_id", ["a b", "a\n", "x" * 256], ("organization_id", "is not an id")),
        ("project_id", ["a b"], ("project_id", "is not an id")),
        ("actor", ["somebody"], ("actor", "is no field of ActiveState publishers")),
    ],
)  # fmt: skip
def test_fields_that_the_platform_does_not_allow_are_named(
    field: str, values: list[str], fault: tuple[str, str]
) -> None:
    for value in values:
        with pytest.raises(BadFields) as caught:
            PROVIDER.spell({**PROVIDER.example_fields, field: value})
        assert [(one.field, one.problem) for one in caught.value.faults] == [fault], value
        assert field == "actor" or caught.value.faults[0].hint


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadFields) as caught:
        PROVIDER.spell({"organization_id": "a b", "project_id": "a b"})
    assert [fault.field for fault in caught.value.faults] == [
        "organization", "project", "actor_id", "organization_id", "project_id",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "typed", "spelled"),
    [
        ("organization", "My Org", "My Org"),
        ("organization", "a", "a"),
        ("organization", "a" * 255, "a" * 255),
        ("project", "abc", "abc"),
        ("project", "a" * 40, "a" * 40),
        ("project", ".a-b", ".a-b"),
        ("actor_id", "00000000-0000-1000-8000-0000000000AB", "00000000-0000-1000-8000-0000000000ab"),
        ("organization_id", "o1", "o1"),
        ("project_id", "x" * 255, "x" * 255),
    ],
)
def test_fields_are_kept_as_the_platform_spells_them(field: str, typed: str, spelled: str) -> None:
    assert PROVIDER.spell({**PROVIDER.example_fields, field: typed})[field] == spelled


def test_an_accounts_id_has_no_case() -> None:
    actor = "00000000-0000-1000-8000-0000000000AB"
    assert misses(a_build(actor_id=actor), a_publisher(actor_id=actor.lower())) == []


def test_there_is_one_issuer() -> None:
    assert PROVIDER.is_issuer("".join(list(ISSUER)))
    for other in (f"{ISSUER}/", "https://platform.activestate.com", f"{ISSUER}\n"):
        assert not PROVIDER.is_issuer(other)
