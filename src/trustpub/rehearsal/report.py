# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a rehearsal found, as values, lines and JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trustpub.printable import printable
from trustpub.rehearsal.building import Release
from trustpub.rehearsal.impostors import Outcome
from trustpub.rehearsal.index import Grant, ThrowawayIndex
from trustpub.rehearsal.install import Installed


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A rehearsal that came to its end. One that did not has ended with an error."""

    release: Release
    provider: str
    """Whose CI was played: a kind."""
    client: str
    trusted_as: Mapping[str, str]
    """The publisher's fields: who the index took the job for."""
    issuer: str
    grant: Grant
    installed: Installed
    attested: int
    """How many files came with an attestation, which was proven again; 0: nobody signed."""
    outcomes: Sequence[Outcome]
    notes: Sequence[str]
    """What is not as it should be, and is no failure."""
    index: ThrowawayIndex
    seconds: float

    @property
    def counted(self) -> Sequence[Outcome]:
        """Impostors that the publisher can tell from the right identity."""
        return [outcome for outcome in self.outcomes if outcome.guarded]

    @property
    def refused(self) -> int:
        """How many of those were refused, for the right reason."""
        return sum(outcome.refused for outcome in self.counted)

    @property
    def ok(self) -> bool:
        """Whether all went as it must."""
        return self.refused == len(self.counted)

    @property
    def verdict(self) -> str:
        """The last line."""
        return f"{self.refused} of {len(self.counted)} impostors refused"


def lines(report: Report) -> Sequence[str]:
    """The summary for people."""
    grant, installed = report.grant, report.installed
    who = ", ".join(f"{name.replace('_', ' ')} {printable(value)}" for name, value in report.trusted_as.items())
    width = max(len(outcome.name) for outcome in report.outcomes)
    summary = [
        f"Built        {report.release.told}",
        f"Trusted as   {who}",
        f"Token        {_life(grant)}",
        f"Installed    {installed.name} {installed.version}, {_arrival(installed)}",
        *([f"Attested     {_proof(report.attested)}"] if report.attested else []),
        "Impostors",
    ]
    for outcome in report.outcomes:
        state = "refused" if outcome.refused else "NOT GUARDED" if not outcome.guarded else "NOT REFUSED"
        reason = _in_short(outcome.reason) if outcome.refused else outcome.reason
        summary.append(f"  {state:<11}  {outcome.name:<{width}}  {reason}")
    summary += [f"Note         {printable(note)}" for note in report.notes]
    return [*summary, report.verdict]


def document(report: Report) -> Mapping[str, Any]:
    """The same for programs."""
    return {
        "ok": report.ok,
        "built": {
            "name": report.release.name,
            "version": report.release.version,
            "files": [{"filename": file.path.name, "sha256": file.sha256} for file in report.release.files],
        },
        "provider": report.provider,
        "client": report.client,
        "trusted_as": {"issuer": report.issuer, **report.trusted_as},
        "token": {
            "lifetime_seconds": report.grant.lifetime,
            "projects": list(report.grant.projects),
            "given_back": report.grant.burned,
        },
        "installed": {
            "name": report.installed.name,
            "version": report.installed.version,
            "by": report.installed.by,
            "dependencies": list(report.installed.dependencies),
        },
        "attested": report.attested,
        "impostors": [
            {"name": one.name, "refused": one.refused, "guarded": one.guarded, "reason": one.reason}
            for one in report.outcomes
        ],
        "refused": report.refused,
        "counted": len(report.counted),
        "notes": list(report.notes),
        "seconds": round(report.seconds, 2),
    }


def _proof(count: int) -> str:
    files = "1 file" if count == 1 else f"{count} files"
    return f"{files}, signed as this job, and proven again offline from what the index serves"


def _in_short(reason: str) -> str:
    """What the index said, without what every refusal says and without the mends, which are for real jobs."""
    for preface in ("valid token, but no corresponding publisher: ", "valid signature, but "):
        reason = reason.replace(preface, "")
    return re.sub(r" \([^()]*\)(?=;|\Z)", "", reason)


def _life(grant: Grant) -> str:
    life = f"{round(grant.lifetime / 60)} minutes"  # whole seconds are rounded in favour of the job
    ended = "given back after the upload" if grant.burned else "not given back: it ends by itself"
    return f"valid for {life}, to upload {' and '.join(grant.projects)} and nothing else; {ended}"


def _arrival(installed: Installed) -> str:
    if installed.by != "pip":
        return installed.by
    also = f", with {', '.join(installed.dependencies)}" if installed.dependencies else ", without dependencies"
    return f"by pip into a fresh environment, every hash compared{also}"
