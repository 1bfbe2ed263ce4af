# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub serve --workers N`` on a real PostgreSQL, and the jobs of a CI that publish there."""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc.jwk import RSAKey

from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.opening import open_folder
from trustpub.index.registration import Wanted
from trustpub.index.settings import Postgres
from trustpub.secret import Secret

from ..postgres import Database  # noqa: TID252 - pytest gives these folders no absolute name

ISSUER = "https://ci.test/_services/token"
KEY_ID = "key-1"
START_SECONDS = 90


@dataclass
class Many:
    """An index that several processes serve."""

    place: Path
    database: Database
    workers: int = 2
    settings: str = ""
    """More lines of its settings."""
    data: Path = field(init=False)
    url: str = ""
    audience: str = ""
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.data = self.place / "index"

    def start(self, *options: str) -> None:
        """Return once all workers take requests."""
        port = self.url.rpartition(":")[2] or 0
        (self.place / "url").write_text(self.database.url)
        (self.place / "url").chmod(0o600)
        (self.place / "settings.toml").write_text(
            f'[server]\ndata = "{self.data}"\nport = {port}\nworkers = {self.workers}\n'
            f'[postgres]\nurl_file = "{self.place}/url"\n{self.settings}'
        )
        command = ["serve", "--config", str(self.place / "settings.toml"), "--rehearsal", "--json", *options]
        with (self.place / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "trustpub", *command], stdout=subprocess.PIPE, stderr=log, text=True
            )
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line.startswith("{"):
            self.stop(signal.SIGKILL)
            raise AssertionError(self.log()[-3000:])
        self.url, self.audience = json.loads(line)["url"], json.loads(line)["audience"]

    def log(self) -> str:
        return (self.place / "log").read_text()

    def pids(self) -> list[int]:
        """Of the workers that live now."""
        assert self.process is not None
        found: list[int] = []
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
        return sorted(found)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    @contextmanager
    def opened(self) -> Iterator[Folder]:
        """The index, in this process."""
        postgres = Postgres(url=Secret(self.database.url))
        with open_folder(self.data, create=False, postgres=postgres, env=os.environ) as folder:
            yield folder

    def admin(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A command on it."""
        command = [sys.executable, "-m", "trustpub", "admin", *map(str, arguments)]
        return subprocess.run(
            [*command, "--config", str(self.place / "settings.toml")],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip


class Jobs:
    """A CI with one repository for each project."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._numbers = itertools.count()

    def register(self, folder: Folder, projects: int, *, pending: bool = True, owner: str | None = None) -> None:
        """Have the index believe it, and hold so many names for first releases."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        jwk = RSAKey.import_key(pem, {"kid": KEY_ID}).as_dict(private=False)
        folder.issuers.add(ISSUER, "github", jwks={"keys": [jwk]})
        for number in range(projects):
            folder.publishers.add(
                Wanted(
                    project=project(number), kind="github", issuer=ISSUER, pending=pending, owner=owner,
                    fields={
                        "repository": f"acme/{project(number)}", "workflow": "release.yml", "environment": "release",
                        "owner_id": "77", "repository_id": str(1000 + number),
                    },
                )
            )  # fmt: skip

    def token(self, audience: str, number: int) -> str:
        """Another identity token of the job that releases this project."""
        now, name = int(time.time()), f"acme/{project(number)}"
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": audience, "iat": now, "nbf": now - 300, "exp": now + 3000,
            "jti": f"jti-{next(self._numbers)}", "sub": f"repo:{name}:environment:release", "actor": "octocat",
            "actor_id": "12", "environment": "release", "event_name": "release", "ref": "refs/tags/v1.0",
            "ref_type": "tag", "repository": name, "repository_id": str(1000 + number), "repository_owner": "acme",
            "repository_owner_id": "77", "repository_visibility": "public", "run_attempt": "1", "run_id": "20123456789",
            "run_number": "17", "runner_environment": "github-hosted", "sha": "f" * 40, "workflow": "Release",
            "job_workflow_ref": f"{name}/.github/workflows/release.yml@refs/tags/v1.0", "job_workflow_sha": "f" * 40,
            "workflow_ref": f"{name}/.github/workflows/release.yml@refs/tags/v1.0", "workflow_sha": "f" * 40,
        }  # fmt: skip
        signed = ".".join(
            _base64(json.dumps(one).encode()) for one in ({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, claims)
        )
        return f"{signed}.{_base64(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def project(number: int) -> str:
    """Its name."""
    return f"soaked{number}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
