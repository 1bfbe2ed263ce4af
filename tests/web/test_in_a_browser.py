# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser: a whole journey by mouse, by keyboard, and narrow without JavaScript; and every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.web.house import House, first_day
from tests.web.journey import Journey
from tests.web.windows import NARROW, Keys, Mouse, Window, chromium


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
    Journey(house, browser, hand, window).go()
