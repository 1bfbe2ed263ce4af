# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The other processes of an index: there are none where it keeps its rows in a file."""

from __future__ import annotations

from collections.abc import Callable


class Alone:
    """:class:`trustpub.index.ports.Fellows` of the only process."""

    def leads(self) -> bool:
        """Who is alone keeps house."""
        return True

    def tell(self, topic: str, word: str) -> None:
        """Nobody hears it."""

    def listen(self, topic: str, hear: Callable[[str], None]) -> None:
        """Nothing is ever heard."""

    def begin(self) -> None:
        """There is nobody to meet."""

    def close(self) -> None:
        """There is nobody to leave."""
