# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who is written to, of what, and what is never in a letter."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.web.door import Door, open_door
from trustpub.index import letters, tidings
from trustpub.index.kept import Event, File, Letter
from trustpub.index.manage.housekeeping import keep_house
from trustpub.index.ports import Writing
from trustpub.index.registration import Wanted
from trustpub.trust.publishers import Link, Publisher

GITHUB = "https://token.actions.githubusercontent.com"
FIELDS = {"repository": "octo/hello", "workflow": "release.yml", "owner_id": "1", "repository_id": "2"}


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with open_door(tmp_path / "index") as opened:
        for name in ("ada", "ben", "cy", "mute"):
            user = opened.person(name)
            email = "" if name == "mute" else f"{name}@example.org"
            with opened.store.write() as writing:
                writing.change_user(replace(user, email=email))
        project = opened.project("Hello", opened.user("ada"))
        with opened.store.write() as writing:
            writing.add_member(project.id, opened.user("mute").id, "owner")
            writing.add_member(project.id, opened.user("ben").id, "maintainer")
        yield opened


def written(door: Door) -> Sequence[Letter]:
    with door.store.read() as reading:
        return list(reading.letters(2**40, 100))


def taken(door: Door) -> Sequence[Letter]:
    found = written(door)
    with door.store.write() as writing:
        for one in found:
            writing.remove_letter(one.id)
    return found


def add(door: Door, **more: object) -> str:
    wanted = Wanted(project="Hello", kind="github", issuer=GITHUB, fields=FIELDS, **more)  # type: ignore[arg-type]
    return door.folder.publishers.add(wanted).publisher.id


def test_owners_with_an_address_are_told_of_publishers_and_nobody_else(door: Door) -> None:
    publisher = add(door)
    (letter,) = taken(door)
    assert (letter.to, letter.subject) == ("ada@example.org", "Hello: a publisher was added")
    assert "Repository: octo/hello" in letter.body
    assert "Done by: an administrator, at the server" in letter.body
    assert "https://index.example/manage/project/hello/settings/publishing/" in letter.body
    door.folder.publishers.remove(publisher)
    (letter,) = taken(door)
    assert letter.subject == "Hello: a publisher was removed"


def test_what_did_not_happen_is_not_told(door: Door) -> None:
    link = door.folder.invitations.invite().link

    def undone(writing: Writing) -> None:
        letters.invite(writing, "ada@example.org", link, expires=0, at=0)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        door.store.transact(undone)
    assert written(door) == []


def test_a_suspended_owner_gets_no_letters(door: Door) -> None:
    with door.store.write() as writing:
        writing.change_user(replace(door.user("ada"), suspended=1))
    add(door)
    assert written(door) == []


def test_a_held_name_is_told_of_before_its_time_is_up_and_when_it_is(door: Door) -> None:
    wanted = Wanted(project="later", kind="github", issuer=GITHUB, fields=FIELDS, pending=True, owner="cy")
    door.folder.publishers.add(wanted)
    taken(door)
    door.clock.now += 26 * 86_400
    keep_house(door.store, door.clock)
    keep_house(door.store, door.clock)
    (letter,) = taken(door)
    assert letter.to == "cy@example.org"
    assert letter.subject.startswith("later: the name is held until 2026-10-")
    door.clock.now += 5 * 86_400
    keep_house(door.store, door.clock)
    (letter,) = taken(door)
    assert "Done by: nobody; the time for a first release was up" in letter.body


def test_an_environment_that_is_not_looked_at_is_told_once_in_two_weeks(door: Door) -> None:
    publisher = Publisher(id="p", issuer=GITHUB, kind="github", fields=FIELDS, links=())
    project = door.folder.people.project("hello").id
    seen = {"environment": "release\r\nBcc: all@example.org"}
    for days, count in ((0, 1), (1, 0), (15, 1)):
        with door.store.write() as writing:
            letters.ignored_environment(writing, publisher, [project], seen, door.clock.now + days * 86_400)
        found = taken(door)
        assert len(found) == count
        assert all("in the environment release Bcc: all@example.org has" in one.body for one in found)
    for other in (replace(publisher, fields={**FIELDS, "environment": "release"}), replace(publisher, kind="google")):
        with door.store.write() as writing:
            letters.ignored_environment(writing, other, [project], seen, door.clock.now + 90 * 86_400)
    assert written(door) == []


def a_file(door: Door, version: str, filename: str, at: float, *, attested: bool, **origin: str) -> File:
    return File(
        project_id=door.folder.people.project("hello").id, filename=filename, version=version, filetype="sdist", size=1,
        sha256="0" * 64, blake2b_256=uuid.uuid4().hex * 2, md5=None, metadata_sha256=None, requires_python=None,
        uploaded=at, token_id="t", attested=attested, origin=origin,
    )  # fmt: skip


def publish(
    door: Door, version: str, at: float, *, origin: dict[str, str], ending: str = ".tar.gz", attested: bool = True
) -> None:
    file = a_file(door, version, f"hello-{version}{ending}", at, attested=attested, **origin)
    with door.store.write() as writing:
        writing.add_file(file)
        tidings.tell(writing, file)


MINTED = {"publisher": "p", "kind": "github", "issuer": GITHUB, "subject": "octo/hello", "repository_id": "2"}


def test_another_source_and_lost_attestations_are_told_once_for_each_release(door: Door) -> None:
    publish(door, "1.0", 1, origin=MINTED)
    publish(door, "1.1", 2, origin=MINTED)
    assert written(door) == []
    publish(door, "1.2", 3, origin={"user": "eve"}, attested=False)
    publish(door, "1.2", 4, ending="-py3-none-any.whl", origin={"user": "eve"}, attested=False)
    found = taken(door)
    assert {one.to for one in found} == {"ada@example.org"}
    assert len(found) == 2
    assert {one.subject for one in found} == {"Hello 1.2 was published otherwise than the release before"}
    said = " ".join(one.body for one in found)
    assert "A token was used instead of Trusted Publishing" in said
    assert "came with an attestation" in said
    publish(door, "1.3", 5, origin={"user": "eve"}, attested=False)
    assert written(door) == []
    publish(door, "1.4", 6, origin={**MINTED, "repository_id": "99"})
    assert len(taken(door)) == 1
    assert {one.facts["change"] for one in door.events("provenance-changed")} == {"token", "bare", "source"}


def test_a_sign_in_from_somewhere_new_is_told_to_the_person_alone(door: Door) -> None:
    assert door.browser("203.0.113.5").sign_in("ada").status_code == 303
    (letter,) = taken(door)
    assert (letter.to, letter.subject) == ("ada@example.org", "You signed in to index.example from somewhere new")
    assert "Address: 203.0.113.5" in letter.body
    door.clock.now += 86_400
    door.browser("203.0.113.5").sign_in("ada")
    assert written(door) == []
    door.browser("198.51.100.9").sign_in("ada")
    assert len(taken(door)) == 1
    door.browser("198.51.100.9").sign_in("ada", "a wrong password")
    assert written(door) == []


def test_a_change_of_address_is_told_to_the_old_one_and_a_password_to_the_one(door: Door) -> None:
    browser = door.signed_in("ada")
    taken(door)
    browser.post("/manage/account/email/", email="new@example.org")
    (letter,) = taken(door)
    assert (letter.to, letter.subject) == ("ada@example.org", "Letters of index.example no longer come here")
    browser.post("/manage/account/password/", password="nine purple umbrellas", again="nine purple umbrellas")
    (letter,) = taken(door)
    assert (letter.to, letter.subject) == ("new@example.org", "Your password for index.example was changed")
    assert "umbrellas" not in letter.body


def test_an_invitation_is_sent_to_whom_it_is_for(door: Door) -> None:
    invited = door.folder.invitations.invite("eve@example.org")
    (letter,) = taken(door)
    assert letter.to == "eve@example.org"
    assert invited.link.reveal() in letter.body
    reset = door.folder.invitations.reset("ada")
    (letter,) = taken(door)
    assert letter.to == "ada@example.org"
    assert letter.subject == "Set a new password for index.example"
    assert reset.link.reveal() in letter.body


def test_a_real_first_release_is_told_to_whom_the_project_now_is(door: Door) -> None:
    held = door.project("Fresh", door.user("cy"), pending=True)
    publisher = Publisher(
        id="p-2", issuer=GITHUB, kind="github", fields=FIELDS,
        links=(Link(project_id=held.id, project="Fresh", pending_until=held.pending_until),),
    )  # fmt: skip
    with door.store.write() as writing:
        writing.add_publisher(publisher)
        writing.make_real(held.id, name="Fresh", publisher_id="p-2")
        event = Event(
            at=door.clock.now, kind="project-added", project_id=held.id, publisher_id="p-2",
            facts={**FIELDS, "filename": "fresh-1.tar.gz"},
        )  # fmt: skip
        letters.tell(writing, event)
    (letter,) = taken(door)
    assert (letter.to, letter.subject) == ("cy@example.org", "Fresh: the first release is here")
    assert "fresh-1.tar.gz" in letter.body


def test_what_is_filled_in_is_one_line_each(door: Door) -> None:
    with door.store.write() as writing:
        event = Event(
            at=0, kind="publisher-added", project_id=door.folder.people.project("hello").id, publisher_id="p",
            facts={"repository": "a\r\nb\u2028c", "by": {"name": "x\ny"}, "braces": "{url}{0}"},
        )  # fmt: skip
        letters.tell(writing, event)
    (letter,) = taken(door)
    assert "Repository: a b\\u2028c\n" in letter.body
    assert "Done by: x y\n" in letter.body
    assert "Braces: {url}{0}" in letter.body
    assert "\n" not in letter.subject
