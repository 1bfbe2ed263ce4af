# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The publish action needs Docker on Linux."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="action-needs-docker",
    title="The publish action needs Docker on Linux",
    cause=(
        "pypa/gh-action-pypi-publish runs a container: not on macOS or Windows, not in a job with `container:`, "
        "not on a runner without Docker."
    ),
    fix=(
        "Upload in a job of its own on ubuntu-latest that downloads the artifacts; or use an action that runs "
        "on any machine, as trustpub's."
    ),
    says=(
        r"only able to run under gnu/linux",
        r"container action is only supported on linux",
        r"docker: command not found",
        r"create-docker-action\.py",
    ),
    rules=("TP301",),
)
