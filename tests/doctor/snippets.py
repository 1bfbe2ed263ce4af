# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Projects for the doctor, each a good one with a change or two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

WORKFLOW = ".github/workflows/release.yml"
GOOD = (Path(__file__).parent / "fixtures" / "00-good" / WORKFLOW).read_text("utf-8")
PYPROJECT = (
    '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    '[project]\nname = "demo-pkg"\nversion = "1.0.0"\n'
)
STEP = "      - uses: pypa/gh-action-pypi-publish@dc37677b2e1c63e2034f94d8a5b11f265b73ba33\n"
DECLARED = """
[tool.trustpub]
default-index = "pypi"
tag = "v{version}"
[tool.trustpub.indexes.pypi.publisher]
kind = "github"
repository = "acme/demo"
workflow = "release.yml"
environment = "pypi"
"""
PUSH = 'on:\n  push:\n    tags: ["v*"]\n'

Change = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A project, and whether a rule finds something in it."""

    rule: str
    what: str
    finds: bool
    changes: tuple[Change, ...] = ()
    """In the good workflow: what is there, and what is put in its place."""
    files: Mapping[str, str | None] = field(default_factory=dict)
    """Beside it, or in its place (None: not there)."""
    pyproject: str = PYPROJECT
    remote: str | None = None
    """Of the git repository that it is in."""
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.rule}-{'yes' if self.finds else 'no'}-{self.what.replace(' ', '-')}"


def changed(text: str, changes: tuple[Change, ...]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def write(root: Path, case: Case) -> Path:
    """The project of ``case``, in ``root``."""
    files: dict[str, str | None] = {WORKFLOW: changed(GOOD, case.changes), "pyproject.toml": case.pyproject}
    for name, text in {**files, **case.files}.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, "utf-8")
    if case.remote is not None or case.tags:
        git = root / ".git"
        (git / "refs" / "tags").mkdir(parents=True)
        (git / "config").write_text(f'[remote "origin"]\n\turl = {case.remote}\n' if case.remote else "", "utf-8")
        packed = "".join(f"{'0' * 40} refs/tags/{tag}\n" for tag in case.tags)
        (git / "packed-refs").write_text(packed, "utf-8")
    return root
