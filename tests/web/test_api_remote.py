# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin --url``: the same commands, the same words, wherever the index is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from tests.index.storage.conftest import Ran, trustpub
from tests.index.web.conftest import serving

from .stocked import Stocked, stocked

__all__ = ["trustpub"]

Admin = Callable[..., Ran]
GITHUB = ("--repository", "acme/later", "--workflow", "release.yml", "--owner-id", 1, "--repository-id", 2)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Stocked]:
    key = RSAKey.generate_key(2048, parameters={"kid": "key-1"})
    with stocked(tmp_path / "index", key) as made:
        made.release("1.0")
        yield made


@pytest.fixture
def afar(index: Stocked, trustpub: Admin) -> Iterator[Admin]:
    """``trustpub admin …`` as the administrator, over HTTP."""
    secret = index.live.folder.credentials.issue_user_token(index.users["root"], scope="manage")[1].reveal()
    with serving(index.app) as port:

        def run(*arguments: object, token: str = secret) -> Ran:
            return trustpub("admin", *arguments, "--url", f"http://127.0.0.1:{port}", env={"TRUSTPUB_TOKEN": token})

        yield run


@pytest.fixture
def beside(tmp_path: Path, trustpub: Admin) -> Admin:
    def run(*arguments: object) -> Ran:
        return trustpub("admin", *arguments, "--data", tmp_path / "index")

    return run


def test_what_is_shown_is_the_same_from_afar(index: Stocked, afar: Admin, beside: Admin) -> None:
    for words in (
        ("user", "list"),
        ("project", "list", "--json"),
        ("project", "show", "hello"),
        ("publisher", "list", "hello"),
        ("issuer", "list", "--json"),
        ("project", "policy", "hello"),
        ("name", "hold-days"),
        ("project", "show", "missing"),
        ("publisher", "show", "missing"),
        ("user", "add", "not a name"),
        ("user", "promote", "root"),
        ("project", "yank", "hello", "--version", "9.9"),
    ):
        there, here = afar(*words), beside(*words)
        assert (there.code, there.out, there.err) == (here.code, here.out, here.err), words


def test_what_is_changed_is_changed_and_who_did_it_is_kept(index: Stocked, afar: Admin) -> None:
    added = afar("publisher", "add", "later", "--pending", *GITHUB, "--ref", "refs/tags/v*")
    assert added.code == 0, added.err
    assert "may publish later only from runs for refs/tags/v*" in added.out
    assert "Yanked: hello-1.0-py3-none-any.whl" in afar("project", "yank", "hello", "--all", "--reason", "bad").out
    file = index.file("hello-1.0-py3-none-any.whl")
    assert file is not None
    assert file.yanked == "bad"
    assert index.last_event().facts["by"]["name"] == "root"
    token = afar("token", "create", "ben", "--scope", "read", "--expires", "1d")
    assert token.code == 0
    assert token.out.startswith("pypi-")
    assert token.out.strip() not in token.err
    invited = afar("user", "invite", "--email", "dee@example.org")
    assert invited.out.startswith("https://index.example/invitation/")
    lines = afar("events", "--export", "--kind", "file-yanked,publisher-added").out.splitlines()
    assert [json.loads(one)["kind"] for one in lines] == ["file-yanked", "publisher-added"]
    assert "file-yanked" in afar("events", "--project", "hello", "--kind", "file-yanked", "--since", "2020-01-01").out


def test_a_file_is_applied_from_afar_with_what_it_names(afar: Admin, tmp_path: Path) -> None:
    key = RSAKey.generate_key(2048, parameters={"kid": "k"})
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    file = tmp_path / "index.toml"
    file.write_text(
        '[[issuers]]\nurl = "https://gitlab.example"\nkind = "gitlab"\njwks = "keys.json"\n'
        '[[projects]]\nname = "later"\n[[projects.publishers]]\nfields = { repository = "acme/later", '
        'workflow = "release.yml", owner_id = "1", repository_id = "2" }\n'
    )
    dry = afar("apply", file, "--dry-run")
    assert "Nothing was changed. It would be: 3 added" in dry.out, dry.err
    assert "Done: 3 added" in afar("apply", file).out
    again = afar("apply", file)
    assert "Nothing to change" in again.out
    file.write_text('[[projects]]\nname = "really late"\n[[issuers]]\nurl = "x"\nkind = "y"\n')
    bad = afar("apply", file)
    assert bad.code == 2
    assert "The file cannot be applied, and nothing was changed:\n  issuers[0]: " in bad.err
    (tmp_path / "keys.json").unlink()
    file.write_text('[[issuers]]\nurl = "https://gitlab.example"\nkind = "gitlab"\njwks = "keys.json"\n')
    assert "issuers[0]: " in afar("apply", file).err


def test_somebody_without_a_good_token_is_told_so(index: Stocked, afar: Admin, trustpub: Admin) -> None:
    refused = afar("user", "list", token="nonsense")
    assert refused.code == 1
    assert "a token of scope 'manage'" in refused.err
    assert "nonsense" not in refused.err
    upload = afar("user", "list", token=index.user_token("root"))
    assert "a token of scope 'upload' manages nothing" in upload.err
    none = trustpub("admin", "user", "list", "--url", "https://index.example")
    assert none.code == 2
    assert "TRUSTPUB_TOKEN" in none.err
    assert trustpub("admin", "user", "list").code == 2
    assert trustpub("admin", "user", "list", "--url", "https://x.example", "--data", ".").code == 2
    plain_http = trustpub("admin", "user", "list", "--url", "http://index.example", env={"TRUSTPUB_TOKEN": "t"})
    assert "over which anybody could read the token" in plain_http.err


def test_an_owner_manages_their_own_project_and_nothing_else(index: Stocked, afar: Admin) -> None:
    ada = index.live.folder.credentials.issue_user_token(index.users["ada"], scope="manage")[1].reveal()
    policy = afar("project", "policy", "hello", "--attestations", "required", token=ada)
    assert "every file needs an attestation" in policy.out, policy.err
    assert index.project().attestations == "required"
    added = afar("publisher", "add", "hello", *GITHUB, token=ada)
    assert added.code == 0, added.err
    held = afar("publisher", "add", "fresh", "--pending", *GITHUB, token=ada)
    assert held.code == 0, held.err
    with index.store.read() as reading:
        assert reading.role(reading.project("fresh").id, index.users["ada"].id) == "owner"
    others = afar("publisher", "add", "more", "--pending", "--owner", "ben", *GITHUB, token=ada)
    assert others.code == 1
    assert "Only administrators" in others.err
    assert afar("user", "list", token=ada).code == 1
    assert afar("project", "quarantine", "hello", token=ada).code == 1


def ask_to_mint(index: Stocked) -> Any:
    with TestClient(index.app, base_url="https://index.example") as client:
        return client.post("/_/oidc/mint-token", content=index.live.body())


def test_switches_hold_from_the_next_request_on(index: Stocked, afar: Admin) -> None:
    minted = index.minted()
    assert "Nothing is stopped." in afar("switch", "list").out
    assert afar("switch", "no-mint", "github", "--reason", "keys leaked").code == 0
    refused = ask_to_mint(index)
    assert refused.status_code == 403
    assert refused.json()["detail"] == "no tokens are minted here for GitHub Actions for now: keys leaked"
    assert refused.json()["errors"][0]["code"] == "minting-stopped"
    assert afar("switch", "no-mint", "nonsense").code == 2
    assert "no minting for github: keys leaked" in afar("switch", "list").out
    assert afar("switch", "mint", "github").code == 0
    assert ask_to_mint(index).status_code == 200
    assert afar("switch", "read-only", "--reason", "moving house").code == 0
    for answer in (ask_to_mint(index), upload(index, minted)):
        assert answer.status_code == 503
        assert answer.json()["detail"].endswith("the index is read-only for now: moving house")
    ada = index.live.folder.credentials.issue_user_token(index.users["ada"], scope="manage")[1].reveal()
    frozen = afar("project", "archive", "hello", token=ada)
    assert frozen.code == 4
    assert "read-only for now: moving house" in frozen.err
    assert afar("project", "show", "hello", token=ada).code == 0
    assert afar("switch", "writable").code == 0
    assert afar("project", "archive", "hello", token=ada).code == 0


def upload(index: Stocked, token: str) -> Any:
    """An upload that may be refused."""
    from tests.index.web.conftest import BOUNDARY, form, multipart

    from .stocked import a_wheel

    content, filename = a_wheel("hello", "2.0"), "hello-2.0-py3-none-any.whl"
    headers = {
        "Authorization": f"Bearer {token}", "Accept": "application/json",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }  # fmt: skip
    told = form(content, filename, version="2.0", requires_python=None)
    with TestClient(index.app, base_url="https://index.example") as client:
        return client.post("/legacy/", content=multipart(told, content, filename), headers=headers)


def test_a_token_to_manage_with_is_made_in_the_browser_like_any_other(index: Stocked, afar: Admin) -> None:
    new = "/manage/account/tokens/new/"
    page = index.browser("ada").post(new, description="robot", scope="manage", project="hello", days="7")
    secret = re.search(r"pypi-[A-Za-z0-9_-]+", page.text)
    assert secret is not None
    shown = afar("project", "show", "hello", token=secret[0])
    assert shown.code == 0, shown.err
    assert "hello-1.0-py3-none-any.whl" in shown.out
    assert afar("project", "archive", "other", token=secret[0]).code == 1
