# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A program of the CI's own that a job asks for its identity token.

It is started without a shell and has no terminal. What it writes to standard output may be the token, and its messages
may hold one, so they are shown only where nothing in them could be.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence

from trustpub.errors import NoIdentity
from trustpub.printable import printable
from trustpub.secret import Secret

SECONDS = 60.0
"""How long a program may take: it asks its CI's server once."""
_MOST_SHOWN = 600
"""Characters of its messages."""

# Two long words of Base64 with a dot between them are in every JSON Web Token.
_LIKE_A_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}")
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|KEY", re.IGNORECASE)
_SHORTEST_SECRET = 8
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def ask(
    name: str, arguments: Sequence[str], env: Mapping[str, str], *, absent: str, failed: str, seconds: float = SECONDS
) -> Secret:
    """What the program ``name``, from ``PATH`` in ``env``, writes to standard output, without blanks at its ends.

    Raises:
        NoIdentity: there is no such program (``absent`` says what to do), or it fails, writes nothing, or takes longer
            than ``seconds`` (``failed`` says what to do).
    """
    found = shutil.which(name, path=env.get("PATH", os.defpath))
    if found is None:
        raise NoIdentity(f"The program `{name}`, which gives jobs their identity token, is not on PATH.", hint=absent)
    try:
        done = _run([found, *arguments], env, seconds)
    except OSError as error:
        raise NoIdentity(f"The program `{name}` cannot be started: {error.strerror}.", hint=absent) from None
    if done is None:
        raise NoIdentity(f"The program `{name}` gave no identity token within {seconds:g} seconds.", hint=failed)
    code, out, err = done
    if code:
        said = _shown(err, env) or _shown(out, env)
        told = f" It says: {said}" if said else ""
        how = f"it ended with {code}" if code > 0 else f"signal {-code} ended it"
        raise NoIdentity(f"The program `{name}` gives no identity token: {how}.{told}", hint=failed)
    token = out.strip()
    if not token:
        raise NoIdentity(f"The program `{name}` ended well and wrote no identity token.", hint=failed)
    return Secret(token)


def _run(command: Sequence[str], env: Mapping[str, str], seconds: float) -> tuple[int, str, str] | None:
    """Exit code, standard output and standard error; None where it took too long and was ended."""
    child = subprocess.Popen(
        command,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that what it starts in turn can be ended with it
    )
    with child:
        try:
            out, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(child)
            return None
        except BaseException:
            _end(child)
            raise
    return child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _end(child: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    else:  # Windows
        child.kill()


def _shown(text: str, env: Mapping[str, str]) -> str:
    """A message that may be shown; empty where it may hold a token."""
    text = _ESCAPE.sub("", text)
    if _LIKE_A_TOKEN.search(text):
        return ""
    for name, value in env.items():
        if len(value) >= _SHORTEST_SECRET and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    return printable(text, _MOST_SHOWN)
