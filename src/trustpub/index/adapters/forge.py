# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitHub's REST API, asked for the ids of public repositories."""

from __future__ import annotations

import json
from collections.abc import Mapping

from trustpub.errors import TrustpubError
from trustpub.http import Http
from trustpub.index.manage import ForgeSilent

API = "https://api.github.com"
SECONDS = 5.0


class GitHub:
    """:class:`trustpub.index.manage.Forge` for github.com. Sends no credential."""

    def __init__(self, env: Mapping[str, str], *, api: str = API) -> None:
        """``env``: for proxies and certificates."""
        self._env = env
        self._api = api

    def ids(self, repository: str) -> Mapping[str, str]:
        """See "Get a repository" in GitHub's REST reference."""
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        try:
            with Http(env=self._env, read_seconds=SECONDS) as http:
                response = http.request("GET", f"{self._api}/repos/{repository}", headers=headers)
        except TrustpubError as error:
            raise ForgeSilent(f"GitHub cannot be asked for the ids of {repository!r}: {error.message}") from None
        if response.status == 404:
            raise ForgeSilent(f"GitHub knows no public repository {repository!r}.")
        if response.status in (403, 429):
            raise ForgeSilent("GitHub answers no more questions from this address for now.")
        if response.status != 200:
            raise ForgeSilent(f"GitHub answers with status {response.status} when asked about {repository!r}.")
        return _read(response.body, repository)


def _read(body: bytes, repository: str) -> dict[str, str]:
    try:
        answer = json.loads(body)
        repository_id, owner_id, name = answer["id"], answer["owner"]["id"], answer["full_name"]
    except (ValueError, RecursionError, KeyError, TypeError):
        repository_id = owner_id = name = None
    ids = (repository_id, owner_id)
    if not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in ids):
        raise ForgeSilent("GitHub's answer does not hold the ids.")
    if not isinstance(name, str) or name.lower() != repository.lower():
        raise ForgeSilent(f"GitHub's answer is about another repository than {repository!r}.")
    return {"owner_id": str(owner_id), "repository_id": str(repository_id)}
