# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Issuer
from trustpub.index.manage.issuers import Issuers
from trustpub.index.manage.people import People
from trustpub.index.manage.publishers import NoIds, Publishers
from trustpub.index.ports import ForgeSilent
from trustpub.index.registration import Wanted, missing_ids
from trustpub.trust.publishers import Rules

from .conftest import NOW, PUBLIC, SetClock, a_project, event_kinds

FIELDS = {
    "repository": "Octo-Org/hello",
    "workflow": "release.yml",
    "owner_id": "123456",
    "repository_id": "456789",
}
WANTED = Wanted(project="Hello", fields=FIELDS, pending=True)
DAY = 86_400
TAGS = Rules(ref="refs/tags/v*", events=("push",))


class SaidForge:
    """What a forge says, or why it says nothing; and who asked."""

    def __init__(self, answer: Mapping[str, str] | str) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, str]] = []

    def ids(self, issuer: Issuer, kind: str, fields: Mapping[str, str]) -> Mapping[str, str]:
        self.asked.append((issuer.url, kind, fields["repository"]))
        if isinstance(self.answer, str):
            raise ForgeSilent(self.answer)
        return self.answer


def changed(*without: str, **changes: Any) -> Wanted:
    """The registration with other fields, or other things said; and without some fields."""
    fields = {name: changes.pop(name) for name in (*FIELDS, "environment") if name in changes}
    kept = {name: value for name, value in FIELDS.items() if name not in without}
    return dataclasses.replace(WANTED, fields={**kept, **fields}, **changes)


def test_a_pending_publisher_holds_its_name_for_thirty_days(
    publishers: Publishers, people: People, store: SqlStore
) -> None:
    people.add("Anna")
    registered = publishers.add(changed(owner="anna", environment="Release"))
    assert registered.new
    assert registered.warnings == ()
    assert registered.project.pending_until == int(NOW) + 30 * DAY
    assert publishers.all("hello") == [registered.publisher]
    assert publishers.get(registered.publisher.id) == registered.publisher
    assert registered.publisher.pending
    assert registered.publisher.fields["environment"] == "release"
    assert missing_ids(registered.publisher) == ()
    with store.write() as writing:
        writing.make_real(registered.project.id, name="Hello", publisher_id=registered.publisher.id)
        assert writing.is_member(registered.project.id, people_id(writing))
    assert event_kinds(store) == ["user-added", "project-held", "publisher-added", "owner-added"]


def people_id(reading: Any) -> str:
    return str(reading.user("Anna").id)


def test_without_pending_the_project_must_exist(publishers: Publishers, store: SqlStore) -> None:
    with pytest.raises(Declined, match="no project 'Hello'") as refused:
        publishers.add(changed(pending=False))
    assert refused.value.hint == "To let the first release create it, add --pending."
    with store.write() as writing:
        writing.add_project(a_project("hello"))
    registered = publishers.add(changed(pending=False))
    assert registered.project.name == "hello"
    with pytest.raises(Declined, match="exists already"):
        publishers.add(changed(environment="release"))


def test_a_held_name_is_no_existing_project(publishers: Publishers) -> None:
    publishers.add(WANTED)
    with pytest.raises(Declined, match="no project"):
        publishers.add(changed(pending=False, environment="release"))


def test_a_name_held_in_vain_may_be_taken_anew(
    publishers: Publishers, people: People, clock: SetClock, store: SqlStore
) -> None:
    people.add("Anna")
    first = publishers.add(changed(owner="anna"))
    clock.now += 30 * DAY
    second = publishers.add(changed(repository="other/hello"))
    assert second.project.id != first.project.id
    assert second.warnings == ()
    assert [one.id for one in publishers.all()] == [second.publisher.id]
    with store.write() as writing:
        writing.make_real(second.project.id, name="Hello", publisher_id=second.publisher.id)
        assert not writing.is_member(second.project.id, people_id(writing))
    assert event_kinds(store)[-4:] == ["publisher-removed", "project-freed", "project-held", "publisher-added"]


def test_the_same_publisher_may_register_again_once_its_time_is_up(publishers: Publishers, clock: SetClock) -> None:
    publishers.add(WANTED)
    with pytest.raises(Declined, match="for project 'Hello' already"):
        publishers.add(WANTED)
    clock.now += 30 * DAY
    assert publishers.add(WANTED).new


def test_the_same_identity_again_gets_one_more_project(publishers: Publishers) -> None:
    first = publishers.add(WANTED)
    # The ids are known: they need not be given again.
    again = changed("owner_id", "repository_id", project="Other", repository="octo-org/HELLO")
    second = publishers.add(again)
    assert not second.new
    assert second.publisher.id == first.publisher.id
    assert [link.project for link in second.publisher.links] == ["Hello", "Other"]
    with pytest.raises(Declined, match="owner_id 123456, not 7"):
        publishers.add(changed(project="Third", owner_id="7"))


def test_one_identity_may_wait_for_several_first_releases(publishers: Publishers) -> None:
    for project in ("One", "Two", "Three"):
        publishers.add(changed(project=project))
    (publisher,) = publishers.all()
    assert publisher.pending
    assert {link.project for link in publisher.links} == {"One", "Two", "Three"}


def test_every_project_has_its_own_rules(publishers: Publishers) -> None:
    publishers.add(changed(rules=TAGS))
    second = publishers.add(changed(project="Other", rules=Rules(protected_ref=True, runner="github-hosted")))
    rules = {link.project: link.rules for link in second.publisher.links}
    assert rules == {"Hello": TAGS, "Other": Rules(protected_ref=True, runner="github-hosted")}


def test_rules_are_changed_by_name_and_leave_what_they_were(publishers: Publishers, store: SqlStore) -> None:
    registered = publishers.add(changed(rules=TAGS))
    with pytest.raises(Declined, match="already") as refused:
        publishers.add(WANTED)
    assert "trustpub admin publisher rules" in str(refused.value.hint)
    after = publishers.set_rules(registered.publisher.id, "HELLO", Rules(ref="refs/heads/main"))
    assert after.links[0].rules == Rules(ref="refs/heads/main")
    with store.read() as reading:
        event = reading.events(limit=1)[0]
    assert event.kind == "publisher-rules-changed"
    assert event.publisher_id == registered.publisher.id
    assert event.facts == {
        "project": "Hello",
        "rules": {"ref": "refs/heads/main"},
        "before": {"ref": "refs/tags/v*", "events": ["push"]},
    }
    with pytest.raises(Declined, match="these rules"):
        publishers.set_rules(registered.publisher.id, "hello", Rules(ref="refs/heads/main"))
    with pytest.raises(Misuse, match="allows any ref"):
        publishers.set_rules(registered.publisher.id, "hello", Rules(ref="*"))
    with pytest.raises(Declined, match="not one of project"):
        publishers.set_rules(registered.publisher.id, "other", Rules())
    with pytest.raises(Declined, match="no publisher"):
        publishers.set_rules("nothing", "hello", Rules())


def test_a_pattern_that_names_no_whole_ref_is_warned_about(publishers: Publishers) -> None:
    registered = publishers.add(changed(rules=Rules(ref="v*")))
    assert any("refs/tags/" in warning for warning in registered.warnings)


def test_ids_given_later_are_pinned(publishers: Publishers, store: SqlStore) -> None:
    unpinned = publishers.add(changed("owner_id", "repository_id", pin_on_first_use=True))
    assert unpinned.warnings == (
        "not pinned yet: the owner id and repository id will be taken from the first job that publishes",
    )
    registered = publishers.add(changed(project="Other"))
    assert missing_ids(registered.publisher) == ()
    assert "publisher-pinned" in event_kinds(store)


def test_a_second_publisher_of_a_held_name_is_said_to_be_one(publishers: Publishers) -> None:
    first = publishers.add(WANTED)
    second = publishers.add(changed(environment="release"))
    assert second.project.id == first.project.id
    (warning,) = second.warnings
    assert first.publisher.id in warning
    assert "the first release decides" in warning


def test_without_ids_and_without_a_forge_nothing_is_registered(publishers: Publishers) -> None:
    with pytest.raises(NoIds, match="Nobody can be asked") as refused:
        publishers.add(changed("owner_id"))
    assert refused.value.missing == ("owner_id",)
    assert str(refused.value.hint).startswith("Give --owner-id, or add --pin-on-first-use")
    assert publishers.all() == []


def test_a_forge_is_asked_for_the_ids_that_were_not_given(store: SqlStore, clock: SetClock) -> None:
    forge = SaidForge({"owner_id": "123456", "repository_id": "456789"})
    publishers = Publishers(store, clock, forge=forge)
    registered = publishers.add(changed("owner_id"))
    assert registered.publisher.fields["owner_id"] == "123456"
    assert forge.asked == [(PUBLIC, "github", "Octo-Org/hello")]
    publishers.add(changed(environment="release"))
    assert len(forge.asked) == 1
    with pytest.raises(Declined, match="repository id of Octo-Org/hello is 456789, not 7"):
        publishers.add(changed("owner_id", environment="other", repository_id="7"))


def test_a_forge_that_knows_half_is_not_enough(store: SqlStore, clock: SetClock) -> None:
    publishers = Publishers(store, clock, forge=SaidForge({"owner_id": "1"}))
    with pytest.raises(NoIds) as refused:
        publishers.add(changed("owner_id", "repository_id"))
    assert refused.value.missing == ("repository_id",)


def test_a_silent_forge_is_quoted(store: SqlStore, clock: SetClock) -> None:
    publishers = Publishers(store, clock, forge=SaidForge("GitHub is down."))
    with pytest.raises(Declined, match="GitHub is down"):
        publishers.add(changed("owner_id"))


def test_what_is_refused_anyway_is_refused_before_a_forge_is_asked(store: SqlStore, clock: SetClock) -> None:
    forge = SaidForge({"owner_id": "1", "repository_id": "2"})
    publishers = Publishers(store, clock, forge=forge)
    for wanted in (changed("owner_id", project="os"), changed("owner_id", owner="nobody")):
        with pytest.raises(Declined):
            publishers.add(wanted)
    assert forge.asked == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"owner": "nobody"}, "no user 'nobody'"),
        ({"issuer": "https://other.example"}, "issuer 'https://other.example' is not known"),
    ],
)
def test_what_a_publisher_names_must_be_there(publishers: Publishers, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(Declined, match=sentence):
        publishers.add(changed(**changes))


def test_an_issuer_of_another_kind_is_not_the_publishers(publishers: Publishers, issuers: Issuers) -> None:
    issuers.add("https://ci.example", "gitlab")
    with pytest.raises(Declined, match="of kind gitlab, and not github"):
        publishers.add(changed(issuer="https://ci.example"))


def test_the_same_names_at_another_issuer_are_another_publisher(publishers: Publishers, issuers: Issuers) -> None:
    first = publishers.add(WANTED)
    issuers.add("https://ghes.example/_services/token")
    second = publishers.add(changed(project="Other", issuer="https://ghes.example/_services/token"))
    assert second.new
    assert second.publisher.id != first.publisher.id


def test_of_two_who_register_the_same_at_once_one_wins(store: SqlStore, clock: SetClock) -> None:
    beside, ready = SqlStore(store.path), threading.Barrier(2)

    def register(one: SqlStore) -> bool:
        ready.wait()
        try:
            return Publishers(one, clock).add(WANTED).new
        except Declined:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(register, (store, beside))) == [False, True]
    with store.read() as reading:
        assert len(reading.publishers()) == 1
    beside.close()


def test_a_removed_publisher_frees_the_name_held_for_it_alone(publishers: Publishers, store: SqlStore) -> None:
    first = publishers.add(WANTED)
    second = publishers.add(changed(environment="release"))
    publishers.remove(first.publisher.id)
    assert [one.id for one in publishers.all("hello")] == [second.publisher.id]
    publishers.remove(second.publisher.id, "HELLO")
    with store.read() as reading:
        assert reading.project("hello") is None
    with pytest.raises(Declined, match="no publisher"):
        publishers.remove(second.publisher.id)


def test_one_of_several_projects_can_be_taken_from_a_publisher(publishers: Publishers) -> None:
    registered = publishers.add(WANTED)
    publishers.add(changed(project="Other"))
    publishers.remove(registered.publisher.id, "hello")
    assert [link.project for link in publishers.all()[0].links] == ["Other"]
    with pytest.raises(Declined, match="not one of project 'hello'"):
        publishers.remove(registered.publisher.id, "hello")


def test_a_publisher_that_lost_its_project_to_another_can_be_removed_or_linked_again(
    publishers: Publishers, store: SqlStore
) -> None:
    first = publishers.add(WANTED)
    second = publishers.add(changed(environment="release"))
    with store.write() as writing:
        assert writing.make_real(first.project.id, name="Hello", publisher_id=first.publisher.id) == [
            second.publisher.id
        ]
    again = publishers.add(changed(environment="release", pending=False))
    assert again.publisher.id == second.publisher.id
    assert not again.new
    publishers.remove(second.publisher.id)
    with pytest.raises(Declined, match="no publisher"):
        publishers.get(second.publisher.id)


def test_a_publisher_of_nothing_can_be_removed_and_that_is_noted(publishers: Publishers, store: SqlStore) -> None:
    first = publishers.add(WANTED)
    second = publishers.add(changed(environment="release"))
    with store.write() as writing:
        writing.make_real(first.project.id, name="Hello", publisher_id=first.publisher.id)
    publishers.remove(second.publisher.id)
    assert [one.id for one in publishers.all()] == [first.publisher.id]
    assert event_kinds(store)[-1] == "publisher-removed"


def test_publishers_of_a_project_that_is_not_there_cannot_be_listed(publishers: Publishers) -> None:
    with pytest.raises(Declined, match="no project 'x'"):
        publishers.all("x")
