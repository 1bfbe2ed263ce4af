# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What people do with publishers of their own projects, and with attempts of jobs that were refused.

Whoever calls was let through (:mod:`trustpub.index.accounts.acting`); every id is looked at together with its project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trustpub.errors import Declined
from trustpub.index.kept import OWNER, Attempt, Compared, Event, Project, User
from trustpub.index.manage.enrolment import DAY_SECONDS, Registered, link_to
from trustpub.index.manage.publisher_forms import Typed, as_wanted
from trustpub.index.manage.publishers import Publishers
from trustpub.index.manage.remedy import Offer, Remedy, offer
from trustpub.index.ports import Clock, Reading, Store
from trustpub.index.registration import BadRegistration, Wanted
from trustpub.packages.names import normalize
from trustpub.printable import quoted
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Publisher

MAX_HELD = 20
"""Names that one person may hold for first releases at a time; administrators may hold more."""
MAX_A_DAY = 100
"""Publishers that one person may register in a day, so that a stolen session cannot fill the index."""
ATTEMPTS_SHOWN = 50
GRANTS_SHOWN = 25

ENVIRONMENT = "environment"
"""The field by which a publisher is constrained."""


class Taken(Declined):
    """The name that somebody wants to hold is a project, or is held by others. ``mine``: it is theirs."""

    def __init__(self, name: str, *, mine: bool) -> None:
        self.mine = mine
        if mine:
            super().__init__(f"The project {quoted(name)} is yours already.", hint="Add the publisher on its own page.")
        else:
            super().__init__(f"The name {quoted(name)} is taken.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A job that was trusted, or that was trusted for other projects and not for this one."""

    event: Event
    granted: bool
    compared: tuple[Compared, ...]
    """Empty for those from before this was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the page of a project's publishers shows."""

    publishers: Sequence[Publisher]
    refused: Sequence[Attempt]
    granted: Sequence[Grant]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One refused attempt, and what can be done about it."""

    attempt: Attempt
    offer: Offer
    publishers: Mapping[str, Publisher]
    """Those of the project, by id."""


class Publishing:
    """Publishers, as pages and the management API change them."""

    def __init__(self, store: Store, clock: Clock, publishers: Publishers) -> None:
        self._store = store
        self._clock = clock
        self._publishers = publishers

    def issuers(self) -> Mapping[str, Sequence[str]]:
        """Kinds of publishers that can be registered here, in the order of the providers, and the issuers of each."""
        with self._store.read() as reading:
            known = reading.issuers()
        found: dict[str, list[str]] = {kind: [] for kind in PROVIDERS}
        for issuer in known:
            if issuer.kind in found:
                found[issuer.kind].append(issuer.url)
        return {
            kind: sorted(urls, key=lambda url: (url not in PROVIDERS[kind].issuers, url))
            for kind, urls in found.items()
            if urls
        }

    def overview(self, project: Project) -> Overview:
        """Publishers and recent attempts of a project."""
        with self._store.read() as reading:
            return Overview(
                publishers=own(reading.publishers(project.name), project),
                refused=reading.attempts(project_id=project.id, limit=ATTEMPTS_SHOWN),
                granted=[
                    _grant(event)
                    for event in reading.events(
                        project_id=project.id, kinds=("token-minted", "project-withheld"), limit=GRANTS_SHOWN
                    )
                ],
            )

    def held(self, user: User) -> Sequence[tuple[Project, Sequence[Publisher]]]:
        """Names that are held for the person's first releases, with their publishers."""
        with self._store.read() as reading:
            held = [project for project, role in reading.projects_of(user.id) if _is_held(project) and role == OWNER]
            publishers = reading.publishers_by_project([project.id for project in held])
        return [(project, own(publishers.get(project.id, ()), project)) for project in held]

    def hold(self, user: User, typed: Typed) -> Registered:
        """Register a publisher of a project that its first release will create; the name is held meanwhile.

        Raises:
            BadRegistration: a field is wrong.
            Taken: there is such a project, or others hold the name.
            Declined: another reason against it.
        """
        return self.hold_wanted(user, _checked(typed, project=typed.project, pending=True, owner=user.name))

    def hold_wanted(self, user: User, wanted: Wanted) -> Registered:
        """:meth:`hold`, of a registration that is pending and names the person as the owner."""

        def unless(reading: Reading) -> None:
            now = int(self._clock())
            project = reading.project(wanted.project)
            if project is not None and (project.pending_until is None or project.pending_until > now):
                mine = reading.role(project.id, user.id) == OWNER
                if project.pending_until is None or not mine:
                    raise Taken(project.name if mine else wanted.project, mine=mine)
            held = sum(1 for one, role in reading.projects_of(user.id) if _is_held(one) and role == OWNER)
            if project is None and held >= MAX_HELD and not user.administrator:
                raise Declined(f"You hold {held} names already. Release one of them first, or let one go.")
            self._not_too_many(reading, user)

        return self._publishers.add(wanted, unless=unless)

    def add(self, user: User, project: Project, typed: Typed) -> Registered:
        """Let one more identity publish the project.

        Raises:
            BadRegistration: a field is wrong.
            Declined: another reason against it.
        """
        return self.add_wanted(user, project, _checked(typed, project=project.name, pending=_is_held(project)))

    def add_wanted(self, user: User, project: Project, wanted: Wanted) -> Registered:
        """:meth:`add`, of a registration for that project."""

        def unless(reading: Reading) -> None:
            self._same(reading, project)
            self._not_too_many(reading, user)

        return self._publishers.add(wanted, unless=unless)

    def publisher(self, project: Project, publisher_id: str) -> Publisher | None:
        """The publisher, as the project knows it; None: the project has none with this id."""
        with self._store.read() as reading:
            found = reading.publisher(publisher_id)
        mine = own([found], project) if found is not None else []
        return mine[0] if mine else None

    def constrain(self, project: Project, publisher: Publisher, environment: str) -> Registered:
        """Let only jobs of this environment publish the project from now on.

        Raises:
            BadRegistration: no environment can have this name.
            Declined: the publisher has one, or is of a kind that knows none.
        """
        named = {one.name for one in PROVIDERS[publisher.kind].fields}
        if ENVIRONMENT not in named or ENVIRONMENT in publisher.fields:
            raise Declined("This publisher cannot be constrained to an environment.")
        return self._replace(project, publisher, {**publisher.fields, ENVIRONMENT: environment})

    def remove(self, project: Project, publisher: Publisher) -> None:
        """Let it publish the project no more, with what it was minted for nothing else.

        Raises:
            Declined: it is gone already.
        """
        self._publishers.remove(publisher.id, project.name)

    def tried(self, project: Project, attempt_id: str) -> Tried | None:
        """The refused attempt; None: the project has none with this id."""
        with self._store.read() as reading:
            attempt = reading.attempt(attempt_id)
            if attempt is None or attempt.project_id != project.id:
                return None
            publishers = own(reading.publishers(project.name), project)
        return Tried(
            attempt=attempt,
            offer=offer(attempt, publishers, project=project.name),
            publishers={one.id: one for one in publishers},
        )

    def mend(self, project: Project, tried: Tried) -> Registered:
        """Make the nearest publisher what the job was, by one click.

        Raises:
            Declined: that is not for one click.
        """
        publisher = _by_click(tried)
        return self._replace(project, publisher, tried.offer.mended)

    def register(self, user: User, project: Project, tried: Tried) -> Registered:
        """Register what the job was beside the publishers that there are, by one click, with the rules of the nearest.

        Raises:
            Declined: that is not for one click.
        """
        publisher = _by_click(tried)
        link = link_to(publisher, project.id)
        wanted = as_wanted(
            publisher,
            tried.offer.proposed,
            project=project.name,
            pending=_is_held(project),
            rules=publisher.links[0].rules if link is None else link.rules,
        )

        def unless(reading: Reading) -> None:
            self._same(reading, project)
            self._not_too_many(reading, user)

        return self._publishers.add(wanted, unless=unless)

    def _replace(self, project: Project, publisher: Publisher, fields: Mapping[str, str]) -> Registered:
        wanted = as_wanted(
            publisher, fields, project=project.name, pending=_is_held(project), rules=publisher.links[0].rules
        )
        return self._publishers.replace(publisher.id, wanted)

    def _same(self, reading: Reading, project: Project) -> None:
        """That the name is still that of the project on whose behalf somebody was let through."""
        now = reading.project(project.name)
        if now is None or now.id != project.id:
            raise Declined(f"The project {project.name!r} is not there any more.")

    def _not_too_many(self, reading: Reading, user: User) -> None:
        since = self._clock() - DAY_SECONDS
        lately = reading.events(kinds=("publisher-added",), since=since, limit=10 * MAX_A_DAY)
        if sum(_by(event) == user.id for event in lately) >= MAX_A_DAY:
            raise Declined(f"You registered {MAX_A_DAY} publishers in a day. Go on tomorrow.")


def _checked(typed: Typed, *, project: str, pending: bool, owner: str | None = None) -> Wanted:
    if typed.wrong:
        raise BadRegistration(typed.wrong)
    return typed.wanted(project=project, pending=pending, owner=owner)


def _by_click(tried: Tried) -> Publisher:
    publisher = tried.publishers.get(tried.offer.publisher_id or "")
    if tried.offer.remedy is not Remedy.ONE_CLICK or publisher is None:
        raise Declined("This attempt cannot be put in order with one click.", hint="Look at it, and fill in the form.")
    return publisher


def _is_held(project: Project) -> bool:
    return project.pending_until is not None


def own(publishers: Sequence[Publisher], project: Project) -> list[Publisher]:
    """Those of the project, with its link alone: what else they may publish is not its to know."""
    found = []
    for one in publishers:
        link = link_to(one, project.id)
        if link is not None:
            found.append(
                Publisher(
                    id=one.id, issuer=one.issuer, kind=one.kind, fields=one.fields, immutable=one.immutable,
                    links=(link,), pin_on_first_use=one.pin_on_first_use,
                )
            )  # fmt: skip
    return found


def _grant(event: Event) -> Grant:
    rows = event.facts.get("compared", ())
    return Grant(
        event=event,
        granted=event.kind == "token-minted",
        compared=tuple(Compared(field=one[0], wanted=one[1], given=one[2], holds=one[3]) for one in rows),
    )


def _by(event: Event) -> Any:
    who = event.facts.get("by")
    return who.get("id") if isinstance(who, dict) else None


def same_name(typed: str, wanted: str) -> bool:
    """Whether somebody typed what they were to type: forges tell names apart without case."""
    return bool(wanted) and (typed.strip().lower() == wanted.lower() or normalize(typed.strip()) == wanted)
