# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""PyPI's JSON API, ``/pypi/{project}/json``: no standard, but what tools that ask about a project know best.

The shapes are those of docs.pypi.org, api/json. What this index has nothing of is there and empty: no downloads are
counted, no vulnerabilities are known, and owners are not told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trustpub.protocol.simple import parsed_version

MEDIA_TYPE = "application/json"

_TEXTS = {
    "author": "author",
    "author_email": "author-email",
    "description_content_type": "description-content-type",
    "download_url": "download-url",
    "home_page": "home-page",
    "keywords": "keywords",
    "license": "license",
    "license_expression": "license-expression",
    "maintainer": "maintainer",
    "maintainer_email": "maintainer-email",
    "requires_python": "requires-python",
    "summary": "summary",
}
_LISTS = {
    "dynamic": "dynamic",
    "license_files": "license-file",
    "provides_extra": "provides-extra",
    "requires_dist": "requires-dist",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A file, as this API describes it."""

    filename: str
    url: str
    version: str
    """In normal form."""
    filetype: str
    """``sdist`` or ``bdist_wheel``."""
    pyversion: str
    """A wheel's Python tag, ``source`` for a source distribution."""
    sha256: str
    blake2b_256: str
    md5: str | None
    """None where the index never computed it."""
    size: int
    uploaded: float
    """Unix time."""
    requires_python: str | None
    yanked: str | None
    """The reason; empty where there is none; None where it is not yanked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a page of this API is about: a version of a project, and perhaps all others beside it."""

    name: str
    """The project's, as displayed."""
    version: str
    """In normal form."""
    page_url: str
    """Where people find the project."""
    files: Sequence[Described]
    """Of every version, in the order to show them."""
    fields: Mapping[str, Sequence[str]]
    """The version's core metadata by header in lower case, as they stand in one of its files."""
    serial: int


def latest(files: Sequence[Described]) -> str | None:
    """The version a project is known by: the newest that is no pre-release and not yanked, if there is one."""
    offered = {file.version for file in files if file.yanked is None}
    versions = {file.version for file in files}

    def rank(version: str) -> tuple[Any, ...]:
        parsed = parsed_version(version)
        return (version in offered, not parsed.is_prerelease, parsed)

    return max(versions, key=rank, default=None)


def render(release: Release, *, releases: bool) -> bytes:
    """The page. ``releases``: whether it is the project's, which lists all versions, or that of the one version."""
    own = [file for file in release.files if file.version == release.version]
    body: dict[str, Any] = {
        "info": _info(release, own),
        "last_serial": release.serial,
        "ownership": {"organization": None, "roles": []},
        "urls": [_file(file) for file in own],
        "vulnerabilities": [],
    }
    if releases:
        listed: dict[str, list[dict[str, Any]]] = {}
        for file in sorted(release.files, key=lambda file: parsed_version(file.version)):
            listed.setdefault(file.version, []).append(_file(file))
        body["releases"] = listed
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _info(release: Release, own: Sequence[Described]) -> dict[str, Any]:
    fields = release.fields
    reasons = [file.yanked for file in own]
    yanked = bool(own) and None not in reasons
    info: dict[str, Any] = {
        "bugtrack_url": None,
        "classifiers": list(fields.get("classifier", ())),
        "description": _one(fields, "description") or "",
        "docs_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "name": release.name,
        "package_url": release.page_url,
        "platform": ", ".join(fields.get("platform", ())) or None,
        "project_url": release.page_url,
        "project_urls": _project_urls(fields) or None,
        "release_url": release.page_url,
        "version": release.version,
        "yanked": yanked,
        "yanked_reason": next((reason for reason in reasons if reason), None) if yanked else None,
    }
    info.update({key: _one(fields, header) for key, header in _TEXTS.items()})
    info.update({key: list(fields.get(header, ())) or None for key, header in _LISTS.items()})
    return info


def _project_urls(fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    urls = {}
    for label, header in (("Homepage", "home-page"), ("Download", "download-url")):
        if (value := _one(fields, header)) is not None:
            urls[label] = value
    for value in fields.get("project-url", ()):
        label, _, url = (part.strip() for part in value.partition(","))
        if label and url:
            urls[label] = url
    return urls


def _one(fields: Mapping[str, Sequence[str]], header: str) -> str | None:
    return next(iter(fields.get(header, ())), None)


def _file(file: Described) -> dict[str, Any]:
    at = datetime.fromtimestamp(file.uploaded, UTC)
    digests = {"blake2b_256": file.blake2b_256, "sha256": file.sha256}
    if file.md5 is not None:
        digests["md5"] = file.md5
    return {
        "comment_text": None,
        "digests": digests,
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "md5_digest": file.md5,
        "packagetype": file.filetype,
        "python_version": file.pyversion,
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "upload_time_iso_8601": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "url": file.url,
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked or None,
    }
