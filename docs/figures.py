# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks printed, kept for the page that draws it: ``docs/benchmarks/NAME.json``.

``python docs/figures.py [NAME]…`` runs them (all, without names), shows what they print, and keeps it with the machine,
the day, how busy the machine was with other things, and the commit. Nothing is typed by hand.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).parent / "benchmarks"
SIZES = ("MINTS", "ROUNDS", "MEGABYTES", "ONLY")
"""Variables that make a benchmark larger or smaller."""
_TARGET = re.compile(r"^target (\S+) measured (\S+) wanted (\S+) (met|short)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One drawing: some lines of what one benchmark prints."""

    name: str
    script: str
    """Below ``benchmarks``, without ``.py``."""
    title: str
    unit: str
    less: bool
    """Whether less is better."""
    heading: str = ""
    """How the line begins that what is drawn stands below; empty: from the beginning."""
    line: str = ""
    """Of a table: the line that is drawn, and rows are its columns; empty: every row is a line."""
    wanted: str = ""
    """How the names of the targets begin that are about this; empty: all of the benchmark's."""
    rows: tuple[tuple[str, str, str], ...]
    """How a line begins, what it is called here, and whose it is: ``us``, ``peer`` or ``limit``."""
    note: str
    """What it means, and what the limit is."""


INDEXES = (
    ("trustpub", "trustpub", "us"), ("peryx", "peryx", "peer"), ("devpi-server", "devpi-server", "peer"),
    ("pypiserver", "pypiserver", "peer"), ("nginx", "nginx, sending files", "limit"),
)  # fmt: skip
UPLOADED, PAGED = "upload 20 kB  ", "page, 500 files, JSON"

CHARTS = (
    Chart(
        name="mint", script="mint", title="Mints, verified and durable", unit="per second of one processor", less=False,
        rows=(
            ("trustpub's mint", "trustpub: verified, decided, noted, stored", "us"),
            ("bare endpoint that verifies", "an endpoint that verifies and no more", "limit"),
        ),
        note="A token is minted in a transaction that survives a power cut. The limit is the same web server with an "
        "endpoint that checks the signature and does nothing else.",
    ),
    Chart(
        name="tokens", script="tokens", title="An upload token made, written, read and verified", unit="µs", less=True,
        rows=(("trustpub", "trustpub", "us"), ("pymacaroons", "pymacaroons", "peer")),
        note="Byte for byte the same tokens. They are no dependency of the client, which only carries them.",
    ),
    Chart(
        name="attestations", script="attestations", title="An attestation checked", unit="ms of the processor",
        less=True,
        rows=(
            ("trustpub", "trustpub, with all that an upload needs", "us"),
            ("sigstore", "sigstore's Verifier alone", "limit"),
        ),
        note="The check is sigstore's own, so it is the limit; what is over it is the comparison with the publisher, "
        "the run and the file.",
    ),
    Chart(
        name="start", script="start", title="Starting a command", unit="ms", less=True,
        rows=(
            ("import trustpub.cli.main", "trustpub's command line", "us"), ("python", "Python, doing nothing", "limit"),
            ("the server's libraries", "the libraries of the server, for comparison", "peer"),
        ),
        note="A release job waits for this before anything happens.",
    ),
    Chart(
        name="doctor", script="doctor", title="150 workflows judged in one process", unit="ms", less=True,
        rows=(("trustpub doctor", "trustpub doctor", "us"), ("zizmor", "zizmor, offline", "peer")),
        note="zizmor is a program of machine code that looks for other things; the doctor, in Python, asks whether the "
        "upload will work.",
    ),
    Chart(
        name="minting-in-a-job", script="client", title="Getting a token in a job, 50 ms away", unit="ms", less=True,
        heading="Minting with 50 ms added", wanted="mint-50ms",
        rows=(
            ("trustpub mint", "trustpub mint", "us"), ("uv publish --dry-run", "uv publish --dry-run", "peer"),
            ("curl and jq", "a script of curl and jq", "peer"),
        ),
        note="From the start of the program to the token: three requests that wait for each other.",
    ),
    Chart(
        name="publishing-in-a-job", script="client", title="40 small wheels published, 50 ms away", unit="ms",
        less=True, heading="Publishing 40 small wheels with 50 ms added", wanted="publish-40-50ms",
        rows=(
            ("trustpub publish", "trustpub publish", "us"), ("uv publish", "uv publish", "peer"),
            ("pdm publish", "pdm publish", "peer"),
            ("twine upload", "twine upload, with a token from elsewhere", "peer"),
        ),
        note="Eight uploads side by side, over connections that are kept.",
    ),
    Chart(
        name="uploading", script="index", title="A wheel of 20 KB taken in", unit="ms of the server's processor",
        less=True, heading="Processor ms of the server", line=UPLOADED, wanted="upload-20kb", rows=INDEXES,
        note="Received, judged with everything in it, stored so that a power cut loses nothing, and shown.",
    ),
    Chart(
        name="page-of-a-project", script="index", title="The page of a project with 500 files",
        unit="ms of the server's processor", less=True, heading="Processor ms of the server", line=PAGED,
        wanted="page-500", rows=INDEXES,
        note="What pip reads first, in JSON. The limit is nginx, which sends the same page as a file.",
    ),
)  # fmt: skip


def values(text: str, chart: Chart) -> list[dict[str, Any]]:
    """The numbers that the chart wants, of what its benchmark printed; what is not there, because a peer is not
    installed, is left out.
    """
    cells = _of_table(text, chart) if chart.line else _of_lines(text, chart)
    rows = []
    for begins, label, whose in chart.rows:
        number = re.match(r"\s*([\d.]+)", cells.get(begins, ""))
        if number is not None:
            rows.append({"label": label, "whose": whose, "value": float(number[1])})
    return rows


def _of_lines(text: str, chart: Chart) -> Mapping[str, str]:
    """What stands behind the beginning of each row's line, in the paragraph below the heading."""
    block = text.partition(chart.heading)[2].partition("\n")[2] if chart.heading else text
    lines = list(itertools.takewhile(lambda line: line.startswith("  ") or not chart.heading, block.splitlines()))
    found: dict[str, str] = {}
    for begins, _, _ in chart.rows:
        behind = (re.match(rf"\s*{re.escape(begins)}(\s.*)", line) for line in lines)
        first = next((match[1] for match in behind if match is not None), None)
        if first is not None:
            found[begins] = first
    return found


def _of_table(text: str, chart: Chart) -> Mapping[str, str]:
    """The cells of one line below their columns' names; columns end where their names end."""
    lines = text.partition(chart.heading)[2].splitlines()[1:]
    row = next((line for line in lines if line.startswith(chart.line)), "")
    ends = {match[0]: match.end() for match in re.finditer(r"\S+", lines[0] if lines else "")}
    starts = [len(chart.line), *ends.values()]
    return {
        name: row[max(start, len(chart.line)) : end] for (name, end), start in zip(ends.items(), starts, strict=False)
    }


def targets(text: str, chart: Chart) -> list[dict[str, Any]]:
    """What the benchmark wanted of us, and whether it was so."""
    return [
        {"name": name, "measured": measured, "wanted": wanted, "met": met == "met"}
        for name, measured, wanted, met in _TARGET.findall(text)
        if name.startswith(chart.wanted)
    ]


def machine() -> str:
    """The processor, how many there are, the system and the Python, in a line."""
    about = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:\s*(.+)$", about.read_text("utf-8"), re.MULTILINE) if about.exists() else None
    processor = named[1].strip() if named else platform.processor() or platform.machine()
    return f"{os.cpu_count()} × {processor}, {platform.system()}, Python {platform.python_version()}"


def keep(script: str, text: str, about: Mapping[str, Any]) -> list[str]:
    """Keep what ``benchmarks/SCRIPT.py`` printed for every chart that is made of it; their names."""
    kept = []
    for chart in (one for one in CHARTS if one.script == script):
        rows = values(text, chart)
        if not any(row["whose"] == "us" for row in rows):
            print(f"{chart.name}: what {script}.py printed has no such line.", file=sys.stderr)
            continue
        sizes = "".join(f"{name}={os.environ[name]} " for name in SIZES if name in os.environ)
        found = {
            "command": f"{sizes}python benchmarks/{script}.py",
            **about,
            "rows": rows,
            "targets": targets(text, chart),
        }
        written = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        (KEPT / f"{chart.name}.json").write_text(written, encoding="utf-8")
        kept.append(chart.name)
    return kept


def main(names: list[str]) -> int:
    """Run, show and keep."""
    known = dict.fromkeys(chart.script for chart in CHARTS)
    if unknown := [name for name in names if name not in known]:
        print(f"No chart is made of {', '.join(unknown)}. There are: {', '.join(known)}.", file=sys.stderr)
        return 2
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    busy = round(os.getloadavg()[0], 1)  # before we are what it is busy with
    for script in names or known:
        done = subprocess.run(
            [sys.executable, f"benchmarks/{script}.py"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
        )
        print(done.stdout, end="", flush=True)
        if done.returncode:
            return done.returncode
        about = {
            "machine": machine(), "date": dt.datetime.now(dt.UTC).date().isoformat(), "load": busy,
            "commit": commit.stdout.strip(),
        }  # fmt: skip
        print("kept:", ", ".join(keep(script, done.stdout, about)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
