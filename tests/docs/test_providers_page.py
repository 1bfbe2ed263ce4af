# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of identity providers says nothing that an index would not take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from trustpub.index.registration import Wanted, read
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.values import bare

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "providers.md").read_text(encoding="utf-8")


def typed(kind: str) -> dict[str, list[str]]:
    """The options that the page gives to ``publisher add`` for a publisher of this kind."""
    section = PAGE.partition(f"(kind-{kind})=")[2].partition("\n(kind-")[0]
    (command,) = re.findall(r"^trustpub admin publisher add PROJECT ((?:.*\\\n)*.*)$", section, re.MULTILINE)
    words = shlex.split(command.replace("\\\n", " "))
    options: dict[str, list[str]] = {}
    for option, value in zip(words[::2], words[1::2], strict=True):
        options.setdefault(option, []).append(value)
    return options


@pytest.mark.parametrize("kind", PROVIDERS)
def test_the_example_of_every_provider_can_be_registered(kind: str) -> None:
    options = typed(kind)
    (issuer,) = options.get("--issuer", PROVIDERS[kind].issuers[:1])
    fields = dict(field.split("=", 1) for field in options["--field"])
    wanted = Wanted(
        project="sampleproject",
        kind=kind,
        issuer=issuer,
        fields=fields,
        immutable=tuple(options.get("--immutable", ())),
        workload=tuple(options.get("--workload", ())),
    )
    registration = read(wanted)
    assert options["--provider"] == [kind]
    assert set(registration.fields) == set(fields)
    for name, value in registration.fields.items():
        assert fields[name] in (value, bare(value) if value.startswith('"') else value)


def test_every_field_and_warning_is_on_the_page() -> None:
    for one in PROVIDERS.values():
        section = PAGE.partition(f"(kind-{one.kind})=")[2].partition("\n(kind-")[0]
        assert all(f"| `{field.name}` | {field.title}" in section for field in one.fields)
        assert ("Experimental" in section) == one.experimental
        assert ("--accept-shared-audience" in section) == one.fixed_audience
