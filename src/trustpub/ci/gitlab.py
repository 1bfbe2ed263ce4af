# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitLab CI: the job's definition names a variable and an audience, and GitLab puts an identity token into it.

The token is made when the job starts. There is one for each variable, and none can be asked for later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from trustpub.ci import unverified
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.secret import Secret

RECOGNISED_BY = "GITLAB_CI"
"""``true`` there, and nothing else, means GitLab CI."""
SUFFIX = "_ID_TOKEN"
"""With which the variables of identity tokens end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLab:
    """A job on GitLab CI that may have identity tokens."""

    tokens: Mapping[str, Secret] = field(repr=False)
    """By the name of the variable; only those that are not empty."""
    name: str = "GitLab CI"
    renews: bool = False
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """The job's identity token for ``audience``: the same one each time. Nothing is asked over the network.

        Raises:
            NoIdentity: the job has none, or it is for another audience; says what to write into the job.
        """
        names = variables(audience)
        found = next((self.tokens[name] for name in names if name in self.tokens), None)
        if found is None:
            raise NoIdentity(
                f"This is GitLab CI, but the job has no identity token for this index: {names[0]} is not set.",
                hint=_mend(names[0], audience),
            )
        return unverified.checked(found, audience, hint=_mend(names[0], audience))


def detect(env: Mapping[str, str]) -> GitLab | None:
    """The job we are in, if it is one of GitLab CI."""
    if env.get(RECOGNISED_BY) != "true":
        return None
    return GitLab(tokens={name: Secret(value) for name, value in env.items() if name.endswith(SUFFIX) and value})


def variables(audience: str) -> tuple[str, ...]:
    """The names under which an identity token for ``audience`` is looked for, the best first.

    Every character but A–Z and 0–9 becomes ``_``. Of an audience that begins with a digit there are two spellings:
    the library ``id`` replaces that digit, since no variable may begin with one, and ``ambient-id`` keeps it.
    """
    kept = re.sub(r"[^A-Z0-9]", "_", audience.upper())
    return tuple(dict.fromkeys((re.sub(r"\A[0-9]", "_", kept) + SUFFIX, kept + SUFFIX)))


def _mend(name: str, audience: str) -> str:
    return (
        "Give the job that publishes this, in .gitlab-ci.yml:\n"
        "    id_tokens:\n"
        f"      {name}:\n"
        f"        aud: {audience}\n"
        "One audience to a variable: a list of them is not taken."
    )
