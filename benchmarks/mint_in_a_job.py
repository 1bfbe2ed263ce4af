# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How long a release job waits for its upload token: `trustpub mint` beside `uv publish --dry-run`, in turns.

Both ask this index for its audience, an emulated GitHub for an identity token, and the index for an upload token,
over TLS on loopback. uv also hashes one small wheel and burns the token; it has no command that only mints. Wall and
processor time are the median of ROUNDS rounds; the ratio is ours to uv's.

The target is what a release should not notice: at most 1.2 times uv's wall time. `python -m trustpub` starts an
interpreter, which uv does not; the floor, an interpreter that does nothing, is printed beside it.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import await_ready, register, start
from trustpub.rehearsal.issuers import GitHubIssuer, Run
from trustpub.rehearsal.plays.github import GitHubPlay
from trustpub.rehearsal.processes import Children

ROOT = Path(__file__).parents[1]
UV = ROOT / ".venvs" / "uv" / "bin" / "uv"
ROUNDS = int(os.environ.get("ROUNDS", "15"))
JOB = Run(repository="acme/hello", repository_id="501", owner_id="77", workflow="release.yml", environment="release")
WANTED = 1.2


def main() -> int:
    """Measure, print, and end with the target's line."""
    if not UV.is_file():
        print(f"{UV} is missing: make clients")
        return 1
    with tempfile.TemporaryDirectory() as place, GitHubIssuer(clock=time.time) as issuer, Children() as children:
        folder = Folder(path=Path(place))
        folder.make()
        index = await_ready(start(children, folder, os.environ), folder)
        register(folder.data, "hello", "github", issuer.url, GitHubPlay(issuer=issuer, identity=JOB).fields)
        issuer.serve(JOB)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": place,
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": issuer.request_token.reveal(),
            "SSL_CERT_FILE": str(index.ca),
        }
        wheel = a_wheel(folder.path)
        commands = {
            "trustpub mint": [sys.executable, "-m", "trustpub", "mint", "--print", "--index", index.url],
            "uv publish --dry-run": [
                str(UV), "publish", "--dry-run", "--trusted-publishing", "always",
                "--publish-url", f"{index.url}/legacy/", str(wheel),
            ],
            "an empty interpreter": [sys.executable, "-I", "-c", "pass"],
        }  # fmt: skip
        measured = measure(commands, env)
    for name, rounds in measured.items():
        wall, cpu = (1000 * statistics.median(one[at] for one in rounds) for at in (0, 1))
        print(f"{name:22} {wall:7.0f} ms wall {cpu:7.0f} ms processor, median of {len(rounds)}")
    ratio = statistics.median(
        ours[0] / theirs[0]
        for ours, theirs in zip(measured["trustpub mint"], measured["uv publish --dry-run"], strict=True)
    )
    print(f"target mint-wall-over-uv measured {ratio:.2f} wanted {WANTED} {'met' if ratio <= WANTED else 'short'}")
    return 0


def measure(commands: Mapping[str, Sequence[str]], env: Mapping[str, str]) -> dict[str, list[tuple[float, float]]]:
    """Seconds of wall and processor time of every command, one after the other, ROUNDS times after one to warm up."""
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for round_ in range(ROUNDS + 1):
        for name, argv in commands.items():
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
            wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                raise SystemExit(f"{name} ended with {done.returncode}: {done.stderr[-1000:]}")
            if round_:
                cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                measured[name].append((wall, cpu))
    return measured


def a_wheel(folder: Path) -> Path:
    """The least that uv takes for a wheel."""
    path = folder / "hello-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello-1.0.dist-info/METADATA", "Metadata-Version: 2.4\nName: hello\nVersion: 1.0\n")
        archive.writestr("hello-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("hello-1.0.dist-info/RECORD", "")
    return path


if __name__ == "__main__":
    sys.exit(main())
