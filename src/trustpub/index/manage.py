# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What those who run the index change: people, issuers, publishers. Every change leaves an event."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trustpub.errors import Declined, Misuse
from trustpub.index.issuers import check_ca, check_jwks, check_url
from trustpub.index.ports import Clock, Event, Issuer, Project, Reading, Store, Token, User, Writing
from trustpub.index.registration import ID_FIELDS, Wanted, missing_ids
from trustpub.index.registration import fields as fields_of
from trustpub.packages.names import normalize
from trustpub.printable import quoted
from trustpub.trust.issuers import PROVIDERS, PUBLIC_ISSUERS
from trustpub.trust.providers import github
from trustpub.trust.publishers import Link, Publisher, Rules

HOLD_DAYS = 30
"""How long a name is held for a pending publisher."""

_USER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?\Z")


class ForgeSilent(Exception):
    """The forge did not say what it was asked. The message is a sentence that says why."""


class Forge(Protocol):
    """Where repositories live."""

    def ids(self, repository: str) -> Mapping[str, str]:
        """``owner_id`` and ``repository_id`` of ``owner/name``, as decimal digits.

        Raises:
            ForgeSilent: it cannot be reached, or knows no such public repository.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIssuer:
    """An issuer that was added, or whose source of keys was replaced."""

    issuer: Issuer
    replaced: bool
    """It was known before: whoever holds the new keys can now be each of its publishers."""
    publishers: int
    """How many publishers that concerns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A publisher that may now publish a project."""

    publisher: Publisher
    project: Project
    new: bool
    """False: the identity was registered already, and got one more project."""
    warnings: tuple[str, ...]


class Manage:
    """Changes on behalf of whoever may run commands beside the index."""

    def __init__(self, store: Store, clock: Clock, *, rehearsal: bool, forge: Forge | None = None) -> None:
        """``forge`` is asked for ids of repositories of the public issuer; None, or in a rehearsal: nobody is."""
        self._store = store
        self._clock = clock
        self._rehearsal = rehearsal
        self._forge = None if rehearsal else forge

    # People

    def add_user(self, name: str) -> User:
        """A new user.

        Raises:
            Misuse: the name cannot be one.
            Declined: it is taken, compared without case.
        """
        if not _USER.match(name):
            raise Misuse(
                f"{quoted(name)} cannot be a user's name.",
                hint="At most 50 letters, digits, dots, dashes and underscores; a letter or digit at both ends.",
            )
        user = User(id=str(uuid.uuid4()), name=name, created=int(self._clock()))
        with self._store.write() as writing:
            if (taken := writing.user(name)) is not None:
                raise Declined(f"There is a user {taken.name!r} already.")
            writing.add_user(user)
            self._note(writing, "user-added", facts={"user": name})
        return user

    def user(self, name: str) -> User:
        """The user of this name.

        Raises:
            Declined: there is none.
        """
        with self._store.read() as reading:
            return _user(reading, name)

    def users(self) -> Sequence[User]:
        """All, by name."""
        with self._store.read() as reading:
            return reading.users()

    def project(self, name: str) -> Project:
        """The project of this name, real or held.

        Raises:
            Declined: there is none.
        """
        with self._store.read() as reading:
            project = reading.project(name)
        if project is None:
            raise Declined(f"There is no project {quoted(name)} here.")
        return project

    def real_project(self, name: str) -> Project:
        """The project of this name, if it has had a release.

        Raises:
            Declined: there is none, or only a name that is held.
        """
        project = self.project(name)
        if project.pending_until is not None:
            raise Declined(f"The project {project.name!r} does not exist yet: its name is held for a first release.")
        return project

    def is_member(self, project: Project, user: User) -> bool:
        """Whether the project is one of the user's."""
        with self._store.read() as reading:
            return reading.is_member(project.id, user.id)

    def tokens(self) -> Sequence[Token]:
        """Those that people hold."""
        with self._store.read() as reading:
            return reading.tokens()

    def note_token(self, token: Token) -> None:
        """Leave an event about a token that a person was given."""
        with self._store.write() as writing:
            self._note(writing, "token-created", facts={"token": token.id, "description": token.description})

    def revoke_token(self, token_id: str) -> Token:
        """End a token that a person holds; every later request with it is refused.

        Raises:
            Declined: no person holds a token with this id.
        """
        with self._store.write() as writing:
            token = writing.token(token_id)
            if token is None or token.publisher_id is not None:
                raise Declined(
                    f"There is no token {quoted(token_id)} here.", hint="See them with: trustpub admin token list"
                )
            writing.burn(token.id, int(self._clock()))
            self._note(writing, "token-revoked", facts={"token": token.id, "description": token.description})
        return token

    # Issuers

    def add_public_issuers(self, writing: Writing) -> None:
        """Those every index knows from its first start; part of the transaction that makes it."""
        for url, kind in PUBLIC_ISSUERS.items():
            if writing.issuer(url) is None:
                writing.put_issuer(Issuer(url=url, kind=kind))
                self._note(writing, "issuer-added", facts={"issuer": url, "keys": _KEYS_FETCHED})

    def add_issuer(
        self,
        url: str,
        kind: str = github.Identity.kind,
        jwks: Mapping[str, Any] | None = None,
        ca: str | None = None,
    ) -> KnownIssuer:
        """Believe tokens of ``url``, exactly as its ``iss`` spells it, or give a known issuer another source of keys.

        ``jwks``: its keys, which are then never fetched. ``ca``: PEM certificates to fetch them with.

        Raises:
            Misuse: something of it is not what it must be.
            Declined: nothing would change, or the kind would.
        """
        check_url(url, rehearsal=self._rehearsal)
        if kind not in PROVIDERS:
            raise Misuse(f"{quoted(kind)} is no kind of issuer.", hint=f"Known: {', '.join(PROVIDERS)}.")
        if jwks is not None:
            check_jwks(jwks)
        if ca is not None:
            check_ca(ca)
        issuer = Issuer(url=url, kind=kind, jwks=jwks, ca=ca)
        with self._store.write() as writing:
            known = writing.issuer(url)
            if known == issuer:
                raise Declined(f"The issuer {url} is known already.")
            if known is not None and known.kind != kind:
                raise Declined(f"The issuer {url} is known as one of kind {known.kind}, and is to be {kind}.")
            writing.put_issuer(issuer)
            facts = {"issuer": url, "keys": _KEYS_FETCHED if jwks is None else _KEYS_GIVEN}
            self._note(writing, "issuer-added" if known is None else "issuer-keys-replaced", facts=facts)
            concerned = sum(publisher.issuer == url for publisher in writing.publishers())
        return KnownIssuer(issuer=issuer, replaced=known is not None, publishers=concerned)

    def remove_issuer(self, url: str) -> None:
        """Believe it no more.

        Raises:
            Declined: it is not known, or publishers depend on it.
        """
        with self._store.write() as writing:
            if writing.issuer(url) is None:
                raise Declined(
                    f"The issuer {quoted(url)} is not known here.", hint="See them with: trustpub admin issuer list"
                )
            depending = [publisher.id for publisher in writing.publishers() if publisher.issuer == url]
            if depending:
                raise Declined(
                    f"{len(depending)} registered publisher(s) depend on the issuer {url}.",
                    hint="Remove them first: " + ", ".join(depending[:5]),
                )
            writing.remove_issuer(url)
            self._note(writing, "issuer-removed", facts={"issuer": url})

    def issuers(self) -> Sequence[Issuer]:
        """All, by URL."""
        with self._store.read() as reading:
            return reading.issuers()

    # Publishers

    def add_publisher(self, wanted: Wanted) -> Registered:
        """Let an identity publish a project; with ``pending``, a project that its first release will create.

        An identity that is registered already gets the project in addition.

        Raises:
            Misuse: a field is not what its provider allows.
            Declined: the project, the owner, the issuer or the ids are not there, or there is nothing to add.
        """
        fields = fields_of(wanted)
        with self._store.read() as reading:
            # All that can be refused is, before anybody else is asked.
            self._check(reading, wanted)
            known = _same_identity(reading, wanted, fields)
        fields |= self._ids(wanted, fields, known)
        with self._store.write() as writing:
            self._check(writing, wanted)
            project = self._project(writing, wanted)
            known = _same_identity(writing, wanted, fields)
            if known is None:
                publisher = self._new_publisher(writing, wanted, fields, project)
            else:
                publisher = self._one_more_project(writing, known, fields, project)
            others = [one for one in writing.publishers(project.name) if one.id != publisher.id]
        warnings = (*_pin_warnings(publisher), *_shared_name_warnings(project, others))
        return Registered(publisher=publisher, project=project, new=known is None, warnings=warnings)

    def publishers(self, project: str | None = None) -> Sequence[Publisher]:
        """All, or those of a project.

        Raises:
            Declined: there is no such project.
        """
        if project is not None:
            self.project(project)
        with self._store.read() as reading:
            return reading.publishers(project)

    def remove_publisher(self, publisher_id: str, project: str | None = None) -> Publisher:
        """Take one project, or all, from a publisher. Left with none it is gone, with every token it was minted.

        A name that was held for it alone is free again. Returns the publisher as it was.

        Raises:
            Declined: there is no such publisher, or it has not this project.
        """
        with self._store.write() as writing:
            publisher = writing.publisher(publisher_id)
            if publisher is None:
                raise Declined(
                    f"There is no publisher {quoted(publisher_id)} here.",
                    hint="See them with: trustpub admin publisher list",
                )
            leaving = [
                link for link in publisher.links if project is None or normalize(link.project) == normalize(project)
            ]
            if project is not None and not leaving:
                raise Declined(f"The publisher {publisher_id} is not one of project {quoted(project)}.")
            for link in leaving:
                writing.unlink_publisher(publisher_id, link.project_id)
                self._note(writing, "publisher-removed", link.project_id, publisher_id, dict(publisher.fields))
                if link.pending_until is not None and not writing.publishers(link.project):
                    writing.remove_project(link.project_id)
                    self._note(writing, "project-freed", link.project_id, facts={"project": link.project})
        return publisher

    def _check(self, reading: Reading, wanted: Wanted) -> None:
        """That everything the registration names is there, and that the name may be registered in this way."""
        known = reading.issuer(wanted.issuer)
        if known is None or known.kind != wanted.kind:
            raise Declined(
                f"No issuer {quoted(wanted.issuer)} of kind {wanted.kind} is known here.",
                hint="See them with: trustpub admin issuer list",
            )
        if wanted.owner is not None:
            _user(reading, wanted.owner)
        project = reading.project(wanted.project)
        if wanted.pending and project is not None and project.pending_until is None:
            raise Declined(
                f"The project {project.name!r} exists already, so nothing is pending.", hint="Leave --pending out."
            )
        if not wanted.pending and (project is None or project.pending_until is not None):
            raise Declined(
                f"There is no project {quoted(wanted.project)} here.",
                hint="To let the first release create it, add --pending.",
            )

    def _project(self, writing: Writing, wanted: Wanted) -> Project:
        """The project to link to; a held name is made, or made anew once its time is up."""
        now = int(self._clock())
        project = writing.project(wanted.project)
        if project is not None and project.pending_until is not None and project.pending_until <= now:
            writing.remove_project(project.id)
            self._note(writing, "project-freed", project.id, facts={"project": project.name})
            project = None
        if project is None:
            project = Project(
                id=str(uuid.uuid4()),
                name=wanted.project,
                normalized=normalize(wanted.project),
                created=now,
                pending_until=now + HOLD_DAYS * 86_400,
                serial=0,
            )
            writing.add_project(project)
            facts = {"project": project.name, "until": project.pending_until}
            self._note(writing, "project-held", project.id, facts=facts)
        if wanted.owner is not None:
            writing.add_member(project.id, _user(writing, wanted.owner).id)
        return project

    def _ids(self, wanted: Wanted, fields: Mapping[str, str], known: Publisher | None) -> Mapping[str, str]:
        """The ids not given: those the same identity has already, or the forge's."""
        missing = [name for name in ID_FIELDS if name not in fields]
        if not missing or wanted.pin_on_first_use:
            return {}
        if known is not None and (known.pin_on_first_use or not missing_ids(known)):
            return {}
        if self._forge is None or wanted.issuer not in PUBLIC_ISSUERS:
            reason = "Nobody can be asked for the ids of this repository."
        else:
            try:
                found = self._forge.ids(fields["repository"])
            except ForgeSilent as silence:
                reason = str(silence)
            else:
                _check_against_forge(fields, found)
                return {name: found[name] for name in missing}
        raise Declined(
            f"{reason} Without ids, whoever gets the names {fields['repository']!r} later would be trusted as well.",
            hint=f"Give {' and '.join('--' + name.replace('_', '-') for name in missing)}, or add --pin-on-first-use "
            "to take them from the first job that publishes.",
        )

    def _new_publisher(
        self, writing: Writing, wanted: Wanted, fields: Mapping[str, str], project: Project
    ) -> Publisher:
        link = Link(project_id=project.id, project=project.name, pending_until=project.pending_until)
        publisher = Publisher(
            id=str(uuid.uuid4()),
            issuer=wanted.issuer,
            kind=wanted.kind,
            fields=fields,
            links=(link,),
            pin_on_first_use=wanted.pin_on_first_use,
        )
        writing.add_publisher(publisher)
        self._note(writing, "publisher-added", project.id, publisher.id, {**fields, "issuer": wanted.issuer})
        return publisher

    def _one_more_project(
        self, writing: Writing, known: Publisher, fields: Mapping[str, str], project: Project
    ) -> Publisher:
        if any(link.project_id == project.id for link in known.links):
            raise Declined(
                f"This publisher is registered for project {project.name!r} already.",
                hint=f"Its id is {known.id}.",
            )
        given = {name: fields[name] for name in ID_FIELDS if name in fields}
        for name, value in given.items():
            if known.fields.get(name, value) != value:
                raise Declined(
                    f"This publisher is registered with {name} {known.fields[name]}, not {value}.",
                    hint=f"If the repository was re-created, remove the publisher {known.id} first.",
                )
        if given:
            writing.pin(known.id, given)
        writing.link_publisher(known.id, project.id, Rules())
        self._note(writing, "publisher-added", project.id, known.id, {**known.fields, "issuer": known.issuer})
        return writing.publisher(known.id) or known

    def _note(
        self,
        writing: Writing,
        kind: str,
        project_id: str | None = None,
        publisher_id: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        writing.add_event(
            Event(at=self._clock(), kind=kind, project_id=project_id, publisher_id=publisher_id, facts=facts or {})
        )


_KEYS_FETCHED = "fetched"
_KEYS_GIVEN = "given"


def _user(reading: Reading, name: str) -> User:
    user = reading.user(name)
    if user is None:
        raise Declined(f"There is no user {quoted(name)} here.", hint="Add one with: trustpub admin user add NAME")
    return user


def _same_identity(reading: Reading, wanted: Wanted, fields: Mapping[str, str]) -> Publisher | None:
    """The publisher that is registered with the same repository, workflow and environment."""
    for publisher in reading.candidates(wanted.issuer, wanted.kind, [fields["repository"].lower()]):
        if all(publisher.fields.get(name) == fields.get(name) for name in ("workflow", "environment")):
            return publisher
    return None


def _check_against_forge(fields: Mapping[str, str], found: Mapping[str, str]) -> None:
    for name in ID_FIELDS:
        if name in fields and fields[name] != found[name]:
            raise Declined(
                f"The {name.replace('_', ' ')} of {fields['repository']} is {found[name]}, not {fields[name]}."
            )


def _pin_warnings(publisher: Publisher) -> tuple[str, ...]:
    missing = missing_ids(publisher)
    if not missing:
        return ()
    names = " and ".join(name.replace("_", " ") for name in missing)
    return (f"not pinned yet: the {names} will be taken from the first job that publishes",)


def _shared_name_warnings(project: Project, others: Sequence[Publisher]) -> tuple[str, ...]:
    if project.pending_until is None or not others:
        return ()
    ids = ", ".join(one.id for one in others)
    name = project.name
    return (f"the name {name} is held for another publisher as well ({ids}): each of them may make the first release",)
