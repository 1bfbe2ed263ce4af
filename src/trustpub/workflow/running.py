# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which jobs and steps run in a situation, if nothing fails and nobody cancels: yes, no, or only a run knows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trustpub.workflow import conditions
from trustpub.workflow.conditions import UNKNOWN, BadExpression
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.scene import Job, Step, Way
from trustpub.workflow.situations import Situation

_MOST_VALUES = 64


def reached(way: Way, situation: Situation, step: Step | None = None) -> bool | None:
    """Whether the job at the end of ``way``, and in it ``step``, runs."""
    key = situation, None if step is None else id(step)
    if key not in way.reached:
        way.reached[key] = _reached(way, situation, step)
    return way.reached[key]


def _reached(way: Way, situation: Situation, step: Step | None) -> bool | None:
    answer: bool | None = True
    for number, job in enumerate(way.jobs):
        if number:
            situation = replace(situation, inputs=_inputs(way.jobs[number - 1], situation))
        answer = both(answer, runs(job, situation))
        if answer is False:
            return False
    if step is None:
        return answer
    for one in (*step.via, step):
        answer = both(answer, step_runs(one, way.job, situation))
    return answer


def runs(job: Job, situation: Situation, _known: dict[str, bool | None] | None = None) -> bool | None:
    """Whether ``job`` runs, given what it needs."""
    needed = _needed(job, situation, {} if _known is None else _known)
    return conditions.holds(job.value.get("if"), _lookup(situation, needed), lambda name: _status(name, needed))


def wanted(job: Job, situation: Situation) -> bool | None:
    """Whether the condition of ``job`` alone would let it run, whatever became of the jobs that it needs."""
    needed: dict[str, bool | None] = dict.fromkeys(job.needs, True)
    return conditions.holds(job.value.get("if"), _lookup(situation, needed), lambda name: _status(name, needed))


def step_runs(step: Step, job: Job, situation: Situation) -> bool | None:
    """Whether ``step`` runs where its ``job`` does."""
    lookup = _lookup(situation, dict.fromkeys(job.needs, None))
    return conditions.holds(step.value.get("if"), lookup, lambda name: _status(name, {}))


def both(one: bool | None, other: bool | None) -> bool | None:
    """One and the other."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def texts(way: Way, text: str) -> frozenset[str] | None:
    """The values that ``text``, which may have expressions in it, takes in the job of ``way``; None: only runs know."""
    if "${{" not in text:
        return frozenset({text})
    found: set[str] = set()
    for situation in way.situations:
        for given in _inputs_along(way, situation):
            values = _texts(way.job, replace(situation, inputs=given) if given is not None else situation, text)
            if values is None:
                return None
            found |= values
    return frozenset(found) if found else None


def _texts(job: Job, situation: Situation, text: str) -> set[str] | None:
    """For every leg of the job's matrix."""
    found: set[str] = set()
    for leg in _legs(job):
        value = filled(text, _lookup(situation, {}, leg))
        if value is None:
            return None
        found.add(value)
    return found


def filled(text: str, lookup: conditions.Lookup) -> str | None:
    """``text`` with its expressions replaced by their values; None where one is not known."""
    written = ""
    rest = text
    while "${{" in rest:
        before, _, after = rest.partition("${{")
        inner, closed, rest = after.partition("}}")
        if not closed:
            return None
        try:
            value = conditions.expression(inner, lookup, lambda name: True if name == "always" else UNKNOWN)
        except BadExpression:
            return None
        if not isinstance(value, str | bool | float | None):
            return None
        written += before + ("" if value is None else value if isinstance(value, str) else f"{value:g}".lower())
    return written + rest


def _inputs_along(way: Way, situation: Situation) -> list[Mapping[str, Any] | None]:
    """What the last workflow of ``way`` is given; for a person's choice, each of the options."""
    given: Mapping[str, Any] | None = None
    for job in way.jobs[:-1]:
        given = _inputs(job, situation if given is None else replace(situation, inputs=given))
    if given is not None or situation.event != "workflow_dispatch":
        return [given]
    asked = mapping(mapping(way.entry.triggers.get("workflow_dispatch")).get("inputs"))
    choices = [
        (name, [str(option) for option in listed(mapping(one).get("options"))])
        for name, one in asked.items()
        if mapping(one).get("type") == "choice"
    ]
    sets: list[Mapping[str, Any] | None] = [{str(name).lower(): UNKNOWN for name in asked}]
    for name, options in choices:
        product = itertools.product(sets, options)
        sets = [{**(one or {}), str(name).lower(): option} for one, option in itertools.islice(product, _MOST_VALUES)]
    return sets


def _legs(job: Job) -> list[Mapping[str, Any]]:
    """The values that one run of the job's matrix has; those that are not written out are missing."""
    matrix = mapping(mapping(job.value.get("strategy")).get("matrix"))
    if not matrix:
        return [{}]
    legs: list[Mapping[str, Any]] = [{}]
    for name, values in matrix.items():
        if name not in ("include", "exclude") and isinstance(values, list):
            product = itertools.product(legs, values)
            legs = [{**leg, name.lower(): value} for leg, value in itertools.islice(product, _MOST_VALUES)]
    included: list[Mapping[str, Any]] = [
        {str(key).lower(): value for key, value in one.items()}
        for one in listed(matrix.get("include"))
        if isinstance(one, dict)
    ]
    if legs == [{}]:
        return included or [{}]
    return [*legs, *({**legs[0], **one} for one in included)][:_MOST_VALUES]


def _needed(job: Job, situation: Situation, known: dict[str, bool | None]) -> dict[str, bool | None]:
    """``known`` is what was computed already: a job is needed by many, and jobs that need each other never run."""
    known.setdefault(job.name, None)
    for name in job.needs:
        other = job.workflow.jobs.get(name)
        if name not in known:
            known[name] = None if other is None else runs(other, situation, known)
    return {name: known[name] for name in job.needs}


def _status(name: str, needed: Mapping[str, bool | None]) -> Any:
    if name == "always":
        return True
    if name == "cancelled":
        return False
    if name == "failure":
        return UNKNOWN
    if False in needed.values():
        return False
    return UNKNOWN if None in needed.values() else True


def _lookup(
    situation: Situation, needed: Mapping[str, bool | None], leg: Mapping[str, Any] | None = None
) -> conditions.Lookup:
    folded = {name.lower(): ran for name, ran in needed.items()}

    def lookup(path: tuple[str, ...]) -> Any:
        if path[0] == "needs" and len(path) == 3 and path[2] == "result" and path[1] in folded:
            return {True: "success", False: "skipped", None: UNKNOWN}[folded[path[1]]]
        if path[0] == "needs" and len(path) == 4 and path[2] == "outputs" and folded.get(path[1], True) is False:
            return ""
        if path[0] == "matrix" and leg is not None and len(path) >= 2:
            value: Any = leg
            for part in path[1:]:
                value = value.get(part, UNKNOWN) if isinstance(value, dict) else UNKNOWN
            return value if not isinstance(value, int) or isinstance(value, bool) else float(value)
        return situation.known(path)

    return lookup


def _inputs(caller: Job, situation: Situation) -> Mapping[str, Any]:
    """What a called workflow is given, its expressions computed where they can be."""
    found: dict[str, Any] = {}
    for name, value in mapping(caller.value.get("with")).items():
        if isinstance(value, str) and "${{" in value:
            text = filled(value, _lookup(situation, dict.fromkeys(caller.needs, None)))
            found[str(name).lower()] = UNKNOWN if text is None else text
        elif isinstance(value, int) and not isinstance(value, bool):
            found[str(name).lower()] = float(value)
        else:
            found[str(name).lower()] = value
    return _Given(found)


class _Given(dict[str, Any]):
    """Inputs, of which those not given have a default that was not looked for."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key, UNKNOWN)


def link_wanted(way: Way, link: Job, situation: Situation) -> bool | None:
    """:func:`wanted` for one of the jobs of ``way``, with the inputs that it is given on the way."""
    for number, job in enumerate(way.jobs):
        if number:
            situation = replace(situation, inputs=_inputs(way.jobs[number - 1], situation))
        if job is link:
            return wanted(job, situation)
    return None


def leg_count(job: Job) -> int | None:
    """How many runs the job's matrix makes; None where only a run knows."""
    matrix = mapping(job.value.get("strategy")).get("matrix")
    if not isinstance(matrix, dict) or any(isinstance(value, str) for value in matrix.values()):
        return None
    return len(_legs(job))
