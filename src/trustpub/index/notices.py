# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Events about identity tokens and their issuers, for administrators; bounded, since anybody can cause some of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from trustpub.index.kept import Event
from trustpub.index.ports import Store, Writing
from trustpub.printable import printable

PROVEN_SECONDS = 60
"""Between two events of one cause and issuer, where the issuer had signed the token."""
UNPROVEN_SECONDS = 3600
"""Likewise where anybody may have written it: the rest of the hour would only fill the disk."""
MAX_NAMES = 200
"""Unknown claims of one issuer that are remembered. More would not be a change but noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadIdentity:
    """An identity token that was not believed."""

    cause: str
    """A fixed word (see :class:`trustpub.index.identity.BadToken`)."""
    sentence: str
    issuer: str
    """As registered; where the cause is ``unknown-issuer``, what the token claims."""
    proven: bool = False
    """Whether that issuer signed it."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """Claims worth keeping, if it did."""


class Notices:
    """Notes what administrators should look at. Any number of threads may use it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._noted: dict[tuple[str, str], float] = {}
        self._known: dict[str, frozenset[str]] = {}

    def refused(self, bad: BadIdentity, peer: str, now: float) -> None:
        """Note why a token from ``peer`` was not believed, unless the same was noted of its issuer just now."""
        key = (bad.issuer if bad.cause != "unknown-issuer" else "", bad.cause)
        wait = PROVEN_SECONDS if bad.proven else UNPROVEN_SECONDS
        with self._lock:
            if abs(now - self._noted.get(key, -wait)) < wait:
                return
            self._noted[key] = now
        facts = {
            **bad.seen,
            "cause": bad.cause,
            "issuer": printable(bad.issuer, 200),
            "why": bad.sentence,
            "peer": peer,
        }
        event = Event(at=now, kind="identity-refused", project_id=None, publisher_id=None, facts=facts)
        self._store.transact(lambda writing: writing.add_event(event))

    def unknown_claims(self, issuer: str, names: Sequence[str], now: float) -> None:
        """Note, once, that tokens of ``issuer`` have claims that its provider did not have: it has changed."""
        if not names:
            return
        known = self._known.get(issuer, frozenset())
        if known.issuperset(names) or len(known) >= MAX_NAMES:
            return
        self._store.transact(lambda writing: _note_change(writing, issuer, names, now))
        with self._lock:
            self._known[issuer] = self._known.get(issuer, frozenset()).union(names)


def _note_change(writing: Writing, issuer: str, names: Sequence[str], now: float) -> None:
    """What was noted outlives a restart, so that every new name makes one event and no more."""
    fact = f"unknown-claims:{issuer}"
    known: list[str] = json.loads(writing.fact(fact) or "[]")
    shown = dict.fromkeys(printable(name, 100) for name in names)
    new = [name for name in shown if name not in known][: max(0, MAX_NAMES - len(known))]
    if not new:
        return
    writing.set_fact(fact, json.dumps([*known, *new]))
    facts = {"issuer": issuer, "claims": new}
    writing.add_event(Event(at=now, kind="issuer-changed", project_id=None, publisher_id=None, facts=facts))
