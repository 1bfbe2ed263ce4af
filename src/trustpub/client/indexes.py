# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which index is meant, by name or address, and what is known of it before it is asked anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from trustpub.declared import NOTHING, TABLE, Declared, DeclaredIndex
from trustpub.errors import Misuse
from trustpub.http import split
from trustpub.printable import printable
from trustpub.protocol.paths import UPLOAD_PATH

DEFAULT = "pypi"
NAMED: Mapping[str, str] = {
    "pypi": "https://upload.pypi.org/legacy/",
    "testpypi": "https://test.pypi.org/legacy/",
}
"""Upload addresses of the indexes that have a name everywhere. They stand here and nowhere else."""

READ_HOSTS: Mapping[str, str] = {"pypi": "pypi.org", "testpypi": "test.pypi.org"}
"""Where those indexes are read, over their Simple API."""
FILE_HOSTS: Mapping[str, str] = {"files.pythonhosted.org": "pypi", "test-files.pythonhosted.org": "testpypi"}
"""Where their files are, if not on their own host."""

_HOSTS: Mapping[str, str] = {
    "pypi.org": "pypi",
    "www.pypi.org": "pypi",
    "upload.pypi.org": "pypi",
    "test.pypi.org": "testpypi",
}
_LEGACY = UPLOAD_PATH.rstrip("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that files can be uploaded to."""

    upload_url: str
    """Of the legacy upload API."""
    origin: str
    """Scheme, host and port of it."""
    name: str | None = None
    """Under which it is known: ``pypi``, ``testpypi``, or the one that the project declares; None: only by its URL."""
    audience: str | None = None
    """The only one that it may ask for, where the project declares it."""
    ca: str | None = None
    """PEM file that the project declares for it; ``--ca`` goes before it."""
    simple_url: str | None = None
    """Of its Simple API, ending in a slash; a guess where nothing declares it."""

    @property
    def host(self) -> str:
        """Without the port, in lower case."""
        return urlsplit(self.origin).hostname or ""

    @property
    def built_in(self) -> bool:
        """Whether it is PyPI or TestPyPI itself, at its own address."""
        return self.upload_url in NAMED.values()


def resolve(given: str | None, declared: Declared = NOTHING) -> Index:
    """The index that a person means by a name, its base URL, or its upload URL.

    Names are those of ``declared``, then ``pypi`` and ``testpypi``. None means the default that is declared, else
    PyPI. What is declared of an index holds also where it is given by its URL.

    Raises:
        Misuse: no such name, or a URL that cannot be uploaded to.
    """
    if given is None:
        given = declared.default_index or DEFAULT
    if "://" not in given:
        return _by_name(given, declared)
    index = _by_url(given)
    for name, known in declared.indexes.items():
        if _declared(name, known).upload_url == index.upload_url:
            return _declared(name, known)
    return index


def forms(index: Index, project: str) -> tuple[str, str] | None:
    """Pages of PyPI and TestPyPI that take a publisher of ``project``: while it does not exist, and once it does.

    ``project`` is a valid name. None for every other index.
    """
    if not index.built_in or index.name is None:
        return None
    top = f"https://{READ_HOSTS[index.name]}/manage"
    return f"{top}/account/publishing/", f"{top}/project/{project}/settings/publishing/"


def tokens_page(index: Index) -> str | None:
    """Where a person revokes API tokens of PyPI or TestPyPI; None for every other index."""
    return f"https://{READ_HOSTS[index.name]}/manage/account/" if index.built_in and index.name else None


def _by_name(given: str, declared: Declared) -> Index:
    known = declared.indexes.get(given) or declared.indexes.get(given.lower())
    if known is not None:
        return _declared(known.name, known)
    if given.lower() in NAMED:
        return _index(NAMED[given.lower()])
    names = list(dict.fromkeys([*declared.indexes, *NAMED]))
    raise Misuse(
        f"There is no index named {printable(given, 100)}.",
        hint=f"Give {', '.join(names[:-1])} or {names[-1]}, or the URL of an index: https://… A project gives names of "
        f"its own in pyproject.toml, under [{TABLE}.indexes.NAME].",
    )


def _declared(name: str, known: DeclaredIndex) -> Index:
    index = _index(NAMED[name]) if known.url is None else _declared_url(name, known.url)
    return replace(
        index,
        name=name,
        audience=known.audience,
        ca=None if known.ca is None else str(known.ca),
        simple_url=index.simple_url if known.simple is None else _slashed(known.simple),
    )


def _declared_url(name: str, url: str) -> Index:
    try:
        index = _by_url(url)
    except Misuse as error:
        raise Misuse(f"{TABLE}.indexes.{name}.url: {error.message}", hint=error.hint) from None
    if name in NAMED and index.upload_url != NAMED[name]:
        raise Misuse(
            f"{TABLE}.indexes.{name}.url is not the address of {name}.",
            hint="Leave the url away, or give this index another name: whoever reads the name believes it.",
        )
    return index


def _by_url(given: str) -> Index:
    parts = split(given)
    if parts.query or parts.fragment:
        raise Misuse("The URL of the index has a query or a fragment, which an upload URL has not.")
    path = parts.path.rstrip("/")
    if path.endswith("/simple") or "/simple/" in parts.path:
        raise Misuse(
            f"{printable(given, 200)} is where an index is read, not where files are uploaded.",
            hint="Give the index's base URL, or its upload URL, which often ends in /legacy/.",
        )
    named = _HOSTS.get(parts.hostname or "")
    if named and parts.scheme == "https" and parts.port in (None, 443) and path in ("", _LEGACY):
        return _index(NAMED[named])
    return _index(f"{parts.scheme}://{parts.netloc}{path or _LEGACY}/")


def _index(upload_url: str) -> Index:
    name = next((name for name, url in NAMED.items() if url == upload_url), None)
    parts = urlsplit(upload_url)
    read = f"https://{READ_HOSTS[name]}/" if name else f"{upload_url.rstrip('/').removesuffix(_LEGACY)}/"
    return Index(
        upload_url=upload_url, origin=f"{parts.scheme}://{parts.netloc}", name=name, simple_url=f"{read}simple/"
    )


def _slashed(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"
