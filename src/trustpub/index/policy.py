# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What an administrator may refuse in uploads, beyond what no index can take."""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.version import Version

from trustpub.index.ports import Reading
from trustpub.index.settings import Settings
from trustpub.packages.metadata import Metadata
from trustpub.protocol.exchange import Problem

_DAY = 24 * 3600
_TITLE = "Upload refused"


def faults(settings: Settings, metadata: Metadata) -> list[str]:
    """What the metadata of a file hold that may not be here, in sentences."""
    found = []
    if not settings.local_versions and Version(metadata.version).local is not None:
        found.append(f"The version {metadata.version!r} has a local part, which this index does not take.")
    if not settings.direct_urls:
        found += [
            f"The dependency on {requirement.name!r} is given by a URL, which this index does not take."
            for requirement in map(Requirement, metadata.fields.get("requires-dist", ()))
            if requirement.url is not None
        ]
    return found


def limit(settings: Settings, reading: Reading, project_id: str, version: str, size: int, now: float) -> Problem | None:
    """Why a project takes no more: it is full, or the release is closed. None if it does.

    Args:
        settings: with the limits.
        reading: what is here.
        project_id: the project's.
        version: of the file.
        size: of the file, in bytes.
        now: Unix time.
    """
    if settings.max_project_bytes is None and settings.release_days is None:
        return None
    releases = reading.releases(project_id)
    if settings.max_project_bytes is not None:
        left = settings.max_project_bytes - sum(release.size for release in releases)
        if size > left:
            detail = (
                f"Project size too large. All its files together may have {settings.max_project_bytes} bytes, of which "
                f"{max(0, left)} are left. Ask the administrator of the index for more, or delete old releases."
            )
            return Problem(status=400, code="project-too-large", title=_TITLE, detail=detail)
    if settings.release_days is not None:
        wanted = Version(version)
        first = min((one.first for one in releases if Version(one.version) == wanted), default=now)
        if now - first > settings.release_days * _DAY:
            detail = (
                f"The release {version} is older than {settings.release_days} days, after which this index takes no "
                "more files for one. Upload a new version."
            )
            return Problem(status=400, code="release-closed", title=_TITLE, detail=detail)
    return None
