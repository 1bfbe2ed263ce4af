# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is gone for good is gone: from pages, rows, files and the audit log."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing

import pytest

from trustpub.index.bootstrap.opening import open_folder

from ..storage.conftest import Ran, Served, command  # noqa: TID252
from .conftest import Halves

Trustpub = Callable[..., Ran]
Serve = Callable[..., Served]


def page(served: Served, path: str) -> int:
    """Its status."""
    try:
        with urllib.request.urlopen(served.url + path, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def test_a_purged_project_is_gone_with_its_files_and_nobody_gets_its_name(
    serve: Serve, trustpub: Trustpub, token: Callable[..., str]
) -> None:
    served = serve()
    secret = token(served)
    assert Halves(served, secret, "1.0").end()[0] == 200
    assert page(served, "/simple/big/") == 200
    typed = [*command("admin", "purge", "project", "Big", "--data", served.data)]
    asked = subprocess.run(typed, input="bog\n", capture_output=True, text=True, timeout=60, check=False)
    assert (asked.returncode, "Nothing was changed" in asked.stderr) == (2, True)
    assert "1 file(s) of" in asked.stdout
    assert page(served, "/simple/big/") == 200
    done = subprocess.run(typed, input="big\n", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "The project big is gone." in done.stdout) == (0, True), done.stderr
    assert page(served, "/simple/big/") == 404
    assert not list((served.data / "packages").rglob("*.whl*"))
    assert trustpub("admin", "check-files", "--data", served.data).code == 0
    code, answer = Halves(served, secret, "1.0").end()
    assert (code, "A project of this name was purged" in answer or "prohibited" in answer) == (400, True), answer
    assert trustpub("admin", "name", "permit", "big", "--data", served.data).code == 0
    assert Halves(served, secret, "1.0").end()[0] == 200


def test_a_purged_account_leaves_what_was_done_and_nothing_of_who_did_it(
    serve: Serve, trustpub: Trustpub, token: Callable[..., str]
) -> None:
    served = serve()
    admin = [*("--data", served.data)]
    secret = token(served)
    with open_folder(served.data, create=False) as folder:
        folder.people.set_email("ada", "ada@example.org")
    assert Halves(served, secret, "1.0").end()[0] == 200
    alone = trustpub("admin", "purge", "account", "ada", "--yes", *admin)
    assert (alone.code, "is the only owner of big" in alone.err) == (1, True)
    assert trustpub("admin", "user", "add", "ben", *admin).code == 0
    with open_folder(served.data, create=False) as folder:
        ben = folder.people.user("ben")
        with folder.store.write() as writing:
            project = writing.project("big")
            assert project is not None
            writing.add_member(project.id, ben.id)
    before = json.loads(trustpub("admin", "events", "--json", *admin).out)
    done = trustpub("admin", "purge", "account", "Ada", "--yes", *admin)
    assert (done.code, "The account ada is gone." in done.out) == (0, True), done.err
    assert Halves(served, secret, "1.1").end()[0] == 403
    after = json.loads(trustpub("admin", "events", "--json", *admin).out)
    assert [one["kind"] for one in after] == ["account-purged", *(one["kind"] for one in before)]
    assert any("purged-" in json.dumps(one["facts"]) for one in after[1:])
    assert page(served, "/simple/big/") == 200
    served.stop()
    for file in served.data.glob("index.db*"):
        content = file.read_bytes().lower()
        assert b"ada@example.org" not in content, file
        assert b'"ada"' not in content, file
    # Nobody else can change an event: the trigger is back.
    again = serve()
    assert trustpub("admin", "user", "add", "eve", *admin).code == 0
    again.stop()
    with closing(sqlite3.connect(served.data / "index.db")) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE events SET kind = 'x'")


def test_the_last_administrator_stays(serve: Serve, trustpub: Trustpub) -> None:
    served = serve()
    assert trustpub("admin", "user", "add", "ada", "--data", served.data).code == 0
    assert trustpub("admin", "user", "promote", "ada", "--data", served.data).code == 0
    done = trustpub("admin", "purge", "account", "ada", "--yes", "--data", served.data)
    assert (done.code, "is the last administrator" in done.err) == (1, True)
