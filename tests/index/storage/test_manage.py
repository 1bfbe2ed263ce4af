# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from trustpub.errors import Declined, Misuse
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.manage import HOLD_DAYS, ForgeSilent, Manage
from trustpub.index.registration import Wanted, missing_ids

from .conftest import NOW, PUBLIC, SetClock, a_project

WANTED = Wanted(
    project="Hello",
    repository="Octo-Org/hello",
    workflow="release.yml",
    owner_id="123456",
    repository_id="456789",
    pending=True,
)


class SaidForge:
    """What a forge says, or why it says nothing; and who asked."""

    def __init__(self, answer: Mapping[str, str] | str) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def ids(self, repository: str) -> Mapping[str, str]:
        self.asked.append(repository)
        if isinstance(self.answer, str):
            raise ForgeSilent(self.answer)
        return self.answer


def changed(**changes: Any) -> Wanted:
    return dataclasses.replace(WANTED, **changes)


def kinds(store: SqlStore) -> list[str]:
    with store.read() as reading:
        return [event.kind for event in reversed(reading.events())]


def test_a_user_is_added_once_whatever_the_case(manage: Manage, store: SqlStore) -> None:
    assert manage.add_user("Anna").name == "Anna"
    with pytest.raises(Declined, match="'Anna' already"):
        manage.add_user("anna")
    assert [one.name for one in manage.users()] == ["Anna"]
    assert kinds(store) == ["user-added"]


@pytest.mark.parametrize("name", ["", "-x", "a b", "x" * 51, "ann\n", "änna", "__token__"])
def test_not_every_text_is_a_users_name(manage: Manage, name: str) -> None:
    with pytest.raises(Misuse, match="cannot be a user's name"):
        manage.add_user(name)


def test_a_pending_publisher_holds_its_name_for_thirty_days(manage: Manage, store: SqlStore) -> None:
    manage.add_user("Anna")
    registered = manage.add_publisher(changed(owner="anna", environment="Release"))
    assert registered.new
    assert registered.warnings == ()
    assert registered.project.pending_until == int(NOW) + HOLD_DAYS * 86_400
    assert manage.publishers("hello") == [registered.publisher]
    assert registered.publisher.pending
    assert registered.publisher.fields["environment"] == "release"
    assert missing_ids(registered.publisher) == ()
    with store.write() as writing:
        writing.make_real(registered.project.id, name="Hello")
        assert writing.is_member(registered.project.id, manage_user_id(writing))
    assert kinds(store) == ["user-added", "project-held", "publisher-added"]


def manage_user_id(reading: Any) -> str:
    return str(reading.user("Anna").id)


def test_without_pending_the_project_must_exist(manage: Manage, store: SqlStore) -> None:
    with pytest.raises(Declined, match="no project 'Hello'") as refused:
        manage.add_publisher(changed(pending=False))
    assert refused.value.hint == "To let the first release create it, add --pending."
    with store.write() as writing:
        writing.add_project(a_project("hello"))
    registered = manage.add_publisher(changed(pending=False))
    assert registered.project.name == "hello"
    with pytest.raises(Declined, match="exists already"):
        manage.add_publisher(changed(environment="release"))


def test_a_held_name_is_no_existing_project(manage: Manage) -> None:
    manage.add_publisher(WANTED)
    with pytest.raises(Declined, match="no project"):
        manage.add_publisher(changed(pending=False, environment="release"))


def test_a_name_held_in_vain_may_be_taken_anew(manage: Manage, clock: SetClock, store: SqlStore) -> None:
    manage.add_user("Anna")
    first = manage.add_publisher(changed(owner="anna"))
    clock.now += HOLD_DAYS * 86_400
    second = manage.add_publisher(changed(repository="other/hello"))
    assert second.project.id != first.project.id
    assert second.warnings == ()
    assert [one.id for one in manage.publishers()] == [second.publisher.id]
    with store.write() as writing:
        writing.make_real(second.project.id, name="Hello")
        assert not writing.is_member(second.project.id, manage_user_id(writing))
    assert "project-freed" in kinds(store)


def test_the_same_publisher_may_register_again_once_its_time_is_up(manage: Manage, clock: SetClock) -> None:
    manage.add_publisher(WANTED)
    with pytest.raises(Declined, match="for project 'Hello' already"):
        manage.add_publisher(WANTED)
    clock.now += HOLD_DAYS * 86_400
    assert manage.add_publisher(WANTED).new


def test_the_same_identity_again_gets_one_more_project(manage: Manage) -> None:
    first = manage.add_publisher(WANTED)
    # The ids are known: they need not be given again.
    again = changed(project="Other", repository="octo-org/HELLO", owner_id=None, repository_id=None)
    second = manage.add_publisher(again)
    assert not second.new
    assert second.publisher.id == first.publisher.id
    assert [link.project for link in second.publisher.links] == ["Hello", "Other"]
    with pytest.raises(Declined, match="owner_id 123456, not 7"):
        manage.add_publisher(changed(project="Third", owner_id="7"))


def test_ids_given_later_are_pinned(manage: Manage) -> None:
    unpinned = manage.add_publisher(changed(owner_id=None, repository_id=None, pin_on_first_use=True))
    assert unpinned.warnings == (
        "not pinned yet: the owner id and repository id will be taken from the first job that publishes",
    )
    registered = manage.add_publisher(changed(project="Other"))
    assert missing_ids(registered.publisher) == ()


def test_a_second_publisher_of_a_held_name_is_said_to_be_one(manage: Manage) -> None:
    first = manage.add_publisher(WANTED)
    second = manage.add_publisher(changed(environment="release"))
    assert second.project.id == first.project.id
    assert second.warnings == (
        (
            f"the name Hello is held for another publisher as well ({first.publisher.id}): "
            "each of them may make the first release"
        ),
    )


def test_without_ids_and_without_a_forge_nothing_is_registered(manage: Manage) -> None:
    with pytest.raises(Declined, match="Nobody can be asked") as refused:
        manage.add_publisher(changed(owner_id=None))
    assert refused.value.hint is not None
    assert refused.value.hint.startswith("Give --owner-id, or add --pin-on-first-use")
    assert manage.publishers() == []


def test_a_forge_is_asked_for_the_ids_that_were_not_given(store: SqlStore, clock: SetClock) -> None:
    forge = SaidForge({"owner_id": "123456", "repository_id": "456789"})
    manage = Manage(store, clock, rehearsal=False, forge=forge)
    registered = manage.add_publisher(changed(owner_id=None))
    assert registered.publisher.fields["owner_id"] == "123456"
    assert forge.asked == ["Octo-Org/hello"]
    manage.add_publisher(changed(environment="release"))
    assert forge.asked == ["Octo-Org/hello"]
    with pytest.raises(Declined, match="repository id of Octo-Org/hello is 456789, not 7"):
        manage.add_publisher(changed(environment="other", owner_id=None, repository_id="7"))


def test_a_silent_forge_is_quoted(store: SqlStore, clock: SetClock) -> None:
    manage = Manage(store, clock, rehearsal=False, forge=SaidForge("GitHub is down."))
    with pytest.raises(Declined, match="GitHub is down"):
        manage.add_publisher(changed(owner_id=None))


def test_no_forge_is_asked_in_a_rehearsal_or_about_another_issuer(store: SqlStore, clock: SetClock) -> None:
    forge = SaidForge({"owner_id": "1", "repository_id": "2"})
    with pytest.raises(Declined, match="Nobody"):
        Manage(store, clock, rehearsal=True, forge=forge).add_publisher(changed(owner_id=None))
    manage = Manage(store, clock, rehearsal=False, forge=forge)
    manage.add_issuer("https://ghes.example/_services/token")
    with pytest.raises(Declined, match="Nobody"):
        manage.add_publisher(changed(owner_id=None, issuer="https://ghes.example/_services/token"))
    assert forge.asked == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project", "-bad"),
        ("project", ""),
        ("repository", "hello"),
        ("repository", "octo/hello/x"),
        ("repository", "https://github.com/octo/hello"),
        ("repository", "octo/.."),
        ("repository", "-octo/hello"),
        ("repository", "octo/hel lo"),
        ("repository", "octo/hello\n"),
        ("workflow", ".github/workflows/release.yml"),
        ("workflow", "release"),
        ("workflow", "release.YML"),
        ("workflow", ".yml"),
        ("workflow", "release.yml\n"),
        ("environment", ""),
        ("environment", " release"),
        ("environment", "release "),
        ("environment", "rel;ease"),
        ("environment", "rel'ease"),
        ("environment", "rel\\ease"),
        ("environment", "rel\x00ease"),
        ("environment", "x" * 256),
        ("owner_id", "octo"),
        ("owner_id", "0"),
        ("owner_id", "١٢"),
        ("repository_id", "12 "),
        ("kind", "gitlab"),
    ],
)
def test_fields_are_what_github_allows(manage: Manage, field: str, value: str) -> None:
    with pytest.raises(Misuse):
        manage.add_publisher(changed(**{field: value}))


@pytest.mark.parametrize("environment", ["release", "a b", "x" * 255, "prod/eu", "freigabe-ä"])
def test_environments_may_be_what_github_lets_them_be(manage: Manage, environment: str) -> None:
    assert manage.add_publisher(changed(environment=environment)).publisher.fields["environment"] == environment


def test_a_workflow_given_by_its_path_is_mended_in_the_hint(manage: Manage) -> None:
    with pytest.raises(Misuse) as refused:
        manage.add_publisher(changed(workflow=".github/workflows/release.yml"))
    assert refused.value.hint == "Give only the file's name: release.yml"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"owner": "nobody"}, "no user 'nobody'"),
        ({"issuer": "https://other.example"}, "No issuer 'https://other.example'"),
    ],
)
def test_what_a_publisher_names_must_be_there(manage: Manage, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(Declined, match=sentence):
        manage.add_publisher(changed(**changes))


def test_of_two_who_register_the_same_at_once_one_wins(store: SqlStore, clock: SetClock) -> None:
    beside, ready = SqlStore(store.path), threading.Barrier(2)

    def register(one: SqlStore) -> bool:
        ready.wait()
        try:
            return Manage(one, clock, rehearsal=False).add_publisher(WANTED).new
        except Declined:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(register, (store, beside))) == [False, True]
    with store.read() as reading:
        assert len(reading.publishers()) == 1
    beside.close()


def test_a_removed_publisher_frees_the_name_held_for_it_alone(manage: Manage, store: SqlStore) -> None:
    first = manage.add_publisher(WANTED)
    second = manage.add_publisher(changed(environment="release"))
    manage.remove_publisher(first.publisher.id)
    assert [one.id for one in manage.publishers("hello")] == [second.publisher.id]
    manage.remove_publisher(second.publisher.id, "HELLO")
    with store.read() as reading:
        assert reading.project("hello") is None
    with pytest.raises(Declined, match="no publisher"):
        manage.remove_publisher(second.publisher.id)


def test_one_of_several_projects_can_be_taken_from_a_publisher(manage: Manage) -> None:
    registered = manage.add_publisher(WANTED)
    manage.add_publisher(changed(project="Other"))
    manage.remove_publisher(registered.publisher.id, "hello")
    assert [link.project for link in manage.publishers()[0].links] == ["Other"]
    with pytest.raises(Declined, match="not one of project 'hello'"):
        manage.remove_publisher(registered.publisher.id, "hello")


def a_key_set(*, private: bool = False, kid: str | None = "1") -> dict[str, Any]:
    key = RSAKey.generate_key(2048).as_dict(private=private)
    return {"keys": [{**key, "kid": kid} if kid else {name: value for name, value in key.items() if name != "kid"}]}


def test_new_keys_for_a_known_issuer_are_said_to_be_a_replacement(manage: Manage, store: SqlStore) -> None:
    manage.add_publisher(WANTED)
    known = manage.add_issuer(PUBLIC, jwks=a_key_set())
    assert known.replaced
    assert known.publishers == 1
    assert kinds(store)[-1] == "issuer-keys-replaced"
    assert manage.add_issuer(PUBLIC).replaced
    with pytest.raises(Declined, match="known already"):
        manage.add_issuer(PUBLIC)
    assert not manage.add_issuer("https://ghes.example/_services/token").replaced


def test_an_issuer_with_publishers_stays(manage: Manage) -> None:
    registered = manage.add_publisher(WANTED)
    with pytest.raises(Declined, match="1 registered publisher"):
        manage.remove_issuer(PUBLIC)
    manage.remove_publisher(registered.publisher.id)
    manage.remove_issuer(PUBLIC)
    with pytest.raises(Declined, match="not known"):
        manage.remove_issuer(PUBLIC)


OWN = [
    "https://localhost", "https://ci.localhost:8443", "https://127.0.0.1:1", "https://127.8.8.8", "https://[::1]:1",
    "https://[::ffff:127.0.0.1]", "https://0.0.0.0", "https://ci.test", "https://ci.TEST.", "http://127.0.0.1:1",
]  # fmt: skip


@pytest.mark.parametrize("url", OWN)
def test_only_a_rehearsal_believes_issuers_on_this_machine(store: SqlStore, clock: SetClock, url: str) -> None:
    with pytest.raises(Misuse, match="only a rehearsal believes"):
        Manage(store, clock, rehearsal=False).add_issuer(url)
    assert Manage(store, clock, rehearsal=True).add_issuer(url).issuer.url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://ci.example", "http://ci.test", "ci.example", "https://", "ftp://ci.example", "https://127.1",
        "https://0x7f.1", "https://2130706433", "https://a@ci.example", "https://ci.example?a", "https://ci.example?",
        "https://ci.example#", "https://ci.example/a b", "https://ci.example\n", "https://ci.example:x",
        "https://[::1", "https://ci..example", "https://\u202eci.example",
    ],
)  # fmt: skip
def test_what_is_no_issuer_is_refused_even_in_a_rehearsal(store: SqlStore, clock: SetClock, url: str) -> None:
    with pytest.raises(Misuse):
        Manage(store, clock, rehearsal=True).add_issuer(url)


@pytest.mark.parametrize(
    ("jwks", "sentence"),
    [
        ({}, "at least one key"),
        ({"keys": []}, "at least one key"),
        ({"keys": ["x"]}, "at least one key"),
        (a_key_set(private=True), "private"),
        ({"keys": [{"kty": "oct", "k": "AAAA", "kid": "1"}]}, "shared"),
        (a_key_set(kid=None), "id"),
        ({"keys": a_key_set()["keys"] * 2}, "id"),
        ({"keys": [{"kty": "OKP", "kid": "1"}]}, "neither"),
    ],
)
def test_key_sets_hold_public_keys_with_ids(manage: Manage, jwks: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Misuse, match=sentence):
        manage.add_issuer("https://ci.example", jwks=jwks)


@pytest.mark.parametrize("ca", ["", "nothing", "-----BEGIN PRIVATE KEY-----"])
def test_certificates_are_certificates(manage: Manage, ca: str) -> None:
    with pytest.raises(Misuse):
        manage.add_issuer("https://ci.example", ca=ca)
