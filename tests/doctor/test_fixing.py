# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``--fix``: what it announces, nothing else, and YAML again."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustpub.workflow import doctor, documents, fixing
from trustpub.workflow.findings import Edit, Severity
from trustpub.workflow.located import Place
from trustpub.workflow.rules.table import BY_IDENT
from trustpub.workflow.scene import TOP

from .snippets import GOOD, WORKFLOW, Case, changed, write
from .test_rules import CASES

MENDED = [case for case in CASES if case.finds and BY_IDENT[case.rule].fixes]
LEFT_TO_PEOPLE = {
    "TP102-yes-moved-on-gitlab": "two fields of the declaration",
    "TP103-yes-letter-case-on-gitlab": "where one writes it may be an extended job",
    "TP109-yes-another-guard": "a condition to be put together",
    "TP205-yes-an-option": "a line of shell",
    "TP208-yes-no-token": "nobody knows which index was meant",
    "TP208-yes-the-token-for-a-password": "a line of shell",
    "TP306-yes-without-protection": "nobody knows whether the host has TLS",
    "TP309-yes-with-twine": "a line of shell",
    "TP310-yes-none": "nobody knows what was meant",
    "TP408-yes-the-action": "a step, and whatever relies on it",
}


@pytest.mark.parametrize("case", MENDED, ids=lambda case: case.name)
def test_what_is_mended_is_mended_and_the_rest_stays(case: Case, tmp_path: Path) -> None:
    root = write(tmp_path, case)
    scene, found = doctor.examine(root)
    plan = doctor.remedy(scene, [one for one in found if one.ident == case.rule])
    if not plan.made:
        assert case.name in LEFT_TO_PEOPLE
        return
    assert case.name not in LEFT_TO_PEOPLE
    before = {path: (root / path).read_text("utf-8") for path in plan.texts}
    fixing.write(root, plan)
    after = {path: (root / path).read_text("utf-8") for path in plan.texts}
    for path, text in before.items():
        assert_only_announced(text, after[path], [edit for one in plan.made for edit in one.edits if edit.path == path])
    again = [one for one in doctor.examine(root)[1] if one.ident == case.rule and one.edits]
    assert len(again) < len([one for one in found if one.ident == case.rule and one.edits])
    assert not [one for one in doctor.examine(root)[1] if one.ident == "TP001"]


def assert_only_announced(before: str, after: str, edits: list[Edit]) -> None:
    """Every line that differs is one that an edit touches."""
    touched: set[int] = set()
    for edit in edits:
        first, last = before.count("\n", 0, edit.start), before.count("\n", 0, edit.end)
        touched |= set(range(first, last + 2))
    one, other = before.splitlines(), after.splitlines()
    for kind, start, end, _, _ in difflib.SequenceMatcher(a=one, b=other, autojunk=False).get_opcodes():
        if kind != "equal":
            assert set(range(start, end)) <= touched
            assert start in touched


DEFECTS = [
    ("id-token: write", "id-token: none"),
    ("    environment: pypi\n", ""),
    ("    environment: pypi\n", "    environment: {name: pypi, url: 'https://pypi.org/p/other'}\n"),
    ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "release/v1"),
    ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "6733eb7d741f0b11ec6a39b58540dab7590f9b7d"),
    ("permissions: {}\n", "permissions:\n  id-token: write # why\n"),
    ("permissions: {}\n", "permissions: {}\nconcurrency: {group: x, cancel-in-progress: true}\n"),
    ('on:\n  push:\n    tags: ["v*"]\n', "on:\n  release: # some day\n"),
    (
        "f265b73ba33\n",
        "f265b73ba33\n        with:\n          skip-existing: true # once\n          packages_dir: dist\n",
    ),
    ("f265b73ba33\n", "f265b73ba33\n        with: {password: '${{ secrets.T }}', verbose: true}\n"),
    ("          name: dist\n          path: dist/\n      - uses: pypa", "          path: dist/\n      - uses: pypa"),
    ("    timeout-minutes: 10\n", ""),
]


@given(
    st.lists(st.sampled_from(DEFECTS), max_size=6, unique=True),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "# a remark\n", "\n\n"]),
)
def test_however_many_defects_meet_nothing_else_changes(
    tmp_path_factory: pytest.TempPathFactory, defects: list[tuple[str, str]], crlf: bool, mark: bool, end: str
) -> None:
    text = GOOD
    for old, new in defects:
        text = changed(text, ((old, new),)) if old in text else text
    text = (text + end).replace("\n", "\r\n" if crlf else "\n")
    root = write(tmp_path_factory.mktemp("project"), Case(rule="", what="", finds=True))
    (root / WORKFLOW).write_bytes((b"\xef\xbb\xbf" if mark else b"") + text.encode())
    for _ in range(6):
        scene, found = doctor.examine(root)
        plan = doctor.remedy(scene, found)
        if not plan.made:
            break
        before = (root / WORKFLOW).read_bytes()
        fixing.write(root, plan)
        after = (root / WORKFLOW).read_bytes()
        assert (before[:3] == after[:3]) or not mark
        assert (b"\r\n" in after) == crlf
        assert crlf is False or b"\n" not in after.replace(b"\r\n", b"")
        edits = [edit for one in plan.made for edit in one.edits]
        assert_only_announced(before.decode("utf-8-sig"), after.decode("utf-8-sig"), edits)
        documents.document(after.decode("utf-8-sig"), "release.yml")
    else:
        pytest.fail("it never ends")
    assert not [one for one in found if one.severity is Severity.ERROR and one.edits]


def test_of_two_that_meet_the_first_is_made_and_the_other_is_kept_for_the_next_run(tmp_path: Path) -> None:
    case = Case(rule="", what="", finds=True, changes=((GOOD.rpartition("@")[2].strip(), "v1.8.6"),))
    scene, found = doctor.examine(write(tmp_path, case))
    plan = doctor.remedy(scene, found)
    assert [one.ident for one in plan.made] == ["TP305"]
    assert [one.ident for one in plan.left] == ["TP304"]


def test_a_file_that_would_break_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("a: 1\n", "utf-8")
    edit = Edit(path="x.yml", start=0, end=1, text="[")
    finding = BY_IDENT["TP001"].at(Place(path="x.yml", spot=TOP), "x", edits=[edit])
    plan = fixing.plan([finding], {"x.yml": "a: 1\n"})
    with pytest.raises(Exception, match="not YAML"):
        fixing.write(tmp_path, plan)
    assert (tmp_path / "x.yml").read_text("utf-8") == "a: 1\n"


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    root = write(tmp_path, MENDED[-1])
    (root / WORKFLOW).chmod(0o640)
    scene, found = doctor.examine(root)
    fixing.write(root, doctor.remedy(scene, found))
    assert (root / WORKFLOW).stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in (root / WORKFLOW).parent.iterdir()) == ["release.yml"]
