# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A publisher as it is registered: the fields of PyPI's form, or the commands that an index of trustpub's takes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from trustpub.printable import printable
from trustpub.trust.issuers import PROVIDERS, PUBLIC_ISSUERS
from trustpub.trust.proposal import GENERIC, Proposal

FOLDER = "DIR"
"""Stands for the folder of the index, which no job knows."""

_PYPI: Mapping[str, Mapping[str, str]] = {
    "github": {
        "owner": "Owner",
        "name": "Repository name",
        "workflow": "Workflow name",
        "environment": "Environment name",
    },
    "gitlab": {
        "namespace": "Namespace",
        "project": "Project name",
        "workflow_filepath": "Top-level pipeline file path",
        "environment": "Environment name",
    },
    "google": {"email": "Email", "sub": "Subject"},
    "activestate": {"organization": "Organization", "project": "Project", "actor": "Actor Username"},
}
"""Kind to its fields: ours to the words of PyPI's form."""


def rows(proposal: Proposal, claims: Mapping[str, Any], *, pypi: bool) -> tuple[tuple[str, str], ...]:
    """The fields to type into a form, each with its title there; empty where PyPI has no form for this kind."""
    if not pypi:
        titles = {field.name: field.title for field in PROVIDERS[proposal.kind].fields}
        return tuple((titles.get(name, name), value) for name, value in proposal.fields.items())
    if proposal.issuer not in PUBLIC_ISSUERS:
        return ()
    values = dict(proposal.fields)
    values["owner"], _, values["name"] = values.get("repository", "").partition("/")
    values["actor"] = str(claims.get("actor", ""))
    return tuple((title, values[name]) for name, title in _PYPI.get(proposal.kind, {}).items() if values.get(name))


def commands(proposal: Proposal, project: str, fixed_audience: str | None = None) -> tuple[str, ...]:
    """The commands that register it, for a POSIX shell; none where a value cannot stand in one line.

    :data:`FOLDER` in them is the index's. Where a person must choose a claim, the last one lacks it.
    """
    values = [proposal.issuer, *proposal.fields.values()]
    if any(printable(value, 4096) != value for value in values):
        return ()
    public = proposal.issuer in PUBLIC_ISSUERS
    found = []
    if not public:
        believed = ["trustpub", "admin", "issuer", "add", proposal.issuer, "--kind", proposal.kind]
        if fixed_audience is not None:
            believed += ["--accept-shared-audience", fixed_audience]
        found.append(shlex.join([*believed, "--data", FOLDER]))
    fields = _said(proposal, public)
    found.append(shlex.join(["trustpub", "admin", "publisher", "add", project, *fields, "--data", FOLDER]))
    return tuple(found)


def missing(proposal: Proposal) -> str | None:
    """What a person must add to the last of the commands; None where it is whole."""
    if not proposal.must_choose:
        return None
    if proposal.kind == GENERIC:
        return (
            "Add the claims that tell this job from every other, each as --field 'NAME=VALUE'; say of at least one "
            "that it is an id never given to anybody else (--immutable NAME), and of at least one that it names the "
            "workflow, pipeline or job (--workload NAME)."
        )
    return "Add the claim that names the workflow, as --field 'NAME=VALUE'."


def _said(proposal: Proposal, public: bool) -> Iterator[str]:
    yield from ("--provider", proposal.kind)
    if not public:
        yield from ("--issuer", proposal.issuer)
    for name, value in proposal.fields.items():
        yield from ("--field", f"{name}={value}")
