# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""YAML with the place of everything in it, and YAML that is made to hurt."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.errors import Misuse
from trustpub.workflow import doctor, documents, located

from .snippets import GOOD, WORKFLOW

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
"""Nine lines that are 43 million values."""


def within(value: Any) -> Iterator[tuple[located.Mapping | located.Sequence, str | int, Any]]:
    """Everything in ``value``, as (holder, key or number, what is there)."""
    waiting: list[Any] = [value]
    while waiting:
        holder = waiting.pop()
        entries: list[tuple[str | int, Any]] = []
        if isinstance(holder, located.Mapping):
            entries = list(holder.items())
        elif isinstance(holder, located.Sequence):
            entries = list(enumerate(holder))
        for key, one in entries:
            yield holder, key, one
            waiting.append(one)


def test_everything_is_where_it_is_said_to_be() -> None:
    text = (
        "é: ü\n'q': \"x\\ty\"\non: push  # a comment\nlist:\n  - 1\n  - {a: [b, 'c']}\nblock: |\n  one\n  two\nlast:\n"
    )
    (document,) = located.read(text)
    assert dict(document) == {
        "é": "ü", "q": "x\ty", "on": "push", "list": [1, {"a": ["b", "c"]}], "block": "one\ntwo\n", "last": None,
    }  # fmt: skip
    shown = {
        key: text[spot.start : spot.end] for holder, key, _ in within(document)
        if isinstance(key, str) and (spot := located.value_spot(holder, key)) is not None
    }  # fmt: skip
    assert (shown["é"], shown["q"], shown["on"], shown["a"]) == ("ü", '"x\\ty"', "push", "[b, 'c']")
    spot = located.key_spot(document["list"][1], "a")
    assert spot is not None
    assert (spot.line, spot.column) == (6, 6)
    assert located.value_spot(document["list"], 0) == located.Spot(text.index("1"), text.index("1") + 1, 5, 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("on", "on"), ("true", True), ("False", False), ("~", None), ("null", None), ("1_000", "1_000"),
        ("0o17", 15), ("0x1F", 31), ("-3", -3), ("1.50", 1.5), ("1e3", 1000.0), (".5", 0.5), ("3.10.1", "3.10.1"),
        ("'1'", "1"), ("1:30", "1:30"), ("2026-01-01", "2026-01-01"), ("!!str 1", "1"), ("!!int '2'", 2),
        ("1e999", float("inf")),
        ("9" * 400, "9" * 400),
    ],
)  # fmt: skip
def test_plain_words_mean_what_yaml_says_today(text: str, value: object) -> None:
    (document,) = located.read(f"x: {text}")
    assert document["x"] == value
    assert type(document["x"]) is type(value)


def test_anchors_and_merges_are_followed() -> None:
    (document,) = located.read("base: &b {a: 1, c: 2}\njob:\n  <<: *b\n  a: 3\nsame: *b\n")
    assert document["job"] == {"a": 3, "c": 2}
    assert document["same"] is document["base"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "more than 100000 values"),
        ("[" * 100_000, "more than 100 lists and mappings"),
        ("{a: " * 100_000, "more than 100 lists and mappings"),
        ("- " * 100_000 + "x", "more than 100 lists and mappings"),
        ("a: &a [*a]", "does not stand before it"),
        ("a: *b", "does not stand before it"),
        ("a: 1\nb: 2\na: 3", "`a` stands twice"),
        ("? [x]\n: y", "no text"),
        ("a: !!python/object:os.system x", "not known here"),
        ("a: !vault [x]", "not known here"),
        ("a: b\n c: d", "mapping values are not allowed"),
        ("a: \x00", "a character"),
        ("a: 'x", "end of stream"),
    ],
)
def test_what_no_ci_takes_is_refused_at_once(text: str, said: str) -> None:
    before = time.perf_counter()
    with pytest.raises(located.BadYaml, match=said):
        located.read(text)
    assert time.perf_counter() - before < 2


def test_a_file_of_ten_megabytes_is_refused_at_once_and_the_others_are_read(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (tmp_path / WORKFLOW).write_text(GOOD, "utf-8")
    (folder / "big.yml").write_text("a: [" + "x, " * 3_500_000, "utf-8")
    (folder / "bomb.yml").write_text(BOMB, "utf-8")
    (folder / "deep.yml").write_text("[" * 900_000, "utf-8")
    before = time.perf_counter()
    scene, found = doctor.examine(tmp_path)
    assert time.perf_counter() - before < 3
    assert set(scene.workflows) == {"release.yml"}
    told = {one.path.rpartition("/")[2]: one.message for one in found if one.ident == "TP001"}
    assert "larger than 1048576 bytes" in told["big.yml"]
    assert "more than 100000 values" in told["bomb.yml"]
    assert "more than 100 lists" in told["deep.yml"]


def test_workflows_and_actions_that_use_each_other_without_end_are_read(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    calls = "".join(f"  j{number}:\n    uses: ./.github/workflows/w{number}.yml\n" for number in range(8))
    for number in range(8):
        steps = "  publish:\n    steps:\n      - uses: ./loop\n      - uses: pypa/gh-action-pypi-publish@v1\n"
        (folder / f"w{number}.yml").write_text(f"on: [push, workflow_call]\njobs:\n{calls}{steps}", "utf-8")
    (tmp_path / "loop").mkdir()
    loop = "    - uses: ./loop\n" * 6
    (tmp_path / "loop" / "action.yml").write_text(f"runs:\n  using: composite\n  steps:\n{loop}", "utf-8")
    before = time.perf_counter()
    doctor.examine(tmp_path)
    assert time.perf_counter() - before < 20


PIECES = st.sampled_from(
    ["a", "b", "on", ":", " ", "\n", "  ", "- ", "[", "]", "{", "}", ",", "'", '"', "#", "&a", "*a", "|", ">", "!x",
     "<<", "? ", "%", "@", "\t", "é", "\u2028", "\ufeff", "jobs:\n  p:\n    ",
     "steps:\n      - run: twine upload\n"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_whatever_the_text_it_is_read_or_refused(text: str) -> None:
    try:
        document = documents.document(text, "x.yml")
    except Misuse:
        return
    for holder, key, _ in within(document):
        spot = located.value_spot(holder, key)
        assert spot is not None
        assert 0 <= spot.start <= spot.end <= len(text)


@given(st.lists(st.tuples(st.integers(0, 60), PIECES), max_size=6))
def test_whatever_a_workflow_is_turned_into_the_doctor_says_something_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, str]]
) -> None:
    lines = GOOD.splitlines(keepends=True)
    for number, piece in changes:
        lines[number % len(lines)] = piece + lines[number % len(lines)].rstrip("\n") + piece + "\n"
    root = tmp_path_factory.mktemp("project")
    (root / WORKFLOW).parent.mkdir(parents=True)
    (root / WORKFLOW).write_text("".join(lines), "utf-8", newline="")
    scene, found = doctor.examine(root)
    assert doctor.remedy(scene, found).texts is not None


ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, True, 0, -1.5, "", "x", "${{ x }}", "${{", [], {}, [None], [[]], {"a": None}, [{"uses": 3}], "./x"]
)
FULL = sorted((Path(__file__).parent / "published").glob("*/.git*/**/*.yml"))


@given(st.integers(0, len(FULL)), st.lists(st.tuples(st.integers(0, 400), ODD), min_size=1, max_size=4))
def test_whatever_a_value_is_turned_into_nothing_breaks(
    tmp_path_factory: pytest.TempPathFactory, which: int, changes: list[tuple[int, object]]
) -> None:
    text = (FULL[which].read_text("utf-8")) if which < len(FULL) else GOOD
    document = documents.document(text, "x.yml")
    for number, odd in changes:
        places = [(holder, key) for holder, key, _ in within(document)]
        holder, key = places[number % len(places)]
        holder[key] = odd  # type: ignore[index]
    root = tmp_path_factory.mktemp("project")
    for name in (WORKFLOW, ".gitlab-ci.yml", "cloudbuild.yaml", "action.yml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(document), "utf-8")
    (root / ".git").mkdir()
    scene, found = doctor.examine(root)
    assert doctor.remedy(scene, found).texts is not None
