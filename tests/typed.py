# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What is typed at a shell, from the words to the exit code, run in this process.

Most of what a command costs is the start of an interpreter, which is no different from one command to the next. A test
that is about the program itself (signals, its children, what it leaves behind) starts one.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest.mock import patch

import pytest

from trustpub.cli import main


def typed(
    *words: object, env: Mapping[str, str] | None = None, cwd: Path | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """``trustpub WORDS``, with ``env`` beside the variables there are, in ``cwd``, with ``given`` to read."""
    argv = [str(one) for one in words]
    stdin, stdout, stderr = (
        io.TextIOWrapper(io.BytesIO(text), encoding="utf-8") for text in (given.encode(), b"", b"")
    )
    with contextlib.ExitStack() as stack:
        for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            stack.enter_context(patch.object(sys, name, stream))
        stack.enter_context(patch.dict(os.environ, env or {}))
        stack.enter_context(contextlib.chdir(cwd or Path.cwd()))
        stack.enter_context(_as_it_was())
        with pytest.raises(SystemExit) as ended:
            main.run(argv)
    code = ended.value.code
    assert isinstance(code, int)
    done = subprocess.CompletedProcess(argv, code, _content(stdout), _content(stderr))
    assert "Traceback" not in done.stdout + done.stderr
    return done


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """What a program changes of its process is put back."""
    terminated, threshold = signal.getsignal(signal.SIGTERM), gc.get_threshold()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, terminated)
        gc.set_threshold(*threshold)
        gc.unfreeze()


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
