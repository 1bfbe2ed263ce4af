# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitHub Actions: a job with ``permissions: id-token: write`` asks an endpoint of its runner for an identity token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from trustpub.ci import unverified
from trustpub.errors import Misuse, NoIdentity, Unreachable
from trustpub.http import ATTEMPTS, BUSY, Http, split
from trustpub.secret import Secret

RECOGNISED_BY = "GITHUB_ACTIONS"
"""``true`` there, and nothing else, means GitHub Actions."""
REQUEST_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable
"""Names of the variables with which a runner offers its identity endpoint."""

_PERMISSION = (
    "Give the job that publishes this, in its workflow file:\n"
    "    permissions:\n"
    "      id-token: write\n"
    "A workflow called with `uses:` needs it in the calling job as well."
)
_FORK = (
    "GitHub gives no identity to a pull request from a fork, whatever its permissions. Publish from a push, a tag or a "
    "release instead."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """A job on GitHub Actions that may have an identity token."""

    request_url: str
    request_token: Secret
    name: str = "GitHub Actions"
    renews: bool = True
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """A fresh identity token for ``audience``.

        Raises:
            NoIdentity: the runner's endpoint refuses, or answers with something else.
            Unreachable: it cannot be reached, or is busy, even after several attempts.
        """
        response = http.request(
            "GET",
            _for_audience(self.request_url, audience),
            headers={"Authorization": f"Bearer {self.request_token.reveal()}", "Accept": "application/json"},
            attempts=ATTEMPTS,
        )
        if response.status in BUSY:
            raise Unreachable(f"GitHub's identity endpoint is busy: it answers {response.status}.")
        if response.status != 200:
            raise NoIdentity(
                f"GitHub's identity endpoint refuses to give a token: it answers {response.status}.",
                hint="A job can ask only while it runs, and only with `permissions: id-token: write`.",
            )
        try:
            value = json.loads(response.body)["value"]
        except (ValueError, RecursionError, KeyError, TypeError, IndexError):
            value = None
        if not isinstance(value, str) or not value:
            raise NoIdentity(
                "GitHub's identity endpoint answers without a token: its answer is no JSON with a `value`."
            )
        return unverified.checked(Secret(value), audience)


def detect(env: Mapping[str, str]) -> GitHub | None:
    """The job we are in, if it is one of GitHub Actions.

    Raises:
        NoIdentity: it is, and has no identity token to give; says which variables are missing and what to set.
    """
    if env.get(RECOGNISED_BY) != "true":
        return None
    missing = [name for name in (REQUEST_URL, REQUEST_TOKEN) if not env.get(name)]
    if missing:
        raise NoIdentity(
            f"This is GitHub Actions, but the job may not ask for an identity token: {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set.",
            hint=_FORK if _from_fork(env) else _PERMISSION,
        )
    try:
        split(env[REQUEST_URL])
    except Misuse as error:
        raise NoIdentity(f"{REQUEST_URL} cannot be used. {error.message}", hint=error.hint) from None
    return GitHub(request_url=env[REQUEST_URL], request_token=Secret(env[REQUEST_TOKEN]))


def _for_audience(url: str, audience: str) -> str:
    parts = urlsplit(url)
    kept = [one for one in parts.query.split("&") if one and not one.startswith("audience=")]
    return parts._replace(query="&".join([*kept, f"audience={quote(audience, safe='')}"]), fragment="").geturl()


def _from_fork(env: Mapping[str, str]) -> bool:
    """Whether the event that started the workflow is a pull request from a fork."""
    if env.get("GITHUB_EVENT_NAME") != "pull_request" or not env.get("GITHUB_EVENT_PATH"):
        return False
    try:
        with open(env["GITHUB_EVENT_PATH"], encoding="utf-8") as file:
            return json.load(file)["pull_request"]["head"]["repo"]["fork"] is True
    except (OSError, ValueError, RecursionError, KeyError, TypeError, IndexError):
        return False
