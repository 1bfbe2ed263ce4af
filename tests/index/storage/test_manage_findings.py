# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the audit of PyPI in 2026 found about registrations, and cannot be found here. Numbers are the report's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trustpub.errors import Declined
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Event, Token
from trustpub.index.manage.enrolment import Registered
from trustpub.index.manage.housekeeping import keep_house
from trustpub.index.registration import Wanted
from trustpub.trust.publishers import Rules

from .conftest import NOW, SetClock

FIELDS = {"repository": "o/hello", "workflow": "release.yml", "owner_id": "1", "repository_id": "2"}
GITLAB = {
    "namespace": "group",
    "project": "hello",
    "workflow_filepath": ".gitlab-ci.yml",
    "namespace_id": "1",
    "project_id": "2",
}
ENTERPRISE = "https://ghes.example/_services/token"


@pytest.fixture
def index(tmp_path: Path, clock: SetClock) -> Iterator[Folder]:
    with open_folder(tmp_path / "index", create=True, public_url="https://index.example", clock=clock) as opened:
        yield opened


def register(index: Folder, project: str = "hello", **fields: str) -> Registered:
    return index.publishers.add(Wanted(project=project, fields={**FIELDS, **fields}, pending=True))


def a_minted(index: Folder, publisher_id: str, token_id: str) -> None:
    row = Token(
        id=token_id, key_id="k", location="index.example", publisher_id=publisher_id, user_id=None,
        description="minted", caveats=(), scope="upload", created=int(NOW), expires=int(NOW) + 900,
    )  # fmt: skip
    with index.store.write() as writing:
        writing.add_token(row)


def has_token(index: Folder, token_id: str) -> bool:
    with index.store.read() as reading:
        return reading.token(token_id) is not None


def test_tob_pypi26_13_no_token_outlives_the_publisher_it_was_minted_for(index: Folder) -> None:
    registered = register(index)
    a_minted(index, registered.publisher.id, "t")
    index.publishers.remove(registered.publisher.id)
    assert not has_token(index, "t")


def test_tob_pypi26_13_no_token_outlives_the_last_link_of_its_publisher(index: Folder) -> None:
    registered = register(index)
    register(index, "other")
    a_minted(index, registered.publisher.id, "t")
    index.publishers.remove(registered.publisher.id, "hello")
    # It may still publish the other project; that it may not this one is asked at every upload.
    assert has_token(index, "t")
    assert [link.project for link in index.publishers.get(registered.publisher.id).links] == ["other"]
    index.publishers.remove(registered.publisher.id, "other")
    assert not has_token(index, "t")


def test_tob_pypi26_13_a_name_held_in_vain_leaves_no_publisher_and_no_token(index: Folder, clock: SetClock) -> None:
    registered = register(index)
    a_minted(index, registered.publisher.id, "t")
    clock.now += 30 * 86_400
    keep_house(index.store, clock)
    assert index.publishers.all() == []
    assert not has_token(index, "t")


def test_tob_pypi26_13_a_removed_publisher_registered_again_is_another(index: Folder) -> None:
    first = register(index)
    a_minted(index, first.publisher.id, "t")
    index.publishers.remove(first.publisher.id)
    second = register(index)
    assert second.publisher.id != first.publisher.id
    assert not has_token(index, "t")


def test_tob_pypi26_12_a_registration_is_found_by_its_issuer_too(index: Folder) -> None:
    index.issuers.add(ENTERPRISE)
    public = register(index)
    own = index.publishers.add(Wanted(project="own", fields=FIELDS, issuer=ENTERPRISE, pending=True))
    assert own.new
    assert own.publisher.id != public.publisher.id
    self_managed = "https://gitlab.example"
    index.issuers.add(self_managed, "gitlab")
    one = index.publishers.add(Wanted(project="one", kind="gitlab", fields=GITLAB, pending=True))
    two = index.publishers.add(Wanted(project="two", kind="gitlab", fields=GITLAB, issuer=self_managed, pending=True))
    assert two.new
    assert one.publisher.id != two.publisher.id


CHANGES: list[tuple[str, Callable[[Folder], object], tuple[str, ...]]] = [
    ("a user", lambda index: index.people.add("Anna"), ("user-added",)),
    ("an issuer", lambda index: index.issuers.add(ENTERPRISE), ("issuer-added",)),
    ("keys forgotten", lambda index: index.issuers.forget_keys("https://gitlab.com"), ("issuer-keys-forgotten",)),
    ("an issuer removed", lambda index: index.issuers.remove("https://gitlab.com"), ("issuer-removed",)),
    ("a name prohibited", lambda index: index.names.prohibit("x"), ("name-prohibited",)),
    ("days to hold", lambda index: index.names.set_hold_days(3), ("hold-days-set",)),
    ("a publisher", lambda index: register(index, "fresh", repository="o/fresh"), ("project-held", "publisher-added")),
    ("one more project", lambda index: register(index, "more"), ("project-held", "publisher-added")),
    (
        "rules",
        lambda index: index.publishers.set_rules(index.publishers.all()[0].id, "hello", Rules(protected_ref=True)),
        ("publisher-rules-changed",),
    ),
    (
        "a publisher removed",
        lambda index: index.publishers.remove(index.publishers.all()[0].id),
        ("publisher-removed", "project-freed"),
    ),
]


@pytest.mark.parametrize(("what", "change", "kinds"), CHANGES, ids=[one[0] for one in CHANGES])
def test_tob_pypi26_4_and_14_every_change_leaves_an_event(
    index: Folder, what: str, change: Callable[[Folder], object], kinds: tuple[str, ...]
) -> None:
    register(index)
    before = len(index.records.events(limit=1000))
    change(index)
    events = list(reversed(index.records.events(limit=1000)[: len(index.records.events(limit=1000)) - before]))
    assert tuple(one.kind for one in events) == kinds
    assert all(is_told(one) for one in events)


def is_told(event: Event) -> bool:
    """Whether it says what it is about, and nothing secret."""
    told = json.dumps(dict(event.facts))
    return bool(event.facts) and "pypi-" not in told and "eyJ" not in told


def test_tob_pypi26_4_and_14_what_was_removed_can_be_read_afterwards(index: Folder) -> None:
    registered = register(index)
    index.publishers.remove(registered.publisher.id)
    removed = next(one for one in index.records.events() if one.kind == "publisher-removed")
    assert removed.publisher_id == registered.publisher.id
    assert removed.project_id == registered.project.id
    assert removed.facts.items() >= {**FIELDS, "project": "hello"}.items()


def test_tob_pypi26_4_and_14_a_change_that_is_refused_leaves_nothing(index: Folder) -> None:
    before = index.records.events(limit=1000)
    refusals: tuple[Callable[[], object], ...] = (
        lambda: register(index, "os"),
        lambda: index.issuers.add("https://gitlab.com", "gitlab"),
        lambda: index.publishers.remove("nothing"),
        lambda: index.names.permit("x"),
    )
    for refused in refusals:
        with pytest.raises(Declined):
            refused()
    assert index.records.events(limit=1000) == before


def test_tob_pypi26_11_a_publisher_is_changed_only_through_its_own_projects(index: Folder) -> None:
    mine, other = register(index), register(index, "other", repository="o/other")
    changes: tuple[Callable[[], object], ...] = (
        lambda: index.publishers.remove(mine.publisher.id, "other"),
        lambda: index.publishers.set_rules(mine.publisher.id, "other", Rules(protected_ref=True)),
    )
    for change in changes:
        with pytest.raises(Declined, match="not one of project"):
            change()
    assert index.publishers.get(other.publisher.id) == other.publisher
