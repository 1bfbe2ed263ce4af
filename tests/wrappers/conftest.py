# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What wrappers meet: a real index over TLS, emulated identity providers, real distributions, and packages to install.

Nothing reaches a network: pip takes what it installs, by the same hashes, from a folder that ``make`` filled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from trustpub.errors import Declined
from trustpub.http import Http
from trustpub.proofs import listing
from trustpub.rehearsal import attested
from trustpub.rehearsal import index as throwaway
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.issuers import GitHubIssuer, Issuer, Run
from trustpub.rehearsal.processes import Children
from trustpub.rehearsal.sigstore.server import LocalSigstore

from ..client.conftest import make_sdist, make_wheel  # noqa: TID252 - pytest gives these folders no absolute name

ROOT = Path(__file__).parents[2]
WHEELS = ROOT / ".venv" / "wheels-of-the-action"
TOKEN = re.compile(r"pypi-[A-Za-z0-9_-]{40,}|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.")
"""An upload token, or an identity token."""


@dataclass(kw_only=True)
class Shop:
    """An index that serves, and believes the emulated providers that were made known to it."""

    index: throwaway.ThrowawayIndex
    believed: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return self.index.url

    @property
    def audience(self) -> str:
        return self.index.audience

    def believe(self, issuer: Issuer, kind: str) -> None:
        from trustpub.index.bootstrap.opening import open_folder

        if issuer.url in self.believed:
            return
        self.believed.add(issuer.url)
        with open_folder(self.index.data, create=False) as opened:
            opened.issuers.add(issuer.url, kind)

    def register(self, project: str, kind: str, issuer: Issuer, fields: Mapping[str, str]) -> str:
        """A pending publisher; its id."""
        from trustpub.index.bootstrap.opening import open_folder
        from trustpub.index.registration import Wanted

        with open_folder(self.index.data, create=False) as opened:
            wanted = Wanted(project=project, kind=kind, issuer=issuer.url, fields=fields, pending=True)
            return opened.publishers.add(wanted).publisher.id

    def grants(self, publisher: str) -> tuple[throwaway.Grant, ...]:
        return throwaway.grants(self.index.data, publisher)

    def files(self, project: str) -> dict[str, str]:
        """Hashes of the project's files, by name."""
        return {one["filename"]: one["hashes"]["sha256"] for one in self._listed(project)}

    def signed(self, project: str) -> set[str]:
        """Names of the project's files that have a provenance, also one by an issuer that is known here only."""
        with Http(env={}, ca=str(self.index.ca)) as http:
            asked = listing.Index(http, f"{self.url}/simple/")
            return {name for name in self.files(project) if _proven(asked, name)}

    def _listed(self, project: str) -> list[dict[str, Any]]:
        context = ssl.create_default_context(cafile=self.index.ca)
        asked = urllib.request.Request(
            f"{self.url}/simple/{project}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
        )
        try:
            with urllib.request.urlopen(asked, context=context, timeout=10) as answer:
                files: list[dict[str, Any]] = json.loads(answer.read())["files"]
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 404:
                    raise
            return []
        return files


def _proven(asked: listing.Index, filename: str) -> bool:
    try:
        document = json.loads(asked.provenance(asked.listed(filename), everything=True))
    except Declined:  # it has none
        return False
    return bool(document["attestation_bundles"])


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One index for all tests of a process; each registers projects of its own."""
    with Children() as children:
        folder = Folder(path=tmp_path_factory.mktemp("shop"))
        folder.make()
        running = throwaway.start(children, folder, os.environ)
        shop = Shop(index=throwaway.await_ready(running, folder))
        yield shop
        said = running.output()
    assert TOKEN.findall(said) == []


@pytest.fixture(scope="session")
def sigstore() -> Iterator[LocalSigstore]:
    """A Sigstore instance of our own."""
    with LocalSigstore(clock=time.time, audiences=attested.AUDIENCES) as made:
        yield made


@pytest.fixture(scope="session")
def signing_shop(tmp_path_factory: pytest.TempPathFactory, sigstore: LocalSigstore) -> Iterator[Shop]:
    """Another index, which names that instance and believes it."""
    with Children() as children:
        folder = Folder(path=tmp_path_factory.mktemp("signing-shop"))
        folder.make()
        config = attested.write_config(sigstore, folder.path)
        running = throwaway.start(children, folder, os.environ, trust_config=config)
        yield Shop(index=throwaway.await_ready(running, folder))
        said = running.output()
    assert TOKEN.findall(said) == []


@pytest.fixture(scope="session")
def github(shop: Shop) -> Iterator[GitHubIssuer]:
    """The emulated GitHub that the index believes."""
    with GitHubIssuer(clock=time.time) as issuer:
        shop.believe(issuer, "github")
        yield issuer


@pytest.fixture
def wheels() -> Path:
    """The packages of the lock files, to be installed offline."""
    if not (WHEELS / "installed").exists():
        pytest.skip("THE PACKAGES THAT THE ACTION INSTALLS ARE NOT HERE, so it was not run. Get them: make wheels")
    return WHEELS


@pytest.fixture
def offline(wheels: Path) -> dict[str, str]:
    """How a job says where pip takes packages from, and that it never looks elsewhere."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull, "NO_GCE_CHECK": "true"}


@pytest.fixture(scope="session")
def own_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """trustpub itself, built."""
    out = tmp_path_factory.mktemp("own")
    argv = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    """A name that no other test has."""
    return f"w{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]}"


Make = Callable[..., list[Path]]


@pytest.fixture
def make() -> Make:
    """Put the wheel and the source distribution of a project into a folder."""

    def into(folder: Path, project: str, **options: int) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        return [make_wheel(folder, project, "1.0", **options), make_sdist(folder, project, "1.0")]

    return into


def a_run(project: str, environment: str | None = "release") -> Run:
    """The job of GitHub's that publishes ``project``."""
    return Run(
        repository=f"acme/{project}", repository_id="501", owner_id="77", workflow="release.yml",
        environment=environment, ref="refs/tags/v1.0",
    )  # fmt: skip


def hashes(files: list[Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
