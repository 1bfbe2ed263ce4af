# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Commands of release jobs, the same on every platform: to build, to check, to publish."""

from __future__ import annotations

import shlex
from importlib import resources

from trustpub import __version__
from trustpub.workflow.generate.answers import Answers, Target

OURS = f'python -m pip install --no-deps "trustpub=={__version__}"'
"""What trustpub needs is in the requirements, hashed."""
ALONE = f'python -m pip install "trustpub=={__version__}"'
"""Where there are no requirements."""
ALONE_SIGNING = f'python -m pip install "trustpub[attest]=={__version__}"'
ALONE_SERVING = f'python -m pip install "trustpub[server]=={__version__}"'

_BUILDS = {
    "build": "python -m build",
    "hatch": "python -m hatch build",
    "poetry": "python -m poetry build",
    "uv": "python -m uv build",
}
_BUILDS_SDIST = {
    "build": "python -m build --sdist",
    "hatch": "python -m hatch build -t sdist",
    "poetry": "python -m poetry build --format sdist",
    "uv": "python -m uv build --sdist",
}


def requirements(builder: str) -> str:
    """The hashed requirements of a job that builds, with what trustpub needs among them."""
    text = resources.files(__package__ or "").joinpath("requirements", f"{builder}.txt").read_text("utf-8")
    return f"# Written by `trustpub init`: what the release job installs.\n{text}"


def install(path: str) -> tuple[str, ...]:
    """Commands that install the requirements at ``path``, and trustpub."""
    return (f"python -m pip install --require-hashes --requirement {shlex.quote(path)}", OURS)


def build(answers: Answers, *, sdist: bool = False) -> str:
    """The command that builds the project, or its source distribution alone."""
    command = (_BUILDS_SDIST if sdist else _BUILDS)[answers.builder]
    if str(answers.folder) == ".":
        return command
    folder = shlex.quote(str(answers.folder))
    return f"(cd {folder} && {command}) && mkdir -p dist && mv {folder}/dist/* dist/"


def development(answers: Answers) -> str:
    """The command that gives a push that is no release a version that no other push has."""
    return f'python -m trustpub version --development "$GITHUB_RUN_NUMBER" --unless-tag{_in(answers)}'


def release(answers: Answers) -> str:
    """The command that puts the version of a release, in RELEASE_VERSION, where the project has it."""
    return f'python -m trustpub version "$RELEASE_VERSION"{_in(answers)}'


def _in(answers: Answers) -> str:
    return "" if str(answers.folder) == "." else f" --project {shlex.quote(str(answers.folder))}"


def check(index: Target) -> str:
    """The command that judges what was built, the tag among it, by the rules of the index."""
    return f"python -m trustpub check --index {shlex.quote(index.url or index.name)} dist/*"


def publish(index: Target, *, attestations: bool) -> str:
    """The command that publishes what was built."""
    signing = "" if attestations else " --attestations off"
    return f"python -m trustpub publish --index {shlex.quote(index.url or index.name)}{signing} dist/*"
