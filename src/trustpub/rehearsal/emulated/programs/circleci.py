# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``circleci`` as a job finds it, as far as ``circleci run oidc get`` goes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping

from trustpub.rehearsal.emulated.programs.asking import Refused, ask

DOOR = "REHEARSED_CIRCLECI"
"""The variable that says where to ask. Only the script that starts this program sets it."""


def run(arguments: list[str], env: Mapping[str, str]) -> int:
    """Print an identity token; the exit code. Without ``aud`` in the claims it is for the organisation's id."""
    parser = argparse.ArgumentParser(prog="circleci", allow_abbrev=False)
    parser.add_argument("words", nargs=3, choices=("run", "oidc", "get"), metavar="run oidc get")
    parser.add_argument("--claims", default="{}")
    parser.add_argument("--root-issuer", action="store_true")
    given = parser.parse_intermixed_args(arguments)
    if given.words != ["run", "oidc", "get"]:
        parser.error("only `run oidc get` is played")
    try:
        claims = json.loads(given.claims)
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        sys.stderr.write("Error: the claims are not a JSON object\n")
        return 1
    try:
        sys.stdout.write(ask(env.get(DOOR, ""), {"claims": claims, "root_issuer": given.root_issuer}) + "\n")
    except (Refused, ValueError) as error:
        sys.stderr.write(f"Error: no OIDC token: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], os.environ))
