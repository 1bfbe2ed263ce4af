# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every CI that can be played: whole releases as a person starts them, and impostors that only one guard keeps out."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.rehearsal.conftest import processes_below, read_json
from trustpub.cli import rehearse as command
from trustpub.http import Http
from trustpub.protocol.exchange import MINT_PATH
from trustpub.rehearsal import clients, impostors
from trustpub.rehearsal import index as indexes
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.impostors import has_second_address
from trustpub.rehearsal.index import ThrowawayIndex
from trustpub.rehearsal.plays.play import Play, Wishes
from trustpub.rehearsal.plays.table import PLAYABLE
from trustpub.rehearsal.processes import Children
from trustpub.rehearsal.project import find
from trustpub.trust.issuers import PROVIDERS

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearse

OF_ANY_CI = [
    "replay of the used identity token",
    *(["replay from another address"] if has_second_address() else []),
    "expired identity token",
    "identity token for another audience",
]

OWN: Mapping[str, tuple[list[str], list[str]]] = {
    "github": (["other workflow file", "other environment", "other owner id, same name"], []),
    "gitlab": (
        ["other CI file", "other environment", "other project id, same name", "other namespace id, same name"],
        [],
    ),
    "google": (
        [
            "other account number, same e-mail", "other service account", "a person's account",
            "e-mail that is not verified",
        ],
        [],
    ),
    "circleci": (
        [
            "other pipeline", "other project, same repository", "other org id, same name", "other repository",
            "same job from a branch", "job run again over SSH",
        ],
        [],
    ),
    "buildkite": (
        [
            "other step", "other pipeline", "other pipeline id, same name", "other organization id, same name",
            "same job from a branch", "token that names no ids",
        ],
        [],
    ),
    "azure": (
        [
            "other pipeline", "other project, same name", "other organization id, same name", "other repository",
            "same job from a branch",
        ],
        [],
    ),
    "bitbucket": (["other repository uuid, same name"], ["other step"]),
    "semaphore": (
        ["other project, same name", "other organization id, same name", "same job from a branch", "debug job"],
        ["other pipeline of the project"],
    ),
    "kubernetes": (
        [
            "other service account", "same name in another namespace", "any pod there",
            "other service account uid, same name",
        ],
        [],
    ),
    "jenkins": (["other job", "same name in another folder"], ["same job, made anew"]),
    "forgejo": (
        ["other workflow file", "other repository id, same name", "other owner id, same name"],
        ["other job of the file"],
    ),
    "activestate": (
        [
            "other project", "other organization", "other actor id, same name", "other organization id, same name",
            "other project id, same name", "other builder of the platform",
        ],
        [],
    ),
}  # fmt: skip
"""By kind: who must be refused, and whom no publisher of the kind can tell from the job."""


def test_what_can_be_chosen_is_what_can_be_played() -> None:
    assert tuple(PLAYABLE) == command._PROVIDERS
    assert command._CLIENTS == clients.CLIENTS
    assert set(PLAYABLE) == set(PROVIDERS) - {"generic"} == set(OWN)


def test_a_release_from_another_ci_as_a_person_starts_it(
    rehearse: Rehearse, example: Path, built: Path, temporary: Path
) -> None:
    done = rehearse(example, "--dist", built, "--provider", "kubernetes", "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = read_json(done.stdout)
    assert (told["ok"], told["provider"], told["client"]) == (True, "kubernetes", "trustpub")
    assert told["token"]["projects"] == ["hello-release"]
    assert told["token"]["given_back"] is True
    assert not any('"' in value for value in told["trusted_as"].values())
    assert list(temporary.iterdir()) == []
    assert processes_below(temporary) == []


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThrowawayIndex]:
    folder = Folder(path=tmp_path_factory.mktemp("index"))
    folder.make()
    with Children() as children:
        yield indexes.await_ready(indexes.start(children, folder, os.environ), folder)


@pytest.fixture(scope="module")
def http(up: ThrowawayIndex) -> Iterator[Http]:
    with Http(env={}, ca=str(up.ca)) as one:
        yield one


def begun(kind: str, folder: Path, wishes: Wishes | None = None) -> Play:
    script = PLAYABLE[kind].script(find(folder), wishes or Wishes(), {"PATH": os.environ["PATH"]})
    return script.begin("1.0", "0" * 40, clock=time.time, watch=None)


def let_in(play: Play, http: Http, up: ThrowawayIndex) -> tuple[list[str], list[str]]:
    """Of the kind's own impostors: who is not refused as they must be, and whom nobody can tell."""
    outcomes = impostors.play(play.impostors(play.shared_audience or up.audience), http, up.url)
    guarded = [one for one in outcomes if one.guarded]
    return [one.name for one in guarded if not one.refused], [one.name for one in outcomes if not one.guarded]


def mint(play: Play, http: Http, up: ThrowawayIndex) -> int:
    token = play.issuer.give(play.identity, play.shared_audience or up.audience)
    return http.request("POST", up.url + MINT_PATH, body=json.dumps({"token": token.reveal()}).encode()).status


@pytest.mark.parametrize("kind", OWN)
def test_the_job_is_trusted_and_each_impostor_is_refused_for_its_reason(
    kind: str, example: Path, up: ThrowawayIndex, http: Http
) -> None:
    play = begun(kind, example)
    with play.issuer:
        indexes.register(
            up.data, f"of-{kind}", kind, play.issuer.url, play.fields, rules=play.rules,
            shared_audience=play.shared_audience,
        )  # fmt: skip
        roles = play.impostors(play.shared_audience or up.audience)
        assert mint(play, http, up) == 200
        assert let_in(play, http, up) == ([], OWN[kind][1])
    assert [one.name for one in roles] == [*OWN[kind][0], *OWN[kind][1]]
    assert [one.name for one in impostors.of_any_ci(play.issuer, play.identity, "a")] == OF_ANY_CI


@pytest.mark.parametrize(
    ("kind", "left_out", "intruders"),
    [
        ("github", "environment", ["other environment"]),
        ("gitlab", "environment", ["other environment"]),
        ("circleci", "vcs_origin", ["other repository", "same job from a branch"]),
        ("buildkite", "step_key", ["other step", "same job from a branch"]),
        ("azure", "repository_id", ["other repository", "same job from a branch"]),
        ("activestate", "project_id", ["other project id, same name"]),
    ],
)
def test_a_publisher_that_says_less_lets_in_whom_only_that_kept_out(
    kind: str, left_out: str, intruders: list[str], example: Path, up: ThrowawayIndex, http: Http
) -> None:
    play = begun(kind, example)
    fields = {name: value for name, value in play.fields.items() if name != left_out}
    with play.issuer:
        shared = play.shared_audience
        indexes.register(up.data, f"careless-{kind}", kind, play.issuer.url, fields, shared_audience=shared)
        assert mint(play, http, up) == 200
        assert let_in(play, http, up)[0] == intruders


@pytest.mark.parametrize(
    ("kind", "wishes", "expected"),
    [
        ("circleci", Wishes(repository="Acme/hello"), {"vcs_origin": "github.com/Acme/hello"}),
        ("buildkite", Wishes(repository="Acme/Hello"), {"organization": "acme", "pipeline": "hello"}),
        ("kubernetes", Wishes(service_account="ci/bot"), {"namespace": "ci", "service_account": "bot"}),
        ("forgejo", Wishes(workflow="ship.yaml"), {"/workflow": '"ship.yaml"'}),
        ("activestate", Wishes(repository="acme/odd_one"), {"organization": "acme", "project": "odd-one"}),
    ],
)
def test_what_a_person_says_is_who_publishes(
    kind: str, wishes: Wishes, expected: Mapping[str, str], example: Path
) -> None:
    play = begun(kind, example, wishes)
    with play.issuer:
        assert expected.items() <= play.fields.items()


def test_a_job_of_jenkins_may_lie_deep(example: Path) -> None:
    play = begun("jenkins", example, Wishes(repository="acme/tools/hello"))
    with play.issuer:
        assert play.fields["subject"] == f"{play.issuer.origin}/job/acme/job/tools/job/hello/"


def test_ids_are_made_up_from_names_and_stay_the_same(example: Path) -> None:
    one, again = begun("circleci", example), begun("circleci", example)
    with one.issuer, again.issuer:
        assert one.fields == again.fields


FORGEJO = (
    "on:\n  push:\n    tags: ['v*']\njobs:\n  out:\n    runs-on: docker\n    enable-openid-connect: true\n"
    "    steps:\n      - run: uv publish\n"
)


@pytest.mark.parametrize("folder", [".forgejo", ".gitea"])
def test_the_job_of_a_forgejo_workflow_is_read(folder: str, project: Path) -> None:
    place = project / folder / "workflows"
    place.mkdir(parents=True)
    (place / "ship.yml").write_text(FORGEJO, "utf-8")
    script = PLAYABLE["forgejo"].script(find(project), Wishes(repository="acme/odd-one"), {})
    assert script.told == f"acme/odd-one, job out of {folder}/workflows/ship.yml"
    assert script.notes == ()
    play = script.begin("1.0", "0" * 40, clock=time.time, watch=None)
    with play.issuer:
        claims = play.identity.claims(play.issuer.url)
        assert claims["workflow_ref"] == f"acme/odd-one/{folder}/workflows/ship.yml@refs/tags/v1.0"
        assert play.fields["/workflow"] == '"ship.yml"'


def test_a_real_client_publishes_from_another_ci_as_a_person_starts_it(
    rehearse: Rehearse, example: Path, built: Path, temporary: Path, program: Callable[[str], Path]
) -> None:
    path = f"{program('uv')}{os.pathsep}{os.environ['PATH']}"
    done = rehearse(example, "--dist", built, "--provider", "buildkite", "--client", "uv", "--json", env={"PATH": path})
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = read_json(done.stdout)
    assert (told["provider"], told["client"], told["token"]["given_back"]) == ("buildkite", "uv", True)
    assert any("BUILDKITE_OIDC_TOKEN_CLAIMS" in note for note in told["notes"])
    assert list(temporary.iterdir()) == []
    assert processes_below(temporary) == []


@pytest.mark.parametrize(
    ("client", "kind", "said"),
    [
        ("trustpub", "buildkite", ""),
        ("uv", "forgejo", ""),
        ("uv", "google", "trustpub mint -- COMMAND"),
        ("pdm", "google", "under a name that no rehearsal has"),
        ("twine", "github", "trustpub mint -- COMMAND"),
        ("flit", "github", "what it builds itself"),
    ],
)
def test_a_note_says_where_a_client_was_helped(client: str, kind: str, said: str) -> None:
    found = " ".join(clients.notes(client, kind))
    assert said in found
    assert bool(found) == bool(said)
