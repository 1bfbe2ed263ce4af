# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a registration of a publisher may say, and how its fields are spelled from then on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trustpub.errors import Misuse
from trustpub.packages.names import is_valid
from trustpub.printable import quoted
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.providers import github
from trustpub.trust.publishers import Publisher

ID_FIELDS = ("owner_id", "repository_id")
"""What tells a repository from another that gets its name later."""

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,98}\Z")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
_WORKFLOW = re.compile(r"[^/\x00-\x1f\x7f]{1,250}\.ya?ml\Z")
_ENVIRONMENT = re.compile(r"(?! )[^\x00-\x1f\x7f'\"`,;\\]{1,255}(?<! )\Z")
_ID = re.compile(r"[1-9][0-9]{0,19}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What ``publisher add`` was asked for."""

    project: str
    repository: str
    """``owner/name``."""
    workflow: str
    environment: str | None = None
    owner_id: str | None = None
    repository_id: str | None = None
    kind: str = github.Identity.kind
    issuer: str = github.ISSUER
    pin_on_first_use: bool = False
    pending: bool = False
    owner: str | None = None
    """Name of the user who owns the project once it is real."""


def missing_ids(publisher: Publisher) -> tuple[str, ...]:
    """The id fields of a publisher that are still to be pinned."""
    return tuple(name for name in ID_FIELDS if name not in publisher.fields)


def fields(wanted: Wanted) -> dict[str, str]:
    """The publisher's fields as GitHub allows and spells them.

    Raises:
        Misuse: one is none of those.
    """
    if wanted.kind not in PROVIDERS:
        raise Misuse(f"{quoted(wanted.kind)} is no kind of publisher.", hint=f"Known: {', '.join(PROVIDERS)}.")
    if not is_valid(wanted.project):
        raise Misuse(
            f"{quoted(wanted.project)} cannot be a project's name.",
            hint="Letters, digits, dots, dashes and underscores of ASCII, a letter or digit at both ends.",
        )
    if wanted.owner is not None and not wanted.pending:
        raise Misuse("An owner is only named for a project that does not exist yet.", hint="Add --pending.")
    found = {"repository": _repository(wanted.repository), "workflow": _workflow(wanted.workflow)}
    if wanted.environment is not None:
        found["environment"] = _environment(wanted.environment)
    for name, value in (("owner_id", wanted.owner_id), ("repository_id", wanted.repository_id)):
        if value is None:
            continue
        if not _ID.match(value):
            raise Misuse(f"The {name.replace('_', ' ')} {quoted(value)} is not a number, as GitHub's ids are.")
        found[name] = value
    return found


def _repository(text: str) -> str:
    owner, slash, name = text.partition("/")
    if not slash or not _OWNER.match(owner) or not _REPOSITORY.match(name) or name in (".", ".."):
        raise Misuse(
            f"The repository {quoted(text)} is not OWNER/NAME.",
            hint="As in the address of its page, without https://github.com/ and without .git.",
        )
    return text


def _workflow(text: str) -> str:
    if not _WORKFLOW.match(text):
        last = text.rpartition("/")[2]
        hint = (
            f"Give only the file's name: {last}"
            if last != text and _WORKFLOW.match(last)
            else "The name of a file in .github/workflows, such as release.yml."
        )
        raise Misuse(f"The workflow {quoted(text)} is not a file name that ends in .yml or .yaml.", hint=hint)
    return text


def _environment(text: str) -> str:
    if not _ENVIRONMENT.match(text):
        raise Misuse(
            f"The environment {quoted(text)} is not a name that GitHub allows.",
            hint="At most 255 characters, no blank at either end, no quotes, comma, semicolon or backslash. "
            "For any environment, leave it out.",
        )
    return text.lower()
