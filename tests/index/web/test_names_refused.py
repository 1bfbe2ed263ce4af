# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A person's first upload makes a project only by a name that may be."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("json", "standard library"),
        ("annotationlib", "standard library"),
        ("hell0", "looks like the project 'hello'"),
        ("kept", "is prohibited here: ours."),
    ],
)
def test_no_upload_makes_a_project_whose_name_is_refused(site: Any, name: str, said: str) -> None:
    site.house.project("hello")
    with site.house.store.write() as writing:
        writing.prohibit("kept", "ours")
    answer = site.uploader(site.house.user_token("anna")).send(site.wheel(name), f"{name}-1.0-py3-none-any.whl")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "name-refused"
    assert said in answer.json()["detail"]
    with site.house.store.read() as reading:
        assert reading.project(name) is None
    assert site.house.staged() == 0


def test_a_project_that_a_person_makes_leaves_an_event(site: Any) -> None:
    assert (
        site.uploader(site.house.user_token("anna")).send(site.wheel("fresh"), "fresh-1.0-py3-none-any.whl").status_code
        == 200
    )
    with site.house.store.read() as reading:
        project = reading.project("fresh")
        kinds = [one.kind for one in reading.events(project_id=project.id)]
    assert kinds == ["file-uploaded", "project-added"]
