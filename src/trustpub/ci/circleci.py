# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""CircleCI: the program ``circleci``, which its executors bring, asks for an identity token for any audience."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from trustpub.ci import program, unverified
from trustpub.http import Http
from trustpub.secret import Secret

RECOGNISED_BY = "CIRCLECI"
"""``true`` there, and nothing else, means CircleCI."""
PROGRAM = "circleci"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleCI:
    """A job on CircleCI."""

    env: Mapping[str, str] = field(repr=False)
    """For the program."""
    name: str = "CircleCI"
    renews: bool = True
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """A fresh identity token for ``audience``, of the issuer of all organisations (``--root-issuer``).

        Raises:
            NoIdentity: the program is not there, fails, or gives something else.
        """
        arguments = ("run", "oidc", "get", "--claims", json.dumps({"aud": audience}), "--root-issuer")
        given = program.ask(PROGRAM, arguments, self.env, absent=_absent(arguments), failed=_CONTEXT)
        return unverified.checked(given, audience, hint=_ELSEWHERE)


_CONTEXT = (
    "CircleCI gives tokens to jobs that use a context, an empty one as well. In .circleci/config.yml:\n"
    "    workflows:\n"
    "      release:\n"
    "        jobs:\n"
    "          - publish:\n"
    "              context: release\n"
    "Builds of forks get one only where secrets are passed to them."
)
_ELSEWHERE = "Is the first `circleci` on PATH CircleCI's own program? `command -v circleci` says where it is."


def _absent(arguments: tuple[str, ...]) -> str:
    return (
        "CircleCI's executors bring it, so run this in a step of .circleci/config.yml, and not in a container that the "
        "step starts. Where that cannot be, ask in a step before and hand the token over:\n"
        f"    - run: {PROGRAM} {shlex.join(arguments)} > identity.jwt\n"
        "    - run: trustpub publish --identity-token identity.jwt"
    )


def detect(env: Mapping[str, str]) -> CircleCI | None:
    """The job we are in, if it is one of CircleCI. The program is looked for when a token is asked for."""
    return CircleCI(env=env) if env.get(RECOGNISED_BY) == "true" else None
