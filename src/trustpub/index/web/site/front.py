# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The front door: a page for people, and plain text for everybody else, as for who looks with curl."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from trustpub.index.credentials import TOKEN_USER
from trustpub.index.settings import Settings
from trustpub.index.web.answers import accepted
from trustpub.index.web.site.skeleton import Page, Site
from trustpub.protocol.quality import media_quality
from trustpub.protocol.upload import UPLOAD_PATH


async def front(site: Site, request: Request) -> Response:
    """What this is, and how it is used."""
    if not for_people(request):
        answer: Response = PlainTextResponse(door(site.settings))
    else:
        answer = site.page(request, "front.html", upload_url=site.settings.public_url + UPLOAD_PATH)
    answer.headers["Vary"] = "Accept, Cookie"
    return answer


def for_people(request: Request) -> bool:
    """Whether HTML is asked for by its name, as browsers do."""
    accept = accepted(request) or ""
    html = media_quality("text/html", accept)
    return "html" in accept.lower() and 0 < html >= media_quality("text/plain", accept)


def door(settings: Settings) -> str:
    """The same as text."""
    url = settings.public_url
    lines = [
        "This is a Python package index with Trusted Publishing, run by trustpub.",
        "",
        f"Install from   {url}/simple/",
        f"Upload to      {url}{UPLOAD_PATH}",
        f"Audience       {settings.audience}",
    ]
    if settings.private:
        lines += ["", f"It is private: to install, give the user name {TOKEN_USER} and a token of scope 'read'."]
    if settings.rehearsal:
        lines += ["", "It is a rehearsal: nothing here is real, and all of it will be thrown away."]
    return "\n".join(lines) + "\n"


ROUTES = (Page(path="/", view=front, name="front", open=True),)
