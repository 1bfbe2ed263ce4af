# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Invitations: a link makes an account or sets a password, once and in its time, and makes the first administrator."""

from __future__ import annotations

import logging
import subprocess
from typing import Any

import pytest

from trustpub.errors import Declined
from trustpub.index.accounts.sessions import Visitor
from trustpub.index.web.watched import Watched

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name
from .door import PASSWORD, URL, Browser, Door


def path_of(invited: Any) -> str:
    return str(invited.link.reveal().removeprefix(URL))


def take(browser: Browser, path: str, name: str = "ada", password: str = PASSWORD, **more: Any) -> Any:
    return browser.post(path, **{"name": name, "password": password, "again": password, **more})


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return typed(*arguments)


def test_a_link_makes_an_account_once_and_signs_in(door: Door) -> None:
    path = path_of(door.folder.invitations.invite("ada@example.org"))
    browser, other = door.browser(), door.browser()
    assert 'value="ada@example.org"' in browser.get(path).text
    late = other.form_token(path)
    answer = take(browser, path, email="ada@example.com")
    assert (answer.status_code, answer.headers["location"]) == (303, "/manage/account/")
    assert browser.signed_in
    user = door.user("ada")
    assert (user.email, user.administrator) == ("ada@example.com", False)
    again = other.client.post(path, data={"csrf": late, "name": "ben", "password": PASSWORD, "again": PASSWORD})
    assert again.status_code == 409
    assert other.get(path).status_code == 409
    with door.store.read() as reading:
        assert [one.name for one in reading.users()] == ["ada"]


def test_what_is_in_the_link_is_kept_as_its_hash(door: Door) -> None:
    path = path_of(door.folder.invitations.invite())
    token = path.rpartition("/")[2]
    assert len(token) >= 43
    content = (door.folder.path / "index.db").read_bytes() + (door.folder.path / "index.db-wal").read_bytes()
    assert token.encode() not in content


@pytest.mark.parametrize("made_up", ["x", "a" * 43, "a" * 3000, "%00", "..", "é"])
def test_a_link_that_was_made_up_says_what_one_says_that_was_used(door: Door, made_up: str) -> None:
    used = path_of(door.folder.invitations.invite())
    take(door.browser(), used)
    browser = door.browser()
    told = browser.get(used)
    assert told.status_code == 409
    answer = browser.get(f"/invitation/{made_up.replace('..', '%2e%2e%20')}")
    assert (answer.status_code, answer.text) == (409, told.text)


def test_a_link_is_good_for_a_week(door: Door) -> None:
    path = path_of(door.folder.invitations.invite())
    browser = door.browser()
    door.clock.now += 7 * 86_400 - 2
    token = browser.form_token(path)
    door.clock.now += 2
    assert browser.get(path).status_code == 409
    data = {"csrf": token, "name": "ada", "password": PASSWORD, "again": PASSWORD}
    assert browser.client.post(path, data=data).status_code == 409


def test_a_link_can_be_taken_back(door: Door) -> None:
    invited = door.folder.invitations.invite()
    door.folder.invitations.revoke(invited.invitation.id)
    assert door.browser().get(path_of(invited)).status_code == 409
    with pytest.raises(Declined):
        door.folder.invitations.revoke(invited.invitation.id)


def test_what_cannot_be_is_told_beside_its_field_and_the_link_stays_good(door: Door) -> None:
    door.person("Ben")
    path = path_of(door.folder.invitations.invite())
    browser = door.browser()
    for fields, told in [
        ({"name": "ben"}, "There is a user &#39;Ben&#39; already"),
        ({"name": "a b"}, "cannot be a user"),
        ({"name": "<script>"}, "cannot be a user"),
        ({"email": "nonsense"}, "is no e-mail address"),
        ({"password": "short", "again": "short"}, "fewer than 12"),
        ({"password": "adalovelace1", "again": "adalovelace1", "name": "adalovelace"}, "little but your name"),
        ({"again": "another one entirely"}, "not the same"),
    ]:
        answer = take(browser, path, **{"name": "ada", **fields})
        assert answer.status_code == 400, fields
        assert told in answer.text, fields
        assert "<script>" not in answer.text
        assert PASSWORD not in answer.text
    assert take(browser, path).status_code == 303


def test_a_form_cannot_ask_for_more_than_the_link_allows(door: Door) -> None:
    path = path_of(door.folder.invitations.invite())
    take(door.browser(), path, administrator="true", user_id="x")
    assert not door.user("ada").administrator


def test_a_link_for_an_administrator_makes_one(door: Door) -> None:
    take(door.browser(), path_of(door.folder.invitations.invite(administrator=True)))
    assert door.user("ada").administrator


def test_a_reset_sets_the_password_ends_all_sessions_and_removes_the_second_factor(door: Door) -> None:
    door.person("ada")
    old = door.signed_in("ada")
    door.second_factor(old)
    path = path_of(door.folder.invitations.reset("ada"))
    assert old.signed_in  # until it is used
    new = "eleven blue tricycles"
    browser = door.browser()
    assert "For <strong>ada</strong>" in browser.get(path).text
    assert take(browser, path, name="mallory", password=new).status_code == 303
    assert browser.signed_in
    assert not old.signed_in
    assert door.login("ada").totp is None
    assert door.browser().sign_in("ada", new).headers["location"] == "/manage/account/"
    assert door.browser().get(path).status_code == 409


def test_who_is_suspended_cannot_come_back_by_a_reset(door: Door) -> None:
    door.person("root", administrator=True)
    door.person("ada")
    path = path_of(door.folder.invitations.reset("ada"))
    door.folder.people.suspend("ada")
    assert door.browser().get(path).status_code == 409


def test_links_of_somebody_who_administers_no_more_are_good_for_nothing(door: Door) -> None:
    door.person("root", administrator=True)
    other = door.person("other", administrator=True)
    door.signed_in("other")
    with door.store.read() as reading:
        (session,) = reading.sessions(other.id)
    invited = door.folder.invitations.invite(administrator=True, by=Visitor(user=other, session=session))
    browser = door.browser()
    token = browser.form_token(path_of(invited))
    door.folder.people.demote("other")
    assert browser.get(path_of(invited)).status_code == 409
    data = {"csrf": token, "name": "mallory", "password": PASSWORD, "again": PASSWORD}
    assert browser.client.post(path_of(invited), data=data).status_code == 409
    door.folder.people.promote("other")
    assert browser.get(path_of(invited)).status_code == 200


def test_a_link_for_a_new_password_ends_when_its_person_changes_it(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    path = path_of(door.folder.invitations.reset("ada"))
    new = "eleven blue tricycles"
    assert browser.post("/manage/account/password/", password=new, again=new).status_code == 303
    assert door.browser().get(path).status_code == 409


def test_the_first_link_is_for_an_administrator_and_only_while_there_is_nobody(door: Door) -> None:
    earlier, later = door.folder.invitations.first(), door.folder.invitations.first()
    assert door.browser().get(path_of(earlier)).status_code == 409
    take(door.browser(), path_of(later))
    assert door.user("ada").administrator
    assert door.folder.invitations.first() is None


def test_the_last_administrator_stays_one(door: Door) -> None:
    door.person("root", administrator=True)
    door.person("ada")
    for change in (door.folder.people.demote, door.folder.people.suspend):
        with pytest.raises(Declined, match="last administrator"):
            change("root")
    door.folder.people.promote("ada")
    door.folder.people.suspend("ada")
    with pytest.raises(Declined, match="last administrator"):
        door.folder.people.demote("root")
    door.folder.people.restore("ada")
    door.folder.people.demote("root")
    assert not door.user("root").administrator


def test_links_are_made_from_the_shell(door: Door) -> None:
    data = ("--data", str(door.folder.path))
    made = run("admin", "user", "invite", "--administrator", "--email", "root@example.org", *data)
    assert made.returncode == 0, made.stderr
    link = made.stdout.strip()
    assert link.startswith(f"{URL}/invitation/")
    assert take(door.browser(), link.removeprefix(URL), name="root").status_code == 303
    assert door.user("root").administrator
    door.person("ada")
    reset = run("admin", "user", "reset", "ada", *data)
    assert door.browser().get(reset.stdout.strip().removeprefix(URL)).status_code == 200
    for command in ("promote", "demote", "suspend", "restore"):
        assert run("admin", "user", command, "ada", *data).returncode == 0, command
    assert door.user("ada").suspended is None
    refused = run("admin", "user", "reset", "nobody", *data)
    assert (refused.returncode, refused.stdout) == (1, "")


def test_no_link_is_written_to_the_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    path = path_of(door.folder.invitations.invite())
    token = path.rpartition("/")[2]
    door.app = Watched(door.app)
    browser = door.browser()
    with caplog.at_level(logging.DEBUG):
        assert browser.get(path).status_code == 200
        browser.get(f"/a{path}")
        browser.get(f"{path}/more")
    logged = [one.getMessage() for one in caplog.records if one.name.startswith("trustpub")]
    assert len([one for one in logged if "/invitation/…" in one]) == 3
    assert token not in str(logged)


def test_the_shell_says_who_administers_and_who_is_suspended(door: Door) -> None:
    door.person("root", administrator=True)
    door.person("ada")
    run("admin", "user", "suspend", "ada", "--data", str(door.folder.path))
    lines = run("admin", "user", "list", "--data", str(door.folder.path)).stdout.splitlines()
    assert any("root" in one and "administrator" in one for one in lines)
    assert any("ada" in one and "suspended" in one for one in lines)
