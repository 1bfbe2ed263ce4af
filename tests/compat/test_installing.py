# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Real clients install a project and what it needs: from HTML and from JSON, public and private."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import ROOT, Shop, run
from .front import HTML, JSON, Front
from .installers import INSTALLERS, KEYRING, NETRC, URL, VARIABLES, Setting, greeted

PROJECTS = {
    "greeting": 'import whom\n\nSAID = f"hello {whom.NAME}"\n',
    "whom": 'NAME = "world"\n',
}
SAID = "hello world\n"
formats = pytest.mark.parametrize("served", [HTML, JSON], ids=["html", "json"])


@pytest.fixture(scope="module")
def dists(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Wheels of two projects, one of which needs the other."""
    place = tmp_path_factory.mktemp("projects")
    for name, code in PROJECTS.items():
        (place / name).mkdir()
        (place / name / f"{name}.py").write_text(code, encoding="utf-8")
        needs = '["whom >= 1"]' if name == "greeting" else "[]"
        (place / name / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
            f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.8"\ndependencies = {needs}\n',
            encoding="utf-8",
        )
        run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(place / name)])
    return [str(path) for path in sorted(place.glob("*.whl"))]


def stocked(shop: Shop, dists: list[str]) -> Shop:
    """The index with both projects published."""
    for name in PROJECTS:
        shop.register(name)
    argv = [sys.executable, "-m", "trustpub", "publish", "--index", shop.url, "--ca", str(shop.ca), *dists]
    shop.run(argv, env=shop.job_env)
    return shop


@pytest.fixture(scope="module")
def public(open_shop_for_all: Callable[..., Shop], dists: list[str]) -> Shop:
    """An index that everybody may read."""
    return stocked(open_shop_for_all("--public"), dists)


@pytest.fixture(scope="module")
def private(open_shop_for_all: Callable[..., Shop], dists: list[str]) -> Shop:
    """One that asks for a token."""
    return stocked(open_shop_for_all("--private"), dists)


@pytest.fixture(scope="module")
def read_token(private: Shop) -> str:
    """A token for reading that a person was given."""
    private.admin("user", "add", "ada")
    return private.admin("token", "create", "ada", "--scope", "read").strip()


@contextmanager
def through_a_proxy(
    shop: Shop, served: str, folder: Path, program: str, *, token: str | None = None, kept: str | None = None
) -> Iterator[tuple[Setting, Front]]:
    """A client whose index is a proxy before ``shop``."""
    keyring = ROOT / ".venvs" / "keyring" / "bin"
    if kept == KEYRING and not (keyring / "keyring").exists():
        pytest.skip("THE REAL keyring IS NOT HERE, so nothing about it was tested. Get it: make clients")
    with Front(shop, served if served == HTML else None) as front:
        yield Setting(
            shop=shop, origin=front.url, folder=folder, program=program, keyring=keyring, token=token, kept=kept
        ), front  # fmt: skip


@formats
@pytest.mark.parametrize("name", INSTALLERS)
def test_from_a_public_index(
    name: str, served: str, public: Shop, client: Callable[[str], str], tmp_path: Path
) -> None:
    with through_a_proxy(public, served, tmp_path, client(name)) as (setting, front):
        INSTALLERS[name](setting)
    assert greeted(setting) == SAID
    assert front.page_types == {served}
    assert not any(one.authorized for one in front.seen)


@pytest.mark.parametrize(
    ("name", "kept", "served"),
    [
        ("pip", URL, HTML), ("pip", NETRC, JSON), ("pip", KEYRING, JSON),
        ("uv", URL, HTML), ("uv", NETRC, JSON), ("uv", KEYRING, JSON),
        ("poetry", URL, HTML), ("poetry", NETRC, JSON), ("poetry", VARIABLES, JSON),
        ("pdm", URL, HTML), ("pdm", NETRC, JSON), ("pdm", KEYRING, JSON),
    ],
    ids=lambda value: {HTML: "html", JSON: "json"}.get(value, value),
)  # fmt: skip
def test_from_a_private_index(
    name: str, kept: str, served: str, private: Shop, read_token: str, client: Callable[[str], str], tmp_path: Path
) -> None:
    with through_a_proxy(private, served, tmp_path, client(name), token=read_token, kept=kept) as (setting, front):
        done = INSTALLERS[name](setting)
    assert greeted(setting) == SAID
    assert front.page_types == {served}
    assert {one.status for one in front.seen if not one.authorized} <= {401}
    assert read_token not in done.stdout + done.stderr


@pytest.mark.parametrize("name", INSTALLERS)
def test_without_a_token_a_private_index_gives_nothing(
    name: str, private: Shop, client: Callable[[str], str], tmp_path: Path
) -> None:
    with through_a_proxy(private, JSON, tmp_path, client(name)) as (setting, front):
        said = Shop.said(INSTALLERS[name](setting, fails=True))
    assert {one.status for one in front.seen} == {401}
    assert "greeting" in said
    # pip, told not to ask, and pdm know no more than that they found nothing.
    assert {"uv": "401 Unauthorized", "poetry": "Authorization error"}.get(name, "") in said


def test_a_job_installs_with_a_token_it_got_for_its_identity(
    private: Shop, client: Callable[[str], str], tmp_path: Path
) -> None:
    argv = [
        sys.executable,
        "-m",
        "trustpub",
        "mint",
        "--print",
        "--scope",
        "read",
        "--index",
        private.url,
        "--ca",
        str(private.ca),
    ]
    token = private.run(argv, env=private.job_env).stdout.splitlines()[-1]
    with through_a_proxy(private, JSON, tmp_path, client("pip"), token=token, kept=NETRC) as (setting, _):
        INSTALLERS["pip"](setting)
    assert greeted(setting) == SAID
