# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The real uv, which exchanges, uploads and burns by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.compat.conftest import Shop


def uv_publish(
    shop: Shop, uv: str, distributions: list[Path], *more: str, fails: bool = False
) -> subprocess.CompletedProcess[str]:
    """`uv publish` as a job of the publisher."""
    return shop.run(
        [
            uv, "publish", "--no-config", "--trusted-publishing", "always", "--publish-url", f"{shop.url}/legacy/",
            *more, *map(str, distributions),
        ],
        env={**shop.job_env, "SSL_CERT_FILE": str(shop.ca)},
        fails=fails,
    )  # fmt: skip


def test_uv_publishes_and_pip_installs(
    shop: Shop, distributions: list[Path], client: Callable[[str], str], tmp_path: Path
) -> None:
    shop.register("hello")
    done = uv_publish(shop, client("uv"), distributions)
    assert "warning" not in shop.said(done).lower(), shop.said(done)
    assert len(shop.issuer.given) == 1
    assert shop.install("hello", tmp_path / "target") == "hello from the index\n"


def test_uv_may_publish_the_same_files_again(
    shop: Shop, distributions: list[Path], client: Callable[[str], str]
) -> None:
    shop.register("hello")
    uv_publish(shop, client("uv"), distributions)
    uv_publish(shop, client("uv"), distributions)


def test_uv_leaves_out_what_the_index_has_and_sees_what_differs(
    shop: Shop, distributions: list[Path], client: Callable[[str], str]
) -> None:
    shop.register("hello")
    uv, check = client("uv"), ["--check-url", f"{shop.url}/simple/"]
    uv_publish(shop, uv, distributions)
    assert shop.said(uv_publish(shop, uv, distributions, *check)).count("already exists, skipping") == 2
    for path in distributions:
        path.write_bytes(path.read_bytes() + b"\0")
    assert "do not match" in shop.said(uv_publish(shop, uv, distributions, *check, fails=True))


def test_uv_shows_why_a_mint_is_refused(shop: Shop, distributions: list[Path], client: Callable[[str], str]) -> None:
    shop.register("hello", workflow="other.yml")
    done = uv_publish(shop, client("uv"), distributions, fails=True)
    assert "workflow is 'release.yml', wanted 'other.yml'" in shop.said(done)
    assert "pypi-" not in shop.said(done)


def test_uv_shows_why_an_upload_is_refused(shop: Shop, distributions: list[Path], client: Callable[[str], str]) -> None:
    shop.register("another-name")
    done = uv_publish(shop, client("uv"), distributions, fails=True)
    assert "There is no project 'hello'" in shop.said(done)


def test_uv_installs_too(shop: Shop, distributions: list[Path], client: Callable[[str], str], tmp_path: Path) -> None:
    shop.register("hello")
    uv = client("uv")
    uv_publish(shop, uv, distributions)
    shop.run(
        [
            uv, "pip", "install", "--no-config", "--no-deps", "--target", str(tmp_path / "target"), "--index-url",
            f"{shop.url}/simple/", "hello==1.0",
        ],
        env={"SSL_CERT_FILE": str(shop.ca), "UV_CACHE_DIR": str(tmp_path / "cache"), "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert (tmp_path / "target" / "hello" / "__init__.py").exists()
