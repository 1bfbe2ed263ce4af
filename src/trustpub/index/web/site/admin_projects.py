# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every project, every publisher, and the names that nobody may have."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Declined, Misuse
from trustpub.index.accounts.authority import Action
from trustpub.index.browse.projects import Hits, called
from trustpub.index.registration import MAX_HOLD_DAYS
from trustpub.index.web.site.administration import BASE
from trustpub.index.web.site.skeleton import Page, Site, administrator, confirmed
from trustpub.trust.publishers import Publisher

PAGE = 100


@administrator
async def projects(site: Site, request: Request) -> Response:
    """Projects by name, with what each is."""
    words, after = request.query_params.get("q", ""), request.query_params.get("after", "")

    def look() -> Hits:
        with site.acting.index(site.actor(request), Action.INDEX_PROJECTS):
            return site.browse.search(words, lambda project: True, after=after[:200])

    hits = await site.run(look)
    query = {"q": hits.words} if hits.words else {}
    older = None if hits.after is None else site.link("admin.projects", **query, after=hits.after)
    return site.page(request, "admin_projects.html", hits=hits, older=older)


@administrator
async def quarantine(site: Site, request: Request) -> Response:
    """Put a project into quarantine, or let it out."""
    form = await site.form(request)
    name, reason = form.text("name", 200), form.text("reason", 1000)

    def change() -> str:
        with site.acting.project(site.actor(request), Action.PROJECT_QUARANTINE, name) as granted:
            if form.text("do", 20) == "quarantine":
                site.projects.quarantine(granted.project.name, reason)
                return f"{granted.project.name} is in quarantine: no file of it is served, and none is taken."
            if form.text("do", 20) == "release":
                status = site.projects.release(granted.project.name).status
                return f"{granted.project.name} is out of quarantine, and {status}."
            raise Misuse("There is no such thing to do.")

    return site.to(site.link("admin.projects"), said=await site.run(change))


@administrator
async def publishers(site: Site, request: Request) -> Response:
    """All publishers, with their projects."""
    words = request.query_params.get("q", "").strip()[:200].casefold()
    given = request.query_params.get("from", "")
    begin = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0

    def look() -> Sequence[Publisher]:
        with site.acting.index(site.actor(request), Action.INDEX_PUBLISHERS):
            return site.publishers.all()

    found = [one for one in await site.run(look) if words in _text(one)]
    query = {"q": words} if words else {}
    more = begin + PAGE < len(found)
    return site.page(
        request,
        "admin_publishers.html",
        publishers=[(one, called(one)) for one in found[begin : begin + PAGE]],
        count=len(found),
        words=words,
        older=site.link("admin.publishers", **query, **{"from": begin + PAGE}) if more else None,
    )


@administrator
@confirmed
async def remove(site: Site, request: Request) -> Response:
    """Take a project, or all of them, from a publisher, with every token it was minted if none is left."""
    form = await site.form(request)
    publisher_id, project = form.text("publisher", 100), form.text("project", 200) or None

    def change() -> str:
        with site.acting.index(site.actor(request), Action.INDEX_PUBLISHERS):
            gone = site.publishers.remove(publisher_id, project)
            return f"{called(gone)} may no longer publish {project or 'anything'}."

    return site.to(site.link("admin.publishers"), said=await site.run(change))


@administrator
async def names(site: Site, request: Request) -> Response:
    """Names that nobody may register, and for how long one is held."""
    return await _names(site, request)


async def _names(site: Site, request: Request, *, fault: str = "", name: str = "") -> Response:
    def look() -> tuple[Sequence[tuple[str, str]], int]:
        with site.acting.index(site.actor(request), Action.INDEX_NAMES):
            return site.names.prohibited(), site.names.hold_days()

    prohibited, days = await site.run(look)
    return site.page(
        request,
        "admin_names.html",
        status=400 if fault else 200,
        prohibited=prohibited,
        days=days,
        most=MAX_HOLD_DAYS,
        fault=fault,
        name=name,
    )


@administrator
async def change_names(site: Site, request: Request) -> Response:
    """Prohibit a name, permit it again, or say how long one is held."""
    form = await site.form(request)
    name = form.text("name", 200)

    def change() -> str:
        with site.acting.index(site.actor(request), Action.INDEX_NAMES):
            match form.text("do", 20):
                case "prohibit":
                    there = site.names.prohibit(name, form.text("reason", 1000))
                    stays = "" if there is None else " The project that has it stays."
                    return f"Nobody can register {name} any more.{stays}"
                case "permit":
                    site.names.permit(name)
                    return f"{name} can be registered again."
                case "hold":
                    days = form.text("days", 9)
                    site.names.set_hold_days(int(days) if days.isascii() and days.isdigit() else 0)
                    return f"Names that are registered from now on are held for {days} days."
            raise Misuse("There is no such thing to do.")

    try:
        said = await site.run(change)
    except (Declined, Misuse) as fault:
        return await _names(site, request, fault=fault.message, name=name)
    return site.to(site.link("admin.names"), said=said)


def _text(one: Publisher) -> str:
    projects = " ".join(link.project for link in one.links)
    return f"{one.id} {one.kind} {one.issuer} {' '.join(one.fields.values())} {projects}".casefold()


ROUTES = (
    Page(path=BASE + "projects/", view=projects, name="admin.projects"),
    Page(path=BASE + "projects/", view=quarantine, name="admin.projects.post", methods=("POST",)),
    Page(path=BASE + "publishers/", view=publishers, name="admin.publishers"),
    Page(path=BASE + "publishers/", view=remove, name="admin.publishers.post", methods=("POST",)),
    Page(path=BASE + "names/", view=names, name="admin.names"),
    Page(path=BASE + "names/", view=change_names, name="admin.names.post", methods=("POST",)),
)
