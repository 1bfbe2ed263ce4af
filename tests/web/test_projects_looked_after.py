# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Pages on which projects are looked after: what members, owners and administrators may do there, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from tests.index.web.conftest import sdist
from trustpub.index.kept import MAINTAINER, OWNER, Event

from .stocked import Stocked, stocked

BASE = "/manage/project/hello/"
RELEASE = BASE + "release/1.0/"
FILE = "hello-1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "key-1"})


@pytest.fixture
def index(tmp_path: Path, key: RSAKey) -> Iterator[Stocked]:
    with stocked(tmp_path / "index", key) as made:
        made.release("1.0")
        yield made


def listed(index: Stocked) -> dict[str, object]:
    """Files as installers see them, with why each is yanked."""
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    found = index.browser().client.get("/simple/hello/", headers=accept).json()
    return {one["filename"]: one["yanked"] for one in found["files"]}


def roles(index: Stocked) -> dict[str, str]:
    with index.store.read() as reading:
        return {one.user.name: one.role for one in reading.memberships(index.project().id)}


def test_a_maintainer_yanks_a_release_with_a_reason_and_offers_it_again(index: Stocked) -> None:
    ben = index.browser("ben")
    assert "1 file yanked" in ben.told(RELEASE, do="yank", reason="breaks <i>all</i>")
    assert listed(index) == {FILE: "breaks <i>all</i>"}
    event = index.last_event()
    assert event.kind == "file-yanked"
    assert event.facts["by"] == {"id": index.users["ben"].id, "name": "ben"}
    assert "breaks &lt;i&gt;all&lt;/i&gt;" in ben.get(RELEASE).text
    assert "1 file offered again" in ben.told(RELEASE, do="unyank")
    assert listed(index) == {FILE: False}


def test_one_file_alone_is_yanked(index: Stocked) -> None:
    index.release("1.1")
    index.browser("ben").told(RELEASE, do="yank", filename=FILE)
    assert listed(index) == {FILE: True, "hello-1.1-py3-none-any.whl": False}


def test_what_cannot_be_done_is_said_on_a_page(index: Stocked) -> None:
    ada = index.browser("ada")
    assert ada.post(RELEASE, do="unyank").status_code == 409
    assert ada.post(RELEASE, do="yank", reason="x" * 501).status_code == 400
    assert ada.post(RELEASE, do="explode").status_code == 400
    assert ada.get(BASE + "release/9.9/").status_code == 404
    assert ada.get(BASE + "release/x/").status_code == 404


def test_an_owner_deletes_a_release_after_typing_its_name_and_the_name_stays_taken(index: Stocked) -> None:
    index.release("1.1")
    ada = index.browser("ada")
    page = ada.get(RELEASE + "delete/")
    assert page.status_code == 200
    assert "This cannot be taken back" in page.text
    wrong = ada.post(RELEASE + "delete/", typed="helo", reason="held a key")
    assert wrong.status_code == 400
    assert "Type the project&#39;s name" in wrong.text
    assert 'value="held a key"' in wrong.text
    assert FILE in listed(index)
    assert "1 file deleted for good" in ada.told(RELEASE + "delete/", typed="Hello", reason="held a key")
    assert listed(index) == {"hello-1.1-py3-none-any.whl": False}
    assert index.last_event().facts["reason"] == "held a key"
    assert index.last_event().facts["by"]["name"] == "ada"
    assert ada.get(RELEASE).status_code == 404
    gone = index.file(FILE)
    assert gone is not None
    assert gone.deleted is not None


def test_one_file_of_a_release_is_deleted_and_no_file_of_another(index: Stocked) -> None:
    index.release("1.1")
    ada = index.browser("ada")
    other = "hello-1.1-py3-none-any.whl"
    assert ada.get(f"{RELEASE}delete/?filename={other}").status_code == 404
    assert ada.post(RELEASE + "delete/", filename=other, typed="hello").status_code == 404
    assert set(listed(index)) == {FILE, other}
    ada.told(RELEASE + "delete/", f"{RELEASE}delete/?filename={FILE}", filename=FILE, typed="hello")
    assert set(listed(index)) == {other}


def test_two_spellings_of_a_version_are_two_releases_and_are_deleted_apart(index: Stocked) -> None:
    other = "hello-1.0.0.tar.gz"
    index.upload(index.minted(), sdist("hello", "1.0.0"), other, "1.0.0", filetype="sdist", pyversion="source")
    index.browser("ada").told(RELEASE + "delete/", typed="hello")
    assert set(listed(index)) == {other}


def test_who_did_not_prove_to_be_it_lately_proves_it_before_anything_dangerous(index: Stocked) -> None:
    ada = index.browser("ada")
    pages = {one: ada.get(one).text for one in (BASE + "settings/", BASE + "members/")}
    index.now(11 * 60)
    answer = ada.get(RELEASE + "delete/")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/confirm?next={RELEASE}delete/"
    for path, page in pages.items():
        (token,) = set(re.findall(r'name="csrf" value="([^"]+)"', page))
        fields = {"csrf": token, "do": "archive", "typed": "hello", "user": "cy", "role": "owner"}
        answer = ada.client.post(path, data=fields)
        assert answer.headers["location"] == f"/confirm?next={path}"
    assert index.project().status == "active"
    # Yanking can be taken back, and does not ask.
    assert "1 file yanked" in ada.told(RELEASE, do="yank")


def test_the_policy_is_changed_and_holds(index: Stocked) -> None:
    ada = index.browser("ada")
    token = index.user_token("ada")
    ada.told(BASE + "settings/", do="policy", trusted_only="yes", attestations="once")
    assert (index.project().trusted_only, index.project().attestations) == (True, "once")
    with pytest.raises(AssertionError, match="403"):
        index.release("1.1", token=token)
    assert index.browser("ada").post(BASE + "settings/", do="policy", attestations="nonsense").status_code == 400
    ada.told(BASE + "settings/", do="policy", attestations="optional")
    index.release("1.1", token=token)


def test_a_project_is_archived_by_typing_its_name_and_made_active_again(index: Stocked) -> None:
    ada = index.browser("ada")
    wrong = ada.post(BASE + "settings/", do="archive", typed="")
    assert wrong.status_code == 400
    assert index.project().status == "active"
    ada.told(BASE + "settings/", do="archive", typed="hello", reason="no time")
    assert index.project().status == "archived"
    assert "This project is archived." in index.browser().get("/project/hello/").text
    ada.told(BASE + "settings/", do="unarchive")
    ada.told(BASE + "settings/", do="deprecate", reason="see other")
    assert index.project().status == "deprecated"
    ada.told(BASE + "settings/", do="undeprecate")
    assert index.project().status == "active"


def test_quarantine_is_for_administrators(index: Stocked) -> None:
    assert "quarantine" not in index.browser("ada").get(BASE + "settings/").text
    assert index.browser("ada").post(BASE + "settings/", do="quarantine", typed="hello").status_code == 403
    root = index.browser("root")
    root.told(BASE + "settings/", do="quarantine", typed="hello", reason="stolen?")
    assert listed(index) == {}
    assert index.browser("ada").post(BASE + "settings/", do="unarchive", typed="hello").status_code in (404, 409)
    root.told(BASE + "settings/", do="release")
    assert set(listed(index)) == {FILE}


def test_an_owner_adds_a_member_changes_the_role_and_removes_them(index: Stocked) -> None:
    ada = index.browser("ada")
    assert "cy is a member now (maintainer)." in ada.told(BASE + "members/", do="add", user="CY", role=MAINTAINER)
    assert index.last_event().kind == "member-added"
    assert index.last_event().facts == {
        "project": "Hello", "member": "cy", "role": "maintainer",
        "by": {"id": index.users["ada"].id, "name": "ada"},
    }  # fmt: skip
    cy = index.users["cy"].id
    ada.told(BASE + "members/", do="role", member=cy, role=OWNER)
    assert roles(index) == {"ada": "owner", "ben": "maintainer", "cy": "owner"}
    ada.told(BASE + "members/", do="remove", member=cy)
    assert roles(index) == {"ada": "owner", "ben": "maintainer"}
    assert index.browser("cy").get(BASE).status_code == 403


def test_a_member_who_is_nobody_or_is_one_already_is_said_beside_the_form(index: Stocked) -> None:
    ada = index.browser("ada")
    nobody = ada.post(BASE + "members/", do="add", user="zoe<i>", role=MAINTAINER)
    assert nobody.status_code == 400
    assert "Nobody has an account with the name" in nobody.text
    assert "<i>" not in nobody.text
    assert "already" in ada.post(BASE + "members/", do="add", user="ben", role=OWNER).text
    assert ada.post(BASE + "members/", do="add", user="cy", role="king").status_code == 400
    assert ada.post(BASE + "members/", do="remove", member=index.users["cy"].id).status_code == 400
    assert roles(index) == {"ada": "owner", "ben": "maintainer"}


def test_a_project_keeps_an_owner(index: Stocked) -> None:
    ada = index.browser("ada")
    me = index.users["ada"].id
    for fields in ({"do": "remove"}, {"do": "role", "role": MAINTAINER}):
        answer = ada.post(BASE + "members/", member=me, **fields)
        assert answer.status_code == 400
        assert "is the only owner" in answer.text
    ada.told(BASE + "members/", do="role", member=index.users["ben"].id, role=OWNER)
    assert "ada is no member any more." in ada.told(BASE + "members/", do="remove", member=me)
    assert roles(index) == {"ben": "owner"}
    assert index.last_event().kind == "member-left"


def test_a_maintainer_leaves_and_removes_nobody_else(index: Stocked) -> None:
    ben = index.browser("ben")
    assert ben.post(BASE + "members/", do="remove", member=index.users["ada"].id).status_code == 403
    assert ben.post(BASE + "members/", do="add", user="cy", role=OWNER).status_code == 403
    ben.told(BASE + "members/", do="remove", member=index.users["ben"].id)
    assert roles(index) == {"ada": "owner"}


def _named(one: object) -> str:
    """For the id of a case: the same in every process, which a set's own words are not."""
    return ",".join(sorted(one)) if isinstance(one, set) else str(one)[:60]


CHANGES = [
    (RELEASE, {"do": "yank"}, {"ben", "ada", "root"}),
    (RELEASE + "delete/", {"typed": "hello"}, {"ada", "root"}),
    (BASE + "settings/", {"do": "policy", "trusted_only": "yes", "attestations": "optional"}, {"ada", "root"}),
    (BASE + "settings/", {"do": "archive", "typed": "hello"}, {"ada", "root"}),
    (BASE + "settings/", {"do": "quarantine", "typed": "hello"}, {"root"}),
    (BASE + "members/", {"do": "add", "user": "cy", "role": "owner"}, {"ada", "root"}),
]


@pytest.mark.parametrize(("path", "fields", "allowed"), CHANGES, ids=_named)
@pytest.mark.parametrize("name", ["ada", "ben", "cy", "root", None])
def test_only_those_change_anything_who_may(
    index: Stocked, path: str, fields: dict[str, str], allowed: set[str], name: str | None
) -> None:
    with index.store.read() as reading:
        before = len(reading.events(limit=1000))
    browser = index.browser(name)
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/login" if name is None else "/search").text)
    assert token is not None
    answer = browser.client.post(path, data={"csrf": token[1], **fields})
    with index.store.read() as reading:
        changed = len(reading.events(limit=1000)) > before
    assert changed == (name in allowed)
    if name is None:
        assert answer.headers["location"].startswith("/login?next=")
    else:
        assert answer.status_code == (303 if name in allowed else 403)


@pytest.mark.parametrize(("path", "fields", "allowed"), CHANGES, ids=_named)
def test_a_form_without_its_token_or_from_another_site_changes_nothing(
    index: Stocked, path: str, fields: dict[str, str], allowed: set[str]
) -> None:
    assert "root" in allowed
    root = index.browser("root")
    token = re.search(r'name="csrf" value="([^"]+)"', root.get("/search").text)
    assert token is not None
    with index.store.read() as reading:
        before = len(reading.events(limit=1000))
    assert root.client.post(path, data=fields).status_code == 403
    assert root.client.post(path, data={"csrf": "x", **fields}).status_code == 403
    evil = {"Origin": "https://evil.example"}
    assert root.client.post(path, data={"csrf": token[1], **fields}, headers=evil).status_code == 403
    with index.store.read() as reading:
        assert len(reading.events(limit=1000)) == before


def test_the_pages_of_members_are_for_members_and_those_of_nothing_for_nobody(index: Stocked) -> None:
    pages = ["", "settings/", "members/", "log/", "release/1.0/"]
    for page in pages:
        assert index.browser("ben").get(BASE + page).status_code == 200, page
        assert index.browser("cy").get(BASE + page).status_code == 403, page
        assert index.browser("cy").get(f"/manage/project/none/{page}").status_code == 404, page
        assert index.browser().get(BASE + page).headers["location"].startswith("/login?next="), page
    assert index.browser("ben").get(RELEASE + "delete/").status_code == 403
    ben = index.browser("ben").get(BASE + "members/").text
    assert "Add a member" not in ben
    assert "Leave" in ben


def test_ones_own_projects_are_listed_with_the_role(index: Stocked) -> None:
    assert "maintainer" in index.browser("ben").get("/manage/projects/").text
    assert "No project is yours yet." in index.browser("cy").get("/manage/projects/").text
    assert "Manage this project" in index.browser("ben").get("/project/hello/").text
    assert "Manage this project" not in index.browser("cy").get("/project/hello/").text


def test_the_audit_log_tells_what_happened_who_did_it_and_is_filtered(index: Stocked) -> None:
    ada = index.browser("ada")
    ada.told(RELEASE, do="yank", reason="<i>broken</i>")
    ada.told(BASE + "members/", do="add", user="cy", role=MAINTAINER)
    page = ada.get(BASE + "log/").text
    titles = re.findall(r'<th scope="row">([^<]+)</th>', page)
    assert titles[:2] == ["Member added", "File yanked"]
    assert "File uploaded" in titles
    assert "&lt;i&gt;broken" in page
    assert "octo/hello" in page
    assert "macaroon" not in page
    files = ada.get(BASE + "log/?group=files").text
    assert set(re.findall(r'<th scope="row">([^<]+)</th>', files)) == {"File yanked", "File uploaded"}
    assert "There is nothing of that." in ada.get(BASE + "log/?since=2030-01-01").text
    assert "There is nothing of that." in ada.get(BASE + "log/?until=2020-01-01").text
    assert "Member added" in ada.get(BASE + "log/?group=nonsense&since=x&until=&before=x").text


def test_the_audit_log_goes_on_page_by_page_and_shows_no_event_of_another_project(index: Stocked) -> None:
    with index.store.write() as writing:
        for number in range(60):
            for project_id, word in ((index.project().id, "ours"), ("another", "theirs")):
                writing.add_event(
                    Event(at=index.now(), kind="file-yanked", project_id=project_id, publisher_id=None,
                          facts={"reason": f"{word}-{number}"})
                )  # fmt: skip
    ben = index.browser("ben")
    first = ben.get(BASE + "log/?group=files").text
    (more,) = re.findall(r'<a rel="next" href="([^"]+)"', first)
    second = ben.get(more.replace("&amp;", "&")).text
    found = re.findall(r"ours-(\d+)", first) + re.findall(r"ours-(\d+)", second)
    assert found == [str(number) for number in reversed(range(60))]
    assert "theirs" not in first + second
