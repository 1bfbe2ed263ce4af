# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs of GitHub Actions: what their claims mean, and what a publisher of theirs may say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from trustpub.trust.claims import BadClaim
from trustpub.trust.decision import Circumstances
from trustpub.trust.provider import BadFields
from trustpub.trust.providers.github import ISSUER, PROVIDER, Identity
from trustpub.trust.publishers import Publisher

from .acting import claims_of, misses, publisher_of

SHA = str(PROVIDER.example_claims["sha"])
OWN = "octo-org/sampleproject/.github/workflows/"
SHARED = "octo-org/shared/.github/workflows/"
TAG = "refs/tags/v1"


def a_job(**changes: Any) -> Identity:
    """The documented example; a change to None takes a claim away."""
    return Identity.from_claims(claims_of(PROVIDER, changes))


def a_publisher(*, pin: bool = False, **changes: str | None) -> Publisher:
    return publisher_of(PROVIDER, changes, pin=pin)


def test_the_documented_example_is_the_publisher_of_the_documented_example() -> None:
    publisher = a_publisher()
    identity = a_job()
    assert misses(identity, publisher) == []
    assert PROVIDER.spell(publisher.fields) == publisher.fields
    assert [check.field for check in identity.checks(publisher)] == [
        "repository", "owner_id", "repository_id", "workflow", "environment", "event",
    ]  # fmt: skip
    assert identity.subject == "octo-org/sampleproject"
    assert identity.lookups == {"octo-org/sampleproject"}
    assert identity.anchors(publisher) == {"owner_id": "123456", "repository_id": "456789"}
    assert identity.circumstances == Circumstances(ref=TAG, ref_protected=True, event="push", runner="github-hosted")


@pytest.mark.parametrize(
    ("claims", "field", "given"),
    [
        ({"repository_owner_id": "999"}, "owner_id", "999"),
        ({"repository_id": "999"}, "repository_id", "999"),
        ({"repository_id": None}, "repository_id", None),
        ({"job_workflow_ref": f"{OWN}test.yml@{TAG}"}, "workflow", "test.yml"),
        ({"job_workflow_ref": f"{OWN}Release.yml@{TAG}"}, "workflow", "Release.yml"),
        ({"environment": "staging"}, "environment", "staging"),
        ({"environment": None}, "environment", None),
        ({"environment": ""}, "environment", None),
        ({"environment": "releas\u212a"}, "environment", "releas\u212a"),
        ({"event_name": "pull_request_target"}, "event", "pull_request_target"),
    ],
)
def test_a_changed_claim_is_the_one_field_that_differs(claims: dict[str, Any], field: str, given: str | None) -> None:
    assert misses(a_job(**claims), a_publisher()) == [(field, given)]


@pytest.mark.parametrize(
    "reference",
    [
        f"{OWN}release.yml@refs/heads/other",
        f"{OWN}release.yml",
        f"{OWN}release.yml@",
        f"{OWN}release.yml@@{SHA}"[:-1],
        f"{OWN}release.yml{TAG}",
        f"{OWN}sub/release.yml@{TAG}",
        f"{OWN}.yml@{TAG}",
        f"{OWN}release@{TAG}",
        f"{OWN}release.yml.txt@{TAG}",
        f"{OWN}@{TAG}",
        f"{SHARED}release.yml@{TAG}",
        f"octo-org/sampleproject/workflows/release.yml@{TAG}",
        f"octo-org/sampleproject/.GITHUB/workflows2/release.yml@{TAG}",
        f"{OWN.replace('project/', 'projecs/')}release.yml@{TAG}",
        f"{OWN.replace('project/', 'projecu/')}release.yml@{TAG}",
        f"x/{OWN}release.yml@{TAG}",
        "release.yml",
    ],
)
def test_a_workflow_that_is_not_the_repositorys_own_at_the_runs_ref_is_given_whole(reference: str) -> None:
    assert misses(a_job(job_workflow_ref=reference), a_publisher()) == [("workflow", reference)]


@pytest.mark.parametrize("place", [TAG, SHA])
@pytest.mark.parametrize("name", ["release.yml", "nested.yml@evil.yml", "a@b.yaml", "re lease.yml", "has..dots..yml"])
def test_a_file_is_what_stands_before_the_ref_or_the_commit_whatever_it_is_called(name: str, place: str) -> None:
    job = a_job(job_workflow_ref=f"{OWN}{name}@{place}")
    assert misses(job, a_publisher(workflow=name)) == []
    assert PROVIDER.spell({**PROVIDER.example_fields, "workflow": name})["workflow"] == name
    if name != "release.yml":
        assert misses(job, a_publisher()) == [("workflow", name)]


def test_a_ref_that_looks_like_a_file_and_a_ref_does_not_change_the_file() -> None:
    ref = "refs/heads/release.yml@refs/heads/main"
    job = a_job(ref=ref, job_workflow_ref=f"{OWN}evil.yml@{ref}")
    assert misses(job, a_publisher()) == [("workflow", "evil.yml")]


def test_without_a_ref_the_commit_counts_and_without_a_commit_the_ref() -> None:
    assert misses(a_job(ref="", job_workflow_ref=f"{OWN}release.yml@{SHA}"), a_publisher()) == []
    assert misses(a_job(sha=""), a_publisher()) == []
    assert a_job(ref="").circumstances.ref is None
    for empty in ({"ref": ""}, {"sha": ""}):
        at_nothing = f"{OWN}release.yml@"
        assert misses(a_job(job_workflow_ref=at_nothing, **empty), a_publisher()) == [("workflow", at_nothing)]


def test_names_of_owners_repositories_and_environments_have_no_case() -> None:
    job = a_job(repository="Octo-Org/SampleProject", repository_owner="Octo-Org", environment="RELEASE")
    assert misses(job, a_publisher()) == []
    assert misses(a_job(), a_publisher(repository="OCTO-org/sampleproject", environment="Release")) == []
    assert job.lookups == {PROVIDER.lookup({"repository": "OCTO-org/sampleproject"})}


def test_letters_that_only_lower_case_to_the_right_ones_are_others() -> None:
    kelvin = "\u212aitchen"
    assert kelvin.lower() == "kitchen"
    assert misses(a_job(environment=kelvin), a_publisher(environment="kitchen")) == [("environment", kelvin)]


@pytest.mark.parametrize(
    "event",
    ["push", "release", "schedule", "workflow_run", "workflow_dispatch", "merge_group", "PULL_REQUEST_TARGET", "x"],
)
def test_any_event_but_one_may_publish(event: str) -> None:
    assert misses(a_job(event_name=event), a_publisher()) == []


def test_that_one_event_may_not_however_its_name_came_about() -> None:
    event = json.loads('"pull_request_target"')
    assert misses(a_job(event_name=event), a_publisher()) == [("event", event)]


def test_sub_says_nothing() -> None:
    for sub in ("repo:octo-org@123456/sampleproject@456789:ref:refs/tags/v1", "repo:evil/evil", None):
        assert misses(a_job(sub=sub), a_publisher()) == []


@pytest.mark.parametrize(
    ("changes", "name", "problem"),
    [
        ({"repository": None}, "repository", "is missing"),
        ({"repository": ""}, "repository", "is empty"),
        ({"repository": 7}, "repository", "is not a string but int"),
        ({"repository": "no-slash"}, "repository", "is not `owner/name`"),
        ({"repository": "a/b/c"}, "repository", "is not `owner/name`"),
        ({"repository": "a/b\n"}, "repository", "holds a control character"),
        ({"repository_owner": None}, "repository_owner", "is missing"),
        ({"repository_owner": "somebody"}, "repository_owner", "is not the owner in `repository`"),
        ({"repository_owner": "Octo-Org"}, "repository_owner", "is not the owner in `repository`"),
        ({"repository_owner_id": None}, "repository_owner_id", "is missing"),
        ({"repository_owner_id": 123456}, "repository_owner_id", "is not a string but int"),
        ({"repository_id": 1}, "repository_id", "is not a string but int"),
        ({"job_workflow_ref": None}, "job_workflow_ref", "is missing"),
        ({"job_workflow_ref": ["x"]}, "job_workflow_ref", "is not a string but list"),
        ({"workflow_ref": {}}, "workflow_ref", "is not a string but dict"),
        ({"ref": None}, "ref", "is missing"),
        ({"sha": None}, "sha", "is missing"),
        ({"ref": 0}, "ref", "is not a string but int"),
        ({"ref": "", "sha": ""}, "ref", "is empty, and so is `sha`"),
        ({"event_name": None}, "event_name", "is missing"),
        ({"event_name": ""}, "event_name", "is empty"),
        ({"environment": ["release"]}, "environment", "is not a string but list"),
        ({"ref_protected": True}, "ref_protected", "is not a string but bool"),
        ({"iss": None}, "iss", "is missing"),
    ],
)
def test_claims_that_github_never_makes_are_named(changes: dict[str, Any], name: str, problem: str) -> None:
    with pytest.raises(BadClaim) as caught:
        a_job(**changes)
    assert (caught.value.name, caught.value.problem) == (name, problem)
    assert str(caught.value) == f"claim '{name}' {problem}"


@pytest.mark.parametrize(("claim", "said"), [("true", True), ("false", False), ("", None), (None, None), ("1", None)])
def test_protection_of_the_ref_is_what_github_says_of_it(claim: str | None, said: bool | None) -> None:
    assert a_job(ref_protected=claim).circumstances.ref_protected is said


def test_ids_are_registered_or_may_be_pinned_and_then_must_be_there() -> None:
    unpinned: dict[str, Any] = {"owner_id": None, "repository_id": None}
    assert misses(a_job(), a_publisher(**unpinned)) == [("owner_id", "123456"), ("repository_id", "456789")]
    assert misses(a_job(), a_publisher(pin=True, **unpinned)) == []
    assert misses(a_job(repository_id=None), a_publisher(pin=True, **unpinned)) == [("repository_id", None)]
    assert misses(a_job(), a_publisher(pin=True, owner_id="9", repository_id=None)) == [("owner_id", "123456")]


CALLED = f"{SHARED}publish.yml@refs/tags/v*"


@pytest.mark.parametrize(
    ("reference", "holds"),
    [
        (f"{SHARED}publish.yml@refs/tags/v1", True),
        (f"{SHARED}publish.yml@refs/tags/v", True),
        (SHARED.upper().replace("/.GITHUB/WORKFLOWS/", "/.github/workflows/") + "publish.yml@refs/tags/v2", True),
        (f"{SHARED}publish.yml@refs/tags/v1@2", True),
        (f"{SHARED}publish.yml@refs/tags/w1", False),
        (f"{SHARED}publish.yml@refs/tags/v1/x", False),
        (f"{SHARED}publish.yml@refs/heads/v1", False),
        (f"{SHARED}publish.yml@", False),
        (f"{SHARED}Publish.yml@refs/tags/v1", False),
        (f"{SHARED.upper()}publish.yml@refs/tags/v1", False),
        (f"{OWN}publish.yml@refs/tags/v1", False),
        (f"x{SHARED}publish.yml@refs/tags/v1", False),
        (f"{SHARED.replace('shared', 'sharec')}publish.yml@refs/tags/v1", False),
        (f"{SHARED.replace('shared', 'sharee')}publish.yml@refs/tags/v1", False),
        (f"{SHARED}oublish.yml@refs/tags/v1", False),
        (f"{SHARED}qublish.yml@refs/tags/v1", False),
        (f"{SHARED}publish.yml", False),
    ],
)
def test_a_called_workflow_of_another_repository_is_named_whole(reference: str, *, holds: bool) -> None:
    publisher = a_publisher(workflow=CALLED)
    expected = [] if holds else [("workflow", reference)]
    assert misses(a_job(job_workflow_ref=reference), publisher) == expected


def test_a_file_whose_name_goes_on_like_a_ref_is_not_the_called_one() -> None:
    publisher = a_publisher(workflow=f"{SHARED}publish.yml@refs/heads/*")
    for ending in (".yml", ".yaml"):
        reference = f"{SHARED}publish.yml@refs/heads/x{ending}@main"
        assert misses(a_job(job_workflow_ref=reference), publisher) == [("workflow", reference)]
    assert misses(a_job(job_workflow_ref=f"{SHARED}publish.yml@refs/heads/x.yml"), publisher) == []


def test_the_own_called_workflow_may_be_named_at_another_ref_than_the_runs() -> None:
    publisher = a_publisher(workflow=f"{OWN}publish.yml@refs/heads/main")
    assert misses(a_job(job_workflow_ref=f"{OWN}publish.yml@refs/heads/main"), publisher) == []
    assert misses(a_job(job_workflow_ref=f"{OWN}publish.yml@{TAG}"), publisher) != []


def test_the_calling_workflow_alone_is_the_file_that_the_run_began_with() -> None:
    publisher = a_publisher(workflow=None, calling_workflow="ci.yml")
    reusable = f"{SHARED}publish.yml@refs/tags/v1"
    assert misses(a_job(workflow_ref=f"{OWN}ci.yml@{TAG}", job_workflow_ref=reusable), publisher) == []
    assert misses(a_job(workflow_ref=f"{OWN}other.yml@{TAG}"), publisher) == [("calling_workflow", "other.yml")]
    elsewhere = f"{SHARED}ci.yml@{TAG}"
    assert misses(a_job(workflow_ref=elsewhere), publisher) == [("calling_workflow", elsewhere)]
    assert misses(a_job(workflow_ref=None), publisher) == [("calling_workflow", None)]


def test_both_workflows_must_hold_where_both_are_named() -> None:
    publisher = a_publisher(workflow=CALLED, calling_workflow="ci.yml")
    called, calling = f"{SHARED}publish.yml@refs/tags/v1", f"{OWN}ci.yml@{TAG}"
    assert misses(a_job(workflow_ref=calling, job_workflow_ref=called), publisher) == []
    assert misses(a_job(job_workflow_ref=called), publisher) == [("calling_workflow", "release.yml")]
    assert misses(a_job(workflow_ref=calling), publisher) == [("workflow", f"{OWN}release.yml@{TAG}")]


def test_a_publisher_that_names_no_workflow_at_all_trusts_no_job() -> None:
    assert misses(a_job(), a_publisher(workflow=None)) == [("workflow", "release.yml")]
    nothing = Publisher(id="pub", issuer=ISSUER, kind="github", fields={}, pin_on_first_use=True)
    assert [field for field, _ in misses(a_job(), nothing)] == ["repository", "workflow"]


def test_an_environment_weighs_more_than_workflows_and_two_of_these_more_than_one() -> None:
    job = a_job()
    fewer: list[dict[str, Any]] = [
        {"environment": None, "workflow": None, "calling_workflow": "release.yml"},
        {"environment": None},
        {"environment": None, "calling_workflow": "release.yml"},
        {"workflow": None, "calling_workflow": "release.yml"},
        {},
        {"calling_workflow": "release.yml"},
    ]
    weights = [job.specificity(a_publisher(**changes)) for changes in fewer]
    assert weights == [1, 2, 3, 5, 6, 7]


FILE = "is not a file name that ends in .yml or .yaml"
LONG = "x" * 496 + ".yml"


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"repository": ""}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "/x"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo/"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo_org/x"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "-octo/x"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo/x/y"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo/."}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo/.."}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo/x.GIT"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo/x\n"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo\n/x"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo/x "}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "octo/\u00e9"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "o" * 100 + "/x"}, [("repository", "is not OWNER/NAME")]),
        ({"repository": "o/" + "x" * 101}, [("repository", "is not OWNER/NAME")]),
        ({"workflow": ""}, [("workflow", "is missing, and so is calling_workflow")]),
        ({"workflow": " "}, [("workflow", "is missing, and so is calling_workflow")]),
        ({"workflow": ".yml"}, [("workflow", FILE)]),
        ({"workflow": ".yaml"}, [("workflow", FILE)]),
        ({"workflow": "release"}, [("workflow", FILE)]),
        ({"workflow": "release.YML"}, [("workflow", FILE)]),
        ({"workflow": "release.yml\n"}, [("workflow", FILE)]),
        ({"workflow": "\x7f.yml"}, [("workflow", FILE)]),
        ({"workflow": "a\x1f.yml"}, [("workflow", FILE)]),
        ({"workflow": "a/b.yml"}, [("workflow", FILE)]),
        ({"workflow": f"x{LONG}"}, [("workflow", FILE)]),
        ({"workflow": f"{SHARED}x{LONG}@main"}, [("workflow", FILE)]),
        ({"workflow": f"{SHARED}a.yml@"}, [("workflow", FILE)]),
        ({"workflow": f"{SHARED}a.yml@main\n"}, [("workflow", FILE)]),
        ({"workflow": f"{SHARED}a.yml@ma in"}, [("workflow", FILE)]),
        ({"workflow": f"{SHARED}.yml@main"}, [("workflow", FILE)]),
        ({"workflow": "o_o/x/.github/workflows/a.yml@main"},
         [("workflow", "does not begin with the OWNER/NAME of a repository")]),
        ({"workflow": f"{SHARED}a.yml@*"}, [("workflow", "allows refs that are no branch and no tag")]),
        ({"workflow": f"{SHARED}a.yml@refs/*/*"}, [("workflow", "allows refs that are no branch and no tag")]),
        ({"workflow": f"{SHARED}a.yml@refs/pull/*/merge"}, [("workflow", "allows refs that are no branch and no tag")]),
        ({"calling_workflow": f"{SHARED}a.yml@main"}, [("calling_workflow", FILE)]),
        ({"environment": " release"}, [("environment", "is not a name that GitHub allows")]),
        ({"environment": "release "}, [("environment", "is not a name that GitHub allows")]),
        ({"environment": "a,b"}, [("environment", "is not a name that GitHub allows")]),
        ({"environment": "a\tb"}, [("environment", "is not a name that GitHub allows")]),
        ({"environment": "a\n"}, [("environment", "is not a name that GitHub allows")]),
        ({"environment": "f" * 256}, [("environment", "is not a name that GitHub allows")]),
        ({"owner_id": "abc"}, [("owner_id", "is not a number, as GitHub's ids are")]),
        ({"repository_id": "0"}, [("repository_id", "is not a number, as GitHub's ids are")]),
        ({"repository_id": "1\n"}, [("repository_id", "is not a number, as GitHub's ids are")]),
        ({"repository_id": "1" * 21}, [("repository_id", "is not a number, as GitHub's ids are")]),
        ({"branch": "main"}, [("branch", "is no field of GitHub publishers")]),
        ({"repository": "x", "workflow": "y", "environment": ";", "owner_id": "z"},
         [("repository", "is not OWNER/NAME"), ("workflow", FILE),
          ("environment", "is not a name that GitHub allows"), ("owner_id", "is not a number, as GitHub's ids are")]),
    ],
)  # fmt: skip
def test_fields_that_github_does_not_allow_are_named_all_at_once(
    changes: dict[str, str], faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(BadFields) as caught:
        PROVIDER.spell({**PROVIDER.example_fields, **changes})
    assert [(fault.field, fault.problem) for fault in caught.value.faults] == faults


@pytest.mark.parametrize(
    ("changes", "spelled"),
    [
        ({"repository": "Octo-Org/Sample.Project_1"}, {"repository": "Octo-Org/Sample.Project_1"}),
        ({"repository": "o/-x"}, {"repository": "o/-x"}),
        ({"repository": "o" * 99 + "/" + "x" * 100}, {"repository": "o" * 99 + "/" + "x" * 100}),
        ({"workflow": "  release.yml "}, {"workflow": "release.yml"}),
        ({"calling_workflow": " ci.yaml"}, {"calling_workflow": "ci.yaml"}),
        ({"workflow": "a.yml"}, {"workflow": "a.yml"}),
        ({"workflow": LONG}, {"workflow": LONG}),
        ({"workflow": f"{SHARED}{LONG}@main"}, {"workflow": f"{SHARED}{LONG}@main"}),
        ({"workflow": f"{SHARED}a.yml@v1"}, {"workflow": f"{SHARED}a.yml@v1"}),
        ({"workflow": f"{SHARED}a.yml@refs/heads/*"}, {"workflow": f"{SHARED}a.yml@refs/heads/*"}),
        ({"environment": "Foo   Bar"}, {"environment": "foo   bar"}),
        ({"environment": "\u00dcber"}, {"environment": "\u00dcber"}),
        ({"environment": "F" * 255}, {"environment": "f" * 255}),
        ({"owner_id": "1" * 20}, {"owner_id": "1" * 20}),
    ],
)
def test_fields_are_spelled_as_github_spells_them(changes: dict[str, str], spelled: dict[str, str]) -> None:
    assert PROVIDER.spell({**PROVIDER.example_fields, **changes}) == {**PROVIDER.example_fields, **spelled}


@pytest.mark.parametrize("blank", ["", " ", "   "])
def test_blanks_are_no_environment(blank: str) -> None:
    assert "environment" not in PROVIDER.spell({**PROVIDER.example_fields, "environment": blank})


def hint(field: str, **changes: str) -> str:
    with pytest.raises(BadFields) as caught:
        PROVIDER.spell({**PROVIDER.example_fields, **changes})
    return next(fault.hint for fault in caught.value.faults if fault.field == field)


def test_hints_say_what_to_type_instead() -> None:
    assert hint("workflow", workflow=".github/workflows/x.yml") == "Give only the file's name: x.yml"
    assert hint("calling_workflow", calling_workflow=f"{OWN}ci.yml@{TAG}") == "Give only the file's name: ci.yml"
    assert "release.yml" in hint("workflow", workflow="release")
    assert "release.yml" in hint("workflow", workflow="folder/other")
    assert "release.yml" in hint("workflow", workflow="")
    assert "without .git" in hint("repository", repository="octo/x.git")
    assert "refs/pull/" in hint("workflow", workflow=f"{SHARED}a.yml@*")
    assert "leave it out" in hint("environment", environment=";")


def test_what_makes_a_publisher_this_one_is_all_but_its_ids() -> None:
    fields: Mapping[str, str] = {**PROVIDER.example_fields, "repository": "Octo-Org/X", "calling_workflow": "Ci.yml"}
    assert PROVIDER.identity_fields(fields) == {
        "repository": "octo-org/x", "workflow": "release.yml", "calling_workflow": "Ci.yml", "environment": "release",
    }  # fmt: skip
    assert PROVIDER.ids == ("owner_id", "repository_id")
    assert [field.name for field in PROVIDER.fields if field.required] == ["repository"]
    assert (PROVIDER.terms.max_age, PROVIDER.terms.max_lifetime) == (3600, 3600)


@pytest.mark.parametrize(
    ("url", "can_be"),
    [
        (ISSUER, True),
        (f"{ISSUER}/octo-enterprise", True),
        ("https://token.actions.acme.ghe.com", True),
        ("https://token.actions.acme.ghe.com/acme", True),
        ("https://ghes.example/_services/token", True),
        ("https://ghes.example:8443/_services/token", True),
        (f"{ISSUER}/", False),
        (f"{ISSUER}/a/b", False),
        (f"{ISSUER}.evil.example", False),
        ("https://token.actions.a.b.ghe.com", False),
        ("https://evil.example/x/_services/token", False),
        ("https://ghes.example/_services/token/", False),
        ("https://gitlab.com", False),
        ("http://ghes.example/_services/token", False),
        (f"{ISSUER}\n", False),
    ],
)
def test_an_issuer_is_githubs_or_has_the_form_of_its_servers(url: str, *, can_be: bool) -> None:
    assert PROVIDER.is_issuer(url) is can_be
