# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What several providers compare in one way: names with their case and without, and ids that must be known."""

from __future__ import annotations

import string
from collections.abc import Mapping

from trustpub.trust.decision import Check
from trustpub.trust.publishers import Publisher

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def folded(text: str) -> str:
    """``text`` without the case of ASCII letters.

    No more than those: the Kelvin sign lower-cases to ``k``, so with all of Unicode an environment that anybody may
    make in a repository would count as the protected one that it only looks like.
    """
    return text.lower() if text.isascii() else text.translate(_LOWER)


def same(field: str, wanted: str, given: str | None, *, instead: str | None = None) -> Check:
    """Equal, case and all. Empty means no.

    Where there is nothing to compare, ``instead`` is shown as what was given; it is never compared.
    """
    holds = bool(wanted) and wanted == given
    return Check(field=field, wanted=wanted, given=instead if given is None else given, holds=holds)


def alike(field: str, wanted: str, given: str | None) -> Check:
    """Equal but for the case of ASCII letters. Empty means no."""
    holds = bool(wanted) and given is not None and folded(wanted) == folded(given)
    return Check(field=field, wanted=wanted, given=given, holds=holds)


def anchored(publisher: Publisher, anchors: Mapping[str, str | None]) -> list[Check]:
    """That each id is the registered one, or is there to be pinned by a publisher that may pin it.

    Names can be given up and taken by somebody else; without an id nothing tells the two apart.
    """
    checks = []
    for name, given in anchors.items():
        if name in publisher.fields:
            checks.append(same(name, publisher.fields[name], given))
        elif not publisher.pin_on_first_use:
            checks.append(Check(field=name, wanted="a registered id", given=given, holds=False))
        else:
            checks.append(Check(field=name, wanted="an id to pin", given=given, holds=given is not None))
    return checks
