# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a registration may say, for every provider, through the code that registers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from trustpub.errors import Misuse
from trustpub.index.registration import BadRegistration, Wanted, read, read_rules
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Rules

GITHUB = {"repository": "octo-org/sampleproject", "workflow": "release.yml"}
GITLAB = {"namespace": "octo", "project": "sampleproject", "workflow_filepath": ".gitlab-ci.yml"}
GOOGLE = {"email": "ci@proj.iam.gserviceaccount.com"}
ACTIVESTATE = {
    "organization": "org",
    "project": "proj",
    "actor_id": "00000000-0000-1000-8000-000000000002",
}
BASES: Mapping[str, Mapping[str, str]] = {
    "github": GITHUB,
    "gitlab": GITLAB,
    "google": GOOGLE,
    "activestate": ACTIVESTATE,
}
GENERIC = Wanted(
    project="hello",
    kind="generic",
    issuer="https://ci.example",
    fields={"project_id": "42", "pipeline": '"release"'},
    immutable=("project_id",),
    workload=("pipeline",),
)


def wanted(kind: str, **fields: str) -> Wanted:
    return Wanted(project="hello", kind=kind, fields={**BASES[kind], **fields})


ALLOWED = [
    ("github", {"repository": "o/x"}),
    ("github", {"repository": "0ver/Sample.Project"}),
    ("github", {"repository": "octo--org/_x"}),
    ("github", {"repository": "octo-org/-x"}),
    ("github", {"workflow": "release.yaml"}),
    ("github", {"workflow": "re lease.yml"}),
    ("github", {"workflow": "re@lease.yml"}),
    ("github", {"workflow": "x" * 250 + ".yml"}),
    ("github", {"workflow": "octo-org/shared/.github/workflows/release.yml@refs/tags/v*"}),
    ("github", {"calling_workflow": "ci.yml"}),
    ("github", {"environment": "Foo   Bar"}),
    ("github", {"environment": "f" * 255}),
    ("github", {"environment": "prod/eu"}),
    ("github", {"environment": "a:b"}),
    ("github", {"environment": "freigabe-ä"}),
    ("github", {"owner_id": "1", "repository_id": "2"}),
    ("gitlab", {"namespace": "group/sub"}),
    ("gitlab", {"namespace": "a+b"}),
    ("gitlab", {"project": "a.b"}),
    ("gitlab", {"workflow_filepath": "sub/dir/ci.yaml"}),
    ("gitlab", {"workflow_filepath": " ci.yml "}),
    ("gitlab", {"environment": "review/$CI"}),
    ("gitlab", {"environment": "a b"}),
    ("gitlab", {"environment": "a{b}"}),
    ("google", {"email": "CI@Proj.iam.gserviceaccount.com"}),
    ("google", {"sub": "111260650121185072906"}),
    ("activestate", {"project": "abc"}),
    ("activestate", {"project": "a" * 40}),
]

REFUSED = [
    ("github", {"repository": "octo_org/sampleproject"}),
    ("github", {"repository": "octo@/sampleproject"}),
    ("github", {"repository": "hello"}),
    ("github", {"repository": "octo/hello/x"}),
    ("github", {"repository": "https://github.com/octo/hello"}),
    ("github", {"repository": "octo/.."}),
    ("github", {"repository": "octo/."}),
    ("github", {"repository": "-octo/hello"}),
    ("github", {"repository": "octo/hel lo"}),
    ("github", {"repository": "octo/hello\n"}),
    ("github", {"repository": "octo/$x"}),
    ("github", {"repository": "octo/é"}),
    ("github", {"repository": " octo/x"}),
    ("github", {"workflow": ".github/workflows/release.yml"}),
    ("github", {"workflow": "release"}),
    ("github", {"workflow": "release.yml.txt"}),
    ("github", {"workflow": "release.YML"}),
    ("github", {"workflow": ".yml"}),
    ("github", {"workflow": "release.yml\n"}),
    ("github", {"workflow": "/x.yml"}),
    ("github", {"workflow": "octo-org/shared/.github/workflows/release.yml@*"}),
    ("github", {"calling_workflow": "ci"}),
    ("github", {"environment": ""}),
    ("github", {"environment": " foo"}),
    ("github", {"environment": "foo "}),
    ("github", {"environment": "f" * 256}),
    ("github", {"environment": "a,b"}),
    ("github", {"environment": "rel;ease"}),
    ("github", {"environment": "rel'ease"}),
    ("github", {"environment": "rel\\ease"}),
    ("github", {"environment": "rel\x00ease"}),
    ("github", {"environment": "a\tb"}),
    ("github", {"owner_id": "octo"}),
    ("github", {"owner_id": "0"}),
    ("github", {"owner_id": "١٢"}),
    ("github", {"repository_id": "12 "}),
    ("github", {"owner": "octo"}),
    ("gitlab", {"namespace": "-a"}),
    ("gitlab", {"namespace": "a--b"}),
    ("gitlab", {"namespace": "a__b"}),
    ("gitlab", {"namespace": "a.git"}),
    ("gitlab", {"namespace": "a.ATOM"}),
    ("gitlab", {"namespace": "/a"}),
    ("gitlab", {"namespace": ""}),
    ("gitlab", {"project": "P"}),
    ("gitlab", {"project": "a+b"}),
    ("gitlab", {"project": "a b"}),
    ("gitlab", {"project": "a/b"}),
    ("gitlab", {"project": "a--b"}),
    ("gitlab", {"project": "x.git"}),
    ("gitlab", {"project": "-x"}),
    ("gitlab", {"project": "x-"}),
    ("gitlab", {"project": "_x"}),
    ("gitlab", {"project": ""}),
    ("gitlab", {"workflow_filepath": "ci.yml/"}),
    ("gitlab", {"workflow_filepath": "ci"}),
    ("gitlab", {"workflow_filepath": "ci.YML"}),
    ("gitlab", {"workflow_filepath": "a//b.yml"}),
    ("gitlab", {"workflow_filepath": "../x.yml"}),
    ("gitlab", {"workflow_filepath": ""}),
    ("gitlab", {"environment": "a.b"}),
    ("gitlab", {"project_id": "x"}),
    ("google", {"email": "invalid_email"}),
    ("google", {"email": ""}),
    ("google", {"email": " a@example.com"}),
    ("google", {"email": "person@example.com"}),
    ("activestate", {"project": "ab"}),
    ("activestate", {"project": "a" * 41}),
    ("activestate", {"project": "a--b"}),
    ("activestate", {"project": "abc-"}),
    ("activestate", {"project": "a_b"}),
    ("activestate", {"organization": ""}),
    ("activestate", {"actor_id": ""}),
    ("activestate", {"actor_id": "me"}),
]


@pytest.mark.parametrize(("kind", "fields"), ALLOWED)
def test_a_form_may_say(kind: str, fields: dict[str, str]) -> None:
    registration = read(wanted(kind, **fields))
    assert registration.issuer == PROVIDERS[kind].issuers[0]
    assert set(registration.fields) == set(BASES[kind]) | set(fields)


@pytest.mark.parametrize(("kind", "fields"), REFUSED)
def test_a_form_may_not_say(kind: str, fields: dict[str, str]) -> None:
    with pytest.raises(BadRegistration) as refused:
        read(wanted(kind, **fields))
    assert refused.value.faults
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("kind", sorted(set(PROVIDERS) - {"generic"}))
def test_the_example_of_a_provider_can_be_registered(kind: str) -> None:
    provider = PROVIDERS[kind]
    fields = dict(provider.example_fields)
    issuer = str(provider.example_claims["iss"])
    registration = read(Wanted(project="hello", kind=kind, issuer=issuer, fields=fields))
    assert registration.missing_ids == ()
    assert registration.called


def test_an_environment_is_kept_in_lower_case_as_github_compares_it() -> None:
    assert read(wanted("github", environment="PyPI")).fields["environment"] == "pypi"


def test_a_workflow_given_by_its_path_is_mended_in_the_hint() -> None:
    with pytest.raises(Misuse) as refused:
        read(wanted("github", workflow=".github/workflows/release.yml"))
    assert refused.value.hint == "Give only the file's name: release.yml"


def test_all_that_is_wrong_is_said_at_once_a_line_each() -> None:
    bad = Wanted(
        project="-bad",
        fields={"repository": "hello", "workflow": "release", "environment": " x", "owner_id": "me", "colour": "red"},
        rules=Rules(ref="*", events=("pull_request_target", "a b"), runner="big one"),
        owner="anna",
        hold_days=0,
    )
    with pytest.raises(BadRegistration) as refused:
        read(bad)
    lines = refused.value.message.splitlines()
    assert lines == [
        "'-bad' cannot be a project's name.",
        "An owner is only named for a project that does not exist yet.",
        "A time to hold is only named for a project that does not exist yet.",
        "A name is held from 1 to 365 days, not 0.",
        "The field 'colour' is no field of GitHub publishers.",
        "The repository 'hello' is not OWNER/NAME.",
        "The workflow 'release' is not a file name that ends in .yml or .yaml.",
        "The environment 'x' is not a name that GitHub allows.",
        "The owner id 'me' is not a number, as GitHub's ids are.",
        "The ref '*' allows any ref.",
        "The event pull_request_target is never allowed: whoever opens a pull request can start it.",
        "The event 'a b' is not a word, as events are.",
        "The runner 'big one' is not a word, such as github-hosted.",
    ]
    assert len(refused.value.faults) == len(lines)


@pytest.mark.parametrize("name", ["", "-x", "x-", "a b", "é", "a\n", ".", "a/b"])
def test_a_project_has_a_name_that_it_can_have(name: str) -> None:
    with pytest.raises(BadRegistration, match="cannot be a project's name"):
        read(dataclasses.replace(wanted("github"), project=name))


@pytest.mark.parametrize("kind", ["", "circle", "GitHub"])
def test_only_known_kinds_are_registered(kind: str) -> None:
    with pytest.raises(BadRegistration, match="no kind of publisher"):
        read(Wanted(project="hello", kind=kind, fields=GITHUB))


def test_where_everybody_has_an_issuer_of_their_own_it_has_to_be_named() -> None:
    with pytest.raises(BadRegistration, match="no issuer of its own for everybody"):
        read(dataclasses.replace(GENERIC, issuer=None))


def test_a_generic_publisher_names_an_id_and_a_workload() -> None:
    registration = read(GENERIC)
    assert registration.fields == {"project_id": "42", "pipeline": '"release"'}
    assert registration.immutable == ("project_id",)
    assert registration.missing_ids == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"immutable": ()},
        {"workload": ()},
        {"immutable": ("project_id", "pipeline")},
        {"immutable": ("other",)},
        {"fields": {}},
        {"fields": {"sub": '"x"'}, "immutable": ("sub",), "workload": ("sub",)},
        {"fields": {"project_id": "42", "pipeline": "release"}},
        {"fields": {"project_id": "42", "pipeline": ""}},
        {"fields": {"project_id": "[42]", "pipeline": '"release"'}},
        {"fields": {"project_id": "42", "aud": '"x"'}, "workload": ("aud",)},
        {"fields": {"project_id": "42", "iss": '"x"'}, "workload": ("iss",)},
    ],
)
def test_a_generic_publisher_that_says_too_little_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadRegistration):
        read(dataclasses.replace(GENERIC, **changes))


def test_marks_are_for_generic_publishers_only() -> None:
    with pytest.raises(BadRegistration, match="not to be given"):
        read(dataclasses.replace(wanted("github"), immutable=("repository",)))


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(ref="refs/tags/v*"),
        Rules(ref="refs/heads/main", protected_ref=True, events=("push", "workflow_dispatch"), runner="github-hosted"),
        Rules(ref="r" * 255),
    ],
)
def test_rules_may_be(rules: Rules) -> None:
    assert read(dataclasses.replace(wanted("github"), rules=rules)).rules == rules
    assert read_rules(rules, "gitlab") == rules


@pytest.mark.parametrize(
    "rules",
    [
        Rules(ref=""),
        Rules(ref="*"),
        Rules(ref="*/*/*"),
        Rules(ref="**"),
        Rules(ref="/"),
        Rules(ref="refs/tags/ä"),
        Rules(ref="refs/tags/a b"),
        Rules(ref="refs/tags/v\n"),
        Rules(ref="r" * 256),
        Rules(events=("",)),
        Rules(events=("push\n",)),
        Rules(events=("push", "pull_request_target")),
        Rules(runner=""),
        Rules(runner="github hosted"),
    ],
)
def test_rules_that_could_never_be_kept_or_always_are_refused(rules: Rules) -> None:
    with pytest.raises(BadRegistration):
        read(dataclasses.replace(wanted("github"), rules=rules))
    with pytest.raises(BadRegistration):
        read_rules(rules, "github")


ALL = Rules(ref="refs/tags/*", protected_ref=True, events=("push",), runner="hosted")


@pytest.mark.parametrize("kind", ["google", "activestate"])
def test_a_rule_about_what_a_provider_never_tells_is_refused(kind: str) -> None:
    with pytest.raises(BadRegistration) as refused:
        read(dataclasses.replace(wanted(kind), rules=ALL))
    assert len(refused.value.faults) == 4
    assert all("does not say" in fault for fault in refused.value.faults)


def test_a_generic_publisher_has_no_rules_beside_its_claims() -> None:
    with pytest.raises(BadRegistration, match="does not say which ref"):
        read(dataclasses.replace(GENERIC, rules=Rules(ref="refs/tags/*")))
