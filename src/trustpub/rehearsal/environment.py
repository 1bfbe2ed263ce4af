# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The temporary folder of a rehearsal, and the variables that programs in it see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trustpub.rehearsal.issuers import GitHubIssuer, Run
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

_OF_CI = ("GITHUB_", "ACTIONS_", "RUNNER_", "GITLAB_", "CI_", "TWINE_", "UV_PUBLISH_", "TRUSTPUB_")
"""Variables by which a build could take the rehearsal for something else, or that hold secrets of a real job."""


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
        return kept | {
            "HOME": home, "USERPROFILE": home, "TMPDIR": str(self.temporary), "XDG_CACHE_HOME": caches,
            "XDG_CONFIG_HOME": home, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8",
        }  # fmt: skip

    def for_job(self, env: Mapping[str, str], run: Run, issuer: GitHubIssuer) -> dict[str, str]:
        """What a step of a job on GitHub finds, as far as anybody who publishes looks at it."""
        owner, _, _ = run.repository.partition("/")
        ref_type, _, ref_name = run.ref.removeprefix("refs/").partition("/")
        return self.bare(env) | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": owner,
            "GITHUB_EVENT_NAME": run.event,
            "GITHUB_JOB": "publish",
            "GITHUB_REF": run.ref,
            "GITHUB_REF_NAME": ref_name,
            "GITHUB_REF_TYPE": "tag" if ref_type == "tags" else "branch",
            "GITHUB_REPOSITORY": run.repository,
            "GITHUB_REPOSITORY_ID": run.repository_id,
            "GITHUB_REPOSITORY_OWNER": owner,
            "GITHUB_REPOSITORY_OWNER_ID": run.owner_id,
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": run.run_id,
            "GITHUB_RUN_NUMBER": "1",
            "GITHUB_SHA": run.sha,
            "GITHUB_WORKFLOW_REF": f"{run.repository}/.github/workflows/{run.started_by or run.workflow}@{run.ref}",
            "RUNNER_ENVIRONMENT": "github-hosted",
            "RUNNER_OS": "Linux",
            "ACTIONS_ID_TOKEN_REQUEST_URL": issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": issuer.request_token.reveal(),
        }


def masked(output: str, *also: Secret) -> str:
    """What a runner's log would show: mask commands carried out and left out, masked texts and ``also`` as ``***``."""
    mask = "::add-mask::"
    secrets = {line.partition(mask)[2].strip() for line in output.splitlines() if line.startswith(mask)}
    secrets |= {secret.reveal() for secret in also}
    shown = "\n".join(line for line in output.splitlines() if not line.startswith(mask))
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        shown = shown.replace(secret, "***")
    return shown
