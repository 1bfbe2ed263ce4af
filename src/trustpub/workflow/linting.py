# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What zizmor, which looks for holes in workflows, finds in the same project: run as it is installed, offline."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trustpub.errors import Declined, Misuse
from trustpub.printable import printable
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.findings import Finding, Severity

PROGRAM = "zizmor"
_SECONDS = 300
_SEVERITIES = {"High": Severity.WARNING, "Medium": Severity.WARNING}
"""Its words. Whatever it finds, the release goes through: none is an error here."""


def findings(root: Path) -> Iterator[Finding]:
    """Its findings for the project in ``root``; each is called ``zizmor/`` and its name there.

    Raises:
        Misuse: it is not installed.
        Declined: it does not say what it found.
    """
    try:
        done = subprocess.run(
            [PROGRAM, "--offline", "--no-progress", "--format", "json", "--", str(root)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise Misuse("zizmor is not installed here.", hint=f"pip install {PROGRAM}") from None
    except (OSError, subprocess.TimeoutExpired):
        raise Declined("zizmor could not be run to its end.") from None
    try:
        found = json.loads(done.stdout)
    except (ValueError, RecursionError):
        said = printable(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2], 300)
        raise Declined(f"zizmor does not say what it found (exit code {done.returncode}): {said}") from None
    for one in listed(found):
        if isinstance(one, dict) and one.get("ignored") is not True:
            yield _finding(root, one)


def _finding(root: Path, one: dict[str, Any]) -> Finding:
    places = [mapping(place) for place in listed(one.get("locations"))]
    first = next((place for place in places if mapping(place.get("symbolic")).get("kind") == "Primary"), places[0])
    symbolic, concrete = mapping(first.get("symbolic")), mapping(first.get("concrete"))
    start = mapping(mapping(concrete.get("location")).get("start_point"))
    path = str(mapping(mapping(symbolic.get("key")).get("Local")).get("verbatim_path", ""))
    if Path(path).is_relative_to(root):
        path = Path(path).relative_to(root).as_posix()
    severity = str(mapping(one.get("determinations")).get("severity"))
    return Finding(
        ident=f"{PROGRAM}/{one.get('ident')}",
        severity=_SEVERITIES.get(severity, Severity.ADVICE),
        path=path,
        line=int(start.get("row", 0)) + 1,
        column=int(start.get("column", 0)) + 1,
        message=f"{one.get('desc')}: {symbolic.get('annotation')}",
        fix=f"see {one.get('url')}",
    )
