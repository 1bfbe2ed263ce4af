# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the forms of several providers have in common."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from trustpub.trust.provider import Fault

_NUMBER = re.compile(r"[1-9][0-9]{0,19}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ENDS = (".yml", ".yaml")


def said(fields: Mapping[str, str], *, trimmed: Collection[str] = ()) -> dict[str, str]:
    """The fields that say something: blanks alone say nothing. Those of ``trimmed`` lose the blanks at their ends."""
    found = {name: value for name, value in fields.items() if value.strip(" ")}
    return {name: value.strip(" ") if name in trimmed else value for name, value in found.items()}


def unknown(fields: Iterable[str], known: Collection[str], kind: str) -> list[Fault]:
    """A fault for each field that publishers of this kind do not have."""
    return [Fault(field=name, problem=f"is no field of {kind} publishers") for name in fields if name not in known]


def not_numbers(fields: Mapping[str, str], names: Iterable[str], forge: str) -> list[Fault]:
    """A fault for each of these ids that is there and is no number."""
    problem = f"is not a number, as {forge}'s ids are"
    return [Fault(field=name, problem=problem) for name in names if name in fields and not _NUMBER.match(fields[name])]


def is_yaml(name: str) -> bool:
    """Whether this can be the name of a YAML file in a folder: one that is more than its ending."""
    stem = next((name.removesuffix(end) for end in _ENDS if name.endswith(end)), "")
    return bool(stem) and "/" not in stem and is_plain(stem)


def is_plain(text: str) -> bool:
    """Whether no control character of ASCII is in ``text``."""
    return _CONTROL.search(text) is None
