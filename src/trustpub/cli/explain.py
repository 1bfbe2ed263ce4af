# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub explain``: a pasted log or error, and what it means."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.show import screen
from trustpub.errors import Declined, Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.failures.explain import Explanation

WIDTH = 100


@click.command()
@click.argument("log", metavar="[LOG|TEXT|-]", required=False)
@click.option("--index", metavar="NAME", help="The index of pyproject.toml whose publisher is meant.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanations as one JSON object.")
def explain(log: str | None, index: str | None, as_json: bool) -> None:
    """Say what a pasted log or error means, and what to do.

    LOG is a file, or the text itself; without it, or with -, standard input is read. Nothing is asked over the network,
    and nothing is kept. Where pyproject.toml declares the publisher, the claims in the log are compared with it.
    """
    from trustpub import declared
    from trustpub.failures import log as logs
    from trustpub.failures.explain import explain as found

    text = _text(log)
    if not text.strip():
        raise Misuse("There is nothing to explain: the log is empty.", hint="Paste the end of the job's log.")
    explanations = found(logs.read(text, declared.find(Path.cwd()), index))
    seen = screen()
    if as_json:
        seen.result(json.dumps({"explanations": [_document(one) for one in explanations]}, indent=2))
    elif explanations:
        seen.result("\n\n".join(_said(one) for one in explanations))
    if not explanations:
        raise Declined(
            "Nothing in this is known as a failure of a release.",
            hint="Paste more of the log: the lines around the first error, with the claims after it if there are any.",
        )


def _text(log: str | None) -> str:
    if log is None and sys.stdin.isatty():
        raise Misuse("There is nothing to explain.", hint="trustpub explain LOG, or pipe a log into it.")
    if log in (None, "-"):
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    if "\n" not in log and len(log) < 4096 and os.path.exists(log):
        try:
            return Path(log).read_bytes().decode("utf-8", "replace")
        except OSError as error:
            raise Misuse(f"{printable(log)} cannot be read: {error.strerror}.") from None
    return log


def _said(one: Explanation) -> str:
    failure, symptom = one.failure, one.symptom
    lines = [f"{failure.title}{'' if symptom.certain else ' (likely)'}  [{failure.ident}]"]
    lines += [f"  seen    {line}" for line in symptom.seen]
    lines += [f"  here    {line}" for line in symptom.told]
    lines += [*_wrapped("  why     ", failure.cause), *_wrapped("  do      ", failure.fix)]
    if failure.rules:
        lines.append(f"  before  trustpub doctor finds it: {', '.join(failure.rules)}")
    return "\n".join(lines)


def _wrapped(mark: str, text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        # What is to be typed keeps its shape.
        lines += [paragraph] if paragraph.startswith(" ") else textwrap.wrap(paragraph, WIDTH - len(mark))
    return [f"{mark if number == 0 else ' ' * len(mark)}{line}" for number, line in enumerate(lines)]


def _document(one: Explanation) -> dict[str, Any]:
    return {
        "ident": one.failure.ident,
        "title": one.failure.title,
        "certain": one.symptom.certain,
        "seen": list(one.symptom.seen),
        "here": list(one.symptom.told),
        "cause": one.failure.cause,
        "fix": one.failure.fix,
        "rules": list(one.failure.rules),
    }
