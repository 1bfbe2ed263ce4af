# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signing in at an OpenID Connect provider, and linking an account there with one here.

A form of ours must not end at another site (``form-action 'self'``), so what begins with a form shows a page with the
link to go on by. Where no provider is set there is nothing here.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Declined, Misuse
from trustpub.index.accounts.acting import NotHere, SignInFirst
from trustpub.index.accounts.authority import Action
from trustpub.index.accounts.invitations import INVITATION_PATH
from trustpub.index.accounts.openid import (
    CALLBACK_PATH,
    CONFIRM,
    LINK,
    SIGN_IN,
    WAY_SECONDS,
    Answer,
    Arrived,
    Begun,
    OpenIdSignIn,
)
from trustpub.index.accounts.sessions import Visitor
from trustpub.index.web.site.forms import local_path
from trustpub.index.web.site.signing_in import let_in, where
from trustpub.index.web.site.skeleton import (
    ACCOUNT_PATH,
    CONFIRM_PATH,
    SIGN_IN_PATH,
    Page,
    Site,
    confirmed,
    signed_in,
)
from trustpub.secret import Secret

COOKIE = "openid"
_LONGEST = 4096


async def begin(site: Site, request: Request) -> Response:
    """Go there, to sign in."""
    onward = local_path(request.query_params.get("next"), ACCOUNT_PATH)
    if site.visitor(request) is not None:
        return site.to(onward)
    return _away(site, await site.run(_provider(site).begin, SIGN_IN, onward=onward))


@signed_in
async def begin_confirming(site: Site, request: Request) -> Response:
    """Go there, to prove to be it again."""
    onward = local_path(request.query_params.get("next"), ACCOUNT_PATH)
    visitor = _visitor(site, request)
    return _away(site, await site.run(_provider(site).begin, CONFIRM, onward=onward, visitor=visitor))


@confirmed
async def begin_linking(site: Site, request: Request) -> Response:
    """A page from which to go there, to link an account."""
    await site.form(request)
    visitor = _visitor(site, request)
    provider = _provider(site)

    def start() -> Begun:
        with site.acting.index(visitor.actor, Action.ACCOUNT_CHANGE):
            return provider.begin(LINK, onward=ACCOUNT_PATH, visitor=visitor)

    return _onward(site, request, await site.run(start), "Link an account")


@confirmed
async def unlink(site: Site, request: Request) -> Response:
    """Take no sign-in from there any more."""
    await site.form(request)
    visitor = _visitor(site, request)
    provider = _provider(site)

    def change() -> None:
        with site.acting.index(visitor.actor, Action.ACCOUNT_CHANGE):
            provider.unlink(visitor)

    await site.run(change)
    return site.to(ACCOUNT_PATH, "Only your password signs in now.")


async def begin_invited(site: Site, request: Request) -> Response:
    """A page from which to go there, for an account that has no password."""
    form = await site.form(request)
    begun = await site.run(
        _provider(site).begin_invited,
        Secret(request.path_params["token"][:200]),
        name=form.text("name", 100),
        email=form.text("email", 320),
        onward=ACCOUNT_PATH,
    )
    return _onward(site, request, begun, "Make your account")


async def arrive(site: Site, request: Request) -> Response:
    """Back from there."""
    query = request.query_params
    answer = Answer(
        state=query.get("state", "")[:_LONGEST],
        code=query.get("code", "")[:_LONGEST],
        error=query.get("error", "")[:100],
        issuer=query.get("iss"),
    )
    before = request.state.visitor
    try:
        arrived = await site.run(
            _provider(site).finish,
            _sealed(site, request),
            answer,
            visitor=site.visitor(request),
            where=where(site, request),
            before=None if before is None else before.session.id,
        )
    except (Declined, Misuse) as fault:
        response = site.fault(request, 403, fault.message, fault.hint)
    else:
        response = _arrived(site, arrived)
    site.signing.remove(response, COOKIE)
    return response


def _arrived(site: Site, arrived: Arrived) -> Response:
    if arrived.signed_in is not None:
        return let_in(site, arrived.signed_in, arrived.onward)
    said = "The account there is linked, and can sign in as you." if arrived.purpose == LINK else ""
    return site.to(arrived.onward, said)


def _provider(site: Site) -> OpenIdSignIn:
    if site.open_id is None:
        raise NotHere
    return site.open_id


def _visitor(site: Site, request: Request) -> Visitor:
    visitor = site.visitor(request)
    if visitor is None:
        raise SignInFirst
    return visitor


def _away(site: Site, begun: Begun) -> Response:
    return _with_cookie(site, Response(b"", 303, {"Location": begun.url.reveal()}), begun)


def _onward(site: Site, request: Request, begun: Begun, title: str) -> Response:
    return _with_cookie(site, site.page(request, "openid.html", title=title, url=begun.url.reveal()), begun)


def _with_cookie(site: Site, response: Response, begun: Begun) -> Response:
    # Without the padding: a cookie with "=" in it would be written in quotes.
    site.signing.write(response, COOKIE, begun.sealed.rstrip("="), seconds=WAY_SECONDS)
    return response


def _sealed(site: Site, request: Request) -> str:
    kept = site.signing.read(request, COOKIE)
    return kept + "=" * (-(len(kept) - kept.find(".") - 1) % 4)


ROUTES = (
    Page(path=f"{SIGN_IN_PATH}/openid", view=begin, name="openid", open=True),
    Page(path=CALLBACK_PATH, view=arrive, name="openid.arrive", open=True),
    Page(path=f"{CONFIRM_PATH}/openid", view=begin_confirming, name="openid.confirm"),
    Page(path="/manage/account/openid/link/", view=begin_linking, name="openid.link", methods=("POST",)),
    Page(path="/manage/account/openid/unlink/", view=unlink, name="openid.unlink", methods=("POST",)),
    Page(
        path=f"{INVITATION_PATH}{{token}}/openid",
        view=begin_invited,
        name="openid.invited",
        methods=("POST",),
        open=True,
    ),
)
