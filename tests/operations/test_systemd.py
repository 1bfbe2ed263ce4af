# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The unit, as systemd's own linter sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from .conftest import DEPLOY, program

UNIT = DEPLOY / "systemd" / "trustpub.service"
MOST_EXPOSED = 2.0
"""Of systemd's ten, which are a service that may do everything."""


def test_systemd_understands_all_of_it(tmp_path: Path) -> None:
    executable = shutil.which("trustpub", path=str(Path(sys.executable).parent))
    assert executable is not None
    text = UNIT.read_text().replace("/opt/trustpub/bin/trustpub", executable)
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    analyze = program("systemd-analyze")
    done = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, _about(done.stderr, unit)) == (0, [])
    unit.write_text(text.replace("ProtectSystem=strict", "ProtectSystem=strictly\nProtectsSystem=yes"))
    wrong = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert len(_about(wrong.stderr, unit)) == 2


def test_it_may_do_little_else_than_serve() -> None:
    most = f"--threshold={MOST_EXPOSED * 10:.0f}"
    argv = [program("systemd-analyze"), "security", "--offline=true", "--no-pager", most, str(UNIT)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for trustpub\.service: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED
    assert done.returncode == 0


def test_it_gives_uploads_under_way_the_time_that_the_server_gives_them() -> None:
    from trustpub.index.configuration.table import TABLE

    seconds = int(re.search(r"^TimeoutStopSec=(\d+)$", UNIT.read_text(), re.MULTILINE)[1])  # type: ignore[index]
    default = TABLE["server.stop_seconds"].default
    assert seconds >= int(default) + 15


def _about(said: str, unit: Path) -> list[str]:
    return [one for one in said.splitlines() if unit.name in one]
