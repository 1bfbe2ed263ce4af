# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Making the edits that findings announce, and no other. What they do not name stays as it is, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.workflow import documents, texts
from trustpub.workflow.findings import Edit, Finding

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What became of findings with edits."""

    made: tuple[Finding, ...]
    left: tuple[Finding, ...]
    """Their edits touch what another's touch: they are for the next run."""
    texts: Mapping[str, str]
    """By path, the new text of every file that changes."""


def plan(findings: Iterable[Finding], texts: Mapping[str, str]) -> Fixed:
    """The edits of ``findings`` made in ``texts``, by path; of two that meet, the first."""
    taken: dict[str, list[Edit]] = {}
    made: list[Finding] = []
    left: list[Finding] = []
    for finding in findings:
        if not finding.edits:
            continue
        new = [edit for edit in finding.edits if edit not in taken.get(edit.path, [])]
        if any(_meets(edit, other) for edit in new for other in taken.get(edit.path, [])):
            left.append(finding)
            continue
        made.append(finding)
        for edit in new:
            taken.setdefault(edit.path, []).append(edit)
    changed = {path: _edited(texts[path], edits) for path, edits in taken.items()}
    return Fixed(made=tuple(made), left=tuple(left), texts=changed)


def write(root: Path, fixed: Fixed) -> None:
    """Put the new texts in place of the old, each file whole or not at all.

    Raises:
        Misuse: a file cannot be written, or would not be YAML any more; none is changed then that comes after it.
    """
    for path, text in fixed.texts.items():
        if path.endswith((".yml", ".yaml")):
            documents.document(text, printable(path), reader="GitLab")
        _replace(root / path, text)


def _meets(one: Edit, other: Edit) -> bool:
    if one.start == one.end == other.start == other.end:
        return True  # which of two additions goes first is nobody's to say
    return (one.start < other.end and other.start < one.end) or (one.start, one.end) == (other.start, other.end)


def _edited(text: str, edits: Iterable[Edit]) -> str:
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _replace(path: Path, text: str) -> None:
    try:
        with path.open("rb") as old:
            mark = _BOM if old.read(3) == _BOM else b""
        texts.replace(path, mark + text.encode("utf-8"))
    except OSError as error:
        raise Misuse(f"{printable(path.name)} cannot be written: {error.strerror}.") from None
