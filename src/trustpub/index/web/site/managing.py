# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Pages on which a project is looked after: yanked, deleted, archived, and asked more of.

What cannot be undone, and what asks less of uploads than before, wants proof anew of who it is; deleting and archiving
want the project's name typed besides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Misuse
from trustpub.index.accounts.acting import Granted, NotHere
from trustpub.index.accounts.authority import Action
from trustpub.index.browse.projects import ShownProject
from trustpub.index.kept import ARCHIVED, DEPRECATED, ONCE, OPTIONAL, REQUIRED, File
from trustpub.index.manage.projects import Chosen
from trustpub.index.simple import normal_version
from trustpub.index.web.site.forms import Form
from trustpub.index.web.site.skeleton import Page, Site, confirmed, signed_in
from trustpub.packages.names import normalize
from trustpub.protocol.simple import parsed_version

POLICIES = (
    (OPTIONAL, "Files may come without one"),
    (ONCE, "Every file needs one, from the first that comes with one on"),
    (REQUIRED, "Every file needs one"),
)


@signed_in
async def overview(site: Site, request: Request) -> Response:
    """The project, for those who look after it."""

    def look() -> tuple[Granted, ShownProject | None]:
        with site.acting.project(site.actor(request), Action.PROJECT_MANAGE, _name(request)) as granted:
            return granted, site.browse.project(granted.project)

    granted, shown = await site.run(look)
    return site.page(request, "manage_project.html", granted=granted, shown=shown, may=_may(granted))


@signed_in
async def release(site: Site, request: Request) -> Response:
    """One release: its files, which can be yanked and offered again."""
    form = await site.form(request) if request.method == "POST" else None
    if form is not None:
        return await _yank(site, request, form)
    granted, version, files = await site.run(_files, site, request, Action.PROJECT_MANAGE)
    return site.page(
        request, "manage_release.html", granted=granted, version=version, files=files, may=_may(granted)
    )  # fmt: skip


async def _yank(site: Site, request: Request, form: Form) -> Response:
    what, reason = form.text("do", 20), form.text("reason", 1000)

    def change() -> str:
        with site.acting.project(site.actor(request), Action.PROJECT_YANK, _name(request)) as granted:
            chosen = _chosen(site, granted, request, form.text("filename", 500))
            if what == "yank":
                done = site.projects.yank(granted.project.name, chosen, reason)
                return f"{_counted(done)} yanked: installers pass by what is yanked, unless asked for it by version."
            if what == "unyank":
                return f"{_counted(site.projects.unyank(granted.project.name, chosen))} offered again."
            raise Misuse("There is no such thing to do.")

    path = site.link("manage-release", name=_name(request), version=request.path_params["version"])
    return site.to(path, said=await site.run(change))


@confirmed
async def delete(site: Site, request: Request) -> Response:
    """Delete a release, or one file of it, for good."""
    form = await site.form(request) if request.method == "POST" else None
    filename = (request.query_params.get("filename", "") if form is None else form.get("filename", ""))[:500]
    granted, version, files = await site.run(_files, site, request, Action.PROJECT_DELETE)
    meant = [one for one in files if not filename or one.filename == filename]
    if not meant:
        raise NotHere
    fault = ""
    if form is not None:
        fault = _typed(form, granted)
        if not fault:
            return await _delete(site, request, form, filename)
    return site.page(
        request,
        "manage_delete.html",
        status=400 if fault else 200,
        granted=granted,
        version=version,
        files=meant,
        filename=filename,
        whole=len(meant) == len(files),
        fault=fault,
        reason="" if form is None else form.text("reason", 1000),
    )


async def _delete(site: Site, request: Request, form: Form, filename: str) -> Response:
    def change() -> tuple[Granted, Sequence[File], bool]:
        with site.acting.project(site.actor(request), Action.PROJECT_DELETE, _name(request)) as granted:
            chosen = _chosen(site, granted, request, filename)
            gone = site.projects.delete(granted.project.name, chosen, form.text("reason", 1000))
            return granted, gone, not filename

    granted, gone, whole = await site.run(change)
    where = {"name": granted.project.normalized}
    if whole or not await site.run(_left, site, request):
        path = site.link("manage-project", **where)
    else:
        path = site.link("manage-release", **where, version=request.path_params["version"])
    return site.to(path, said=f"{_counted(gone)} deleted for good.")


@signed_in
async def settings(site: Site, request: Request) -> Response:
    """What uploads must bring, and what the project says of itself."""
    if request.method == "POST":
        return await change_settings(site, request)

    def look() -> Granted:
        with site.acting.project(site.actor(request), Action.PROJECT_MANAGE, _name(request)) as granted:
            return granted

    return _settings_page(site, request, await site.run(look))


@confirmed
async def change_settings(site: Site, request: Request) -> Response:
    """One of the forms of :func:`settings`."""
    form = await site.form(request)
    wanted = _CHANGES.get(form.text("do", 20))
    if wanted is None:
        raise Misuse("There is no such thing to do.")
    action, change = wanted

    def act() -> tuple[Granted, str, str]:
        with site.acting.project(site.actor(request), action, _name(request)) as granted:
            fault = _typed(form, granted) if form.text("do") in _TYPED else ""
            return granted, fault, "" if fault else change(site, granted.project.name, form)

    granted, fault, said = await site.run(act)
    if fault:
        return _settings_page(site, request, granted, fault=fault, of=form.text("do"))
    return site.to(site.link("manage-settings", name=granted.project.normalized), said=said)


def _settings_page(site: Site, request: Request, granted: Granted, *, fault: str = "", of: str = "") -> Response:
    return site.page(
        request,
        "manage_settings.html",
        status=400 if fault else 200,
        granted=granted,
        may=_may(granted),
        policies=POLICIES,
        fault=fault,
        fault_of=of,
    )


def _policy(site: Site, name: str, form: Form) -> str:
    site.projects.set_policy(
        name, trusted_only=form.get("trusted_only") == "yes", attestations=form.text("attestations", 20)
    )
    return "The policy holds from the next upload on."


def _archive(site: Site, name: str, form: Form) -> str:
    site.projects.archive(name, form.text("reason", 1000))
    return "The project is archived: it takes no uploads."


def _deprecate(site: Site, name: str, form: Form) -> str:
    site.projects.deprecate(name, form.text("reason", 1000))
    return "The project says that it is deprecated."


def _reactivate(site: Site, name: str, form: Form) -> str:
    site.projects.reactivate(name, ARCHIVED if form.text("do") == "unarchive" else DEPRECATED)
    return "The project is active again."


def _quarantine(site: Site, name: str, form: Form) -> str:
    site.projects.quarantine(name, form.text("reason", 1000))
    return "The project is in quarantine: no file of it is served, and none is taken."


def _release(site: Site, name: str, form: Form) -> str:
    project = site.projects.release(name)
    return f"The project is out of quarantine, and {project.status}."


_CHANGES: dict[str, tuple[Action, Callable[[Site, str, Form], str]]] = {
    "policy": (Action.PROJECT_POLICY, _policy),
    "archive": (Action.PROJECT_ARCHIVE, _archive),
    "unarchive": (Action.PROJECT_ARCHIVE, _reactivate),
    "deprecate": (Action.PROJECT_ARCHIVE, _deprecate),
    "undeprecate": (Action.PROJECT_ARCHIVE, _reactivate),
    "quarantine": (Action.PROJECT_QUARANTINE, _quarantine),
    "release": (Action.PROJECT_QUARANTINE, _release),
}
_TYPED = frozenset({"archive", "quarantine"})
"""What wants the project's name typed."""


def _name(request: Request) -> str:
    return str(request.path_params["name"])


def _may(granted: Granted) -> Callable[[str], bool]:
    """For templates: whether the visitor may, by the action's own text."""
    return lambda action: granted.may(Action(action))


def _typed(form: Form, granted: Granted) -> str:
    """What is wrong with the name that was typed; empty if it is the project's."""
    typed = form.text("typed", 200)
    if typed and normalize(typed) == granted.project.normalized:
        return ""
    return f"Type the project's name, {granted.project.name}. Nothing was changed."


def _files(site: Site, request: Request, action: Action) -> tuple[Granted, str, Sequence[File]]:
    """The files of the release that the path names, in quarantine too; not deleted ones."""
    with site.acting.project(site.actor(request), action, _name(request)) as granted:
        version, files = _of_release(site, request, granted)
    return granted, version, files


def _of_release(site: Site, request: Request, granted: Granted) -> tuple[str, Sequence[File]]:
    version = normal_version(request.path_params["version"])
    there = [one for one in site.projects.show(granted.project.name).files if one.deleted is None]
    files = [one for one in there if str(parsed_version(one.version)) == version]
    if version is None or not files:
        raise NotHere
    return version, sorted(files, key=lambda one: one.filename)


def _left(site: Site, request: Request) -> bool:
    try:
        return bool(_files(site, request, Action.PROJECT_MANAGE)[2])
    except NotHere:
        return False


def _chosen(site: Site, granted: Granted, request: Request, filename: str) -> Chosen:
    """The one file of the release in the path that the form names, or all that its page shows.

    By name: 1.0 and 1.0.0 are one version to :class:`Chosen`, and two releases on pages.
    """
    _, files = _of_release(site, request, granted)
    meant = tuple(one.filename for one in files if not filename or one.filename == filename)
    if not meant:
        raise NotHere
    return Chosen(filenames=meant)


def _counted(files: Sequence[File]) -> str:
    return "1 file" if len(files) == 1 else f"{len(files)} files"


_BASE = "/manage/project/{name}/"

ROUTES = (
    Page(path=_BASE, view=overview, name="manage-project"),
    Page(path=_BASE + "release/{version}/", view=release, name="manage-release", methods=("GET", "POST")),
    Page(path=_BASE + "release/{version}/delete/", view=delete, name="manage-delete", methods=("GET", "POST")),
    Page(path=_BASE + "settings/", view=settings, name="manage-settings", methods=("GET", "POST")),
)
