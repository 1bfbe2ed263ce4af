# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What of a release is to be done, and in which order.

What an index has already, with the same content, is not sent. What it has with another content stops everything. The
rest goes up side by side (:class:`Course`), but for the first file of a new project and of a new release, which others
wait for: it is the one that makes them, and an index that is asked for the same new thing eight times at once may trip
over it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from trustpub.client.already import Page
from trustpub.client.files import Distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A file to send."""

    distribution: Distribution
    after: str | None
    """The name of the file that must be up before; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of each file, in the order that they were given in."""

    send: Sequence[Step]
    present: Sequence[Distribution]
    """On the index with the same content."""
    different: Sequence[Distribution]
    """On the index with another content, under this very name."""


class Course:
    """The steps of a plan, taken by several threads. Nobody gets any before it is opened, or after it is closed."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._changed = threading.Condition()
        self._waiting = list(steps)
        self._up = set[str]()
        self._sent = {step.distribution.filename for step in steps}
        self._opened = False
        self._closed = False

    def open(self) -> None:
        """Let steps be taken."""
        with self._changed:
            self._opened = True
            self._changed.notify_all()

    def close(self) -> None:
        """Let no other be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self) -> Step | None:
        """The next step, as soon as what it comes after is done; None where there is nothing more to do."""
        with self._changed:
            while self._waiting and not self._closed:
                step = next((one for one in self._waiting if self._may(one)), None)
                if step is not None:
                    self._waiting.remove(step)
                    return step
                self._changed.wait()
            return None

    def done(self, step: Step) -> None:
        """``step`` is done, and what comes after it may be taken."""
        with self._changed:
            self._up.add(step.distribution.filename)
            self._changed.notify_all()

    def _may(self, step: Step) -> bool:
        return self._opened and (step.after is None or step.after in self._up or step.after not in self._sent)


def plan(distributions: Sequence[Distribution], pages: Mapping[str, Page]) -> Plan:
    """What is to be done with ``distributions``, which are hashed.

    Args:
        distributions: in the order to send them.
        pages: by the project's normal name; a project without one counts as new.
    """
    present: list[Distribution] = []
    different: list[Distribution] = []
    waiting: list[Distribution] = []
    for one in distributions:
        files = pages.get(one.project, _NOTHING).files
        listed = files.get(one.filename)
        if listed is None:  # not there, or there and nobody says with what content: the index knows
            waiting.append(one)
        elif listed == one.submission.sha256:
            present.append(one)
        else:
            different.append(one)
    return Plan(send=_ordered(waiting, pages), present=present, different=different)


def _ordered(distributions: Sequence[Distribution], pages: Mapping[str, Page]) -> list[Step]:
    steps: list[Step] = []
    makers: dict[str, str] = {}
    first_of: dict[tuple[str, str], str] = {}
    known = {project: _versions(page.files) for project, page in pages.items()}
    for one in distributions:
        versions = known.get(one.project, set())
        after = None
        if not versions:
            after = makers.setdefault(one.project, one.filename)
        if one.version not in versions:
            first = first_of.setdefault((one.project, one.version), one.filename)
            after = after if first == one.filename else first
        steps.append(Step(distribution=one, after=None if after == one.filename else after))
    return steps


def _versions(filenames: Collection[str]) -> set[str]:
    """Of the files of a project; what is no distribution's name counts as a version of its own."""
    return {_version(text) for text in {_version_in(filename) for filename in filenames}}


def _version_in(filename: str) -> str:
    # A wheel's name has no dash before the version but one, a source distribution's none behind it.
    if filename.endswith(".whl"):
        return filename.split("-", 2)[1] if filename.count("-") > 1 else ""
    return filename.removesuffix(".tar.gz").removesuffix(".zip").rpartition("-")[2]


def _version(text: str) -> str:
    try:
        return str(Version(text))
    except InvalidVersion:
        return text


_NOTHING = Page()
