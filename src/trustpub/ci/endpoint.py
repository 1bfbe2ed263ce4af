# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An identity endpoint that a runner offers to its job: an address, and a token with which to ask there.

GitHub made it up, and Forgejo offers the same under the same names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from trustpub.ci import unverified
from trustpub.errors import Misuse, NoIdentity, Unreachable
from trustpub.http import ATTEMPTS, BUSY, Http, Response, split
from trustpub.secret import Secret

REQUEST_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - the name of a variable
"""Names of the variables with which a runner offers its identity endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerJob:
    """A job that may ask its runner's endpoint for identity tokens."""

    name: str
    """Of the CI."""
    whose: str
    """For people, as ``GitHub's``."""
    url: str
    token: Secret
    refused: str = field(repr=False)
    """What to do where it refuses."""
    renews: bool = True
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """A fresh identity token for ``audience``.

        Raises:
            NoIdentity: the endpoint refuses, or answers with something else.
            Unreachable: it cannot be reached, or is busy, even after several attempts.
        """
        response = http.request(
            "GET",
            _for_audience(self.url, audience),
            headers={"Authorization": f"Bearer {self.token.reveal()}", "Accept": "application/json"},
            attempts=ATTEMPTS,
        )
        judge(response, f"{self.whose} identity endpoint", self.refused)
        return unverified.checked(member(response, "value", f"{self.whose} identity endpoint"), audience)


def judge(response: Response, what: str, refused: str) -> None:
    """Make sure that ``what`` answers with success; ``refused`` is the hint where it says no.

    Raises:
        Unreachable: it is busy.
        NoIdentity: it says no.
    """
    if response.status in BUSY:
        raise Unreachable(f"{what} is busy: it answers {response.status}.")
    if response.status != 200:
        raise NoIdentity(f"{what} refuses to give a token: it answers {response.status}.", hint=refused)


def member(response: Response, name: str, what: str) -> Secret:
    """The token that stands under ``name`` in the JSON of an answer; ``what`` answered.

    Raises:
        NoIdentity: there is none. The message has nothing of the answer.
    """
    try:
        value = json.loads(response.body)[name]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        value = None
    if not isinstance(value, str) or not value:
        raise NoIdentity(f"{what} answers without a token: its answer is no JSON with a `{name}`.")
    return Secret(value)


def find(env: Mapping[str, str], *, ci: str, whose: str, permission: str, refused: str) -> RunnerJob:
    """The job whose endpoint the variables name.

    ``ci`` names the CI and ``whose`` the owner of the endpoint; ``permission`` says what to write into the job's file.

    Raises:
        NoIdentity: a variable is missing, or holds no address that may be asked.
    """
    missing = [name for name in (REQUEST_URL, REQUEST_TOKEN) if not env.get(name)]
    if missing:
        raise NoIdentity(
            f"This is {ci}, but the job may not ask for an identity token: {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not set.",
            hint=permission,
        )
    usable(env[REQUEST_URL], REQUEST_URL)
    return RunnerJob(name=ci, whose=whose, url=env[REQUEST_URL], token=Secret(env[REQUEST_TOKEN]), refused=refused)


def usable(url: str, variable: str) -> None:
    """Make sure that the address in ``variable`` may be asked.

    Raises:
        NoIdentity: it may not.
    """
    try:
        split(url)
    except Misuse as error:
        raise NoIdentity(f"{variable} cannot be used. {error.message}", hint=error.hint) from None


def _for_audience(url: str, audience: str) -> str:
    parts = urlsplit(url)
    kept = [one for one in parts.query.split("&") if one and not one.startswith("audience=")]
    return parts._replace(query="&".join([*kept, f"audience={quote(audience, safe='')}"]), fragment="").geturl()
