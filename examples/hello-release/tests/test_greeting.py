# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the project promises."""

from __future__ import annotations

from hello_release import greeting


def test_somebody_is_greeted_by_name() -> None:
    assert greeting("Ada") == "Hello, Ada!"


def test_nobody_in_particular_is_everybody() -> None:
    assert greeting("  ") == "Hello, everybody!"
