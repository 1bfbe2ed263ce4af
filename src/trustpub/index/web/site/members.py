# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of a project's members, and that of its audit log."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Declined, Misuse, TrustpubError
from trustpub.index.accounts.acting import Granted, NotHere
from trustpub.index.accounts.authority import Action
from trustpub.index.browse.log import GROUPS, LogPage, read_wanted
from trustpub.index.kept import MAINTAINER, Member
from trustpub.index.web.site.forms import Form
from trustpub.index.web.site.skeleton import Page, Site, confirmed, signed_in

ROLE_CHOICES = (
    (MAINTAINER, "Maintainer: uploads, and yanks"),
    ("owner", "Owner: also deletes, and says who may publish"),
)


@signed_in
async def members(site: Site, request: Request) -> Response:
    """Who is of the project."""
    if request.method == "POST":
        return await change_members(site, request)
    return await _members_page(site, request)


async def _members_page(site: Site, request: Request, form: Form | None = None, fault: str = "") -> Response:
    def look() -> tuple[Granted, Sequence[Member]]:
        with site.acting.project(site.actor(request), Action.PROJECT_MEMBERS_READ, _name(request)) as granted:
            return granted, site.members.all(granted.project)

    granted, found = await site.run(look)
    return site.page(
        request,
        "manage_members.html",
        status=400 if fault else 200,
        granted=granted,
        members=found,
        roles=ROLE_CHOICES,
        changes=granted.may(Action.PROJECT_MEMBERS),
        fault=fault,
        typed="" if form is None else form.text("user", 100),
        role=MAINTAINER if form is None else form.text("role", 20),
    )


@confirmed
async def change_members(site: Site, request: Request) -> Response:
    """One of the forms of :func:`members`."""
    form = await site.form(request)
    visitor = site.visitor(request)
    leaving = visitor is not None and form.text("member", 100) == visitor.user.id and form.text("do") == "remove"

    def change() -> tuple[Granted, str]:
        # To go is everybody's right; all else is for owners.
        action = Action.PROJECT_MANAGE if leaving else Action.PROJECT_MEMBERS
        with site.acting.project(site.actor(request), action, _name(request)) as granted:
            return granted, _change(site, granted, form, leaving=leaving)

    try:
        granted, said = await site.run(change)
    except (Declined, Misuse) as error:
        return await _members_page(site, request, form, fault=_told(error))
    if leaving:
        return site.to(site.link("projects"), said=said)
    return site.to(site.link("manage-members", name=granted.project.normalized), said=said)


def _change(site: Site, granted: Granted, form: Form, *, leaving: bool) -> str:
    name, role = granted.project.name, form.text("role", 20)
    match form.text("do", 20):
        case "add":
            member = site.members.add(name, form.text("user", 100), role)
            return f"{member.user.name} is a member now ({member.role})."
        case "role":
            member = site.members.set_role(name, form.text("member", 100), role)
            return f"{member.user.name} has another role now ({member.role})."
        case "remove":
            member = site.members.remove(name, form.text("member", 100), left=leaving)
            return f"{member.user.name} is no member any more."
    raise Misuse("There is no such thing to do.")


def _told(error: TrustpubError) -> str:
    return f"{error.message} {error.hint}" if error.hint else error.message


@signed_in
async def log(site: Site, request: Request) -> Response:
    """What happened to the project, the newest first."""
    wanted = read_wanted(request.query_params)

    def look() -> tuple[Granted, LogPage]:
        with site.acting.project(site.actor(request), Action.PROJECT_AUDIT, _name(request)) as granted:
            return granted, site.log.page(granted.project.id, wanted)

    granted, page = await site.run(look)
    asked = {
        "group": wanted.group,
        "since": "" if wanted.since is None else wanted.since.isoformat(),
        "until": "" if wanted.until is None else wanted.until.isoformat(),
    }
    older = None
    if page.before is not None:
        kept = {name: value for name, value in asked.items() if value}
        older = site.link("manage-log", name=granted.project.normalized, **kept, before=page.before)
    return site.page(
        request,
        "manage_log.html",
        granted=granted,
        page=page,
        groups=[("", "Everything"), *((word, title) for word, (title, _) in GROUPS.items())],
        asked=asked,
        older=older,
    )


def _name(request: Request) -> str:
    name = str(request.path_params["name"])
    if len(name) > 200:
        raise NotHere
    return name


_BASE = "/manage/project/{name}/"

ROUTES = (
    Page(path=_BASE + "members/", view=members, name="manage-members", methods=("GET", "POST")),
    Page(path=_BASE + "log/", view=log, name="manage-log"),
)
