# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Commands of release jobs, the same on every platform: to build, to check, to try, to publish.

All but the installing ones run in the folder of the project.
"""

from __future__ import annotations

import shlex
from importlib import resources
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

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
    # A member of a workspace would be built into the workspace's own folder.
    "uv": "python -m uv build --out-dir dist",
}
_SDIST_ALONE = {"build": "--sdist", "hatch": "-t sdist", "poetry": "--format sdist", "uv": "--sdist"}


def requirements(builder: str) -> str:
    """The hashed requirements of a job that builds, with what trustpub needs among them."""
    text = resources.files(__package__ or "").joinpath("requirements", f"{builder}.txt").read_text("utf-8")
    return f"# Written by `trustpub init`: what the release job installs.\n{text}"


def install(path: str, answers: Answers) -> tuple[str, ...]:
    """Commands that install the requirements at ``path``, from the top of the repository, and trustpub: the one that is
    released where the project is trustpub itself, since its first release can come after no other.
    """
    ours = OURS
    if canonicalize_name(answers.project) == "trustpub":
        here = "." if answers.folder == PurePosixPath(".") else f"./{answers.folder}"
        ours = f"python -m pip install --no-deps {shlex.quote(here)}"
    return (f"python -m pip install --require-hashes --requirement {shlex.quote(path)}", ours)


def install_alone(target: Target, *, attestations: bool) -> str:
    """The command that installs what publishes to ``target``."""
    return ALONE_SIGNING if attestations and target.public else ALONE


def build(answers: Answers, *, sdist: bool = False) -> str:
    """The command that builds the project, or its source distribution alone, into ``dist``."""
    command = _BUILDS[answers.builder]
    return f"{command} {_SDIST_ALONE[answers.builder]}" if sdist else command


def development(number: str, *options: str) -> str:
    """The command that gives a push that is no release a version that no other push has; ``number`` is the run's."""
    return " ".join(["python -m trustpub version --development", f'"{number}"', *options])


def release(answers: Answers) -> str:
    """The command that says the version to be released, RELEASE_VERSION, as it is spelled; and writes it where the
    project has one.
    """
    check = "--check " if answers.dynamic_version else ""
    return f'python -m trustpub version {check}"$RELEASE_VERSION"'


def tag(answers: Answers, version: str) -> str:
    """How a tag is made from ``version``, an expression of the shell."""
    return answers.tag.replace("{version}", version)


def check(index: Target, *, tag: str | None = None) -> str:
    """The command that judges what was built by the rules of the index; ``tag``: an expression of the shell for the
    tag that it must have, where the platform's own variables do not say it.
    """
    named = "" if tag is None else f' --tag "{tag}"'
    return f"python -m trustpub check --index {_index(index)}{named} dist/*"


def publish(index: Target, *, attestations: bool) -> str:
    """The command that publishes what was built."""
    signing = "" if attestations else " --attestations off"
    return f"python -m trustpub publish --index {_index(index)}{signing} dist/*"


def own_trial(answers: Answers, publisher: str) -> tuple[str, ...]:
    """Commands that publish to an index which only exists here, as the job that this is, and install from it.

    ``publisher``: the options that say of the job who it is.
    """
    return (
        "python -m trustpub serve --ephemeral --quiet > index.env &",
        "server=$!",
        "trap 'kill \"$server\"' EXIT",
        "# It writes this file once it listens; where it does not come so far, neither does this.",
        'until test -s index.env; do kill -0 "$server"; sleep 0.1; done',
        ". ./index.env",
        (
            f"python -m trustpub admin publisher add {answers.project} --pending {publisher} "
            '--data "$TRUSTPUB_DATA"'
        ),
        'python -m trustpub publish --index "$TRUSTPUB_INDEX" --attestations off dist/*',
        f'python -m pip install --no-deps --pre --index-url "$TRUSTPUB_INDEX/simple/" {answers.project}',
    )  # fmt: skip


def _index(index: Target) -> str:
    return shlex.quote(index.url or index.name)
