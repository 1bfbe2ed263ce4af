# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The claims of a job's identity token beside the publisher that its project declares (``doctor --claims``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.printable import printable
from trustpub.trust.proposal import differences, kind_for
from trustpub.workflow import tables
from trustpub.workflow.findings import Finding
from trustpub.workflow.rules import tp101, tp102, tp103, tp106, tp209
from trustpub.workflow.scene import Scene

_RULES = {
    "workflow": tp101.RULE,
    "calling_workflow": tp106.RULE,
    "workflow_filepath": tp101.RULE,
    "repository": tp102.RULE,
    "repository_id": tp102.RULE,
    "owner_id": tp102.RULE,
    "namespace": tp102.RULE,
    "project": tp102.RULE,
    "environment": tp103.RULE,
    "issuer": tp209.RULE,
    "kind": tp209.RULE,
}


def compare(scene: Scene, claims: Mapping[str, Any], index: str) -> Iterator[Finding]:
    """In what a job with ``claims`` is not the publisher declared for ``index``, judged as an index judges."""
    found = scene.declared.indexes.get(index)
    if found is None or found.publisher is None:
        return
    declared = found.publisher
    issuer = str(claims.get("iss") or "")
    likely = [declared.kind] if declared.issuer == issuer else []
    for one in differences(declared.to_compare(issuer), kind_for(issuer, claims, likely), issuer, claims):
        rule = _RULES.get(one.field, tp102.RULE)
        place, _ = tables.publisher_place(scene.pyproject_text, index, one.field.replace("_", "-"))
        given = "says nothing of it" if one.given is None else f"says {printable(one.given, 200)!r}"
        yield rule.at(
            place,
            f"{one.field.replace('_', ' ')}: {index} is told to expect {printable(one.wanted, 200)!r}, and this job's "
            f"identity {given}",
            fix="declare and register what the identity says, or publish from where it was declared",
        )
