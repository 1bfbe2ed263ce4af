# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The table of problems, and what is served about each."""

from __future__ import annotations

import re

from trustpub.protocol.problems import (
    EVERYWHERE,
    EXCHANGE,
    GATEWAY,
    KINDS,
    MANAGEMENT,
    SWITCHED,
    UPLOAD,
    contents,
    page,
)


def test_every_code_is_there_once_and_says_what_to_do() -> None:
    assert len(KINDS) == sum(map(len, (EXCHANGE, UPLOAD, GATEWAY, SWITCHED, MANAGEMENT, EVERYWHERE)))
    for kind in KINDS.values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
        assert all(400 <= status < 600 for status in kind.statuses)
        assert kind.happened.endswith(".")
        assert kind.mend.endswith(".")


def test_a_page_is_plain_text_with_code_status_and_remedy() -> None:
    text = page(KINDS["invalid-form"])
    assert text.startswith("invalid-form (400 or 410)\n")
    assert "What to do: " in text
    assert "`" not in text + contents()
    assert all(code in contents() for code in KINDS)
