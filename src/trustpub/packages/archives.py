# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an archive is what its name says, and safe to unpack for whoever installs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trustpub.packages import metadata, sdists, wheels
from trustpub.packages.metadata import Metadata
from trustpub.packages.zips import BadZip

MAX_FAULTS = 20
"""Faults told at once; an archive with more of them is not mended one by one."""


class BadArchive(ValueError):
    """An archive that the index does not take. ``faults`` are sentences, all that were found."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(dict.fromkeys(faults))[:MAX_FAULTS]
        super().__init__(" ".join(self.faults))


def read(path: str, filetype: str, name: str, version: str) -> tuple[Metadata, Sequence[str]]:
    """The metadata inside the ``sdist`` or ``bdist_wheel`` at ``path``, and all that is wrong with the file.

    The same as :func:`trustpub.packages.metadata.read` and :func:`check`, in one pass over the file.

    Args:
        path: of the file, whose own name is not looked at.
        filetype: of the two.
        name: the project's that it should be of.
        version: that it should be of.

    Raises:
        BadMetadata: it has none that can be used.
        BadArchive: it cannot be read.
    """
    inside, faults = (_read_wheel if filetype == "bdist_wheel" else _read_sdist)(path, name, version)
    return inside, BadArchive(faults).faults


def _read_wheel(path: str, name: str, version: str) -> tuple[Metadata, list[str]]:
    with wheels.open_wheel(path) as file:
        try:
            wheel = wheels.Wheel(file)
            inside = metadata.parse(metadata.of_wheel(wheel))
            return inside, wheels.faults_in(wheel, inside.name, inside.version, inside.licenses)
        except BadZip as bad:
            raise BadArchive([f"The wheel's zip file {bad}."]) from None


def _read_sdist(path: str, name: str, version: str) -> tuple[Metadata, list[str]]:
    look = sdists.look(path, name, version)
    if isinstance(look, list):
        raise BadArchive(look)
    if look.pkg_info is None:
        raise BadArchive(look.faults(()))
    inside = metadata.parse(look.pkg_info)
    return inside, look.faults(inside.licenses)


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
