# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Sessions: what a browser holds, when it ends, and what is asked again before danger."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from starlette.testclient import TestClient

from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.opening import open_folder

from .door import PASSWORD, TOKEN, Door


def test_the_cookie_is_for_this_host_over_tls_and_read_by_no_script(door: Door) -> None:
    door.person("ada")
    answer = door.browser().sign_in("ada")
    cookies = answer.headers.get_list("set-cookie")
    (session,) = [one for one in cookies if one.startswith("__Host-session=")]
    parts = {one.strip().lower() for one in session.split(";")[1:]}
    assert parts == {"httponly", "secure", "samesite=lax", "path=/"}
    assert all("Secure" in one and "HttpOnly" in one and one.startswith("__Host-") for one in cookies)


def test_on_plain_http_which_is_loopback_alone_there_is_no_prefix(tmp_path: Path) -> None:
    with open_folder(tmp_path / "index", create=True, public_url="http://127.0.0.1:8080") as folder:
        client = TestClient(build_app(folder, folder.settings), base_url="http://127.0.0.1:8080")
        cookie = client.get("/login").headers["set-cookie"]
    assert cookie.startswith("guest=")
    assert "Secure" not in cookie
    assert "HttpOnly" in cookie


def test_what_is_kept_of_a_cookie_is_its_hash(door: Door) -> None:
    ada = door.person("ada")
    browser = door.signed_in("ada")
    with door.store.read() as reading:
        (session,) = reading.sessions(ada.id)
    assert session.id == hashlib.sha256(browser.cookie.encode()).hexdigest()
    assert len(browser.cookie) >= 43
    content = (door.folder.path / "index.db").read_bytes() + (door.folder.path / "index.db-wal").read_bytes()
    assert browser.cookie.encode() not in content


def test_a_session_that_somebody_planted_is_not_the_one_that_begins(door: Door) -> None:
    door.person("mallory")
    door.person("ada")
    planted = door.signed_in("mallory").cookie
    victim = door.browser()
    victim.client.cookies.set("__Host-session", planted, domain="index.example", path="/")
    token = TOKEN.search(victim.get("/manage/account/").text)
    assert token is not None
    answer = victim.client.post("/login", data={"csrf": token[1], "name": "ada", "password": PASSWORD})
    assert answer.status_code == 303
    (held,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-session=")]
    assert planted not in held
    assert len(held.partition(";")[0]) > len("__Host-session=") + 40
    # And the planted one has ended.
    other = door.browser()
    other.client.cookies.set("__Host-session", planted, domain="index.example", path="/")
    assert not other.signed_in


def test_a_cookie_that_somebody_made_up_is_nobody(door: Door) -> None:
    for value in ("x", "a" * 43, "a" * 5000, '"; drop', "%00"):
        browser = door.browser()
        assert browser.get("/manage/account/", cookie=f"__Host-session={value}").status_code == 303


def test_of_two_cookies_of_the_name_neither_counts(door: Door) -> None:
    door.person("ada")
    cookie = door.signed_in("ada").cookie
    browser = door.browser()
    assert browser.get("/manage/account/", cookie=f"__Host-session={cookie}").status_code == 200
    twice = f"__Host-session={cookie}; __Host-session={cookie}"
    assert browser.get("/manage/account/", cookie=twice).status_code == 303


def test_signing_out_ends_the_session_in_the_store_too(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    cookie = browser.cookie
    answer = browser.post("/logout", at="/manage/account/")
    assert answer.headers["location"] == "/login"
    assert "You are signed out." in browser.get("/login").text
    assert "You are signed out." not in browser.get("/login").text
    assert door.browser().get("/manage/account/", cookie=f"__Host-session={cookie}").status_code == 303


def test_signing_out_takes_a_form_and_no_link(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    assert browser.get("/logout").status_code == 405
    assert browser.signed_in


def test_a_session_ends_after_two_idle_days_and_after_two_weeks_at_the_latest(door: Door) -> None:
    door.person("ada")
    idle, busy = door.signed_in("ada"), door.signed_in("ada")
    for _ in range(13):
        door.clock.now += 86_400
        assert busy.signed_in
    assert not idle.signed_in
    door.clock.now += 86_399
    assert busy.signed_in
    door.clock.now += 2
    assert not busy.signed_in


def test_where_one_is_signed_in_is_listed_and_can_be_ended(door: Door) -> None:
    door.person("ada")
    here, there = door.signed_in("ada"), door.signed_in("ada")
    page = here.get("/manage/account/").text
    assert page.count("Browser at 203.0.113.5") == 2
    shown = re.findall(r'name="session" value="([0-9a-f]{16})"', page)
    assert len(shown) == 1
    assert here.post("/manage/account/sessions/end", at="/manage/account/", session=shown[0]).status_code == 303
    assert (here.signed_in, there.signed_in) == (True, False)


def test_nobody_ends_the_session_of_somebody_else(door: Door) -> None:
    ada = door.person("ada")
    door.person("ben")
    victim, other = door.signed_in("ada"), door.signed_in("ben")
    with door.store.read() as reading:
        (session,) = reading.sessions(ada.id)
    for wanted in (session.id, session.id[:16], "", "0" * 16):
        answer = other.post("/manage/account/sessions/end", at="/manage/account/", session=wanted)
        assert answer.status_code == 404, wanted
    assert victim.signed_in


def test_one_signs_out_everywhere_else_at_once(door: Door) -> None:
    door.person("ada")
    here, there, yonder = (door.signed_in("ada") for _ in range(3))
    here.post("/manage/account/sessions/end", at="/manage/account/", others="yes")
    assert [one.signed_in for one in (here, there, yonder)] == [True, False, False]


def test_a_person_has_at_most_twenty_sessions_and_the_idlest_goes_first(door: Door) -> None:
    ada = door.person("ada")
    first = door.signed_in("ada")
    for _ in range(19):
        door.clock.now += 61
        door.signed_in("ada")
    door.clock.now += 61
    last = door.signed_in("ada")
    with door.store.read() as reading:
        assert len(reading.sessions(ada.id)) == 20
    assert (first.signed_in, last.signed_in) == (False, True)


DANGEROUS = (
    "/manage/account/email/",
    "/manage/account/password/",
    "/manage/account/second-factor/",
    "/manage/account/second-factor/remove/",
    "/manage/account/recovery-codes/",
    "/manage/account/tokens/new/",
)


def test_what_is_dangerous_asks_for_a_proof_after_ten_minutes(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    for path in DANGEROUS:
        assert browser.get(path).status_code == 200, path
    door.clock.now += 601
    token = browser.form_token("/manage/account/")
    for path in DANGEROUS:
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/confirm?next={path}"), path
        answer = browser.client.post(path, data={"csrf": token})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/confirm?next={path}"), path
    answer = browser.post("/confirm", password="wrong")
    assert answer.status_code == 403
    assert browser.get(DANGEROUS[0]).status_code == 303
    answer = browser.post("/confirm", password=PASSWORD, next=DANGEROUS[0])
    assert (answer.status_code, answer.headers["location"]) == (303, DANGEROUS[0])
    assert browser.get(DANGEROUS[0]).status_code == 200


def test_a_proof_counts_for_one_session_only(door: Door) -> None:
    door.person("ada")
    here, there = door.signed_in("ada"), door.signed_in("ada")
    door.clock.now += 601
    here.post("/confirm", password=PASSWORD)
    assert here.get(DANGEROUS[1]).status_code == 200
    assert there.get(DANGEROUS[1]).status_code == 303


def test_a_thief_of_a_session_has_few_tries_at_the_password(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    door.clock.now += 601
    answers = [browser.post("/confirm", password="wrong").status_code for _ in range(8)]
    assert answers == [403] * 7 + [429]
    assert browser.post("/confirm", password=PASSWORD).status_code == 429


def test_a_new_password_ends_the_sessions_elsewhere(door: Door) -> None:
    door.person("ada")
    here, there = door.signed_in("ada"), door.signed_in("ada")
    new = "eleven blue tricycles"
    answer = here.post("/manage/account/password/", password=new, again=new)
    assert answer.status_code == 303
    assert (here.signed_in, there.signed_in) == (True, False)
    assert door.browser().sign_in("ada").status_code == 403
    assert door.browser().sign_in("ada", new).status_code == 303
    (event,) = door.events("password-changed")
    assert event.facts["by"] == {"id": door.user("ada").id, "name": "ada"}


def test_a_password_that_cannot_be_one_is_told_why_beside_its_field(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    for password, again, told in [
        ("short", "short", "fewer than 12"),
        ("x" * 501, "x" * 501, "more than 500"),
        ("aaaaaaaaaaaaaa", "aaaaaaaaaaaaaa", "very few different"),
        ("password123password", "password123password", "very common"),
        ("a fine long phrase", "a fine long phrase!", "not the same"),
    ]:
        answer = browser.post("/manage/account/password/", password=password, again=again)
        assert answer.status_code == 400
        assert told in answer.text
        assert 'aria-invalid="true"' in answer.text
    assert door.browser().sign_in("ada").status_code == 303


def test_an_address_is_changed_and_what_is_none_is_refused(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    assert browser.post("/manage/account/email/", email="ada@example.org").status_code == 303
    assert door.user("ada").email == "ada@example.org"
    for email in (
        "ada",
        "a b@example.org",
        "ada@example.org\nBcc: x@example.org",
        "<a@b.c>",
        "a@b..c",
        "@",
        "ä@" + "x" * 300,
    ):
        answer = browser.post("/manage/account/email/", email=email)
        assert answer.status_code == 400, email
    assert door.user("ada").email == "ada@example.org"
    assert browser.post("/manage/account/email/", email="").status_code == 303
    assert door.user("ada").email == ""


def test_every_page_forbids_scripts_frames_and_keeping(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    for path in ("/login", "/manage/account/", "/manage/account/tokens/", "/manage/nothing", "/logout", *DANGEROUS):
        headers = browser.get(path).headers
        if "text/html" in headers.get("content-type", ""):
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src" not in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert len(headers.get_list("content-security-policy")) == 1
        assert "access-control-allow-origin" not in headers


def test_what_is_said_on_the_next_page_cannot_be_made_up(door: Door) -> None:
    door.person("ada")
    browser = door.browser()
    browser.sign_in("ada")
    browser.post("/manage/account/sessions/end", at="/manage/account/", others="yes")
    said = browser.client.cookies["__Host-said"]
    content, _, mac = said.partition(".")
    for made_up in (content, f"{content}x.{mac}", f"{content}.{mac[:-1]}", f".{mac}", "é", f"{content}."):
        page = door.browser().client.get("/login", headers={b"cookie": f"__Host-said={made_up}".encode()})
        assert page.status_code == 200
        assert 'role="status"' not in page.text
    assert "signed out everywhere else" in door.browser().get("/login", cookie=f"__Host-said={said}").text
