# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every block of shell under ``<!-- run -->``, in the README and in docs, runs as it stands.

A document is one script: its blocks run in order, in one shell and one folder, with the examples in it. A port that a
document names is another one here, so that documents run side by side. What still runs at the end is ended. Only exit
codes are looked at.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^<!-- run -->\n```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

BEFORE = """\
set -eu
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true' EXIT
"""


PORT = re.compile(r"--port (\d{4,})")
PORTS = itertools.cycle(range(20_000 + os.getpid() * 101 % 10_000, 32_000))
CLIENTS = [ROOT / ".venvs" / name / "bin" for name in ("uv", "twine", "pdm", "poetry", "hatch", "flit")]


def script(document: Path) -> str:
    """The blocks of a document, and before each the words that say which one failed."""
    blocks: list[str] = BLOCK.findall(document.read_text(encoding="utf-8"))
    return "".join(f"\necho '-- block {number}'\n{commands(block)}" for number, block in enumerate(blocks, 1))


def commands(block: str) -> str:
    """A transcript's commands without its prompts and answers; a plain block as it is."""
    lines = block.splitlines(keepends=True)
    typed = [line[2:] for line in lines if line.startswith("$ ")]
    return "".join(typed or lines)


def on_free_ports(text: str) -> str:
    """``text`` with another port, free now, for each that it gives to ``--port``; and nobody waits for a server that
    has ended.

    None that a system hands out by itself: until the server asks for it, another program could have got it.
    """
    for port in sorted(set(PORT.findall(text))):
        text = text.replace(port, str(next(filter(is_free, PORTS))))
    return text.replace("; do sleep 0.2; done", '; do [ -n "$(jobs -r)" ] || exit 9; sleep 0.2; done')


def is_free(port: int) -> bool:
    with socket.socket() as found:
        return found.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a POSIX shell")
@pytest.mark.parametrize("document", [one for one in DOCUMENTS if script(one)], ids=lambda one: one.stem)
def test_the_examples_of_a_document_run(document: Path, tmp_path: Path) -> None:
    if missing := [folder for folder in CLIENTS if not folder.exists()]:
        pytest.skip(f"THE REAL {missing[0].parent.name} IS NOT HERE, and documents use it. Get it: make clients")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("dist"))
    path = os.pathsep.join(map(str, [Path(sys.executable).parent, *CLIENTS]))
    done = subprocess.run(
        ["bash", "-c", BEFORE + on_free_ports(script(document))],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}", "NO_GCE_CHECK": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_ports_are_replaced_wherever_they_stand() -> None:
    text = on_free_ports("serve --port 18443 & curl https://127.0.0.1:18443/")
    assert "18443" not in text
    assert len(set(re.findall(r"\d{4,}", text))) == 1


def test_a_transcript_gives_its_commands() -> None:
    assert commands("$ echo a\na\n$ echo b\nb\n") == "echo a\necho b\n"
    assert commands("echo a\necho b\n") == "echo a\necho b\n"
