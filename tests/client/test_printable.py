# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is: ümläut, 汉字", "as it is: ümläut, 汉字"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("two\r\nlines", "two lines"),
        ("::add-mask::x", ": :add-mask: :x"),
        ("##[error]x", "# #[error]x"),
        ("left\u202eright", "left\\u202eright"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_could_command_a_terminal_or_a_runner_is_taken_apart(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_whatever_comes_is_one_plain_line_of_bounded_length(text: str) -> None:
    line = printable(text, 50)
    assert len(line) <= 50
    assert "::" not in line
    assert "##[" not in line
    assert not any(unicodedata.category(one).startswith(("C", "Zl", "Zp")) for one in line)
