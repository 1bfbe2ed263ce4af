# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""From a module beside this one to a script that a job finds on its path."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping

PACKAGE = "trustpub.rehearsal.emulated.programs"


def script(module: str, variables: Mapping[str, str] | None = None) -> str:
    """A shell script that runs ``module`` of this package with this Python.

    ``variables`` are set for it alone: how the program finds the emulated provider, where the CI's own job would not
    tell.
    """
    lines = [f"export {name}={shlex.quote(value)}" for name, value in (variables or {}).items()]
    # Nothing in the folder that a job happens to be in is taken for a module.
    run = f'exec {shlex.quote(sys.executable)} -P -m {PACKAGE}.{module} "$@"'
    return "\n".join(["#!/bin/sh", *lines, run, ""])
