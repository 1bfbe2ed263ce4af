# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The Cloud Build step, run where a machine of Google's is: in a network of its own, with the metadata server in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from trustpub import __version__

from ..compat.documents.test_documents import LOOPBACK_UP  # noqa: TID252 - pytest gives these folders no absolute name
from .cloudbuild import InvalidBuild, submit
from .conftest import ROOT

CONFIG = ROOT / "wrappers" / "cloudbuild" / "publish.yaml"
THERE = Path(__file__).with_name("on_google.py")
TESTS = 7
PREPARE = (
    'python3 -c "$LOOPBACK_UP" && mount --bind "$HOSTS" /etc/hosts && mount -t tmpfs none /sys/class && '
    "mkdir -p /sys/class/dmi/id && echo 'Google Compute Engine' >/sys/class/dmi/id/product_name && exec \"$@\""
)


def test_the_step_on_a_machine_of_googles(wheels: Path, tmp_path: Path) -> None:
    """The client asks for `metadata.google.internal` at port 80, as on every machine of Google's."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("NOT ROOT, or no unshare, so the Cloud Build step was not run. Run as root to test it")
    (tmp_path / "hosts").write_text("127.0.0.1 localhost metadata metadata.google.internal\n", encoding="utf-8")
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(THERE)]
    done = subprocess.run(
        ["unshare", "--net", "--mount", "bash", "-c", PREPARE, "bash", *again],
        env={**os.environ, "HOSTS": str(tmp_path / "hosts"), "LOOPBACK_UP": LOOPBACK_UP},
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"^{TESTS} passed", done.stdout, re.MULTILINE), done.stdout


def test_a_substitution_that_the_build_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidBuild):
        submit(CONFIG, {"_PASSWORD": "x"}, tmp_path, {})


def test_every_substitution_has_a_test_and_the_usual_requirement_is_this_version() -> None:
    known = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["substitutions"]
    tested = THERE.read_text(encoding="utf-8")
    for name in known:
        assert re.search(rf"\b{name[1:]}=|\"{name[1:]}\"", tested), f"{name} has no test"
    assert known["_REQUIREMENT"] == f"trustpub[attest]=={__version__}"
