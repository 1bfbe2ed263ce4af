# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Administrators see the whole index, and change it; to others there is nothing there."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.index.storage.issuer_site import serving
from tests.web.door import TOKEN, URL, Browser, Clock, Door, open_door
from trustpub.index import switches
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Event
from trustpub.index.web.site.table import PAGES
from trustpub.trust.publishers import Link, Publisher

DAY = 86_400


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with open_door(tmp_path / "index") as opened:
        opened.person("root", administrator=True)
        opened.person("ada")
        yield opened


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Door]:
    clock = Clock()
    with open_folder(tmp_path / "index", create=True, rehearsal=True, public_url=URL, clock=clock) as folder:
        opened = Door(folder=folder, clock=clock)
        opened.person("root", administrator=True)
        yield opened


@pytest.fixture
def root(door: Door) -> Browser:
    return door.signed_in("root")


def words(page: Any) -> str:
    assert page.status_code == 200, page.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def event(door: Door, kind: str, at: float, **facts: Any) -> None:
    with door.store.write() as writing:
        writing.add_event(Event(at=at, kind=kind, project_id=None, publisher_id=None, facts=facts))


ADMIN = sorted({page.path for page in PAGES if page.path.startswith("/admin/") and "GET" in page.methods})


@pytest.mark.parametrize("path", ADMIN)
def test_to_others_there_is_nothing(door: Door, path: str) -> None:
    assert door.signed_in("ada").get(path).status_code == 404
    assert door.browser().get(path).headers["location"].startswith("/login?next=/admin/")
    assert door.signed_in("root").get(path).status_code == 200


@pytest.mark.parametrize(
    "path", sorted({one.path for one in PAGES if one.path.startswith("/admin/") and "POST" in one.methods})
)
def test_others_can_change_nothing(door: Door, path: str) -> None:
    assert door.signed_in("ada").post(path, at="/manage/account/", do="read-only", on="yes").status_code == 404
    with door.store.read() as reading:
        assert switches.read_only(reading) is None


@pytest.mark.parametrize(
    "path",
    [
        "/admin/switches/",
        "/admin/issuers/",
        "/admin/issuers/one/",
        "/admin/users/",
        "/admin/users/invite/",
        "/admin/publishers/",
    ],
)
def test_what_is_dangerous_wants_proof_anew(door: Door, root: Browser, path: str) -> None:
    door.clock.now += 700
    answer = root.post(path, at="/admin/users/", do="suspend", name="ada")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/confirm?next=/")
    assert door.user("ada").suspended is None


def test_switches_say_why_and_leave_events(door: Door, root: Browser) -> None:
    root.post("/admin/switches/", at="/admin/", do="read-only", on="yes", reason="we move house <b>")
    page = root.get("/admin/")
    assert "Read-only: we move house <b>" in words(page)
    assert "<b>" not in page.text.replace("<br>", "")
    with door.store.read() as reading:
        assert switches.minting_stopped(reading, "github") == "we move house <b>"
    root.post("/admin/switches/", at="/admin/", do="read-only")
    root.post("/admin/switches/", at="/admin/", do="minting", on="yes", kind="gitlab")
    with door.store.read() as reading:
        assert switches.minting_stopped(reading, "github") is None
        assert switches.minting_stopped(reading, "gitlab") == "maintenance"
    assert root.post("/admin/switches/", at="/admin/", do="minting", on="yes", kind="nobody").status_code == 400
    told = [one.facts["by"]["name"] for kind in ("read-only-started", "minting-stopped") for one in door.events(kind)]
    assert told == ["root", "root"]


def test_an_issuer_is_asked_before_it_is_believed(rehearsal: Door) -> None:
    root = rehearsal.signed_in("root")
    with serving() as site:
        fields = {"url": site.url, "kind": "gitlab"}
        answer = root.post("/admin/issuers/one/", do="believe", **fields)
        assert answer.status_code == 400
        assert "was asked, and it answers with status 404" in unescape(answer.text)
        assert site.url not in root.get("/admin/issuers/").text

        site.be_issuer("key-one", issuer="https://somebody.else.example")
        assert "that of another issuer" in root.post("/admin/issuers/one/", do="believe", **fields).text

        site.be_issuer("key-one")
        tried = root.post("/admin/issuers/one/", do="test", **fields)
        assert "key-one" in tried.text
        assert "Believe it" in tried.text
        assert site.url not in root.get("/admin/issuers/").text

        assert root.post("/admin/issuers/one/", do="believe", **fields).status_code == 303
        assert site.url in root.get("/admin/issuers/").text

        root.post("/admin/issuers/", do="disable", url=site.url)
        with rehearsal.store.read() as reading:
            assert reading.issuer(site.url).enabled is False
        root.post("/admin/issuers/", do="forget", url=site.url)
        changed = root.post("/admin/issuers/one/", do="believe", known="yes", max_age="600", private="yes", **fields)
        assert changed.status_code == 303
        with rehearsal.store.read() as reading:
            found = reading.issuer(site.url)
        assert (found.terms.max_age, found.private, found.enabled, found.keys_epoch) == (600, True, False, 1)
        assert 'value="600"' in root.get(f"/admin/issuers/one/?url={site.url}").text
        root.post("/admin/issuers/", do="remove", url=site.url)
        with rehearsal.store.read() as reading:
            assert reading.issuer(site.url) is None
    kinds = {one.kind for one in rehearsal.folder.records.events() if one.kind.startswith("issuer-")}
    assert {"issuer-disabled", "issuer-keys-forgotten", "issuer-removed"} <= kinds


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://issuer.example"}, "does not start with https://"),
        ({"url": "https://10.0.0.1"}, "not on the public internet"),
        ({"url": "https://issuer.example", "jwks": "[]"}, "not a JSON object"),
        ({"url": "https://issuer.example", "max_age": "soon"}, "no number of seconds"),
        ({"url": "https://issuer.example", "kind": "nobody"}, "no kind of issuer"),
    ],
)
def test_an_issuer_that_cannot_be_one_is_not_asked(root: Browser, given: dict[str, str], said: str) -> None:
    answer = root.post("/admin/issuers/one/", do="believe", **{"kind": "gitlab", **given})
    assert answer.status_code == 400
    assert said in unescape(answer.text)


def test_people_are_invited_promoted_suspended_and_helped(door: Door, root: Browser) -> None:
    page = root.post("/admin/users/invite/", at="/admin/users/", email="eve@example.org")
    link = re.search(r'class="secret">https://index.example(/invitation/[^<]+)<', page.text)
    assert link is not None
    assert door.browser().get(link[1]).status_code == 200
    assert link[1] not in root.get("/admin/users/").text
    assert "eve@example.org" in root.get("/admin/users/").text
    assert root.post("/admin/users/invite/", at="/admin/users/", email="no address").status_code == 400

    ada = door.signed_in("ada")
    root.post("/admin/users/", do="promote", name="ada")
    assert door.user("ada").administrator
    root.post("/admin/users/", do="demote", name="ada")
    root.post("/admin/users/", do="suspend", name="ada")
    assert not ada.signed_in
    assert "suspended" in words(root.get("/admin/users/?q=ada"))
    root.post("/admin/users/", do="restore", name="ada")
    helped = root.post("/admin/users/", do="reset", name="ada")
    assert "sets a new password for ada" in words(helped)
    assert root.post("/admin/users/", do="demote", name="root").status_code == 409

    waiting = re.search(r'name="invitation" value="([0-9a-f]{64})"', root.get("/admin/users/").text)
    assert waiting is not None
    root.post("/admin/users/", do="revoke", invitation=waiting[1])
    assert door.events("invitation-revoked")[0].facts["by"]["name"] == "root"


def test_projects_are_found_quarantined_and_released(door: Door, root: Browser) -> None:
    door.project("Sample", door.user("ada"))
    assert "Sample" in root.get("/admin/projects/?q=samp").text
    assert "There is no such project" in root.get("/admin/projects/?q=other").text
    root.post("/admin/projects/", do="quarantine", name="sample", reason="malware <i>")
    page = root.get("/admin/projects/")
    assert "quarantined: malware <i>" in words(page)
    root.post("/admin/projects/", do="release", name="sample")
    assert "active" in words(root.get("/admin/projects/"))


def test_publishers_of_all_projects_are_listed_and_removed(door: Door, root: Browser) -> None:
    project = door.project("Sample", door.user("ada"))
    publisher = Publisher(
        id="p-1", issuer="https://token.actions.githubusercontent.com", kind="github",
        fields={"owner": "octo", "repository": "hello<b>", "owner_id": "1", "repository_id": "2", "workflow": "r.yml"},
        links=(Link(project_id=project.id, project="Sample"),),
    )  # fmt: skip
    with door.store.write() as writing:
        writing.add_publisher(publisher)
    page = root.get("/admin/publishers/?q=OCTO")
    assert "hello<b>" in words(page)
    assert "hello<b>" not in page.text
    assert "0 publishers" in words(root.get("/admin/publishers/?q=nobody"))
    root.post("/admin/publishers/", publisher="p-1")
    assert "0 publishers" in words(root.get("/admin/publishers/"))


def test_names_are_prohibited_permitted_and_held(door: Door, root: Browser) -> None:
    root.post("/admin/names/", do="prohibit", name="Acme_Core", reason="of the company")
    assert "acme-core: of the company" in words(root.get("/admin/names/")).replace(" : ", ": ")
    assert root.post("/admin/names/", do="prohibit", name="not a name").status_code == 400
    root.post("/admin/names/", do="permit", name="acme-core")
    assert "There are none" in words(root.get("/admin/names/"))
    root.post("/admin/names/", do="hold", days="7")
    assert 'value="7"' in root.get("/admin/names/").text
    assert root.post("/admin/names/", do="hold", days="many").status_code == 400


def test_mints_by_day_are_drawn_and_written_beside(door: Door, root: Browser) -> None:
    now = door.clock.now
    for days, count in ((0, 3), (2, 1), (40, 9)):
        for _ in range(count):
            event(door, "token-minted", now - days * DAY)
    event(door, "identity-refused", now - DAY)
    with door.store.write() as writing:
        writing.set_fact("refused-mints", json.dumps({int(now) // DAY: 5}))
    page = root.get("/admin/")
    assert "In 30 days 4 minted and 6 refused; at most 5 on one day." in words(page)
    rows = re.findall(r"<tr><th scope=\"row\">(\S+)</th><td>(\d+)</td><td>(\d+)</td><td>(\d+)</td></tr>", page.text)
    assert len(rows) == 30
    assert [row[1:] for row in rows[:3]] == [("3", "5", "0"), ("0", "0", "1"), ("1", "0", "0")]
    assert page.text.count('<rect class="minted"') == 2
    assert page.text.count('<rect class="refused"') == 1
    assert page.text.count('<rect class="disbelieved"') == 1


def test_the_log_is_filtered_and_goes_on_behind_its_end(door: Door, root: Browser) -> None:
    now = door.clock.now
    for number in range(60):
        event(door, "issuer-added", now - 5 * DAY, issuer=f"https://number-{number}.example/<x>")
    page = root.get("/admin/log/?group=index")
    assert "number-59.example/<x>" in words(page)
    assert "<x>" not in page.text
    assert "number-5.example" not in words(page)
    older = re.search(r'rel="next" href="([^"]+)"', page.text)
    assert older is not None
    assert "number-5.example" in words(root.get(unescape(older[1])))
    day = "2026-09-2"
    assert "There is nothing of that" in words(root.get(f"/admin/log/?group=index&since={day}9"))
    assert "There is nothing of that" in words(root.get("/admin/log/?project=nobody"))


def test_the_log_is_handed_out_whole_as_csv_and_as_json_lines(door: Door, root: Browser) -> None:
    for number in range(1100):
        event(door, "issuer-added", door.clock.now, issuer=f"number {number}")
    event(door, "=HYPERLINK", door.clock.now, issuer='\n"=1+1,é')
    as_csv = root.get("/admin/log/?format=csv")
    assert as_csv.headers["content-type"].startswith("text/csv")
    assert as_csv.headers["content-disposition"] == 'attachment; filename="audit-log.csv"'
    assert as_csv.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(as_csv.text)))
    lines = [json.loads(line) for line in root.get("/admin/log/?format=jsonl").text.splitlines()]
    assert len(rows) == len(lines) >= 1101
    assert rows[0]["kind"] == "'=HYPERLINK"
    assert json.loads(rows[0]["facts"]) == lines[0]["facts"] == {"issuer": '\n"=1+1,é'}
    found = root.get("/admin/log/?format=jsonl&group=index").text.splitlines()
    assert {json.loads(line)["kind"] for line in found} <= {"issuer-added"}


def test_pages_of_administration_set_no_script_and_are_not_kept(root: Browser) -> None:
    for path in ADMIN:
        page = root.get(path)
        assert "script" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert "<script" not in page.text
        assert " style=" not in page.text
        assert TOKEN.search(page.text) is not None
