# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Conditions of GitHub's, as far as they are known before a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.workflow import conditions
from trustpub.workflow.conditions import UNKNOWN, Begins, Unknown
from trustpub.workflow.globbing import matches
from trustpub.workflow.situations import Situation, situations

TAG = Situation(event="push", ref=Begins("refs/tags/v"))
MAIN = Situation(event="push", ref="refs/heads/main", repository="acme/demo")
RELEASE = Situation(event="release", action="published", ref=Begins("refs/tags/"))
BY_HAND = Situation(event="workflow_dispatch", ref=Begins("refs/heads/"))
PULL = Situation(event="pull_request", ref=Begins("refs/pull/"))


def succeeded(name: str) -> Any:
    return {"always": True, "success": True, "cancelled": False}.get(name, UNKNOWN)


def held(condition: Any, situation: Situation) -> bool | None:
    return conditions.holds(condition, situation.known, succeeded)


@pytest.mark.parametrize(
    ("condition", "situation", "expected"),
    [
        (None, TAG, True),
        (True, TAG, True),
        ("false", TAG, False),
        ("github.event_name == 'push'", TAG, True),
        ("GitHub.Event_Name == 'PUSH'", TAG, True),
        ("github.event_name != 'push'", TAG, False),
        ("${{ github.event_name == 'release' }}", TAG, False),
        ("startsWith(github.ref, 'refs/tags/')", TAG, True),
        ("startsWith(github.ref, 'refs/tags/v1')", TAG, None),
        ("startsWith(github.ref, 'refs/heads/')", TAG, False),
        ("github.ref == 'refs/heads/main'", TAG, False),
        ("github.ref == 'refs/heads/main'", MAIN, True),
        ("github.ref == 'refs/heads/main'", BY_HAND, None),
        ("github.ref_type == 'tag'", TAG, True),
        ("github.ref_name == 'main'", MAIN, True),
        ("contains(github.ref, '/tags/')", TAG, True),
        ("contains(github.ref, '-rc')", TAG, None),
        ("!contains(github.ref, '-rc')", TAG, None),
        ("endsWith(github.ref, 'main')", MAIN, True),
        ("endsWith(github.ref, 'main')", TAG, None),
        ('contains(fromJSON(\'["push", "release"]\'), github.event_name)', TAG, True),
        ("format('refs/tags/{0}', 'x') == 'refs/tags/x'", TAG, True),
        ("format('{0}-{1}', github.event_name, secrets.X) == 'pull'", TAG, False),
        ("format('{{{0}}}', 1) == '{1}'", TAG, True),
        ("github.event.action == 'published'", RELEASE, True),
        ("github.event.action == 'created'", RELEASE, False),
        ("github.event.release.prerelease == false", RELEASE, None),
        ("!github.event.release.prerelease", TAG, True),
        ("github.event.pull_request.merged", TAG, False),
        ("github.event.pull_request.head.repo.fork", PULL, None),
        ("inputs.publish", TAG, False),
        ("inputs.publish", BY_HAND, None),
        ("github.event.inputs.index == 'pypi'", TAG, False),
        ("github.repository == 'acme/demo'", TAG, True),
        ("github.repository == 'acme/other'", MAIN, False),
        ("github.repository_owner == 'Acme'", MAIN, True),
        ("github.repository == 'acme/demo'", MAIN.elsewhere(), False),
        ("secrets.TOKEN != ''", TAG, None),
        ("secrets.TOKEN != '' && github.event_name == 'release'", TAG, False),
        ("secrets.TOKEN != '' || github.event_name == 'push'", TAG, True),
        ("always() && github.event_name == 'push'", TAG, True),
        ("!cancelled()", TAG, True),
        ("failure()", TAG, None),
        ("github.event_name == 'push' && 'a' || 'b'", TAG, True),
        ("(1 < 2) == true", TAG, True),
        ("'0x10' == 16", TAG, True),
        ("null == 0", TAG, True),
        ("'' == false", TAG, True),
        ("'b' > 'A'", TAG, True),
        ("'x' < 1", TAG, False),
        ("github['event_name'] == 'push'", TAG, True),
        ("github.event.commits.*.id", TAG, None),
        ("github.event_name == 'push", TAG, None),
        ("github.event_name = 'push'", TAG, None),
        ("nofunction()", TAG, None),
        ("${{ github.event_name }} == 'release'", TAG, True),  # a text beside an expression: GitHub's rule
        ("(" * 60 + "1" + ")" * 60, TAG, None),
        ("x" * 30_000, TAG, None),
    ],
)
def test_a_condition_in_a_situation(condition: Any, situation: Situation, expected: bool | None) -> None:
    assert held(condition, situation) is expected


def test_success_is_asked_for_unless_the_condition_speaks_of_it() -> None:
    def skipped(name: str) -> Any:
        return name == "always"

    assert conditions.holds("github.event_name == 'push'", TAG.known, skipped) is False
    assert conditions.holds("always() && github.event_name == 'push'", TAG.known, skipped) is True
    assert conditions.holds(None, TAG.known, skipped) is False


@pytest.mark.parametrize(
    ("triggers", "told"),
    [
        ({"push": None}, ["refs/heads/", "refs/tags/"]),
        ({"push": {"branches": ["main", "rel/*"]}}, ["refs/heads/main", "refs/heads/rel/"]),
        ({"push": {"tags": ["v*", "!v0*"]}}, ["refs/tags/v"]),
        ({"push": {"tags-ignore": ["x"]}}, ["refs/tags/"]),
        ({"push": {"tags": ["v1?"]}}, ["refs/tags/v"]),
        ({"workflow_dispatch": None}, ["refs/heads/", "refs/tags/"]),
        ({"release": {"types": ["published"]}}, ["refs/tags/"]),
        ({"workflow_call": None}, []),
        ({"schedule": [{"cron": "1 1 1 1 1"}]}, ["refs/heads/"]),
    ],
)
def test_the_situations_of_a_trigger(triggers: dict[str, Any], told: list[str]) -> None:
    found = situations(triggers)
    assert [one.ref.prefix if isinstance(one.ref, Begins) else one.ref for one in found] == told


WORDS = st.sampled_from(
    [
        "github.ref", "github.event_name", "inputs.x", "secrets.A", "needs.b.result", "'push'", "'refs/tags/v1'", "1",
        "0x1f", "true", "null", "(", ")", "&&", "||", "!", "==", "!=", "<", ">=", ",", "startsWith", "contains",
        "format", "fromJSON", "always()", "success()", "[", "]", ".", "*", "${{", "}}", "'", "\\", "é", "\n",
    ]
)  # fmt: skip


@given(st.lists(WORDS, max_size=12), st.sampled_from([TAG, MAIN, RELEASE, BY_HAND, PULL]))
def test_whatever_is_written_there_is_an_answer(words: list[str], situation: Situation) -> None:
    assert held(" ".join(words), situation) in (True, False, None)


TERMS = st.sampled_from(
    ["github.ref == 'refs/heads/main'", "github.event_name == 'push'", "secrets.A == 'x'", "inputs.b", "true", "false"]
)
CONDITIONS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=8,
)


@given(CONDITIONS, st.booleans(), st.booleans(), st.booleans())
def test_what_is_known_before_a_run_is_so_in_every_run(condition: str, main: bool, secret: bool, chosen: bool) -> None:
    def in_a_run(path: tuple[str, ...]) -> Any:
        if path == ("github", "ref"):
            return "refs/heads/main" if main else "refs/heads/other"
        if path == ("secrets", "a"):
            return "x" if secret else ""
        return chosen if path == ("inputs", "b") else BY_HAND.known(path)

    before = conditions.holds(condition, BY_HAND.known, succeeded)
    assert before in (None, conditions.holds(condition, in_a_run, succeeded))


@pytest.mark.parametrize(
    ("value", "expected"), [(None, False), ("", False), ("x", True), (0.0, False), (float("nan"), False),
                            (UNKNOWN, None), (Unknown(True), True), (Begins(""), None), (Begins("r"), True),
                            ([], True), ({}, True)],
)  # fmt: skip
def test_what_counts_as_true(value: Any, expected: bool | None) -> None:
    assert conditions.truth(value) is expected


@pytest.mark.parametrize(
    ("name", "patterns", "expected"),
    [
        ("v1.2.3", ["v*"], True),
        ("rel/v1", ["*"], False),
        ("rel/v1", ["**"], True),
        ("v1.2.3", ["v[0-9]+.[0-9]+.[0-9]+"], True),
        ("v1.2.3rc1", ["v[0-9]+.[0-9]+.[0-9]+"], False),
        ("v1.0", ["v*", "!v1.*"], False),
        ("1.0", ["v?[0-9].[0-9]"], True),
        ("x", ["[z-a]"], False),
        ("x", [""], False),
        ("a" * 200, ["a*" * 100], True),  # too many to try: taken to match
    ],
)
def test_patterns_of_tags(name: str, patterns: list[str], expected: bool) -> None:
    assert matches(name, patterns) is expected
