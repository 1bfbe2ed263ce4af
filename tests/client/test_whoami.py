# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub whoami``: what it says of a token, of what to register, and of the publisher that is declared."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trustpub.client.registering import commands, missing, rows
from trustpub.trust.claims import BadClaim
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.proposal import compared_first, differences, kind_for, propose
from trustpub.trust.publishers import Publisher

GITHUB = PROVIDERS["github"].example_claims
ISSUER = str(GITHUB["iss"])


def token(claims: Mapping[str, Any], audience: Any = "test_index") -> str:
    """An identity token that nobody verifies."""
    payload = base64.urlsafe_b64encode(json.dumps({**claims, "aud": audience}).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2lnbmF0dXJlLXRoYXQtbm9ib2R5LWNoZWNrcw"


@pytest.fixture
def shown(run: Any, tmp_path: Path) -> Any:
    """Run whoami with a token of these claims."""

    def ask(claims: Mapping[str, Any], *arguments: str, audience: Any = "test_index") -> Any:
        (tmp_path / "identity.jwt").write_text(token(claims, audience))
        ran = run("whoami", "--identity-token", "identity.jwt", *arguments, GITHUB_ACTIONS=None)
        assert token(claims, audience).rpartition(".")[2] not in ran.out + ran.err
        return ran

    return ask


def declare(folder: Path, url: str, **fields: str) -> None:
    """Let the project in ``folder`` declare a publisher on GitHub."""
    typed = "".join(f"{name} = {json.dumps(value)}\n" for name, value in {"kind": "github", **fields}.items())
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "hello"\n[tool.trustpub]\ndefault-index = "packages"\n'
        f'[tool.trustpub.indexes.packages]\nurl = "{url}"\n[tool.trustpub.indexes.packages.publisher]\n{typed}'
    )


def test_the_index_is_asked_for_its_audience_and_is_shown_nothing(run: Any, index: Any, runner: Any) -> None:
    ran = run("whoami", "--index", index.url)
    assert ran.code == 0, ran.err
    assert "GitHub Actions vouches for this job" in ran.out
    assert runner.asked[0].query["audience"] == ["test_index"]
    assert all(asked.method == "GET" for asked in index.asked)
    assert "/_/oidc/mint-token" not in index.paths()


def test_with_an_audience_no_index_is_asked(run: Any, index: Any, runner: Any) -> None:
    assert run("whoami", "--index", index.url, "--audience", "mine").code == 0
    assert run("whoami", "--audience", "mine").code == 0
    assert index.asked == []
    assert [asked.query["audience"] for asked in runner.asked] == [["mine"], ["mine"]]


def test_claims_that_are_compared_come_first(shown: Any) -> None:
    lines = shown({**GITHUB, "new_claim": [1]}, "--audience", "test_index").out.splitlines()
    order = ["Claims that are compared:", "  repository: octo-org/sampleproject", "Other claims:", "  actor: octocat"]
    order += ["  new_claim: [1]", "Of the token:", "  aud: test_index", "To register at the index:"]
    places = [lines.index(one) for one in order]
    assert places == sorted(places)


def test_what_a_claim_says_commands_nobody(shown: Any) -> None:
    evil = "x\x1b[31m\n::set-output name=a::b ##[error]x"
    claims = {**GITHUB, "actor": evil, evil: evil, "workflow": {"a": evil}}
    ran = shown(claims, "--audience", "test_index")
    for line in ran.out.splitlines():
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
    ran = shown(claims, "--audience", "test_index", "--json")
    assert "##[" not in ran.out
    assert "\x1b" not in ran.out
    assert json.loads(ran.out)["claims"]["actor"] == evil


def test_for_pypi_the_fields_of_its_form_are_shown_and_no_command(shown: Any) -> None:
    ran = shown(GITHUB, "--index", "pypi", "--audience", "pypi", audience="pypi")
    assert ran.out.split("To register at https://upload.pypi.org:\n")[1].splitlines() == [
        "  Owner: octo-org",
        "  Repository name: sampleproject",
        "  Workflow name: release.yml",
        "  Environment name: release",
    ]


def test_pypi_takes_no_other_issuers(shown: Any) -> None:
    ran = shown(PROVIDERS["circleci"].example_claims, "--index", "pypi", "--audience", "pypi", audience="pypi")
    assert "https://upload.pypi.org takes no publishers of this issuer." in ran.out
    assert "trustpub admin" not in ran.out


def test_an_unknown_issuer_is_generic_and_its_claims_are_there_to_choose_from(shown: Any) -> None:
    claims = {"iss": "https://ci.example", "sub": "x", "project": {"id": 42}, "job": "release", "debug": False}
    ran = shown(claims, "--audience", "test_index")
    assert "(kind generic: " in ran.out
    for one in ("/project/id=42", 'job="release"', "debug=false", 'sub="x"', "--immutable NAME"):
        assert one in ran.out
    assert (
        "  $ trustpub admin issuer add https://ci.example --kind generic --data DIR\n"
        "  $ trustpub admin publisher add PROJECT --provider generic --issuer https://ci.example --data DIR\n"
    ) in ran.out


def test_a_token_for_another_audience_is_warned_of(shown: Any, index: Any) -> None:
    ran = shown(GITHUB, "--index", index.url, audience="elsewhere")
    assert ran.code == 0
    assert "not for the audience test_index, which is asked for: it would be refused" in ran.err


def test_the_publisher_that_is_declared_is_told_to_be_it(shown: Any, index: Any, tmp_path: Path) -> None:
    declare(tmp_path, index.url, repository="Octo-Org/sampleproject", workflow="release.yml", environment="release")
    ran = shown(GITHUB)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1].endswith("pyproject.toml declares for packages.")
    assert "publisher add hello " in ran.out
    assert json.loads(shown(GITHUB, "--json").out)["declared"] == {
        "index": "packages",
        "same": True,
        "differences": [],
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"workflow": "ci.yml"}, "  workflow: the job says release.yml, the publisher wants ci.yml"),
        ({"environment": "live"}, "  environment: the job says release, the publisher wants live"),
        ({"repository": "octo/x"}, "  repository: the job says octo-org/sampleproject, the publisher wants octo/x"),
        ({"owner_id": "1"}, "  owner_id: the job says 123456, the publisher wants 1"),
        ({"calling_workflow": "x.yml"}, "  calling_workflow: the job says release.yml, the publisher wants x.yml"),
        ({"issuer": "https://token.actions.corp.ghe.com"}, f"  issuer: the job says {ISSUER}, the publisher wants "),
    ],
)
def test_in_what_it_differs_is_told_field_by_field(
    shown: Any, index: Any, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    fields = {"repository": "octo-org/sampleproject", "workflow": "release.yml", **changes}
    declare(tmp_path, index.url, **fields)
    ran = shown(GITHUB)
    assert ran.code == 1
    told = ran.out[ran.out.index("It is not the publisher") :].splitlines()
    assert told[0].endswith("pyproject.toml declares for packages:")
    assert [line for line in told[1:] if line.startswith(said)] == told[1:]
    assert len(told) == 2
    told = json.loads(shown(GITHUB, "--json").out)["declared"]
    assert (told["same"], [one["field"] for one in told["differences"]]) == (False, list(changes))


def test_another_kind_is_told_and_its_fields_are_not_compared(shown: Any, index: Any, tmp_path: Path) -> None:
    declare(tmp_path, index.url, repository="octo-org/sampleproject", workflow="release.yml")
    ran = shown(PROVIDERS["gitlab"].example_claims)
    assert ran.code == 1
    assert "  kind: the job says gitlab, the publisher wants github\n" in ran.out
    assert "  issuer: the job says https://gitlab.com, " in ran.out
    assert "  repository: " not in ran.out


def test_a_job_that_nobody_may_trust_is_told_why(shown: Any, index: Any, tmp_path: Path) -> None:
    person = {"iss": "https://accounts.google.com", "sub": "1", "email": "me@gmail.com", "email_verified": True}
    ran = shown(person, "--audience", "test_index")
    assert ran.code == 0
    assert "The claim email is not the address of a service account" in ran.out
    declare(tmp_path, index.url, kind="google", email="ci@proj.iam.gserviceaccount.com")
    assert shown(person).code == 1


def test_a_forbidden_event_is_a_difference_though_every_field_is_right(shown: Any, index: Any, tmp_path: Path) -> None:
    declare(tmp_path, index.url, repository="octo-org/sampleproject", workflow="release.yml")
    ran = shown({**GITHUB, "event_name": "pull_request_target"})
    assert ran.code == 1
    assert "event: the job says pull_request_target, the publisher wants not pull_request_target" in ran.out


def test_with_an_audience_the_only_index_that_is_declared_is_meant(shown: Any, tmp_path: Path) -> None:
    declare(tmp_path, "https://packages.example/legacy/", repository="octo/other", workflow="release.yml")
    text = (tmp_path / "pyproject.toml").read_text().replace('default-index = "packages"\n', "")
    (tmp_path / "pyproject.toml").write_text(text)
    assert shown(GITHUB, "--audience", "test_index").code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--audience", ""], 2, "--audience is empty"),
        (["--index", "nowhere"], 2, "There is no index named nowhere"),
        (["--identity-token", "no-such-file"], 2, "no-such-file"),
    ],
)
def test_misuse_is_told(run: Any, arguments: list[str], code: int, said: str) -> None:
    ran = run("whoami", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_without_a_ci_there_is_nobody(run: Any) -> None:
    ran = run("whoami", "--audience", "x", GITHUB_ACTIONS=None)
    assert ran.code == 3
    assert "There is no CI job here" in ran.err


def test_a_token_without_an_issuer_is_nobody(shown: Any) -> None:
    ran = shown({"sub": "x"}, "--audience", "test_index")
    assert ran.code == 3
    assert "no issuer" in ran.err


def test_a_declaration_that_cannot_be_meant_is_told_first(run: Any, runner: Any, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.trustpub]\ndefault-index = "x"\n')
    ran = run("whoami")
    assert (ran.code, ran.out) == (2, "")
    assert "tool.trustpub.default-index names no index of the file" in ran.err
    assert runner.asked == []


# What stands behind it, for every kind


@pytest.mark.parametrize("kind", [kind for kind in PROVIDERS if kind not in ("generic", "forgejo")])
def test_what_is_proposed_for_a_documented_token_is_its_documented_publisher(kind: str) -> None:
    provider = PROVIDERS[kind]
    claims = provider.example_claims
    proposal = propose(kind, claims["iss"], claims)
    spelled = provider.spell(proposal.fields)
    assert not proposal.must_choose
    assert provider.spell(provider.example_fields).items() <= spelled.items()
    assert differences(_publisher(kind, claims["iss"], spelled), kind, claims["iss"], claims) == ()


@pytest.mark.parametrize("kind", [kind for kind in PROVIDERS if kind != "generic"])
def test_the_kind_of_a_documented_token_is_known_by_its_issuer(kind: str) -> None:
    claims = PROVIDERS[kind].example_claims
    # Anything at all could be a Jenkins: only who runs in one, or declares one, knows.
    assert kind_for(claims["iss"], claims) == ("generic" if kind == "jenkins" else kind)
    told_by_issuer = kind not in ("jenkins", "kubernetes", "forgejo")
    assert kind_for(claims["iss"], claims, ["jenkins"]) == (kind if told_by_issuer else "jenkins")


def test_the_ci_we_are_in_tells_the_kind_only_where_the_issuer_does_not() -> None:
    assert kind_for(ISSUER, GITHUB, ["gitlab", "jenkins"]) == "github"
    assert kind_for("https://token.actions.x.ghe.com", GITHUB, ["jenkins"]) == "github"
    assert kind_for("https://ci.example", {"sub": "x"}, ["gitlab", "github"]) == "generic"
    assert kind_for("nonsense", {"sub": "x"}) == "generic"


def test_a_called_workflow_of_another_repository_is_proposed_whole() -> None:
    claims = {**GITHUB, "job_workflow_ref": "octo-org/shared/.github/workflows/publish.yml@refs/tags/v2"}
    proposal = propose("github", ISSUER, claims)
    assert proposal.fields["workflow"] == "octo-org/shared/.github/workflows/publish.yml@refs/tags/v2"
    assert proposal.fields["calling_workflow"] == "release.yml"
    assert PROVIDERS["github"].spell(proposal.fields)


def test_what_is_held_further_can_be_typed() -> None:
    claims = PROVIDERS["circleci"].example_claims
    proposal = propose("circleci", claims["iss"], claims)
    assert set(proposal.choices) == {"context_id", "vcs_origin"}
    assert PROVIDERS["circleci"].spell({**proposal.fields, **proposal.choices})


def test_where_a_claim_must_be_chosen_it_is_said() -> None:
    claims = {**PROVIDERS["forgejo"].example_claims, "workflow": 'a "b".yml'}
    proposal = propose("forgejo", claims["iss"], claims)
    assert proposal.must_choose
    assert "names the workflow" in str(missing(proposal))
    assert PROVIDERS["forgejo"].spell({**proposal.fields, "/workflow": proposal.choices["/workflow"]})


def test_what_no_publisher_can_be_is_not_proposed() -> None:
    with pytest.raises(BadClaim):
        propose("github", ISSUER, {"iss": ISSUER})


@pytest.mark.parametrize("value", ["a b", "a'b", "$(touch x)", "`x`", "a;b", '"'])
def test_a_command_is_one_word_to_a_value(value: str) -> None:
    claims = {**PROVIDERS["jenkins"].example_claims, "sub": value}
    *_, last = commands(propose("jenkins", "https://j.example/oidc", claims), "hello")
    assert f"subject={value}" in shlex.split(last)


@pytest.mark.parametrize("value", ["a\nb", "\x1b[31m", "\u202ex"])
def test_a_value_that_is_not_fit_for_a_line_is_in_no_command(value: str) -> None:
    claims = {**PROVIDERS["jenkins"].example_claims, "sub": value}
    assert commands(propose("jenkins", claims["iss"], claims), "hello") == ()


def test_the_form_of_pypi_is_for_its_own_issuers() -> None:
    for kind in ("github", "gitlab", "google", "activestate"):
        claims = PROVIDERS[kind].example_claims
        assert rows(propose(kind, claims["iss"], claims), claims, pypi=True)
    own = "https://gitlab.corp.example"
    claims = {**PROVIDERS["gitlab"].example_claims, "iss": own}
    assert rows(propose("gitlab", own, claims), claims, pypi=True) == ()


@pytest.mark.parametrize("kind", list(PROVIDERS))
def test_every_claim_is_shown_once(kind: str) -> None:
    claims = PROVIDERS[kind].example_claims
    names = [name for group in compared_first(kind, claims) for name in group]
    assert sorted(names) == sorted(claims)


def _publisher(kind: str, issuer: str, fields: Mapping[str, str]) -> Publisher:
    return Publisher(id="x", issuer=issuer, kind=kind, fields=fields)
