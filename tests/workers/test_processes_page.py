# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever a process of the index remembers stands in the explanation of why that is right."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/processes.md").read_text()
# What guards or bounds something that is remembered, or remembers by itself.
MEMORY = re.compile(r"\b(?:R?Lock|Condition|(?:Bounded)?Semaphore|OrderedDict)\(")
# Of a job that signs, not of an index.
ELSEWHERE = {"proofs.sign"}


def modules() -> list[tuple[str, Path]]:
    found = []
    for room, name in (("index", ""), ("proofs", "proofs.")):
        top = ROOT / "src/trustpub" / room
        for path in sorted(top.rglob("*.py")):
            found.append((name + ".".join(path.relative_to(top).with_suffix("").parts), path))
    return found


def remembering() -> list[str]:
    return [name for name, path in modules() if MEMORY.search(path.read_text()) and name not in ELSEWHERE]


@pytest.mark.parametrize("name", remembering())
def test_the_page_names_whoever_remembers(name: str) -> None:
    # By its own name, or that of the room that it is a part of.
    rooms = [name, name.rpartition(".")[0]] if name.count(".") > 1 else [name]
    assert any(f"`{one}`" in PAGE or f"`{one}." in PAGE for one in rooms), name


def test_what_is_cached_by_its_arguments_belongs_to_no_object() -> None:
    for name, path in modules():
        for kind in ast.walk(ast.parse(path.read_text())):
            if not isinstance(kind, ast.ClassDef):
                continue
            for one in kind.body:
                if isinstance(one, ast.FunctionDef):
                    decorators = " ".join(ast.unparse(decorator) for decorator in one.decorator_list)
                    assert "lru_cache" not in decorators, f"{name}.{kind.name}.{one.name}"


def test_what_the_page_names_is_there() -> None:
    there = {name for name, _ in modules()} | {name.rpartition(".")[0] for name, _ in modules()}
    named = re.findall(r"`((?:adapters|web|browse|proofs)\.[a-z_0-9.]+[a-z_0-9])(?:\.[A-Z]\w+)?`", PAGE)
    assert named
    assert [one for one in named if one not in there] == []
