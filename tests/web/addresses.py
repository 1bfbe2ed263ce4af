# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every address of the site's table, with the parts of its path from a journey, and who is to look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.web.journey import Journey
from trustpub.index.registration import GENERIC
from trustpub.index.web.site.table import PAGES
from trustpub.trust.issuers import PROVIDERS

PEOPLE = ("guest", "ada", "root")
_PART = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")
_GUEST = ("front", "sign-in", "invitation", "search", "project", "release")
_ELSEWHERE = ("openid", "openid.arrive", "openid.confirm")
"""Pages on the way to a provider where people sign in and back, which this index has none of."""
_AWAY = ("sign-in", "second-factor", "openid", "openid.arrive", "openid.confirm")
"""Pages that are not for those who are signed in, or lead elsewhere."""
_ROOT = "admin"
"""How the names of pages begin that are for administrators."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody goes."""

    path: str
    status: int = 200


class Addresses:
    """Which addresses which person looks at."""

    def __init__(self, journey: Journey) -> None:
        """``journey`` was gone to its end."""
        self._journey = journey

    def of(self, person: str) -> Iterator[Address]:
        """Those of one of :data:`PEOPLE`."""
        yield Address("/no/such/page", 404)
        for name, path in self._pages.items():
            if person == "guest":
                mine = name in _GUEST
            else:
                mine = name not in _AWAY and name.startswith(_ROOT) == (person == "root")
            if mine:
                yield Address(path)
        if person == "ada":
            yield from self._forms()

    @cached_property
    def _pages(self) -> dict[str, str]:
        """Every page that can be looked at, and its path."""
        link = self._journey.house.admin("user", "invite").split()[-1]
        parts = {**self._journey.parts, "token": link.rpartition("/")[2]}
        found = {}
        for page in PAGES:
            if "GET" in page.methods and page.name not in _ELSEWHERE:
                missing = [part for part in _PART.findall(page.path) if part not in parts]
                assert not missing, f"say in journey.py what the {missing} of {page.path} is, so that it is looked at"
                found[page.name] = _PART.sub(lambda part: parts[part[1]], page.path)
        return found

    @cached_property
    def _kinds(self) -> tuple[str, ...]:
        """Those that every index knows, and the one whose form is another than all others."""
        self._journey.house.admin("issuer", "add", "https://ci.example.org", "--kind", GENERIC)
        return (*(kind for kind, provider in PROVIDERS.items() if provider.issuers), GENERIC)

    def _forms(self) -> Iterator[Address]:
        """The form of each provider of which there is an issuer, empty and filled in by a link."""
        for kind in self._kinds:
            yield Address(f"{self._pages['pending-publishers']}?provider={kind}")
        yield Address(f"{self._pages['project-publishing']}?provider=github")
        filled = "provider=github&repository=someone/else&workflow=release.yml&environment=release"
        yield Address(f"{self._pages['project-publishing']}?{filled}")
