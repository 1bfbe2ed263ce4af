# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Windows of a real browser that notice whatever a person would have to complain of, and the hands that use them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, sync_playwright

AXE = Path(__file__).parents[2] / ".venvs" / "axe-core" / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = (1280, 900), (320, 640)
PATIENCE = 20_000
"""Milliseconds that a page may take on a busy machine."""
_MOST_TABS = 150
_MOST_FRAMES = 40
_FOCUS = """one => { const style = getComputedStyle(one), at = one.getBoundingClientRect();
    return {focus: one.matches(':focus-visible'),
            outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
            inside: at.top >= 0 && at.bottom <= innerHeight && at.left >= 0 && at.right <= innerWidth} }"""


def find_chromium() -> str | None:
    """The system's own browser."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """A headless browser, with these options more."""
    program = find_chromium()
    if program is None:
        pytest.skip("CHROMIUM IS NOT HERE, so no page was looked at in a browser. Get it: make browser, as root")
    with sync_playwright() as playwright:
        # As root there is no sandbox to be had; what is shown comes from this machine alone.
        usual = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=[*usual, *options])
        try:
            yield browser
        finally:
            browser.close()


def axe_source() -> str:
    """The accessibility checker, as a script for a page."""
    if not AXE.is_file():
        pytest.skip("AXE-CORE IS NOT HERE, so no page was checked for accessibility. Get it: make browser, with npm")
    return AXE.read_text(encoding="utf-8")


class Window:
    """One browser window with nothing in it yet, and everything wrong with what was shown there."""

    def __init__(self, browser: Browser, origin: str, size: tuple[int, int] = WIDE, **options: Any) -> None:
        """``options`` are those of Playwright's ``new_context``."""
        # The certificate is one that the index made for itself.
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, ignore_https_errors=True, **options
        )
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.origin = origin
        self.elsewhere = origin
        """Another place where this window may go; what is wrong there is not for us."""
        self.faults: list[str] = []
        self._expected = 200
        self._answers: list[int] = []
        self.page.on("console", self._told)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._asked)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", lambda one: self._answered(one.url, one.status))

    def _told(self, message: ConsoleMessage) -> None:
        # Chromium writes a line of its own for an answer that is an error; those are counted where they arrive.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"{self.page.url}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", f"{self.elsewhere}/", "data:")):
            self.faults.append(f"{self.page.url} fetches {request.url}")

    def _failed(self, request: Request) -> None:
        # What is still under way when the next page is asked for is given up.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.url} failed: {request.failure}")

    def _answered(self, url: str, status: int) -> None:
        self._answers.append(status)
        if status >= 400 and status != self._expected:
            self.faults.append(f"{url} answers {status}")

    def open(self, path: str, status: int = 200, *, leads_to: str = "") -> None:
        """Go there, as if it were typed; it must answer ``status`` there, or at the path that it leads to."""
        url = path if path.startswith("https://") else f"{self.origin}{path}"
        with self.expecting(status):
            self.page.goto(url)
            self.look()
        wanted = f"{self.origin}{leads_to}" if leads_to else url
        assert self.page.url == wanted, f"{path} led to {self.page.url}"

    @contextmanager
    def expecting(self, status: int) -> Iterator[None]:
        """The next page is to answer ``status``, and nothing else is to answer with an error."""
        self._expected, self._answers = status, []
        yield
        assert status in self._answers, f"{self.page.url} answers {self._answers}"
        self._expected = 200

    def look(self) -> None:
        """What holds for every page that is shown: it is as wide as the window, and nothing was wrong with it."""
        self.page.wait_for_load_state("load")
        width, room = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        if width > room:
            self.faults.append(f"{self.page.url} is {width} pixels wide in a window of {room}: {self._widest(room)}")
        assert not self.faults, "\n".join(self.faults)

    def _widest(self, room: int) -> list[str]:
        """Which elements stick out."""
        found: list[str] = self.page.evaluate(
            """room => [...document.querySelectorAll('main *, header *, footer *')]
            .filter(e => e.getBoundingClientRect().right > room + 1 && !e.closest('.table'))
            .slice(0, 5).map(e => e.outerHTML.slice(0, 120))""",
            room,
        )
        return found

    def barriers(self, source: str, **options: Any) -> list[str]:
        """Serious and critical findings of axe-core on this page; only where the policy of the page is bypassed."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(source)
        found = self.page.evaluate("options => axe.run(document, {resultTypes: ['violations'], ...options})", options)
        return [
            f"{self.page.url}: {one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    @property
    def text(self) -> str:
        """What the page says, as one line."""
        return " ".join(self.page.locator("main").inner_text().split())

    @property
    def heading(self) -> str:
        """Its heading."""
        return " ".join(self.page.locator("h1").inner_text().split())


class Examined(Window):
    """A window in which axe-core looks at every page that is shown, in its light and its dark colours."""

    def __init__(self, browser: Browser, origin: str, source: str) -> None:
        super().__init__(browser, origin, bypass_csp=True)  # which lets the checker in
        self._source = source

    def look(self) -> None:
        super().look()
        self.faults += self.barriers(self._source)
        self.page.emulate_media(color_scheme="dark")
        self.faults += self.barriers(self._source, runOnly=["color-contrast"])
        self.page.emulate_media(color_scheme="light")
        assert not self.faults, "\n".join(self.faults)


class Mouse:
    """Uses a window as most people do."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.page = window.page

    def fill(self, label: str, value: str) -> None:
        """Write into the field of this label, in place of what is there."""
        self.reach(self._field(label)).fill(value)

    def choose(self, label: str, value: str) -> None:
        """Choose one of a list."""
        self.reach(self._field(label)).select_option(value)

    def press(self, name: str, status: int = 200) -> None:
        """Press the button; the page that comes must be sound, and answer ``status``."""
        with self.window.expecting(status):
            self._go(self._one("button", name))

    def follow(self, name: str) -> None:
        """Follow the link; the page that comes must be sound."""
        self._go(self._one("link", name))

    def _field(self, label: str) -> Locator:
        return self.page.get_by_label(re.compile(rf"^\s*{re.escape(label)}(\s+\(optional\))?\s*$"))

    def _one(self, role: Any, name: str) -> Locator:
        return self.page.get_by_role(role, name=re.compile(rf"^{re.escape(name)}(\W|$)")).first

    def reach(self, found: Locator) -> Locator:
        """Go to that element, which is where one has to be to use it."""
        return found

    def _go(self, found: Locator) -> None:
        self._activate(self.reach(found))
        self.window.look()

    def _activate(self, found: Locator) -> None:
        found.click()


class Keys(Mouse):
    """Uses it with the keyboard alone, and sees at each step where it is."""

    def reach(self, found: Locator) -> Locator:
        found.wait_for()
        for _ in range(_MOST_TABS):
            if found.evaluate("one => one === document.activeElement"):
                break
            self.page.keyboard.press("Tab")
        else:
            raise AssertionError(f"{self.page.url}: no number of tabs leads to {found}")
        seen = found.evaluate(_FOCUS)
        for _ in range(_MOST_FRAMES):
            if seen["inside"]:
                break
            self.page.wait_for_timeout(50)  # the window scrolls there smoothly
            seen = found.evaluate(_FOCUS)
        assert seen == {"focus": True, "outline": True, "inside": True}, f"{self.page.url}: {found}: {seen}"
        return found

    def fill(self, label: str, value: str) -> None:
        self.reach(self._field(label))
        self.page.keyboard.press("Meta+A" if sys.platform == "darwin" else "Control+A")
        self.page.keyboard.type(value)

    def choose(self, label: str, value: str) -> None:
        field = self.reach(self._field(label))
        self.page.keyboard.press("Home")
        for _ in range(_MOST_TABS):
            if field.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{self.page.url}: no number of arrows leads to {value}")

    def _activate(self, found: Locator) -> None:
        with self.page.expect_event("domcontentloaded"):
            self.page.keyboard.press("Enter")
