# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signing in: who gets in, what those who do not are told, and how often they may try."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from trustpub.index.adapters.passwords import Argon2Passwords
from trustpub.index.bootstrap.application import build_app
from trustpub.index.web.site.forms import local_path

from .door import CHEAP, PASSWORD, TOKEN, URL, Browser, Door, open_door


def test_a_name_and_its_password_begin_a_session(door: Door) -> None:
    door.person("ada")
    browser = door.browser()
    assert not browser.signed_in
    answer = browser.sign_in("ada")
    assert (answer.status_code, answer.headers["location"]) == (303, "/manage/account/")
    assert "You are <strong>ada</strong>" in browser.get("/manage/account/").text
    facts = door.events("signed-in")[0].facts
    assert facts == {"user": "ada", "peer": "203.0.113.5", "agent": "Browser at 203.0.113.5"}


def test_a_password_is_kept_as_argon2id_and_nowhere_else(door: Door) -> None:
    hashed = Argon2Passwords().hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    door.person("ada")
    door.signed_in("ada")
    content = (door.folder.path / "index.db").read_bytes() + (door.folder.path / "index.db-wal").read_bytes()
    assert b"$argon2id$" in content
    assert PASSWORD.encode() not in content


def test_an_index_keeps_passwords_with_the_full_effort(door: Door) -> None:
    app: Any = build_app(door.folder, door.folder.settings)
    assert app.state.site.signing_in._passwords.hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_what_there_is_not_is_a_page_for_people_and_a_problem_for_programs(door: Door) -> None:
    browser = door.browser()
    for path in ("/nothing", "/manage/nothing/"):
        assert browser.get(path).headers["content-type"] == "text/html; charset=utf-8"
        assert browser.get(path, accept="*/*").headers["content-type"] == "application/problem+json"
    assert browser.get("/nothing").status_code == 404


def test_a_slash_that_is_missing_at_the_end_is_put_there(door: Door) -> None:
    answer = door.browser().get("/manage/account?a=%2F")
    assert (answer.status_code, answer.headers["location"]) == (308, "/manage/account/?a=%2F")
    assert door.browser().get(f"{URL}//evil.example/manage/account").status_code == 404


def test_a_hash_of_less_effort_than_today_is_made_anew_when_its_person_signs_in(door: Door) -> None:
    door.person("ada")
    before = door.login("ada").password
    door.site.signing_in._passwords = Argon2Passwords(passes=2, kibibytes=64)
    door.signed_in("ada")
    after = door.login("ada").password
    assert before is not None
    assert after is not None
    assert ("t=1" in before, "t=2" in after) == (True, True)
    assert CHEAP.fits(after, PASSWORD)


def told(answer: object) -> tuple[int, str]:
    """Status and page, without what is different each time."""
    text = TOKEN.sub("", answer.text)  # type: ignore[attr-defined]
    return answer.status_code, re.sub(r'(name="name" type="text" value=")[^"]*"', r"\1", text)  # type: ignore[attr-defined]


def test_nobody_learns_whether_there_is_such_a_person(door: Door) -> None:
    door.person("ada")
    door.person("nopass", password=None)
    door.person("gone")
    door.person("root", administrator=True)
    door.folder.people.suspend("gone")
    answers = [
        told(door.browser().sign_in(name, password))
        for name, password in [
            ("ada", "not the password"),
            ("nobody", PASSWORD),
            ("nopass", PASSWORD),
            ("nopass", ""),
            ("gone", PASSWORD),
            ("", ""),
            ("ada", ""),
        ]
    ]
    assert answers[0][0] == 403
    assert "do not go together" in answers[0][1]
    assert all(one == answers[0] for one in answers)


class Counting:
    """Counts what takes long."""

    def __init__(self) -> None:
        self.computed: list[bool] = []

    def hash(self, password: str) -> str:
        return CHEAP.hash(password)

    def fits(self, kept: str | None, password: str) -> bool:
        self.computed.append(kept is not None)
        return CHEAP.fits(kept, password)

    def stale(self, kept: str) -> bool:
        return False


def test_every_try_takes_one_computation_whoever_is_tried(door: Door) -> None:
    door.person("ada")
    door.person("nopass", password=None)
    door.person("root", administrator=True)
    door.person("gone")
    door.folder.people.suspend("gone")
    for name in ("ada", "nobody", "nopass", "gone"):
        counting = Counting()
        door.site.signing_in._passwords = counting
        door.browser().sign_in(name, "not the password")
        assert len(counting.computed) == 1, name


def test_nobodys_password_takes_as_much_effort_and_fits_nothing() -> None:
    passwords = Argon2Passwords(passes=1, kibibytes=64)
    nobodys = passwords._nobodys
    assert nobodys.rpartition("$")[0].rpartition("$")[0] == passwords.hash("x").rpartition("$")[0].rpartition("$")[0]
    assert not passwords.fits(None, "")
    assert not passwords.fits(None, "x")
    assert not passwords.fits("not a hash", "x")


def test_a_suspended_person_who_is_signed_in_is_out_at_once(door: Door) -> None:
    door.person("root", administrator=True)
    door.person("ada")
    browser = door.signed_in("ada")
    door.folder.people.suspend("ada")
    assert not browser.signed_in
    assert door.browser().sign_in("ada").status_code == 403
    door.folder.people.restore("ada")
    assert not browser.signed_in
    assert door.browser().sign_in("ada").status_code == 303


def test_after_eight_wrong_passwords_from_one_place_a_name_is_made_to_wait_there(door: Door) -> None:
    door.person("ada")
    browser = door.browser()
    for _ in range(7):
        assert browser.sign_in("ada", "wrong").status_code == 403
    assert browser.sign_in("ada", "wrong").status_code == 429
    answer = browser.sign_in("ada")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert "Wait 15 minutes" in answer.text
    # Not somewhere else, and not for ever.
    assert door.browser("198.51.100.7").sign_in("ada").status_code == 303
    door.clock.now += 901
    assert browser.sign_in("ada").status_code == 303


def test_a_name_that_is_nobodys_is_made_to_wait_like_any_other(door: Door) -> None:
    door.person("ada")
    told_of: dict[str, list[tuple[int, str]]] = {}
    for name in ("ada", "nobody"):
        browser = door.browser(f"198.51.100.{len(told_of)}")
        told_of[name] = [told(browser.sign_in(name, "wrong")) for _ in range(9)]
    assert told_of["ada"] == told_of["nobody"]


def test_a_password_that_is_tried_while_waiting_is_not_even_looked_at(door: Door) -> None:
    door.person("ada")
    browser = door.browser()
    for _ in range(8):
        browser.sign_in("ADA", "wrong")
    counting = Counting()
    door.site.signing_in._passwords = counting
    assert browser.sign_in("ada").status_code == 429
    assert counting.computed == []


def test_one_place_that_tries_many_names_is_made_to_wait(door: Door) -> None:
    door.person("ada")
    browser = door.browser("2001:db8:1:2::1")
    answers = [browser.sign_in(f"name{at}", "wrong").status_code for at in range(60)]
    assert answers[:59] == [403] * 59
    assert browser.sign_in("ada").status_code == 429
    assert door.browser("2001:db8:1:2:ffff::9").sign_in("ada").status_code == 429  # the same network
    assert door.browser("2001:db8:1:3::1").sign_in("ada").status_code == 303


def test_those_who_get_it_right_use_up_nothing(door: Door) -> None:
    door.person("ada")
    for _ in range(70):
        assert door.browser().sign_in("ada").status_code == 303


@pytest.mark.parametrize(
    "onward", ["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:1", "x", ""]
)
def test_nobody_is_sent_elsewhere_after_signing_in(door: Door, onward: str) -> None:
    door.person("ada")
    assert door.browser().sign_in("ada", next=onward).headers["location"] == "/manage/account/"


def test_one_comes_back_to_the_page_that_was_asked_for(door: Door) -> None:
    door.person("ada")
    browser = door.browser()
    asked = browser.get("/manage/account/tokens/?a=1")
    assert asked.headers["location"] == "/login?next=/manage/account/tokens/%3Fa%3D1"
    page = browser.get(asked.headers["location"])
    assert 'name="next" value="/manage/account/tokens/?a=1"' in page.text
    answer = browser.sign_in("ada", next="/manage/account/tokens/?a=1")
    assert answer.headers["location"] == "/manage/account/tokens/?a=1"


@pytest.mark.parametrize("path", ["/a", "/a/b?c=d&e=%2F", "/?x"])
def test_a_local_path_stays_as_it_is(path: str) -> None:
    assert local_path(path, "/no") == path


@pytest.mark.parametrize("path", [None, "", "a", "//a", "/\\a", "/a b", "/a\nb", "/ä", "http://a/", "/" + "a" * 2000])
def test_what_is_no_local_path_is_not_taken(path: str | None) -> None:
    assert local_path(path, "/no") == "/no"


def no_form(browser: Browser, **fields: str) -> int:
    return int(browser.client.post("/login", data={"name": "ada", "password": PASSWORD, **fields}).status_code)


def test_a_form_that_was_not_shown_to_this_browser_is_refused(door: Door) -> None:
    door.person("ada")
    ours, theirs = door.browser(), door.browser()
    token = theirs.form_token("/login")
    assert no_form(ours) == 403  # neither token nor cookie
    assert no_form(ours, csrf=token) == 403  # another's token, and no cookie
    own = ours.form_token("/login")
    assert no_form(ours) == 403
    assert no_form(ours, csrf=token) == 403
    assert no_form(ours, csrf=own[:-1]) == 403
    assert no_form(ours, csrf="ä" + own) == 403
    assert no_form(ours, csrf=own) == 303


def test_a_token_of_before_signing_in_is_worth_nothing_afterwards(door: Door) -> None:
    door.person("ada")
    browser = door.browser()
    before = browser.form_token("/login")
    browser.sign_in("ada")
    assert browser.client.post("/logout", data={"csrf": before}).status_code == 403
    assert browser.signed_in


def test_a_form_from_another_site_is_refused_whatever_its_token(door: Door) -> None:
    door.person("ada")
    browser = door.browser()
    for origin, status in [("https://evil.example", 403), ("http://index.example", 403), (URL, 303)]:
        answer = browser.post("/login", headers={"origin": origin}, name="ada", password=PASSWORD)
        assert answer.status_code == status, origin


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/json", b'{"name": "ada"}'),
        ("text/plain", b"csrf=x"),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("application/x-www-form-urlencoded", b"a" * 70_000),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % at for at in range(600))),
        ("application/x-www-form-urlencoded", b"name=%ff&csrf=x"),
        ("application/x-www-form-urlencoded", b"name=\xff&csrf=x"),
        ("application/x-www-form-urlencoded", b"nonsense"),
    ],
)
def test_what_is_no_form_is_refused_with_a_page(door: Door, content_type: str, content: bytes) -> None:
    browser = door.browser()
    answer = browser.client.post("/login", content=content, headers={"content-type": content_type})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_name_is_shown_again_as_text_and_a_password_never(door: Door) -> None:
    answer = door.browser().sign_in('"><script>alert(1)</script>', "my secret password")
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "my secret password" not in answer.text


def test_a_private_index_lets_everybody_see_how_to_sign_in_and_nothing_else(tmp_path: Path) -> None:
    with open_door(tmp_path / "index", private=True) as door:
        ada = door.person("ada")
        door.project("sample", ada)
        browser = door.browser()
        assert browser.get("/login").status_code == 200
        style = re.search(r'href="(/static/site.css[^"]+)"', browser.get("/login").text)
        assert style is not None
        assert browser.get(style[1]).status_code == 200
        for path in ("/project/sample/", "/project/other/", "/search", "/manage/account/"):
            answer = browser.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login?next="), path
        assert browser.get("/something/else").status_code == 401
        browser.sign_in("ada")
        assert browser.get("/project/other/").status_code == 404


def test_the_style_is_sent_for_good_and_only_what_there_is(door: Door) -> None:
    browser = door.browser()
    page = browser.get("/login").text
    for name in ("simple.css", "site.css", "icon.svg"):
        found = re.search(rf'href="(/static/{name}\?v=([0-9a-f]+))"', page)
        assert found is not None
        answer = browser.get(found[1])
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert hashlib.sha256(answer.content).hexdigest().startswith(found[2])
        assert browser.get(f"/static/{name}").headers["cache-control"] == "public, no-cache"
        assert browser.get(found[1], **{"if-none-match": answer.headers["etag"]}).status_code == 304
    for path in ("/static/skeleton.py", "/static/..%2fskeleton.py", "/static/%2e%2e/x", "/static/"):
        assert browser.get(path).status_code == 404
