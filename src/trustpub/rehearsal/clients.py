# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The real clients, unchanged, as programs of their own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trustpub.errors import Declined, Misuse
from trustpub.packages.names import normalize
from trustpub.printable import printable
from trustpub.rehearsal import building
from trustpub.rehearsal.building import Release
from trustpub.rehearsal.environment import Folder, masked
from trustpub.rehearsal.index import ThrowawayIndex
from trustpub.rehearsal.processes import Children, Ended
from trustpub.rehearsal.project import Project

CLIENTS = ("trustpub", "uv", "twine", "pdm", "poetry", "hatch", "flit")
"""What can publish."""
ASK_THEMSELVES: Mapping[str, tuple[str, ...]] = {
    "uv": ("github", "gitlab", "circleci", "buildkite", "forgejo"),
    "pdm": ("github", "gitlab", "circleci", "buildkite", "forgejo"),
}
"""Which clients ask a CI for an identity, and the index for a token, without us; and of which kinds of provider.

twine does so for PyPI's own hosts only. pdm also knows Google Cloud, but only a metadata server under its real name,
which no rehearsal has. Everywhere else ``trustpub mint`` gives the client a token, and gives it back.
"""
PUBLISH_SECONDS = 600.0

_IN_PROJECT = ("pdm", "poetry", "flit")
_US = (sys.executable, "-m", "trustpub")
_BY_MINT = "it was run by trustpub mint -- COMMAND, which gave it a token and gave that back"
_IDS_OF_BUILDKITE = "BUILDKITE_OIDC_TOKEN_CLAIMS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be published, by whom."""

    client: str
    """One of :data:`CLIENTS`."""
    kind: str
    """Of the provider whose job this is."""
    release: Release
    project: Path
    """The copy of the project; there only where :func:`needs_project` says so, or the release was built in it."""
    shared_audience: str | None = None
    """Of all identity tokens of this CI."""
    signs: bool = False
    """Whether nothing may go up without an attestation; of ``trustpub`` only."""

    @property
    def asks_itself(self) -> bool:
        """Whether the client needs no token from us."""
        return asks_itself(self.client, self.kind)

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the built files."""
        return tuple(str(file.path) for file in self.release.files)


def asks_itself(client: str, kind: str) -> bool:
    """Whether ``client`` does the exchange itself in a job of this ``kind``."""
    return client == "trustpub" or kind in ASK_THEMSELVES.get(client, ())


def needs_project(client: str) -> bool:
    """Whether ``client`` publishes only from the folder of a project."""
    return client in _IN_PROJECT


def check(client: str, kind: str, project: Project, env: Mapping[str, str]) -> None:
    """That ``client`` can be run here, for this project, in a job of this ``kind``.

    Raises:
        Misuse: it is not installed, says how to get it; or the project is not one that it publishes; or no client
            publishes there.
    """
    if client == "trustpub":
        return
    if kind == "activestate":
        raise Misuse(
            f"ActiveState's platform publishes by itself, and runs no {client}.",
            hint="Leave out --client: the platform is played.",
        )
    _program(client, env)
    if needs_project(client) and not (project.folder / "pyproject.toml").is_file():
        raise Misuse(
            f"{client} publishes from a folder with a pyproject.toml, and {printable(str(project.folder))} has none.",
            hint="Give the project's folder, or rehearse with --client trustpub, uv, twine or hatch.",
        )


def notes(client: str, kind: str) -> tuple[str, ...]:
    """What differs in a real job that publishes with ``client``; printable."""
    found = []
    if (client, kind) == ("pdm", "google"):
        found.append(f"pdm asks Google's machines under a name that no rehearsal has; {_BY_MINT}")
    elif not asks_itself(client, kind):
        found.append(f"{client} does not ask this index for a token from this CI; {_BY_MINT}")
    elif kind == "buildkite" and client != "trustpub":
        ids = "organization_id,pipeline_id"
        found.append(
            f"{client} asks for no ids: the step was given {_IDS_OF_BUILDKITE}={ids}, and the real one needs it"
        )
    if client == "flit":
        found.append("flit publishes nothing but what it builds itself; those files were installed")
    return tuple(found)


def publish(
    order: Order, children: Children, folder: Folder, index: ThrowawayIndex, *,
    env: Mapping[str, str], user: Mapping[str, str],
) -> Release:  # fmt: skip
    """Have it published. ``env`` is the job's environment, ``user`` that of who rehearses. What went up.

    Raises:
        Declined: it failed; with the end of what it said.
    """
    client = order.client
    cwd = order.project if needs_project(client) else folder.home
    if client == "trustpub":
        argv = [*_US, "publish", *order.files, "--index", index.url, "--ca", str(index.ca), *_sharing(order)]
        argv += ["--attestations", "required" if order.signs else "auto"]
        _said(client, children.run(argv, env=env, cwd=cwd, seconds=PUBLISH_SECONDS))
        return order.release
    argv = [_program(client, user), *_arguments(order, folder, index)]
    if not order.asks_itself:
        argv = [*_US, "mint", "--index", index.url, "--ca", str(index.ca), *_sharing(order), "--", *argv]
    job = {**env, **_settings(order, index)}
    _said(client, children.run(argv, env=job, cwd=cwd, seconds=PUBLISH_SECONDS))
    return _built_anew(order) if client == "flit" else order.release


def _arguments(order: Order, folder: Folder, index: ThrowawayIndex) -> list[str]:
    """What the client is told: how to publish built files to this index without asking anybody anything."""
    url, dist = f"{index.url}/legacy/", str(folder.dist)
    always = ["--trusted-publishing", "always" if order.asks_itself else "never"]
    return {
        "uv": ["publish", "--no-config", "--no-progress", *always, "--publish-url", url, *order.files],
        "twine": ["upload", "--non-interactive", "--disable-progress-bar", "--repository-url", url, *order.files],
        "pdm": ["publish", "--no-build", "--dest", dist, "--repository", url],
        "poetry": ["publish", "--no-interaction", "--dist-dir", dist, "--repository", "trustpub"],
        "hatch": ["publish", "--no-prompt", "--repo", url, *order.files],
        "flit": ["publish"],
    }[order.client]


def _settings(order: Order, index: ThrowawayIndex) -> dict[str, str]:
    """Variables with which the client looks for no stored secret and asks nobody else for anything; if it asks the
    index itself, also whom to believe.
    """
    found = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    found |= {"PDM_CHECK_UPDATE": "0", "FLIT_NO_NETWORK": "1"}
    if order.asks_itself:
        found |= {"SSL_CERT_FILE": str(index.ca), "PDM_PUBLISH_CA_CERTS": str(index.ca)}
        if order.kind == "buildkite":
            found[_IDS_OF_BUILDKITE] = "organization_id,pipeline_id"
    return found


def _sharing(order: Order) -> list[str]:
    return [] if order.shared_audience is None else ["--accept-shared-audience", order.shared_audience]


def _built_anew(order: Order) -> Release:
    """The release that the client built in the project's copy.

    Raises:
        Declined: it is of another project or version.
    """
    anew, first = building.read(order.project / "dist"), order.release
    if (normalize(anew.name), anew.version) != (normalize(first.name), first.version):
        raise Declined(
            f"{order.client} built and published {anew.name} {anew.version}, and {first.name} {first.version} was "
            "to be released."
        )
    return anew


def _said(client: str, ended: Ended) -> None:
    if ended.code != 0:
        tail = Ended(code=ended.code, output=masked(ended.output)).tail(30)
        said = "\n".join(printable(line) for line in tail.splitlines())
        raise Declined(f"{client} did not publish (exit code {ended.code}). The last it said:\n{said}")


def _program(name: str, env: Mapping[str, str]) -> str:
    """Where a program is: beside this Python first, then on the path."""
    beside = os.path.dirname(sys.executable)
    found = shutil.which(name, path=beside) or shutil.which(name, path=env.get("PATH", os.defpath))
    if found is None:
        raise Misuse(f"{name} is not installed here.", hint=f"pip install {name}")
    return found
