# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Patterns for refs, beside a reading of them that is slow and plain."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.trust.globs import MAX_PATTERN, matches


def plainly(pattern: str, text: str) -> bool:
    """A star is nothing, or one more character that is no slash; anything else is itself."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return plainly(pattern[1:], text) or (bool(text) and text[0] != "/" and plainly(pattern, text[1:]))
    return bool(text) and pattern[0] == text[0] and plainly(pattern[1:], text[1:])


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("refs/tags/v*", "refs/tags/v1.0", True),
        ("refs/tags/v*", "refs/tags/v", True),
        ("refs/tags/v*", "refs/tags/v1/x", False),
        ("refs/tags/v*", "refs/tags/w1", False),
        ("refs/tags/v*", "refs/tags/V1", False),
        ("refs/tags/v*", "xrefs/tags/v1", False),
        ("refs/tags/v*", "refs/tags/v1\n", True),
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "refs/heads/main2", False),
        ("refs/heads/main", "refs/heads/mai", False),
        ("refs/heads/*-release", "refs/heads/1-release", True),
        ("refs/heads/*-release", "refs/heads/-release", True),
        ("refs/heads/*-release", "refs/heads/1-release-evil", False),
        ("refs/*/v*", "refs/tags/v1", True),
        ("refs/*/v*", "refs/v1", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*bc", "abc", False),
        ("*a*b*", "xxaxxbxx", True),
        ("*a*b*", "xxbxxaxx", False),
        ("*ab*ab*", "xabx", False),
        ("*a*a*", "xa", False),
        ("*ab*ba*", "aba", False),
        ("aa*b", "aab", True),
        ("a*aa", "aa", False),
        ("a*b*bb", "abb", False),
        ("a*b*bb", "abbb", True),
        ("**", "", True),
        ("*", "a/b", False),
        ("v1.0", "v1x0", False),
        ("[a-z]", "a", False),
        ("v?", "v1", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_a_star_is_anything_but_a_slash_and_all_else_is_itself(pattern: str, text: str, *, holds: bool) -> None:
    assert matches(pattern, text) is holds
    assert plainly(pattern, text) is holds


def test_a_ref_of_any_depth_is_compared_piece_by_piece() -> None:
    deep = "/".join(["a"] * 300)
    assert matches(deep.replace("a/a", "*/a"), deep)
    assert not matches(deep, deep + "/a")
    assert not matches(deep + "/a", deep)
    assert MAX_PATTERN == 255


@given(pattern=st.text(alphabet="ab*/", max_size=9), text=st.text(alphabet="ab/", max_size=9))
def test_a_pattern_matches_what_its_plain_reading_matches(pattern: str, text: str) -> None:
    assert matches(pattern, text) is plainly(pattern, text)


@given(text=st.text(alphabet="ab/*?[].v1", max_size=20))
def test_a_text_without_a_star_matches_itself_alone(text: str) -> None:
    pattern = text.replace("*", "")
    assert matches(pattern, pattern)
    assert not matches(pattern, pattern + "x")


def test_no_pattern_takes_long() -> None:
    started = time.perf_counter()
    assert not matches("*a" * 120 + "b", "a" * 16_000)
    assert time.perf_counter() - started < 1
