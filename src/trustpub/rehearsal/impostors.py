# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who must be refused, and for which reason. A refusal for another reason is a failure as well."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from trustpub.http import Http
from trustpub.printable import printable
from trustpub.protocol.exchange import BURN_PATH, MINT_PATH, Refusal, read_minted, read_refusal
from trustpub.rehearsal.issuers import LIFETIME, GitHubIssuer, Run
from trustpub.secret import Secret

_LONG_AGO = LIFETIME + 3600
"""Seconds since a token that nobody should take any more was issued."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The one reason for which an impostor must be refused."""

    code: str
    fields: tuple[str, ...] = ()
    """Exactly the fields that the index names as differing."""
    words: str = ""
    """What its description says, compared without case."""
    tells_nothing: bool = False
    """The index must not say what is registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impostor:
    """An identity, nearly the right one."""

    name: str
    """In a few words: what is wrong with it."""
    token: Callable[[], Secret]
    expected: Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it went."""

    name: str
    refused: bool
    """For the reason expected. False: it was let in, or refused for something else."""
    reason: str
    """What the index said, or what is wrong with it; printable."""
    guarded: bool = True
    """False: the publisher as registered cannot tell this one from the right identity. Then it does not count."""


def cast(issuer: GitHubIssuer, run: Run, audience: str) -> Sequence[Impostor | Outcome]:
    """The six, in order; in the place of one that cannot be refused stands what to do about it.

    The identity token used for the release must have been given out by ``issuer`` before.
    """

    def variant(changed: Run) -> Callable[[], Secret]:
        return lambda: issuer.token(changed, audience)

    other_file = "impostor.yml" if run.workflow != "impostor.yml" else "other.yml"
    other_owner = str(int(run.owner_id) + 1)
    environment: Impostor | Outcome = _UNGUARDED_ENVIRONMENT
    if run.environment is not None:
        environment = Impostor(
            name="other environment",
            token=variant(replace(run, environment=f"not-{run.environment}"[:255])),
            expected=Expected(code="invalid-publisher", fields=("environment",)),
        )
    return (
        Impostor(
            name="other workflow file",
            token=variant(replace(run, workflow=other_file, started_by=None)),
            expected=Expected(code="invalid-publisher", fields=("workflow",)),
        ),
        environment,
        Impostor(
            name="other owner id, same name",
            token=variant(replace(run, owner_id=other_owner)),
            expected=Expected(
                code="invalid-publisher", fields=("owner_id",), words="re-created or transferred", tells_nothing=True
            ),
        ),
        Impostor(
            name="replay of the used identity token",
            token=lambda: issuer.given[-1],
            expected=Expected(code="invalid-reuse-token"),
        ),
        Impostor(
            name="expired identity token",
            token=lambda: issuer.token(run, audience, age=_LONG_AGO),
            expected=Expected(code="invalid-token", words="expired"),
        ),
        Impostor(
            name="identity token for another audience",
            token=lambda: issuer.token(run, f"not_{audience}"),
            expected=Expected(code="invalid-token", words="audience"),
        ),
    )


_UNGUARDED_ENVIRONMENT = Outcome(
    name="other environment",
    refused=False,
    guarded=False,
    reason="the publishing job has no environment, so any job of the workflow may publish; "
    "give it one (environment: release), register it, and protect it",
)


def play(roles: Sequence[Impostor | Outcome], http: Http, index: str) -> tuple[Outcome, ...]:
    """Let each ask the index at ``index`` for a token, over one connection."""
    return tuple(role if isinstance(role, Outcome) else _play(role, http, index) for role in roles)


def _play(role: Impostor, http: Http, index: str) -> Outcome:
    body = json.dumps({"token": role.token().reveal()}).encode()
    headers = {"Content-Type": "application/json"}
    response = http.request("POST", index + MINT_PATH, headers=headers, body=body)
    if response.status == 200:
        _burn(read_minted(response.body).token, http, index)
        return Outcome(name=role.name, refused=False, reason="the index gave it a token (burned again)")
    refusal = read_refusal(response.status, response.body)
    wrong = fault(role.expected, refusal)
    told = "; ".join(f"{code}: {text}" for code, text in refusal.reasons) or f"status {response.status}"
    reason = printable(told if wrong is None else f"refused for another reason: {wrong} ({told})", 400)
    return Outcome(name=role.name, refused=wrong is None, reason=reason)


def fault(expected: Expected, refusal: Refusal) -> str | None:
    """In what a refusal is not the one expected; None if it is."""
    codes = [code for code, _ in refusal.reasons]
    if refusal.status != 422 or codes != [expected.code]:
        return f"wanted {expected.code}"
    fields = tuple(one.field for one in refusal.mismatches)
    if fields != expected.fields:
        return f"wanted {', '.join(expected.fields) or 'no field'} to differ, not {', '.join(fields) or 'nothing'}"
    if expected.words not in refusal.reasons[0][1].lower():
        return f"wanted it to say {expected.words!r}"
    if expected.tells_nothing and any(one.given or one.wanted for one in refusal.mismatches):
        return "it tells what is registered"
    return None


def _burn(token: Secret, http: Http, index: str) -> None:
    body = json.dumps({"token": token.reveal()}).encode()
    http.request("POST", index + BURN_PATH, headers={"Content-Type": "application/json"}, body=body)
