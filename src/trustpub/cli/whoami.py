# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub whoami``: who this job would be to an index."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustpub.cli.declaring import command, option
from trustpub.cli.options import as_job, job, to_index
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.secret import Secret

if TYPE_CHECKING:
    from trustpub.client.indexes import Index
    from trustpub.client.whoami import Account
    from trustpub.declared import Declared, DeclaredPublisher

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?\Z")
_MOST = 300
"""Characters of a claim that are shown."""


@command()
@to_index
@as_job
@option("--audience", metavar="AUDIENCE", help="Ask for a token for this audience, and no index for its own.")
@option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def whoami(index: str | None, ca: str | None, identity_token: str | None, audience: str | None, as_json: bool) -> int:
    """Show who this job would be to an index: what its identity token says, and what to register.

    The token is shown to nobody. Where pyproject.toml declares a publisher for the index, this ends with 1 if the job
    is another one, and says in what it differs.
    """
    from trustpub import declared
    from trustpub.client.whoami import account
    from trustpub.http import Http

    seen = screen()
    seen.aside = as_json
    if audience == "":
        raise Misuse("--audience is empty.", hint="Leave it away to ask the index.")
    found = declared.find(Path.cwd())
    wanted = _index(index, audience, found)
    meant = found.indexes.get(wanted.name) if wanted is not None and wanted.name is not None else None
    publisher = None if meant is None else meant.publisher
    shown = job(identity_token)
    own = (None, ()) if wanted is None else (wanted.ca, (wanted.host,))
    with Http(env=os.environ, ca=ca or own[0], ca_for=own[1]) as http:
        told = account(http, shown, _Listener(), index=wanted, audience=audience, declared=publisher)
    whole = _Told(told, wanted, found, publisher)
    if as_json:
        # A claim must not become a command to the runner, which looks for this anywhere in a line.
        seen.result(json.dumps(whole.document(), indent=2).replace("##[", r"#\u0023["))
    else:
        for line in whole.lines():
            seen.result(line)
    for note in told.notes:
        seen.warning(note)
    return 1 if told.differences else 0


def _index(given: str | None, audience: str | None, found: Declared) -> Index | None:
    """The index that is meant; None where an audience is given and nothing tells the index."""
    from trustpub.client import indexes

    if given is None and audience is not None and found.default_index is None:
        if len(found.indexes) != 1:
            return None
        (given,) = found.indexes
    return indexes.resolve(given, found)


class _Listener:
    """A :class:`trustpub.client.exchange.Listener` that writes to the screen."""

    def mask(self, secret: Secret) -> None:
        screen().mask(secret)

    def step(self, text: str) -> None:
        screen().step(text)


class _Told:
    """An account, for people and as a document."""

    def __init__(
        self, told: Account, index: Index | None, found: Declared, publisher: DeclaredPublisher | None
    ) -> None:
        from trustpub.client.registering import commands, rows

        self._told = told
        self._index = index
        self._publisher = publisher
        self._file = "pyproject.toml" if found.path is None else printable(str(found.path), 200)
        self._pypi = index is not None and index.built_in
        self._rows: tuple[tuple[str, str], ...] = ()
        self._commands: tuple[str, ...] = ()
        if told.proposal is not None:
            self._rows = rows(told.proposal, told.claims, pypi=self._pypi)
            if not self._pypi:
                self._commands = commands(told.proposal, _project(found), told.fixed_audience)

    def document(self) -> dict[str, Any]:
        """Everything."""
        from trustpub.client.registering import missing

        told, proposal = self._told, self._told.proposal
        register: dict[str, Any] | None = None
        if proposal is not None:
            register = {
                "fields": dict(proposal.fields),
                "choices": dict(proposal.choices),
                "form": [{"title": title, "value": value} for title, value in self._rows],
                "commands": list(self._commands),
                "missing": missing(proposal),
            }
        compared = None
        if told.differences is not None and self._index is not None:
            compared = {
                "index": self._index.name,
                "same": not told.differences,
                "differences": [
                    {"field": one.field, "wanted": one.wanted, "given": one.given} for one in told.differences
                ],
            }
        return {
            "ci": told.ci,
            "index": None if self._index is None else self._index.upload_url,
            "audience": told.audience,
            "issuer": told.issuer,
            "kind": told.kind,
            "claims": dict(told.claims),
            "fault": told.fault,
            "register": register,
            "declared": compared,
            "notes": list(told.notes),
        }

    def lines(self) -> Iterator[str]:
        """All of it, claims that are compared first."""
        yield from self._claims()
        yield from self._to_register()
        yield from self._difference()

    def _claims(self) -> Iterator[str]:
        from trustpub.trust.issuers import PROVIDERS
        from trustpub.trust.proposal import compared_first

        told = self._told
        title = PROVIDERS[told.kind].title
        yield f"{told.ci} vouches for this job, by {printable(told.issuer, _MOST)} (kind {told.kind}: {title})."
        groups = compared_first(told.kind, told.claims)
        for title, names in zip(("Claims that are compared", "Other claims", "Of the token"), groups, strict=True):
            if names:
                yield f"{title}:"
            for name in names:
                yield f"  {printable(name, 100)}: {_shown(told.claims[name])}"

    def _to_register(self) -> Iterator[str]:
        from trustpub.client.registering import FOLDER, missing

        told, proposal = self._told, self._told.proposal
        if proposal is None:
            yield told.fault or ""
            return
        where = "the index" if self._index is None else self._index.origin
        if self._pypi and not self._rows:
            yield f"{where} takes no publishers of this issuer."
            return
        yield f"To register at {where}:"
        for title, value in self._rows:
            yield f"  {title}: {printable(value, _MOST)}"
        for line in self._commands:
            yield f"  $ {line}"
        if self._commands:
            yield f"{FOLDER} is the index's folder. A project without a release yet needs --pending as well."
        lacking = missing(proposal)
        if lacking:
            yield lacking
        if proposal.choices:
            yield "It could be held to:" if lacking is None else "There are:"
        for name, value in proposal.choices.items():
            yield f"  {printable(name, 100)}={printable(value, _MOST)}"

    def _difference(self) -> Iterator[str]:
        told = self._told
        if told.differences is None or self._index is None:
            return
        name = self._index.name
        if not told.differences:
            yield f"It is the publisher that {self._file} declares for {name}."
            return
        yield f"It is not the publisher that {self._file} declares for {name}:"
        for one in told.differences:
            given = "has none" if one.given is None else f"says {printable(one.given, _MOST)}"
            field = printable(one.field, 100)
            yield f"  {field}: the job {given}, the publisher wants {printable(one.wanted, _MOST)}"


def _shown(value: object) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value), _MOST) or "(empty)"


def _project(found: Declared) -> str:
    """The name of the project here, for a command line; a placeholder where it has none that can be read."""
    import tomllib

    path = found.path or Path.cwd() / "pyproject.toml"
    try:
        name = tomllib.loads(path.read_text("utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "PROJECT"
    return name if isinstance(name, str) and _NAME.match(name) else "PROJECT"
