# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""In which situations GitHub starts a workflow, and what its contexts say in each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from trustpub.workflow.conditions import UNKNOWN, Begins, Home
from trustpub.workflow.documents import listed, mapping

TAGS = "refs/tags/"
BRANCHES = "refs/heads/"
_WILD = re.compile(r"[*?+\[\]!\\]")
_RELEASE_TYPES = ("published", "unpublished", "created", "edited", "deleted", "prereleased", "released")
_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target", "pull_request_review"})
_OWN_PARTS: Mapping[str, frozenset[str]] = {
    "release": frozenset({"release"}),
    "pull_request": _PULL_REQUESTS | {"pull_request_review_comment"},
    "workflow_run": frozenset({"workflow_run"}),
    "inputs": frozenset({"workflow_dispatch"}),
    "client_payload": frozenset({"repository_dispatch"}),
    "head_commit": frozenset({"push"}),
    "issue": frozenset({"issues", "issue_comment"}),
    "comment": frozenset({"issue_comment", "pull_request_review_comment"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One way in which a workflow starts."""

    event: str
    action: str | None = None
    """Type of the event, such as ``published``; None where the event has none or any will do."""
    ref: str | Begins = field(default_factory=lambda: Begins("refs/"))
    """The reference that it runs for."""
    repository: str | Home = field(default_factory=Home)
    inputs: Mapping[str, Any] | None = None
    """What a called workflow was given; None: whatever a person chooses, if one starts it."""

    @property
    def of_tag(self) -> bool:
        """Whether it certainly runs for a tag."""
        return self._beginning().startswith(TAGS)

    @property
    def of_branch(self) -> bool:
        """Whether it certainly runs for a branch."""
        return self._beginning().startswith(BRANCHES)

    @property
    def told(self) -> str:
        """In words, after `on`."""
        what = "a tag" if self.of_tag else "a branch"
        if self.event == "push":
            return f"a push of {what}"
        if self.event == "workflow_dispatch":
            return f"`workflow_dispatch` on {what}"
        return f"`{self.event}`" + (f" ({self.action})" if self.action else "")

    def elsewhere(self) -> Situation:
        """The same in a fork."""
        return replace(self, repository="somebody-else/fork")

    def known(self, path: tuple[str, ...]) -> Any:
        """The value of the context ``path``, except of `needs`, `steps` and `matrix`."""
        if path[0] == "inputs" and len(path) == 2:
            if self.inputs is not None:
                return self.inputs.get(path[1])
            return UNKNOWN if self.event in ("workflow_dispatch", "workflow_call") else None
        if path[0] != "github" or len(path) == 1:
            return UNKNOWN
        return self._event(path[2:]) if path[1] == "event" else self._github(path[1])

    def _github(self, name: str) -> Any:
        if name == "event_name":
            return self.event
        if name == "ref":
            return self.ref
        if name == "ref_name":
            return self._name()
        if name == "ref_type":
            return "tag" if self.of_tag else "branch" if self.of_branch else UNKNOWN
        if name == "repository":
            return self.repository
        if name == "repository_owner":
            return self.repository if isinstance(self.repository, Home) else self.repository.partition("/")[0]
        if name in ("head_ref", "base_ref"):
            return UNKNOWN if self.event in _PULL_REQUESTS else ""
        return UNKNOWN

    def _event(self, path: tuple[str, ...]) -> Any:
        if not path:
            return UNKNOWN
        if path[0] in _OWN_PARTS and self.event not in _OWN_PARTS[path[0]]:
            return None
        if path == ("action",):
            has_none = self.event in ("push", "workflow_dispatch", "schedule")
            return None if has_none else UNKNOWN if self.action is None else self.action
        if path == ("ref",):
            return self.ref if self.event in ("push", "workflow_dispatch") else UNKNOWN
        return UNKNOWN

    def _beginning(self) -> str:
        return self.ref.prefix if isinstance(self.ref, Begins) else self.ref

    def _name(self) -> Any:
        for kind in (TAGS, BRANCHES):
            if self._beginning().startswith(kind):
                rest = self._beginning()[len(kind) :]
                return Begins(rest) if isinstance(self.ref, Begins) else rest
        return UNKNOWN


def situations(triggers: Mapping[str, Any], repository: str | None = None) -> tuple[Situation, ...]:
    """Every situation in which ``triggers``, the value of `on:`, start a workflow; not those of its callers."""
    at: str | Home = repository or Home()
    found = (one for event, given in triggers.items() if event != "workflow_call" for one in _of(event, mapping(given)))
    return tuple(replace(one, repository=at) for one in found)


def _of(event: str, given: Mapping[str, Any]) -> Iterator[Situation]:
    if event == "push":
        yield from _pushed(given)
    elif event == "workflow_dispatch":
        yield Situation(event=event, ref=Begins(BRANCHES))
        yield Situation(event=event, ref=Begins(TAGS))
    elif event == "release":
        yield from (Situation(event=event, action=kind, ref=Begins(TAGS)) for kind in _types(given) or _RELEASE_TYPES)
    elif event in _PULL_REQUESTS:
        ref = Begins(BRANCHES) if event == "pull_request_target" else Begins("refs/pull/")
        yield from (Situation(event=event, action=kind, ref=ref) for kind in _types(given) or (None,))
    elif event in ("create", "delete"):
        yield from (Situation(event=event, ref=Begins(kind)) for kind in (TAGS, BRANCHES))
    else:  # schedule, workflow_run, issues and the rest run for the default branch
        for kind in _types(given) or (None,):
            yield Situation(event=event, action=kind, ref=Begins(BRANCHES))


def _pushed(given: Mapping[str, Any]) -> Iterator[Situation]:
    """Who names patterns of one kind only is not started by the other."""
    kinds = ((BRANCHES, "branches"), (TAGS, "tags"))
    named = [name for _, name in kinds if name in given or f"{name}-ignore" in given]
    for kind, name in kinds:
        if name in given:
            wanted = [str(one) for one in listed(given[name]) if not str(one).startswith("!")]
            yield from (Situation(event="push", ref=reference(kind, one)) for one in wanted)
        elif f"{name}-ignore" in given or not named:
            yield Situation(event="push", ref=Begins(kind))


def reference(kind: str, pattern: str) -> str | Begins:
    """What is known of a reference that ``pattern`` of a trigger lets in."""
    wild = _WILD.search(pattern)
    if wild is None:
        return kind + pattern
    end = wild.start()
    # Of `ab?` and `ab+` the last character may be missing or repeat.
    return Begins(kind + (pattern[: max(end - 1, 0)] if wild[0] in "?+" else pattern[:end]))


def _types(given: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(one) for one in listed(given.get("types")))
