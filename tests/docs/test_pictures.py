# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The pictures of pages in the documents, and the program that takes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SHOWN = sorted(
    re.findall(r"^```\{image\} \.\./images/(\S+)$", (DOCS / "tutorial" / "pages.md").read_text("utf-8"), re.M)
)


def test_without_a_browser_the_documents_are_built_with_the_pictures_that_are_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "screenshots.py"], env={**os.environ, "PATH": str(tmp_path)}, capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == ""
    assert done.stderr.startswith("NO CHROMIUM")
    assert done.stderr.count("\n") == 1


def test_every_picture_is_shown() -> None:
    assert sorted(one.name for one in (DOCS / "images").iterdir()) == SHOWN


@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_says_what_it_was_taken_of(name: str) -> None:
    head = (DOCS / "images" / name).read_bytes()[:200]
    assert head.startswith(b"\x89PNG\r\n")
    assert re.search(rb"tEXtcause\0[0-9a-f]{64}", head)
