# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Refused before the bytes: twine and uv, which send all before they read anything, print the reason all the same."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .test_twine import token, twine_upload

if TYPE_CHECKING:
    from tests.compat.conftest import Shop

SIZE = 40_000_000
"""Several times what the index reads of a body that it refused."""


@pytest.fixture
def built(distributions: list[Path]) -> Path:
    """A real wheel."""
    return next(one for one in distributions if one.suffix == ".whl")


def grown(wheel: Path, name: str) -> Path:
    """The same under the name of another project, and large: the metadata are read by the client, not by the index."""
    other = wheel.with_name(wheel.name.replace("hello", name))
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(other, "w") as new:
        for entry in old.infolist():
            content = old.read(entry).replace(b"Name: hello", f"Name: {name}".encode())
            new.writestr(entry.filename.replace("hello", name), content)
        new.writestr(f"{name}/blob", os.urandom(SIZE))
    return other


def uv_upload(shop: Shop, uv: str, secret: str, wheel: Path) -> str:
    done = shop.run(
        [uv, "publish", "--publish-url", f"{shop.url}/legacy/", "--token", secret, str(wheel)],
        env={"SSL_CERT_FILE": str(shop.ca), "UV_NO_CONFIG": "1"},
        fails=True,
    )
    return shop.said(done)


@pytest.mark.parametrize("name", ["twine", "uv"])
def test_a_token_that_is_none(shop: Shop, built: Path, client: Callable[[str], str], name: str) -> None:
    wheel, secret = grown(built, "hello2"), "pypi-nonsense"
    if name == "uv":
        said = uv_upload(shop, client("uv"), secret, wheel)
    else:
        said = shop.said(twine_upload(shop, client("twine"), secret, [wheel], fails=True))
    assert "Invalid or non-existent authentication information" in said


@pytest.mark.parametrize("name", ["twine", "uv"])
def test_a_project_that_the_token_is_not_for(shop: Shop, built: Path, client: Callable[[str], str], name: str) -> None:
    shop.register("hello")
    wheel, secret = grown(built, "nobody"), token(shop)
    if name == "uv":
        said = uv_upload(shop, client("uv"), secret, wheel)
    else:
        said = shop.said(twine_upload(shop, client("twine"), secret, [wheel], fails=True))
    assert "There is no project 'nobody', and a publisher cannot make one" in said
