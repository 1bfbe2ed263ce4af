# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How each real client is told to publish: its own command, its own variables, nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .conftest import Shop, run

SAID = "hello from the index"
_HATCHLING = 'requires = ["hatchling"]\nbuild-backend = "hatchling.build"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A project that is about to be published, and the real client that does it."""

    shop: Shop
    name: str
    folder: Path
    program: str
    token: str | None
    """None: the client gets one for itself, by Trusted Publishing."""

    @property
    def module(self) -> str:
        """What it installs."""
        return self.name.replace("-", "_")

    @property
    def files(self) -> list[str]:
        """The built distributions, by name."""
        return [str(path) for path in sorted((self.folder / "dist").iterdir()) if path.suffix in (".whl", ".gz")]

    def run(self, *words: str, fails: bool = False, **variables: str) -> subprocess.CompletedProcess[str]:
        """The client in the project's folder, which shows no token."""
        trust = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(self.shop.ca))
        # As on a fresh runner: no keyring, a home of its own, nothing that changes from run to run.
        bare = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "SOURCE_DATE_EPOCH": "1700000000"}
        job = self.shop.job_env if self.token is None else {}
        env = {**trust, **bare, **job, "HOME": str(self.folder), **variables}
        return self.shop.run([self.program, *words], env=env, fails=fails, cwd=self.folder)


def _uv(release: Release, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    own = ["--no-config", "--trusted-publishing", "always", "--publish-url", f"{release.shop.url}/legacy/"]
    return release.run("publish", *own, *release.files, fails=fails)


def _pdm(release: Release, *more: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
    own = ["--no-build", "--repository", f"{release.shop.url}/legacy/", "--ca-certs", str(release.shop.ca)]
    return release.run("publish", *own, *more, fails=fails, PDM_CHECK_UPDATE="0", PDM_USE_VENV="0")


def _twine(release: Release, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    own = ["--non-interactive", "--disable-progress-bar", "--repository-url", f"{release.shop.url}/legacy/"]
    return release.run(
        "upload", *own, *release.files, fails=fails, TWINE_USERNAME="__token__", TWINE_PASSWORD=release.token or ""
    )


def _poetry(release: Release, *more: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
    return release.run(
        "publish", "--no-interaction", "--repository", "ours", *more, fails=fails,
        POETRY_REPOSITORIES_OURS_URL=f"{release.shop.url}/legacy/", POETRY_PYPI_TOKEN_OURS=release.token or "",
    )  # fmt: skip


def _hatch(release: Release, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    return release.run(
        "publish", "--no-prompt", "--repo", f"{release.shop.url}/legacy/", *release.files, fails=fails,
        HATCH_INDEX_USER="__token__", HATCH_INDEX_AUTH=release.token or "",
    )  # fmt: skip


def _flit(release: Release, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    return release.run(
        "publish", fails=fails, FLIT_INDEX_URL=f"{release.shop.url}/legacy/",
        FLIT_USERNAME="__token__", FLIT_PASSWORD=release.token or "",
    )  # fmt: skip


def _build_with_hatchling(program: str, folder: Path) -> None:
    run([sys.executable, "-m", "build", "--no-isolation", str(folder)])


def _build_by_itself(program: str, folder: Path) -> None:
    run([program, "build"], cwd=folder, env={"SOURCE_DATE_EPOCH": "1700000000"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """A client, and where the distributions are from that it publishes."""

    publish: Callable[..., subprocess.CompletedProcess[str]]
    trusted: bool = False
    """It does Trusted Publishing by itself, also with an index that is not PyPI."""
    told: str | None = "File already exists ("
    """What it shows when other bytes are on the index under the same name. pdm shows the status and no reason; None:
    it looks beforehand, and leaves out what is there."""
    skip: str | None = None
    """Its option to go on then."""
    build_system: str = _HATCHLING
    build: Callable[[str, Path], None] = _build_with_hatchling


PUBLISHERS = {
    "uv": Publisher(
        publish=_uv, trusted=True, build=_build_by_itself,
        build_system='requires = ["uv_build>=0.5"]\nbuild-backend = "uv_build"',
    ),
    "pdm": Publisher(publish=_pdm, trusted=True, told="'400 Bad Request'", skip="--skip-existing"),
    "twine": Publisher(publish=_twine),
    "poetry": Publisher(
        publish=_poetry, skip="--skip-existing", build=_build_by_itself,
        build_system='requires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"',
    ),
    "hatch": Publisher(publish=_hatch, told=None),
    "flit": Publisher(
        publish=_flit, build=_build_by_itself,
        build_system='requires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"',
    ),
}  # fmt: skip


def write_project(folder: Path, name: str, build_system: str, said: str = SAID) -> None:
    """A project of one module that says something."""
    module = folder / name.replace("-", "_")
    module.mkdir(parents=True, exist_ok=True)
    (module / "__init__.py").write_text(f'"""Says hello."""\n\nSAID = "{said}"\n', encoding="utf-8")
    (folder / "README.md").write_text(f"# {name}\n", encoding="utf-8")
    # uv looks below src unless it is told otherwise.
    own = '[tool.uv.build-backend]\nmodule-root = ""\n' if "uv_build" in build_system else ""
    (folder / "pyproject.toml").write_text(
        f'[build-system]\n{build_system}\n[project]\nname = "{name}"\nversion = "1.0"\nreadme = "README.md"\n'
        f'description = "Says hello"\nrequires-python = ">=3.8"\nkeywords = ["hello", "world"]\n'
        f'authors = [{{ name = "Ada Acme", email = "ada@acme.test" }}]\n'
        f'classifiers = ["Programming Language :: Python :: 3"]\n'
        f'[project.urls]\nSource = "https://acme.test/{name}"\n{own}',
        encoding="utf-8",
    )
