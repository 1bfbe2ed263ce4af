# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A page for every rule of the doctor, and one that lists them, from the rules themselves."""

from __future__ import annotations

from collections.abc import Mapping

from trustpub.workflow.findings import Confidence, Rule, Severity
from trustpub.workflow.rules.table import RULES

_AREAS = {
    "0": "Reading",
    "1": "Identity: the workflow, what is declared, the index",
    "2": "Getting a token",
    "3": "The publishing step",
    "4": "Files and versions",
    "5": "Triggers and order",
}
_SEVERITIES = {
    Severity.ERROR: "**Error**: a release will fail, or be lost.",
    Severity.WARNING: "**Warning**: it is likely to go wrong, now or on a bad day.",
    Severity.ADVICE: "**Advice**: it could be better.",
}
_CONFIDENCES = {
    Confidence.HIGH: "The files show it for certain.",
    Confidence.MEDIUM: "The files show it as far as files can; something outside of them may make it right.",
}


def rule_pages() -> Mapping[str, str]:
    """The text of every page, by its path below docs/reference."""
    pages = {f"rules/{rule.ident}.md": _page(rule) for rule in RULES}
    return {"rules/index.md": _index(), **pages}


def _index() -> str:
    head = (
        "# Rules of the doctor\n\n`trustpub doctor` looks for these. A rule finds something only where it can say what "
        "will happen; what it cannot know from the files, it says nothing about. In the last column is whether `--fix` "
        "may put it right.\n"
    )
    parts = [head]
    for area, title in _AREAS.items():
        rows = "".join(
            f"| [{rule.ident}]({rule.ident}.md) | {rule.severity} | {rule.title} | {'yes' if rule.fixes else ''} |\n"
            for rule in RULES
            if rule.ident[2] == area
        )
        parts.append(f"\n## {title}\n\n| rule | severity | what is wrong | fix |\n|---|---|---|---|\n{rows}")
    names = "\n".join(rule.ident for rule in RULES)
    parts.append(f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n")
    return "".join(parts)


def _page(rule: Rule) -> str:
    head = f"# {rule.ident}: {rule.title}\n\n{rule.explanation}\n\n"
    parts = [head, f"{_SEVERITIES[rule.severity]} {_CONFIDENCES[rule.confidence]}\n"]
    if rule.seen:
        parts.append(f"\n## What you would see\n\n```text\n{rule.seen}\n```\n")
    parts.append(f"\n## What to do\n\n{rule.fix}" + (" `trustpub doctor --fix` does it." if rule.fixes else "") + "\n")
    if rule.example:
        parts.append(f"\nFound:\n\n```{_language(rule.example)}\n{rule.example}\n```\n")
    if rule.better:
        parts.append(f"\nBetter:\n\n```{_language(rule.better)}\n{rule.better}\n```\n")
    return "".join(parts)


def _language(text: str) -> str:
    """Snippets of YAML are shown as they are: `...` stands for more, which no highlighter knows."""
    return "toml" if text.startswith(("[", "repository =")) else "text" if "..." in text else "yaml"
