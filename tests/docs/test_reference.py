# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The reference leaves nothing out that a client can meet."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from trustpub.protocol.problems import KINDS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
CODE = re.compile(r"[a-z]+(-[a-z]+)*\Z")
FROM_STATUS = {"not-found", "method-not-allowed"}  # made from the phrase of the status
MAKERS = re.compile(r"problem|refused|refusal")


def given_codes() -> Iterator[str]:
    """Every problem code in the sources: ``code="…"``, and the first word of a call that makes a problem."""
    for source in (ROOT / "src" / "trustpub" / "index").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            named = [word.value for word in node.keywords if word.arg == "code"]
            makes_one = isinstance(node.func, ast.Name) and MAKERS.search(node.func.id.lower())
            for value in (*named, *(node.args[:1] if makes_one else [])):
                yield from _words(value)


def _words(value: ast.AST) -> Iterator[str]:
    """The words that ``value`` may be; what it is got by from elsewhere, as a parameter of a query, says nothing."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.match(value.value):
        yield value.value
    for part in () if isinstance(value, ast.Call | ast.Subscript) else ast.iter_child_nodes(value):
        yield from _words(part)


def test_every_problem_code_is_in_the_reference_and_on_the_index() -> None:
    page = (REFERENCE / "problem-codes.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z-]+)`", page, re.MULTILINE))
    given = set(given_codes())
    assert {"invalid-publisher", "rate-limited", "file-exists"} <= given
    assert documented == given | FROM_STATUS
    assert set(KINDS) == documented


def test_every_path_of_the_exchange_is_in_the_reference() -> None:
    page = (REFERENCE / "http-api.md").read_text(encoding="utf-8")
    protocol = ROOT / "src" / "trustpub" / "protocol"
    paths = [
        path
        for source in ("exchange.py", "discovery.py")
        for path in re.findall(r'_PATH = "(/[^"]+)"', (protocol / source).read_text(encoding="utf-8"))
    ]
    assert len(paths) == 8
    assert [path for path in paths if not re.search(f"`{re.escape(path)}[?`]", page)] == []
