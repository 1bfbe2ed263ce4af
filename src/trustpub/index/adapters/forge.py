# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Forges' REST APIs, asked for the ids of public repositories and their owners. No credential is ever sent.

Each instance is asked itself, at an address that follows from its issuer's URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from trustpub.errors import TrustpubError
from trustpub.http import Response
from trustpub.index.adapters.asking import SECONDS, Asking, json_of
from trustpub.index.kept import Issuer
from trustpub.index.ports import ForgeSilent
from trustpub.printable import quoted
from trustpub.trust.providers import github, gitlab

GITHUB_API = "https://api.github.com"
MAX_BYTES = 256 * 1024

_GHE_COM = re.compile(r"token\.actions\.([a-z0-9-]+\.ghe\.com)\Z")
_SERVER_PATH = "/_services/token"


class Forges:
    """:class:`trustpub.index.ports.Forge` for GitHub and GitLab, public or of one's own."""

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        rehearsal: bool = False,
        seconds: float = SECONDS,
        github_api: str = GITHUB_API,
    ) -> None:
        """``env``: for proxies and certificates. ``github_api``: that of github.com."""
        self._asking = Asking(env=env, rehearsal=rehearsal, seconds=seconds)
        self._github_api = github_api
        self._asked: Mapping[str, Callable[[Issuer, Mapping[str, str]], dict[str, str]]] = {
            github.PROVIDER.kind: self._github,
            gitlab.PROVIDER.kind: self._gitlab,
        }

    def ids(self, issuer: Issuer, kind: str, fields: Mapping[str, str]) -> Mapping[str, str]:
        ask = self._asked.get(kind)
        if ask is None:
            raise ForgeSilent("Nobody can be asked for the ids of this publisher.")
        return ask(issuer, fields)

    def _github(self, issuer: Issuer, fields: Mapping[str, str]) -> dict[str, str]:
        """See "Get a repository" in GitHub's REST reference."""
        name = fields["repository"]
        api = _github_api(issuer.url, self._github_api)
        if api == self._github_api:  # the issuer's own certificates and reach say nothing about another host
            issuer = replace(issuer, ca=None, private=False)
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        answer = self._ask(issuer, f"{api}/repos/{quote(name)}", name, headers)
        repository_id, owner_id = _at(answer, "id"), _at(answer, "owner", "id")
        return _checked(
            name, _at(answer, "full_name"), where=api, ids={"owner_id": owner_id, "repository_id": repository_id}
        )

    def _gitlab(self, issuer: Issuer, fields: Mapping[str, str]) -> dict[str, str]:
        """See "Get a single project" in GitLab's REST reference."""
        name = f"{fields['namespace']}/{fields['project']}"
        api = issuer.url.removesuffix("/") + "/api/v4"
        answer = self._ask(issuer, f"{api}/projects/{quote(name, safe='')}", name, {"Accept": "application/json"})
        namespace_id, project_id = _at(answer, "namespace", "id"), _at(answer, "id")
        return _checked(
            name,
            _at(answer, "path_with_namespace"),
            where=api,
            ids={"namespace_id": namespace_id, "project_id": project_id},
        )

    def _ask(self, issuer: Issuer, url: str, name: str, headers: Mapping[str, str]) -> Any:
        where = urlsplit(url).netloc
        try:
            with self._asking.http(issuer) as http:
                response = http.request("GET", url, headers=headers, max_bytes=MAX_BYTES)
        except TrustpubError as error:
            raise ForgeSilent(f"{where} cannot be asked for the ids of {quoted(name)}: {error.message}") from None
        if response.status != 200:
            raise ForgeSilent(_no(response, where, name))
        return json_of(response)


def _github_api(issuer: str, public: str) -> str:
    """The API beside the issuer: of github.com, of a tenant of GHE.com, or of a GitHub Enterprise Server."""
    parts = urlsplit(issuer)
    if tenant := _GHE_COM.match(parts.hostname or ""):
        return f"https://api.{tenant[1]}"
    if parts.path == _SERVER_PATH:
        return f"{parts.scheme}://{parts.netloc}/api/v3"
    if parts.hostname == urlsplit(github.ISSUER).hostname:
        return public
    raise ForgeSilent(f"Nobody can be asked for ids that {quoted(issuer)} puts into its tokens.")


def _no(response: Response, where: str, name: str) -> str:
    if response.status == 404:
        return f"{where} knows no public repository {quoted(name)}."
    if response.status == 401:
        return f"{where} answers only those who are signed in."
    if response.status in (403, 429):
        return f"{where} answers no more questions from this address for now."
    return f"{where} answers with status {response.status} when asked about {quoted(name)}."


def _at(answer: Any, *path: str) -> Any:
    for name in path:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def _checked(wanted: str, name: Any, *, where: str, ids: Mapping[str, Any]) -> dict[str, str]:
    """The ids as texts, if they are ids and the answer is about what was asked for: a forge may follow a rename."""
    host = urlsplit(where).netloc
    if not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in ids.values()):
        raise ForgeSilent(f"The answer of {host} does not hold the ids of {quoted(wanted)}.")
    if not isinstance(name, str) or name.lower() != wanted.lower():
        raise ForgeSilent(f"The answer of {host} is about another repository than {quoted(wanted)}.")
    return {key: str(value) for key, value in ids.items()}
