# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Forgejo Actions: the variables and the endpoint are GitHub's, what a workflow must say is not.

Forgejo gives identity tokens from version 15 on, with its runner from 12.5 on, and puts ids into them from a later one.
"""

from __future__ import annotations

from collections.abc import Mapping

from trustpub.ci import endpoint
from trustpub.ci.endpoint import RunnerJob

RECOGNISED_BY = "FORGEJO_ACTIONS"
"""``true`` there, and nothing else, means Forgejo Actions; its runner sets GitHub's ``GITHUB_ACTIONS`` as well."""

_PERMISSION = (
    "Give the job that publishes this, in its workflow file:\n"
    "    enable-openid-connect: true\n"
    "GitHub's `permissions: id-token: write` does nothing here. Forgejo must be at least 15, its runner 12.5."
)


def detect(env: Mapping[str, str]) -> RunnerJob | None:
    """The job we are in, if it is one of Forgejo Actions.

    Raises:
        NoIdentity: it is, and has no identity token to give; says which variables are missing and what to set.
    """
    if env.get(RECOGNISED_BY) != "true":
        return None
    return endpoint.find(
        env,
        ci="Forgejo Actions",
        whose="Forgejo's",
        permission=_PERMISSION,
        refused="A job can ask only while it runs, and only with `enable-openid-connect: true`.",
    )
