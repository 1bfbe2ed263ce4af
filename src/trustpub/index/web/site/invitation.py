# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page behind the link of an invitation."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Declined
from trustpub.index.accounts.invitations import INVITATION_PATH, Fault
from trustpub.index.accounts.passwords import HINT
from trustpub.index.web.site.forms import Form
from trustpub.index.web.site.signing_in import where
from trustpub.index.web.site.skeleton import ACCOUNT_PATH, Page, Site
from trustpub.secret import Secret

_LONGEST = 1000


async def show(site: Site, request: Request) -> Response:
    """The form for an account, or for a new password."""
    return await _page(site, request, Form(()), {})


async def accept(site: Site, request: Request) -> Response:
    """Make the account, or set the password."""
    form = await site.form(request)
    password = form.get("password", "")[:_LONGEST]
    if password != form.get("again", ""):
        return await _page(site, request, form, {"again": "The two are not the same."}, 400)
    before = request.state.visitor
    try:
        signed_in = await site.run_slowly(
            site.invitations.accept,
            _token(request),
            name=form.text("name", 100),
            email=form.text("email", 320),
            password=password,
            where=where(site, request),
            before=None if before is None else before.session.id,
        )
    except Fault as fault:
        told = fault.message if fault.field == "password" or not fault.hint else f"{fault.message} {fault.hint}"
        return await _page(site, request, form, {fault.field: told}, 400)
    response = site.to(ACCOUNT_PATH, f"Welcome, {signed_in.user.name}. You are signed in.")
    site.sign_in(response, signed_in.cookie)
    return response


async def _page(site: Site, request: Request, form: Form, faults: dict[str, str], status: int = 200) -> Response:
    found = await site.run(site.invitations.find, _token(request))
    if found is None:
        raise Declined(
            "This link is not good for anything, or not any more.",
            hint="It was used, is too old, or is incomplete. Ask who sent it for another.",
        )
    invitation, user = found
    return site.page(
        request, "invitation.html", status=status, invitation=invitation, user=user, faults=faults, hint=HINT,
        name=form.text("name", 100), email=form.text("email", 320) or invitation.email,
        action=request.scope["path"],
    )  # fmt: skip


def _token(request: Request) -> Secret:
    return Secret(request.path_params["token"][:200])


_PATH = f"{INVITATION_PATH}{{token}}"
ROUTES = (
    Page(path=_PATH, view=show, name="invitation", open=True),
    Page(path=_PATH, view=accept, name="invitation.post", methods=("POST",), open=True),
)
