# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which audiences an index may ask for.

Whoever gets an identity token can show it to everybody who takes tokens for its audience, and is this job there. So
the audience is judged before any token is asked for:

1. It is what the project declares for the index, if that declares one.
2. It is nobody else's who is known: PyPI's, Sigstore's, a cloud's, a CI's own default.
3. Where it names a host, that is the index's.
4. Where it is a word, it does not spell another host, and is no bare id; unless the project declares it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn
from urllib.parse import urlsplit

from trustpub.addresses import is_loopback
from trustpub.client.indexes import Index
from trustpub.errors import Declined
from trustpub.printable import inert

_OWNERS: Mapping[str, frozenset[str]] = {
    "pypi": frozenset({"upload.pypi.org", "pypi.org"}),
    "testpypi": frozenset({"test.pypi.org"}),
}
"""Words that belong to hosts."""
_TAKEN = frozenset(
    {
        "api", "aws", "azure", "azureadtokenexchange", "conjur", "cosign", "fulcio", "gcp", "github", "gitlab",
        "jfrog-github", "jfrog-gitlab", "kubernetes", "minio", "npm", "nuget", "rubygems", "sigstore", "sts", "vault",
    }
)  # fmt: skip
"""Words that others ask for: clusters, clouds, secret stores and registries, by their documentation or by default."""

_PRINTED = re.compile(r"[!-~]{1,256}\Z")
_WORD = re.compile(r"[A-Za-z0-9_-]+\Z")
_HOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/.*)?\Z")
_ID = re.compile(r"\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?\Z", re.IGNORECASE)
"""The default audience of a CircleCI job is the bare UUID of its organization."""
_OWN = re.compile(r"(?:index_(?=[0-9]))?(.+)_[0-9a-f]{16}\Z")
"""What an index of ours asks for: its host, with ``_`` for all that is no letter or digit, and a random end."""
_ENDS = frozenset(
    {
        "ai", "app", "biz", "cloud", "co", "com", "dev", "edu", "eu", "gov", "info", "int", "io", "mil", "net", "org",
        "sh", "tech", "tools", "xyz",
        "at", "au", "be", "br", "ca", "ch", "cn", "cz", "de", "dk", "es", "fi", "fr", "hk", "ie", "il", "in", "it",
        "jp", "kr", "mx", "nl", "no", "nz", "pl", "pt", "ru", "se", "sg", "tw", "uk", "us", "za",
    }
)  # fmt: skip
"""Ends of host names that are common enough for ``packages_example_com`` to be taken for one."""


def check_audience(index: Index, audience: str) -> None:
    """Make sure that a token for ``audience`` can be used at ``index`` only, as far as that can be told.

    Raises:
        Declined: the audience is, or may be, somebody else's, or is not the one declared. Nothing was asked for.
    """
    if not _PRINTED.match(audience):
        raise Declined(
            f"{index.origin} asks for an audience that is not 1 to 256 printable ASCII characters. "
            "No identity token was requested."
        )
    if index.audience is not None and audience != index.audience:
        raise Declined(
            f"{index.origin} asks for an identity token for the audience {inert(audience)}, and the project "
            f"declares {inert(index.audience)} for it. None was requested.",
            hint="If the index was set up anew, change `audience` in pyproject.toml. Otherwise somebody else answers.",
        )
    word = audience.lower()
    if word in _OWNERS:
        if index.host not in _OWNERS[word]:
            _refuse(index, audience)
    elif word in _TAKEN or not (_WORD.match(audience) or _is_of(index, word)):
        _refuse(index, audience)
    elif index.audience is None and (_ID.match(word) or _spells_another(index, word)):
        _refuse(
            index,
            audience,
            "Check the address of the index. If it is right, declare its audience in pyproject.toml: `audience` in the "
            "index's table.",
        )


def _refuse(
    index: Index,
    audience: str,
    hint: str = "Check the address of the index. If it is right, its operator must give it an audience of its own.",
) -> NoReturn:
    raise Declined(
        f"{index.origin} asks for an identity token for the audience {inert(audience)}, which belongs to "
        "somebody else: there the token would pass for this job. None was requested.",
        hint=hint,
    )


def _is_of(index: Index, audience: str) -> bool:
    """Whether the host that ``audience`` names, as a URL or without its scheme, is the index's or one above it."""
    if "://" in audience or audience.startswith("//"):
        try:
            host = urlsplit(audience).hostname or ""
        except ValueError:
            return False
    else:
        match = _HOST.match(audience)
        host = match[1].strip("[]") if match else ""
    return host == index.host or ("." in host.strip(".") and index.host.endswith("." + host.lstrip(".")))


def _spells_another(index: Index, word: str) -> bool:
    """Whether ``word`` is the name of another host with ``_`` for its dots, as audiences of indexes often are."""
    own = _OWN.match(word)
    spelled = own[1] if own else word.replace("-", "_")
    if own is None and ("_" not in spelled or spelled.rsplit("_", 1)[1] not in _ENDS):
        return False
    here = re.sub(r"[^a-z0-9]+", "_", index.host).strip("_")
    if here == spelled or here.endswith("_" + spelled) or here[:100] == spelled:
        return False
    return not (is_loopback(index.host) and is_loopback(spelled.replace("_", ".")))
