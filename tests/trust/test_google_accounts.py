# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Service accounts of Google Cloud: what their claims mean, and what a publisher of theirs may say."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.trust.claims import BadClaim
from trustpub.trust.decision import Circumstances
from trustpub.trust.provider import BadFields
from trustpub.trust.providers.google import ISSUER, PROVIDER, Identity
from trustpub.trust.publishers import Publisher, Rules

from .acting import claims_of, misses, publisher_of

EMAIL = PROVIDER.example_fields["email"]
SUB = PROVIDER.example_fields["sub"]


def an_account(**changes: Any) -> Identity:
    """The documented example; a change to None takes a claim away."""
    return Identity.from_claims(claims_of(PROVIDER, changes))


def a_publisher(*, pin: bool = False, rules: Rules | None = None, **changes: str | None) -> Publisher:
    return publisher_of(PROVIDER, changes, pin=pin, rules=rules)


def test_the_documented_example_is_the_publisher_of_the_documented_example() -> None:
    publisher, identity = a_publisher(), an_account()
    assert misses(identity, publisher) == []
    assert PROVIDER.spell(publisher.fields) == publisher.fields
    assert [check.field for check in identity.checks(publisher)] == ["email", "sub"]
    assert identity.subject == EMAIL
    assert identity.lookups == {EMAIL} == {PROVIDER.lookup(publisher.fields)}
    assert identity.anchors(publisher) == {"sub": SUB}
    assert identity.circumstances == Circumstances()
    assert identity.specificity(publisher) == 0
    assert PROVIDER.identity_fields(publisher.fields) == {"email": EMAIL}
    assert [field.name for field in PROVIDER.fields if field.required] == ["email"]
    assert (PROVIDER.ids, PROVIDER.has_jti, PROVIDER.tells) == (("sub",), False, frozenset())
    assert (PROVIDER.terms.max_age, PROVIDER.terms.max_lifetime) == (3600, 3600)


def test_the_number_is_registered_or_may_be_pinned() -> None:
    assert misses(an_account(sub="9"), a_publisher()) == [("sub", "9")]
    assert misses(an_account(), a_publisher(sub=None)) == [("sub", SUB)]
    assert misses(an_account(), a_publisher(sub=None, pin=True)) == []
    assert misses(an_account(), a_publisher(email=None)) == [("email", EMAIL)]


def test_no_rule_about_a_run_is_kept_by_an_account() -> None:
    rules = Rules(ref="refs/*/*", protected_ref=True, events=("push",), runner="x")
    assert misses(an_account(), a_publisher(rules=rules)) == [
        ("ref", None), ("ref_protected", None), ("event", None), ("runner", None),
    ]  # fmt: skip


ADDRESSES = [
    "ci@proj.iam.gserviceaccount.com",
    "123-compute@developer.gserviceaccount.com",
    "proj@appspot.gserviceaccount.com",
    "ci@proj.example.com.iam.gserviceaccount.com",
]
OTHERS = [
    "someone@gmail.com",
    "someone@gserviceaccount.com",
    "ci@proj.iam.gserviceaccount.com.evil.example",
    "ci@evil-gserviceaccount.com",
    "ci@proj.iamXgserviceaccount.com",
    "ci@proj.iam.gserviceaccountXcom",
    "ci@x@proj.iam.gserviceaccount.com",
    "@proj.iam.gserviceaccount.com",
    "ci proj@proj.iam.gserviceaccount.com",
    "ci@proj..gserviceaccount.com",
    " ci@proj.iam.gserviceaccount.com",
    "\u212ai@proj.iam.gserviceaccount.com",
    "a" * 129 + "@proj.iam.gserviceaccount.com",
]
NOT_AN_ACCOUNT = "is not the address of a service account"


@pytest.mark.parametrize("email", ADDRESSES)
def test_addresses_of_service_accounts_are_taken(email: str) -> None:
    assert misses(an_account(email=email), a_publisher(email=email)) == []
    assert PROVIDER.spell({"email": email.upper()}) == {"email": email}


@pytest.mark.parametrize("email", OTHERS)
def test_any_other_account_of_google_is_refused_in_a_token_and_in_a_registration(email: str) -> None:
    with pytest.raises(BadClaim, match=NOT_AN_ACCOUNT):
        an_account(email=email)
    with pytest.raises(BadFields) as caught:
        PROVIDER.spell({"email": email})
    assert [(fault.field, fault.problem) for fault in caught.value.faults] == [("email", NOT_AN_ACCOUNT)]
    assert "people" in caught.value.faults[0].hint


def test_an_address_in_capitals_is_none_that_google_writes() -> None:
    with pytest.raises(BadClaim):
        an_account(email=EMAIL.upper())


@pytest.mark.parametrize("verified", [1, "true", "True", 1.0, False, None, [], {}, [True]])
def test_only_the_truth_itself_verifies_an_address(verified: object) -> None:
    with pytest.raises(BadClaim) as caught:
        an_account(email_verified=verified)
    assert (caught.value.name, caught.value.problem) == ("email_verified", "is not true")


@pytest.mark.parametrize(
    ("changes", "name", "problem"),
    [
        ({"email": None}, "email", "is missing"),
        ({"email": [EMAIL]}, "email", "is not a string but list"),
        ({"email": f"{EMAIL}\n"}, "email", "holds a control character"),
        ({"sub": None}, "sub", "is missing"),
        ({"sub": ""}, "sub", "is empty"),
        ({"sub": 111}, "sub", "is not a string but int"),
        ({"iss": None}, "iss", "is missing"),
    ],
)
def test_claims_that_google_never_makes_are_named(changes: dict[str, Any], name: str, problem: str) -> None:
    with pytest.raises(BadClaim) as caught:
        an_account(**changes)
    assert (caught.value.name, caught.value.problem) == (name, problem)


def test_a_number_is_taken_without_the_blanks_around_it() -> None:
    assert PROVIDER.spell({"email": EMAIL, "sub": " 111 "}) == {"email": EMAIL, "sub": "111"}
    assert PROVIDER.spell({"email": EMAIL, "sub": " "}) == {"email": EMAIL}
    assert PROVIDER.spell({"email": EMAIL, "sub": "1" * 255})["sub"] == "1" * 255


@pytest.mark.parametrize("sub", ["1 1", "1\n", "\u0661", "1" * 256])
def test_what_is_no_number_is_said_with_all_else(sub: str) -> None:
    with pytest.raises(BadFields) as caught:
        PROVIDER.spell({"sub": sub, "ref": "x"})
    assert [(fault.field, fault.problem) for fault in caught.value.faults] == [
        ("ref", "is no field of Google Cloud publishers"),
        ("email", NOT_AN_ACCOUNT),
        ("sub", "is not the number of a service account"),
    ]
    assert "uniqueId" in caught.value.faults[-1].hint


def test_there_is_one_issuer() -> None:
    assert PROVIDER.is_issuer("".join(list(ISSUER)))
    for other in (
        "accounts.google.com",
        f"{ISSUER}/",
        "https://accounts.google.com.evil.example",
        "http://accounts.google.com",
    ):
        assert not PROVIDER.is_issuer(other)
