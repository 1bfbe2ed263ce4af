# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs of GitLab CI: what their claims mean, and what a publisher of theirs may say."""

from __future__ import annotations

from typing import Any

import pytest

from trustpub.trust.claims import BadClaim
from trustpub.trust.decision import Circumstances, Refused, decide
from trustpub.trust.provider import BadFields
from trustpub.trust.providers.gitlab import ISSUER, PROVIDER, Identity
from trustpub.trust.publishers import Publisher

from .acting import claims_of, misses, publisher_of

SHA = str(PROVIDER.example_claims["sha"])
OWN = "gitlab.com/my-group/my-subgroup/sampleproject//"
TAG = "refs/tags/v1"


def a_job(**changes: Any) -> Identity:
    """The documented example; a change to None takes a claim away."""
    return Identity.from_claims(claims_of(PROVIDER, changes))


def a_publisher(*, issuer: str = ISSUER, pin: bool = False, **changes: str | None) -> Publisher:
    return publisher_of(PROVIDER, changes, issuer=issuer, pin=pin)


def test_the_documented_example_is_the_publisher_of_the_documented_example() -> None:
    publisher, identity = a_publisher(), a_job()
    assert misses(identity, publisher) == []
    assert PROVIDER.spell(publisher.fields) == publisher.fields
    assert [check.field for check in identity.checks(publisher)] == [
        "namespace", "project", "namespace_id", "project_id", "workflow_filepath", "environment",
    ]  # fmt: skip
    assert identity.subject == "my-group/my-subgroup/sampleproject"
    assert identity.lookups == {"my-group/my-subgroup/sampleproject"} == {PROVIDER.lookup(publisher.fields)}
    assert identity.anchors(publisher) == {"namespace_id": "72", "project_id": "20"}
    assert identity.circumstances == Circumstances(ref=TAG, ref_protected=True, event="push", runner="gitlab-hosted")
    assert identity.specificity(publisher) == 1
    assert identity.specificity(a_publisher(environment=None)) == 0


@pytest.mark.parametrize(
    ("claims", "field", "given"),
    [
        ({"namespace_id": "999"}, "namespace_id", "999"),
        ({"project_id": "999"}, "project_id", "999"),
        ({"ci_config_ref_uri": f"{OWN}other.yml@{TAG}"}, "workflow_filepath", "other.yml"),
        ({"ci_config_ref_uri": f"{OWN}.GitLab-ci.yml@{TAG}"}, "workflow_filepath", ".GitLab-ci.yml"),
        ({"environment": "staging"}, "environment", "staging"),
        ({"environment": "Release"}, "environment", "Release"),
        ({"environment": None}, "environment", None),
        ({"environment": ""}, "environment", None),
    ],
)
def test_a_changed_claim_is_the_one_field_that_differs(claims: dict[str, Any], field: str, given: str | None) -> None:
    assert misses(a_job(**claims), a_publisher()) == [(field, given)]


def test_another_project_differs_in_its_name_and_takes_no_file_with_it() -> None:
    other = "my-group/my-subgroup/other"
    assert misses(a_job(project_path=other), a_publisher()) == [
        ("project", "other"), ("workflow_filepath", f"{OWN}.gitlab-ci.yml@{TAG}"),
    ]  # fmt: skip
    moved = {"project_path": other, "ci_config_ref_uri": f"gitlab.com/{other}//.gitlab-ci.yml@{TAG}"}
    assert misses(a_job(**moved), a_publisher()) == [("project", "other")]
    upper = "my-group/sampleproject"
    moved = {"project_path": upper, "ci_config_ref_uri": f"gitlab.com/{upper}//.gitlab-ci.yml@{TAG}"}
    assert misses(a_job(**moved), a_publisher()) == [("namespace", "my-group")]


@pytest.mark.parametrize(
    "uri",
    [
        f"{OWN}.gitlab-ci.yml@refs/heads/other",
        f"{OWN}.gitlab-ci.yml",
        f"{OWN}.gitlab-ci.yml@",
        f"{OWN}.gitlab-ci.yml{TAG}",
        f"{OWN}.gitlab-ci.yml@{TAG}@",
        f"{OWN}.gitlab-ci.yml.txt@{TAG}",
        f"{OWN}.yml@{TAG}",
        f"{OWN}ci/.yaml@{TAG}",
        f"{OWN}@{TAG}",
        f"{OWN[:-1]}.gitlab-ci.yml@{TAG}",
        f"https://{OWN}.gitlab-ci.yml@{TAG}",
        f"GitLab.com{OWN.removeprefix('gitlab.com')}.gitlab-ci.yml@{TAG}",
        f"gitlab.example.com{OWN.removeprefix('gitlab.com')}.gitlab-ci.yml@{TAG}",
        f"gitlab.com/evil{OWN.removeprefix('gitlab.com')}.gitlab-ci.yml@{TAG}",
        f"gitlab.com/evil/shared//.gitlab-ci.yml@{TAG}",
        ".gitlab-ci.yml",
    ],
)
def test_a_file_that_is_not_the_projects_own_at_the_runs_ref_is_given_whole(uri: str) -> None:
    assert misses(a_job(ci_config_ref_uri=uri), a_publisher()) == [("workflow_filepath", uri)]


@pytest.mark.parametrize("place", [TAG, SHA])
@pytest.mark.parametrize("path", ["a.yml", "ci/release.yaml", "@foo.yml@bar.yml", "a@b/c d.yml", "foo.yml.bar.yml"])
def test_a_file_is_what_stands_before_the_ref_or_the_commit_whatever_it_is_called(path: str, place: str) -> None:
    job = a_job(ci_config_ref_uri=f"{OWN}{path}@{place}")
    assert misses(job, a_publisher(workflow_filepath=path)) == []
    assert misses(job, a_publisher()) == [("workflow_filepath", path)]
    assert PROVIDER.spell({**PROVIDER.example_fields, "workflow_filepath": path})["workflow_filepath"] == path


def test_two_slashes_inside_a_path_are_part_of_it() -> None:
    job = a_job(ci_config_ref_uri=f"{OWN}too//many.yml@{TAG}")
    assert misses(job, a_publisher(workflow_filepath="many.yml")) == [("workflow_filepath", "too//many.yml")]


def test_a_ref_that_looks_like_a_file_and_a_ref_does_not_change_the_file() -> None:
    ref = "refs/heads/.gitlab-ci.yml@refs/heads/main"
    job = a_job(ref_path=ref, ci_config_ref_uri=f"{OWN}evil.yml@{ref}")
    assert misses(job, a_publisher()) == [("workflow_filepath", "evil.yml")]


def test_paths_of_groups_and_projects_have_no_case() -> None:
    upper = "My-Group/My-Subgroup/SampleProject"
    job = a_job(project_path=upper)
    assert job.lookups == a_job().lookups
    assert misses(job, a_publisher()) == []
    assert misses(a_job(), a_publisher(namespace="My-GROUP/my-subgroup", project="SAMPLEproject")) == []
    assert misses(a_job(ci_config_ref_uri=f"gitlab.com/{upper}//.gitlab-ci.yml@{TAG}"), a_publisher()) == []


@pytest.mark.parametrize("host", ["gitlab.example.com", "gitlab.example.com:8443", "example.com/gitlab"])
def test_an_instance_of_ones_own_names_itself_in_the_uri_with_port_and_path(host: str) -> None:
    issuer = f"https://{host}"
    uri = f"{host}{OWN.removeprefix('gitlab.com')}.gitlab-ci.yml@{TAG}"
    assert misses(a_job(iss=issuer, ci_config_ref_uri=uri), a_publisher(issuer=issuer)) == []
    assert misses(a_job(iss=issuer), a_publisher(issuer=issuer)) == [
        ("workflow_filepath", f"{OWN}.gitlab-ci.yml@{TAG}")
    ]  # fmt: skip


def test_the_same_job_of_another_instance_is_nobody() -> None:
    assert decide(a_job(iss="https://gitlab.example.com"), [a_publisher()], 0) == Refused()


def test_sub_says_nothing() -> None:
    for sub in ("project_path:evil/evil", "", None):
        assert misses(a_job(sub=sub), a_publisher()) == []


@pytest.mark.parametrize(
    ("changes", "name", "problem"),
    [
        ({"project_path": None}, "project_path", "is missing"),
        ({"project_path": ""}, "project_path", "is empty"),
        ({"project_path": 20}, "project_path", "is not a string but int"),
        ({"project_path": "foobar"}, "project_path", "is not `namespace/project`"),
        ({"project_path": "/project"}, "project_path", "is not `namespace/project`"),
        ({"project_path": "group/"}, "project_path", "is not `namespace/project`"),
        ({"namespace_id": None}, "namespace_id", "is missing"),
        ({"namespace_id": 72}, "namespace_id", "is not a string but int"),
        ({"project_id": None}, "project_id", "is missing"),
        ({"project_id": 20}, "project_id", "is not a string but int"),
        ({"ci_config_ref_uri": None}, "ci_config_ref_uri", "is missing"),
        ({"ci_config_ref_uri": ""}, "ci_config_ref_uri", "is empty"),
        ({"ref_path": ""}, "ref_path", "is empty"),
        ({"sha": ""}, "sha", "is empty"),
        ({"environment": {"name": "release"}}, "environment", "is not a string but dict"),
        ({"pipeline_source": 1}, "pipeline_source", "is not a string but int"),
        ({"runner_environment": []}, "runner_environment", "is not a string but list"),
        ({"ref_protected": 1}, "ref_protected", "is not a string but int"),
        ({"iss": None}, "iss", "is missing"),
    ],
)
def test_claims_that_gitlab_never_makes_are_named(changes: dict[str, Any], name: str, problem: str) -> None:
    with pytest.raises(BadClaim) as caught:
        a_job(**changes)
    assert (caught.value.name, caught.value.problem) == (name, problem)


@pytest.mark.parametrize(
    ("claim", "said"),
    [("true", True), (True, True), ("false", False), (False, False), ("", None), (None, None), ("True", None)],
)
def test_protection_of_the_ref_is_a_text_or_a_truth(claim: object, said: bool | None) -> None:
    assert a_job(ref_protected=claim).circumstances.ref_protected is said


def test_what_gitlab_does_not_say_of_a_run_is_not_known() -> None:
    job = a_job(pipeline_source=None, runner_environment=None, ref_protected=None)
    assert job.circumstances == Circumstances(ref=TAG)


def test_ids_are_registered_or_may_be_pinned() -> None:
    unpinned: dict[str, Any] = {"namespace_id": None, "project_id": None}
    assert misses(a_job(), a_publisher(**unpinned)) == [("namespace_id", "72"), ("project_id", "20")]
    assert misses(a_job(), a_publisher(pin=True, **unpinned)) == []
    assert misses(a_job(), a_publisher(pin=True, namespace_id="9", project_id=None)) == [("namespace_id", "72")]


def test_a_publisher_that_names_nothing_trusts_no_job() -> None:
    nothing = Publisher(id="pub", issuer=ISSUER, kind="gitlab", fields={}, pin_on_first_use=True)
    assert [field for field, _ in misses(a_job(), nothing)] == ["namespace", "project", "workflow_filepath"]


NAMESPACE = ("namespace", "is not a path that GitLab gives users and groups")
PROJECT = ("project", "is not a name that GitLab gives projects")
PATH = ("workflow_filepath", "is not the path of a .yml or .yaml file")
ENVIRONMENT = ("environment", "is not a name that is taken here")


@pytest.mark.parametrize(
    ("field", "values", "fault"),
    [
        (
            "namespace",
            [
                "",
                " ",
                "a",
                "-a",
                "a-",
                "_a",
                "/a",
                "a/",
                "a//b",
                "a--b",
                "a__b",
                "a.-b",
                "a/-b",
                "a/b-",
                "a.git",
                "a.ATOM",
                "a b",
                "a\n",
                "a@b",
                "\u00e9\u00e9",
                "a" * 256,
            ],
            NAMESPACE,
        ),
        (
            "project",
            ["", "P", "a+b", "a b", "a/b", "a--b", "x.git", "x.Atom", "-x", "x-", "_x", "$x", "xx\n", "a" * 256],
            PROJECT,
        ),
        (
            "workflow_filepath",
            [
                "",
                "ci",
                "ci.YML",
                ".yml",
                ".yaml",
                "x/.yml",
                "ci.yml/",
                "/ci.yml",
                "a//b.yml",
                "../x.yml",
                "./x.yml",
                "a/../b.yml",
                "ci.yml\n",
                "a\x00/b.yml",
                "a\tb.yml",
                "a" * 252 + ".yml",
            ],
            PATH,
        ),
        ("environment", ["a.b", " a", "a ", "/a", "a/", "a\n", "a,b", "e" * 256], ENVIRONMENT),
        ("namespace_id", ["x", "0", "-1", "1\n"], ("namespace_id", "is not a number, as GitLab's ids are")),
        ("project_id", ["x", "1.0"], ("project_id", "is not a number, as GitLab's ids are")),
        ("ref", ["main"], ("ref", "is no field of GitLab publishers")),
    ],
)
def test_fields_that_gitlab_does_not_allow_are_named(field: str, values: list[str], fault: tuple[str, str]) -> None:
    for value in values:
        with pytest.raises(BadFields) as caught:
            PROVIDER.spell({**PROVIDER.example_fields, field: value})
        assert [(one.field, one.problem) for one in caught.value.faults] == [fault], value
        assert all(one.hint for one in caught.value.faults) or field in {"ref", "namespace_id", "project_id"}


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadFields) as caught:
        PROVIDER.spell({"environment": ",", "project_id": "x"})
    assert [fault.field for fault in caught.value.faults] == [
        "namespace", "project", "workflow_filepath", "environment", "project_id",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "typed", "spelled"),
    [
        ("namespace", "octo", "octo"),
        ("namespace", "Group/sub.group/s", "Group/sub.group/s"),
        ("namespace", "ab", "ab"),
        ("namespace", "a+b", "a+b"),
        ("namespace", "a" * 255, "a" * 255),
        ("project", "a.b", "a.b"),
        ("project", "ab", "ab"),
        ("project", "a_b-c", "a_b-c"),
        ("workflow_filepath", " ci.yml ", "ci.yml"),
        ("workflow_filepath", "a.yml", "a.yml"),
        ("workflow_filepath", "..a/b.yml", "..a/b.yml"),
        ("workflow_filepath", "a" * 251 + ".yml", "a" * 251 + ".yml"),
        ("environment", "Prod", "Prod"),
        ("environment", "review/$CI {x}_y-z", "review/$CI {x}_y-z"),
        ("environment", "e" * 255, "e" * 255),
    ],
)
def test_fields_are_kept_as_gitlab_spells_them(field: str, typed: str, spelled: str) -> None:
    assert PROVIDER.spell({**PROVIDER.example_fields, field: typed})[field] == spelled


@pytest.mark.parametrize("blank", ["", " ", "  "])
def test_blanks_are_no_environment(blank: str) -> None:
    assert "environment" not in PROVIDER.spell({**PROVIDER.example_fields, "environment": blank})


def test_what_makes_a_publisher_this_one_is_all_but_its_ids() -> None:
    assert PROVIDER.identity_fields({**PROVIDER.example_fields, "namespace": "My-Group", "project": "X"}) == {
        "namespace": "my-group", "project": "x", "workflow_filepath": ".gitlab-ci.yml", "environment": "release",
    }  # fmt: skip
    assert PROVIDER.ids == ("namespace_id", "project_id")
    assert [field.name for field in PROVIDER.fields if field.required] == ["namespace", "project", "workflow_filepath"]
    assert PROVIDER.lookup({"namespace": "A/B", "project": "C"}) == "a/b/c"


@pytest.mark.parametrize(
    ("url", "can_be"),
    [
        (ISSUER, True),
        ("https://gitlab.example.com:8443/some/path", True),
        (f"{ISSUER}/", False),
        ("https://example.com//gitlab", False),
        ("http://gitlab.example.com", False),
        ("https://gitlab.example.com?x", False),
        ("https://gitlab.example.com/#x", False),
        ("https://", False),
        (f"{ISSUER}\n", False),
    ],
)
def test_an_issuer_is_the_address_of_an_instance(url: str, *, can_be: bool) -> None:
    assert PROVIDER.is_issuer(url) is can_be


def test_a_job_has_one_identity_token_that_may_live_a_day() -> None:
    assert (PROVIDER.terms.max_lifetime, PROVIDER.terms.max_age, PROVIDER.terms.token_lifetime) == (86_400, 86_400, 900)
    assert PROVIDER.has_jti
    assert any("one identity token" in note for note in PROVIDER.notes)
