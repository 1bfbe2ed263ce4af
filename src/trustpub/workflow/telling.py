# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Findings as text for people, as JSON, as SARIF 2.1.0, and as annotations of a GitHub run.

Everything that is from the files, or from others, is made printable here: in every format a log may be where it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trustpub import __version__
from trustpub.printable import inert, printable
from trustpub.workflow.findings import Finding, Rule, Severity
from trustpub.workflow.rules.table import BY_IDENT

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}
_MOST = 1000


def text(found: Sequence[Finding]) -> Iterator[str]:
    """Lines for people: each finding with its place, its reason, what they would see, and what to do."""
    for one in found:
        yield f"{_path(one)}:{one.line}:{one.column}  {one.severity} {one.ident}  {printable(one.message, _MOST)}"
        if one.why:
            yield f"   {printable(one.why, _MOST)}"
        if one.seen:
            yield f'   you would see: "{printable(one.seen, _MOST)}"'
        if one.fix:
            yield f"   fix: {printable(one.fix, _MOST)}" + ("  (trustpub doctor --fix)" if one.edits else "")
        rule = BY_IDENT.get(one.ident)
        if rule is not None:
            yield f"   {rule.page}"
        yield ""


def summary(found: Sequence[Finding], files: int) -> str:
    """One line: how many of what."""
    read = f"{files} file{'' if files == 1 else 's'}"
    if not found:
        return f"Nothing found in {read}."
    words = {
        Severity.ERROR: ("error", "errors"),
        Severity.WARNING: ("warning", "warnings"),
        Severity.ADVICE: ("piece of advice", "pieces of advice"),
    }
    counted = {severity: sum(one.severity is severity for one in found) for severity in words}
    told = [f"{number} {words[severity][number != 1]}" for severity, number in counted.items() if number]
    return f"{', '.join(told)} in {read}."


def document(found: Sequence[Finding]) -> dict[str, Any]:
    """For programs."""
    return {
        "findings": [
            {
                "ident": one.ident,
                "severity": str(one.severity),
                "path": _path(one),
                "line": one.line,
                "column": one.column,
                "message": _sentence(one),
                "fix": None if one.fix is None else printable(one.fix, _MOST),
            }
            for one in found
        ]
    }


def sarif(found: Sequence[Finding]) -> dict[str, Any]:
    """SARIF 2.1.0, as code scanning takes it."""
    used = sorted({one.ident for one in found})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "trustpub doctor",
                        "version": __version__,
                        "informationUri": "https://github.com/trustpub/trustpub",
                        "rules": [_sarif_rule(BY_IDENT[ident]) for ident in used if ident in BY_IDENT],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(one) for one in found],
            }
        ],
    }


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.ident,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": rule.fix},
        "helpUri": rule.page,
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _sarif_result(one: Finding) -> dict[str, Any]:
    fix = "" if one.fix is None else f" Fix: {inert(one.fix, _MOST)}"
    return {
        "ruleId": one.ident,
        "level": _LEVELS[one.severity],
        "message": {"text": f"{inert(_sentence(one), 2 * _MOST)}.{fix}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _path(one)},
                    "region": {"startLine": one.line, "startColumn": one.column},
                }
            }
        ],
    }


def commands(found: Sequence[Finding]) -> Iterator[str]:
    """Workflow commands, with which GitHub shows findings beside the lines."""
    for one in found:
        place = f"file={_property(_path(one))},line={one.line},col={one.column},title={_property(one.ident)}"
        fix = "" if one.fix is None else f". Fix: {printable(one.fix, _MOST)}"
        yield f"::{_COMMANDS[one.severity]} {place}::{_value(_sentence(one) + fix)}"


def _sentence(one: Finding) -> str:
    why = f" ({printable(one.why, _MOST)})" if one.why else ""
    return printable(one.message, _MOST) + why


def _path(one: Finding) -> str:
    return printable(one.path, 300)


def _value(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _value(text).replace(":", "%3A").replace(",", "%2C")
