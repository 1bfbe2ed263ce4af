# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: role, action and object, over every page and every operation of the management API.

The tables here are written by hand, beside those of the index: what is new there and has no line here fails.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from trustpub.errors import Declined
from trustpub.index.accounts.authority import Action
from trustpub.index.desk.table import SERVED
from trustpub.index.kept import Project
from trustpub.index.web.site.table import PAGES
from trustpub.protocol.management.operation import Operation
from trustpub.protocol.management.table import OPERATIONS
from trustpub.trust.publishers import Link, Publisher

from .stocked import Stocked, stocked

# Who may at the least. "everybody" needs no account; "person" any; the others are roles.
EVERYBODY, PERSON, MAINTAINER, OWNER, ADMINISTRATOR = "everybody", "person", "maintainer", "owner", "administrator"
MATRIX: Mapping[str, str] = {
    "project.read": EVERYBODY,
    "project.manage": MAINTAINER,
    "project.upload": MAINTAINER,
    "project.yank": MAINTAINER,
    "project.delete": OWNER,
    "project.archive": OWNER,
    "project.quarantine": ADMINISTRATOR,
    "project.policy": OWNER,
    "project.members.read": MAINTAINER,
    "project.members": OWNER,
    "project.publishers.read": MAINTAINER,
    "project.publishers.change": OWNER,
    "project.audit": MAINTAINER,
    "account.read": PERSON,
    "account.change": PERSON,
    "account.tokens.read": PERSON,
    "account.tokens": PERSON,
    "account.pending.read": PERSON,
    "account.pending": PERSON,
    "index.read": EVERYBODY,
    "index.users": ADMINISTRATOR,
    "index.issuers": ADMINISTRATOR,
    "index.projects": ADMINISTRATOR,
    "index.publishers": ADMINISTRATOR,
    "index.names": ADMINISTRATOR,
    "index.switches": ADMINISTRATOR,
    "index.audit": ADMINISTRATOR,
    "index.apply": ADMINISTRATOR,
}

PEOPLE = ("nobody", "cy", "ben", "ada", "root")
"""Nobody in particular; somebody with an account; Hello's maintainer; its owner; the administrator."""
OBJECTS: Mapping[str, Mapping[str, str]] = {
    "hello": {"ada": OWNER, "ben": MAINTAINER},
    "other": {},
    "held": {"ada": OWNER},
    "missing": {},
}
"""Projects, and what people are to them. Held is a name for a first release; Missing is not there."""

# What each operation of the API takes. Its own table says so too, and must not say otherwise.
OPERATIONS_TAKE: Mapping[str, str] = {
    "project.list": "index.read", "project.show": "project.manage", "project.files": "project.read",
    "project.yank": "project.yank", "project.unyank": "project.yank", "project.delete": "project.delete",
    "project.status": "project.archive", "project.quarantine": "project.quarantine",
    "project.release": "project.quarantine", "project.policy": "project.policy",
    "member.list": "project.members.read", "member.add": "project.members", "member.change": "project.members",
    "member.remove": "project.members", "project.events": "project.audit", "project.export": "project.audit",
    "project.publishers": "project.publishers.read", "publisher.add": "project.publishers.change",
    "publisher.rules": "project.publishers.change", "publisher.constrain": "project.publishers.change",
    "publisher.unlink": "project.publishers.change", "attempt.list": "project.publishers.read",
    "attempt.show": "project.publishers.read", "attempt.mend": "project.publishers.change",
    "attempt.register": "project.publishers.change", "publisher.list": "index.publishers",
    "publisher.show": "index.publishers", "publisher.remove": "index.publishers", "pending.add": "account.pending",
    "account.show": "account.read", "account.tokens": "account.tokens.read", "account.pending": "account.pending.read",
    "issuer.list": "index.issuers", "issuer.show": "index.issuers", "issuer.put": "index.issuers",
    "issuer.remove": "index.issuers", "issuer.switch": "index.issuers", "issuer.forget-keys": "index.issuers",
    "user.list": "index.users", "user.add": "index.users", "user.change": "index.users", "user.reset": "index.users",
    "invitation.list": "index.users", "invitation.add": "index.users", "invitation.remove": "index.users",
    "token.list": "index.users", "token.add": "index.users", "token.remove": "index.users",
    "index.events": "index.audit", "index.export": "index.audit", "index.attempts": "index.audit",
    "switch.show": "index.switches", "switch.read-only": "index.switches", "switch.minting": "index.switches",
    "name.list": "index.names", "name.prohibit": "index.names", "name.permit": "index.names",
    "name.hold-days": "index.names", "name.set-hold-days": "index.names", "index.apply": "index.apply",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """What a page takes: an action, or "open" for one that looks at who asks in its own way."""

    action: str
    form: Mapping[str, str] = field(default_factory=dict)
    """What has to be sent for the question to come up at all."""


OPEN = Line("open")
PAGES_TAKE: Mapping[tuple[str, str], Line] = {
    ("GET", "front"): OPEN,
    ("GET", "sign-in"): OPEN,
    ("POST", "sign-in.post"): OPEN,
    ("GET", "second-factor"): OPEN,
    ("POST", "second-factor.post"): OPEN,
    ("POST", "sign-out"): OPEN,
    ("GET", "confirm"): Line("account.read"),
    ("POST", "confirm.post"): OPEN,
    ("GET", "invitation"): OPEN,
    ("POST", "invitation.post"): OPEN,
    ("GET", "account"): Line("account.read"),
    ("GET", "account.email"): Line("account.change"),
    ("POST", "account.email.post"): Line("account.change"),
    ("GET", "account.password"): Line("account.change"),
    ("POST", "account.password.post"): Line("account.change"),
    ("GET", "account.second-factor"): Line("account.change"),
    ("POST", "account.second-factor.post"): Line("account.change"),
    ("GET", "account.second-factor.remove"): Line("account.change"),
    ("POST", "account.second-factor.remove.post"): Line("account.change"),
    ("GET", "account.recovery-codes"): Line("account.change"),
    ("POST", "account.recovery-codes.post"): Line("account.change"),
    ("POST", "account.sessions.end"): Line("account.change", {"session": "none"}),
    ("GET", "account.tokens"): Line("account.tokens.read"),
    ("GET", "account.tokens.new"): Line("account.tokens"),
    ("POST", "account.tokens.new.post"): Line("account.tokens"),
    ("POST", "account.tokens.end"): Line("account.tokens", {"token": "none"}),
    ("GET", "search"): Line("index.read"),
    ("GET", "project"): Line("project.read"),
    ("GET", "release"): Line("project.read"),
    ("GET", "projects"): Line("account.read"),
    ("GET", "manage-project"): Line("project.manage"),
    ("GET", "manage-release"): Line("project.manage"),
    ("POST", "manage-release"): Line("project.yank", {"do": "yank"}),
    ("GET", "manage-delete"): Line("project.delete"),
    ("POST", "manage-delete"): Line("project.delete"),
    ("GET", "manage-settings"): Line("project.manage"),
    ("POST", "manage-settings"): Line("project.policy", {"do": "policy", "attestations": "required"}),
    ("GET", "pending-publishers"): Line("account.pending.read"),
    ("POST", "pending-publishers"): Line("account.pending"),
    ("POST", "remove-pending"): Line("account.pending", {"project": "none", "publisher": "none"}),
    ("GET", "project-publishing"): Line("project.publishers.read"),
    ("POST", "project-publishing"): Line("project.publishers.change"),
    ("GET", "publisher"): Line("project.publishers.read"),
    ("POST", "publisher-rules"): Line("project.publishers.change"),
    ("POST", "publisher-constrain"): Line("project.publishers.change"),
    ("POST", "publisher-remove"): Line("project.publishers.change"),
    ("GET", "attempt"): Line("project.publishers.read"),
    ("POST", "attempt-order"): Line("project.publishers.change"),
    ("GET", "manage-members"): Line("project.members.read"),
    ("POST", "manage-members"): Line("project.members", {"do": "add", "user": "cy", "role": "maintainer"}),
    ("GET", "manage-log"): Line("project.audit"),
    ("GET", "openid"): OPEN,
    ("GET", "openid.arrive"): OPEN,
    ("GET", "openid.confirm"): OPEN,
    ("POST", "openid.link"): Line("account.change"),
    ("POST", "openid.unlink"): Line("account.change"),
    ("POST", "openid.invited"): OPEN,
    ("GET", "administration"): Line("index.switches"),
    ("POST", "admin.switches"): Line("index.switches"),
    ("GET", "admin.log"): Line("index.audit"),
    ("GET", "admin.issuers"): Line("index.issuers"),
    ("POST", "admin.issuers.post"): Line("index.issuers"),
    ("GET", "admin.issuer"): Line("index.issuers"),
    ("POST", "admin.issuer.post"): Line("index.issuers"),
    ("GET", "admin.users"): Line("index.users"),
    ("POST", "admin.users.post"): Line("index.users"),
    ("POST", "admin.invite"): Line("index.users"),
    ("GET", "admin.projects"): Line("index.projects"),
    ("POST", "admin.projects.post"): Line("index.projects"),
    ("GET", "admin.publishers"): Line("index.publishers"),
    ("POST", "admin.publishers.post"): Line("index.publishers"),
    ("GET", "admin.names"): Line("index.names"),
    ("POST", "admin.names.post"): Line("index.names"),
}


def allowed(person: str, action: str, thing: str | None) -> bool:
    """Whether the matrix lets a person act."""
    who = MATRIX[action]
    if thing == "missing":
        return False
    if person == "nobody":
        return who == EVERYBODY and thing != "held"
    if person == "root":
        return True
    role = None if thing is None else OBJECTS[thing].get(person)
    if who == EVERYBODY:
        return thing != "held" or role is not None
    if who == PERSON:
        return True
    return (role == OWNER and who in (OWNER, MAINTAINER)) or (role == MAINTAINER and who == MAINTAINER)


def refusal(person: str, action: str, thing: str | None) -> int:
    """With which status the API refuses; what somebody may not even read is not there."""
    if person == "nobody":
        public = action == "project.read"
        return 404 if public else 401
    if thing is None:
        return 404 if action.startswith("index.") else 403
    readable = thing in ("hello", "other") or person in OBJECTS[thing]
    return 403 if readable else 404


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    key = RSAKey.generate_key(2048, parameters={"kid": "key-1"})
    with stocked(tmp_path_factory.mktemp("matrix") / "index", key) as made:
        made.release("1.0")
        add_projects(made)
        yield made


def add_projects(index: Stocked) -> None:
    """Other, which is nobody's of ours, and Held, which will be Ada's; each with a publisher."""
    for name, until in (("other", None), ("held", int(index.now()) + 86_400)):
        project = Project(id=f"id-{name}", name=name, normalized=name, created=0, pending_until=until, serial=0)
        link = Link(project_id=project.id, project=name, pending_until=until)
        fields = {"repository": f"{name}/{name}", "workflow": "release.yml", "owner_id": "7", "repository_id": "8"}
        with index.store.write() as writing:
            writing.add_project(project)
            if name == "held":
                writing.add_member(project.id, index.users["ada"].id, OWNER)
            writing.add_publisher(
                Publisher(
                    id=f"pub-{name}", issuer="https://token.actions.githubusercontent.com", kind="github",
                    fields=fields, links=(link,),
                )
            )  # fmt: skip


def token(index: Stocked, person: str, scope: str = "manage", project: str | None = None) -> dict[str, str]:
    """The header of a person's token."""
    if person == "nobody":
        return {}
    only = None if project is None else index.project(project)
    made = index.live.folder.credentials.issue_user_token(index.users[person], scope=scope, project=only)
    return {"Authorization": f"Bearer {made[1].reveal()}"}


def test_the_matrix_has_a_line_for_every_action_operation_and_page() -> None:
    assert MATRIX.keys() == {str(one) for one in Action}
    assert {name: one.action for name, one in OPERATIONS.items()} == OPERATIONS_TAKE
    assert {(method, page.name) for page in PAGES for method in page.methods} == PAGES_TAKE.keys()
    # Whatever takes a project in its path takes a right to that project.
    for one in OPERATIONS.values():
        assert one.of_project == one.action.startswith("project.")


def made_up(schema: Mapping[str, Any]) -> Any:
    """The least that has this shape."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {name: made_up(schema["properties"][name]) for name in schema.get("required", ())}
        case "array":
            return []
        case "integer":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return False
    return "x"


def asked(client: TestClient, one: Operation, thing: str | None, headers: Mapping[str, str]) -> Any:
    """The operation, with the least that it takes."""
    path = one.path
    for part in one.parts:
        path = path.replace(f"{{{part}}}", thing or "x" if part == "project" else "x")
    query = {name: made_up(one.query[name]) for name in one.required}
    body = None if one.body is None else made_up(one.body)
    return client.request(one.method, f"/api/v1{path}", params=query, json=body, headers=dict(headers))


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is let through to an operation is told so, and nothing is done."""

    def told(desk: object, asked: object) -> Any:
        raise Declined("let through")

    monkeypatch.setattr("trustpub.index.web.management.SERVED", dict.fromkeys(SERVED, told))


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("person", PEOPLE)
def test_every_operation_lets_through_whom_the_matrix_names_and_nobody_else(index: Stocked, person: str) -> None:
    headers = token(index, person)
    wrong = []
    with TestClient(index.app, base_url="https://index.example") as client:
        for one in OPERATIONS.values():
            for thing in OBJECTS if one.of_project else (None,):
                expected = 409 if allowed(person, one.action, thing) else refusal(person, one.action, thing)
                answer = asked(client, one, thing, headers)
                if answer.status_code != expected:
                    wrong.append((one.name, thing, answer.status_code, expected))
                assert ("let through" in answer.text) == (answer.status_code == 409)
    assert not wrong


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize("scope", ["upload", "read"])
def test_no_other_scope_manages_anything_whoever_holds_the_token(index: Stocked, scope: str) -> None:
    headers = token(index, "root", scope=scope)
    with TestClient(index.app, base_url="https://index.example") as client:
        for one in OPERATIONS.values():
            answer = asked(client, one, "hello" if one.of_project else None, headers)
            expected = 409 if MATRIX[one.action] == EVERYBODY else 403
            assert answer.status_code == expected, one.name


@pytest.mark.usefixtures("stopped")
def test_a_token_for_one_project_is_good_for_that_project_alone(index: Stocked) -> None:
    headers = token(index, "root", project="hello")
    with TestClient(index.app, base_url="https://index.example") as client:
        for one in OPERATIONS.values():
            mine = asked(client, one, "hello" if one.of_project else None, headers).status_code
            assert mine == (409 if one.of_project else 403), one.name
            if one.of_project:
                assert asked(client, one, "other", headers).status_code == 403, one.name
                assert asked(client, one, "held", headers).status_code == 404, one.name


@pytest.mark.usefixtures("stopped")
def test_nothing_but_a_good_token_opens_the_api(index: Stocked) -> None:
    browser = index.browser("root").client
    one = OPERATIONS["user.list"]
    assert asked(browser, one, None, {}).status_code == 401  # a session is none
    for sent in (
        "Bearer nonsense",
        "Basic cm9vdDpyb290",
        "Bearer ",
        token(index, "root")["Authorization"][:-3] + "abc",
    ):
        answer = asked(browser, one, None, {"Authorization": sent})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    minted = asked(browser, one, None, {"Authorization": f"Bearer {index.minted()}"})
    assert minted.status_code == 403


def test_an_id_of_another_project_is_no_way_around(index: Stocked) -> None:
    headers = token(index, "ada")
    with TestClient(index.app, base_url="https://index.example", headers=headers) as client:
        for method, path, body in (
            ("DELETE", "/projects/hello/publishers/pub-other", None),
            ("PUT", "/projects/hello/publishers/pub-other/rules", {}),
            ("POST", "/projects/hello/publishers/pub-other/constrain", {"environment": "x"}),
            ("GET", "/projects/hello/attempts/pub-other", None),
            ("POST", "/projects/hello/attempts/none/mend", None),
        ):
            assert client.request(method, f"/api/v1{path}", json=body).status_code == 404, path
    with index.store.read() as reading:
        assert reading.publisher("pub-other") is not None


class Visit:
    """A person at a browser, who sends forms that they were shown, whether they were or not."""

    def __init__(self, index: Stocked, person: str) -> None:
        self.client = index.browser(None if person == "nobody" else person).client
        cookie = self.client.cookies.get("__Host-session") or ""
        session = hashlib.sha256(cookie.encode()).hexdigest()
        self.csrf = index.app.state.site.signing.form_token(f"session:{session}")

    def ask(self, method: str, path: str, form: Mapping[str, str]) -> Any:
        accept = {"Accept": "text/html"}
        if method == "GET":
            return self.client.get(path, headers=accept)
        return self.client.post(path, data={"csrf": self.csrf, **form}, headers=accept)


def address(path: str, thing: str) -> str:
    """Where a page is, for a project and things that it has."""
    known = {
        "name": thing, "version": "1.0", "attempt": "none",
        "publisher": {"hello": "pub-1"}.get(thing, f"pub-{thing}"),
    }  # fmt: skip
    return re.sub(r"{([a-z]+)}", lambda found: known.get(found[1], "none"), path)


@pytest.mark.parametrize("person", PEOPLE)
def test_every_page_refuses_whom_the_matrix_does_not_name(index: Stocked, person: str) -> None:
    visit = Visit(index, person)
    wrong = []
    for page in PAGES:
        for method in page.methods:
            line = PAGES_TAKE[method, page.name]
            if line is OPEN:
                continue
            for thing in OBJECTS if "{name}" in page.path else (None,):
                if allowed(person, line.action, thing):
                    continue
                answer = visit.ask(method, address(page.path, thing or ""), line.form)
                if person == "nobody" and line.action != "project.read":
                    good = answer.status_code == 303 and answer.headers["location"].startswith("/login")
                else:
                    good = answer.status_code in (403, 404)
                    assert "This form is too old" not in answer.text, page.name  # else nobody was asked who may
                if not good:
                    wrong.append((method, page.name, thing, answer.status_code, answer.headers.get("location")))
    assert not wrong


@pytest.mark.parametrize("person", PEOPLE)
def test_every_page_shows_itself_to_whom_the_matrix_names(index: Stocked, person: str) -> None:
    visit = Visit(index, person)
    wrong = []
    for page in PAGES:
        if "GET" not in page.methods or page.name == "attempt":
            continue
        line = PAGES_TAKE["GET", page.name]
        for thing in OBJECTS if "{name}" in page.path else (None,):
            released = thing == "hello" or ("{version}" not in page.path and (thing, page.name) != ("held", "project"))
            if line is OPEN or not released or not allowed(person, line.action, thing):
                continue
            answer = visit.ask("GET", address(page.path, thing or ""), {})
            sent_away = answer.headers.get("location", "").startswith(("/login", "/confirm"))
            if answer.status_code not in (200, 303) or sent_away:
                wrong.append((page.name, thing, answer.status_code, answer.headers.get("location")))
    assert not wrong
