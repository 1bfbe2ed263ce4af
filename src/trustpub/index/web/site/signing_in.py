# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signing in and out, the second factor, and proving again to be somebody before danger."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from trustpub.index.accounts.signing_in import From, Refused, SignedIn
from trustpub.index.web.site.forms import local_path
from trustpub.index.web.site.skeleton import (
    ACCOUNT_PATH,
    CONFIRM_PATH,
    SECOND_FACTOR_PATH,
    SIGN_IN_PATH,
    Page,
    Site,
    signed_in,
)

_LONGEST = 1000
_WRONG = "That name and that password do not go together here."
_WRONG_CODE = "That code is wrong, or was used already."
_WRONG_PROOF = "That did not prove it."


async def sign_in_page(site: Site, request: Request) -> Response:
    """The form."""
    onward = local_path(request.query_params.get("next"), ACCOUNT_PATH)
    if site.visitor(request) is not None:
        return site.to(onward)
    return site.page(request, "sign_in.html", onward=onward, name="", fault="", hint="")


async def sign_in(site: Site, request: Request) -> Response:
    """Name and password."""
    form = await site.form(request)
    onward = local_path(form.get("next"), ACCOUNT_PATH)
    name = form.text("name", 100)
    found = await site.run_slowly(
        site.signing_in.sign_in,
        name,
        form.get("password", "")[:_LONGEST],
        where=where(site, request),
        before=_before(request),
    )
    if isinstance(found, Refused):
        status, fault, hint = _told(found, _WRONG)
        response = site.page(request, "sign_in.html", status=status, onward=onward, name=name, fault=fault, hint=hint)
        return _later(response, found)
    return let_in(site, found, onward)


async def second_factor_page(site: Site, request: Request) -> Response:
    """The form for the code."""
    onward = local_path(request.query_params.get("next"), ACCOUNT_PATH)
    if site.visitor(request) is not None:
        return site.to(onward)
    if site.half(request) is None:
        return site.to(f"{SIGN_IN_PATH}?next={quote(onward, safe='/')}")
    return site.page(request, "second_factor.html", onward=onward, fault="")


async def second_factor(site: Site, request: Request) -> Response:
    """The code."""
    form = await site.form(request)
    onward = local_path(form.get("next"), ACCOUNT_PATH)
    half = site.half(request)
    if half is None:
        return site.to(f"{SIGN_IN_PATH}?next={quote(onward, safe='/')}")
    found = await site.run(site.signing_in.second, half, form.text("code", 100), where=where(site, request))
    if isinstance(found, SignedIn):
        return let_in(site, found, onward)
    if found.over:
        said = "Too many codes were wrong, or it took too long. Begin again."
        response = site.to(f"{SIGN_IN_PATH}?next={quote(onward, safe='/')}", said, kind="warning")
        site.sign_out(response)
        return response
    return site.page(request, "second_factor.html", status=403, onward=onward, fault=_WRONG_CODE)


async def sign_out(site: Site, request: Request) -> Response:
    """The session ends here and in the store."""
    await site.form(request)
    found = site.visitor(request) or site.half(request)
    if found is not None:
        await site.run(site.sessions.end, found)
    response = site.to(SIGN_IN_PATH, "You are signed out.")
    site.sign_out(response)
    return response


@signed_in
async def confirm_page(site: Site, request: Request) -> Response:
    """The form in which somebody who is signed in proves to be it again."""
    onward = local_path(request.query_params.get("next"), ACCOUNT_PATH)
    return await _confirm_page(site, request, onward)


async def _confirm_page(
    site: Site, request: Request, onward: str, *, status: int = 200, fault: str = "", hint: str = ""
) -> Response:
    visitor = site.visitor(request)
    login = None if visitor is None else await site.run(site.second_factor.login, visitor.user)
    with_password = login is not None and login.password is not None
    with_code = login is not None and login.totp is not None
    elsewhere = login is not None and login.subject is not None and not with_code and site.open_id is not None
    return site.page(
        request, "confirm.html", status=status, onward=onward, fault=fault, hint=hint, with_password=with_password,
        with_code=with_code, elsewhere=elsewhere,
    )  # fmt: skip


@signed_in
async def confirm(site: Site, request: Request) -> Response:
    """The proof."""
    form = await site.form(request)
    onward = local_path(form.get("next"), ACCOUNT_PATH)
    visitor = site.visitor(request)
    if visitor is None:
        return site.to_sign_in(request)
    password, code = form.get("password", "")[:_LONGEST], form.text("code", 100)
    refused = await site.run_slowly(site.signing_in.confirm, visitor, password, code, where=where(site, request))
    if refused is None:
        return site.to(onward)
    status, fault, hint = _told(refused, _WRONG_PROOF)
    return _later(await _confirm_page(site, request, onward, status=status, fault=fault, hint=hint), refused)


def where(site: Site, request: Request) -> From:
    """Where a request comes from."""
    return From(peer=site.peer(request), agent=request.headers.get("user-agent", ""))


def _before(request: Request) -> str | None:
    found = request.state.visitor
    return None if found is None else str(found.session.id)


def let_in(site: Site, found: SignedIn, onward: str) -> Response:
    """Give the browser its session, and send it on, or to where the second factor is given."""
    if found.complete:
        response = site.to(onward)
    else:
        response = site.to(f"{SECOND_FACTOR_PATH}?next={quote(onward, safe='/')}")
    site.sign_in(response, found.cookie)
    return response


def _told(refused: Refused, wrong: str) -> tuple[int, str, str]:
    if refused.wait is None:
        return 403, wrong, ""
    minutes = -(-refused.wait // 60)
    hint = (
        f"Wait {minutes} minute{'s' if minutes != 1 else ''}, or ask an administrator for a link to set a new password."
    )
    return 429, f"{wrong} There were too many tries.", hint


def _later(response: Response, refused: Refused) -> Response:
    if refused.wait is not None:
        response.headers["Retry-After"] = str(refused.wait)
    return response


ROUTES = (
    Page(path=SIGN_IN_PATH, view=sign_in_page, name="sign-in", open=True),
    Page(path=SIGN_IN_PATH, view=sign_in, name="sign-in.post", methods=("POST",), open=True),
    Page(path=SECOND_FACTOR_PATH, view=second_factor_page, name="second-factor", open=True),
    Page(path=SECOND_FACTOR_PATH, view=second_factor, name="second-factor.post", methods=("POST",), open=True),
    Page(path="/logout", view=sign_out, name="sign-out", methods=("POST",), open=True),
    Page(path=CONFIRM_PATH, view=confirm_page, name="confirm"),
    Page(path=CONFIRM_PATH, view=confirm, name="confirm.post", methods=("POST",)),
)
