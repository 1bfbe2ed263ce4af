# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the action installs: what trustpub declares, at the versions that the tests ran with, known by its hashes."""

from __future__ import annotations

import re
import tomllib

import pytest

from .conftest import ROOT

REQUIREMENTS = ROOT / "requirements"


def pins(name: str) -> dict[str, str]:
    """The exact requirement of each package in a lock file, its marker included."""
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    found = {}
    for line in filter(None, lines):
        requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes)
        found[re.split(r"[=\[ ]", requirement)[0]] = re.sub(r"\[.*?\]", "", requirement)
    return found


def wanted(name: str) -> set[str]:
    """What an input of a lock file asks for."""
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-r"))}


def test_the_action_asks_for_what_trustpub_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert wanted("action.in") == set(project["dependencies"])
    assert wanted("action-attest.in") == set(project["optional-dependencies"]["attest"])
    assert len(pins("action.txt")) == len(project["dependencies"])  # none of them has a dependency of its own


@pytest.mark.parametrize("name", ["action.txt", "action-attest.txt"])
def test_what_it_installs_is_what_the_tests_ran_with(name: str) -> None:
    tested = {package: pin.partition(" ;")[0] for package, pin in pins("dev.txt").items()}
    assert {package: pin.partition(" ;")[0] for package, pin in pins(name).items()}.items() <= tested.items()


def test_what_signs_comes_on_top_of_what_publishes() -> None:
    assert pins("action.txt").items() <= pins("action-attest.txt").items()
