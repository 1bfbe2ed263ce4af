# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from trustpub.index.adapters.sql.store import SqlStore

from .both import on_both  # noqa: F401 - a fixture


def test_facts_are_found_by_how_their_names_begin_and_exactly_so(store: SqlStore) -> None:
    with store.write() as writing:
        for name in ("handing-on:b", "handing-on:a", "Handing-on:c", "handing_on:d", "handing-onward", "%"):
            writing.set_fact(name, name.upper())
    with store.read() as reading:
        assert list(reading.facts("handing-on:").items()) == [
            ("handing-on:a", "HANDING-ON:A"), ("handing-on:b", "HANDING-ON:B"),
        ]  # fmt: skip
        assert dict(reading.facts("%")) == {"%": "%"}


def test_a_fact_that_is_removed_is_not_there(store: SqlStore) -> None:
    with store.write() as writing:
        writing.set_fact("colour", "red")
        assert writing.remove_fact("colour")
        assert not writing.remove_fact("colour")
        assert writing.fact("colour") is None
