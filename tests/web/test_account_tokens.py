# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Tokens that people make for themselves: shown once, for one project or all, and nobody else's business."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from .door import Browser, Door, open_door

NEW = "/manage/account/tokens/new/"
LIST = "/manage/account/tokens/"


def make(browser: Browser, **fields: str) -> str:
    """The token, as the page shows it."""
    answer = browser.post(NEW, **{"description": "laptop", "scope": "upload", "project": "", "days": "30", **fields})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = re.search(r'<code class="secret"[^>]*>([^<]+)</code>', answer.text)
    assert found is not None
    return found[1]


def basic(token: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"__token__:{token}".encode()).decode()}


def uploaded(door: Door, token: str) -> str:
    """What an upload without any field is told: the credential is judged first."""
    answer = door.browser().client.post("/legacy/", headers=basic(token), data={"a": "b"})
    return f"{answer.status_code} {answer.text}"


def test_a_token_is_shown_once_and_listed_without_its_secret(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    token = make(browser)
    page = browser.get(LIST).text
    assert "laptop" in page
    assert token not in page
    assert token[20:60] not in page
    content = (door.folder.path / "index.db").read_bytes() + (door.folder.path / "index.db-wal").read_bytes()
    assert token.encode() not in content
    (event,) = door.events("token-created")
    assert token not in str(event.facts)
    assert event.facts["by"]["name"] == "ada"


def test_a_token_uploads_until_it_is_ended(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    token = make(browser)
    assert uploaded(door, token).startswith("400")
    listed = re.search(r'name="token" value="([^"]+)"', browser.get(LIST).text)
    assert listed is not None
    assert browser.post(f"{LIST}end", at=LIST, token=listed[1]).status_code == 303
    assert uploaded(door, token).startswith("403")
    assert "ended" in browser.get(LIST).text
    assert browser.post(f"{LIST}end", at=LIST, token=listed[1]).status_code == 400


def test_a_token_expires_when_it_was_made_to(door: Door) -> None:
    door.person("ada")
    token = make(door.signed_in("ada"), days="7")
    door.clock.now += 7 * 86_400 - 1
    assert uploaded(door, token).startswith("400")
    door.clock.now += 2
    assert "expired" in uploaded(door, token)
    door.clock.now += 1
    assert "expired" in door.signed_in("ada").get(LIST).text


def test_nobody_ends_or_sees_the_token_of_somebody_else(door: Door) -> None:
    door.person("ada")
    door.person("mallory", administrator=True)
    ada, mallory = door.signed_in("ada"), door.signed_in("mallory")
    token = make(ada, description="the token of ada")
    listed = re.search(r'name="token" value="([^"]+)"', ada.get(LIST).text)
    assert listed is not None
    assert "the token of ada" not in mallory.get(LIST).text
    assert mallory.post(f"{LIST}end", at=LIST, token=listed[1]).status_code == 404
    assert mallory.post(f"{LIST}end", at=LIST, token="no such").status_code == 404
    assert uploaded(door, token).startswith("400")


def test_a_token_is_for_a_project_of_ones_own_or_for_none(door: Door) -> None:
    ada = door.person("ada")
    door.person("mallory")
    door.project("sample", ada)
    door.project("held", ada, pending=True)
    page = door.signed_in("ada").get(NEW).text
    assert '<option value="sample">sample</option>' in page
    assert "held" not in page
    assert make(door.signed_in("ada"), project="sample")
    for project in ("sample", "held", "nothing"):
        answer = door.signed_in("mallory").post(NEW, description="x", scope="upload", project=project, days="30")
        assert answer.status_code == 400
        assert "no project of yours" in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", ""),
        ("description", "  "),
        ("scope", ""),
        ("scope", "everything"),
        ("days", ""),
        ("days", "-1"),
        ("days", "31"),
        ("days", "9" * 30),
        ("days", "²"),
    ],
)
def test_what_a_token_cannot_be_is_told_beside_its_field(door: Door, field: str, value: str) -> None:
    door.person("ada")
    fields = {"description": "x", "scope": "upload", "project": "", "days": "30", field: value}
    answer = door.signed_in("ada").post(NEW, **fields)
    assert answer.status_code == 400
    assert f'id="{field}-fault"' in answer.text


def test_what_a_token_is_called_is_shown_as_text(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    make(browser, description="<img src=x>\u202e\x1b[31m")
    page = browser.get(LIST).text
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\x1b" not in page


def test_when_a_token_was_last_used_is_shown(door: Door) -> None:
    door.person("ada")
    token = make(door.signed_in("ada"))
    assert "<td>never</td>" in door.signed_in("ada").get(LIST).text
    uploaded(door, token)
    assert "<td>never</td>" not in door.signed_in("ada").get(LIST).text


def test_a_token_for_reading_opens_a_private_index(tmp_path: Path) -> None:
    with open_door(tmp_path / "index", private=True) as door:
        door.person("ada")
        token = make(door.signed_in("ada"), scope="read")
        assert door.browser().client.get("/simple/", headers=basic(token)).status_code == 200
        assert door.browser().client.get("/simple/").status_code == 401
        assert uploaded(door, token).startswith("4")


def test_a_token_of_somebody_who_is_suspended_is_refused(door: Door) -> None:
    door.person("root", administrator=True)
    door.person("ada")
    token = make(door.signed_in("ada"))
    door.folder.people.suspend("ada")
    assert uploaded(door, token).startswith("403")
