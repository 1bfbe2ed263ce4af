# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Registration forms and names of projects: the same verdict as PyPI's, through the code that registers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from .conftest import GITHUB, Deviations, Index


@pytest.fixture(scope="module")
def index(open_index: Callable[..., Index]) -> Index:
    """One that knows the public issuers and nobody else."""
    return open_index()


def test_a_form_ends_as_on_pypi(index: Index, form_case: Mapping[str, Any], deviations: Deviations) -> None:
    found = index.register(form_case["provider"], form_case["publisher_fields"], "sampleproject")
    try:
        deviations.judge(form_case, form_case["expected"], "reject" if found is None else "accept")
        normal = form_case["normalised"] or {}
        if found is not None and "environment" in normal:
            with index.folder.store.read() as reading:
                stored = reading.publisher(found)
            assert stored is not None
            assert stored.fields.get("environment", "") == normal["environment"].strip()
    finally:
        index.unregister(found)


def test_a_name_ends_as_on_pypi(index: Index, project_name_case: Mapping[str, Any], deviations: Deviations) -> None:
    row = {"owner": "octo", "repository": "x", "workflow_filename": "release.yml", "owner_id": "1"}
    found = index.register("github", row, project_name_case["publisher_fields"]["project_name"], issuer=GITHUB)
    try:
        deviations.judge(project_name_case, project_name_case["expected"], "reject" if found is None else "accept")
    finally:
        index.unregister(found)
