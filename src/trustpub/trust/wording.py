# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Publishers, links and rules in words."""

from __future__ import annotations

from datetime import UTC, datetime

from trustpub.printable import printable
from trustpub.trust.issuers import PROVIDERS, PUBLIC_ISSUERS
from trustpub.trust.publishers import Link, Publisher, Rules


def describe(found: Publisher) -> str:
    """Who a publisher is, in one line, without its ids."""
    provider = PROVIDERS[found.kind]
    shown = {name: printable(value, 200) for name, value in found.fields.items() if name not in provider.ids}
    if found.kind == "github":
        parts = [shown.pop("repository")]
        parts += [shown.pop("workflow")] if "workflow" in shown else []
        parts += [f"called by {shown.pop('calling_workflow')}"] if "calling_workflow" in shown else []
        where = shown.pop("environment", None)
        parts += [f"environment {where}" if where else "any environment"]
    else:
        parts = [provider.title]
    parts += [f"{printable(name, 100).replace('_', ' ')} {value}" for name, value in shown.items()]
    parts += [] if found.issuer in PUBLIC_ISSUERS else [f"by {printable(found.issuer, 300)}"]
    return ", ".join(parts)


def describe_rules(rules: Rules) -> str:
    """What a run must be, as in "only from runs …"; empty where there are no rules."""
    parts = []
    if rules.ref is not None:
        parts.append(f"for {rules.ref}")
    if rules.protected_ref:
        parts.append("for a protected ref")
    if rules.events:
        parts.append(f"started by {' or '.join(rules.events)}")
    if rules.runner is not None:
        parts.append(f"on {rules.runner}")
    return ", ".join(parts)


def link_line(link: Link, now: int) -> str:
    """A project, how long its name is held, and from which runs it may be published. ``now``: Unix time."""
    said = describe_rules(link.rules)
    line = f"{link.project} {f'only from runs {said}' if said else ''}".rstrip()
    if link.pending_until is None:
        return line
    verb = "held until" if link.live(now) else "was held until"
    until = datetime.fromtimestamp(link.pending_until, UTC).strftime("%Y-%m-%d")
    return f"{line} (pending, {verb} {until})"
