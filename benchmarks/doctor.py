# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What `trustpub doctor` takes for 150 workflows in one process, beside zizmor, offline, for the same folder.

The two look for different things; both read every file and say something of most. Medians of rounds taken in turns.
"""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ZIZMOR = ROOT / ".venvs" / "zizmor" / "bin" / "zizmor"
FIXTURES = ROOT / "tests" / "doctor"
WORKFLOWS = 150
ROUNDS = 7
WANTED = 1.5
"""The doctor's time as a multiple of zizmor's."""


def project(root: Path) -> Path:
    """A project with :data:`WORKFLOWS` workflows, under as many names: in turns one of the tests' defective ones, of
    some 40 lines, and one of those that are known to publish, of some 110, as most in public are.
    """
    defective = sorted(FIXTURES.glob("fixtures/*/.github/workflows/*.yml"))
    good = sorted(FIXTURES.glob("published/*/.github/workflows/*.yml"))
    found = [one for pair in zip(defective, itertools.cycle(good), strict=False) for one in pair]
    folder = root / ".github" / "workflows"
    folder.mkdir(parents=True)
    for number in range(WORKFLOWS):
        source = found[number % len(found)]
        (folder / f"{number:03}-{source.parents[2].name}.yml").write_bytes(source.read_bytes())
    (root / "pyproject.toml").write_bytes((FIXTURES / "fixtures" / "00-good" / "pyproject.toml").read_bytes())
    return root


def seconds(command: list[str]) -> tuple[float, int]:
    """Wall time of a run, and how many findings it had."""
    before = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    spent = time.perf_counter() - before
    answer = json.loads(done.stdout)
    return spent, len(answer["findings"] if isinstance(answer, dict) else answer)


def run() -> None:
    """The medians, and how they compare."""
    program = ZIZMOR if len(sys.argv) < 2 else Path(sys.argv[1])
    if not program.exists():
        print("zizmor is not here, so there is nothing to compare with. Get it: make peers")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = str(project(Path(folder)))
        commands = {
            "trustpub doctor": [sys.executable, "-m", "trustpub", "doctor", root, "--format", "json"],
            "zizmor": [str(program), "--offline", "--no-progress", "--format", "json", root],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        found = dict.fromkeys(commands, 0)
        for _ in range(ROUNDS):
            for name, command in commands.items():
                spent, found[name] = seconds(command)
                times[name].append(spent)
    print(f"{WORKFLOWS} workflows in one process (median of {ROUNDS})")
    middle = {name: statistics.median(spent) for name, spent in times.items()}
    for name, spent in middle.items():
        print(f"  {name:16} {spent * 1000:6.0f} ms  {found[name]} findings")
    ratio = middle["trustpub doctor"] / middle["zizmor"]
    print(f"target doctor-over-zizmor measured {ratio:.2f} wanted {WANTED} {'met' if ratio <= WANTED else 'short'}")


if __name__ == "__main__":
    run()
