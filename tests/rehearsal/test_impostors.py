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

from trustpub.http import Http
from trustpub.protocol.exchange import MINT_PATH, Refusal
from trustpub.rehearsal import index as indexes
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.impostors import Expected, Impostor, Outcome, cast, fault, play
from trustpub.rehearsal.index import Registration, ThrowawayIndex
from trustpub.rehearsal.issuers import GitHubIssuer, Run
from trustpub.rehearsal.processes import Children
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


def test_without_an_environment_five_are_cast_and_the_sixth_is_told_with_its_mend() -> None:
    with GitHubIssuer(clock=time.time) as issuer:
        roles = cast(issuer, replace(RUN, environment=None), "a")
    told = [role for role in roles if isinstance(role, Outcome)]
    assert len(roles) == 6
    assert [(one.name, one.guarded, one.refused) for one in told] == [("other environment", False, False)]
    assert "environment: release" in told[0].reason


@dataclass(frozen=True, kw_only=True)
class Stage:
    index: ThrowawayIndex
    issuer: GitHubIssuer
    http: Http
    registration: Registration


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[Stage]:
    """A real index whose publisher names no environment, though the job has one."""
    folder = Folder(path=tmp_path)
    folder.make()
    with Children() as children, GitHubIssuer(clock=time.time) as issuer:
        up = indexes.await_ready(indexes.start(children, folder, os.environ), folder)
        registration = indexes.register(up.data, "hello", replace(RUN, environment=None), issuer.url)
        with Http(env={}, ca=str(up.ca)) as http:
            yield Stage(index=up, issuer=issuer, http=http, registration=registration)


def test_an_impostor_that_is_let_in_is_a_failure_and_its_token_is_burned(careless: Stage) -> None:
    roles = cast(careless.issuer, RUN, careless.index.audience)
    played = play([roles[1]], careless.http, careless.index.url)
    assert [(one.name, one.refused, one.guarded) for one in played] == [("other environment", False, True)]
    assert "gave it a token" in played[0].reason
    assert [one.burned for one in indexes.grants(careless.index.data, careless.registration.publisher_id)] == [True]


def test_the_other_five_are_refused_by_a_real_index(careless: Stage) -> None:
    careless.issuer.serve(RUN)
    _, document = careless.issuer.answer(
        f"{careless.issuer.request_url.removeprefix(careless.issuer.url)}&audience={careless.index.audience}",
        f"Bearer {careless.issuer.request_token.reveal()}",
    )
    body = json.dumps({"token": document["value"]}).encode()
    used = careless.http.request("POST", careless.index.url + MINT_PATH, body=body)
    assert used.status == 200
    roles = [role for role in cast(careless.issuer, RUN, careless.index.audience) if role.name != "other environment"]
    played = play(roles, careless.http, careless.index.url)
    assert [(one.name, one.reason) for one in played if not one.refused] == []
    assert len(played) == 5


def test_one_that_is_refused_for_something_else_does_not_count(careless: Stage) -> None:
    role = Impostor(
        name="a stranger",
        token=lambda: careless.issuer.token(replace(RUN, repository="acme/other"), careless.index.audience),
        expected=WORKFLOW,
    )
    (outcome,) = play([role], careless.http, careless.index.url)
    assert not outcome.refused
    assert "another reason" in outcome.reason
