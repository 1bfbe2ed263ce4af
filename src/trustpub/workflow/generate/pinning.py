# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Newer commits for the actions that a release uses: those a file has already, and those that GitHub has.

A tag that is annotated has an object of its own, and an action pinned to that object does not start: asked for is the
commit that the tag leads to (``git ls-remote``, the line that ends in ``^{}``).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from packaging.version import Version

from trustpub.workflow.generate.actions import PINS, Pin

SERVER = "https://github.com"
_USED = re.compile(
    r"uses: (?P<action>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40}) # (?P<version>v\d+(?:\.\d+)*)\s*$", re.M
)
_LINE = re.compile(r"(?P<commit>[0-9a-f]{40})\trefs/tags/(?P<version>v\d+\.\d+\.\d+)(?P<peeled>\^\{\})?\Z")
_SECONDS = 20


def kept(text: str) -> Mapping[str, Pin]:
    """Pins in ``text``, a workflow that was written before, that are newer than those at hand."""
    found: dict[str, Pin] = {}
    for match in _USED.finditer(text):
        known = PINS.get(match["action"])
        if known is not None and Version(match["version"]) > Version(known.version):
            found[known.action] = Pin(action=known.action, commit=match["commit"], version=match["version"])
    return found


def used(text: str) -> tuple[str, ...]:
    """The actions that ``text`` uses, as far as they are known here."""
    return tuple(dict.fromkeys(match["action"] for match in _USED.finditer(text) if match["action"] in PINS))


def repinned(text: str, pins: Mapping[str, Pin]) -> str:
    """``text``, as it was just written, with ``pins`` in place of those at hand."""
    for action, pin in pins.items():
        text = text.replace(PINS[action].uses, pin.uses)
    return text


def newest(actions: Iterable[str], env: Mapping[str, str], server: str = SERVER) -> Mapping[str, Pin]:
    """Of every action that ``server`` could be asked about: the commit of its newest version. None could: empty."""
    names = list(actions)
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        found = pool.map(lambda action: _newest(action, env, server), names)
    return {pin.action: pin for pin in found if pin is not None}


def _newest(action: str, env: Mapping[str, str], server: str) -> Pin | None:
    calm = {name: value for name, value in env.items() if not name.startswith("GIT_") or name == "GIT_SSL_CAINFO"}
    try:
        done = subprocess.run(
            ["git", "ls-remote", "--tags", f"{server}/{action}", "v*"],
            env=calm | {"GIT_TERMINAL_PROMPT": "0"}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _highest(action, done.stdout) if done.returncode == 0 else None


def _highest(action: str, told: str) -> Pin | None:
    """The newest version in what ``git ls-remote`` tells, by the commit that its tag leads to."""
    commits: dict[str, str] = {}
    for match in (match for line in told.splitlines() if (match := _LINE.match(line))):
        if match["peeled"] or match["version"] not in commits:
            commits[match["version"]] = match["commit"]
    if not commits:
        return None
    version = max(commits, key=Version)
    known = PINS.get(action)
    if known is not None and Version(version) < Version(known.version):
        return known
    return Pin(action=action, commit=commits[version], version=version)
