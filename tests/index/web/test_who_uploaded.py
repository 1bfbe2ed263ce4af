# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Uploads leave behind who made them; a suspended person uploads and reads nothing; use of a token is noted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from trustpub.index.credentials import Credentials
from trustpub.index.kept import Token
from trustpub.index.ports import NoRoom
from trustpub.protocol.exchange import Problem
from trustpub.secret import Secret

from .conftest import Site, Uploader, wheel

WHEEL = "hello-1.0-py3-none-any.whl"


@pytest.fixture
def private_site(house: Any) -> Iterator[Any]:
    """An index that is read with a token."""
    house.settings = dataclasses.replace(house.settings, private=True)
    with TestClient(house.app, base_url="https://index.example", follow_redirects=False) as client:
        yield Site(house=house, client=client)


def origin_of(site: Any, filename: str = WHEEL) -> Any:
    with site.house.store.read() as reading:
        event = reading.events(kinds=["file-uploaded"])[0]
        file = reading.file(filename)
    assert event.facts["origin"] == file.origin
    return file.origin


def token_of(site: Any, name: str = "ada") -> Token:
    with site.house.store.read() as reading:
        (token,) = reading.tokens_of(reading.user(name).id)
    assert isinstance(token, Token)
    return token


def suspend(site: Any, at: int | None, name: str = "ada") -> None:
    with site.house.store.write() as writing:
        writing.change_user(dataclasses.replace(writing.user(name), suspended=at))


def test_a_job_leaves_its_publisher_and_what_its_identity_token_said(live: Any, web: Any) -> None:
    body = live.body(sha="e" * 40, subject="mine", publisher="me")
    told = web.post("/_/oidc/mint-token", content=body)
    assert told.status_code == 200, told.text
    minted = Secret(told.json()["token"])
    answer = Uploader(web, minted).send(wheel())
    assert answer.status_code == 200, answer.text
    with live.folder.store.read() as reading:
        origin = reading.file(WHEEL).origin
        assert reading.events(kinds=["file-uploaded"])[0].facts["origin"] == origin
    wanted = {
        "sha": "e" * 40, "ref": "refs/tags/v1", "repository": "octo/hello", "repository_id": "456789",
        "environment": "release", "publisher": "pub-1", "kind": "github", "issuer": "https://ci.example",
        "subject": "octo/hello",
    }  # fmt: skip
    assert {name: origin.get(name) for name in wanted} == wanted


def test_a_person_leaves_a_name(site: Any) -> None:
    assert site.uploader(site.house.user_token("Ada")).send(site.wheel()).status_code == 200
    assert origin_of(site) == {"user": "Ada"}


def test_who_is_suspended_uploads_nothing_until_that_ends(site: Any) -> None:
    uploader = site.uploader(site.house.user_token())
    suspend(site, int(site.house.clock.now))
    answer = uploader.send(site.wheel())
    assert answer.status_code == 403
    assert "suspended" in answer.json()["detail"]
    assert token_of(site).last_used is None
    suspend(site, None)
    assert uploader.send(site.wheel()).status_code == 200


def test_who_is_suspended_while_the_file_arrives_uploads_nothing_either(site: Any) -> None:
    house = site.house
    bearer = house.credentials.check_header(f"Bearer {house.user_token().reveal()}")
    suspend(site, 1)
    with house.store.read() as reading:
        refused = house.credentials.may_upload(bearer, reading, "hello")
    assert isinstance(refused, Problem)
    assert "suspended" in refused.detail


def test_a_token_that_reads_is_worth_nothing_from_the_moment_its_holder_is_suspended(private_site: Any) -> None:
    headers = private_site.uploader(private_site.house.user_token(scope="read")).headers
    assert private_site.client.get("/simple/", headers=headers).status_code == 200
    assert private_site.client.get("/simple/", headers=headers).status_code == 200
    suspend(private_site, 1)
    answer = private_site.client.get("/simple/", headers=headers)
    assert answer.status_code == 401
    assert "suspended" in answer.text


def test_when_a_person_s_token_was_taken_is_noted_once_an_hour(site: Any) -> None:
    house = site.house
    header = f"Bearer {house.user_token().reveal()}"
    begun = int(house.clock.now)
    noted = []
    for seconds in (0, 1, 3599, 3600, 3601, 7199, 7200):
        house.clock.now = begun + seconds + 0.5
        house.credentials.check_header(header)
        noted.append((token_of(site).last_used or 0) - begun)
    assert noted == [0, 0, 0, 3600, 3600, 3600, 7200]
    house.clock.now = begun + 60.5  # a clock that was set back is believed
    house.credentials.check_header(header)
    assert token_of(site).last_used == begun + 60


def test_a_token_that_is_refused_was_not_used_and_a_minted_one_is_not_noted(site: Any) -> None:
    house = site.house
    secret = house.user_token()
    with house.store.write() as writing:
        (row,) = writing.tokens_of(writing.user("ada").id)
        writing.burn(row.id, 1)
    assert isinstance(house.credentials.check_header(f"Bearer {secret.reveal()}"), Problem)
    assert token_of(site).last_used is None
    token_id, minted = house.minted(house.publisher(house.project("hello")))
    before = house.store.state()
    assert not isinstance(house.credentials.check_header(f"Bearer {minted.reveal()}"), Problem)
    assert house.store.state() == before
    with house.store.read() as reading:
        assert reading.token(token_id).last_used is None


class FullDisk:
    """The store, of which nothing can be written."""

    def __init__(self, store: Any) -> None:
        self.read = store.read

    def transact(self, work: Any) -> Any:
        raise NoRoom("The disk is full.")


def test_nobody_is_refused_because_the_use_of_a_token_cannot_be_noted(site: Any) -> None:
    house = site.house
    header = f"Bearer {house.user_token().reveal()}"
    full: Any = FullDisk(house.store)
    credentials = Credentials(store=full, root_keys=house.root_keys, settings=house.settings, clock=house.clock)
    assert not isinstance(credentials.check_header(header), Problem)
    assert token_of(site).last_used is None
