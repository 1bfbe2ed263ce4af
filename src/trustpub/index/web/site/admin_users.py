# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Everybody with an account, and invitations to make one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Misuse
from trustpub.index.accounts.acting import SignInFirst
from trustpub.index.accounts.authority import Action
from trustpub.index.accounts.invitations import Invited
from trustpub.index.accounts.sessions import Visitor
from trustpub.index.kept import Invitation, User
from trustpub.index.web.site.administration import BASE
from trustpub.index.web.site.forms import Form
from trustpub.index.web.site.skeleton import Page, Site, administrator, confirmed

PAGE = 100


@administrator
async def listed(site: Site, request: Request) -> Response:
    """Users, some at a time, and the invitations that wait."""
    return await _page(site, request)


async def _page(site: Site, request: Request, *, status: int = 200, fault: str = "", email: str = "") -> Response:
    words = request.query_params.get("q", "").strip()[:100]
    after = request.query_params.get("after", "")[:100].casefold()

    def look() -> tuple[Sequence[User], Sequence[Invitation]]:
        with site.acting.index(site.actor(request), Action.INDEX_USERS):
            return site.people.all(), site.invitations.all()

    users, waiting = await site.run(look)
    found = [
        one for one in users
        if words.casefold() in f"{one.name} {one.email}".casefold() and one.name.casefold() > after
    ]  # fmt: skip
    more = found[PAGE - 1].name if len(found) > PAGE else None
    query = {"q": words} if words else {}
    names = {one.id: one.name for one in users}
    return site.page(
        request,
        "admin_users.html",
        status=status,
        users=found[:PAGE],
        invitations=waiting,
        names=names,
        words=words,
        email=email,
        fault=fault,
        older=None if more is None else site.link("admin.users", **query, after=more),
    )


@administrator
@confirmed
async def invite(site: Site, request: Request) -> Response:
    """Make an invitation; its link is on this page, and never again."""
    form = await site.form(request)
    visitor = _visitor(site, request)
    email = form.text("email", 320)

    def make() -> Invited:
        with site.acting.index(visitor.actor, Action.INDEX_USERS):
            return site.invitations.invite(email, administrator=form.get("administrator") == "yes", by=visitor)

    try:
        invited = await site.run(make)
    except Misuse as fault:
        return await _page(site, request, status=400, fault=fault.message, email=email)
    return _made(site, request, invited, None)


@administrator
@confirmed
async def act(site: Site, request: Request) -> Response:
    """Something to one user, or to one invitation."""
    form = await site.form(request)
    visitor = _visitor(site, request)
    word, name = form.text("do", 20), form.text("name", 100)
    if word == "reset":

        def make() -> Invited:
            with site.acting.index(visitor.actor, Action.INDEX_USERS):
                return site.invitations.reset(name, by=visitor)

        return _made(site, request, await site.run(make), name)

    def change() -> str:
        with site.acting.index(visitor.actor, Action.INDEX_USERS):
            return _change(site, form, word, name)

    return site.to(site.link("admin.users"), said=await site.run(change))


def _change(site: Site, form: Form, word: str, name: str) -> str:
    changes: dict[str, tuple[Callable[[str], User], str]] = {
        "suspend": (site.people.suspend, "is suspended: signed out everywhere, and no token of theirs is taken"),
        "restore": (site.people.restore, "may sign in again, and their tokens are taken"),
        "promote": (site.people.promote, "is an administrator of the whole index"),
        "demote": (site.people.demote, "is no administrator any more"),
    }
    if word == "revoke":
        site.invitations.revoke(form.text("invitation", 64))
        return "The invitation is good for nothing any more."
    if word not in changes:
        raise Misuse("There is no such thing to do.")
    how, said = changes[word]
    return f"{how(name).name} {said}."


def _made(site: Site, request: Request, invited: Invited, name: str | None) -> Response:
    return site.page(
        request,
        "admin_invited.html",
        link_once=invited.link.reveal(),
        invitation=invited.invitation,
        name=name,
        sent=site.settings.relay is not None and bool(invited.invitation.email),
    )


def _visitor(site: Site, request: Request) -> Visitor:
    visitor = site.visitor(request)
    if visitor is None:
        raise SignInFirst
    return visitor


ROUTES = (
    Page(path=BASE + "users/", view=listed, name="admin.users"),
    Page(path=BASE + "users/", view=act, name="admin.users.post", methods=("POST",)),
    Page(path=BASE + "users/invite/", view=invite, name="admin.invite", methods=("POST",)),
)
