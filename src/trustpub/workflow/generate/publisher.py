# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The publisher that answers describe, in the fields of its provider: what is declared, and what is registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trustpub.printable import printable
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import BadFields
from trustpub.workflow.generate.answers import Answers, Target

TESTPYPI = Target(name="testpypi", environment="testpypi")
"""Where releases are tried before they go to PyPI."""
_IDS: Mapping[str, tuple[str, ...]] = {
    "github": ("owner_id", "repository_id"),
    "gitlab": ("namespace_id", "project_id"),
    "google": ("sub",),
    "activestate": ("organization_id", "project_id"),
}


def targets(answers: Answers) -> tuple[Target, ...]:
    """Every index that is to know the publisher: the one that is meant, and TestPyPI where that is tried."""
    tried = answers.trial in ("release", "every-push") and answers.target.name == "pypi"
    if not tried:
        return (answers.target,)
    environment = None if answers.target.environment is None else TESTPYPI.environment
    return answers.target, Target(name=TESTPYPI.name, environment=environment)


def of(answers: Answers, target: Target) -> tuple[str, Mapping[str, str]] | None:
    """Kind and fields, as a person types them; None where a field is an id that only a job can tell."""
    ids = {name: answers.ids[name] for name in _IDS.get(answers.platform, ()) if answers.ids.get(name)}
    if answers.platform == "github":
        fields = {"repository": f"{answers.owner}/{answers.repository}", "workflow": answers.workflow}
    elif answers.platform == "gitlab":
        fields = {
            "namespace": answers.owner,
            "project": answers.repository,
            "workflow_filepath": answers.workflow,
        }
    elif answers.platform == "google" and answers.service_account is not None:
        return "google", {"email": answers.service_account, **ids}
    elif answers.platform == "activestate" and answers.ids.get("actor_id"):
        fields = {"organization": answers.owner, "project": answers.repository, "actor_id": answers.ids["actor_id"]}
        return "activestate", {**fields, **ids}
    else:
        return None
    if target.environment is not None:
        fields["environment"] = target.environment
    return answers.platform, {**fields, **ids}


def faults(answers: Answers) -> Iterator[str]:
    """Why no index would register it, in whole sentences; and who would publish somewhere else than is meant."""
    if answers.action == "pypa" and not answers.target.public:
        yield f"The PyPI action knows PyPI and TestPyPI, and would not publish to {printable(answers.target.name, 100)}."
    found = of(answers, answers.target)
    if found is None:
        return
    kind, fields = found
    try:
        PROVIDERS[kind].spell(fields)
    except BadFields as error:
        yield from (f"The publisher's {fault.field.replace('_', '-')} {fault.problem}." for fault in error.faults)
