# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the documents at the top of the repository point at is there; of the pages below docs, Sphinx says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(\s*([^)\s]+)\s*\)")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md"])
def test_every_link_leads_to_a_file(name: str) -> None:
    document = ROOT / name
    found = [link.partition("#")[0] for link in LINK.findall(document.read_text(encoding="utf-8"))]
    local = {link for link in found if link and "://" not in link}
    assert {link for link in local if not (document.parent / link).exists()} == set()


def test_the_readme_points_at_every_group_of_the_documents() -> None:
    groups = re.findall(r"```\{toctree\}\n:caption: (.+?)\n.*?\n\n(.*?)```", _index(), re.DOTALL)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    without = [
        caption
        for caption, pages in groups
        if not any(re.search(rf"\(docs/{re.escape(page.rstrip('*'))}", readme) for page in pages.split())
    ]
    assert len(groups) >= 10
    assert without == []


def _index() -> str:
    return (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
