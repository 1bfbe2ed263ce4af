# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How much an ``Accept`` header wants a media type (RFC 9110 section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")


def media_quality(media_type: str, accept: str) -> float:
    """How much the ``Accept`` header wants ``media_type``, 0 to 1; an empty header wants everything."""
    return quality_of(media_type, read_ranges(accept if accept.strip() else "*/*"))


def read_ranges(accept: str) -> dict[str, float]:
    """The ranges of an ``Accept`` header, in lower case, with their qualities; one that cannot be read counts as 0."""
    ranges: dict[str, float] = {}
    for item in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = float(value) if _QUALITY.match(value.strip()) else 0.0
        if media_type:
            ranges[media_type] = max(quality, ranges.get(media_type, 0.0))
    return ranges


def quality_of(media_type: str, ranges: Mapping[str, float]) -> float:
    """How much the ranges want ``media_type``, 0 to 1."""
    # The most specific range decides, even if it says 0 (RFC 9110 section 12.5.1).
    for one in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        if one in ranges:
            return ranges[one]
    return 0.0
