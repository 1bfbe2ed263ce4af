# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a store needs of the database that it is in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection

from trustpub.index.ports import Exchange


@dataclass(frozen=True, slots=True)
class Opened:
    """One connection with a transaction on it, as two libraries see it."""

    core: Connection
    driver: Any
    """Of sqlite3, or of psycopg."""
    alone: bool = True
    """Whether nobody else can write meanwhile."""


class Database(Protocol):
    """Transactions of every kind. Each raises :class:`~trustpub.errors.Unreachable` where the database cannot be had,
    :class:`~trustpub.index.ports.NoRoom` where its disk is full, and :class:`~trustpub.errors.Misuse` where it cannot
    be used at all.
    """

    def reading(self) -> AbstractContextManager[Opened]:
        """What others commit meanwhile is not seen."""

    def writing(self) -> AbstractContextManager[Opened]:
        """Nobody else writes meanwhile."""

    def together(self, run: Callable[[Opened], None]) -> None:
        """Call ``run`` in a transaction that comes out as if nobody else wrote meanwhile, and commit that.

        It may be called several times, in a transaction each, of which the last one alone is committed.
        """

    def apart(self, opened: Opened, work: Callable[[], Any], *, single: bool) -> tuple[Any, BaseException | None]:
        """Do ``work`` in the transaction of :meth:`together`: its answer, or what it raised, which undid it alone.

        With ``single`` nothing else is done in that transaction. Raises where there is nothing left of the transaction.
        """

    foresees: bool
    """As :attr:`trustpub.index.ports.Store.foresees`."""

    def exchange(self, exchanges: Sequence[Exchange]) -> Collection[str]:
        """As :meth:`trustpub.index.ports.Store.exchange`."""

    def upgrading(self) -> AbstractContextManager[Opened]:
        """As :meth:`writing`, where the schema may not be there yet; one at a time."""

    def state(self) -> Hashable:
        """As :meth:`trustpub.index.ports.Store.state`."""

    def copy_to(self, path: Path) -> None:
        """A consistent copy in a new SQLite file."""

    def fault(self) -> str | None:
        """What is damaged in it, as far as it can tell."""

    def close(self) -> None:
        """Close what is not in use; it can be used again."""
