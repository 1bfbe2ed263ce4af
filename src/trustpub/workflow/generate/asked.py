# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Answers that stand in no other place are kept in the file that was written for them, for ``--update``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trustpub.workflow.generate.written import BEGIN, END, Written

_MARK = "# answers: "
_ALWAYS = ("trigger", "trial")
KEPT: Mapping[str, type | tuple[type, ...]] = {
    "trigger": str,
    "trial": str,
    "tests": str,
    "pythons": tuple,
    "python": str,
    "builder": str,
    "compiled": bool,
    "branch": str,
    "reviewers": bool,
    "github_release": bool,
    "changelog": (str, type(None)),
    "attestations": bool,
    "action": str,
    "actor": str,
}
"""Names of answers that neither git nor ``pyproject.toml`` says, or that may differ from what they say; and what they
are."""


def noted(file: Written, values: Mapping[str, Any], inferred: Mapping[str, Any]) -> Written:
    """``file`` with a line that says what was answered otherwise than it would be ``inferred``, or by default."""
    if file.whole:
        return file
    said = {
        name: values[name]
        for name in KEPT
        if name in values and (name in _ALWAYS or name not in inferred or values[name] != inferred[name])
    }
    lines = file.text.splitlines(keepends=True)
    begin = next((number for number, line in enumerate(lines) if line.startswith(BEGIN)), None)
    if begin is None:
        return file
    lines.insert(begin + 1, f"{_MARK}{json.dumps(said)}\n")
    return replace(file, text="".join(lines))


def recalled(text: str | None) -> Mapping[str, Any]:
    """What a file that was written before says; empty where it says nothing that can be read."""
    if text is None or BEGIN not in text:
        return {}
    inside = text.partition(BEGIN)[2].partition(END)[0]
    line = next((line for line in inside.splitlines() if line.strip().startswith(_MARK)), "")
    try:
        said = json.loads(line.strip().removeprefix(_MARK))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    found: dict[str, Any] = {}
    for name, kind in KEPT.items():
        value = said.get(name)
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = tuple(value)
        if name in said and isinstance(value, kind):
            found[name] = value
    return found
