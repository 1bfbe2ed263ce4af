# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An issuer that is switched off: nothing of it is lost, and none of its tokens is taken."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from trustpub.errors import Declined
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.issuers import WantedTerms
from trustpub.index.manage.issuers import Issuers

from .conftest import PUBLIC, Ran, event_kinds

ENTERPRISE = "https://ghes.example/_services/token"


def test_switching_is_told_once_and_leaves_an_event(issuers: Issuers, store: SqlStore) -> None:
    assert issuers.switch(PUBLIC, on=False) == [PUBLIC]
    assert issuers.switch(PUBLIC, on=False) == []
    assert not issuers.get(PUBLIC).enabled
    assert issuers.switch(PUBLIC, on=True) == [PUBLIC]
    assert event_kinds(store)[-2:] == ["issuer-disabled", "issuer-enabled"]


def test_other_terms_do_not_switch_it_on_again(issuers: Issuers) -> None:
    issuers.add(ENTERPRISE)
    issuers.switch(ENTERPRISE, on=False)
    issuers.add(ENTERPRISE, terms=WantedTerms(token_lifetime=3600))
    assert not issuers.get(ENTERPRISE).enabled


def test_all_are_switched_at_once(issuers: Issuers) -> None:
    issuers.add(ENTERPRISE)
    known = {one.url for one in issuers.all()}
    assert set(issuers.switch(None, on=False)) == known
    assert not any(one.enabled for one in issuers.all())


def test_an_unknown_one_cannot_be_switched(issuers: Issuers) -> None:
    with pytest.raises(Declined, match="not known here"):
        issuers.switch("https://nobody.example", on=False)


def test_the_command_says_what_it_did(trustpub: Callable[..., Ran], folder: Folder) -> None:
    data = folder.path
    done = trustpub("admin", "issuer", "disable", PUBLIC, "--data", data)
    assert (done.code, f"Issuer {PUBLIC} disabled." in done.out + done.err) == (0, True)
    (row,) = (
        one
        for one in json.loads(trustpub("admin", "issuer", "list", "--json", "--data", data).out)
        if one["url"] == PUBLIC
    )
    assert row["enabled"] is False
    assert trustpub("admin", "issuer", "enable", "--all", "--data", data).code == 0
    assert trustpub("admin", "issuer", "enable", "--data", data).code == 2
    assert trustpub("admin", "issuer", "disable", PUBLIC, "--all", "--data", data).code == 2
