# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What one click may do: only what stays with the same owner and repository, by their ids, and asks for no less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.index.kept import Attempt, Compared, Near
from trustpub.index.manage.remedy import Offer, Remedy, offer
from trustpub.trust.claims import SignedClaims
from trustpub.trust.decision import REGISTRATION, compared
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.proposal import moulded
from trustpub.trust.publishers import Link, Publisher, Rules

ISSUER = "https://ci.example"
LINK = Link(project_id="p1", project="hello")
GITHUB: dict[str, Any] = {
    "iss": ISSUER, "repository": "octo/hello", "repository_id": "456", "repository_owner": "octo",
    "repository_owner_id": "123", "job_workflow_ref": "octo/hello/.github/workflows/release.yml@refs/tags/v1",
    "workflow_ref": "octo/hello/.github/workflows/release.yml@refs/tags/v1", "ref": "refs/tags/v1", "sha": "f" * 40,
    "event_name": "push", "environment": "release", "runner_environment": "github-hosted", "ref_protected": "true",
}  # fmt: skip
FIELDS = {
    "repository": "octo/hello", "workflow": "release.yml", "environment": "release", "owner_id": "123",
    "repository_id": "456",
}  # fmt: skip
OTHER_FILE: dict[str, Any] = {
    "job_workflow_ref": "octo/hello/.github/workflows/publish.yml@refs/tags/v1",
    "workflow_ref": "octo/hello/.github/workflows/publish.yml@refs/tags/v1",
}
RENAMED: dict[str, Any] = {
    "repository": "guild/hi", "repository_owner": "guild",
    "job_workflow_ref": "guild/hi/.github/workflows/release.yml@refs/tags/v1",
    "workflow_ref": "guild/hi/.github/workflows/release.yml@refs/tags/v1",
}  # fmt: skip
FOREIGN: dict[str, Any] = {"job_workflow_ref": "mallory/tools/.github/workflows/publish.yml@refs/heads/main"}


def publisher(fields: Mapping[str, str] = FIELDS, *, kind: str = "github", link: Link = LINK, **more: Any) -> Publisher:
    return Publisher(id=more.pop("id", "pub-1"), issuer=ISSUER, kind=kind, fields=fields, links=(link,), **more)


def tried(*near: Publisher, kind: str = "github", extra: tuple[Compared, ...] = (), **changes: Any) -> Attempt:
    """The attempt of a job with these claims, near these publishers."""
    base = GITHUB if kind == "github" else {**PROVIDERS[kind].example_claims, "iss": ISSUER}
    claims = SignedClaims({name: value for name, value in {**base, **changes}.items() if value is not None})
    provider = PROVIDERS[kind]
    identity = provider.identify(claims)
    return Attempt(
        id="a1", project_id="p1", issuer=ISSUER, kind=kind, digest="", claims={}, reasons=(), first=0, last=0, count=1,
        peer="", proposed=provider.propose(claims),
        near=tuple(
            Near(
                publisher_id=one.id,
                compared=(
                    *(
                        Compared(field=check.field, wanted=check.wanted, given=check.given, holds=check.holds)
                        for check in compared(identity, one, one.links[0])
                    ),
                    *extra,
                ),
                fields=moulded(one, identity, claims),
            )
            for one in near
        ),
    )  # fmt: skip


def offered(one: Publisher, **changes: Any) -> Offer:
    return offer(tried(one, **changes), [one], project="hello")


WITHOUT_ENVIRONMENT = {name: value for name, value in FIELDS.items() if name != "environment"}
WITHOUT_IDS = {name: value for name, value in FIELDS.items() if not name.endswith("_id")}
ROWS: list[tuple[str, Mapping[str, str], dict[str, Any], Remedy]] = [
    ("another file", FIELDS, OTHER_FILE, Remedy.ONE_CLICK),
    ("another environment", FIELDS, {"environment": "staging"}, Remedy.ONE_CLICK),
    ("the repository renamed", FIELDS, RENAMED, Remedy.ONE_CLICK),
    ("another repository id", FIELDS, {**OTHER_FILE, "repository_id": "457"}, Remedy.FORM),
    ("another owner id", FIELDS, {**OTHER_FILE, "repository_owner_id": "124"}, Remedy.FORM),
    ("both ids", FIELDS, {"repository_owner_id": "124", "repository_id": "457"}, Remedy.FORM),
    ("no repository id", FIELDS, {**OTHER_FILE, "repository_id": None}, Remedy.FORM),
    ("ids not pinned yet", WITHOUT_IDS, OTHER_FILE, Remedy.FORM),
    ("one id pinned", {**WITHOUT_IDS, "owner_id": "123"}, OTHER_FILE, Remedy.FORM),
    ("an environment lost", FIELDS, {"environment": None}, Remedy.FORM),
    ("a calling file lost", {**FIELDS, "calling_workflow": "ci.yml"}, {"workflow_ref": None}, Remedy.FORM),
    ("a workflow of another repository", FIELDS, FOREIGN, Remedy.FORM),
    ("none that wanted an environment", WITHOUT_ENVIRONMENT, OTHER_FILE, Remedy.ONE_CLICK),
    ("a pull request's event", FIELDS, {**OTHER_FILE, "event_name": "pull_request_target"}, Remedy.NONE),
    ("nothing any more", FIELDS, {}, Remedy.DONE),
]


@pytest.mark.parametrize(("what", "fields", "changes", "remedy"), ROWS, ids=[row[0] for row in ROWS])
def test_what_differs_decides(what: str, fields: Mapping[str, str], changes: dict[str, Any], remedy: Remedy) -> None:
    found = offered(publisher(fields), **changes)
    assert found.remedy is remedy
    assert bool(found.retype) is (remedy is Remedy.FORM)
    assert bool(found.mended) is (remedy is Remedy.ONE_CLICK)


def test_mending_changes_what_differs_and_nothing_else() -> None:
    found = offered(publisher(WITHOUT_ENVIRONMENT), **OTHER_FILE)
    assert found.mended == {**WITHOUT_ENVIRONMENT, "workflow": "publish.yml"}
    assert found.differing == {"workflow": "release.yml"}
    assert found.proposed == {**FIELDS, "workflow": "publish.yml"}  # beside it, the narrowest


def test_rules_alone_are_not_changed_by_a_click() -> None:
    link = Link(project_id="p1", project="hello", rules=Rules(ref="refs/heads/main", events=("release",)))
    found = offered(publisher(link=link))
    assert (found.remedy, found.rules) == (Remedy.RULES, ("ref", "events"))
    both = offered(publisher(link=link), **OTHER_FILE)
    assert (both.remedy, both.rules) == (Remedy.ONE_CLICK, ("ref", "events"))


def test_a_publisher_of_another_kind_or_issuer_or_one_that_is_gone_gives_no_right() -> None:
    one = publisher()
    attempt = tried(one, **OTHER_FILE)
    for others in (
        [],
        [publisher(kind="forgejo")],
        [Publisher(id="pub-1", issuer="https://x", kind="github", fields=FIELDS)],
    ):
        found = offer(attempt, others, project="hello")
        assert found.remedy is Remedy.FORM
        assert found.retype == "octo/hello"


def test_once_a_publisher_means_the_job_there_is_nothing_to_do() -> None:
    one = publisher()
    mended = publisher({**FIELDS, "workflow": "publish.yml"}, id="pub-2")
    assert offer(tried(one, **OTHER_FILE), [mended], project="hello").remedy is Remedy.DONE


def test_of_several_the_one_with_the_same_ids_is_mended() -> None:
    other = publisher({**FIELDS, "repository_id": "9"}, id="pub-0")
    one = publisher()
    found = offer(tried(other, one, **OTHER_FILE), [other, one], project="hello")
    assert (found.remedy, found.publisher_id) == (Remedy.ONE_CLICK, "pub-1")


def test_a_tie_is_for_a_person() -> None:
    two = [publisher(), publisher(id="pub-2")]
    assert offer(tried(*two), two, project="hello").remedy is Remedy.NONE
    assert offer(tried(*two), two[:1], project="hello").remedy is Remedy.DONE


def test_a_name_held_in_vain_is_registered_again() -> None:
    lapsed = Compared(field=REGISTRATION, wanted="a project", given=None, holds=False)
    one = publisher()
    found = offer(tried(one, extra=(lapsed,)), [one], project="hello")
    assert (found.remedy, dict(found.differing)) == (Remedy.ONE_CLICK, {})


def test_what_was_kept_before_has_words_only() -> None:
    bare = Attempt(
        id="a", project_id="p1", issuer=ISSUER, kind="github", digest="", claims={}, reasons=("…",), first=0,
        last=0, count=1, peer="",
    )  # fmt: skip
    assert offer(bare, [publisher()], project="hello").remedy is Remedy.NONE


@pytest.mark.parametrize("kind", [kind for kind in PROVIDERS if kind != "github"])
def test_of_any_other_kind_a_click_changes_no_id_and_no_name(kind: str) -> None:
    provider = PROVIDERS[kind]
    spelled = provider.spell(provider.example_fields)
    immutable = ("account_id",) if kind == "generic" else ()
    ids = immutable or provider.ids
    may = {one.name for one in provider.fields if one.workload} | {"workflow_filepath", "environment"}
    if kind == "gitlab":
        may |= {"namespace", "project"}  # renamed, with both ids the same
    for name, value in spelled.items():
        changed = f'"{"0" * 8}-0000-0000-0000-{"0" * 12}"' if value.startswith('"') else "424242"
        one = Publisher(
            id="pub-1", issuer=ISSUER, kind=kind, fields={**spelled, name: changed}, immutable=immutable, links=(LINK,)
        )
        found = offered(one, kind=kind)
        if found.remedy is Remedy.ONE_CLICK:
            assert name in may
            assert name not in ids


@given(
    st.fixed_dictionaries(
        {
            "repository_id": st.sampled_from(["456", "457"]), "repository_owner_id": st.sampled_from(["123", "124"]),
            "environment": st.sampled_from(["release", "staging", None]),
            "event_name": st.sampled_from(["push", "pull_request_target"]),
            "job_workflow_ref": st.sampled_from(
                [GITHUB["job_workflow_ref"], OTHER_FILE["job_workflow_ref"], FOREIGN["job_workflow_ref"]]
            ),
        }
    )
)  # fmt: skip
def test_one_click_never_leaves_the_owner_the_repository_or_the_environment(changes: dict[str, Any]) -> None:
    found = offered(publisher(), **changes)
    if found.remedy is Remedy.ONE_CLICK:
        for fields in (found.mended, found.proposed):
            assert (fields["owner_id"], fields["repository_id"]) == ("123", "456")
            assert fields["environment"]
            assert "/" not in fields["workflow"]
        assert changes["event_name"] == "push"
