# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the failures have in common that all look alike: the identity is not the one that is registered."""

from __future__ import annotations

from collections.abc import Callable

from trustpub.failures.failure import Symptom
from trustpub.failures.log import Difference, Log

REFUSED = (r"invalid-publisher", r"no corresponding publisher", r"publisher with matching claims was not found")
"""What every index says to it, in one dialect or another."""


def refusal(log: Log) -> tuple[str, ...]:
    """The lines with which the index refused the identity."""
    return log.matching(*REFUSED)


def differing(*fields: str, meant: Callable[[Difference], bool] = lambda one: True) -> Callable[[Log], Symptom | None]:
    """A judge that finds a refusal where one of ``fields`` differs."""

    def judge(log: Log) -> Symptom | None:
        found = [one for one in log.differences() if one.field in fields and meant(one)]
        seen = refusal(log)
        if not found or not (seen or log.refused):
            return None
        return Symptom(seen=seen, told=tuple(one.sentence for one in found))

    return judge
