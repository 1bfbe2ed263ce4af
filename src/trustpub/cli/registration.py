# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is to be registered where, for people to paste and for programs; and registering it on an index of our own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustpub.cli.show import screen
from trustpub.errors import Declined, Misuse, TrustpubError
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.client.indexes import Index
    from trustpub.index.bootstrap.folder import Folder
    from trustpub.trust.publishers import Publisher
    from trustpub.workflow.generate.answers import Answers
    from trustpub.workflow.generate.registration import Command, Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One publisher on one index."""

    index: Index
    kind: str
    forms: tuple[str, str] | None
    """Pages that take it, while the project does not exist there and once it does; None where commands do."""
    exists: bool | None
    """Whether the project does; None: nobody asked, or there was no answer."""
    fields: tuple[tuple[str, str], ...]
    """Title and value; empty where only a job knows them."""
    commands: tuple[str, ...]

    @property
    def form(self) -> str | None:
        """The page that takes it, where that is known."""
        if self.forms is None or self.exists is None:
            return None
        return self.forms[1] if self.exists else self.forms[0]

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "index": self.index.name or self.index.upload_url,
            "upload_url": self.index.upload_url,
            "kind": self.kind,
            "exists": self.exists,
            "form": self.form,
            "forms": None if self.forms is None else {"pending": self.forms[0], "project": self.forms[1]},
            "fields": [{"title": title, "value": value} for title, value in self.fields],
            "commands": list(self.commands),
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        name = self.index.name if self.index.built_in else self.index.origin
        if not self.fields and self.forms is not None and self.kind != "generic":
            yield f"{printable(str(name), 300)} takes no publishers of this issuer; --index names another."
            return
        yield f"To register on {printable(str(name), 300)}:"
        if self.form is not None:
            yield f"  {self.form}"
        elif self.forms is not None:
            yield f"  {self.forms[0]} while the project is not there (a pending publisher),"
            yield f"  {self.forms[1]} once it is:"
        for title, value in self.fields:
            yield f"    {title}: {printable(value, 300)}"
        if not self.fields:
            yield "  Only a job knows its claims: run `trustpub whoami` in one, and it says what to register."
        for command in self.commands:
            yield f"  $ {command}"


def tell(
    registrations: Sequence[Registration], answers: Answers, *, issuer: str | None, online: bool
) -> tuple[Told, ...]:
    """What to register, index by index; ``online``: PyPI and TestPyPI are asked whether the project exists."""
    return tuple(_told(one, answers, issuer, online) for one in registrations)


def _told(registration: Registration, answers: Answers, issuer: str | None, online: bool) -> Told:
    from trustpub.client import indexes, registering
    from trustpub.trust.issuers import PROVIDERS
    from trustpub.trust.proposal import Proposal
    from trustpub.workflow.generate import declaration

    target = registration.target
    index = indexes.resolve(target.url or target.name)
    provider = PROVIDERS[registration.kind]
    rows: tuple[tuple[str, str], ...] = ()
    commands: tuple[str, ...] = ()
    if registration.fields:
        proposal = Proposal(
            kind=registration.kind, issuer=issuer or next(iter(provider.issuers), ""), fields=registration.fields,
            choices={}, must_choose=False,
        )  # fmt: skip
        # PyPI's form wants the name of whoever starts the build; a token says an id.
        claims = {"actor": answers.actor} if answers.actor is not None else {}
        project = [("PyPI Project Name", answers.project)] if index.built_in else []
        rows = registering.rows(proposal, claims, pypi=index.built_in)
        rows = (*project, *rows) if rows else ()
        if not index.built_in and not declaration.faults(registration):
            commands = registering.commands(proposal, answers.project)
    forms = indexes.forms(index, answers.project)
    exists = _exists(index, answers.project) if online and forms is not None else None
    return Told(index=index, kind=registration.kind, forms=forms, exists=exists, fields=rows, commands=commands)


def _exists(index: Index, project: str) -> bool | None:
    """Whether the index has files of it; None if it does not answer."""
    from trustpub.client.already import look
    from trustpub.http import Http

    try:
        with Http(env=os.environ, ca=index.ca) as http:
            page = look(http, index, project, attempts=1)
    except TrustpubError as error:
        screen().warning(f"{index.host} could not be asked whether the project is there: {error.message}")
        return None
    if page.unread is not None:
        screen().warning(f"{index.host} could not be asked whether the project is there: {page.unread}.")
        return None
    return bool(page.files)


def register(
    registrations: Sequence[Registration], project: str, data: Path, *, issuer: str | None, pin: bool
) -> tuple[str, ...]:
    """Register the publisher of a release with the index in the folder ``data``; what was done, in sentences.

    ``pin``: ids that nobody can tell are taken from the first job that publishes.

    Raises:
        Misuse: there is no index, or only a job knows the publisher.
        Declined: the index does not take it.
    """
    from trustpub.cli.admin.folder import open_index
    from trustpub.index.configuration.whole import Place
    from trustpub.index.registration import Wanted
    from trustpub.trust.wording import describe

    wanted = [one for one in registrations if not one.trial and not one.target.public]
    if not wanted:
        raise Misuse(
            "--register is for an index of trustpub's: PyPI and TestPyPI have a form for it, and no API.",
            hint="Say --index URL, the address of the index whose folder --data names.",
        )
    said: list[str] = []
    with open_index(Place(data=data)) as folder:
        for one in wanted:
            known = _of_project(folder, project)
            same = next((other for other in known or () if _same(other, one)), None)
            if same is not None:
                said.append(f"Publisher {same.id} is registered already: {describe(same)}")
                continue
            # A name that nobody has yet is held for the first release.
            found = folder.publishers.add(
                Wanted(
                    project=project, fields=one.fields, kind=one.kind, issuer=issuer, pending=known is None,
                    pin_on_first_use=pin,
                )
            )  # fmt: skip
            said.append(f"Publisher {found.publisher.id} added: {describe(found.publisher)}")
            said += found.warnings
    return tuple(said)


def _of_project(folder: Folder, project: str) -> Sequence[Publisher] | None:
    """Who may publish it; None where there is no such project."""
    try:
        return folder.publishers.all(project)
    except Declined:
        return None


def _same(known: Publisher, wanted: Registration) -> bool:
    return known.kind == wanted.kind and all(
        known.fields.get(name, "").lower() == value.lower() for name, value in wanted.fields.items()
    )


def document(commands: Sequence[Command]) -> list[dict[str, Any]]:
    """What is to be typed once, for programs."""
    return [{"why": one.why, "commands": list(one.lines)} for one in commands]


def lines(commands: Sequence[Command]) -> Iterator[str]:
    """The same for people."""
    for one in commands:
        yield f"{printable(one.why, 300)}:"
        for line in one.lines:
            yield f"  $ {line}"
