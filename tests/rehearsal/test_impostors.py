# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A refusal counts only if it is the right one; and an index that refuses nobody is found out."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.rehearsal.conftest import an_sdist
from trustpub.client.files import collect
from trustpub.client.indexes import resolve
from trustpub.client.upload import upload
from trustpub.http import Http, Response
from trustpub.protocol.exchange import BURN_PATH, MINT_PATH, Refusal, read_refusal
from trustpub.rehearsal import index as indexes
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.impostors import (
    ELSEWHERE,
    Expected,
    Impostor,
    Outcome,
    fault,
    has_second_address,
    of_any_ci,
    play,
)
from trustpub.rehearsal.index import Registration, ThrowawayIndex
from trustpub.rehearsal.issuers import GitHubIssuer, Run
from trustpub.rehearsal.plays.github import GitHubPlay
from trustpub.rehearsal.processes import Children
from trustpub.secret import Secret
from trustpub.trust.mismatch import Mismatch

RUN = Run(repository="acme/hello", repository_id="501", owner_id="77", workflow="release.yml", environment="release")


def refusal(code: str, text: str, *mismatches: Mismatch, status: int = 422) -> Refusal:
    return Refusal(status=status, reasons=[(code, text)], mismatches=mismatches)


WORKFLOW = Expected(code="invalid-publisher", fields=("workflow",))
OWNER = Expected(code="invalid-publisher", fields=("owner_id",), words="re-created", tells_nothing=True)


@pytest.mark.parametrize(
    ("expected", "said", "wrong"),
    [
        (WORKFLOW, refusal("invalid-publisher", "no", Mismatch(field="workflow", given="x")), None),
        (WORKFLOW, refusal("invalid-token", "no", Mismatch(field="workflow")), "wanted invalid-publisher"),
        (WORKFLOW, refusal("invalid-publisher", "no"), "not nothing"),
        (WORKFLOW, refusal("invalid-publisher", "no", Mismatch(field="environment")), "not environment"),
        (
            WORKFLOW,
            refusal("invalid-publisher", "no", Mismatch(field="workflow"), Mismatch(field="owner_id")),
            "not workflow, owner_id",
        ),
        (WORKFLOW, refusal("invalid-publisher", "no", Mismatch(field="workflow"), status=500), "wanted"),
        (WORKFLOW, Refusal(status=422, reasons=[]), "wanted invalid-publisher"),
        (Expected(code="invalid-token", words="expired"), refusal("invalid-token", "Expired!"), None),
        (Expected(code="invalid-token", words="expired"), refusal("invalid-token", "audience"), "to say"),
        (OWNER, refusal("invalid-publisher", "re-created", Mismatch(field="owner_id")), None),
        (OWNER, refusal("invalid-publisher", "re-created", Mismatch(field="owner_id", wanted="7")), "tells"),
    ],
)
def test_a_refusal_for_another_reason_is_found_out(expected: Expected, said: Refusal, wrong: str | None) -> None:
    found = fault(expected, said)
    assert (found is None) if wrong is None else (found is not None and wrong in found)


def roles(issuer: GitHubIssuer, run: Run, audience: str) -> list[Impostor | Outcome]:
    own = GitHubPlay(issuer=issuer, identity=run).impostors(audience)
    return [*own, *of_any_ci(issuer, run, audience)]


def test_without_an_environment_that_impostor_is_told_with_its_mend() -> None:
    with GitHubIssuer(clock=time.time) as issuer:
        told = [role for role in roles(issuer, replace(RUN, environment=None), "a") if isinstance(role, Outcome)]
    assert [(one.name, one.guarded, one.refused) for one in told] == [("other environment", False, False)]
    assert "environment: release" in told[0].reason


@dataclass(frozen=True, kw_only=True)
class Stage:
    index: ThrowawayIndex
    issuer: GitHubIssuer
    http: Http
    elsewhere: Http
    registration: Registration


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[Stage]:
    """A real index whose publisher names no environment, though the job has one."""
    folder = Folder(path=tmp_path)
    folder.make()
    with Children() as children, GitHubIssuer(clock=time.time) as issuer:
        up = indexes.await_ready(indexes.start(children, folder, os.environ), folder)
        fields = GitHubPlay(issuer=issuer, identity=replace(RUN, environment=None)).fields
        registration = indexes.register(up.data, "hello", "github", issuer.url, fields)
        with (
            Http(env={}, ca=str(up.ca)) as http,
            Http(env={}, ca=str(up.ca), source_address=ELSEWHERE) as elsewhere,
        ):
            yield Stage(index=up, issuer=issuer, http=http, elsewhere=elsewhere, registration=registration)


def test_an_impostor_that_is_let_in_is_a_failure_and_its_token_is_burned(careless: Stage) -> None:
    other = roles(careless.issuer, RUN, careless.index.audience)[1]
    played = play([other], careless.http, careless.index.url)
    assert [(one.name, one.refused, one.guarded) for one in played] == [("other environment", False, True)]
    assert "gave it a token" in played[0].reason
    assert [one.burned for one in indexes.grants(careless.index.data, careless.registration.publisher_id)] == [True]


def exchange(stage: Stage, token: Secret, *, elsewhere: bool = False) -> Response:
    body = json.dumps({"token": token.reveal()}).encode()
    http = stage.elsewhere if elsewhere else stage.http
    return http.request("POST", stage.index.url + MINT_PATH, body=body)


def burn(stage: Stage, answer: Response) -> None:
    body = json.dumps({"token": json.loads(answer.body)["token"]}).encode()
    assert stage.http.request("POST", stage.index.url + BURN_PATH, body=body).status == 202


def test_the_others_are_refused_by_a_real_index(careless: Stage) -> None:
    burn(careless, exchange(careless, careless.issuer.give(RUN, careless.index.audience)))
    wanted = [one for one in roles(careless.issuer, RUN, careless.index.audience) if one.name != "other environment"]
    played = play(wanted, careless.http, careless.index.url, elsewhere=careless.elsewhere)
    assert [(one.name, one.reason) for one in played if not one.refused] == []
    assert len(played) == (6 if has_second_address() else 5)


def test_who_asks_from_elsewhere_needs_a_way_from_there(careless: Stage) -> None:
    role = Impostor(name="x", token=lambda: Secret("x"), expected=WORKFLOW, elsewhere=True)
    with pytest.raises(ValueError, match="elsewhere"):
        play([role], careless.http, careless.index.url)


needs_second_address = pytest.mark.skipif(
    not has_second_address(), reason=f"this machine has no {ELSEWHERE}, so nothing about a second address was tested"
)


@needs_second_address
def test_an_answer_that_was_lost_is_given_again_to_the_same_address_and_to_no_other(careless: Stage) -> None:
    identity = careless.issuer.give(RUN, careless.index.audience)
    first = exchange(careless, identity)
    again = exchange(careless, identity)
    assert (first.status, again.status, first.body) == (200, 200, again.body)
    refused = exchange(careless, identity, elsewhere=True)
    assert read_refusal(refused.status, refused.body).reasons[0][0] == "invalid-reuse-token"
    assert len(indexes.grants(careless.index.data, careless.registration.publisher_id)) == 1


def test_once_the_token_is_given_back_nobody_gets_it_again(careless: Stage) -> None:
    identity = careless.issuer.give(RUN, careless.index.audience)
    burn(careless, exchange(careless, identity))
    refused = exchange(careless, identity)
    assert read_refusal(refused.status, refused.body).reasons[0][0] == "invalid-reuse-token"


def test_once_it_has_uploaded_nobody_gets_it_again(careless: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    sdist = an_sdist(folder, "hello")
    identity = careless.issuer.give(RUN, careless.index.audience)
    token = Secret(json.loads(exchange(careless, identity).body)["token"])
    upload(careless.http, resolve(careless.index.url), token, collect([str(sdist)]).distributions[0])
    refused = exchange(careless, identity)
    assert read_refusal(refused.status, refused.body).reasons[0][0] == "invalid-reuse-token"


def test_one_that_is_refused_for_something_else_does_not_count(careless: Stage) -> None:
    role = Impostor(
        name="a stranger",
        token=lambda: careless.issuer.token(replace(RUN, repository="acme/other"), careless.index.audience),
        expected=WORKFLOW,
    )
    (outcome,) = play([role], careless.http, careless.index.url)
    assert not outcome.refused
    assert "another reason" in outcome.reason
