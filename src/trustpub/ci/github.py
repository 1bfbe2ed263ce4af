# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""GitHub Actions: a job with ``permissions: id-token: write`` asks an endpoint of its runner for an identity token."""

from __future__ import annotations

import json
from collections.abc import Mapping

from trustpub.ci import endpoint
from trustpub.ci.endpoint import RunnerJob

RECOGNISED_BY = "GITHUB_ACTIONS"
"""``true`` there, and nothing else, means GitHub Actions."""

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


def detect(env: Mapping[str, str]) -> RunnerJob | None:
    """The job we are in, if it is one of GitHub Actions.

    Raises:
        NoIdentity: it is, and has no identity token to give; says which variables are missing and what to set.
    """
    if env.get(RECOGNISED_BY) != "true":
        return None
    return endpoint.find(
        env,
        ci="GitHub Actions",
        whose="GitHub's",
        permission=_FORK if _from_fork(env) else _PERMISSION,
        refused="A job can ask only while it runs, and only with `permissions: id-token: write`.",
    )


def _from_fork(env: Mapping[str, str]) -> bool:
    """Whether the event that started the workflow is a pull request from a fork."""
    if env.get("GITHUB_EVENT_NAME") != "pull_request" or not env.get("GITHUB_EVENT_PATH"):
        return False
    try:
        with open(env["GITHUB_EVENT_PATH"], encoding="utf-8") as file:
            return json.load(file)["pull_request"]["head"]["repo"]["fork"] is True
    except (OSError, ValueError, RecursionError, KeyError, TypeError, IndexError):
        return False
