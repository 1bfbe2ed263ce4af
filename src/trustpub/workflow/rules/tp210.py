# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A Google Cloud build that publishes as a shared account."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.workflow import tables, uploads
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.findings import Confidence, Finding, Rule, Severity
from trustpub.workflow.scene import Scene


def _check(scene: Scene) -> Iterator[Finding]:
    file = scene.cloud_build
    if file is None:
        return
    steps = file.document.get("steps")
    for number, step in enumerate(steps if isinstance(steps, list) else ()):
        parts = [mapping(step).get("entrypoint"), *listed(mapping(step).get("args")), mapping(step).get("script")]
        words = [str(part) for part in parts if part is not None]
        found = uploads.publication({"run": "\n".join(words)}) or uploads.publication({"run": " ".join(words)})
        if found is None:
            continue
        account = str(file.document.get("serviceAccount", ""))
        place = file.value(steps, number)
        if not account:
            yield RULE.at(
                place,
                "the build publishes as the default service account, which every build of the project shares",
                fix="write `serviceAccount:` with an account of its own",
            )
        elif "compute@developer" in account or "@appspot." in account or "@cloudbuild." in account:
            yield RULE.at(
                file.value(file.document, "serviceAccount"), "the build publishes as a default service account"
            )
        declared = scene.publisher("google")
        if declared is not None and "sub" not in declared[1]:
            where, _ = tables.publisher_place(scene.pyproject_text, declared[0], "email")
            yield RULE.at(
                where,
                "the declared publisher names the account by its address only, which can be given to another",
                fix="register and declare the account's number too, as `sub`",
            )
        return


RULE = Rule(
    ident="TP210",
    severity=Severity.WARNING,
    title="Google Cloud: a shared account, or one without its number",
    confidence=Confidence.HIGH,
    explanation="On Google Cloud a publisher is a service account. Whatever runs as it can publish, and the default "
    "accounts run everything. An account that is deleted and made anew has the same address and another number.",
    fix="Give releases a service account of their own and register its address and number.",
    example="steps:\n  - name: python\n    script: trustpub publish dist/*",
    better="serviceAccount: projects/acme/serviceAccounts/release@acme.iam.gserviceaccount.com\nsteps:\n  - name: "
    "python\n    script: trustpub publish dist/*",
    check=_check,
)
