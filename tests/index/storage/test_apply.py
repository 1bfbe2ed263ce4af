# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index made to be as a file says."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from trustpub.errors import Misuse
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Issuer
from trustpub.index.manage.apply import Applied, Applying, BadFile
from trustpub.index.manage.issuers import Issuers
from trustpub.index.manage.people import People
from trustpub.index.manage.publishers import Publishers
from trustpub.index.manage.schema import SCHEMA, faults
from trustpub.index.ports import ForgeSilent
from trustpub.index.registration import Wanted
from trustpub.trust.publishers import Rules

from .conftest import NOW, PUBLIC, SetClock, a_project, event_kinds

DAY = 86_400
CI = "https://ci.example"
FIELDS = {"repository": "o/hello", "workflow": "release.yml", "owner_id": 1, "repository_id": 2}
KEYS = json.dumps({"keys": [{**RSAKey.generate_key(2048).as_dict(private=False), "kid": "1"}]})
FILE: Mapping[str, Any] = {
    "issuers": [
        {"url": PUBLIC, "kind": "github"},
        {"url": CI, "kind": "generic", "jwks": "keys/ci.json", "token-lifetime": 3600},
    ],
    "projects": [
        {
            "name": "hello",
            "hold-days": 10,
            "publishers": [
                {
                    "fields": FIELDS,
                    "rules": {
                        "ref": "refs/tags/v*",
                        "protected-ref": True,
                        "events": ["push"],
                        "runner": "github-hosted",
                    },
                },
                {
                    "provider": "generic",
                    "issuer": CI,
                    "fields": {"project_id": 42, "pipeline": "release", "protected": True},
                    "immutable": ["project_id"],
                    "workload": ["pipeline"],
                },
            ],
        },
        {"name": "other", "publishers": [{"fields": {**FIELDS}}]},
    ],
}


def no_file(name: str) -> str:
    raise Misuse(f"{name} cannot be read: it is not there.")


def read(name: str) -> str:
    return KEYS if name == "keys/ci.json" else no_file(name)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = copy.deepcopy(dict(FILE))
    change(document)
    return document


@pytest.fixture
def applying(store: SqlStore, clock: SetClock, publishers: Publishers) -> Applying:
    with store.write() as writing:
        Issuers(store, clock, rehearsal=False).add_public(writing)
    return Applying(store, clock, issuers=Issuers(store, clock, rehearsal=False), publishers=publishers)


def said(applied: Applied) -> list[tuple[object, ...]]:
    """All but the ids in warnings, which are made anew."""
    return [(one.path, one.what, one.outcome, one.details, len(one.warnings)) for one in applied.changes]


def outcomes(applied: Applied) -> dict[str, str]:
    return {one.path: one.outcome for one in applied.changes}


def test_what_a_file_says_comes_about(applying: Applying, publishers: Publishers, store: SqlStore) -> None:
    with store.write() as writing:
        # As an older trustpub left it: on other terms than today's.
        writing.put_issuer(Issuer(url=PUBLIC, kind="github"))
    applied = applying.apply(FILE, read=read)
    assert outcomes(applied) == {
        "issuers[0]": "changed",
        "issuers[1]": "added",
        "projects[0]": "added",
        "projects[0].publishers[0]": "added",
        "projects[0].publishers[1]": "added",
        "projects[1]": "added",
        "projects[1].publishers[0]": "added",
    }
    assert applied.other_issuers == ()
    assert applied.other_links == ()
    job, generic = sorted(publishers.all("hello"), key=lambda one: one.kind, reverse=True)
    assert {link.project: link.rules for link in job.links} == {
        "hello": Rules(ref="refs/tags/v*", protected_ref=True, events=("push",), runner="github-hosted"),
        "other": Rules(),
    }
    assert generic.fields == {"project_id": "42", "pipeline": '"release"', "protected": "true"}
    assert generic.immutable == ("project_id",)
    with store.read() as reading:
        project = reading.project("hello")
        issuer = reading.issuer(CI)
    assert project is not None
    assert project.pending_until == int(NOW) + 10 * DAY
    assert issuer is not None
    assert issuer.jwks is not None
    assert issuer.terms.token_lifetime == 3600


def test_a_second_time_nothing_changes_and_that_is_said(applying: Applying, store: SqlStore, clock: SetClock) -> None:
    applying.apply(FILE, read=read)
    before = event_kinds(store)
    clock.now += DAY
    again = applying.apply(FILE, read=read)
    assert set(outcomes(again).values()) == {"unchanged"}
    assert event_kinds(store) == before


def test_a_dry_run_says_the_same_and_does_nothing(applying: Applying, publishers: Publishers, store: SqlStore) -> None:
    before = event_kinds(store)
    would = applying.apply(FILE, read=read, dry_run=True)
    assert would.dry_run
    assert publishers.all() == []
    assert event_kinds(store) == before
    done = applying.apply(FILE, read=read)
    assert said(would) == said(done)


def test_what_differs_is_changed_and_named(applying: Applying, publishers: Publishers) -> None:
    applying.apply(FILE, read=read)
    other = changed(lambda file: file["projects"][0]["publishers"][0]["rules"].pop("runner"))
    other["issuers"][1]["token-lifetime"] = 900
    applied = applying.apply(other, read=read)
    found = {one.path: one.details for one in applied.changes if one.outcome != "unchanged"}
    assert found == {"issuers[1]": ("its terms",), "projects[0].publishers[0]": ("its rules",)}
    rules = next(link.rules for link in publishers.all("hello")[0].links if link.project == "hello")
    assert rules.runner is None


def test_a_replaced_key_set_is_warned_about(applying: Applying) -> None:
    applying.apply(FILE, read=read)
    applied = applying.apply(changed(lambda file: file["issuers"][1].pop("jwks")), read=read)
    (change,) = (one for one in applied.changes if one.outcome == "changed")
    assert change.details == ("its keys",)
    assert "1 publisher(s)" in change.warnings[0]


def test_what_is_not_in_the_file_stays_and_is_listed(
    applying: Applying, publishers: Publishers, issuers: Issuers
) -> None:
    fields = {name: str(value) for name, value in FIELDS.items()}
    extra = publishers.add(Wanted(project="extra", fields={**fields, "environment": "release"}, pending=True))
    issuers.add("https://gitlab.example", "gitlab")
    applied = applying.apply(FILE, read=read)
    assert applied.other_issuers == ("https://gitlab.example",)
    assert [(publisher.id, link and link.project) for publisher, link in applied.other_links] == [
        (extra.publisher.id, "extra")
    ]
    assert publishers.get(extra.publisher.id) == extra.publisher


def test_a_project_that_became_real_stays_as_it_is(applying: Applying, publishers: Publishers, store: SqlStore) -> None:
    applying.apply(FILE, read=read)
    job = next(one for one in publishers.all("hello") if one.kind == "github")
    with store.write() as writing:
        project = writing.project("hello")
        assert project is not None
        lost = writing.make_real(project.id, name="Hello", publisher_id=job.id)
    assert len(lost) == 1
    # The other one lost its link to the race; the file wants it to have one, and the project is real now.
    again = applying.apply(FILE, read=read)
    assert outcomes(again)["projects[0]"] == "unchanged"
    assert outcomes(again)["projects[0].publishers[1]"] == "added"
    assert all(link.pending_until is None for link in publishers.get(lost[0]).links)
    assert set(outcomes(applying.apply(FILE, read=read)).values()) == {"unchanged"}


def test_a_name_held_in_vain_is_held_anew(applying: Applying, clock: SetClock) -> None:
    applying.apply(FILE, read=read)
    clock.now += 10 * DAY
    again = outcomes(applying.apply(FILE, read=read))
    assert again["projects[0]"] == "added"
    assert again["projects[1]"] == "unchanged"
    assert set(outcomes(applying.apply(FILE, read=read)).values()) == {"unchanged"}


def test_owners_come_with_their_project(applying: Applying, store: SqlStore, people: People) -> None:
    owned = changed(lambda file: file["projects"][0].update(owner="Anna"))
    with pytest.raises(BadFile, match="no user 'Anna'"):
        applying.apply(owned, read=read)
    anna = people.add("Anna")
    applying.apply(owned, read=read)
    with store.read() as reading:
        project = reading.project("hello")
        assert project is not None
        assert reading.members(project.id) == [anna]
        assert not reading.is_member(project.id, anna.id)
    assert set(outcomes(applying.apply(owned, read=read)).values()) == {"unchanged"}


def test_a_project_without_publishers_must_exist(applying: Applying, store: SqlStore) -> None:
    document = {"projects": [{"name": "alone"}]}
    with pytest.raises(BadFile, match=r"projects\[0\]: does not exist"):
        applying.apply(document, read=read)
    with store.write() as writing:
        writing.add_project(a_project("alone"))
    assert outcomes(applying.apply(document, read=read)) == {"projects[0]": "unchanged"}


def test_all_that_is_wrong_is_said_at_once_with_its_path_and_nothing_is_changed(
    applying: Applying, publishers: Publishers, store: SqlStore
) -> None:
    def spoil(file: dict[str, Any]) -> None:
        file["issuers"] += [
            {"url": CI, "kind": "generic"},
            {"url": "http://ci.example", "kind": "generic"},
            {"url": "https://c.example", "kind": "frob"},
            {"url": "https://d.example", "kind": "generic", "jwks": "nowhere.json"},
        ]
        file["projects"] += [
            {"name": "os", "publishers": [{"fields": FIELDS}]},
            {"name": "Hello", "publishers": []},
            {"name": "nobody"},
            {
                "name": "third",
                "publishers": [
                    {"fields": {"repository": "x", "workflow": "y"}},
                    {"fields": {**FIELDS, "owner_id": 9}},
                    {"fields": FIELDS, "issuer": "https://unknown.example"},
                    {"fields": {"repository": "o/new", "workflow": "release.yml"}},
                    {"fields": FIELDS},
                    {"fields": FIELDS},
                ],
            },
        ]

    before = event_kinds(store)
    with pytest.raises(BadFile) as refused:
        applying.apply(changed(spoil), read=read)
    paths = [one.partition(": ")[0] for one in refused.value.faults]
    assert sorted(paths) == sorted(
        [
            "issuers[2]",
            "issuers[3]",
            "issuers[4]",
            "issuers[5]",
            "projects[2].publishers[0]",
            "projects[3]",
            "projects[4]",
            "projects[5].publishers[0]",
            "projects[5].publishers[0]",
            "projects[5].publishers[1]",
            "projects[5].publishers[2]",
            "projects[5].publishers[3]",
            "projects[5].publishers[5]",
        ]
    )
    assert "nothing was changed" in refused.value.message
    assert publishers.all() == []
    assert event_kinds(store) == before


def test_a_forge_is_asked_once_for_each_identity(store: SqlStore, clock: SetClock, issuers: Issuers) -> None:
    asked: list[str] = []

    class Forge:
        def ids(self, issuer: Issuer, kind: str, fields: Mapping[str, str]) -> Mapping[str, str]:
            asked.append(fields["repository"])
            if fields["repository"] == "o/secret":
                raise ForgeSilent("GitHub knows no public repository 'o/secret'.")
            return {"owner_id": "1", "repository_id": "2"}

    applying = Applying(store, clock, issuers=issuers, publishers=Publishers(store, clock, forge=Forge()))

    def job(repository: str, **more: Any) -> dict[str, Any]:
        return {"fields": {"repository": repository, "workflow": "release.yml", **more}}

    document = {"projects": [{"name": name, "publishers": [job("o/mono")]} for name in ("one", "two", "three")]}
    applying.apply(document, read=read)
    assert asked == ["o/mono"]
    applying.apply(document, read=read)
    assert asked == ["o/mono"]
    # What one entry says of an identity holds for the others.
    document["projects"] += [
        {"name": "four", "publishers": [job("o/given")]},
        {"name": "five", "publishers": [job("o/given", owner_id=8, repository_id=9)]},
    ]
    applying.apply(document, read=read)
    assert asked == ["o/mono"]
    document["projects"].append({"name": "six", "publishers": [job("o/secret")]})
    with pytest.raises(BadFile, match="Give owner_id, repository_id among its fields"):
        applying.apply(document, read=read)


SHAPES: list[tuple[Any, str]] = [
    ([], "the file: is not a table"),
    ({"colour": "red"}, "colour: is not known here"),
    ({"issuers": {}}, "issuers: is not an array"),
    ({"issuers": [{"url": CI}]}, "issuers[0].kind: is missing"),
    ({"issuers": [{"url": "", "kind": "generic"}]}, "issuers[0].url: is empty"),
    ({"issuers": [{"url": CI, "kind": "generic", "max-age": True}]}, "issuers[0].max-age: is not a whole number"),
    ({"issuers": [{"url": CI, "kind": "generic", "max-age": 0}]}, "issuers[0].max-age: is not from 1 to 86400"),
    ({"issuers": [{"url": CI, "kind": "generic", "algorithms": ["none"]}]}, "issuers[0].algorithms[0]: is none of"),
    ({"issuers": [{"url": CI, "kind": "generic", "private": 1}]}, "issuers[0].private: is not true or false"),
    ({"projects": [{"name": "x", "hold-days": 366}]}, "projects[0].hold-days: is not from 1 to 365"),
    ({"projects": [{"name": "x", "publishers": [{}]}]}, "projects[0].publishers[0].fields: is missing"),
    (
        {"projects": [{"name": "x", "publishers": [{"fields": {"a": 1.5}}]}]},
        "projects[0].publishers[0].fields.a: is not a text or a whole number or true or false",
    ),
    (
        {"projects": [{"name": "x", "publishers": [{"fields": {}, "rules": {"events": ["e"] * 33}}]}]},
        "projects[0].publishers[0].rules.events: has more than 32 entries",
    ),
    ({"projects": [{"name": "x" * 1025}]}, "projects[0].name: is longer than 1024 characters"),
]


@pytest.mark.parametrize(("document", "fault"), SHAPES)
def test_a_file_of_another_shape_is_refused_by_path(applying: Applying, document: Any, fault: str) -> None:
    with pytest.raises(BadFile) as refused:
        applying.apply(document, read=read)
    assert [one for one in refused.value.faults if one.startswith(fault)], refused.value.faults


def test_no_value_of_the_file_is_in_what_is_said_of_its_shape() -> None:
    secret = "pypi-AgEIcHlwaS5vcmc"
    document = {"issuers": [{"url": 1, "kind": [secret], "password": secret}], "projects": secret}
    assert list(faults(document))
    assert secret not in "".join(faults(document))


def test_the_schema_uses_only_what_the_reader_knows() -> None:
    known = {
        "$schema", "title", "description", "type", "properties", "required", "additionalProperties", "items",
        "maxItems", "minLength", "maxLength", "minimum", "maximum", "enum",
    }  # fmt: skip

    def keywords(schema: Mapping[str, Any]) -> Iterator[str]:
        yield from schema
        for below in schema.get("properties", {}).values():
            yield from keywords(below)
        for name in ("items", "additionalProperties"):
            if isinstance(schema.get(name), dict):
                yield from keywords(schema[name])

    assert set(keywords(SCHEMA)) <= known
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


NAMES = st.sampled_from(["alpha", "beta", "gamma"])
RULES = st.fixed_dictionaries(
    {},
    optional={
        "ref": st.sampled_from(["refs/tags/v*", "refs/heads/main"]),
        "protected-ref": st.booleans(),
        "events": st.lists(st.sampled_from(["push", "release"]), max_size=3),
    },
)
PUBLISHERS = st.lists(
    st.builds(
        lambda environment, rules: {
            "fields": {**FIELDS, **({"environment": environment} if environment else {})},
            "rules": rules,
        },
        st.sampled_from(["", "pypi", "release"]),
        RULES,
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda one: str(one["fields"].get("environment")),
)
PROJECTS = st.lists(
    st.builds(lambda name, publishers: {"name": name, "publishers": publishers}, NAMES, PUBLISHERS),
    max_size=3,
    unique_by=lambda one: str(one["name"]),
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """One index for all examples: each finds what the ones before it left."""
    path = tmp_path_factory.mktemp("apply") / "index"
    with open_folder(path, create=True, public_url="https://index.example", clock=SetClock()) as opened:
        yield opened


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(projects=PROJECTS)
def test_applying_twice_is_applying_once(lasting: Folder, projects: list[dict[str, Any]]) -> None:
    would = lasting.applying.apply({"projects": projects}, read=no_file, dry_run=True)
    done = lasting.applying.apply({"projects": projects}, read=no_file)
    assert said(would) == said(done)
    events = lasting.records.events(limit=1000)
    again = lasting.applying.apply({"projects": projects}, read=no_file)
    assert set(outcomes(again).values()) <= {"unchanged"}
    assert lasting.records.events(limit=1000) == events
    wanted = {(project["name"], len(project["publishers"])) for project in projects}
    assert all(len(lasting.publishers.all(name)) >= count for name, count in wanted)


def test_a_file_in_a_folder_of_its_own_names_others_from_there(tmp_path: Path, folder: Folder) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ci.json").write_text(KEYS, "utf-8")
    folder.applying.apply(FILE, read=lambda name: (tmp_path / name).read_text("utf-8"))
    assert folder.issuers.get(CI).jwks == json.loads(KEYS)
