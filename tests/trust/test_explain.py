# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who learns what of a refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trustpub.trust import explain
from trustpub.trust.claims import SignedClaims
from trustpub.trust.decision import Check, Identity, NearMiss, Refused, decide
from trustpub.trust.mismatch import Mismatch
from trustpub.trust.provider import Provider
from trustpub.trust.providers import activestate, github, gitlab, google
from trustpub.trust.publishers import Link, Publisher, Rules

NOW = 1_790_000_000
NOBODY = "valid token, but no corresponding publisher"
REBORN = f"{NOBODY}: what publishes was re-created or transferred since the publisher was registered"


def an_identity(provider: Provider = github.PROVIDER, **changes: Any) -> Identity:
    claims = {**provider.example_claims, **changes}
    return provider.identify(SignedClaims({name: value for name, value in claims.items() if value is not None}))


def a_publisher(
    provider: Provider = github.PROVIDER, *links: Link, pin: bool = False, **changes: str | None
) -> Publisher:
    fields = {**provider.example_fields, **changes}
    return Publisher(
        id="pub",
        issuer=provider.issuers[0],
        kind=provider.kind,
        fields={name: value for name, value in fields.items() if value is not None},
        links=links or (Link(project_id="p-1", project="hello"),),
        pin_on_first_use=pin,
    )


def refused(identity: Identity, *publishers: Publisher) -> Refused:
    verdict = decide(identity, publishers, NOW)
    assert isinstance(verdict, Refused)
    return verdict


def caller(identity: Identity, *publishers: Publisher) -> explain.Explanation:
    return explain.for_caller(refused(identity, *publishers), identity)


def maintainer(identity: Identity, *publishers: Publisher) -> tuple[str, ...]:
    return tuple(explain.for_maintainer(refused(identity, *publishers), identity))


STAGING = "set the publishing job's `environment:` to the registered one, or register another"


def test_the_registered_repository_is_told_what_was_wanted_and_what_would_help() -> None:
    told = caller(an_identity(environment="staging", runner_environment=None), a_publisher())
    assert told.mismatches == (Mismatch(field="environment", given="staging", wanted="release"),)
    assert told.text == f"{NOBODY}: environment is 'staging', wanted 'release' ({STAGING})"


def test_what_is_missing_is_nothing() -> None:
    told = caller(an_identity(environment=None), a_publisher())
    assert told.mismatches == (Mismatch(field="environment", given=None, wanted="release"),)
    assert told.text.startswith(f"{NOBODY}: environment is nothing, wanted 'release' (")


def test_several_fields_that_differ_are_all_told() -> None:
    told = caller(an_identity(environment="staging", event_name="pull_request_target"), a_publisher())
    assert [one.field for one in told.mismatches] == ["environment", "event"]
    assert told.text == (
        f"{NOBODY}: environment is 'staging', wanted 'release' ({STAGING}); "
        "event is 'pull_request_target', wanted 'not pull_request_target' "
        "(it acts for whoever opens a pull request: let a push, a release or a person start the run)"
    )


@pytest.mark.parametrize("missing", [("owner_id", "repository_id"), ("owner_id",), ("repository_id",)])
def test_where_an_id_is_not_pinned_yet_the_caller_sees_its_own_values_only(missing: tuple[str, ...]) -> None:
    unpinned: dict[str, Any] = dict.fromkeys(missing)
    told = caller(an_identity(environment="staging"), a_publisher(pin=True, **unpinned))
    assert told.mismatches == (Mismatch(field="environment", given="staging", wanted=None),)
    assert told.text == f"{NOBODY}: environment is 'staging' ({STAGING})"


def test_where_ids_are_neither_registered_nor_to_be_pinned_the_caller_is_told_that() -> None:
    told = caller(an_identity(), a_publisher(owner_id=None, repository_id=None))
    assert told.mismatches == (
        Mismatch(field="owner_id", given="123456"),
        Mismatch(field="repository_id", given="456789"),
    )
    assert "owner_id is '123456' (register this id, or let it be pinned at the first use)" in told.text


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"repository_owner_id": "999"}, ["owner_id"]),
        ({"repository_id": "999"}, ["repository_id"]),
        ({"repository_id": None}, ["repository_id"]),
        ({"repository_id": "999", "repository_owner_id": "999"}, ["owner_id", "repository_id"]),
    ],
)
def test_a_recreated_repository_learns_that_and_nothing_of_the_publisher(
    changes: dict[str, Any], fields: list[str]
) -> None:
    told = caller(an_identity(environment="staging", **changes), a_publisher(workflow="secret.yml"))
    assert told == explain.Explanation(text=REBORN, mismatches=tuple(Mismatch(field=name) for name in fields))


def test_one_pinned_id_that_differs_is_enough_beside_one_that_is_not_pinned() -> None:
    told = caller(an_identity(), a_publisher(pin=True, owner_id="9", repository_id=None))
    assert told == explain.Explanation(text=REBORN, mismatches=(Mismatch(field="owner_id"),))


@pytest.mark.parametrize(
    ("provider", "changes", "unpinned"),
    [
        (github.PROVIDER, {"repository": "octo-org/other"}, {"owner_id": None, "repository_id": None}),
        (gitlab.PROVIDER, {"project_path": "my-group/my-subgroup/other"}, {"namespace_id": None}),
        (gitlab.PROVIDER, {"project_path": "other/sampleproject"}, {"project_id": None}),
        (google.PROVIDER, {"email": "x@y.iam.gserviceaccount.com"}, {"sub": None}),
        (activestate.PROVIDER, {"project": "other", "sub": "org:my-organization:project:other"}, {"actor_id": None}),
        (activestate.PROVIDER, {"organization": "other", "sub": "org:other:project:sampleproject"}, {"actor_id": None}),
    ],
)
def test_where_not_even_the_name_fits_the_caller_learns_nothing(
    provider: Provider, changes: dict[str, Any], unpinned: dict[str, Any]
) -> None:
    told = caller(an_identity(provider, **changes), a_publisher(provider, pin=True, **unpinned))
    assert told == explain.Explanation(text=f"{NOBODY} is registered")


def test_the_very_repository_under_another_name_is_told_the_registered_one() -> None:
    changes: dict[str, Any] = {
        "repository": "octo-org/renamed",
        "job_workflow_ref": "octo-org/renamed/.github/workflows/release.yml@refs/tags/v1",
    }
    told = caller(an_identity(**changes), a_publisher())
    assert told.mismatches == (Mismatch(field="repository", given="octo-org/renamed", wanted="octo-org/sampleproject"),)


@pytest.mark.parametrize(
    ("provider", "changes", "mismatch"),
    [
        (gitlab.PROVIDER, {"environment": "x"}, Mismatch(field="environment", given="x", wanted="release")),
        (activestate.PROVIDER, {"builder": "x"}, Mismatch(field="builder", given="x", wanted="pypi-publisher")),
    ],
)
def test_the_same_holds_for_every_forge(provider: Provider, changes: dict[str, Any], mismatch: Mismatch) -> None:
    told = caller(an_identity(provider, **changes), a_publisher(provider))
    assert told.mismatches == (mismatch,)
    assert "(" in told.text


@pytest.mark.parametrize(
    ("provider", "changes"),
    [
        (gitlab.PROVIDER, {"project_id": "9"}),
        (gitlab.PROVIDER, {"namespace_id": "9"}),
        (google.PROVIDER, {"sub": "9"}),
        (activestate.PROVIDER, {"actor_id": "00000000-0000-1000-8000-00000000000f"}),
    ],
)
def test_a_foreign_id_is_told_as_such_by_every_forge(provider: Provider, changes: dict[str, Any]) -> None:
    told = caller(an_identity(provider, **changes), a_publisher(provider))
    (field,) = changes
    assert told == explain.Explanation(text=REBORN, mismatches=(Mismatch(field=field),))


class _Nobody(github.Identity):
    """An identity without any id that lasts."""

    __slots__ = ()

    def anchors(self, publisher: Publisher) -> dict[str, str | None]:
        return {}


def test_without_any_id_nothing_is_proven_and_so_nothing_wanted_is_told() -> None:
    nobody = _Nobody.from_claims(SignedClaims(github.PROVIDER.example_claims))
    miss = NearMiss(
        publisher=a_publisher(), failed=(Check(field="environment", wanted="release", given="staging", holds=False),)
    )
    told = explain.for_caller(Refused(near_misses=(miss,)), nobody)
    assert told.mismatches == (Mismatch(field="environment", given="staging", wanted=None),)


def test_only_the_nearest_publisher_is_spoken_of() -> None:
    near, far = a_publisher(environment="near"), a_publisher(environment="far", workflow="far.yml")
    told = caller(an_identity(), replace(far, id="a"), replace(near, id="b"))
    assert [one.wanted for one in told.mismatches] == ["near"]
    assert "far" not in told.text


def test_with_no_publisher_near_the_caller_is_told_just_that() -> None:
    assert caller(an_identity()) == explain.Explanation(text=f"{NOBODY} is registered")
    assert maintainer(an_identity()) == (
        "no github publisher of https://token.actions.githubusercontent.com comes near this identity",
    )


def test_a_tie_names_the_publishers_to_those_who_can_mend_it() -> None:
    twins = (replace(a_publisher(), id="one"), replace(a_publisher(), id="two"))
    told = caller(an_identity(), *twins)
    assert told == explain.Explanation(text="valid token, but several publishers match it and none is more specific")
    assert maintainer(an_identity(), *twins) == ("2 publishers match equally well (one, two): remove all but one",)


@pytest.mark.parametrize(
    ("changes", "unknown", "line"),
    [
        (
            {"repository_owner_id": "999"},
            {},
            (
                "owner_id is '999', wanted '123456' "
                "(another one has the name now: if you know why, remove the publisher and register it anew)"
            ),
        ),
        (
            {"repository_id": None},
            {},
            "repository_id is nothing, wanted '456789' (its provider put none into the token)",
        ),
        (
            {},
            {"owner_id": None},
            "owner_id is '123456', wanted 'a registered id' (register this id, or let it be pinned at the first use)",
        ),
    ],
)
def test_the_maintainer_sees_project_field_wanted_and_given(
    changes: dict[str, Any], unknown: dict[str, Any], line: str
) -> None:
    assert maintainer(an_identity(**changes), a_publisher(**unknown)) == (f"hello: {line}",)


def test_the_maintainer_sees_every_publisher_a_line_each_with_all_its_projects() -> None:
    links = (Link(project_id="1", project="hello"), Link(project_id="2", project="extras"))
    second = replace(a_publisher(github.PROVIDER, *links, workflow="y.yml"), id="q")
    third = replace(a_publisher(), links=(), id="r")
    lines = maintainer(an_identity(), a_publisher(environment="x"), second, third)
    assert [line.partition(": ")[0] for line in lines] == ["no project", "hello", "hello, extras"]
    assert lines[0].startswith("no project: registration is nothing, wanted 'a project, or a pending registration")
    assert lines[0].endswith("(register the pending publisher again)")


def test_rules_that_fail_are_told_by_project_to_the_maintainer_and_together_to_the_caller() -> None:
    main, nightly = Rules(ref="refs/heads/main"), Rules(events=("schedule",), ref="refs/heads/main")
    links = (Link(project_id="1", project="hello", rules=main), Link(project_id="2", project="extras", rules=nightly))
    publisher = a_publisher(github.PROVIDER, *links)
    ref = (
        "ref is 'refs/tags/v1', wanted 'refs/heads/main' "
        "(publish from a branch or tag that the registered pattern allows)"
    )
    event = "event is 'push', wanted 'schedule' (let another event start the run, or register this one if it may)"
    assert maintainer(an_identity(), publisher) == (f"hello: {ref}", f"extras: {ref}; {event}")
    told = caller(an_identity(), publisher)
    assert told.text == f"{NOBODY}: {ref}; {event}"
    assert [(one.field, one.wanted) for one in told.mismatches] == [("ref", "refs/heads/main"), ("event", "schedule")]
    unpinned = replace(publisher, fields={**publisher.fields, "owner_id": ""}, pin_on_first_use=True)
    assert "refs/heads/main" not in caller(an_identity(), unpinned).text


EVERY_FIELD = [
    "repository", "namespace", "project", "organization", "email", "workflow", "calling_workflow", "workflow_filepath",
    "environment", "event", "ref", "ref_protected", "runner", "builder", "registration",
]  # fmt: skip


@pytest.mark.parametrize("field", EVERY_FIELD)
def test_every_field_comes_with_what_would_help(field: str) -> None:
    miss = NearMiss(publisher=a_publisher(), failed=(Check(field=field, wanted="w", given="g", holds=False),))
    (line,) = explain.for_maintainer(Refused(near_misses=(miss,)), an_identity())
    assert line.startswith(f"hello: {field} is 'g', wanted 'w' (")
    assert line.endswith(")")


def test_a_field_of_a_generic_publisher_is_told_without_one() -> None:
    miss = NearMiss(publisher=a_publisher(), failed=(Check(field="my-claim", wanted='"w"', given='"g"', holds=False),))
    (line,) = explain.for_maintainer(Refused(near_misses=(miss,)), an_identity())
    assert line == "hello: my-claim is '\"g\"', wanted '\"w\"'"


def test_what_comes_from_outside_commands_nobody() -> None:
    evil = "x\u202e::set-env name=A::\x1b[31m##[error]\u2028y"
    claims: dict[str, Any] = {"environment": evil.replace("\x1b", "").replace("\u2028", "")}
    identity = an_identity(**claims)
    miss = NearMiss(
        publisher=a_publisher(github.PROVIDER, Link(project_id="p", project=evil)),
        failed=(Check(field=evil, wanted=evil, given=evil, holds=False),),
    )
    texts = [
        caller(identity, a_publisher()).text,
        explain.for_caller(Refused(near_misses=(miss,)), identity).text,
        *explain.for_maintainer(Refused(near_misses=(miss,)), identity),
        *explain.for_maintainer(Refused(), an_identity(iss=evil.replace("\x1b", ""))),
    ]
    for text in texts:
        assert text.isprintable()
        assert "::" not in text
        assert "##[" not in text


def test_a_value_of_any_length_is_told_in_part() -> None:
    told = caller(an_identity(environment="e" * 5000), a_publisher(environment="w" * 5000))
    shown = "e" * 299 + "…"
    assert told.text == f"{NOBODY}: environment is '{shown}', wanted '{shown.replace('e', 'w')}' ({STAGING})"


def test_another_field_with_the_name_of_the_forbidden_event_is_just_that_field() -> None:
    event = "pull_request_target"
    told = caller(an_identity(environment=event), a_publisher())
    assert told.text == f"{NOBODY}: environment is '{event}', wanted 'release' ({STAGING})"
    link = Link(project_id="p", project="hello", rules=Rules(runner="x"))
    told = caller(an_identity(runner_environment=event), a_publisher(github.PROVIDER, link))
    assert told.text.endswith("wanted 'x' (let the registered kind of runner run the job)")
