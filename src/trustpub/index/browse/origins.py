# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who uploaded a file, as people are told it: from what was true when it came (:attr:`File.origin`).

What a forge shows of it is linked only where the address follows from the issuer itself. Claims say what they like, so
every part of such an address is looked at first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from trustpub.index.kept import File
from trustpub.printable import printable
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.publishers import Publisher

UNKNOWN = "unknown"
"""The key of files from before anybody noted who uploaded them."""

_GITHUB = "https://token.actions.githubusercontent.com"
_GHE = re.compile(r"token\.actions\.([a-z0-9-]+)\.ghe\.com\Z")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+\Z")
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_NUMBER = re.compile(r"[0-9]{1,20}\Z")

_IDS = ("repository_id", "project_id", "repositoryUuid", "rpo_id", "oidc.circleci.com/project-id", "pipeline_id")
"""Claims that number a repository, a project or a pipeline for ever: they tell one from another of the same name.

GitLab's ``pipeline_id`` numbers a run; its ``project_id`` comes first."""

_REFS = ("ref", "ref_path", "rpo_ref", "oidc.circleci.com/vcs-ref", "build_tag", "build_branch")
_COMMITS = ("sha", "build_commit")
_WAYS = ("job_workflow_ref", "workflow_ref", "ci_config_ref_uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a file came from. All texts are printable."""

    key: str
    """What tells this source from all others, whatever it is called."""
    label: str
    """For people: "GitHub Actions: octo/hello", "ada, with a token"."""
    trusted: bool
    """It came with a token that was minted for a publisher."""
    source: str = ""
    """The repository, or whatever the job belongs to."""
    source_url: str | None = None
    commit: str = ""
    commit_url: str | None = None
    ref: str = ""
    way: str = ""
    """Workflow, without the ref at which it ran, and environment: they may change while the source stays."""
    run_url: str | None = None


def origin_of(file: File, issuers: Mapping[str, str]) -> Origin:
    """Who uploaded ``file``.

    Args:
        file: of any age.
        issuers: issuers of publishers by their ids, for files whose origin names none.
    """
    facts = file.origin
    if user := facts.get("user"):
        name = printable(user, 100)
        return Origin(key=f"user {user.lower()}", label=f"{name}, with a token", trusted=False, source=name)
    if imported := facts.get("imported"):
        return _imported(imported, facts.get("by", ""))
    kind = facts.get("kind", "")
    if not kind:
        return Origin(key=UNKNOWN, label="not known", trusted=False)
    return _minted(kind, facts, facts.get("issuer") or issuers.get(facts.get("publisher", ""), ""))


def _imported(what: str, by: str) -> Origin:
    """Of a file that was on another index before. Who uploaded it there is no user of this one."""
    label = f"imported from {printable(what, 40)}"
    if by:
        label += f", where {printable(by, 100)} uploaded it"
    return Origin(key=f"import {what} {by}", label=label, trusted=False, source=printable(by, 100))


def issuers_of(publishers: Iterable[Publisher]) -> Mapping[str, str]:
    """As :func:`origin_of` wants them."""
    return {one.id: one.issuer for one in publishers}


def _minted(kind: str, facts: Mapping[str, str], issuer: str) -> Origin:
    subject = facts.get("subject") or facts.get("repository") or facts.get("project_path") or facts.get("sub", "")
    number = next((facts[name] for name in _IDS if facts.get(name)), "")
    provider = PROVIDERS.get(kind)
    title = provider.title if provider is not None else printable(kind, 40)
    source = printable(subject, 200)
    home = _home(kind, issuer, subject)
    commit = next((facts[name] for name in _COMMITS if _COMMIT.match(facts.get(name, ""))), "")
    return Origin(
        key=f"{kind} {issuer} {number or subject.lower()}",
        label=f"{title}: {source}" if source else title,
        trusted=True,
        source=source,
        source_url=home,
        commit=commit,
        commit_url=f"{home}{_below(kind)}commit/{commit}" if home and commit else None,
        ref=printable(next((facts[name] for name in _REFS if facts.get(name)), ""), 200),
        way=_way(facts),
        run_url=_run(kind, facts, home),
    )


def _home(kind: str, issuer: str, subject: str) -> str | None:
    """Where the forge shows the repository; None where that does not follow from the issuer."""
    if not _PATH.match(subject) or ".." in subject.split("/") or "." in subject.split("/"):
        return None
    if kind == "github" and (base := _github(issuer)) is not None and subject.count("/") == 1:
        return f"{base}/{quote(subject)}"
    if kind == "gitlab" and urlsplit(issuer).scheme == "https":
        return f"{issuer.rstrip('/')}/{quote(subject)}"
    return None


def _github(issuer: str) -> str | None:
    parts = urlsplit(issuer)
    if issuer == _GITHUB or issuer.startswith(f"{_GITHUB}/"):
        return "https://github.com"
    if found := _GHE.match(parts.hostname or ""):
        return f"https://{found[1]}.ghe.com"
    return f"https://{parts.netloc}" if parts.scheme == "https" and parts.path == "/_services/token" else None


def _below(kind: str) -> str:
    return "/-/" if kind == "gitlab" else "/"


def _run(kind: str, facts: Mapping[str, str], home: str | None) -> str | None:
    name, path = {"github": ("run_id", "/actions/runs/"), "gitlab": ("job_id", "/-/jobs/")}.get(kind, ("", ""))
    number = facts.get(name, "") if name else ""
    return f"{home}{path}{number}" if home and _NUMBER.match(number) else None


def _way(facts: Mapping[str, str]) -> str:
    workflow = next((facts[name] for name in _WAYS if facts.get(name)), "").partition("@")[0]
    environment = facts.get("environment", "")
    parts = [printable(workflow, 200), f"environment {printable(environment, 100)}" if environment else ""]
    return ", ".join(part for part in parts if part)
