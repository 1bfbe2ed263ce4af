# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""On whose behalf a change is made: every event that :mod:`trustpub.index.manage.notes` leaves meanwhile says so.

Who acts is decided once, where they are let in (:mod:`trustpub.index.accounts.acting`), and not handed through every
change. Nobody is named where commands are run beside the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from trustpub.index.kept import User

_BY: ContextVar[User | None] = ContextVar("trustpub.by", default=None)


@contextmanager
def on_behalf_of(user: User | None) -> Iterator[None]:
    """Until the block ends, in this thread or task, ``user`` is who does what is done."""
    before = _BY.set(user)
    try:
        yield
    finally:
        _BY.reset(before)


def by() -> Mapping[str, str] | None:
    """``id`` and ``name`` of who acts, as an event's facts have them under ``by``; None: the command line."""
    user = _BY.get()
    return None if user is None else {"id": user.id, "name": user.name}
