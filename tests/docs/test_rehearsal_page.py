# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of the page on rehearsals say what a rehearsal does."""

from __future__ import annotations

import re
from pathlib import Path

from tests.rehearsal.test_plays import OWN
from trustpub.rehearsal.clients import CLIENTS, asks_itself
from trustpub.rehearsal.plays.table import PLAYABLE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "explanation" / "rehearsal.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """The cells of each row below ``heading``, by the kind that it begins with."""
    lines = PAGE.partition(heading)[2].splitlines()[2:]
    end = next(at for at, line in enumerate(lines) if not line.startswith("|"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_page_says_of_every_pair_who_asks_for_the_token() -> None:
    found = table(f"| `--provider` | {' | '.join(CLIENTS)} |")
    assert list(found) == list(PLAYABLE)
    assert found.pop("activestate") == ["the platform", *["–"] * (len(CLIENTS) - 1)]
    for kind, cells in found.items():
        wanted = ["itself" if asks_itself(client, kind) else "by `mint`" for client in CLIENTS]
        assert (kind, cells) == (kind, wanted)


def test_the_page_names_every_impostor() -> None:
    found = table("| `--provider` | refused | no publisher can tell it from the job |")
    assert {kind: [cell.split("; ") if cell else [] for cell in cells] for kind, cells in found.items()} == {
        kind: list(map(list, roles)) for kind, roles in OWN.items()
    }


def test_the_tutorial_names_every_ci() -> None:
    text = (DOCS / "tutorial" / "first-rehearsal.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+)`", text)) >= set(PLAYABLE) - {"github"}
