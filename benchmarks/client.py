# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a release waits for: minting once, publishing 1 and 40 small wheels, and the memory that a large one takes.

Beside us, in turns, every command as a person types it: uv, pdm and twine, and for the mint a script of curl and jq
with the same three requests. All go over TLS to an index of ours on loopback, once as it is and once with 50 ms added
to each round trip (`beside/delaying.py`); the CI is emulated and near. Each round publishes files nobody has seen.

uv and pdm get their tokens themselves, as we do, and uv and we give them back. twine can do neither with an index that
is not PyPI's, so its token is minted before its time begins. uv has no command that only mints: `uv publish --dry-run`
hashes one small wheel and burns the token as well.

What it cost to mint with urllib3 and click, on the machine where they were taken out: 2.1 times the script, and 0.9
times without both; urllib3 takes 45 ms to load and click 30, Python's http.client, which is asked instead, 10. Looking
for garbage as often as Python does by itself was another tenth.

`ROUNDS` (7) and `MEGABYTES` (500) set the size; `ONLY=mint`, `publish` or `memory` leaves out the rest.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from beside.servers import free_port
from beside.wheels import build

from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.index import ThrowawayIndex, await_ready, register
from trustpub.rehearsal.issuers import GitHubIssuer, Run
from trustpub.rehearsal.plays.github import GitHubPlay
from trustpub.rehearsal.processes import Children

ROOT = Path(__file__).parents[1]
US = str(Path(sys.executable).with_name("trustpub"))
PEERS = {name: ROOT / ".venvs" / name / "bin" / name for name in ("uv", "pdm", "twine")}
ROUNDS = int(os.environ.get("ROUNDS", "7"))
MEGABYTES = int(os.environ.get("MEGABYTES", "500"))
ONLY = os.environ.get("ONLY", "")
ADDED_SECONDS = 0.05
"""To each round trip."""
MANY = 40
JOB = Run(repository="acme/hello", repository_id="501", owner_id="77", workflow="release.yml", environment="release")

SCRIPT = r"""
set -euo pipefail
audience=$(curl -fsS --cacert "$SSL_CERT_FILE" "$INDEX/_/oidc/audience" | jq -r .audience)
identity=$(curl -fsS -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$audience" | jq -r .value)
echo "::add-mask::$identity"
token=$(jq -cn --arg token "$identity" '{token: $token}' |
    curl -fsS --cacert "$SSL_CERT_FILE" -d @- "$INDEX/_/oidc/mint-token" | jq -r .token)
echo "::add-mask::$token"
echo "$token"
"""
"""What many workflows have instead of a client."""

PEAK = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss, flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""The most memory that a program had, as seen by a parent with little: Linux counts the parent's at the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one run of a program took."""

    wall: float
    """Seconds."""
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An index, and a job that may publish to it."""

    index: ThrowawayIndex
    env: Mapping[str, str]
    folder: Path


def run(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Spent:
    """One run of a program, which must end well."""
    with tempfile.TemporaryFile("w+") as out:
        begun = time.perf_counter()
        process = subprocess.Popen(argv, env=env, cwd=cwd, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        process.wait()
        wall = time.perf_counter() - begun
        out.seek(0)
        said = out.read()
    if process.returncode:
        raise SystemExit(f"{argv[0]} ended with {process.returncode}: {said[-2000:]}")
    return Spent(wall=wall, out=said)


@contextmanager
def place(folder: Path, issuer: GitHubIssuer, children: Children, seconds: float) -> Iterator[Place]:
    """An index with ``seconds`` added to each round trip on the way to it."""
    made = Folder(path=folder)
    made.make()
    port, public = free_port(), free_port()
    argv = [sys.executable, "-m", "trustpub", "serve", "--data", str(made.data), "--rehearsal", "--tls-dev"]
    argv += ["--port", str(port), "--max-file-size", "2G"]
    bare = made.bare(os.environ)
    if seconds:
        argv += ["--public-url", f"https://localhost:{public}"]
        way = [sys.executable, str(ROOT / "benchmarks" / "beside" / "delaying.py"), str(public), str(port)]
        children.start([*way, str(seconds / 2)], env=bare, cwd=folder, log=made.log("way"))
    index = await_ready(children.start(argv, env=bare, cwd=folder, log=made.log("index")), made)
    register(index.data, "hello", "github", issuer.url, GitHubPlay(issuer=issuer, identity=JOB).fields)
    trust = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(index.ca))
    yield Place(
        index=index,
        folder=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": issuer.request_token.reveal(),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PDM_CHECK_UPDATE": "0",
            "PDM_USE_VENV": "0",
            "INDEX": index.url,
            **trust,
        },
    )


def wheels(folder: Path, version: int, number: int) -> list[Path]:
    """So many small wheels of one release; they differ by their build number."""
    found = []
    dist = folder / "dist"
    dist.mkdir(parents=True)
    for tag in range(1, number + 1):
        made = build(dist, "hello", f"{version}.0", {"hello/__init__.py": secrets.token_bytes(2000)}).path
        found.append(made.rename(made.with_name(f"hello-{version}.0-{tag}-py3-none-any.whl")))
    (folder / "pyproject.toml").write_text(f'[project]\nname = "hello"\nversion = "{version}.0"\n')
    return found


def mints(at: Place, files: Sequence[Path]) -> dict[str, Sequence[str]]:
    """The commands that get a token."""
    found: dict[str, Sequence[str]] = {
        "trustpub mint": [US, "mint", "--print", "--index", at.index.url],
        "curl and jq": ["bash", "-c", SCRIPT],
        "uv publish --dry-run": [*_uv(at), "--dry-run", str(files[0])],
        "an empty interpreter": [sys.executable, "-I", "-c", "pass"],
    }
    return {name: argv for name, argv in found.items() if name != "uv publish --dry-run" or PEERS["uv"].is_file()}


def publishes(at: Place, files: Sequence[Path]) -> dict[str, Sequence[str]]:
    """The commands that publish ``files``."""
    paths = [str(path) for path in files]
    upload = f"{at.index.url}/legacy/"
    found: dict[str, Sequence[str]] = {
        "trustpub publish": [US, "publish", "--index", at.index.url, *paths],
        "uv publish": [*_uv(at), *paths],
        "pdm publish": [str(PEERS["pdm"]), "publish", "--no-build", "--repository", upload,
                        "--ca-certs", str(at.index.ca)],
        "twine upload": [str(PEERS["twine"]), "upload", "--non-interactive", "--disable-progress-bar",
                         "--repository-url", upload, *paths],
    }  # fmt: skip
    return {name: argv for name, argv in found.items() if argv[0] == US or Path(argv[0]).is_file()}


def _uv(at: Place) -> list[str]:
    return [
        str(PEERS["uv"]), "publish", "--no-config", "--trusted-publishing", "always",
        "--publish-url", f"{at.index.url}/legacy/",
    ]  # fmt: skip


def in_turns(at: Place, versions: Iterator[int], number: int, commands: Callable[..., Mapping[str, Sequence[str]]],
             *, anew: bool) -> dict[str, list[float]]:  # fmt: skip
    """Seconds of each command, one after the other, ROUNDS times after one to warm up; ``anew``: each with files of
    its own.
    """
    measured: dict[str, list[float]] = {}
    first = at.folder / f"r{next(versions)}"
    files = wheels(first, next(versions), number)
    for round_ in range(ROUNDS + 1):
        for name in commands(at, files):
            folder = first
            if anew:
                version = next(versions)
                folder = at.folder / f"r{version}"
                files = wheels(folder, version, number)
            env = dict(at.env)
            if name == "twine upload":
                env |= {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": _token(at)}
            spent = run(commands(at, files)[name], env, folder)
            if round_:
                measured.setdefault(name, []).append(spent.wall)
    return measured


def _token(at: Place) -> str:
    said = run([US, "mint", "--print", "--quiet", "--index", at.index.url], at.env, at.folder).out
    return said.splitlines()[-1]


def told(title: str, measured: Mapping[str, Sequence[float]]) -> None:
    """Medians, ours first."""
    print(f"{title}, median of {ROUNDS}")
    for name, walls in measured.items():
        print(f"  {name:22} {1000 * statistics.median(walls):8.0f} ms")


def over(measured: Mapping[str, Sequence[float]], ours: str, theirs: str) -> float | None:
    """The median of the rounds' ratios; None where the peer is not there."""
    if theirs not in measured:
        print(f"{theirs} is missing: make clients")
        return None
    return statistics.median(a / b for a, b in zip(measured[ours], measured[theirs], strict=True))


def target(name: str, value: float | None, wanted: float) -> None:
    """The closing line of a claim."""
    if value is not None:
        print(f"target {name} measured {value:.2f} wanted {wanted} {'met' if value <= wanted else 'short'}")


def a_large_wheel(folder: Path, version: int) -> Path:
    """One of MEGABYTES, which nothing can pack."""
    dist = folder / "dist"
    dist.mkdir(parents=True)
    path, info = dist / f"hello-{version}.0-py3-none-any.whl", f"hello-{version}.0.dist-info"
    small = build(folder, "hello", f"{version}.0", {}).path
    digest = hashlib.sha256()
    with zipfile.ZipFile(small) as source, zipfile.ZipFile(path, "w") as archive:
        with archive.open("hello/ballast", "w", force_zip64=True) as ballast:
            for _ in range(MEGABYTES):
                piece = secrets.token_bytes(1 << 20)
                digest.update(piece)
                ballast.write(piece)
        written = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        for name in ("METADATA", "WHEEL", "RECORD"):
            more = f"hello/ballast,sha256={written},{MEGABYTES << 20}\n" if name == "RECORD" else ""
            archive.writestr(f"{info}/{name}", source.read(f"{info}/{name}").decode() + more)
    return path


def memory(at: Place, versions: Iterator[int]) -> float:
    """The peak, in megabytes, of publishing one large wheel."""
    version = next(versions)
    path = a_large_wheel(at.folder / f"r{version}", version)
    argv = [US, "publish", "--index", at.index.url, str(path)]
    spent = run([sys.executable, "-I", "-S", "-c", PEAK, *argv], at.env, path.parent)
    peak = int(spent.out.split()[-1]) / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(f"One wheel of {MEGABYTES} MB: {spent.wall:.1f} s, at most {peak:.0f} MB of memory")
    path.unlink()
    return peak


def measure(at: Place, far: Place) -> None:
    """All of it, on loopback and with the way made longer."""
    versions = count(1)
    if ONLY in ("", "mint"):
        for title, one in (("Minting on loopback", at), ("Minting with 50 ms added", far)):
            measured = in_turns(one, versions, 1, mints, anew=False)
            told(title, measured)
            away = "-50ms" if one is far else ""
            target(f"mint{away}-over-curl", over(measured, "trustpub mint", "curl and jq"), 1.0)
            ratio = over(measured, "trustpub mint", "uv publish --dry-run")
            if ratio is not None:  # where we are going: a program that has nothing to load
                print(f"  {ratio:.2f} of uv's")
    if ONLY in ("", "publish"):
        for number in (1, MANY):
            for place_, one in (("on loopback", at), ("with 50 ms added", far)):
                measured = in_turns(one, versions, number, publishes, anew=True)
                told(f"Publishing {number} small {'wheel' if number == 1 else 'wheels'} {place_}", measured)
                if one is far:
                    wanted = 1.1 if number == 1 else 0.35
                    target(f"publish-{number}-50ms-over-uv", over(measured, "trustpub publish", "uv publish"), wanted)
    if ONLY in ("", "memory"):
        target("publish-memory-megabytes", memory(at, versions), 60)


def main() -> int:
    """Measure, print, and end with the targets' lines."""
    with (
        tempfile.TemporaryDirectory() as folder,
        GitHubIssuer(clock=time.time) as issuer,
        Children() as children,
    ):
        issuer.serve(JOB)
        at = partial(place, issuer=issuer, children=children)
        near, away = Path(folder) / "near", Path(folder) / "far"
        near.mkdir()
        away.mkdir()
        with at(near, seconds=0.0) as here, at(away, seconds=ADDED_SECONDS) as there:
            measure(here, there)
    return 0


if __name__ == "__main__":
    sys.exit(main())
