# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A release that stops before anything is published: files, identity, declared publisher, and the index's own word.

An index of ours says what a mint would say, and uses nothing up (:data:`~trustpub.protocol.exchange.PREFLIGHT_PATH`).
Others cannot be asked that without minting, which has effects on some; so that is done only on request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trustpub.ci.detection import Job
from trustpub.client.crew import Crew
from trustpub.client.exchange import own_claims
from trustpub.client.files import Distribution
from trustpub.client.indexes import Index
from trustpub.client.publish import Release, Watcher
from trustpub.client.together import until_given_back
from trustpub.client.whoami import account
from trustpub.declared import DeclaredPublisher
from trustpub.errors import Declined, Unreachable
from trustpub.http import ATTEMPTS, BUSY, Http
from trustpub.packages.names import is_valid, normalize
from trustpub.printable import printable
from trustpub.protocol.exchange import PREFLIGHT_PATH, BadBody, read_object
from trustpub.remote.refusals import refusal, sentences
from trustpub.secret import Secret

_ABSENT = frozenset({404, 405, 406, 410, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a dry run found out beside the ledger."""

    claims: Mapping[str, Any]
    """Of the identity."""
    declared: bool
    """Whether the publisher that the project declares was compared, and is this job."""
    preflight: bool
    """Whether the index said that it would give a token for all projects of the release."""


def check(
    release: Release,
    http: Http,
    index: Index,
    job: Job,
    distributions: Sequence[Distribution],
    watcher: Watcher,
    declared: DeclaredPublisher | None,
) -> Foreseen:
    """Everything that can be known without minting. ``release`` is of the other arguments.

    Raises:
        Declined: the index has other files of these names, the job is not the publisher declared, or the index would
            give it no token for a project.
        TrustpubError: those of the exchange.
    """
    steps = release.to_send(distributions)
    watcher.step(f"{len(steps)} of {len(distributions)} would be sent")
    audience = release.exchange.audience()
    who = account(http, job, watcher, index=index, audience=audience, declared=declared)
    if who.differences:
        lines = [
            f"  {one.field}: the job has {printable(str(one.given), 200)}, declared is "
            f"{printable(str(one.wanted), 200)}"
            for one in who.differences
        ]
        raise Declined("\n".join(["This job is not the publisher that pyproject.toml declares:", *lines]))
    if declared is not None:
        watcher.step("This job is the publisher that pyproject.toml declares")
    asked = release.exchange.endpoints.discovered and _preflight(
        http, index, release.exchange.identity(), [one.project for one in distributions], watcher
    )
    if not asked:
        watcher.step(
            f"{index.origin} has no way to ask whether it would give a token, so this stops before the mint; "
            "--dry-run=mint goes on"
        )
    return Foreseen(claims=who.claims, declared=declared is not None, preflight=asked)


def mint(release: Release, watcher: Watcher) -> None:
    """Get a token, and give it back.

    Raises:
        TrustpubError: those of :meth:`trustpub.client.exchange.Exchange.mint`.
    """
    watcher.warning(
        "A token is minted now, and given back. On PyPI that is not without effect: it makes the project of a pending "
        "publisher, without a file."
    )
    tokens = release.tokens()

    def get() -> None:
        tokens.token()

    until_given_back(Crew([get]), tokens, lambda: None)


def _preflight(http: Http, index: Index, identity: Secret, projects: Sequence[str], watcher: Watcher) -> bool:
    """Whether the index said that it would trust ``identity`` with all ``projects``; False: it cannot be asked."""
    response = http.request(
        "POST",
        index.origin + PREFLIGHT_PATH,
        headers={"Accept": "application/json, application/problem+json", "Content-Type": "application/json"},
        body=json.dumps({"token": identity.reveal()}).encode(),
        attempts=ATTEMPTS,
    )
    if response.status in _ABSENT:
        return False
    if response.status != 200:
        lines = [f"  {line}" for line in sentences(refusal(response))]
        if response.status in BUSY or response.status >= 500:
            raise Unreachable("\n".join([f"{index.origin} fails ({response.status}):", *lines]))
        raise Declined(
            "\n".join([f"{index.origin} would give no token ({response.status}):", *lines, *own_claims(identity)]),
            hint="Compare this with the publisher that is registered for the project on the index.",
        )
    try:
        document = read_object(response.body)
    except BadBody:
        return False
    if not isinstance(document.get("projects"), list):
        return False
    would = {normalize(name): pending for name, pending in _projects(document["projects"])}
    missing = [one for one in dict.fromkeys(projects) if one not in would]
    if missing:
        instead = ", ".join(would) or "no project"
        told = f"{index.origin} would give a token, but not for {', '.join(missing)}; it would be for {instead}."
        raise Declined("\n".join([told, *_withheld(document.get("withheld"))]))
    for name in dict.fromkeys(projects):
        new = ", which the first file makes" if would[name] else ""
        watcher.step(f"{index.origin} would give a token for {name}{new}")
    return True


def _projects(listed: Sequence[object]) -> list[tuple[str, bool]]:
    return [
        (one["name"], one.get("pending") is True)
        for one in listed
        if isinstance(one, dict) and isinstance(one.get("name"), str) and is_valid(one["name"])
    ]


def _withheld(listed: object) -> list[str]:
    lines: list[str] = []
    for one in listed if isinstance(listed, list) else []:
        mismatches = one.get("mismatches") if isinstance(one, dict) else None
        for each in mismatches if isinstance(mismatches, list) else []:
            if isinstance(each, dict):
                name, field, given, wanted = (
                    printable(str(value), 200)
                    for value in (one.get("name"), each.get("field"), each.get("given"), each.get("wanted"))
                )
                lines.append(f"  {name}: {field}: this run has {given}, its rules want {wanted}")
    return lines
