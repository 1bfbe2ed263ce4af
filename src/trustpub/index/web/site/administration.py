# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Administration: how the index does, what can be stopped, and the log of all that happened."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trustpub.errors import Misuse
from trustpub.index.accounts.authority import Action
from trustpub.index.browse.index_log import FORMATS, KINDS, read_asked
from trustpub.index.manage.switches import MAX_REASON
from trustpub.index.web.site.chart import chart
from trustpub.index.web.site.skeleton import Page, Site, administrator, confirmed
from trustpub.trust.issuers import PROVIDERS

BASE = "/admin/"


@administrator
async def overview(site: Site, request: Request) -> Response:
    """The switches, and accepted and refused mints of the last days."""

    def look() -> tuple[object, object]:
        with site.acting.index(site.actor(request), Action.INDEX_SWITCHES):
            return site.switches.stopped(), chart(site.counts.days())

    stopped, drawn = await site.run(look)
    return site.page(
        request,
        "admin.html",
        stopped=stopped,
        chart=drawn,
        providers=[(kind, provider.title) for kind, provider in PROVIDERS.items()],
        longest=MAX_REASON,
    )


@administrator
@confirmed
async def switch(site: Site, request: Request) -> Response:
    """Stop something, or go on."""
    form = await site.form(request)
    on, kind, reason = form.get("on") == "yes", form.text("kind", 100), form.text("reason", 1000)

    def change() -> str:
        with site.acting.index(site.actor(request), Action.INDEX_SWITCHES):
            if form.text("do", 20) == "read-only":
                site.switches.set_read_only(on=on, reason=reason)
                return "The index is read-only: it takes no upload and mints nothing." if on else "The index goes on."
            if form.text("do", 20) == "minting":
                site.switches.stop_minting(kind, on=on, reason=reason)
                title = PROVIDERS[kind].title
                return f"Nothing is minted for {title}." if on else f"Tokens are minted for {title} again."
            raise Misuse("There is no such thing to do.")

    return site.to(site.link("administration"), said=await site.run(change))


@administrator
async def log(site: Site, request: Request) -> Response:
    """What happened on the whole index, the newest first; with ``format``, all of it as a file."""
    asked = read_asked(request.query_params)
    form = request.query_params.get("format", "")
    if form in FORMATS:
        return await _export(site, request, form)

    def look() -> object:
        with site.acting.index(site.actor(request), Action.INDEX_AUDIT):
            return site.index_log.page(asked)

    page: object = await site.run(look)
    before = getattr(page, "before", None)
    query = asked.query()
    return site.page(
        request,
        "admin_log.html",
        page=page,
        groups=[("", "Everything"), *((word, title) for word, (title, _) in KINDS.items())],
        asked={"group": "", "project": "", "since": "", "until": "", **query},
        older=None if before is None else site.link("admin.log", **query, before=before),
        exports=[(form, site.link("admin.log", **query, format=form)) for form in FORMATS],
    )


async def _export(site: Site, request: Request, form: str) -> Response:
    asked = read_asked(request.query_params)

    def begin() -> None:
        with site.acting.index(site.actor(request), Action.INDEX_AUDIT):
            pass

    await site.run(begin)
    headers = {"Content-Disposition": f'attachment; filename="audit-log.{form}"'}
    return StreamingResponse(site.index_log.export(asked, form), media_type=FORMATS[form], headers=headers)


ROUTES = (
    Page(path=BASE, view=overview, name="administration"),
    Page(path=BASE + "switches/", view=switch, name="admin.switches", methods=("POST",)),
    Page(path=BASE + "log/", view=log, name="admin.log"),
)
