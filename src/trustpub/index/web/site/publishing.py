# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Pages about publishers: those of a project, those of a first release to come, and attempts that were refused.

What may change something asks for proof anew of who it is, and says so before anything is typed. Every id from a path
or a form is looked up together with its project (:class:`trustpub.index.manage.publishing.Publishing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Declined
from trustpub.index.accounts.acting import Granted, NotHere
from trustpub.index.accounts.authority import Action
from trustpub.index.accounts.sessions import Visitor
from trustpub.index.kept import Project
from trustpub.index.manage.enrolment import Registered
from trustpub.index.manage.publisher_forms import (
    RETYPED,
    PublisherForm,
    Typed,
    as_typed,
    form_for,
    read_rules_typed,
    read_typed,
    rules_form,
)
from trustpub.index.manage.publishers import NoIds
from trustpub.index.manage.publishing import Overview, Publishing, Taken, Tried, same_name
from trustpub.index.manage.remedy import Remedy, called
from trustpub.index.manage.snippet import snippet
from trustpub.index.registration import BadRegistration, Wrong
from trustpub.index.web.site.skeleton import Page, Site, confirmed, signed_in
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Publisher, Rules

_PREFILLED = "prefilled"
"""A hidden input of a form that somebody else filled in: a link, or a job."""


def _publishing(site: Site) -> Publishing:
    return Publishing(site.store, site.clock, site.publishers)


def _name(request: Request) -> str:
    return str(request.path_params["name"])


# Pending publishers, of a person.


@signed_in
async def pending(site: Site, request: Request) -> Response:
    """Names that are held for first releases, and the form for one more."""
    if request.method == "POST":
        return await _hold(site, request)
    return await _pending_page(site, request, *await _opened(site, request))


@confirmed
async def _hold(site: Site, request: Request) -> Response:
    sent, visitor = await _sent(site, request), _visitor(site, request)

    def hold() -> Registered:
        with site.acting.index(visitor.actor, _HOLD):
            return _publishing(site).hold(visitor.user, sent.typed)

    done = await _tried(site, hold, sent)
    if isinstance(done, PublisherForm):
        return await _pending_page(site, request, done, sent.issuers, status=400)
    return site.to(
        site.link("pending-publishers"),
        said=_said(f"The name {done.project.name} is held for its first release.", done),
    )


async def _pending_page(
    site: Site,
    request: Request,
    form: PublisherForm | None,
    issuers: Mapping[str, Sequence[str]],
    *,
    status: int = 200,
) -> Response:
    visitor = _visitor(site, request)

    def look() -> Sequence[tuple[Project, Sequence[Publisher]]]:
        with site.acting.index(visitor.actor, Action.ACCOUNT_PENDING_READ):
            return _publishing(site).held(visitor.user)

    held = await site.run(look)
    return site.page(
        request,
        "publishing_pending.html",
        status=status,
        held=held,
        called=_called,
        providers=PROVIDERS,
        **_form_values(site, request, form, issuers),
    )


@confirmed
async def remove_pending(site: Site, request: Request) -> Response:
    """Let go of a publisher of a first release, and of the name where it was the only one."""
    form = await site.form(request)
    visitor, publisher_id = _visitor(site, request), form.text("publisher", 100)

    def remove() -> str:
        with site.acting.index(visitor.actor, _HOLD):
            publishing = _publishing(site)
            for project, publishers in publishing.held(visitor.user):
                for one in publishers:
                    if one.id == publisher_id and project.name == form.get("project"):
                        publishing.remove(project, one)
                        return project.name
        raise NotHere

    name = await site.run(remove)
    return site.to(site.link("pending-publishers"), said=f"The publisher of {name} is removed.")


# Publishers of a project.


@signed_in
async def publishers(site: Site, request: Request) -> Response:
    """Publishers of the project, recent attempts, and the form for one more."""
    if request.method == "POST":
        return await _add(site, request)
    return await _project_page(site, request, *await _opened(site, request))


@confirmed
async def _add(site: Site, request: Request) -> Response:
    sent, visitor = await _sent(site, request, _name(request)), _visitor(site, request)

    def add() -> Registered:
        with site.acting.project(visitor.actor, Action.PROJECT_PUBLISHERS_CHANGE, _name(request)) as granted:
            return _publishing(site).add(visitor.user, granted.project, sent.typed)

    done = await _tried(site, add, sent)
    if isinstance(done, PublisherForm):
        return await _project_page(site, request, done, sent.issuers, status=400)
    path = site.link("publisher", name=done.project.normalized, publisher=done.publisher.id)
    return site.to(path, said=_said(f"The publisher may publish {done.project.name} now.", done))


async def _project_page(
    site: Site,
    request: Request,
    form: PublisherForm | None,
    issuers: Mapping[str, Sequence[str]],
    *,
    status: int = 200,
) -> Response:
    def look() -> tuple[Granted, Overview]:
        with site.acting.project(site.actor(request), Action.PROJECT_PUBLISHERS_READ, _name(request)) as granted:
            return granted, _publishing(site).overview(granted.project)

    granted, overview = await site.run(look)
    may_change = granted.may(Action.PROJECT_PUBLISHERS_CHANGE)
    return site.page(
        request,
        "publishing_project.html",
        status=status,
        granted=granted,
        overview=overview,
        may_change=may_change,
        called=_called,
        providers=PROVIDERS,
        **_form_values(site, request, form if may_change else None, issuers),
    )


@signed_in
async def publisher(site: Site, request: Request) -> Response:
    """One publisher: what it is, how its job looks, its rules; and what can be done with it."""
    granted, found = await _one(site, request, Action.PROJECT_PUBLISHERS_READ)
    return _publisher_page(site, request, granted, found)


def _publisher_page(
    site: Site,
    request: Request,
    granted: Granted,
    found: Publisher,
    *,
    rules: PublisherForm | None = None,
    environment: str = "",
    environment_fault: str = "",
) -> Response:
    failing = [name for name in request.query_params.get("rules", "").split(",") if name]
    names = {one.name for one in PROVIDERS[found.kind].fields}
    faulty = bool(environment_fault) or (rules is not None and rules.has_faults)
    return site.page(
        request,
        "publishing_publisher.html",
        status=400 if faulty else 200,
        granted=granted,
        publisher=found,
        provider=PROVIDERS[found.kind],
        providers=PROVIDERS,
        title=_called(found),
        rules=rules or rules_form(found, found.links[0].rules, failing=failing),
        may_change=granted.may(Action.PROJECT_PUBLISHERS_CHANGE),
        proved=_visitor(site, request).confirmed(site.clock()),
        again=site.to_confirm(request).headers["location"],
        snippet=snippet(found.kind, found.fields, url=site.settings.public_url, audience=site.settings.audience),
        constrainable="environment" in names and "environment" not in found.fields,
        environment=environment,
        environment_fault=environment_fault,
    )


@confirmed
async def change_rules(site: Site, request: Request) -> Response:
    """Give the publisher's link to the project other rules."""
    form = await site.form(request)
    rules = read_rules_typed(form)

    def change(granted: Granted, found: Publisher) -> None:
        if rules != found.links[0].rules:
            site.publishers.set_rules(found.id, granted.project.name, rules)

    try:
        granted, found = await _one(site, request, Action.PROJECT_PUBLISHERS_CHANGE, change)
    except BadRegistration as bad:
        granted, found = await _one(site, request, Action.PROJECT_PUBLISHERS_CHANGE)
        return _publisher_page(site, request, granted, found, rules=_bad_rules(found, rules, bad.wrong))
    return site.to(_path(site, granted, found), said="The rules are changed. They hold from the next job on.")


@confirmed
async def constrain(site: Site, request: Request) -> Response:
    """Let only jobs of one environment publish."""
    form = await site.form(request)
    environment, made = form.get("environment", "")[:500], []

    def change(granted: Granted, found: Publisher) -> None:
        made.append(_publishing(site).constrain(granted.project, found, environment))

    try:
        granted, _ = await _one(site, request, Action.PROJECT_PUBLISHERS_CHANGE, change)
    except BadRegistration as bad:
        granted, found = await _one(site, request, Action.PROJECT_PUBLISHERS_CHANGE)
        fault = " ".join(one.told for one in bad.wrong)
        return _publisher_page(site, request, granted, found, environment=environment, environment_fault=fault)
    return site.to(_path(site, granted, made[0].publisher), said="Only jobs of this environment publish from now on.")


@confirmed
async def remove(site: Site, request: Request) -> Response:
    """Let the publisher publish the project no more."""
    await site.form(request)

    def change(granted: Granted, found: Publisher) -> None:
        _publishing(site).remove(granted.project, found)

    granted, found = await _one(site, request, Action.PROJECT_PUBLISHERS_CHANGE, change)
    said = f"{_called(found)} publishes {granted.project.name} no more."
    if granted.project.pending_until is not None:
        return site.to(site.link("pending-publishers"), said=said)  # the name may be free again
    return site.to(site.link("project-publishing", name=granted.project.normalized), said=said)


# Attempts.


@signed_in
async def attempt(site: Site, request: Request) -> Response:
    """One refused attempt: everything that was compared, and what would let the job in."""
    granted, tried = await _one_attempt(site, request, Action.PROJECT_PUBLISHERS_READ)
    may_change = granted.may(Action.PROJECT_PUBLISHERS_CHANGE)
    kind, issuers = tried.attempt.kind, await site.run(_publishing(site).issuers)
    shown = None
    if may_change and tried.offer.remedy is Remedy.FORM and tried.attempt.issuer in issuers.get(kind, ()):
        nearest = tried.publishers.get(tried.offer.publisher_id or "")
        rules = nearest.links[0].rules if nearest is not None else Rules()
        typed = as_typed(kind, tried.offer.proposed, issuer=tried.attempt.issuer, rules=rules)
        shown = form_for(typed, issuers[kind], differing=tried.offer.differing, retype=tried.offer.retype)
    return site.page(
        request,
        "publishing_attempt.html",
        granted=granted,
        attempt=tried.attempt,
        offer=tried.offer,
        nearest=tried.publishers.get(tried.offer.publisher_id or ""),
        there=tried.publishers,
        may_change=may_change,
        called=_called,
        providers=PROVIDERS,
        **_form_values(site, request, shown, issuers),
    )


@confirmed
async def order(site: Site, request: Request) -> Response:
    """Put an attempt in order with one click, where that may be."""
    form = await site.form(request)
    what, visitor = form.text("do", 20), _visitor(site, request)
    made: list[Registered] = []

    def change(granted: Granted, tried: Tried) -> None:
        publishing = _publishing(site)
        if what == "mend":
            made.append(publishing.mend(granted.project, tried))
        elif what == "register":
            made.append(publishing.register(visitor.user, granted.project, tried))
        else:
            raise NotHere

    granted, _ = await _one_attempt(site, request, Action.PROJECT_PUBLISHERS_CHANGE, change)
    path = _path(site, granted, made[0].publisher)
    return site.to(path, said=_said("Start the job again: it is trusted now.", made[0]))


# What they have in common.

_HOLD = Action.ACCOUNT_PENDING


def _visitor(site: Site, request: Request) -> Visitor:
    visitor = site.visitor(request)
    if visitor is None:
        raise NotHere
    return visitor


def _kind(site: Site, given: Mapping[str, str]) -> tuple[str | None, Mapping[str, Sequence[str]]]:
    """The kind of publisher that is asked for, if there can be one here; and all that there can be."""
    issuers = _publishing(site).issuers()
    kind = given.get("provider", "")
    return (kind if kind in issuers else None), issuers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """The form of a registration, as it came."""

    given: Mapping[str, str]
    kind: str
    issuers: Mapping[str, Sequence[str]]
    """Of every kind that there can be here."""
    typed: Typed
    retype: str
    """What has to be typed once more; empty where nobody else filled the form in."""


async def _opened(site: Site, request: Request) -> tuple[PublisherForm | None, Mapping[str, Sequence[str]]]:
    """The form that the query asks for, if there can be one here; and the issuers of every kind that there can be."""
    query = request.query_params
    kind, issuers = await site.run(_kind, site, query)
    return (None if kind is None else _prefilled(kind, issuers[kind], query)), issuers


async def _sent(site: Site, request: Request, project: str | None = None) -> _Sent:
    """What was sent, for the project of this name; None: for the one that is named in it."""
    given = await site.form(request)
    kind, issuers = await site.run(_kind, site, given)
    if kind is None:
        raise NotHere
    typed = read_typed(kind, given)
    named = typed.project if project is None else project
    retype = called(kind, typed.fields, named) if given.get(_PREFILLED) else ""
    return _Sent(given=given, kind=kind, issuers=issuers, typed=typed, retype=retype)


def _prefilled(kind: str, issuers: Sequence[str], query: Mapping[str, str]) -> PublisherForm:
    """The form as a link fills it in; then what it names has to be typed, because anybody can write a link."""
    typed = read_typed(kind, query)
    if typed.is_empty or (typed.project and not typed.fields and not typed.claims):
        return form_for(typed, issuers)
    return form_for(typed, issuers, wrong=typed.wrong, retype=called(kind, typed.fields, typed.project))


async def _tried(site: Site, work: Callable[[], Registered], sent: _Sent) -> Registered | PublisherForm:
    """What came of a registration: it, or the form with its faults."""
    wrong: Sequence[Wrong] = ()
    faults: list[str] = []
    retype_fault = ""
    retype = sent.retype
    if retype and not same_name(sent.given.get(RETYPED, ""), retype):
        retype_fault = f"Type {retype}: then it is certain that you looked at whom you let in."
    else:
        try:
            return await site.run(work)
        except BadRegistration as bad:
            wrong = bad.wrong
        except NoIds as none:
            wrong = [
                Wrong(name, f"{none.reason} Give it, or have it taken from the first job.") for name in none.missing
            ]
        except Taken as taken:
            wrong = [Wrong("project", taken.message, taken.hint or "")]
        except Declined as refused:
            told = refused.hint is None or "--" in refused.hint or "trustpub " in refused.hint
            faults.append(refused.message if told else f"{refused.message} {refused.hint}")
    return form_for(
        sent.typed, sent.issuers[sent.kind], wrong=wrong, faults=faults, retype=retype, retype_fault=retype_fault
    )


def _form_values(
    site: Site, request: Request, form: PublisherForm | None, issuers: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What templates with a publisher's form need."""
    return {
        "form": form,
        "kinds": [(kind, PROVIDERS[kind].title) for kind in issuers],
        "proved": _visitor(site, request).confirmed(site.clock()),
        "again": site.to_confirm(request).headers["location"],
        "prefilled": _PREFILLED,
        "retyped": RETYPED,
    }


async def _one(
    site: Site, request: Request, action: Action, change: Callable[[Granted, Publisher], None] | None = None
) -> tuple[Granted, Publisher]:
    """The publisher of the path, which must be of the project of the path."""

    def look() -> tuple[Granted, Publisher]:
        with site.acting.project(site.actor(request), action, _name(request)) as granted:
            found = _publishing(site).publisher(granted.project, str(request.path_params["publisher"]))
            granted.owns(found)
            if found is None:
                raise NotHere
            if change is not None:
                change(granted, found)
            return granted, found

    return await site.run(look)


async def _one_attempt(
    site: Site, request: Request, action: Action, change: Callable[[Granted, Tried], None] | None = None
) -> tuple[Granted, Tried]:
    """The attempt of the path, which must be of the project of the path."""

    def look() -> tuple[Granted, Tried]:
        with site.acting.project(site.actor(request), action, _name(request)) as granted:
            tried = _publishing(site).tried(granted.project, str(request.path_params["attempt"]))
            if tried is None:
                raise NotHere
            granted.owns(tried.attempt)
            if change is not None:
                change(granted, tried)
            return granted, tried

    return await site.run(look)


def _bad_rules(found: Publisher, rules: Rules, wrong: Sequence[Wrong]) -> PublisherForm:
    made = rules_form(found, rules, wrong=wrong)
    return replace(made, typed=replace(made.typed, rules=rules))


def _called(found: Publisher) -> str:
    return called(found.kind, found.fields, PROVIDERS[found.kind].title)


def _path(site: Site, granted: Granted, found: Publisher) -> str:
    return site.link("publisher", name=granted.project.normalized, publisher=found.id)


def _said(sentence: str, done: Registered) -> str:
    """With what is worth knowing besides."""
    more = [f"{one[:1].upper()}{one[1:]}." for one in done.warnings]
    return " ".join([sentence, *more])


_PROJECT = "/manage/project/{name}/settings/publishing/"
_PUBLISHER = _PROJECT + "publishers/{publisher}/"
_ATTEMPT = _PROJECT + "attempts/{attempt}/"

ROUTES = (
    Page(path="/manage/account/publishing/", view=pending, name="pending-publishers", methods=("GET", "POST")),
    Page(path="/manage/account/publishing/remove/", view=remove_pending, name="remove-pending", methods=("POST",)),
    Page(path=_PROJECT, view=publishers, name="project-publishing", methods=("GET", "POST")),
    Page(path=_PUBLISHER, view=publisher, name="publisher"),
    Page(path=_PUBLISHER + "rules/", view=change_rules, name="publisher-rules", methods=("POST",)),
    Page(path=_PUBLISHER + "constrain/", view=constrain, name="publisher-constrain", methods=("POST",)),
    Page(path=_PUBLISHER + "remove/", view=remove, name="publisher-remove", methods=("POST",)),
    Page(path=_ATTEMPT, view=attempt, name="attempt"),
    Page(path=_ATTEMPT + "order/", view=order, name="attempt-order", methods=("POST",)),
)
