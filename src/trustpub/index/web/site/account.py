# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""One's own account: address, password, second factor, where one is signed in."""

from __future__ import annotations

import io
from collections.abc import Sequence

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Misuse
from trustpub.index.accounts.acting import NotHere, SignInFirst
from trustpub.index.accounts.authority import Action
from trustpub.index.accounts.invitations import check_email
from trustpub.index.accounts.passwords import HINT
from trustpub.index.accounts.second_factor import Enrolment
from trustpub.index.accounts.sessions import Visitor
from trustpub.index.kept import Login, Session
from trustpub.index.web.site.forms import Form
from trustpub.index.web.site.skeleton import ACCOUNT_PATH, Page, Site, confirmed, signed_in
from trustpub.secret import Secret

_LONGEST = 1000


def _visitor(site: Site, request: Request) -> Visitor:
    visitor = site.visitor(request)
    if visitor is None:
        raise SignInFirst
    return visitor


@signed_in
async def show(site: Site, request: Request) -> Response:
    """What there is to see and to change."""
    visitor = _visitor(site, request)

    def look() -> tuple[Login, Sequence[Session]]:
        with site.acting.index(visitor.actor, Action.ACCOUNT_READ):
            return site.second_factor.login(visitor.user), site.sessions.of(visitor.user)

    login, sessions = await site.run(look)
    return site.page(request, "account.html", login=login, sessions=sessions, current=visitor.session)


@confirmed
async def email_page(site: Site, request: Request) -> Response:
    """The form."""
    return _email(site, request, _visitor(site, request).user.email)


def _email(site: Site, request: Request, email: str, fault: str = "") -> Response:
    return site.page(request, "email.html", status=400 if fault else 200, email=email, fault=fault)


@confirmed
async def email(site: Site, request: Request) -> Response:
    """Another address, or none."""
    visitor = _visitor(site, request)
    wanted = (await site.form(request)).text("email", 320)

    def change() -> None:
        with site.acting.index(visitor.actor, Action.ACCOUNT_CHANGE):
            site.people.set_email(visitor.user.name, check_email(wanted) if wanted else "")

    if wanted == visitor.user.email:
        return site.to(ACCOUNT_PATH, "The address is as it was.")
    try:
        await site.run(change)
    except Misuse as fault:
        return _email(site, request, wanted, fault.message)
    return site.to(ACCOUNT_PATH, "Letters go to the new address." if wanted else "Letters go nowhere from now on.")


@confirmed
async def password_page(site: Site, request: Request) -> Response:
    """The form."""
    return _password(site, request, {})


def _password(site: Site, request: Request, faults: dict[str, str]) -> Response:
    return site.page(request, "password.html", status=400 if faults else 200, faults=faults, hint=HINT)


@confirmed
async def password(site: Site, request: Request) -> Response:
    """Another password; sessions elsewhere end."""
    visitor = _visitor(site, request)
    form = await site.form(request)
    wanted = form.get("password", "")[:_LONGEST]
    if wanted != form.get("again", ""):
        return _password(site, request, {"again": "The two are not the same."})

    def change() -> None:
        with site.acting.index(visitor.actor, Action.ACCOUNT_CHANGE):
            site.signing_in.change_password(visitor, wanted)

    try:
        await site.run_slowly(change)
    except Misuse as fault:
        return _password(site, request, {"password": fault.message})
    return site.to(ACCOUNT_PATH, "The password was changed. You were signed out everywhere else.")


@confirmed
async def second_factor_page(site: Site, request: Request) -> Response:
    """A new key, as a QR code and as text."""
    visitor = _visitor(site, request)
    return _enrol(site, request, site.second_factor.enrol(visitor.user))


def _enrol(site: Site, request: Request, enrolment: Enrolment, fault: str = "") -> Response:
    key = enrolment.key.reveal()
    spaced = " ".join(key[at : at + 4] for at in range(0, len(key), 4))
    return site.page(
        request, "second_factor_new.html", status=400 if fault else 200, qr=_qr_code(enrolment.uri), key=spaced,
        sealed=enrolment.sealed, fault=fault,
    )  # fmt: skip


def _qr_code(content: Secret) -> Markup:
    """As inline SVG, drawn by attributes alone: the pages' policy takes no style."""
    drawn = io.BytesIO()
    segno.make(content.reveal(), error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, svgclass=None, lineclass=None
    )
    # Our own drawing, of digits alone: nothing that was typed is in it as text.
    return Markup(drawn.getvalue().decode())  # noqa: S704


@confirmed
async def second_factor(site: Site, request: Request) -> Response:
    """The first code from the device. Shows the recovery codes, once."""
    visitor = _visitor(site, request)
    form = await site.form(request)
    sealed = form.text("sealed")

    def finish() -> Sequence[Secret] | None:
        with site.acting.index(visitor.actor, Action.ACCOUNT_CHANGE):
            return site.second_factor.finish(visitor, sealed, form.text("code", 100))

    codes = await site.run(finish)
    if codes is None:
        fault = "That code is wrong. Is the clock of the device right?"
        return _enrol(site, request, site.second_factor.resume(visitor.user, sealed), fault)
    return _codes(site, request, codes, "The second factor is set up")


def _codes(site: Site, request: Request, codes: Sequence[Secret], title: str) -> Response:
    return site.page(request, "recovery_codes.html", title=title, codes=[one.reveal() for one in codes])


@confirmed
async def second_factor_remove_page(site: Site, request: Request) -> Response:
    """Whether it is meant."""
    return site.page(request, "second_factor_remove.html")


@confirmed
async def second_factor_remove(site: Site, request: Request) -> Response:
    """No code is asked for any more."""
    visitor = _visitor(site, request)
    await site.form(request)

    def remove() -> None:
        with site.acting.index(visitor.actor, Action.ACCOUNT_CHANGE):
            site.second_factor.remove(visitor)

    await site.run(remove)
    return site.to(ACCOUNT_PATH, "The second factor was removed. You were signed out everywhere else.")


@confirmed
async def recovery_codes_page(site: Site, request: Request) -> Response:
    """Whether it is meant."""
    return site.page(request, "recovery_codes_new.html")


@confirmed
async def recovery_codes(site: Site, request: Request) -> Response:
    """New ones, shown once."""
    visitor = _visitor(site, request)
    await site.form(request)

    def renew() -> Sequence[Secret]:
        with site.acting.index(visitor.actor, Action.ACCOUNT_CHANGE):
            return site.second_factor.renew_codes(visitor)

    return _codes(site, request, await site.run(renew), "New recovery codes")


@signed_in
async def end_session(site: Site, request: Request) -> Response:
    """Sign out somewhere else, or everywhere else."""
    visitor = _visitor(site, request)
    form: Form = await site.form(request)

    def end() -> str:
        # Not asked to prove anything: whoever fears a thief is to be quick, and a thief wins nothing by it.
        with site.acting.index(visitor.actor, Action.ACCOUNT_CHANGE):
            if form.text("others"):
                site.sessions.end_others(visitor)
                return "You were signed out everywhere else."
            if not site.sessions.end_one(visitor, form.text("session", 64)):
                raise NotHere
            return "You were signed out there."

    return site.to(ACCOUNT_PATH, await site.run(end))


_EMAIL = f"{ACCOUNT_PATH}email/"
_PASSWORD = f"{ACCOUNT_PATH}password/"
_FACTOR = f"{ACCOUNT_PATH}second-factor/"
_FACTOR_REMOVE = f"{_FACTOR}remove/"
_CODES = f"{ACCOUNT_PATH}recovery-codes/"

ROUTES = (
    Page(path=ACCOUNT_PATH, view=show, name="account"),
    Page(path=_EMAIL, view=email_page, name="account.email"),
    Page(path=_EMAIL, view=email, name="account.email.post", methods=("POST",)),
    Page(path=_PASSWORD, view=password_page, name="account.password"),
    Page(path=_PASSWORD, view=password, name="account.password.post", methods=("POST",)),
    Page(path=_FACTOR, view=second_factor_page, name="account.second-factor"),
    Page(path=_FACTOR, view=second_factor, name="account.second-factor.post", methods=("POST",)),
    Page(path=_FACTOR_REMOVE, view=second_factor_remove_page, name="account.second-factor.remove"),
    Page(path=_FACTOR_REMOVE, view=second_factor_remove, name="account.second-factor.remove.post", methods=("POST",)),
    Page(path=_CODES, view=recovery_codes_page, name="account.recovery-codes"),
    Page(path=_CODES, view=recovery_codes, name="account.recovery-codes.post", methods=("POST",)),
    Page(path=f"{ACCOUNT_PATH}sessions/end", view=end_session, name="account.sessions.end", methods=("POST",)),
)
