# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The tokens that somebody holds: make one, see them, end one."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from trustpub.index.accounts.acting import SignInFirst
from trustpub.index.accounts.authority import Action
from trustpub.index.accounts.invitations import Fault
from trustpub.index.accounts.sessions import Visitor
from trustpub.index.accounts.tokens import DAYS, Held
from trustpub.index.kept import Project, Token
from trustpub.index.web.site.forms import Form
from trustpub.index.web.site.skeleton import ACCOUNT_PATH, Page, Site, confirmed, signed_in
from trustpub.secret import Secret

TOKENS_PATH = f"{ACCOUNT_PATH}tokens/"
_NEW = f"{TOKENS_PATH}new/"
_FOR_EVER = "0"
_ALL = ""


def _visitor(site: Site, request: Request) -> Visitor:
    visitor = site.visitor(request)
    if visitor is None:
        raise SignInFirst
    return visitor


@signed_in
async def show(site: Site, request: Request) -> Response:
    """All of them."""
    visitor = _visitor(site, request)

    def look() -> Sequence[Held]:
        with site.acting.index(visitor.actor, Action.ACCOUNT_TOKENS_READ):
            return site.tokens.all(visitor.user)

    return site.page(request, "tokens.html", held=await site.run(look))


@confirmed
async def new_page(site: Site, request: Request) -> Response:
    """The form."""
    return await _form(site, request, Form(()), {})


async def _form(site: Site, request: Request, form: Form, faults: dict[str, str]) -> Response:
    visitor = _visitor(site, request)
    projects: Sequence[Project] = await site.run(site.tokens.projects, visitor.user)
    return site.page(
        request, "token_new.html", status=400 if faults else 200, faults=faults,
        description=form.text("description", 200), scope=form.text("scope") or "upload",
        project=form.text("project"), days=form.text("days") or "90",
        projects=[(_ALL, "All my projects")] + [(one.normalized, one.name) for one in projects],
        durations=[(str(one), f"{one} days") for one in DAYS] + [(_FOR_EVER, "Until I end it")],
    )  # fmt: skip


@confirmed
async def create(site: Site, request: Request) -> Response:
    """Make one, and show it this once."""
    visitor = _visitor(site, request)
    form = await site.form(request)
    days = form.text("days")

    def make() -> tuple[Token, Secret]:
        with site.acting.index(visitor.actor, Action.ACCOUNT_TOKENS):
            return site.tokens.create(
                visitor.user,
                description=form.text("description"),
                scope=form.text("scope"),
                project=form.text("project") or None,
                days=None if days == _FOR_EVER else int(days) if days.isdecimal() and len(days) < 6 else -1,
            )

    try:
        token, secret = await site.run(make)
    except Fault as fault:
        return await _form(site, request, form, {fault.field: fault.message})
    return site.page(request, "token_made.html", token=token, secret=secret.reveal())


@signed_in
async def end(site: Site, request: Request) -> Response:
    """End one. Without a proof: who fears for a token is to be quick."""
    visitor = _visitor(site, request)
    form = await site.form(request)

    def stop() -> Token:
        with site.acting.index(visitor.actor, Action.ACCOUNT_TOKENS):
            return site.tokens.end(visitor.user, form.text("token", 64))

    ended = await site.run(stop)
    return site.to(TOKENS_PATH, f"The token “{ended.description}” is not good for anything any more.")


ROUTES = (
    Page(path=TOKENS_PATH, view=show, name="account.tokens"),
    Page(path=_NEW, view=new_page, name="account.tokens.new"),
    Page(path=_NEW, view=create, name="account.tokens.new.post", methods=("POST",)),
    Page(path=f"{TOKENS_PATH}end", view=end, name="account.tokens.end", methods=("POST",)),
)
