# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What it costs to start: bare Python, the command line, and the server's libraries that it does not load."""

from __future__ import annotations

import subprocess
import sys
import time

ROUNDS = 7
WANTED = 0.25
"""The command line's start as a share of what loading the server would take."""
STARTS = {
    "python": "pass",
    "import trustpub.cli.main": "import trustpub.cli.main",
    "the server's libraries": "import starlette.applications, sqlalchemy, alembic, joserfc.jws, uvicorn",
}


def seconds(code: str) -> float:
    """One start of a fresh interpreter that runs ``code``."""
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - before


def run() -> None:
    """The best of some rounds, taken in turns."""
    best = dict.fromkeys(STARTS, float("inf"))
    for _ in range(ROUNDS):
        for name, code in STARTS.items():
            best[name] = min(best[name], seconds(code))
    print("Starting (best of 7)")
    for name, spent in best.items():
        print(f"  {name:26} {spent * 1000:6.0f} ms")
    share = best["import trustpub.cli.main"] / best["the server's libraries"]
    print(f"target start-over-server measured {share:.2f} wanted {WANTED} {'met' if share <= WANTED else 'short'}")


if __name__ == "__main__":
    run()
