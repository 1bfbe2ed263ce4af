# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every page of the site: the closed table of modules that have some."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from starlette.routing import Route, compile_path

from trustpub.index.web.site import (
    account,
    admin_issuers,
    admin_projects,
    admin_users,
    administration,
    front,
    invitation,
    managing,
    members,
    openid,
    projects,
    publishing,
    signing_in,
    tokens,
)
from trustpub.index.web.site.skeleton import Page, Site
from trustpub.index.web.site.static_files import STATIC_PATH, static_answer


class _Module(Protocol):
    @property
    def ROUTES(self) -> Sequence[Page]: ...  # noqa: N802 - a module's constant


MODULES: Sequence[_Module] = (
    front, signing_in, invitation, account, tokens, projects, managing, publishing, members, openid, administration,
    admin_issuers, admin_users, admin_projects,
)  # fmt: skip

PAGES: Sequence[Page] = tuple(page for module in MODULES for page in module.ROUTES)

_STATIC = f"{STATIC_PATH}{{name}}"
_PATTERNS: Sequence[re.Pattern[str]] = tuple(compile_path(path)[0] for path in (_STATIC, *(one.path for one in PAGES)))


def routes(site: Site) -> Sequence[Route]:
    """The pages, to be mounted."""
    pages = [Route(one.path, site.endpoint(one), methods=list(one.methods), name=one.name) for one in PAGES]
    return [Route(_STATIC, static_answer), *pages]


def is_page(path: str) -> bool:
    """Whether a page of the site is at ``path``: one that sees for itself who asks."""
    return any(pattern.match(path) for pattern in _PATTERNS)
