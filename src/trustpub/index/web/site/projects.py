# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Pages that show projects: the search, a project, one of its releases, and the list of one's own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from trustpub.index.accounts.acting import Granted, NotHere
from trustpub.index.accounts.authority import Action, may
from trustpub.index.browse.projects import Hits, ShownProject
from trustpub.index.kept import Project
from trustpub.index.simple import normal_version
from trustpub.index.web.site.skeleton import Page, Site, signed_in
from trustpub.index.web.site.strip import MAX_MARKS, draw


async def search(site: Site, request: Request) -> Response:
    """Projects by their names."""
    words, after = request.query_params.get("q", ""), request.query_params.get("after", "")
    actor = site.actor(request)

    def visible(project: Project) -> bool:
        return may(actor, Action.PROJECT_READ, project, private=site.settings.private)

    def find() -> Hits:
        with site.acting.index(actor, Action.INDEX_READ):
            return site.browse.search(words, visible, after=after[:200])

    return site.page(request, "search.html", hits=await site.run(find), after=after)


async def project(site: Site, request: Request) -> Response:
    """A project, with its newest release."""
    return await _shown(site, request, None)


async def release(site: Site, request: Request) -> Response:
    """One release of it."""
    version = normal_version(request.path_params["version"])
    if version is None:
        raise NotHere
    return await _shown(site, request, version)


async def _shown(site: Site, request: Request, version: str | None) -> Response:
    actor, name = site.actor(request), request.path_params["name"]

    def look() -> tuple[Granted, ShownProject | None]:
        with site.acting.project(actor, Action.PROJECT_READ, name) as granted:
            return granted, site.browse.project(granted.project, version)

    granted, shown = await site.run(look)
    if shown is None:
        raise NotHere
    if name != granted.project.normalized or version != request.path_params.get("version"):
        # One address for each page, however its name and version were spelled.
        where = {"name": granted.project.normalized, **({} if version is None else {"version": version})}
        return site.to(site.link("project" if version is None else "release", **where))
    drawing = draw(shown.strip)
    everything = request.query_params.get("releases") == "all"
    marks = list(reversed(shown.strip.marks if everything else shown.strip.marks[-MAX_MARKS:]))
    return site.page(
        request,
        "project.html",
        shown=shown,
        granted=granted,
        manages=granted.may(Action.PROJECT_MANAGE),
        drawing=drawing,
        marks=marks,
        install=site.browse.install_line(shown),
    )


@signed_in
async def mine(site: Site, request: Request) -> Response:
    """The visitor's own projects, and names that are held for them."""
    visitor = site.visitor(request)
    found = [] if visitor is None else await site.run(site.browse.mine, visitor.user.id)
    return site.page(request, "projects.html", found=found)


ROUTES = (
    Page(path="/search", view=search, name="search"),
    Page(path="/project/{name}/", view=project, name="project"),
    Page(path="/project/{name}/{version}/", view=release, name="release"),
    Page(path="/manage/projects/", view=mine, name="projects"),
)
