# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an archive is what its name says, and safe to unpack for whoever installs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trustpub.packages import sdists, wheels

MAX_FAULTS = 20
"""Faults told at once; an archive with more of them is not mended one by one."""


class BadArchive(ValueError):
    """An archive that the index does not take. ``faults`` are sentences, all that were found."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(dict.fromkeys(faults))[:MAX_FAULTS]
        super().__init__(" ".join(self.faults))


def check(path: str, filetype: str, name: str, version: str, licenses: Sequence[str] = ()) -> None:
    """Look through the ``sdist`` or ``bdist_wheel`` at ``path``, whose metadata say ``name`` and ``version``.

    Every byte is read once, so what is broken shows here and not at the one who installs. ``licenses``: the files that
    the metadata say are in it (:attr:`trustpub.packages.metadata.Metadata.licenses`).

    Raises:
        BadArchive: with all faults found.
    """
    faults = (wheels if filetype == "bdist_wheel" else sdists).faults(path, name, version, licenses)
    if faults:
        raise BadArchive(faults)
