# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which index is meant, where its endpoints are, and which audiences it may ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from trustpub.errors import Declined, Misuse
from trustpub.http import split
from trustpub.printable import printable
from trustpub.protocol.upload import UPLOAD_PATH

DEFAULT = "pypi"
NAMED: Mapping[str, str] = {
    "pypi": "https://upload.pypi.org/legacy/",
    "testpypi": "https://test.pypi.org/legacy/",
}
"""Upload addresses of the indexes that have a name. They stand here and nowhere else."""

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
_OWNERS: Mapping[str, frozenset[str]] = {
    "pypi": frozenset({"upload.pypi.org", "pypi.org"}),
    "testpypi": frozenset({"test.pypi.org"}),
    "sigstore": frozenset(),
}
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")
_PRINTED = re.compile(r"[!-~]{1,256}\Z")
_HOST_WORD = re.compile(r"[A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index that files can be uploaded to."""

    upload_url: str
    """Of the legacy upload API."""
    origin: str
    """Scheme, host and port; the exchange's endpoints are right under it, whatever the path of the upload URL."""

    @property
    def host(self) -> str:
        """Without the port, in lower case."""
        return urlsplit(self.origin).hostname or ""


def resolve(given: str) -> Index:
    """The index that a person means by a name (``pypi``, ``testpypi``), its base URL, or its upload URL.

    Raises:
        Misuse: no such name, or a URL that cannot be uploaded to.
    """
    if "://" not in given:
        if given.lower() not in NAMED:
            raise Misuse(
                f"There is no index named {printable(given, 100)}.",
                hint=f"Give {' or '.join(NAMED)}, or the URL of an index: https://…",
            )
        return _index(NAMED[given.lower()])
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
    if named and parts.scheme == "https" and parts.port in (None, 443) and path in ("", UPLOAD_PATH.rstrip("/")):
        return _index(NAMED[named])
    return _index(f"{parts.scheme}://{parts.netloc}{path or UPLOAD_PATH.rstrip('/')}/")


def check_audience(index: Index, audience: str) -> None:
    """Make sure that a token for ``audience`` can be used at ``index`` only.

    An index that asks for somebody else's audience could use the token there in our name. So a plain word must not
    be one that is known to be another's, and an audience that names a host must name this index's.

    Raises:
        Declined: the audience is, or may be, somebody else's.
    """
    if not _PRINTED.match(audience):
        raise Declined(f"{index.origin} asks for an audience that is not 1 to 256 printable ASCII characters.")
    owners = _OWNERS.get(audience.lower())
    if owners is not None:
        mine = index.host in owners
    else:
        words = [word.lower() for word in _HOST_WORD.findall(audience)]
        mine = bool(_PLAIN.match(audience)) or any(_names(word, index.host) for word in words)
    if not mine:
        raise Declined(
            f"{index.origin} asks for an identity token for the audience {printable(audience)}, which belongs to "
            "somebody else: there the token would pass for this job. None was requested.",
            hint="Check the address of the index. If it is right, its operator must give it an audience of its own.",
        )


def _names(word: str, host: str) -> bool:
    return word == host or ("." in word and host.endswith("." + word))


def _index(upload_url: str) -> Index:
    parts = urlsplit(upload_url)
    return Index(upload_url=upload_url, origin=f"{parts.scheme}://{parts.netloc}")
