# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Operations on the index as a whole: issuers, accounts, tokens, names, switches, the log, files that are applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trustpub.errors import Misuse
from trustpub.index.desk import rows
from trustpub.index.desk.desk import Asked, Desk, Services
from trustpub.index.desk.projects import PAGE, export, log
from trustpub.index.issuers import WantedTerms
from trustpub.index.kept import User
from trustpub.printable import quoted
from trustpub.trust.providers import github

SERVICES = Services()
_does = SERVICES.does


@_does("issuer.list")
def _issuers(desk: Desk, asked: Asked) -> Any:
    counts: dict[str, int] = {}
    for one in desk.publishers.all():
        counts[one.issuer] = counts.get(one.issuer, 0) + 1
    return {"issuers": [rows.issuer(one, counts.get(one.url, 0)) for one in desk.issuers.all()]}


@_does("issuer.show")
def _issuer(desk: Desk, asked: Asked) -> Any:
    found = desk.issuers.get(asked["url"])
    return rows.issuer(found, sum(one.issuer == found.url for one in desk.publishers.all()))


@_does("issuer.put")
def _put_issuer(desk: Desk, asked: Asked) -> Any:
    terms = WantedTerms(
        algorithms=tuple(asked.get("algorithms", ())) or None,
        array_audience=asked.get("array_audience") or None,
        max_age=asked.get("max_age"),
        max_lifetime=asked.get("max_lifetime"),
        token_lifetime=asked.get("token_lifetime"),
    )
    known = desk.issuers.add(
        asked["url"],
        asked.get("kind", github.Identity.kind),
        jwks=asked.get("jwks"),
        ca=asked.get("ca"),
        terms=terms,
        audience=asked.get("audience"),
        jwks_hosts=tuple(asked.get("jwks_hosts", ())),
        private=asked.get("private", False),
    )
    return {
        "issuer": rows.issuer(known.issuer, known.publishers),
        "new": known.before is None,
        "replaced": known.replaced,
    }


@_does("issuer.remove")
def _remove_issuer(desk: Desk, asked: Asked) -> Any:
    desk.issuers.remove(asked["url"])
    return {"changed": True}


@_does("issuer.switch")
def _switch_issuer(desk: Desk, asked: Asked) -> Any:
    return {"switched": list(desk.issuers.switch(asked.get("url"), on=asked["on"]))}


@_does("issuer.forget-keys")
def _forget_keys(desk: Desk, asked: Asked) -> Any:
    desk.issuers.forget_keys(asked["url"])
    return {"changed": True}


@_does("user.list")
def _users(desk: Desk, asked: Asked) -> Any:
    return {"users": [rows.user(one) for one in desk.people.all()]}


@_does("user.add")
def _add_user(desk: Desk, asked: Asked) -> Any:
    return rows.user(desk.people.add(asked["name"]))


@_does("user.change")
def _change_user(desk: Desk, asked: Asked) -> Any:
    name = asked["user"]
    given = [one for one in ("email", "administrator", "suspended") if one in asked.values]
    if len(given) != 1:
        raise Misuse("Say one thing that is to change.")
    if given == ["email"]:
        return rows.user(desk.people.set_email(name, check_address(asked["email"])))
    people = desk.people
    changes: dict[tuple[str, bool], Callable[[str], User]] = {
        ("administrator", True): people.promote, ("administrator", False): people.demote,
        ("suspended", True): people.suspend, ("suspended", False): people.restore,
    }  # fmt: skip
    return rows.user(changes[given[0], asked[given[0]]](name))


def check_address(text: str) -> str:
    """An e-mail address, or nothing.

    Raises:
        Misuse: it is neither.
    """
    from trustpub.index.accounts.invitations import check_email

    return check_email(text) if text else ""


@_does("user.reset")
def _reset(desk: Desk, asked: Asked) -> Any:
    return rows.invited(desk.invitations.reset(asked["user"]))


@_does("invitation.list")
def _invitations(desk: Desk, asked: Asked) -> Any:
    return {"invitations": [rows.invitation(one) for one in desk.invitations.all()]}


@_does("invitation.add")
def _invite(desk: Desk, asked: Asked) -> Any:
    made = desk.invitations.invite(asked.get("email", ""), administrator=asked.get("administrator", False))
    return rows.invited(made)


@_does("invitation.remove")
def _uninvite(desk: Desk, asked: Asked) -> Any:
    desk.invitations.revoke(asked["invitation"])
    return {"changed": True}


@_does("token.list")
def _tokens(desk: Desk, asked: Asked) -> Any:
    names = {one.id: one.name for one in desk.people.all()}
    return {"tokens": [rows.token(one, names.get(one.user_id or "")) for one in desk.people.tokens()]}


@_does("token.add")
def _add_token(desk: Desk, asked: Asked) -> Any:
    owner = desk.people.user(asked["user"])
    only = None if "project" not in asked.values else desk.people.real_project(asked["project"])
    made, secret = desk.credentials().issue_user_token(
        owner, scope=asked["scope"], project=only, lifetime=asked.get("lifetime")
    )
    desk.people.note_token(made)
    member = only is None or desk.people.is_member(only, owner)
    return {"token": rows.token(made, owner.name), "secret": secret.reveal(), "member": member}


@_does("token.remove")
def _remove_token(desk: Desk, asked: Asked) -> Any:
    ended = desk.people.revoke_token(asked["token"])
    names = {one.id: one.name for one in desk.people.all()}
    return rows.token(ended, names.get(ended.user_id or ""))


@_does("index.events")
def _events(desk: Desk, asked: Asked) -> Any:
    return log(desk, asked, None)


@_does("index.export")
def _export(desk: Desk, asked: Asked) -> Any:
    return export(desk, asked, None)


@_does("index.attempts")
def _attempts(desk: Desk, asked: Asked) -> Any:
    with desk.store.read() as reading:
        found = reading.attempts(project_id=None, limit=asked.get("limit", PAGE))
    return {"attempts": [rows.attempt(one) for one in found]}


@_does("switch.show")
def _switches(desk: Desk, asked: Asked) -> Any:
    return rows.switches(desk.switches.stopped())


@_does("switch.read-only")
def _read_only(desk: Desk, asked: Asked) -> Any:
    desk.switches.set_read_only(on=asked["on"], reason=asked.get("reason", ""))
    return rows.switches(desk.switches.stopped())


@_does("switch.minting")
def _minting(desk: Desk, asked: Asked) -> Any:
    desk.switches.stop_minting(asked["kind"], on=asked["stopped"], reason=asked.get("reason", ""))
    return rows.switches(desk.switches.stopped())


@_does("name.list")
def _names(desk: Desk, asked: Asked) -> Any:
    return {"names": [{"name": name, "reason": reason} for name, reason in desk.names.prohibited()]}


@_does("name.prohibit")
def _prohibit(desk: Desk, asked: Asked) -> Any:
    there = desk.names.prohibit(asked["name"], asked.get("reason", ""))
    return {"project": None if there is None else rows.project(there)}


@_does("name.permit")
def _permit(desk: Desk, asked: Asked) -> Any:
    desk.names.permit(asked["name"])
    return {"changed": True}


@_does("name.hold-days")
def _hold_days(desk: Desk, asked: Asked) -> Any:
    return {"days": desk.names.hold_days()}


@_does("name.set-hold-days")
def _set_hold_days(desk: Desk, asked: Asked) -> Any:
    desk.names.set_hold_days(asked["days"])
    return {"days": asked["days"]}


@_does("index.apply")
def _apply(desk: Desk, asked: Asked) -> Any:
    files = asked.get("files", {})

    def read(name: str) -> str:
        if name not in files:
            raise Misuse(f"The file {quoted(name)} was not sent with it.")
        return str(files[name])

    return rows.applied(desk.applying.apply(asked["document"], read=read, dry_run=asked.get("dry_run", False)))
