# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What counting costs: mints by an index whose figures may be read, beside one whose may not, in turns.

MINTS sets the mints in a round, ROUNDS the rounds after one to warm up; told is the median of what each pair of rounds
cost more. Processor time of the server's process, by /proc.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from mint import MINTS, ROUNDS, identity_tokens, measure, start_index

from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.processes import Children

MOST = 0.03
"""Of a mint's processor time."""


def main() -> int:
    """Measure, print, and end with the target's line."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with ExitStack() as stack:
        children = stack.enter_context(Children())
        pool = stack.enter_context(ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")))
        servers = []
        for number, metrics in enumerate(({}, {"TRUSTPUB_METRICS_NETWORKS": "127.0.0.1"})):
            folder = Folder(path=Path(stack.enter_context(tempfile.TemporaryDirectory())))
            folder.make()
            audience, server = start_index(children, folder, key, metrics)
            servers.append((server, identity_tokens(pool, key, audience, MINTS * (ROUNDS + 1)), number))
        costs: tuple[list[float], list[float]] = ([], [])
        for at in range(0, MINTS * (ROUNDS + 1), MINTS):
            servers.reverse()  # so that neither is always the one that finds the machine warm
            for server, tokens, number in servers:
                one = measure(pool, server, "/_/oidc/mint-token", tokens[at : at + MINTS])
                costs[number].append(1e6 / one.per_cpu_second)
    without, counted = (one[1:] for one in costs)
    more = statistics.median(b / a - 1 for a, b in zip(without, counted, strict=True))
    print(f"Mints with and without figures: {ROUNDS} rounds of {MINTS} each, in turns")
    for name, found in (("not counted", without), ("counted", counted)):
        print(f"  {name:12} {statistics.median(found):6.0f} µs of processor time a mint")
    print(f"target metrics-cost-of-a-mint measured {more:.3f} wanted {MOST} {'met' if more <= MOST else 'short'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
