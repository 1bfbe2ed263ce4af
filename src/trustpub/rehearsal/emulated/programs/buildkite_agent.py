# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``buildkite-agent`` as a job finds it, as far as ``buildkite-agent oidc request-token`` goes.

It asks where the variables of the job say, with the token that the agent has for this job, as the real one does.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping

from trustpub.rehearsal.emulated.programs.asking import Refused, ask


def run(arguments: list[str], env: Mapping[str, str]) -> int:
    """Print an identity token; the exit code."""
    parser = argparse.ArgumentParser(prog="buildkite-agent", allow_abbrev=False)
    parser.add_argument("words", nargs=2, choices=("oidc", "request-token"), metavar="oidc request-token")
    parser.add_argument("--audience", default="")
    parser.add_argument("--lifetime", type=int, help="taken, and no other than the usual is given")
    parser.add_argument("--claim", action="append")
    parser.add_argument("--job", default=env.get("BUILDKITE_JOB_ID", ""))
    given = parser.parse_intermixed_args(arguments)
    if given.words != ["oidc", "request-token"]:
        parser.error("only `oidc request-token` is played")
    wanted = given.claim or [env.get("BUILDKITE_OIDC_TOKEN_CLAIMS", "")]
    claims = [name for one in wanted for name in one.split(",") if name]
    url = f"{env.get('BUILDKITE_AGENT_ENDPOINT', '')}/jobs/{given.job}/oidc/tokens"
    key = env.get("BUILDKITE_AGENT_ACCESS_TOKEN", "")
    body = {"audience": given.audience, "claims": claims}
    try:
        sys.stdout.write(ask(url, body, {"Authorization": f"Token {key}"}) + "\n")
    except (Refused, ValueError) as error:
        sys.stderr.write(f"fatal: could not obtain OIDC token: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], os.environ))
