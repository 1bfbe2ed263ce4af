# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A stored credential, which turns Trusted Publishing off."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import asking, editing, uploads
from trustpub.workflow.findings import Confidence, Edit, Finding, Rule, Severity
from trustpub.workflow.scene import Job, Scene, Step


def _check(scene: Scene) -> Iterator[Finding]:
    for job in scene.publishing:
        for step in job.publishing:
            secret = job.secret(step)
            if secret is None or not secret.certain or "secrets." not in secret.value or _theirs(job, step):
                continue
            both_ways = asking.gets_token(scene, job)
            place = step.place if secret.holder is None else step.file.key(secret.holder, secret.name, step.place)
            yield RULE.at(
                place,
                f"job {job.name!r} is given {secret.name}, so Trusted Publishing is off",
                why="it may get an identity token, and the stored secret goes first"
                if both_ways
                else "a stored secret",
                severity=None if both_ways else Severity.WARNING,
                fix=f"take {secret.name} out"
                + ("" if both_ways else ", give the job `id-token: write`, and register the publisher")
                + "; then delete the secret, and revoke the token on the index",
                edits=_without(step, secret) if both_ways else None,
            )


def _theirs(job: Job, step: Step) -> bool:
    """Whether it goes to an index of somebody's own, which may know nothing else."""
    name = job.target(step).name
    return name is not None and name not in ("pypi", "testpypi")


def _without(step: Step, secret: uploads.Secret) -> tuple[Edit, ...] | None:
    holder = secret.holder
    if holder is None:
        return None
    key = "with" if holder is step.value.get("with") else "env"
    beside = [name for name in holder if name not in (secret.name, "user")]
    if step.value.get(key) is holder and not beside:
        return editing.drop(step.file, step.value, key)
    edits = editing.drop(step.file, holder, secret.name)
    if "user" in holder and holder.get("user") == "__token__":
        user = editing.drop(step.file, holder, "user")
        return None if edits is None or user is None else (*edits, *user)
    return edits


RULE = Rule(
    ident="TP205",
    severity=Severity.ERROR,
    title="a stored credential beside the identity",
    confidence=Confidence.HIGH,
    explanation="Every client prefers a password or token that it is given. The release then depends on a secret "
    "that can leak and expire, and cannot be attested.",
    seen="The workflow was run with the 'attestations: true' input, but an explicit password was also set, disabling "
    "Trusted Publishing",
    fix="Take the credential out, then delete the secret and revoke the token.",
    example="- uses: pypa/gh-action-pypi-publish@release/v1\n  with:\n    password: ${{ secrets.PYPI_API_TOKEN }}",
    better="- uses: pypa/gh-action-pypi-publish@release/v1",
    fixes=True,
    check=_check,
)
