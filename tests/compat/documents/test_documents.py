# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the documents of this field tell people to type, typed: the same tools, the same requests, under bash."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from ..conftest import ROOT, TOKEN, Shop

HERE = Path(__file__).parent
TOOLS = ("bash", "curl", "jq")


def replay(shop: Shop, script: str, tmp_path: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as the documents have it: nothing but its variables say that the index is ours."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool.upper()} IS NOT HERE, so {script} was not replayed. Get it: apt install {tool}")
    for name in ("twine", "poetry"):
        if not (ROOT / ".venvs" / name / "bin" / name).exists():
            pytest.skip(f"THE REAL {name} IS NOT HERE, so {script} was not replayed. Get it: make clients")
    given = {
        "INDEX": shop.url,
        "CURL_CA_BUNDLE": str(shop.ca),
        "REQUESTS_CA_BUNDLE": str(shop.ca),
        "AUDIENCE": shop.audience,
        "TWINE": str(ROOT / ".venvs/twine/bin/twine"),
        "PYTHON_WITH_ID": str(ROOT / ".venvs/twine/bin/python"),
        "POETRY": str(ROOT / ".venvs/poetry/bin/poetry"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        **env,
    }
    return subprocess.run(
        ["bash", str(HERE / script)], env=given, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def published(shop: Shop, done: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    """The flow ended well, the index has the files, and no token is in the log but where the flow masks it."""
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("::add-mask::")]
    assert TOKEN.findall("\n".join(shown)) == []
    assert shop.install("hello", tmp_path / "target") == "hello from the index\n"


def dist(distributions: list[Path]) -> dict[str, str]:
    return {"DIST": str(distributions[0].parent), "PROJECT": str(distributions[0].parents[1])}


@pytest.mark.parametrize("script", ["github-by-hand.sh", "pypi-action.sh", "token-mint-action.sh"])
def test_a_job_of_github(shop: Shop, distributions: list[Path], tmp_path: Path, script: str) -> None:
    shop.register("hello")
    published(shop, replay(shop, script, tmp_path, {**shop.job_env, **dist(distributions)}), tmp_path)


def test_a_body_with_doubled_quotes_is_told_to_be_no_json(
    shop: Shop, distributions: list[Path], tmp_path: Path
) -> None:
    shop.register("hello")
    done = replay(shop, "github-by-hand-quoted.sh", tmp_path, {**shop.job_env, **dist(distributions)})
    assert done.stdout.startswith("invalid-payload: ")
    assert "JSON" in done.stdout
    assert TOKEN.findall(done.stdout + done.stderr) == []


def test_the_table_lists_every_script_and_every_test() -> None:
    listed = tomllib.loads((HERE / "flows.toml").read_text(encoding="utf-8"))["flow"]
    scripts = {one["script"] for one in listed if "script" in one}
    assert scripts == {path.name for path in HERE.glob("*.sh")}
    for one in listed:
        assert one.get("test") or one.get("reason"), one["flow"]
        if "test" in one:
            file, _, name = one["test"].partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_the_page_shows_the_table() -> None:
    page = (ROOT / "docs/reference/documented-flows.md").read_text(encoding="utf-8")
    for one in tomllib.loads((HERE / "flows.toml").read_text(encoding="utf-8"))["flow"]:
        assert re.search(rf"^\| {re.escape(one['document'])} \| {re.escape(one['flow'])} \|", page, re.MULTILINE)


