# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The second factor: set up, asked for, never taken twice, and replaced by a recovery code when the device is lost."""

from __future__ import annotations

import re
from html import unescape

import pytest

from trustpub.index.adapters.sealing import Sealer
from trustpub.index.ports import BadSeal

from .door import PASSWORD, TOKEN, Browser, Door


def half(door: Door, name: str = "ada", peer: str = "203.0.113.5") -> Browser:
    """Somebody whose password was right, and who has yet to give a code."""
    browser = door.browser(peer)
    answer = browser.sign_in(name)
    assert answer.headers["location"] == "/login/second-factor?next=/manage/account/"
    return browser


def test_the_key_counts_only_after_a_code_of_it(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    page = browser.get("/manage/account/second-factor/").text
    assert "<svg" in page
    assert door.login("ada").totp is None
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    token = TOKEN.search(page)
    assert sealed is not None
    assert token is not None
    data = {"csrf": token[1], "sealed": unescape(sealed[1]), "code": "000000"}
    again = browser.client.post("/manage/account/second-factor/", data=data)
    assert again.status_code == 400
    assert "That code is wrong" in again.text
    assert f'value="{sealed[1]}"' in again.text  # the same key: the device has it already
    assert door.login("ada").totp is None


def test_with_a_second_factor_the_password_alone_opens_nothing(door: Door) -> None:
    door.person("ada")
    key, _ = door.second_factor(door.signed_in("ada"))
    door.clock.now += 30
    browser = half(door)
    assert not browser.signed_in
    for path in ("/manage/account/", "/manage/account/tokens/", "/confirm"):
        assert browser.get(path).headers["location"].startswith("/login/second-factor?next="), path
    before = browser.cookie
    answer = browser.post("/login/second-factor", code=door.code(key))
    assert (answer.status_code, answer.headers["location"]) == (303, "/manage/account/")
    assert browser.cookie != before
    assert browser.signed_in
    assert door.browser().get("/manage/account/", cookie=f"__Host-session={before}").status_code == 303


def test_no_code_is_taken_twice(door: Door) -> None:
    door.person("ada")
    key, _ = door.second_factor(door.signed_in("ada"))
    code = door.code(key)
    assert half(door).post("/login/second-factor", code=code).status_code == 403  # it confirmed the device
    door.clock.now += 30
    code = door.code(key)
    assert half(door).post("/login/second-factor", code=f"{code[:3]} {code[3:]}").status_code == 303
    assert half(door).post("/login/second-factor", code=code).status_code == 403


@pytest.mark.parametrize(("off", "status"), [(-60, 403), (-30, 303), (0, 303), (30, 303), (60, 403)])
def test_a_device_may_be_half_a_minute_off(door: Door, off: int, status: int) -> None:
    door.person("ada")
    key, _ = door.second_factor(door.signed_in("ada"))
    door.clock.now += 300
    assert half(door).post("/login/second-factor", code=door.code(key, off)).status_code == status


def test_a_code_from_before_the_last_one_is_too_late(door: Door) -> None:
    door.person("ada")
    key, _ = door.second_factor(door.signed_in("ada"))
    door.clock.now += 300
    assert half(door).post("/login/second-factor", code=door.code(key, 30)).status_code == 303
    assert half(door).post("/login/second-factor", code=door.code(key)).status_code == 403


@pytest.mark.parametrize("code", ["", "0", "12345", "1234567", "abcdef", "１２３４５６", "000000\x00", "'", "a" * 40])
def test_what_is_no_code_is_wrong(door: Door, code: str) -> None:
    door.person("ada")
    door.second_factor(door.signed_in("ada"))
    door.clock.now += 300
    assert half(door).post("/login/second-factor", code=code).status_code == 403


def test_ten_recovery_codes_are_shown_once_and_good_once_each(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    _, codes = door.second_factor(browser)
    assert len(set(codes)) == 10
    content = (door.folder.path / "index.db").read_bytes() + (door.folder.path / "index.db-wal").read_bytes()
    assert not any(one.encode() in content or one.replace("-", "").encode() in content for one in codes)
    assert half(door).post("/login/second-factor", code=codes[3].upper().replace("-", " ")).status_code == 303
    assert half(door).post("/login/second-factor", code=codes[3]).status_code == 403
    assert half(door).post("/login/second-factor", code=codes[4]).status_code == 303
    assert "8 recovery codes left" in browser.get("/manage/account/").text
    assert [one.facts["left"] for one in door.events("recovery-code-used")] == [8, 9]


def test_new_recovery_codes_end_those_before(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    _, old = door.second_factor(browser)
    page = browser.post("/manage/account/recovery-codes/").text
    new = re.findall(r"<li>([a-z2-9]{4}(?:-[a-z2-9]{4}){3})</li>", page)
    assert len(new) == 10
    assert half(door).post("/login/second-factor", code=old[0]).status_code == 403
    assert half(door).post("/login/second-factor", code=new[0]).status_code == 303


def test_whoever_tries_codes_has_few_and_begins_again_with_the_password(door: Door) -> None:
    door.person("ada")
    key, _ = door.second_factor(door.signed_in("ada"))
    door.clock.now += 300
    browser = half(door)
    answers = [browser.post("/login/second-factor", code="000000") for _ in range(8)]
    assert [one.status_code for one in answers] == [403] * 7 + [303]
    assert answers[-1].headers["location"] == "/login?next=/manage/account/"
    assert len(door.events("second-factor-failed")) == 1
    # The password gives no new tries.
    again = half(door)
    answer = again.post("/login/second-factor", code=door.code(key))
    assert answer.headers["location"].startswith("/login?")
    assert not again.signed_in
    # Elsewhere the right code still opens.
    other = half(door, peer="198.51.100.9")
    assert other.post("/login/second-factor", code=door.code(key)).headers["location"] == "/manage/account/"


def test_codes_are_counted_from_everywhere_together(door: Door) -> None:
    door.person("ada")
    key, _ = door.second_factor(door.signed_in("ada"))
    door.clock.now += 300
    for at in range(20):
        half(door, peer=f"198.51.100.{at}").post("/login/second-factor", code="000000")
    browser = half(door, peer="192.0.2.1")
    browser.post("/login/second-factor", code=door.code(key))
    assert not browser.signed_in


def test_ten_minutes_after_the_password_it_is_too_late_for_a_code(door: Door) -> None:
    door.person("ada")
    key, _ = door.second_factor(door.signed_in("ada"))
    door.clock.now += 300
    browser = half(door)
    door.clock.now += 600
    answer = browser.client.post("/login/second-factor", data={"csrf": "x", "code": door.code(key)})
    assert answer.status_code in (303, 403)
    assert not browser.signed_in
    assert browser.get("/login/second-factor").headers["location"].startswith("/login?next=")


def test_danger_asks_for_the_code_as_well(door: Door) -> None:
    door.person("ada")
    key, _ = door.second_factor(door.signed_in("ada"))
    door.clock.now += 300
    browser = half(door)
    browser.post("/login/second-factor", code=door.code(key))
    door.clock.now += 601
    assert browser.post("/confirm", password=PASSWORD).status_code == 403
    assert browser.post("/confirm", password=PASSWORD, code="000000").status_code == 403
    assert browser.post("/confirm", password="wrong", code=door.code(key)).status_code == 403
    assert browser.post("/confirm", password=PASSWORD, code=door.code(key)).status_code == 303
    assert browser.get("/manage/account/password/").status_code == 200


def test_setting_it_up_ends_the_sessions_elsewhere_and_so_does_removing_it(door: Door) -> None:
    door.person("ada")
    here, there = door.signed_in("ada"), door.signed_in("ada")
    key, _ = door.second_factor(here)
    assert (here.signed_in, there.signed_in) == (True, False)
    door.clock.now += 30
    other = half(door)
    other.post("/login/second-factor", code=door.code(key))
    assert here.post("/manage/account/second-factor/remove/").status_code == 303
    assert (here.signed_in, other.signed_in) == (True, False)
    assert door.browser().sign_in("ada").headers["location"] == "/manage/account/"
    assert door.login("ada").recovery == ()
    assert here.post("/manage/account/second-factor/remove/").status_code == 409


def test_the_key_is_kept_sealed_and_for_its_person_alone(door: Door) -> None:
    door.person("ada")
    ben = door.person("ben")
    key, _ = door.second_factor(door.signed_in("ada"))
    sealed = door.login("ada").totp
    assert sealed is not None
    assert key.replace(" ", "") not in sealed
    with door.store.write() as writing:
        from dataclasses import replace

        writing.put_login(replace(door.login("ben"), user_id=ben.id, totp=sealed))
    door.clock.now += 30
    assert half(door, "ben").post("/login/second-factor", code=door.code(key)).status_code == 403


def test_the_form_that_confirms_a_key_is_good_for_its_person_and_a_while(door: Door) -> None:
    door.person("ada")
    door.person("mallory")
    page = door.signed_in("mallory").get("/manage/account/second-factor/").text
    key = re.search(r'<code id="key">([A-Z2-7 ]+)</code>', page)
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    assert key is not None
    assert sealed is not None
    browser = door.signed_in("ada")
    for given in (unescape(sealed[1]), "", "1.", "1.AAAA", "x" * 1000):
        fields = {"sealed": given, "code": door.code(key[1])}
        answer = browser.post("/manage/account/second-factor/", **fields)
        assert answer.status_code == 409
    assert door.login("ada").totp is None


@pytest.mark.parametrize(
    "spoil", [lambda one: one[:-2], lambda one: one[2:], lambda one: one + "A", lambda _: "", lambda _: "1.*"]
)
def test_what_was_sealed_opens_here_alone_and_for_what_it_was_sealed_for(spoil: object) -> None:
    sealer = Sealer([b"k" * 32])
    sealed = sealer.seal(b"content", "about ada")
    assert sealer.unseal(sealed, "about ada") == b"content"
    assert sealer.seal(b"content", "about ada") != sealed
    for other, about in [(sealer, "about ben"), (Sealer([b"l" * 32]), "about ada")]:
        with pytest.raises(BadSeal):
            other.unseal(sealed, about)
    with pytest.raises(BadSeal):
        sealer.unseal(spoil(sealed), "about ada")  # type: ignore[operator]
