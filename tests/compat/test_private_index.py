# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Real installers at a private index: with a token from .netrc, in the URL, of a job's identity, and without one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .. import packed  # noqa: TID252 - pytest gives these folders no absolute name
from .conftest import Shop, run

SAID = "hello from behind a door"


def build(folder: Path, name: str) -> Path:
    """A wheel of the project, as small as one can be."""
    info = f"{name}-1.0.dist-info"
    members = {
        f"{name}.py": f"SAID = {SAID!r}\n".encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": packed.TAGGED,
    }
    path = folder / f"{name}-1.0-py3-none-any.whl"
    path.write_bytes(packed.wheel(info, members))
    return path


@dataclass(kw_only=True)
class Installers:
    """pip and uv, which know of nothing but what a test gives them."""

    shop: Shop
    folder: Path
    uv: str | None = None

    @property
    def netrc(self) -> Path:
        return self.folder / "netrc"

    def write_netrc(self, token: str) -> None:
        self.netrc.write_text(f"machine localhost login __token__ password {token}\n", encoding="utf-8")
        self.netrc.chmod(0o600)

    def simple(self, token: str | None = None) -> str:
        """The index's URL, with a token in it if one is given."""
        parts = urlsplit(self.shop.url)
        return f"{parts.scheme}://{f'__token__:{token}@' if token else ''}{parts.netloc}/simple/"

    def install(self, project: str, url: str, *, fails: bool = False) -> subprocess.CompletedProcess[str]:
        """Into ``folder/target``, by uv if there is one here, else by pip."""
        env = {
            "HOME": str(self.folder), "NETRC": str(self.netrc), "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "SSL_CERT_FILE": str(self.shop.ca), "UV_NO_CONFIG": "1",
        }  # fmt: skip
        into = ["--no-deps", "--target", str(self.folder / "target"), "--index-url", url, project]
        if self.uv is None:
            argv = [
                sys.executable, "-m", "pip", "install", "--no-input", "--no-cache-dir", "--cert", str(self.shop.ca),
                "--keyring-provider", "disabled", *into,
            ]  # fmt: skip
        else:
            argv = [self.uv, "pip", "install", "--no-cache", "--python", sys.executable, *into]
        return run(argv, env=env, fails=fails)

    def said(self, project: str) -> str:
        """What the installed module says."""
        return run(
            [sys.executable, "-c", f"import {project}; print({project}.SAID)"],
            env={"PYTHONPATH": str(self.folder / "target")},
        ).stdout.strip()


@pytest.fixture(scope="module")
def shop(open_shop_for_all: Callable[..., Shop], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A private index with the projects hidden and other, and a person called ada."""
    opened = open_shop_for_all("--private")
    folder = tmp_path_factory.mktemp("dist")
    for name in ("hidden", "other"):
        opened.register(name)
        argv = [sys.executable, "-m", "trustpub", "publish", "--index", opened.url, "--ca", str(opened.ca)]
        opened.run([*argv, str(build(folder, name))], env=opened.job_env)
    opened.admin("user", "add", "ada")
    return opened


@pytest.fixture(params=["pip", "uv"])
def installers(request: pytest.FixtureRequest, shop: Shop, tmp_path: Path, client: Callable[[str], str]) -> Installers:
    return Installers(shop=shop, folder=tmp_path, uv=client("uv") if request.param == "uv" else None)


def made(shop: Shop, *more: str) -> str:
    """A token of ada's that reads."""
    return shop.admin("token", "create", "ada", "--scope", "read", *more).splitlines()[-1]


def test_a_token_in_netrc_installs(installers: Installers) -> None:
    installers.write_netrc(made(installers.shop))
    installers.install("hidden", installers.simple())
    assert installers.said("hidden") == SAID


def test_a_token_in_the_url_installs_and_is_not_shown(installers: Installers) -> None:
    token = made(installers.shop)
    done = installers.install("hidden", installers.simple(token))
    assert installers.said("hidden") == SAID
    assert token not in done.stdout + done.stderr


def test_without_a_token_nothing_is_installed_and_401_is_said(installers: Installers) -> None:
    done = installers.install("hidden", installers.simple(), fails=True)
    said = done.stdout + done.stderr
    assert "401" in said or "No matching distribution" in said
    assert not (installers.folder / "target" / "hidden.py").exists()


def test_a_token_for_one_project_finds_no_other(installers: Installers) -> None:
    token = made(installers.shop, "--project", "hidden")
    installers.install("hidden", installers.simple(token))
    assert installers.said("hidden") == SAID
    other, nothing = (installers.install(name, installers.simple(token), fails=True) for name in ("other", "nobody"))
    said = [Shop.said(one).replace("other", "NAME").replace("nobody", "NAME") for one in (other, nothing)]
    assert said[0] == said[1]


def test_a_job_installs_with_the_token_that_its_identity_gets(installers: Installers) -> None:
    shop = installers.shop
    argv = [sys.executable, "-m", "trustpub", "mint", "--print", "--scope", "read"]
    argv += ["--index", shop.url, "--ca", str(shop.ca)]
    token = shop.run(argv, env=shop.job_env).stdout.splitlines()[-1]
    installers.write_netrc(token)
    installers.install("other", installers.simple())
    assert installers.said("other") == SAID


def test_a_token_for_uploads_installs_nothing(installers: Installers) -> None:
    token = installers.shop.mint()
    installers.install("hidden", installers.simple(token), fails=True)
