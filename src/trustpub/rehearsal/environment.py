# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The temporary folder of a rehearsal, and the variables that programs in it see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trustpub.secret import Secret

_KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "PATHEXT",
    "COMSPEC",
)
"""What a fresh runner has too. Everything else could change who a client takes itself for, or where it goes."""

_OF_CI = (
    "GITHUB_", "ACTIONS_", "RUNNER_", "GITLAB_", "CI_", "GOOGLE_", "GCE_", "TWINE_", "UV_PUBLISH_", "TRUSTPUB_",
    "FORGEJO_", "CIRCLE", "BUILDKITE", "TF_BUILD", "SYSTEM_", "BITBUCKET_", "SEMAPHORE", "JENKINS_", "KUBERNETES_",
    "PDM_PUBLISH_", "POETRY_PYPI_TOKEN_", "POETRY_HTTP_BASIC_", "HATCH_INDEX_", "FLIT_",
)  # fmt: skip
"""Variables by which a build could take the rehearsal for something else, or that hold secrets of a real job."""

_TOKENS = re.compile(r"pypi-[\w-]{40,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}", re.ASCII)
"""API tokens, and identity tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Everything that a rehearsal writes lies below ``path``."""

    path: Path

    @property
    def copy(self) -> Path:
        """The project's repository, copied."""
        return self.path / "project"

    @property
    def dist(self) -> Path:
        """The built files."""
        return self.path / "dist"

    @property
    def data(self) -> Path:
        """Of the index."""
        return self.path / "index"

    @property
    def venv(self) -> Path:
        """Where the release is installed."""
        return self.path / "venv"

    @property
    def home(self) -> Path:
        """The home of programs that should find nothing of the user's."""
        return self.path / "home"

    @property
    def temporary(self) -> Path:
        """What ``TMPDIR`` names."""
        return self.path / "tmp"

    def log(self, name: str) -> Path:
        """Where a program writes what it says."""
        return self.path / f"{name}.log"

    def make(self) -> None:
        """Make the folders that programs expect to find."""
        for place in (self.dist, self.home, self.temporary):
            place.mkdir()

    def for_build(self, env: Mapping[str, str]) -> dict[str, str]:
        """The user's own variables, with every cache and temporary file led into the folder."""
        kept = {name: value for name, value in env.items() if name != "CI" and not name.startswith(_OF_CI)}
        caches = str(self.path / "cache")
        return kept | {
            "TMPDIR": str(self.temporary), "XDG_CACHE_HOME": caches, "PIP_CACHE_DIR": caches, "UV_CACHE_DIR": caches,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1",
        }  # fmt: skip

    def bare(self, env: Mapping[str, str]) -> dict[str, str]:
        """As little as a program needs to run."""
        kept = {name: env[name] for name in _KEPT if name in env}
        home, caches = str(self.home), str(self.path / "cache")
        # A client must not take the machine under the rehearsal for the CI that is played.
        return kept | {
            "NO_GCE_CHECK": "true",
            "HOME": home, "USERPROFILE": home, "TMPDIR": str(self.temporary), "XDG_CACHE_HOME": caches,
            "XDG_CONFIG_HOME": home, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8",
        }  # fmt: skip


_MASKS = ("::add-mask::", "##vso[task.setsecret]")
"""With which a line begins that tells GitHub's runner, or Azure's, to keep the rest of it out of the log."""


def masked(output: str, *also: Secret) -> str:
    """What a runner's log would show: mask commands carried out and left out, masked texts and ``also`` as ``***``.

    So is whatever looks like a token: a client that was handed one by another program may print it unmasked.
    """
    lines = output.splitlines()
    secrets = {line.removeprefix(mask).strip() for mask in _MASKS for line in lines if line.startswith(mask)}
    secrets |= {secret.reveal() for secret in also}
    shown = "\n".join(line for line in lines if not line.startswith(_MASKS))
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        shown = shown.replace(secret, "***")
    return _TOKENS.sub("***", shown)
