# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Names that nobody may have, and how long one is held."""

from __future__ import annotations

from collections.abc import Sequence

from trustpub.errors import Declined, Misuse
from trustpub.index import names
from trustpub.index.kept import Project
from trustpub.index.manage.notes import note
from trustpub.index.ports import Clock, Store
from trustpub.index.registration import MAX_HOLD_DAYS
from trustpub.packages.names import is_valid, normalize
from trustpub.printable import printable, quoted

_MAX_REASON = 200


class Names:
    """Changes to the rules that names of new projects are under."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def prohibit(self, name: str, reason: str = "") -> Project | None:
        """Keep everybody from registering ``name``, in any spelling. ``reason`` is told to those who try.

        Returns the project of that name, real or held, which stays; None where there is none.

        Raises:
            Misuse: no project could have that name, or the reason is too long.
            Declined: it is prohibited already, for that reason.
        """
        if not is_valid(name):
            raise Misuse(f"{quoted(name)} cannot be a project's name, so nobody can register it.")
        said = printable(reason, _MAX_REASON + 1)
        if len(said) > _MAX_REASON:
            raise Misuse(f"The reason is longer than {_MAX_REASON} characters.")
        with self._store.write() as writing:
            if writing.prohibited(name) == said:
                raise Declined(f"The name {quoted(name)} is prohibited already.")
            writing.prohibit(name, said)
            note(writing, self._clock(), "name-prohibited", facts={"name": normalize(name), "reason": said})
            return writing.project(name)

    def permit(self, name: str) -> None:
        """Let ``name`` be registered again.

        Raises:
            Declined: it was not prohibited.
        """
        with self._store.write() as writing:
            if not writing.permit(name):
                raise Declined(
                    f"The name {quoted(name)} is not prohibited.", hint="See those with: trustpub admin name list"
                )
            note(writing, self._clock(), "name-permitted", facts={"name": normalize(name)})

    def prohibited(self) -> Sequence[tuple[str, str]]:
        """Normal forms and reasons, by name."""
        with self._store.read() as reading:
            return reading.prohibited_names()

    def hold_days(self) -> int:
        """How long this index holds a name, in days."""
        with self._store.read() as reading:
            return names.hold_days(reading)

    def set_hold_days(self, days: int) -> None:
        """Hold names that are registered from now on for so many days.

        Raises:
            Misuse: too many, or none.
        """
        if not 1 <= days <= MAX_HOLD_DAYS:
            raise Misuse(f"A name is held from 1 to {MAX_HOLD_DAYS} days, not {days}.")
        with self._store.write() as writing:
            before = names.hold_days(writing)
            writing.set_fact(names.HOLD_FACT, str(days))
            note(writing, self._clock(), "hold-days-set", facts={"days": days, "before": before})
