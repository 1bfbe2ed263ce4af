# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The Simple repository API, version 1.4: its pages, and which of their forms a client gets.

PEPs to read, in this order: 503 (pages), 592 (yanked), 629 (version), 691 (JSON, negotiation), 700 (size, versions,
upload-time), 714 (core-metadata), 740 (provenance), 792 (status). PEP 833 freezes HTML at 1.4; 1.5 is PEP 752 and is
not announced without its namespaces; 708 was rejected.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from packaging.version import Version

from trustpub.protocol.quality import quality_of, read_ranges

API_VERSION = "1.4"


class Format(Enum):
    """A form of a page; the value is its media type."""

    HTML = "text/html"
    V1_HTML = "application/vnd.pypi.simple.v1+html"
    V1_JSON = "application/vnd.pypi.simple.v1+json"

    @property
    def content_type(self) -> str:
        """The header that names it: always the real version, never ``latest`` (PEP 691)."""
        return self.value if self is Format.V1_JSON else f"{self.value}; charset=utf-8"


_ALIASES: Mapping[str, Format] = {
    **{one.value: one for one in Format},
    "application/vnd.pypi.simple.latest+html": Format.V1_HTML,
    "application/vnd.pypi.simple.latest+json": Format.V1_JSON,
}
"""What may be asked for. Browsers and old installers get ``text/html`` where they prefer nothing: it comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file on a project's page."""

    filename: str
    url: str
    """Absolute; its last part is the file name (PEP 503)."""
    version: str
    """In normal form."""
    sha256: str
    size: int
    uploaded: float
    """Unix time; shown in UTC with microseconds (PEP 700)."""
    requires_python: str | None = None
    metadata_sha256: str | None = None
    """Of what is at ``{url}.metadata``; None where nothing is (PEP 714)."""
    yanked: str | None = None
    """The reason; empty where there is none; None where it is not yanked (PEP 592)."""
    provenance: str | None = None
    """Absolute URL of where the file came from; None where nobody can tell (PEP 740)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectPage:
    """``/simple/{project}/``."""

    name: str
    """In normal form."""
    files: Sequence[Listed]
    serial: int
    status: str = "active"
    """A marker of PEP 792."""
    status_reason: str = ""
    """Why, for people; empty where nobody said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootPage:
    """``/simple/``."""

    projects: Sequence[tuple[str, str]]
    """``(name as displayed, normal form)``."""
    serial: int


parsed_version = lru_cache(maxsize=8192)(Version)
"""A version by its text. Parsing is most of the work of a page, and the same versions come again with every change."""


def provenance_path(project: str, version: str, filename: str) -> str:
    """Where an index says where a file came from (PEP 740; the path is PyPI's).

    Args:
        project: its name, in normal form.
        version: in normal form.
        filename: the file's.
    """
    return f"/integrity/{project}/{quote(version, safe='+!')}/{quote(filename, safe='+!')}/provenance"


def file_path(blake2b_256: str, filename: str) -> str:
    """Where an index keeps a file: a place that depends on what is in it, so that it may be cached forever."""
    return f"/packages/{blake2b_256[:2]}/{blake2b_256[2:4]}/{blake2b_256[4:]}/{quote(filename, safe='+!')}"


def negotiate(accept: str | None, format_parameter: str | None = None) -> Format | None:
    """Which form to send; None where nothing that is asked for can be had (406).

    Args:
        accept: the ``Accept`` header; None counts as ``*/*``.
        format_parameter: the value of ``?format=``, which beats the header (PEP 691).
    """
    if format_parameter is not None:
        # An unescaped plus arrives as a blank.
        return _ALIASES.get(format_parameter.strip().replace(" ", "+").lower())
    ranges = read_ranges(accept if accept and accept.strip() else "*/*")
    best: tuple[float, int] | None = None
    chosen = None
    for position, (media_type, form) in enumerate(_ALIASES.items()):
        quality = quality_of(media_type, ranges)
        if quality > 0 and (best is None or (quality, -position) > best):
            best, chosen = (quality, -position), form
    return chosen


def render_root(page: RootPage, form: Format) -> bytes:
    """The list of projects."""
    if form is Format.V1_JSON:
        return _json({"meta": _meta(page.serial), "projects": [{"name": name} for name, _ in page.projects]})
    anchors = [
        f'<a href="/simple/{html.escape(normalized)}/">{html.escape(name)}</a><br>'
        for name, normalized in page.projects
    ]
    return _html("Simple index", [], anchors)


def render_project(page: ProjectPage, form: Format) -> bytes:
    """The files of a project, ordered by version and name."""
    files = sorted(page.files, key=lambda file: (parsed_version(file.version), file.filename))
    if form is Format.V1_JSON:
        reason = {"reason": page.status_reason} if page.status_reason else {}
        body = {
            "meta": _meta(page.serial),
            "name": page.name,
            "project-status": {"status": page.status, **reason},
            "versions": list(dict.fromkeys(file.version for file in files)),
            "files": [_file(file) for file in files],
        }
        return _json(body)
    status = [_meta_tag("pypi:project-status", page.status)]
    if page.status_reason:
        status.append(_meta_tag("pypi:project-status-reason", page.status_reason))
    return _html(f"Links for {page.name}", status, [_anchor(file) for file in files])


def _meta_tag(name: str, content: str) -> str:
    return f'<meta name="{name}" content="{html.escape(content)}">'


def _meta(serial: int) -> dict[str, Any]:
    return {"api-version": API_VERSION, "_last-serial": serial}


def _file(file: Listed) -> dict[str, Any]:
    at = datetime.fromtimestamp(file.uploaded, UTC)
    listed: dict[str, Any] = {
        "filename": file.filename,
        "url": file.url,
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "upload-time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "yanked": False if file.yanked is None else file.yanked or True,
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 else False,
        "provenance": file.provenance,
    }
    if file.requires_python is not None:
        listed["requires-python"] = file.requires_python
    return listed


def _anchor(file: Listed) -> str:
    attributes = {"href": f"{file.url}#sha256={file.sha256}"}
    if file.requires_python is not None:
        attributes["data-requires-python"] = file.requires_python
    if file.metadata_sha256 is not None:
        # Both names: older pips know the second only (PEP 714).
        attributes["data-core-metadata"] = attributes["data-dist-info-metadata"] = f"sha256={file.metadata_sha256}"
    if file.yanked is not None:
        attributes["data-yanked"] = file.yanked
    if file.provenance is not None:
        attributes["data-provenance"] = file.provenance
    written = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<a {written}>{html.escape(file.filename)}</a><br>"


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _html(title: str, metas: Sequence[str], lines: Sequence[str]) -> bytes:
    head = [_meta_tag("pypi:repository-version", API_VERSION), *metas]
    text = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        *head,
        f"<title>{html.escape(title)}</title>",
        "</head>",
        "<body>",
        f"<h1>{html.escape(title)}</h1>",
        *lines,
        "</body>",
        "</html>",
    ]
    return "\n".join(text).encode() + b"\n"
