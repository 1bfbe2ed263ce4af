# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Steps and jobs of a workflow as text, with the comments that say why."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from trustpub.workflow.generate.actions import PINS
from trustpub.workflow.generate.scalars import scalar

CHECKOUT = "actions/checkout"
PYTHON = "actions/setup-python"
UPLOAD = "actions/upload-artifact"
DOWNLOAD = "actions/download-artifact"


def step(action: str, values: Mapping[str, str] | None = None, *, name: str | None = None) -> str:
    """A step that uses an action. Values stand as they are to be written."""
    lines = [f"- uses: {PINS[action].uses}"] if name is None else [f"- name: {name}", f"  uses: {PINS[action].uses}"]
    if values:
        lines += ["  with:", *(f"    {key}: {value}" for key, value in values.items())]
    return "\n".join(lines)


def run(
    name: str, commands: Sequence[str], env: Mapping[str, str] | None = None, *,
    ident: str | None = None, only: str | None = None, folder: str | None = None, under: str | None = None,
) -> str:  # fmt: skip
    """A step that runs commands: under bash, but where Windows has to be told so by ``under``. ``only``: if."""
    lines = [f"- name: {name}"]
    told = {"id": ident, "if": only, "shell": under, "working-directory": folder}
    lines += [f"  {key}: {value}" for key, value in told.items() if value is not None]
    if env:
        lines += ["  env:", *(f"    {key}: {value}" for key, value in env.items())]
    text = "\n".join(commands)
    if scalar(text) == text:
        lines.append(f"  run: {text}")
    else:
        lines += ["  run: |", textwrap.indent(text, "    ")]
    return "\n".join(lines)


def checkout(*, history: bool = False, ref: str | None = None) -> str:
    """The repository, with its ``history`` where tags are read; the job's token is never left behind in it."""
    values = {} if ref is None else {"ref": ref}
    if history:
        values["fetch-depth"] = "0 # with all commits and tags: the version is made from them"
    return step(CHECKOUT, {**values, "persist-credentials": "false"})


def python(version: str) -> str:
    """A Python, without a cache: nobody else's job may leave something in a release."""
    return step(PYTHON, {"python-version": f'"{version}"' if "$" not in version else version})


def upload(name: str, path: str) -> str:
    """Hand files over to other jobs."""
    return step(UPLOAD, {"name": name, "path": path, "if-no-files-found": "error"})


def download() -> str:
    """Take over the files that were built and checked."""
    return step(DOWNLOAD, {"name": "dist", "path": "dist/"})


def job(ident: str, head: Sequence[str], permissions: Mapping[str, str], steps: Sequence[str]) -> str:
    """A job: its first lines, what it may do, each with the reason, and its steps."""
    lines = [f"{ident}:", *(f"  {line}" for line in "\n".join(head).splitlines())]
    if permissions:
        lines += ["  permissions:", *(f"    {what}" for what in permissions.values())]
    else:
        lines.append("  permissions: {}")
    lines += ["  steps:", *(textwrap.indent(one, "    ") for one in steps)]
    return "\n".join(lines)


READS = {"contents": "contents: read # to check out"}
IDENTIFIES = {"id-token": "id-token: write # who this job is: the identity that the index trusts"}
WRITES = {"contents": "contents: write # to make the release"}
PUSHES = {"contents": "contents: write # to push the commit and the tag of the release"}
