# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How each real client is told to install, and where a person can keep the token that a private index asks for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .conftest import Shop, run

NETRC, KEYRING, URL, VARIABLES = "netrc", "keyring", "URL", "variables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """An empty folder, and a person who wants two projects installed in it from one index."""

    shop: Shop
    origin: str
    """Of the index, or of a proxy before it: scheme, host and port."""
    folder: Path
    program: str
    keyring: Path
    """The folder of the real keyring's program."""
    token: str | None = None
    kept: str | None = None
    """Where the token is: one of the words above."""

    @property
    def url(self) -> str:
        """Of the index's Simple API, with as much of the credential as belongs there."""
        user = {URL: f"__token__:{self.token}@", KEYRING: "__token__@"}.get(self.kept or "", "")
        return f"https://{user}{urlsplit(self.origin).netloc}/simple/"

    @property
    def netloc(self) -> str:
        """Host and port."""
        return urlsplit(self.origin).netloc

    def run(self, *words: str, fails: bool = False, **variables: str) -> subprocess.CompletedProcess[str]:
        """The client in the folder, which shows no token."""
        trust = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), str(self.shop.ca))
        env = {**trust, "HOME": str(self.folder), **self._keeping(), **variables}
        return self.shop.run([self.program, *words], env=env, fails=fails, cwd=self.folder)

    def _keeping(self) -> Mapping[str, str]:
        """Variables by which programs find the token."""
        found = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        if self.kept == NETRC:
            netrc = self.folder / ".netrc"
            netrc.write_text(
                f"machine {urlsplit(self.origin).hostname}\nlogin __token__\npassword {self.token}\n", encoding="utf-8"
            )
            netrc.chmod(0o600)
        if self.kept == KEYRING:
            # In a file, which is what machines without a desktop have.
            found = {
                "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
                "XDG_DATA_HOME": str(self.folder / "data"),
                "PATH": f"{self.keyring}{os.pathsep}{os.environ['PATH']}",
            }
            self._remember(found)
        return found

    def _remember(self, variables: Mapping[str, str]) -> None:
        """What `keyring set` asks for on a terminal comes from a pipe."""
        subprocess.run(
            [str(self.keyring / "keyring"), "set", self.netloc, "__token__"], input=f"{self.token}\n", text=True,
            env={**os.environ, **variables}, check=True, capture_output=True, timeout=60,
        )  # fmt: skip


def _pip(setting: Setting, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    keyring = ["--keyring-provider", "subprocess"] if setting.kept == KEYRING else []
    return setting.run(
        "install", "--isolated", "--disable-pip-version-check", "--no-input", "--no-cache-dir", *keyring,
        "--cert", str(setting.shop.ca), "--target", "site", "--index-url", setting.url, "greeting", fails=fails,
        PIP_CONFIG_FILE=os.devnull,
    )  # fmt: skip


def _uv(setting: Setting, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    keyring = ["--keyring-provider", "subprocess"] if setting.kept == KEYRING else []
    return setting.run(
        "pip", "install", "--no-config", "--no-cache", *keyring, "--python", sys.executable, "--target", "site",
        "--default-index", setting.url, "greeting", fails=fails,
    )  # fmt: skip


def _poetry(setting: Setting, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """With a lock file, as everybody who uses poetry has one."""
    _project(
        setting,
        "[tool.poetry]\npackage-mode = false\n"
        f'[[tool.poetry.source]]\nname = "ours"\nurl = "{setting.url}"\npriority = "primary"\n',
    )
    given = {"POETRY_HTTP_BASIC_OURS_USERNAME": "__token__", "POETRY_HTTP_BASIC_OURS_PASSWORD": setting.token or ""}
    return setting.run(
        "install", "--no-interaction", fails=fails, POETRY_VIRTUALENVS_IN_PROJECT="true",
        POETRY_VIRTUALENVS_OPTIONS_NO_PIP="true", POETRY_CACHE_DIR=str(setting.folder / "cache"),
        **(given if setting.kept == VARIABLES else {}),
    )  # fmt: skip


def _pdm(setting: Setting, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
    """Into the project's own folder of packages, so that no environment has to be made for it."""
    _project(
        setting,
        f'[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{setting.url}"\n',
    )
    return setting.run(
        "install", "--no-self", fails=fails, PDM_CHECK_UPDATE="0", PDM_USE_VENV="0", PDM_PYTHON=sys.executable,
        PDM_CACHE_DIR=str(setting.folder / "cache"), PDM_CONFIG_FILE=str(setting.folder / "pdm.toml"),
    )  # fmt: skip


def _project(setting: Setting, more: str) -> None:
    (setting.folder / "pyproject.toml").write_text(
        '[project]\nname = "ours"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["greeting"]\n' + more,
        encoding="utf-8",
    )


Install = Callable[..., "subprocess.CompletedProcess[str]"]
INSTALLERS: Mapping[str, Install] = {"pip": _pip, "uv": _uv, "poetry": _poetry, "pdm": _pdm}


def greeted(setting: Setting) -> str:
    """What the installed projects say, wherever the client put them."""
    (found,) = [path for path in setting.folder.rglob("greeting.py") if "cache" not in path.parts]
    return run(
        [sys.executable, "-c", "import greeting; print(greeting.SAID)"], env={"PYTHONPATH": str(found.parent)}
    ).stdout
