# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a form says what the file says.

The file's own metadata are what installers act on, so they are what is stored and served. A form that says otherwise
hides something or was made for another file. What a form leaves out is taken from the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from trustpub.packages.metadata import Metadata
from trustpub.packages.names import normalize


def differences(metadata: Metadata, claimed: Mapping[str, Sequence[str]]) -> list[str]:
    """In which fields a form differs from ``metadata``, in sentences.

    Only what decides about an installation is compared: clients rewrite white space, keywords and descriptions, and
    flit calls every form one of version 2.3, whatever it built.

    Args:
        metadata: what the file says.
        claimed: what the form says, by core metadata header in any case.
    """
    given = {header.lower(): values for header, values in claimed.items()}
    return [
        f"The form's {header} is not that of the metadata in the file."
        for header, canonical in _COMPARED.items()
        if given.get(header) and _all(given[header], canonical) != _all(metadata.fields.get(header, ()), canonical)
    ]


def _all(values: Sequence[str], canonical: Callable[[str], str]) -> set[str]:
    return {canonical(value.strip()) for value in values}


def _version(value: str) -> str:
    try:
        return str(Version(value))
    except ValueError:  # InvalidVersion is one; so is what int says to thousands of digits
        return value


def _specifier(value: str) -> str:
    try:
        return str(SpecifierSet(value))
    except InvalidSpecifier:
        return value


def _requirement(value: str) -> str:
    try:
        requirement = Requirement(value)
    except InvalidRequirement:
        return "".join(value.split())
    requirement.name = normalize(requirement.name)
    return str(requirement)


def _import_name(value: str) -> str:
    return "".join(value.split())


_COMPARED: Mapping[str, Callable[[str], str]] = {
    "name": normalize,
    "version": _version,
    "requires-python": _specifier,
    "requires-dist": _requirement,
    "provides-extra": normalize,
    "import-name": _import_name,
    "import-namespace": _import_name,
}
