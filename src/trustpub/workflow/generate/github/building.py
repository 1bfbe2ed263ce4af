# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The jobs of a GitHub workflow that come before anything is published: the version, tests, the files."""

from __future__ import annotations

from collections.abc import Sequence

from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers
from trustpub.workflow.generate.github import guards
from trustpub.workflow.generate.github.steps import DOWNLOAD, PUSHES, READS, checkout, job, python, run, step, upload
from trustpub.workflow.generate.scalars import listing

REQUIREMENTS = ".github/release-requirements.txt"
RUNNERS = ("ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "windows-2025")
"""For wheels of compiled projects."""
TIMEOUT = "timeout-minutes: 20"
_BASH = "bash"
_BOT = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")


def prepare(answers: Answers) -> str | None:
    """The job that makes the commit and the tag of a release that a person asked for; None where nobody does."""
    if not guards.dispatched(answers):
        return None
    commands = [
        f"version=$({shell.release(answers)})",
        f'tag="{shell.tag(answers, "$version")}"',
        f'git config user.name "{_BOT[0]}"',
        f'git config user.email "{_BOT[1]}"',
    ]
    push = 'git push origin "refs/tags/$tag"'
    if not answers.dynamic_version:
        commands += [
            "# The version of a first release may stand there already.",
            'git diff --quiet || git commit --all --message "Release $tag"',
        ]
        push = "# Both or neither: a tag without its commit would be a release of something else.\n"
        push += 'git push --atomic origin "HEAD:$GITHUB_REF" "refs/tags/$tag"'
    commands += [
        'git tag --annotate --message "$tag" "$tag"',
        "gh auth setup-git",
        push,
        'echo "commit=$(git rev-parse HEAD)" >> "$GITHUB_OUTPUT"',
        'echo "tag=refs/tags/$tag" >> "$GITHUB_OUTPUT"',
    ]
    head = [
        "name: Commit and tag the version",
        f"if: {guards.home(answers)} && {guards.release(answers)}",
        "runs-on: ubuntu-latest",
        TIMEOUT,
        "outputs:",
        "  commit: ${{ steps.release.outputs.commit }}",
        "  tag: ${{ steps.release.outputs.tag }}",
    ]
    env = {"GH_TOKEN": "${{ github.token }}", "RELEASE_VERSION": "${{ inputs.version }}"}
    return job(
        guards.PREPARE, head, PUSHES,
        [
            checkout(history=True),
            python(answers.python),
            run("Install trustpub", shell.install(REQUIREMENTS, answers)),
            run("Make the release", commands, env, ident="release", folder=folder(answers)),
        ],
    )  # fmt: skip


def tests(answers: Answers) -> str | None:
    """A job that must end well before anything is built; None where none is wanted."""
    if answers.tests is None:
        return None
    head = [
        "name: Tests on Python ${{ matrix.python }}",
        *guards.needs(answers),
        *guards.always(answers),
        "runs-on: ubuntu-latest",
        "timeout-minutes: 30",
        "strategy:",
        "  matrix:",
        f"    python: {listing(answers.pythons or (answers.python,))}",
    ]
    return job(
        "tests", head, READS,
        [_checkout(answers), python("${{ matrix.python }}"), run("Test", [answers.tests], folder=folder(answers))],
    )  # fmt: skip


def build(answers: Answers) -> str:
    """The jobs that build everything there is, gather it where several do, and check it."""
    if answers.compiled:
        return "\n\n".join([_sdist(answers), _wheels(answers), _gather(answers)])
    steps = [
        _checkout(answers),
        python(answers.python),
        run("Install what builds", shell.install(REQUIREMENTS, answers)),
        *_version(answers),
        run("Build", [shell.build(answers)], folder=folder(answers)),
        *_checked(answers),
    ]
    return job("build", ["name: Build and check", *_before(answers), "runs-on: ubuntu-latest", TIMEOUT], READS, steps)


def folder(answers: Answers) -> str | None:
    """Where commands about the project run; None: at the top of the repository."""
    return None if str(answers.folder) == "." else str(answers.folder)


def _sdist(answers: Answers) -> str:
    steps = [
        _checkout(answers),
        python(answers.python),
        run("Install what builds", shell.install(REQUIREMENTS, answers)),
        *_version(answers),
        run("Build", [shell.build(answers, sdist=True)], folder=folder(answers)),
        upload("dist-sdist", f"{_dist(answers)}*.tar.gz"),
    ]
    head = ["name: Source distribution", *_before(answers), "runs-on: ubuntu-latest", TIMEOUT]
    return job("sdist", head, READS, steps)


def _wheels(answers: Answers) -> str:
    place = folder(answers)
    head = [
        "name: Wheels on ${{ matrix.os }}",
        *_before(answers),
        "runs-on: ${{ matrix.os }}",
        "timeout-minutes: 90",
        "strategy:",
        "  fail-fast: false",
        "  matrix:",
        f"    os: [{', '.join(RUNNERS)}]",
    ]
    versioned: Sequence[str] = ()
    if _version(answers):
        # Windows has no bash unless it is told so.
        install = run("Install trustpub", shell.install(REQUIREMENTS, answers), under=_BASH)
        versioned = (python(answers.python), install, *_version(answers, under=_BASH))
    steps = [
        _checkout(answers),
        *versioned,
        step("pypa/cibuildwheel", {} if place is None else {"package-dir": place}),
        # A name of its own for each: of two artifacts with one name, one is lost.
        upload("dist-wheels-${{ matrix.os }}", "wheelhouse/*.whl"),
    ]
    return job("wheels", head, READS, steps)


def _gather(answers: Answers) -> str:
    gathered = {"pattern": "dist-*", "path": _dist(answers), "merge-multiple": "true # all in one folder"}
    steps = [
        checkout(ref=guards.commit(answers)),
        python(answers.python),
        step(DOWNLOAD, gathered),
        run("Install what checks", shell.install(REQUIREMENTS, answers)),
        *_checked(answers),
    ]
    head = [
        "name: Gather and check",
        *guards.needs(answers, "sdist", "wheels"),
        *guards.always(answers),
        "runs-on: ubuntu-latest",
        TIMEOUT,
    ]
    return job("build", head, READS, steps)


def _checkout(answers: Answers) -> str:
    # What numbers a development version reads the tags as well.
    return checkout(history=answers.dynamic_version, ref=guards.commit(answers))


def _checked(answers: Answers) -> Sequence[str]:
    tag = guards.tag(answers)
    told, env = (None, None) if tag is None else ("$RELEASE_TAG", {"RELEASE_TAG": tag})
    what = "Check names, metadata, and that the tag is the version"
    return (
        run(what, [shell.check(answers.target, tag=told)], env, folder=folder(answers)),
        upload("dist", _dist(answers)),
    )


def _dist(answers: Answers) -> str:
    place = folder(answers)
    return "dist/" if place is None else f"{place}/dist/"


def _version(answers: Answers, under: str | None = None) -> Sequence[str]:
    """Where every push goes to TestPyPI: a version that no other push has, in the files that are built."""
    if answers.trial != "every-push":
        return ()
    mixed = guards.mixed(answers)
    command = shell.development("$GITHUB_RUN_NUMBER", *(() if mixed else ("--unless-tag",)))
    only = "github.event_name == 'push'" if mixed else None
    name = "Give this push a version of its own, unless it is a release"
    return (run(name, [command], only=only, folder=folder(answers), under=under),)


def _before(answers: Answers) -> Sequence[str]:
    return (*guards.needs(answers, *(["tests"] if answers.tests else [])), *guards.always(answers))
