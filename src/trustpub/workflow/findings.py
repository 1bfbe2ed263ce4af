# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor says of a project, and the rules that say it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from trustpub.workflow.located import Place

if TYPE_CHECKING:
    from trustpub.workflow.scene import Scene

PAGES = "https://github.com/trustpub/trustpub/blob/main/docs/reference/rules"
"""Below it, every rule has a page of its own."""


class Severity(StrEnum):
    """What a finding means for the next release."""

    ERROR = "error"
    """It will fail, or be lost."""
    WARNING = "warning"
    """It is likely to go wrong, now or on a bad day."""
    ADVICE = "advice"
    """It could be better."""


class Confidence(StrEnum):
    """How sure a rule can be from the files alone."""

    HIGH = "high"
    MEDIUM = "medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One replacement in one file. Offsets are in characters of its text, the end exclusive."""

    path: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a rule found."""

    ident: str
    severity: Severity
    path: str
    line: int
    """Counted from 1, as is the column."""
    column: int
    message: str
    """What is wrong, in one sentence. May have text from the files in it: made printable where it is shown."""
    why: str | None = None
    """What makes it so."""
    seen: str | None = None
    """The text that the user would see, and would search for."""
    fix: str | None = None
    """What to do about it."""
    edits: tuple[Edit, ...] = ()
    """The same done by a program; none where a person has to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that the doctor looks for."""

    ident: str
    """``TP``, an area and a number: 1 identity, 2 token, 3 the publishing step, 4 files, 5 triggers and order."""
    severity: Severity
    title: str
    """What is wrong where it finds something, in a few words."""
    confidence: Confidence
    explanation: str
    """Why that matters, in whole sentences."""
    seen: str | None = None
    """What the user would see."""
    fix: str
    """What to do, in whole sentences."""
    example: str = ""
    """A few lines of YAML that it finds something in."""
    better: str = ""
    """The same without."""
    fixes: bool = False
    """Whether ``--fix`` may put it right."""
    check: Callable[[Scene], Iterable[Finding]] = field(compare=False)

    @property
    def page(self) -> str:
        """Where it is explained."""
        return f"{PAGES}/{self.ident}.md"

    def at(
        self,
        place: Place,
        message: str,
        *,
        why: str | None = None,
        seen: str | None = None,
        fix: str | None = None,
        edits: Iterable[Edit] | None = (),
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule; what is not said is what the rule says in general. ``edits`` None: there are none."""
        return Finding(
            ident=self.ident,
            severity=severity or self.severity,
            path=place.path,
            line=place.spot.line,
            column=place.spot.column,
            message=message,
            why=why,
            seen=seen or self.seen,
            fix=fix or self.fix,
            edits=tuple(edits or ()),
        )


def nothing(scene: Scene) -> Iterable[Finding]:
    """The check of a rule for which the files say nothing: others are asked first."""
    return ()
