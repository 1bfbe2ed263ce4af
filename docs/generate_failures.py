# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of everything that goes wrong with a release, from what `trustpub explain` knows."""

from __future__ import annotations

from trustpub.failures.failure import Failure
from trustpub.failures.table import FAILURES

_HEAD = """# What goes wrong

What `trustpub explain` knows, in the order in which it looks. Where the doctor finds it before anything runs, the rules
are named.
"""


def failures_page() -> str:
    """Every class: what it is, why, and what ends it."""
    return _HEAD + "".join(_section(failure) for failure in FAILURES)


def _section(failure: Failure) -> str:
    rules = f"\nBefore: `trustpub doctor` ({', '.join(failure.rules)}).\n" if failure.rules else ""
    prose, _, typed = failure.fix.partition("\n")
    block = f"\n```yaml\n{_dedented(typed)}\n```\n" if typed else ""
    head = f"\n({failure.ident})=\n## {failure.title}\n\n`{failure.ident}`\n\n"
    return f"{head}{failure.cause}\n\n{prose}\n{block}{rules}"


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.splitlines())
