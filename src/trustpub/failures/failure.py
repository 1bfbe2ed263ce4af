# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A class of failure: what a person sees, why it happens, and what ends it. One file each beside this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trustpub.failures.log import Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """That a failure is to be seen in a log."""

    seen: tuple[str, ...]
    """Lines of the log, printable."""
    told: tuple[str, ...] = ()
    """What follows from this very log: which value, which file, in sentences."""
    certain: bool = True
    """Whether nothing else could have printed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One class of failure."""

    ident: str
    """As its file is named, with dashes."""
    title: str
    """What happened, in a line without a full stop."""
    cause: str
    fix: str
    says: tuple[str, ...] = ()
    """Regular expressions for what is printed, whatever the case; blanks in them stand for any white space."""
    likely: tuple[str, ...] = ()
    """The same, for texts that something else may print too."""
    rules: tuple[str, ...] = ()
    """The doctor's rules that find it before anything runs."""
    judge: Callable[[Log], Symptom | None] | None = None
    """Looks at more than texts; goes before them."""
    last: bool = False
    """Whether it is only an explanation where there is no other."""

    def find(self, log: Log) -> Symptom | None:
        """The symptom in ``log``; None if it is not there."""
        judged = self.judge(log) if self.judge is not None else None
        if judged is not None:
            return judged
        for patterns, certain in ((self.says, True), (self.likely, False)):
            seen = log.matching(*patterns)
            if seen:
                return Symptom(seen=seen, certain=certain)
        return None
