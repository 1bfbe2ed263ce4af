# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a project declares of its releases: ``[tool.trustpub]`` in its ``pyproject.toml``.

    [tool.trustpub]
    default-index = "packages"
    tag = "v{version}"
    expect = { sdist = 1, wheels = "1+" }

    [tool.trustpub.indexes.packages]
    url = "https://packages.example.com/legacy/"
    audience = "packages_example_com"
    ca = "certificates/packages.pem"

    [tool.trustpub.indexes.packages.publisher]
    kind = "github"
    repository = "acme/demo"
    workflow = "release.yml"
    environment = "release"

The registration form, the workflow, the doctor, the client and its messages all read the publisher from here, so they
cannot differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustpub.errors import Misuse
from trustpub.printable import printable, quoted

if TYPE_CHECKING:
    from trustpub.trust.publishers import Publisher

FILE = "pyproject.toml"
TABLE = "tool.trustpub"
ANY_VERSION = "{version}"
"""Stands for the version in :attr:`Declared.tag`."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")
_COUNT = re.compile(r"([0-9]{1,6})(\+?)\Z")
_KNOWN = frozenset({"default-index", "tag", "expect", "workspace", "indexes"})
_KNOWN_OF_INDEX = frozenset({"url", "simple", "audience", "ca", "publisher"})
_EXPECTED = ("sdist", "wheels")
_AUDIENCE = re.compile(r"[!-~]{1,256}\Z")
_ISSUER = re.compile(r"https?://[!-~]{1,500}\Z")
_LARGEST = 1 << 64
"""No id is as large; and a number of thousands of digits cannot even be written out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPublisher:
    """Who publishes, in the fields that the form of the index has."""

    kind: str
    """Of its provider: one of :data:`trustpub.trust.issuers.PROVIDERS`."""
    issuer: str | None
    """As declared; otherwise the provider's public one, and None where it has none."""
    fields: Mapping[str, str]
    """As the provider spells them, under its names (``repository_id``, which is ``repository-id`` in TOML)."""
    immutable: tuple[str, ...] = ()
    """Of the generic kind: the claims that are ids and never given to anybody else."""

    def to_compare(self, issuer: str) -> Publisher:
        """As an index that judges a job of ``issuer`` would have it.

        Ids that are not declared are pinned there, or given, and so are no difference.
        """
        from trustpub.trust.publishers import Publisher  # only here: who has no token to compare waits for no rules

        return Publisher(
            id="declared",
            issuer=self.issuer or issuer,
            kind=self.kind,
            fields=self.fields,
            immutable=self.immutable,
            pin_on_first_use=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredIndex:
    """An index that the project publishes to."""

    name: str
    url: str | None = None
    """Base or upload URL; None for ``pypi`` and ``testpypi``, whose are known."""
    simple: str | None = None
    """URL of its Simple API, where that does not follow from the upload URL."""
    audience: str | None = None
    """The only one that it may ask for."""
    ca: Path | None = None
    """PEM file of its certificate authority."""
    publisher: DeclaredPublisher | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many files of a kind a release has."""

    least: int
    exactly: bool

    def holds(self, found: int) -> bool:
        """Whether ``found`` is such a number."""
        return found == self.least if self.exactly else found >= self.least

    def __str__(self) -> str:
        return f"{self.least}{'' if self.exactly else ' or more'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Everything in the table. Without one, nothing is declared, and this is empty."""

    path: Path | None = None
    """The file that was read."""
    default_index: str | None = None
    tag: str | None = None
    """How a tag is made from a version, with :data:`ANY_VERSION` in it."""
    expect: Mapping[str, Count] = field(default_factory=dict)
    """By ``sdist`` and ``wheels``."""
    workspace: bool = False
    """Whether other projects of the repository declare publishers of their own."""
    indexes: Mapping[str, DeclaredIndex] = field(default_factory=dict)


NOTHING = Declared()


def find(folder: Path) -> Declared:
    """What the nearest ``pyproject.toml`` declares, from ``folder`` up to the top of its repository.

    Raises:
        Misuse: as :func:`read`.
    """
    folder = folder.absolute()
    for place in (folder, *folder.parents):
        if (place / FILE).is_file():
            return read(place / FILE)
        if (place / ".git").exists():
            break
    return NOTHING


def read(path: Path) -> Declared:
    """What the file ``path`` declares.

    Raises:
        Misuse: it cannot be read, is not TOML, or something in the table cannot be meant; names everything at fault.
    """
    shown = printable(str(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misuse(f"{shown} cannot be read: {error.strerror}.") from None
    if b"trustpub" not in content:  # as in most projects; a release job waits for this
        return NOTHING
    import tomllib

    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, UnicodeDecodeError, numbers beyond Python's limit
        raise Misuse(f"{shown} is not TOML: {printable(str(error), 300)}.") from None
    tool = document.get("tool")
    table = tool.get("trustpub") if isinstance(tool, dict) else None
    return NOTHING if table is None else declared(table, path)


def declared(table: Any, path: Path) -> Declared:
    """What ``table``, the value of ``tool.trustpub`` in ``path``, says.

    Raises:
        Misuse: something in it cannot be meant; names everything at fault.
    """
    reading = _Reading(path.parent)
    found = reading.all_of(table, path)
    if reading.faults:
        raise Misuse("\n".join([f"{printable(str(path))} declares what cannot be meant:", *reading.faults]))
    return found


class _Reading:
    """One pass over the table that goes on after a fault, so that all are told at once."""

    def __init__(self, folder: Path) -> None:
        self.faults: list[str] = []
        self._folder = folder

    def all_of(self, table: Any, path: Path) -> Declared:
        root = self._table(table, TABLE, _KNOWN)
        indexes = {
            name: self._index(name, value)
            for name, value in self._table(root.get("indexes", {}), f"{TABLE}.indexes").items()
            if self._fits(name)
        }
        default = self._text(root, "default-index", TABLE)
        if default is not None and default not in indexes and default not in ("pypi", "testpypi"):
            self._fault(f"{TABLE}.default-index", f"names no index of the file: {quoted(default)}")
        tag = self._text(root, "tag", TABLE)
        if tag is not None and tag.count(ANY_VERSION) != 1:
            self._fault(f"{TABLE}.tag", f"must have {ANY_VERSION} in it, once")
        workspace = root.get("workspace", False)
        if not isinstance(workspace, bool):
            self._fault(f"{TABLE}.workspace", "is neither true nor false")
        return Declared(
            path=path,
            default_index=default,
            tag=tag,
            expect=dict(self._counts(root.get("expect", {}))),
            workspace=workspace is True,
            indexes=indexes,
        )

    def _index(self, name: str, value: Any) -> DeclaredIndex:
        where = f"{TABLE}.indexes.{name}"
        table = self._table(value, where, _KNOWN_OF_INDEX)
        url, ca = self._text(table, "url", where), self._text(table, "ca", where)
        if url is None and name not in ("pypi", "testpypi"):
            self._fault(f"{where}.url", "is missing")
        return DeclaredIndex(
            name=name,
            url=url,
            simple=self._text(table, "simple", where),
            audience=self._audience(table, where),
            ca=None if ca is None else self._folder / ca,
            publisher=self._publisher(table["publisher"], f"{where}.publisher") if "publisher" in table else None,
        )

    def _audience(self, table: Mapping[str, Any], where: str) -> str | None:
        audience = self._text(table, "audience", where)
        if audience is not None and not _AUDIENCE.match(audience):
            self._fault(f"{where}.audience", "is not 1 to 256 printable characters of ASCII without a blank")
        return audience

    def _publisher(self, value: Any, where: str) -> DeclaredPublisher | None:
        # All providers are behind these: only who declares a publisher waits for them.
        from trustpub.trust.issuers import PROVIDERS, belongs_to
        from trustpub.trust.provider import BadFields

        table = self._table(value, where)
        kind = self._text(table, "kind", where)
        if kind is None or kind not in PROVIDERS:
            said = "is missing" if kind is None else f"is no kind of publisher: {quoted(kind)}"
            self._fault(f"{where}.kind", f"{said}; there are {', '.join(PROVIDERS)}")
            return None
        provider = PROVIDERS[kind]
        issuer = self._text(table, "issuer", where)
        if issuer is None and provider.issuers:
            issuer = provider.issuers[0]
        elif issuer is not None and not _ISSUER.match(issuer):
            self._fault(f"{where}.issuer", f"is not an issuer's address, as {provider.issuer_form}")
        elif issuer is not None and belongs_to(issuer) not in (None, kind):
            self._fault(f"{where}.issuer", f"is an issuer of the kind {belongs_to(issuer)}, and not of {kind}")
        claims = kind == "generic"
        immutable = self._names(table.get("immutable", []), f"{where}.immutable") if claims else ()
        given = {
            name if claims else name.replace("-", "_"): self._word(value, f"{where}.{name}", as_json=claims)
            for name, value in table.items()
            if name not in ("kind", "issuer", *(["immutable"] if claims else []))
        }
        for name in immutable:
            if name not in given:
                self._fault(f"{where}.immutable", f"names {quoted(name)}, which is not among the claims")
        try:
            return DeclaredPublisher(kind=kind, issuer=issuer, fields=provider.spell(given), immutable=immutable)
        except BadFields as error:
            for fault in error.faults:
                hint = f" ({fault.hint})" if fault.hint else ""
                self._fault(f"{where}.{printable(fault.field.replace('_', '-'), 100)}", f"{fault.problem}{hint}")
            return None

    def _counts(self, value: Any) -> Iterator[tuple[str, Count]]:
        for name, count in self._table(value, f"{TABLE}.expect", frozenset(_EXPECTED)).items():
            match = _COUNT.match(_typed(count) or "") if not isinstance(count, bool) else None
            if match is None:
                self._fault(f"{TABLE}.expect.{name}", 'is not a number of files such as 1 or "1+"')
            elif name in _EXPECTED:
                yield name, Count(least=int(match[1]), exactly=not match[2])

    def _table(self, value: Any, where: str, known: frozenset[str] | None = None) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fault(where, "is not a table")
            return {}
        for name in value:
            if known is not None and name not in known:
                self._fault(f"{where}.{printable(name, 100)}", f"is nothing that is known here; {_listed(known)} are")
        return value

    def _text(self, table: Mapping[str, Any], name: str, where: str) -> str | None:
        value = table.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            self._fault(f"{where}.{name}", "is empty, or no text")
            return None
        return value

    def _word(self, value: Any, where: str, *, as_json: bool) -> str:
        """A field of a publisher: ids may be written as numbers; a claim's type counts, so it stays in JSON."""
        typed = _typed(value)
        if typed is not None:
            return json.dumps(value) if as_json else typed
        self._fault(printable(where, 200), "is neither text nor a number")
        return ""

    def _names(self, value: Any, where: str) -> tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        self._fault(where, "is no list of names of claims")
        return ()

    def _fits(self, name: str) -> bool:
        if _NAME.match(name):
            return True
        where = f"{TABLE}.indexes.{printable(name, 100)}"
        self._fault(where, "is no name: small letters, digits, - and _, the first a letter, at most 64")
        return False

    def _fault(self, where: str, problem: str) -> None:
        self.faults.append(f"  {where} {problem}.")


def _typed(value: Any) -> str | None:
    """Text as it stands, a number or a truth value as it would be typed; None for all else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < _LARGEST else None
    return value if isinstance(value, str) else None


def _listed(names: frozenset[str] | Sequence[str]) -> str:
    return ", ".join(sorted(names))
