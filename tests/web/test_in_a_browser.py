# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser: a whole journey by mouse, by keyboard, and narrow without JavaScript; and every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.web.addresses import PEOPLE, Addresses
from tests.web.bad_pages import BAD_PAGES, serving_bad_pages
from tests.web.house import House, first_day, free_port
from tests.web.journey import Journey
from tests.web.test_sign_in_elsewhere import CLIENT, SECRET, USERS, provider
from tests.web.windows import NARROW, Examined, Keys, Mouse, Window, axe_source, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def house(tmp_path: Path, browser: Browser) -> Iterator[House]:
    # After the browser: where there is none, no index is started for it.
    with first_day(tmp_path) as opened:
        yield opened


def _wide(browser: Browser, origin: str) -> Window:
    return Window(browser, origin)


def _narrow(browser: Browser, origin: str) -> Window:
    return Window(browser, origin, NARROW, java_script_enabled=False, has_touch=True)


@pytest.mark.parametrize(
    ("hand", "window"),
    [
        pytest.param(Mouse, _wide, id="with the mouse"),
        pytest.param(Keys, _wide, id="with the keyboard alone"),
        pytest.param(Mouse, _narrow, id="on a narrow screen without JavaScript"),
    ],
)
def test_from_the_first_start_to_a_refused_job_that_one_click_puts_right(
    house: House, browser: Browser, hand: Callable[[Window], Mouse], window: Callable[[Browser, str], Window]
) -> None:
    with Journey(house, browser, hand, window) as journey:
        journey.go()


def test_the_first_tab_offers_a_way_past_the_navigation(house: House, browser: Browser) -> None:
    window = Window(browser, house.url)
    window.open("/search")
    keys = Keys(window)
    window.page.keyboard.press("Tab")
    skip = window.page.get_by_role("link", name="Skip to the content")
    assert skip.evaluate("one => one === document.activeElement")
    keys.reach(skip)
    window.page.keyboard.press("Enter")
    assert window.page.locator("main").evaluate("one => one === document.activeElement")
    window.page.keyboard.press("Tab")
    assert window.page.locator("main input[name=q]").evaluate("one => one === document.activeElement")
    window.context.close()


def test_somebody_goes_to_a_provider_to_sign_in_and_comes_back(tmp_path: Path, browser: Browser) -> None:
    port = free_port()
    secret = tmp_path / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(0o600)
    with provider(tmp_path / "provider", origin=f"https://localhost:{port}") as home:
        options = ("--sign-in-issuer", home.url, "--sign-in-client-id", CLIENT, "--sign-in-name", "Home")
        file = ("--sign-in-client-secret-file", str(secret))
        with first_day(tmp_path, *options, *file, port=port) as house, Journey(house, browser, Mouse, _wide) as journey:
            journey.becomes_administrator()
            hand, window = journey.people["root"].hand, journey.people["root"].window
            window.elsewhere = home.url
            hand.press("Link an account")
            hand.follow("Go on to Home")
            hand.fill("Name", "ada@home")
            hand.fill("Password", USERS["ada@home"])
            hand.press("Sign in")
            assert "The account there is linked, and can sign in as you." in window.text
            hand.press("Sign out")
            window.open("/manage/account/tokens/", leads_to="/login?next=/manage/account/tokens/")
            hand.follow("sign in at Home")
            hand.fill("Name", "ada@home")
            hand.fill("Password", USERS["ada@home"])
            hand.press("Sign in")
            assert window.page.url == f"{house.url}/manage/account/tokens/"


def test_no_page_has_a_barrier_sticks_out_or_breaks_its_policy(house: House, browser: Browser) -> None:
    source = axe_source()

    def examined(browser: Browser, origin: str) -> Window:
        return Examined(browser, origin, source)

    with Journey(house, browser, Mouse, examined) as journey:
        journey.go()
        asked = Addresses(journey)
        for name in PEOPLE:
            window = journey.people[name].window if name in journey.people else journey.person(name).window
            for address in asked.of(name):
                window.open(address.path, address.status)
            state = window.context.storage_state()
            narrow = Window(browser, house.url, NARROW, storage_state=state)
            for address in asked.of(name):
                narrow.open(address.path, address.status)
            narrow.context.close()


def test_what_would_be_wrong_is_seen(browser: Browser) -> None:
    with serving_bad_pages() as origin:
        for path, (_, told) in BAD_PAGES.items():
            window = Window(browser, origin)
            with pytest.raises(AssertionError, match=told):
                window.open(path)
            window.context.close()
        window = Window(browser, origin, bypass_csp=True)
        window.open("/barrier")
        assert [one for one in window.barriers(axe_source()) if "image-alt" in one]
        window.context.close()
