# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""`trustpub notes` gives the section of a changelog about one version, and no other's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from trustpub.workflow.notes import section, versions

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name


def notes(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return typed("notes", *words, cwd=folder)


KEPT = """\
# Changelog

## [Unreleased]

## [1.2.0] - 2026-03-04

### Added

- Support for [the thing][thing], see #7.

### Python 3.13

- Runs there.

## [1.1.0] - 2025-01-01

- Before.

[thing]: https://example.com/thing
[1.2.0]: https://example.com/compare
"""
TOWNCRIER = """\
# Changelog

<!-- towncrier release notes start -->

## demo 1.2.0 (2026-03-04)

### New

- A thing. (#7)

```toml
## demo 1.1.0
```

## demo 1.1.0 (2025-01-01)

- Before.
"""
RST = """\
=========
Changelog
=========

1.2.0 (2026-03-04)
==================

Features
--------

- A thing.

1.1.0 (2025-01-01)
==================

- Before.
"""


def test_a_section_of_keep_a_changelog_comes_with_its_references(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(KEPT)
    done = notes(tmp_path, "v1.2.0")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "### Added\n\n- Support for [the thing][thing], see #7.\n\n### Python 3.13\n\n- Runs there.\n\n"
        "[thing]: https://example.com/thing\n"
    )


def test_a_section_of_towncrier_ends_at_the_next_release_and_not_in_a_block_of_code(tmp_path: Path) -> None:
    (tmp_path / "NEWS.md").write_text(TOWNCRIER)
    done = notes(tmp_path, "1.2.0", "--changelog", "NEWS.md")
    assert done.stdout == "### New\n\n- A thing. (#7)\n\n```toml\n## demo 1.1.0\n```\n"


def test_a_section_of_restructuredtext(tmp_path: Path) -> None:
    (tmp_path / "CHANGES.rst").write_text(RST)
    assert notes(tmp_path, "1.2", "--changelog", "CHANGES.rst").stdout == "Features\n--------\n\n- A thing.\n"
    assert versions(RST) == ("1.2.0", "1.1.0")


def test_a_tag_is_read_as_the_project_declares_tags(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(KEPT)
    (tmp_path / "pyproject.toml").write_text('[tool.trustpub]\ntag = "demo-{version}"\n')
    assert notes(tmp_path, "refs/tags/demo-1.1.0").stdout == "- Before.\n"


@pytest.mark.parametrize(
    ("version", "text", "code", "why"),
    [
        ("1.3.0", KEPT, 1, "no section about 1.3.0"),
        ("3.14", KEPT, 1, "of versions: 1.2.0, 3.13, 1.1.0"),
        ("1.0", "## 1.0\n\n<!-- nothing yet -->\n\n## 0.9\n", 1, "is empty"),
        ("next", KEPT, 2, "PEP 440"),
    ],
)
def test_notes_that_nobody_wrote_are_missed(tmp_path: Path, version: str, text: str, code: int, why: str) -> None:
    (tmp_path / "CHANGELOG.md").write_text(text)
    done = notes(tmp_path, version)
    assert done.returncode == code
    assert done.stdout == ""
    assert why in done.stderr


def test_a_changelog_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = notes(tmp_path, "1.0")
    assert done.returncode == 2
    assert "CHANGELOG.md cannot be read" in done.stderr


LINES = st.lists(st.sampled_from(["- a thing", "", "### Fixed", "text", "> quoted"]), max_size=6)


@settings(max_examples=200, deadline=None)
@given(bodies=st.lists(LINES, min_size=1, max_size=5), level=st.sampled_from(["#", "##"]))
def test_every_section_holds_what_stands_below_its_own_heading(bodies: list[list[str]], level: str) -> None:
    text = "".join(
        f"{level} v1.{n}.0 (2026-01-0{n + 1})\n" + "".join(f"{x}\n" for x in b) for n, b in enumerate(bodies)
    )
    for number, body in enumerate(bodies):
        assert section(text, Version(f"1.{number}")) == "\n".join(body).strip("\n")
