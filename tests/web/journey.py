# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The whole way from an index that was just started to a job that was refused and is trusted again."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Browser

from tests.web.house import JOB, House
from tests.web.windows import Mouse, Window

MOVED = replace(JOB, workflow="publish.yml", ref="refs/tags/v2")
TAKEN_OVER = replace(JOB, repository_id="777", owner_id="901", ref="refs/tags/v2")
"""A job of somebody who took the name of the repository once it was free."""
PASSWORD = "three herons over the weir"
_STEP = 30


@dataclass
class Person:
    """Somebody with a window, and what they wrote down."""

    name: str
    hand: Mouse
    key: str = ""
    codes: list[str] = field(default_factory=list)

    @property
    def window(self) -> Window:
        return self.hand.window

    def code(self, step: int = 0) -> str:
        """What their device shows, or does that many steps of half a minute later."""
        shown = TOTP(base64.b32decode(self.key), 6, SHA1(), _STEP)  # noqa: S303 - RFC 6238's, and what apps know
        return shown.generate(int(time.time()) + step * _STEP).decode()


@dataclass
class Journey:
    """It is gone step by step; each asserts what the person sees."""

    house: House
    browser: Browser
    new_hand: Callable[[Window], Mouse]
    new_window: Callable[[Browser, str], Window]
    people: dict[str, Person] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=lambda: {"name": "hello", "version": "1.0"})
    """What the paths of the site's table have in braces, as met on the way."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for person in self.people.values():
            person.window.context.close()

    def go(self) -> None:
        """All of it."""
        self.becomes_administrator()
        self.believes_an_issuer()
        self.invites()
        self.signs_in_with_second_factor("ada")
        self.makes_a_token()
        self.registers_a_pending_publisher()
        self.publishes()
        self.is_refused_and_put_right()
        self.stops_at_another_repository_of_that_name()

    def person(self, name: str) -> Person:
        window = self.new_window(self.browser, self.house.url)
        self.people[name] = Person(name, self.new_hand(window))
        return self.people[name]

    def becomes_administrator(self) -> None:
        """The link that the server printed makes the first account."""
        root = self.person("root")
        root.window.open(self.house.first_link)
        assert root.window.heading == "Make your account"
        assert "as an administrator of the whole index" in root.window.text
        self._makes_account(root)
        assert "an administrator of this index" in root.window.text

    def invites(self) -> None:
        """The administrator makes a link; a person comes by it, and makes an account."""
        hand, window = self.people["root"].hand, self.people["root"].window
        hand.follow("Administration")
        hand.follow("Users")
        hand.fill("E-mail address", "ada@example.org")
        hand.press("Make the link")
        link = window.page.locator("code.secret").inner_text()
        ada = self.person("ada")
        ada.window.open(link)
        assert "administrator" not in ada.window.text
        self._makes_account(ada)
        assert "Letters go to ada@example.org" in ada.window.text

    def believes_an_issuer(self) -> None:
        """The administrator sees the keys of the forge's identity provider, and believes it."""
        hand, window = self.people["root"].hand, self.people["root"].window
        window.open("/manage/account/")
        hand.follow("Administration")
        hand.follow("Issuers")
        hand.follow("Add an issuer")
        hand.fill("Issuer", self.house.issuer.url)
        hand.choose("Kind", "github")
        hand.press("Ask it for its keys")
        assert "It answers, and its discovery document is its own." in window.text
        hand.press("Believe it")
        assert f"{self.house.issuer.url} is believed." in window.text

    def _makes_account(self, person: Person) -> None:
        person.hand.fill("User name", person.name)
        person.hand.fill("Password", PASSWORD)
        person.hand.fill("The same password again", PASSWORD)
        person.hand.press("Make the account")
        person.window.open("/manage/account/")

    def signs_in_with_second_factor(self, name: str) -> None:
        """The person sets it up, signs out and in again."""
        person = self.people[name]
        hand, window = person.hand, person.window
        hand.follow("Set up a second factor")
        person.key = window.page.locator("#key").inner_text().replace(" ", "")
        hand.fill("Code", person.code())
        hand.press("Set it up")
        person.codes = window.page.locator("ul.codes li").all_inner_texts()
        assert len(person.codes) == 10
        hand.follow("I have kept them")
        assert "You have 10 recovery codes left" in window.text
        hand.press("Sign out")
        window.open("/manage/account/", leads_to="/login?next=/manage/account/")
        assert window.heading == "Sign in"
        for password, status in (("three herons over the wire", 403), (PASSWORD, 200)):
            hand.fill("User name", person.name)
            hand.fill("Password", password)
            hand.press("Sign in", status)
        assert window.heading == "Second factor"
        # The code that was just used is taken no more, and the next is taken a little early.
        hand.fill("Code", person.code(1))
        hand.press("Go on")
        assert window.heading == "Your account"

    def makes_a_token(self) -> None:
        """Its secret is shown this once."""
        hand, window = self.people["ada"].hand, self.people["ada"].window
        window.open("/manage/account/")
        hand.follow("Tokens")
        hand.follow("Make a token")
        hand.fill("Name", "laptop")
        hand.press("Make the token")
        assert window.page.locator(".secret").inner_text().startswith("pypi-")
        window.open("/manage/account/tokens/")
        assert "laptop" in window.text
        assert "pypi-" not in window.text

    def registers_a_pending_publisher(self) -> None:
        """The name is held for the first release of a job, once what was typed can be right."""
        hand, window = self.people["ada"].hand, self.people["ada"].window
        window.open("/manage/account/publishing/")
        hand.follow("GitHub Actions")
        hand.fill("Name of the project", "hello")
        hand.choose("Issuer", self.house.issuer.url)
        hand.fill("Repository", "not a repository")
        hand.press("Hold the name and register", 400)
        assert "Nothing was registered." in window.text
        hand.fill("Repository", JOB.repository)
        hand.fill("Workflow file of the job", JOB.workflow)
        hand.fill("Environment", str(JOB.environment))
        hand.fill("Owner id", JOB.owner_id)
        hand.fill("Repository id", JOB.repository_id)
        hand.press("Hold the name and register")
        assert "The name hello is held for its first release." in window.text

    def publishes(self) -> None:
        """The client mints and uploads, and the project's page says who it was."""
        self.house.publish(JOB, "1.0")
        window = self.people["ada"].window
        window.open("/project/hello/")
        assert window.heading == "hello 1.0"
        assert "acme/hello" in window.text
        assert "people with tokens" not in window.page.locator("#files + .table").inner_text()
        assert "Says hello, and hello again." in window.text  # the description

    def is_refused_and_put_right(self) -> None:
        """Another workflow of the same repository is refused; the owner sees why, and one click lets it in."""
        said = self.house.publish(MOVED, "1.1", code=1)
        assert "publish.yml" in said
        hand, window = self.people["ada"].hand, self.people["ada"].window
        window.open("/manage/project/hello/settings/publishing/")
        assert "publish.yml, wanted release.yml" in window.text
        hand.follow("Look")
        self.parts["attempt"] = _last_part(window.page.url)
        marked = window.page.locator("tr.marked").first
        assert marked.inner_text().split() == ["workflow", "release.yml", "publish.yml", "differs"]
        hand.press("Mend the publisher")
        assert "Start the job again: it is trusted now." in window.text
        self.parts["publisher"] = _last_part(window.page.url)
        self.house.publish(MOVED, "1.1")
        window.open("/project/hello/")
        assert window.heading == "hello 1.1"
        assert "publish.yml" in window.text

    def stops_at_another_repository_of_that_name(self) -> None:
        """The ids are others: the form is filled in and tells what differs, and wants the repository's name typed."""
        self.house.publish(TAKEN_OVER, "1.2", code=1)
        hand, window = self.people["ada"].hand, self.people["ada"].window
        window.open("/manage/project/hello/settings/publishing/")
        hand.follow("Look")
        assert window.page.get_by_role("button", name="Mend the publisher").count() == 0
        differs = window.page.locator("form .marked").all_inner_texts()
        assert [one.split(" id")[0] for one in differs if " id" in one] == ["Owner", "Repository"], differs
        hand.fill("Type acme/hello", "acme/hullo")
        hand.press("Register", 400)
        assert "Type acme/hello: then it is certain that you looked at whom you let in." in window.text


def _last_part(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2]
