# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The job has no identity token under the name that is looked for."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="gitlab-token-variable",
    title="The job has no identity token under the name that is looked for",
    cause=(
        "GitLab puts a token into the variable that the job names. Clients look for <AUDIENCE>_ID_TOKEN: "
        "TESTPYPI_ID_TOKEN for TestPyPI, not PYPI_ID_TOKEN with another audience."
    ),
    fix="In .gitlab-ci.yml, on the job that uploads:\n    id_tokens:\n      PYPI_ID_TOKEN:\n        aud: pypi",
    says=(
        r"\b[A-Z0-9_]+_ID_TOKEN\b.{0,60}(?:not set|not found|missing|unset)",
        r"gitlab.{0,80}id_token.{0,60}(?:missing|not found)",
    ),
    rules=("TP208",),
)
