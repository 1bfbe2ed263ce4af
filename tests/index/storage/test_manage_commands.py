# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin`` as somebody types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.kept import Attempt

from .conftest import PUBLIC, Ran

Admin = Callable[..., Ran]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of an index that was started once."""
    path = tmp_path / "index"
    open_folder(path, create=True, public_url="https://index.example").close()
    return path


@pytest.fixture
def admin(trustpub: Callable[..., Ran], data: Path) -> Admin:
    def run(*arguments: object) -> Ran:
        return trustpub("admin", *arguments, "--data", data)

    return run


def rows(ran: Ran) -> Any:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


GITHUB = (
    "--repository", "acme/hello", "--workflow", "release.yml", "--owner-id", 1, "--repository-id", 2,
)  # fmt: skip


def test_a_publisher_from_its_registration_to_its_end(admin: Admin) -> None:
    rules = ("--ref", "refs/tags/v*", "--protected-ref", "--event", "push", "--event", "release")
    added = admin("publisher", "add", "hello", "--pending", "--hold-days", 3, *GITHUB, *rules)
    assert added.code == 0, added.err
    assert "acme/hello, release.yml, any environment" in added.out
    assert "for refs/tags/v*, for a protected ref, started by push or release" in added.out
    (row,) = rows(admin("publisher", "list", "hello", "--json"))
    assert row["fields"]["repository"] == "acme/hello"
    assert row["projects"][0]["rules"] == {
        "ref": "refs/tags/v*",
        "protected_ref": True,
        "events": ["push", "release"],
    }
    shown = admin("publisher", "show", row["id"])
    assert "owner_id: 1" in shown.out
    assert "publishes hello only from runs for refs/tags/v*" in shown.out
    assert rows(admin("publisher", "show", row["id"], "--json")) == row
    assert admin("publisher", "rules", row["id"], "hello").code == 2
    assert admin("publisher", "rules", row["id"], "hello", "--none", "--protected-ref").code == 2
    assert "from any run" in admin("publisher", "rules", row["id"], "hello", "--none").out
    assert rows(admin("publisher", "show", row["id"], "--json"))["projects"][0]["rules"] == {}
    assert "removed" in admin("publisher", "remove", row["id"]).out
    assert admin("publisher", "show", row["id"]).code == 1
    kinds = [one["kind"] for one in rows(admin("events", "--json"))]
    assert kinds[:4] == ["project-freed", "publisher-removed", "publisher-rules-changed", "publisher-added"]


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (
            "gitlab",
            {
                "namespace": "group/sub",
                "project": "hello",
                "workflow_filepath": ".gitlab-ci.yml",
                "namespace_id": "1",
                "project_id": "2",
            },
            "GitLab CI, namespace group/sub, project hello",
        ),
        ("google", {"email": "ci@proj.iam.gserviceaccount.com", "sub": "11"}, "ci@proj.iam.gserviceaccount.com"),
        (
            "activestate",
            {"organization": "org", "project": "proj", "actor_id": "00000000-0000-1000-8000-000000000002"},
            "organization org, project proj",
        ),
    ],
)
def test_publishers_of_other_providers_are_registered_by_their_fields(
    admin: Admin, kind: str, fields: dict[str, str], said: str
) -> None:
    options = [part for name, value in fields.items() for part in ("--field", f"{name}={value}")]
    added = admin("publisher", "add", "hello", "--pending", "--provider", kind, *options)
    assert added.code == 0, added.err
    assert said in added.out
    assert rows(admin("publisher", "list", "--json"))[0]["fields"] == fields


def test_a_generic_publisher_by_claims(admin: Admin) -> None:
    url = "https://ci.example"
    assert admin("issuer", "add", url, "--kind", "generic").code == 0
    claims = ("--field", "project_id=42", "--field", 'pipeline="release"', "--field", '/build/kind="tag"')
    add = ("publisher", "add", "hello", "--pending", "--provider", "generic", "--issuer", url, *claims)
    refused = admin(*add)
    assert refused.code == 2
    assert "immutable" in refused.err
    added = admin(*add, "--immutable", "project_id", "--workload", "pipeline")
    assert added.code == 0, added.err
    (row,) = rows(admin("publisher", "list", "--json"))
    assert row["fields"] == {"project_id": "42", "pipeline": '"release"', "/build/kind": '"tag"'}
    assert row["immutable"] == ["project_id"]


def test_all_that_is_wrong_with_a_registration_is_said_at_once(admin: Admin) -> None:
    ran = admin("publisher", "add", "-", "--repository", "x", "--workflow", "y", "--ref", "*", "--environment", "")
    assert ran.code == 2
    assert "cannot be a project's name" in ran.err
    assert "environment is empty" in ran.err
    assert "allows any ref" in ran.err


@pytest.mark.parametrize(
    ("pair", "said"), [("x", "is not NAME=VALUE"), ("=x", "is not NAME=VALUE"), ("repository=a/b", "given twice")]
)
def test_fields_are_pairs_given_once(admin: Admin, pair: str, said: str) -> None:
    ran = admin("publisher", "add", "hello", "--pending", *GITHUB, "--field", pair)
    assert ran.code == 2
    assert said in ran.err


def test_an_issuer_with_everything_that_can_be_said_about_one(admin: Admin, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [{**RSAKey.generate_key(2048).as_dict(private=False), "kid": "1"}]}), "utf-8")
    url = "https://ci.example"
    added = admin(
        "issuer", "add", url, "--kind", "generic", "--jwks", keys, "--algorithm", "ES256", "--algorithm", "RS256",
        "--array-audience", "--max-age", 600, "--max-lifetime", 1200, "--token-lifetime", 1800,
    )  # fmt: skip
    assert added.code == 0, added.err
    shown = rows(admin("issuer", "show", url, "--json"))
    assert shown["keys"] == "given"
    assert shown["algorithms"] == ["ES256", "RS256"]
    assert (shown["max_age"], shown["max_lifetime"], shown["token_lifetime"]) == (600, 1200, 1800)
    assert shown["array_audience"] is True
    assert "token lifetime    1800 seconds" in admin("issuer", "show", url).out
    assert admin("issuer", "forget-keys", url).code == 1
    assert admin("issuer", "forget-keys", PUBLIC).code == 0
    assert "KEYS OF A KNOWN ISSUER" in admin("issuer", "add", url, "--kind", "generic").err
    assert admin("issuer", "remove", url).code == 0
    assert admin("issuer", "show", url).code == 1


@pytest.mark.parametrize("option", [("--token-lifetime", 899), ("--max-age", 0), ("--accept-shared-audience", "x")])
def test_terms_out_of_bounds_are_refused(admin: Admin, option: tuple[object, ...]) -> None:
    ran = admin("issuer", "add", "https://ci.example", "--kind", "generic", *option)
    assert ran.code == 2
    assert ran.err.startswith("error:")


def test_names(admin: Admin) -> None:
    assert "No name is prohibited" in admin("name", "list").out
    assert admin("name", "prohibit", "In.House", "--reason", "ours").code == 0
    assert "in-house  ours" in admin("name", "list").out
    refused = admin("publisher", "add", "in_house", "--pending", *GITHUB)
    assert refused.code == 1
    assert "prohibited here: ours." in refused.err
    assert admin("name", "permit", "in-house").code == 0
    assert admin("name", "permit", "in-house").code == 1
    assert admin("name", "hold-days").out.strip() == "30"
    assert admin("name", "hold-days", 5).code == 0
    assert admin("name", "hold-days").out.strip() == "5"
    assert admin("name", "hold-days", 0).code == 2
    assert admin("publisher", "add", "hello", "--pending", *GITHUB).code == 0
    assert "is held for a first release" in admin("name", "prohibit", "hello").err


def test_refused_identities_are_shown_and_command_no_terminal(admin: Admin, data: Path) -> None:
    assert "No refused identity" in admin("attempts").out
    attempt = Attempt(
        id="a", project_id=None, issuer="https://ci.example", kind="generic", digest="d",
        claims={"sub": "red \x1b[31m ::error::x"}, reasons=["no publisher is near"], first=1.0, last=2.0, count=3,
        peer="192.0.2.1",
    )  # fmt: skip
    with open_folder(data, create=False) as folder, folder.store.write() as writing:
        writing.note_attempt(attempt, most=10)
    shown = admin("attempts")
    assert "3 times, by https://ci.example, from 192.0.2.1" in shown.out
    assert "no publisher is near" in shown.out
    assert "\x1b" not in shown.out
    assert "::" not in shown.out
    (row,) = rows(admin("attempts", "--json"))
    assert row["count"] == 3
    assert admin("attempts", "--project", "nowhere").code == 1


TOML = """
[[issuers]]
url = "https://ci.example"
kind = "generic"
jwks = "keys.json"

[[projects]]
name = "hello"

[[projects.publishers]]
fields = { repository = "acme/hello", workflow = "release.yml", owner_id = 1, repository_id = 2 }
rules = { ref = "refs/tags/v*" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "keys.json").write_text(
        json.dumps({"keys": [{**RSAKey.generate_key(2048).as_dict(private=False), "kid": "1"}]}), "utf-8"
    )
    path = tmp_path / "trust.toml"
    path.write_text(TOML, "utf-8")
    return path


def test_a_file_is_tried_then_applied_then_nothing_is_left_to_do(admin: Admin, file: Path) -> None:
    tried = admin("apply", file, "--dry-run")
    assert tried.code == 0, tried.err
    assert "+ project hello, held for its first release" in tried.out
    assert "Nothing was changed. It would be: 3 added" in tried.out
    assert rows(admin("publisher", "list", "--json")) == []
    done = rows(admin("apply", file, "--json"))
    assert done["applied"] is True
    assert [one["outcome"] for one in done["changes"]] == ["added"] * 3
    assert "Nothing to change: the index is as the file says (3 entries)." in admin("apply", file).out
    file.write_text(TOML.replace("refs/tags/v*", "refs/heads/main"), "utf-8")
    assert "~ publisher github acme/hello of hello (its rules)" in admin("apply", file).out
    assert admin("publisher", "add", "extra", "--pending", *GITHUB).code == 0
    assert "? not in the file: publisher" in admin("apply", file).out


def test_the_same_file_may_be_json(admin: Admin, tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    fields = {"repository": "acme/hello", "workflow": "release.yml", "owner_id": "1", "repository_id": "2"}
    path.write_text(json.dumps({"projects": [{"name": "hello", "publishers": [{"fields": fields}]}]}), "utf-8")
    assert admin("apply", path).code == 0
    path.write_text('{"projects": [], "projects": []}', "utf-8")
    twice = admin("apply", path)
    assert twice.code == 2
    assert "stands twice" in twice.err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("trust.yaml", "", "ends neither in .toml nor in .json"),
        ("trust.toml", "x = ", "is not TOML"),
        ("trust.json", "{", "is not JSON (line 1)"),
        ("trust.json", "[" * 100_000, "is not JSON"),
        ("trust.toml", "colour = 1", "colour: is not known here"),
        ("trust.toml", '[[projects]]\nname = "os"\n[[projects.publishers]]\nfields = {}', "publishers[0]:"),
        ("trust.toml", '[[issuers]]\nurl = "https://a.example"\nkind = "generic"\njwks = "no"', "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_applied_is_a_sentence(
    admin: Admin, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    ran = admin("apply", tmp_path / name)
    assert ran.code == 2
    assert said in ran.err


def test_the_schema_is_printed_without_an_index(trustpub: Callable[..., Ran]) -> None:
    ran = trustpub("admin", "apply", "--schema")
    assert ran.code == 0
    assert json.loads(ran.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
