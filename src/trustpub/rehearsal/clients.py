# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The real clients, unchanged, as programs of their own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from trustpub.errors import Declined, Misuse
from trustpub.printable import printable
from trustpub.rehearsal.environment import Folder, masked
from trustpub.rehearsal.index import ThrowawayIndex
from trustpub.rehearsal.processes import Children, Ended
from trustpub.secret import Secret

CLIENTS = ("trustpub", "twine", "uv")
"""What can publish. twine knows Trusted Publishing only for PyPI, so it is given a token by ``trustpub mint``."""

_UV_KNOWS = ("github", "gitlab")
PUBLISH_SECONDS = 600.0

_US = (sys.executable, "-m", "trustpub")


def check(client: str, kind: str, env: Mapping[str, str]) -> None:
    """That ``client`` can be run here, by a job of this ``kind`` of provider.

    Raises:
        Misuse: it cannot ask that provider for an identity, or is not installed; says how to get it.
    """
    if client == "uv" and kind not in _UV_KNOWS:
        raise Misuse(
            "uv asks GitHub and GitLab for an identity, and no metadata server.",
            hint="Rehearse with --client trustpub, or with --client twine, which is given a token.",
        )
    if client != "trustpub":
        _program(client, env)


def publish(
    client: str, children: Children, folder: Folder, index: ThrowawayIndex, files: Sequence[Path], *,
    env: Mapping[str, str], user: Mapping[str, str],
) -> str:  # fmt: skip
    """Have ``client`` publish ``files``. ``env`` is the job's environment, ``user`` that of who rehearses.

    Returns what it printed, as a runner's log would show it.

    Raises:
        Declined: it failed; with the end of what it said.
    """
    names = [str(path) for path in files]
    if client == "trustpub":
        argv = [*_US, "publish", *names, "--index", index.url, "--ca", str(index.ca)]
        return _said(client, _run(children, folder, argv, env))
    if client == "uv":
        argv = [_program("uv", user), "publish", "--no-config", "--no-progress", "--trusted-publishing", "always"]
        argv += ["--publish-url", f"{index.url}/legacy/", *names]
        return _said(client, _run(children, folder, argv, {**env, "SSL_CERT_FILE": str(index.ca)}))
    token = _minted(children, folder, index, env)
    argv = [_program("twine", user), "upload", "--non-interactive", "--disable-progress-bar"]
    argv += ["--repository-url", f"{index.url}/legacy/", *names]
    variables = {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": token.reveal(), "REQUESTS_CA_BUNDLE": str(index.ca)}
    return _said(client, _run(children, folder, argv, {**env, **variables}), token)


def _minted(children: Children, folder: Folder, index: ThrowawayIndex, env: Mapping[str, str]) -> Secret:
    argv = [*_US, "mint", "--print", "--index", index.url, "--ca", str(index.ca)]
    ended = children.run(argv, env=env, cwd=folder.home, seconds=PUBLISH_SECONDS, apart=True)
    if ended.code != 0:
        _said("trustpub mint", Ended(code=ended.code, output=ended.errors))
    return Secret(ended.output.strip())


def _run(children: Children, folder: Folder, argv: Sequence[str], env: Mapping[str, str]) -> Ended:
    return children.run(argv, env=env, cwd=folder.home, seconds=PUBLISH_SECONDS)


def _said(client: str, ended: Ended, *secrets: Secret) -> str:
    shown = masked(ended.output, *secrets)
    if ended.code != 0:
        tail = Ended(code=ended.code, output=shown).tail(30)
        said = "\n".join(printable(line) for line in tail.splitlines())
        raise Declined(f"{client} did not publish (exit code {ended.code}). The last it said:\n{said}")
    return shown


def _program(name: str, env: Mapping[str, str]) -> str:
    """Where a program is: beside this Python first, then on the path."""
    beside = os.path.dirname(sys.executable)
    found = shutil.which(name, path=beside) or shutil.which(name, path=env.get("PATH", os.defpath))
    if found is None:
        raise Misuse(f"{name} is not installed here.", hint=f"pip install {name}")
    return found
