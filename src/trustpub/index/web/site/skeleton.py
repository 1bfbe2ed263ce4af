# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What all pages for people share: :class:`Site`, the decorators of views, and the frame around every request.

A view is ``async def view(site: Site, request: Request) -> Response``. It runs what waits (the store) by
``await site.run(function, …)`` in a thread, and lets actors through with ``site.acting``. A module of pages exports
``ROUTES: Sequence[Page]``, and is listed in :mod:`trustpub.index.web.site.table`. A POST ends with ``site.to(path,
said="…")``: 303, and a sentence on the next page; only what shows a secret once answers a POST with a page.

These end a view early, from any depth, and become a page: ``NotHere`` 404, ``NotAllowed`` 403, ``SignInFirst`` the
sign-in page, :class:`Stopped` whatever response it brings; and of the use cases ``Declined`` 409, ``Misuse`` 400, with
their sentence. A view that shows faults beside fields catches those two itself.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Declined, Misuse, TrustpubError
from trustpub.index.accounts.acting import Acting, NotAllowed, NotHere, SignInFirst
from trustpub.index.accounts.authority import Actor
from trustpub.index.accounts.invitations import Invitations
from trustpub.index.accounts.openid import OpenIdSignIn
from trustpub.index.accounts.second_factor import SecondFactor
from trustpub.index.accounts.sessions import Sessions, Visitor
from trustpub.index.accounts.signing_in import SigningIn
from trustpub.index.accounts.tokens import OwnTokens
from trustpub.index.browse.counts import Counts
from trustpub.index.browse.index_log import IndexLog
from trustpub.index.browse.log import Log
from trustpub.index.browse.projects import Browse
from trustpub.index.credentials import Credentials
from trustpub.index.manage.issuers import Issuers
from trustpub.index.manage.members import Members
from trustpub.index.manage.names import Names
from trustpub.index.manage.people import People
from trustpub.index.manage.projects import Projects
from trustpub.index.manage.publishers import Publishers
from trustpub.index.manage.records import Records
from trustpub.index.manage.switches import Switches
from trustpub.index.ports import Blobs, Clock, Probe, Store
from trustpub.index.settings import Settings
from trustpub.index.web.health import store_problem
from trustpub.index.web.site.forms import CSRF, BadForm, Form, local_path, read_form
from trustpub.index.web.site.rendering import templates
from trustpub.index.web.site.signing import GUEST, SAID, SESSION, Said, Signing
from trustpub.secret import Secret

_log = logging.getLogger("trustpub.index")
T = TypeVar("T")

SIGN_IN_PATH = "/login"
SECOND_FACTOR_PATH = "/login/second-factor"
CONFIRM_PATH = "/confirm"
ACCOUNT_PATH = "/manage/account/"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

SLOW_AT_ONCE = 2
"""Computations of passwords: each takes 64 MiB and a core for a tenth of a second or two."""

View = Callable[["Site", Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An address of the site."""

    path: str
    """As Starlette has it: ``/project/{name}/``."""
    view: View
    name: str
    """For links: ``site.link(name, …)``; in templates ``link(name, …)``."""
    methods: Sequence[str] = ("GET",)
    """HEAD comes with GET."""
    open: bool = False
    """Whether a private index shows it to those who are not signed in."""


class Stopped(Exception):
    """The request is answered, and the view is to end."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class _Csrf:
    """The form token, made when a template first asks for it: pages without a form set no cookie."""

    def __init__(self, site: Site, request: Request) -> None:
        self._site = site
        self._request = request

    def __html__(self) -> str:
        return self._site.form_token(self._request)

    __str__ = __html__


@dataclass(frozen=True, kw_only=True)
class Site:
    """The pages' way to everything: settings, store, clock, and the use cases that bootstrap gives."""

    settings: Settings
    store: Store
    clock: Clock
    signing: Signing
    acting: Acting
    sessions: Sessions
    signing_in: SigningIn
    second_factor: SecondFactor
    invitations: Invitations
    tokens: OwnTokens
    credentials: Credentials
    people: People
    projects: Projects
    publishers: Publishers
    issuers: Issuers
    names: Names
    records: Records
    blobs: Blobs
    browse: Browse
    members: Members
    log: Log
    index_log: IndexLog
    counts: Counts
    switches: Switches
    probe: Probe
    open_id: OpenIdSignIn | None = None
    pages: Mapping[str, Page] = field(default_factory=dict)
    """By name."""
    slow: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(SLOW_AT_ONCE))

    async def run(self, function: Callable[..., T], *args: Any, **values: Any) -> T:
        """What ``function`` returns, called in a thread."""
        return await anyio.to_thread.run_sync(partial(function, *args, **values))

    async def run_slowly(self, function: Callable[..., T], *args: Any, **values: Any) -> T:
        """:meth:`run`, for what computes passwords: few at a time, and the others wait without holding a thread that
        uploads and mints need.
        """
        work = partial(function, *args, **values)
        return await anyio.to_thread.run_sync(work, limiter=self.slow)

    # What a request brings.

    def visitor(self, request: Request) -> Visitor | None:
        """Who asks, if they are signed in, second factor included."""
        found: Visitor | None = request.state.visitor
        return found if found is not None and found.session.complete else None

    def half(self, request: Request) -> Visitor | None:
        """Who asks, if all they have yet to do is to give the second factor."""
        found: Visitor | None = request.state.visitor
        return found if found is not None and not found.session.complete else None

    def actor(self, request: Request) -> Actor | None:
        """Who asks, for :attr:`acting`."""
        visitor = self.visitor(request)
        return None if visitor is None else visitor.actor

    async def form(self, request: Request) -> Form:
        """The form that was sent, which must be one that this site showed to this browser.

        Raises:
            Stopped: it is not, with a page that says so (400, 403).
        """
        origin = request.headers.get("origin")
        if origin not in (None, "null", _origin(self.settings.public_url)):
            # "null" is sent by browsers that are told to hide where they are; then it is for the token to say.
            raise Stopped(self.fault(request, 403, "This form was sent from another site.", _AGAIN))
        try:
            form = await read_form(request)
        except BadForm as fault:
            raise Stopped(self.fault(request, 400, str(fault))) from None
        if not self.signing.form_token_fits(form.get(CSRF, ""), self._browser(request)):
            sentence = "This form is too old, or was not shown to this browser. Nothing was changed."
            raise Stopped(self.fault(request, 403, sentence, _AGAIN))
        return form

    def form_token(self, request: Request) -> str:
        """What a form on a page for this browser holds."""
        if not self._browser(request):
            request.state.guest = self.signing.new_guest()
            request.state.new_guest = True
        return self.signing.form_token(self._browser(request))

    def _browser(self, request: Request) -> str:
        """What tells this browser from every other: its session, else its cookie as a guest."""
        if request.state.visitor is not None:
            return f"session:{request.state.visitor.session.id}"
        return f"guest:{request.state.guest}" if request.state.guest else ""

    def peer(self, request: Request) -> str:
        """The address that asks."""
        return request.client.host if request.client else ""

    # Answers.

    def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """The template as a page. All have ``visitor, csrf, settings, said, here, link, knows, now``."""
        said: Sequence[Said] = self.signing.said(request)
        text = (
            templates()
            .get_template(template)
            .render(
                visitor=self.visitor(request),
                csrf=_Csrf(self, request),
                settings=self.settings,
                said=said,
                here=request.scope["path"],
                link=self.link,
                knows=self.pages.__contains__,
                now=self.clock(),
                **values,
            )
        )
        response = Response(text, status, media_type="text/html")
        if said or self.signing.read(request, SAID):
            self.signing.remove(response, SAID)
        return response

    def fault(self, request: Request, status: int, sentence: str = "", hint: str | None = None) -> Response:
        """A page that says what is wrong, and what to do."""
        return self.page(
            request, "fault.html", status=status, title=_TITLES.get(status, "That did not work"),
            sentence=sentence or _SENTENCES.get(status, ""), hint=hint,
        )  # fmt: skip

    def to(self, path: str, said: str = "", *, kind: str = "done") -> Response:
        """303 to a path of this site; ``said`` is shown there."""
        response = Response(b"", 303, {"Location": path})
        if said:
            self.signing.say(response, [Said(text=said, kind=kind)])
        return response

    def link(self, name: str, /, **parts: object) -> str:
        """Where the page of this name is, with these parts of its path, and the others as a query.

        Raises:
            KeyError: there is no such page, or a part is missing: a mistake of ours.
        """
        path = self.pages[name].path
        query: dict[str, object] = {}
        for key, value in parts.items():
            if f"{{{key}}}" in path:
                path = path.replace(f"{{{key}}}", quote(str(value), safe=""))
            else:
                query[key] = value
        if "{" in path:
            raise KeyError(f"a part of {path} is missing")
        found = "&".join(f"{quote(key, safe='')}={quote(str(value), safe='')}" for key, value in query.items())
        return f"{path}?{found}" if found else path

    def to_sign_in(self, request: Request) -> Response:
        """303 to the sign-in page, and from there back to the page that was asked for."""
        path = SECOND_FACTOR_PATH if self.half(request) is not None else SIGN_IN_PATH
        return self.to(f"{path}?next={quote(self.back(request), safe='/')}")

    def to_confirm(self, request: Request) -> Response:
        """303 to where the person proves to be it anew, and from there back."""
        return self.to(f"{CONFIRM_PATH}?next={quote(self.back(request), safe='/')}")

    def back(self, request: Request) -> str:
        """The page that was asked for; of a form, the one that shows it."""
        page: Page = request.state.page
        query = request.scope["query_string"].decode("latin-1")
        path = quote(request.scope["path"], safe="/")
        shown = any(one.path == page.path and "GET" in one.methods for one in self.pages.values())
        if request.method in ("GET", "HEAD") or shown:
            return local_path(f"{path}?{query}" if query else path, ACCOUNT_PATH)
        referer = request.headers.get("referer", "")
        if referer.startswith(f"{self.settings.public_url}/"):
            parts = urlsplit(referer)
            return local_path(f"{parts.path}?{parts.query}" if parts.query else parts.path, ACCOUNT_PATH)
        return ACCOUNT_PATH

    def sign_in(self, response: Response, cookie: Secret) -> None:
        """Give the browser its session, and nothing of the time before."""
        self.signing.write(response, SESSION, cookie.reveal())
        self.signing.remove(response, GUEST)

    def sign_out(self, response: Response) -> None:
        """Have the browser forget its session."""
        self.signing.remove(response, SESSION)

    # The frame around every view.

    def endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """The page's view, for Starlette."""

        async def asked(request: Request) -> Response:
            await self.prepare(request, page)
            response = await self._answer(request, page)
            return self.finish(request, response)

        return asked

    async def prepare(self, request: Request, page: Page | None = None) -> None:
        """Find out who asks. Once per request, before anything else of this class is used."""
        request.state.page = page
        request.state.new_guest = False
        request.state.guest = self.signing.read(request, GUEST)
        cookie = self.signing.read(request, SESSION)
        request.state.visitor = await self.run(self.sessions.recognise, Secret(cookie)) if cookie else None

    async def _answer(self, request: Request, page: Page) -> Response:
        try:
            if self.settings.private and not page.open and self.visitor(request) is None:
                # Whatever is asked for, be it there or not.
                return self.to_sign_in(request)
            return await page.view(self, request)
        except Stopped as early:
            return early.response
        except SignInFirst:
            return self.to_sign_in(request)
        except NotHere:
            return self.fault(request, 404)
        except NotAllowed:
            return self.fault(request, 403)
        except Declined as error:
            return self.fault(request, 409, error.message, error.hint)
        except Misuse as error:
            return self.fault(request, 400, error.message, error.hint)
        except TrustpubError as error:  # of the store: the disk is full, the database locked
            _log.error("%s", error.message)
            problem = store_problem(error)
            return self.fault(request, problem.status, problem.detail or "")

    def finish(self, request: Request, response: Response) -> Response:
        """Headers and cookies that every page has."""
        if request.state.new_guest:
            self.signing.write(response, GUEST, request.state.guest)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Vary", "Cookie")
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        # With "no-referrer" browsers say "Origin: null" of our own forms.
        response.headers["Referrer-Policy"] = "same-origin"
        return response


_AGAIN = "Go back, reload the page and try again."
_TITLES = {
    400: "That cannot be done",
    403: "That is not for you",
    404: "There is nothing here",
    405: "That cannot be done here",
    409: "That cannot be done",
    429: "Too many attempts",
    503: "The index cannot do this now",
    507: "The index is full",
}
_SENTENCES = {
    403: "You can see this, and may not do that to it. One of its owners, or an administrator, can.",
    404: "There is no such page, or none that you may see.",
    405: "This address does not take this method.",
}


def _origin(url: str) -> str:
    """As browsers write it: without the port that is understood."""
    scheme, _, host = url.partition("://")
    return f"{scheme}://{host.removesuffix({'http': ':80', 'https': ':443'}.get(scheme, ''))}"


def signed_in(view: View) -> View:
    """``view``, for those who are signed in; others sign in first."""

    @wraps(view)
    async def asked(site: Site, request: Request) -> Response:
        if site.visitor(request) is None:
            raise SignInFirst
        return await view(site, request)

    return asked


def confirmed(view: View) -> View:
    """``view``, for those who are signed in and proved to be it within ten minutes; others prove it first."""

    @wraps(view)
    async def asked(site: Site, request: Request) -> Response:
        visitor = site.visitor(request)
        if visitor is None:
            raise SignInFirst
        if not visitor.confirmed(site.clock()):
            raise Stopped(site.to_confirm(request))
        return await view(site, request)

    return asked


def administrator(view: View) -> View:
    """``view``, for administrators of the index; to all others who are signed in there is nothing here."""

    @wraps(view)
    async def asked(site: Site, request: Request) -> Response:
        visitor = site.visitor(request)
        if visitor is None:
            raise SignInFirst
        if not visitor.user.administrator:
            raise NotHere
        return await view(site, request)

    return asked
