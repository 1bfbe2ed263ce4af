# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor finds in each workflow with one defect, and that it is silent about those that publish."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from trustpub.workflow import doctor
from trustpub.workflow.findings import Severity

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
EXPECTED = {
    "00-good": None,
    "01-no-id-token": "TP201",
    "02-id-token-typo-none": "TP202",
    "03-reusable-publish": "TP106",
    "04-password-and-oidc": "TP205",
    "06-container-job": "TP301",
    "07-composite": "TP302",
    "08-pin-tag-object": "TP303",
    "12-matrix-same-artifact": "TP404",
    "13-release-by-github-token": "TP501",
    "15-two-indexes": "TP307",
    "16-shallow-scm": "TP405",
    "17-no-tag-check": None,  # see README.md there, and below
    "18-skip-existing": "TP309",
    "21-pull-request-target": "TP204",
    "22-no-environment": "TP104",
    "24-same-job-build": "TP311",
    "25-id-token-workflow-level": "TP203",
    "26-cancel-in-progress": "TP507",
    "29-uv-auto": "TP206",
    "30-old-action": "TP305",
    "32-cache-in-release": "TP408",
    "33-unpinned": "TP304",
    "34-template-injection": None,  # zizmor's, which --with-zizmor asks
    "36-env-url-name": "TP108",
}


def idents(root: Path) -> set[str]:
    return {one.ident for one in doctor.examine(root)[1]}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_workflow_with_one_defect_has_its_finding(name: str) -> None:
    found = idents(FIXTURES / name)
    expected = EXPECTED[name]
    assert expected in found if expected is not None else found == set()


def test_every_fixture_is_looked_at() -> None:
    assert {path.name for path in FIXTURES.iterdir() if path.is_dir()} == set(EXPECTED)


def test_a_tag_that_is_never_compared_matters_where_there_are_tags(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "17-no-tag-check", tmp_path / "project")
    (tmp_path / "project" / ".git").mkdir()
    assert "TP406" in idents(tmp_path / "project")


@pytest.mark.parametrize("path", sorted((HERE / "published").iterdir()), ids=lambda path: path.name)
def test_nothing_is_an_error_where_releases_are_known_to_work(path: Path) -> None:
    assert [one for one in doctor.examine(path)[1] if one.severity is Severity.ERROR] == []
