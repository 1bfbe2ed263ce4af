# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signing in at a real OpenID Connect provider (idpyoidc, in a process of its own on loopback)."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.web.door import TOKEN, URL, Browser, Door
from trustpub.cli.main import _run
from trustpub.errors import Misuse
from trustpub.index.adapters.openid import check
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.settings import OpenId
from trustpub.secret import Secret

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venvs" / "idpyoidc" / "bin" / "python"
CLIENT, SECRET = "the-index", "a-secret-of-forty-characters-and-no-less"
USERS = {"ada@home": "blue", "eve@home": "red"}
CALLBACK = "/login/openid/callback"


class Clock:
    """That of the provider, or ahead of it."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    @property
    def now(self) -> float:
        return self()

    @now.setter
    def now(self, value: float) -> None:
        self.ahead = value - time.time()


@dataclass
class Provider:
    """The provider, as a browser meets it."""

    url: str

    def sign_in(self, link: str, name: str) -> str:
        """Follow the link there, sign in with the form, and return where the browser is sent then."""
        with urllib.request.urlopen(link, timeout=10) as page:
            token = re.search(r'name="token" value="([^"]+)"', page.read().decode())
        assert token is not None
        form = {"username": name, "password": USERS[name], "token": token[1]}
        sent = urllib.request.Request(
            f"{self.url}/verify/user_pass_jinja", urllib.parse.urlencode(form).encode(), method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as sent_back:
            urllib.request.build_opener(_Stay).open(sent, timeout=10)
        with sent_back.value as answer:
            assert answer.code == 303, answer.read()
            return str(answer.headers["Location"])


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


@contextmanager
def provider(folder: Path, *, public: bool = False, clock: float = 0.0, origin: str = URL) -> Iterator[Provider]:
    if not PYTHON.exists():
        pytest.skip("no idpyoidc here to sign in at: make clients")
    folder.mkdir()
    wish = {
        "folder": str(folder), "client_id": CLIENT, "client_secret": SECRET, "redirect_uri": origin + CALLBACK,
        "users": USERS, "public": public, "clock": clock,
    }  # fmt: skip
    command = [str(PYTHON), "-W", "ignore", str(Path(__file__).with_name("openid_provider.py")), json.dumps(wish)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline().strip()
            assert line, process.stderr.read()
            yield Provider(line)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with provider(tmp_path_factory.mktemp("provider") / "op") as made:
        yield made


def a_door(path: Path, settings: OpenId) -> Iterator[Door]:
    clock = Clock()
    with open_folder(path, create=True, public_url=URL, clock=clock) as folder:
        door = Door(folder=folder, clock=clock)  # type: ignore[arg-type]
        cheap = door.site.signing_in._passwords
        door.app = build_app(folder, replace(folder.settings, open_id=settings))
        door.site = door.app.state.site
        door.site.signing_in._passwords = cheap
        yield door


def settings(url: str, **more: Any) -> OpenId:
    return replace(OpenId(issuer=url, client_id=CLIENT, secret=Secret(SECRET), name="Home"), **more)


@pytest.fixture
def door(tmp_path: Path, home: Provider) -> Iterator[Door]:
    yield from a_door(tmp_path / "index", settings(home.url))


def away(browser: Browser, path: str = "/login/openid?next=/manage/account/") -> str:
    answer = browser.get(path)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def back(browser: Browser, where: str) -> Any:
    assert where.startswith(URL + CALLBACK)
    return browser.get(where.removeprefix(URL))


def changed(where: str, **changes: str | None) -> str:
    parts = urllib.parse.urlsplit(where)
    query = {**dict(urllib.parse.parse_qsl(parts.query)), **changes}
    kept = {name: value for name, value in query.items() if value is not None}
    return parts._replace(query=urllib.parse.urlencode(kept)).geturl()


def linked(door: Door, home: Provider, name: str = "ada", there: str = "ada@home") -> Browser:
    """A person who linked the account there, signed in with a password."""
    browser = door.signed_in(name)
    page = browser.post("/manage/account/openid/link/", at="/manage/account/")
    link = re.search(r'<a rel="noreferrer" href="([^"]+)"', page.text)
    assert link is not None, page.text
    answer = back(browser, home.sign_in(unescape(link[1]), there))
    assert answer.status_code == 303, answer.text
    return browser


def test_whoever_linked_an_account_signs_in_with_it(door: Door, home: Provider) -> None:
    door.person("ada")
    linked(door, home)
    issuer, subject = str(door.login("ada").subject).split("\n")
    assert issuer == home.url
    assert subject
    assert "ada@home" not in subject
    browser = door.browser("198.51.100.7")
    assert "sign in at Home" in browser.get("/login").text
    link = away(browser, "/login/openid?next=/manage/account/tokens/")
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link).query))
    assert asked["scope"] == "openid"
    assert asked["code_challenge_method"] == "S256"
    before = browser.cookie
    answer = back(browser, home.sign_in(link, "ada@home"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/manage/account/tokens/")
    assert browser.signed_in
    assert browser.cookie != before
    assert door.events("signed-in")[0].facts["user"] == "ada"
    assert door.events("openid-linked")[0].facts["issuer"] == home.url


def test_a_stranger_is_not_let_in_whatever_the_provider_says_of_them(door: Door, home: Provider) -> None:
    door.person("ada")
    linked(door, home)
    browser = door.browser()
    answer = back(browser, home.sign_in(away(browser), "eve@home"))
    assert answer.status_code == 403
    assert "no account here that you could use is linked" in answer.text
    assert not browser.signed_in
    assert len(door.folder.people.all()) == 1


def test_a_suspended_person_gets_the_same_answer_as_a_stranger(door: Door, home: Provider) -> None:
    door.person("root", administrator=True)
    door.person("ada")
    linked(door, home)
    stranger, browser = door.browser(), door.browser()
    unknown = back(stranger, home.sign_in(away(stranger), "eve@home"))
    door.folder.people.suspend("ada")
    answer = back(browser, home.sign_in(away(browser), "ada@home"))
    assert (answer.status_code, answer.text) == (unknown.status_code, unknown.text)


def test_the_second_factor_is_asked_for_after_the_provider_too(door: Door, home: Provider) -> None:
    door.person("ada")
    key, _ = door.second_factor(linked(door, home))
    browser = door.browser()
    answer = back(browser, home.sign_in(away(browser), "ada@home"))
    assert answer.headers["location"].startswith("/login/second-factor?next=")
    assert not browser.signed_in
    door.clock.now += 60
    browser.post("/login/second-factor", code=door.code(key))
    assert browser.signed_in


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "another"}, "does not belong to a sign-in"),
        ({"state": None}, "does not belong to a sign-in"),
        ({"code": "another"}, "answers with status 400"),
        ({"code": None}, "ended with an error"),
        ({"iss": "https://somebody.else.example"}, "that of another provider"),
        ({"error": "access_denied"}, "did not agree"),
        ({"error": "<b>server_error</b>"}, "ended with an error"),
    ],
)
def test_an_answer_that_was_changed_proves_nothing(
    door: Door, home: Provider, changes: dict[str, str | None], said: str
) -> None:
    door.person("ada")
    linked(door, home)
    browser = door.browser()
    answer = back(browser, changed(home.sign_in(away(browser), "ada@home"), **changes))
    assert answer.status_code == 403
    assert said in unescape(answer.text)
    assert "<b>server" not in answer.text
    assert not browser.signed_in


def test_an_answer_is_good_in_the_browser_that_asked_once_and_in_time(door: Door, home: Provider) -> None:
    door.person("ada")
    linked(door, home)
    browser, other = door.browser(), door.browser()
    where = home.sign_in(away(browser), "ada@home")
    away(other)
    assert back(other, where).status_code == 403
    assert back(door.browser(), where).status_code == 403
    assert back(browser, where).status_code == 303
    browser.post("/logout", at="/manage/account/")
    assert back(browser, where).status_code == 403
    late = door.browser()
    where = home.sign_in(away(late), "ada@home")
    door.clock.now += 601
    assert back(late, where).status_code == 403


def test_a_code_that_was_taken_from_another_sign_in_fails_by_pkce(door: Door, home: Provider) -> None:
    door.person("ada")
    linked(door, home)
    victim, thief = door.browser(), door.browser()
    stolen = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(home.sign_in(away(victim), "ada@home")).query))["code"]
    own = home.sign_in(away(thief), "eve@home")
    answer = back(thief, changed(own, code=stolen))
    assert "answers with status 400 (invalid_grant)" in unescape(answer.text)
    assert not thief.signed_in


def test_an_invitation_makes_an_account_without_a_password(door: Door, home: Provider) -> None:
    invited = door.folder.invitations.invite("ada@example.org")
    path = invited.link.reveal().removeprefix(URL)
    browser = door.browser()
    page = browser.post(f"{path}/openid", at=path, name="ada", email="ada@example.org")
    link = re.search(r'<a rel="noreferrer" href="([^"]+)"', page.text)
    assert link is not None, page.text
    assert back(browser, home.sign_in(unescape(link[1]), "ada@home")).status_code == 303
    assert browser.signed_in
    login = door.login("ada")
    assert login.password is None
    assert str(login.subject).startswith(home.url)
    assert door.browser().get(path).status_code == 409

    # Danger wants a proof anew, which is one made now at the provider, and by the same person.
    door.clock.now += 700
    assert browser.get("/manage/account/tokens/new/").headers["location"].startswith("/confirm")
    shown = browser.get("/confirm?next=/manage/account/tokens/new/").text
    assert "at Home" in shown
    door.clock.now -= 700
    with door.store.write() as writing:
        (session,) = writing.sessions(door.user("ada").id)
        writing.change_session(replace(session, confirmed=0))
    way = "/confirm/openid?next=/manage/account/tokens/new/"
    link_there = away(browser, way)
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link_there).query))
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert back(browser, home.sign_in(link_there, "eve@home")).status_code == 403
    assert browser.get("/manage/account/tokens/new/").status_code == 303
    assert back(browser, home.sign_in(away(browser, way), "ada@home")).status_code == 303
    assert browser.get("/manage/account/tokens/new/").status_code == 200

    # Who has no password keeps the way they have.
    refused = browser.post("/manage/account/openid/unlink/", at="/manage/account/")
    assert refused.status_code == 409
    assert "Set a password first" in refused.text


def test_one_account_there_is_linked_with_one_here(door: Door, home: Provider) -> None:
    door.person("ada")
    door.person("bob")
    linked(door, home)
    browser = door.signed_in("bob")
    page = browser.post("/manage/account/openid/link/", at="/manage/account/")
    link = re.search(r'<a rel="noreferrer" href="([^"]+)"', page.text)
    assert link is not None
    answer = back(browser, home.sign_in(unescape(link[1]), "ada@home"))
    assert "linked with another account here" in answer.text
    assert door.login("bob").subject is None


def test_a_link_that_somebody_else_began_links_nothing(door: Door, home: Provider) -> None:
    door.person("ada")
    door.person("bob")
    bob = door.signed_in("bob")
    page = bob.post("/manage/account/openid/link/", at="/manage/account/")
    link = re.search(r'<a rel="noreferrer" href="([^"]+)"', page.text)
    assert link is not None
    where = home.sign_in(unescape(link[1]), "eve@home")
    assert back(door.signed_in("ada"), where).status_code == 403
    bob.post("/logout", at="/manage/account/")
    assert back(bob, where).status_code == 403
    assert door.login("ada").subject is None
    assert door.login("bob").subject is None


def test_what_is_linked_is_unlinked(door: Door, home: Provider) -> None:
    door.person("ada")
    browser = linked(door, home)
    browser.post("/manage/account/openid/unlink/", at="/manage/account/")
    assert door.login("ada").subject is None
    assert door.events("openid-unlinked")[0].facts["user"] == "ada"
    other = door.browser()
    assert back(other, home.sign_in(away(other), "ada@home")).status_code == 403


def test_linking_wants_the_form_and_a_fresh_proof(door: Door) -> None:
    door.person("ada")
    browser = door.signed_in("ada")
    assert browser.client.post("/manage/account/openid/link/", data={"csrf": "x"}).status_code == 403
    door.clock.now += 700
    answer = browser.post("/manage/account/openid/link/", at="/manage/account/")
    assert answer.headers["location"].startswith("/confirm")


def test_a_provider_of_a_public_client_is_protected_by_pkce(tmp_path: Path) -> None:
    with provider(tmp_path / "op", public=True) as home:
        for door in a_door(tmp_path / "index", settings(home.url, secret=None)):
            door.person("ada")
            linked(door, home)
            browser = door.browser()
            assert back(browser, home.sign_in(away(browser), "ada@home")).status_code == 303
            assert browser.signed_in


def test_tokens_of_a_provider_whose_clock_is_wrong_are_not_believed(tmp_path: Path) -> None:
    with provider(tmp_path / "op", clock=300.0) as home:
        for door in a_door(tmp_path / "index", settings(home.url)):
            browser = door.browser()
            answer = back(browser, home.sign_in(away(browser), "ada@home"))
            assert "the token is not valid yet" in unescape(answer.text)


def test_a_provider_that_is_away_or_another_is_said(tmp_path: Path, home: Provider) -> None:
    for number, url in enumerate(("http://127.0.0.1:1", f"{home.url}/elsewhere", f"{home.url}/")):
        for door in a_door(tmp_path / f"index-{number}", settings(url)):
            answer = door.browser().get("/login/openid")
            assert answer.status_code == 409, url
            assert "Signing in there does not work now" in answer.text


def test_without_a_provider_there_is_nothing_there(tmp_path: Path) -> None:
    with open_folder(tmp_path / "index", create=True, public_url=URL, clock=Clock()) as folder:
        door = Door(folder=folder, clock=Clock())  # type: ignore[arg-type]
        assert door.browser().get("/login/openid").status_code == 404
        assert door.browser().get(CALLBACK + "?state=x&code=y").status_code == 404
        assert "sign in at" not in door.browser().get("/login").text
        assert TOKEN.search(door.browser().get("/login").text)


def test_too_many_answers_that_prove_nothing_are_not_even_looked_at(door: Door) -> None:
    browser = door.browser()
    answers = [browser.get(f"{CALLBACK}?state=x&code=y") for _ in range(31)]
    assert "does not belong" in answers[29].text
    assert "too many attempts" in answers[30].text


@pytest.mark.parametrize("issuer", ["http://login.example.org", "ftp://x", "https://u@x", "https://x?y", "https://"])
def test_an_issuer_must_be_reached_over_tls(issuer: str) -> None:
    with pytest.raises(Misuse, match="not the URL of an OpenID Connect provider"):
        check(OpenId(issuer=issuer, client_id="x"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sign-in-client-id", "x"], "Without --sign-in-issuer"),
        (["--sign-in-issuer", "https://login.example.org"], "knows this index by a client id"),
        (["--sign-in-issuer", "http://login.example.org", "--sign-in-client-id", "x"], "is not the URL"),
    ],
)
def test_options_of_the_sign_in_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert _run(["serve", "--data", str(tmp_path / "index"), *words]) == 2
    assert said in capsys.readouterr().err


def test_no_secret_of_the_client_is_shown(door: Door) -> None:
    open_id = door.site.settings.open_id
    assert open_id is not None
    assert SECRET not in repr(door.site.settings)
    assert SECRET not in repr(door.site.open_id)
