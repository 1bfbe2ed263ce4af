# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who must be refused, and for which reason. A refusal for another reason is a failure as well."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trustpub.ci import unverified
from trustpub.http import Http
from trustpub.printable import printable
from trustpub.protocol.exchange import BURN_PATH, MINT_PATH, Refusal, read_minted, read_refusal
from trustpub.rehearsal.emulated.issuer import Issuer, Workload
from trustpub.secret import Secret

ELSEWHERE = "127.0.0.2"
"""A second address of this machine, from which somebody else seems to ask."""
_LONG_AGO = 3600
"""Seconds since the expiry of a token that nobody should take any more."""
_OTHER_ENVIRONMENT = "other environment"


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
    elsewhere: bool = False
    """Whether it asks from another address (:data:`ELSEWHERE`)."""


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


def of_any_ci(issuer: Issuer, identity: Workload, audience: str) -> Sequence[Impostor]:
    """Those that are the same whatever vouches for the job: used up, too old, and meant for somebody else.

    The identity token used for the release must have been given out by ``issuer`` before. It is played after the
    upload: until then, for a minute and from the same address, an answer that was lost may be had again.
    """
    used = Expected(code="invalid-reuse-token")

    def shown() -> Secret:
        return _given_for(issuer, audience)

    return (
        Impostor(name="replay of the used identity token", token=shown, expected=used),
        *(
            [Impostor(name="replay from another address", token=shown, expected=used, elsewhere=True)]
            if has_second_address()
            else []
        ),
        Impostor(
            name="expired identity token",
            token=lambda: issuer.token(identity, audience, age=issuer.form.lifetime + _LONG_AGO),
            expected=Expected(code="invalid-token", words="expired"),
        ),
        Impostor(
            name="identity token for another audience",
            token=lambda: issuer.token(identity, f"not_{audience}"),
            expected=Expected(code="invalid-token", words="audience"),
        ),
    )


def _given_for(issuer: Issuer, audience: str) -> Secret:
    """The last token that a job was given for ``audience``; it may have been given others, to sign with."""
    return next(one for one in reversed(issuer.given) if unverified.claims(one).get("aud") in (audience, [audience]))


def other_environment(token: Callable[[], Secret] | None, of: str) -> Impostor | Outcome:
    """The same job in another environment. ``token``: its; None: the job has none, so any job ``of`` what may be it."""
    if token is None:
        return Outcome(
            name=_OTHER_ENVIRONMENT,
            refused=False,
            guarded=False,
            reason=f"the publishing job has no environment, so any job of the {of} may publish; "
            "give it one (environment: release), register it, and protect it",
        )
    expected = Expected(code="invalid-publisher", fields=("environment",))
    return Impostor(name=_OTHER_ENVIRONMENT, token=token, expected=expected)


def acting(issuer: Issuer, audience: str) -> Callable[[Workload], Callable[[], Secret]]:
    """From somebody to the making of a token for them by ``issuer``, for ``audience``; none is made before its time."""
    return lambda who: lambda: issuer.token(who, audience)


def differing(field: str, token: Callable[[], Secret], name: str) -> Impostor:
    """Somebody who differs from the publisher in ``field`` and in nothing else."""
    return Impostor(name=name, token=token, expected=Expected(code="invalid-publisher", fields=(field,)))


def from_other_ref(token: Callable[[], Secret]) -> Impostor:
    """The same job from a branch, where the publisher wants a tag."""
    return differing("ref", token, "same job from a branch")


def stranger(token: Callable[[], Secret], name: str) -> Impostor:
    """Somebody for whom nothing is registered, not even nearly."""
    expected = Expected(code="invalid-publisher", words="no corresponding publisher is registered", tells_nothing=True)
    return Impostor(name=name, token=token, expected=expected)


def unguarded(name: str, reason: str) -> Outcome:
    """Somebody whom no publisher of this kind can tell from the job; ``reason`` says why, and what helps."""
    return Outcome(name=name, refused=False, guarded=False, reason=reason)


def in_other_hands(field: str, token: Callable[[], Secret], name: str | None = None) -> Impostor:
    """The same names with another id. ``field``: the id's; ``name``: of the role, where the field does not tell it."""
    expected = Expected(
        code="invalid-publisher", fields=(field,), words="re-created or transferred", tells_nothing=True
    )
    return Impostor(name=name or f"other {field.replace('_', ' ')}, same name", token=token, expected=expected)


def has_second_address() -> bool:
    """Whether this machine can ask from :data:`ELSEWHERE`, as Linux can; macOS has 127.0.0.1 only."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        try:
            tried.bind((ELSEWHERE, 0))
        except OSError:
            return False
    return True


def play(
    roles: Sequence[Impostor | Outcome], http: Http, index: str, *, elsewhere: Http | None = None
) -> tuple[Outcome, ...]:
    """Let each ask the index at ``index`` for a token; ``elsewhere`` asks from :data:`ELSEWHERE`.

    Raises:
        ValueError: a role needs ``elsewhere``, and there is none.
    """
    return tuple(
        role if isinstance(role, Outcome) else _play(role, _way(role, http, elsewhere), index) for role in roles
    )


def _way(role: Impostor, http: Http, elsewhere: Http | None) -> Http:
    if not role.elsewhere:
        return http
    if elsewhere is None:
        raise ValueError("somebody asks from elsewhere, and there is no way from there")
    return elsewhere


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
