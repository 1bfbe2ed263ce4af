# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The jobs of a GitHub workflow that come before anything is published: tests, the version, the files."""

from __future__ import annotations

from collections.abc import Sequence

from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers
from trustpub.workflow.generate.github.steps import (
    IDENTIFIES,
    READS,
    checkout,
    download,
    job,
    python,
    run,
    step,
    upload,
)

REQUIREMENTS = ".github/release-requirements.txt"
RUNNERS = ("ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "windows-2025")
"""For wheels of compiled projects."""
_TIMEOUT = "timeout-minutes: 20"
_COMMIT = "${{ needs.prepare.outputs.commit }}"


def commit(answers: Answers) -> str | None:
    """The ref to check out: that which the release made, where it made one."""
    return _COMMIT if answers.trigger == "dispatch" else None


def tests(answers: Answers) -> str | None:
    """A job that must end well before anything is built; None where none is wanted."""
    if answers.tests is None:
        return None
    pythons = answers.pythons or (answers.python,)
    head = [
        "name: Tests on Python ${{ matrix.python }}",
        *_needs(answers, "prepare"),
        "runs-on: ubuntu-latest",
        "timeout-minutes: 30",
        "strategy:",
        "  matrix:",
        f"    python: [{', '.join(f'{chr(34)}{one}{chr(34)}' for one in pythons)}]",
    ]
    return job(
        "tests", head, READS,
        [
            checkout(history=answers.dynamic_version, ref=commit(answers)),
            python("${{ matrix.python }}"),
            run("Test", [*_into(answers), answers.tests]),
        ],
    )  # fmt: skip


def build(answers: Answers) -> str:
    """The job that builds everything there is, or gathers it, and checks it."""
    if answers.compiled:
        return "\n\n".join([_sdist(answers), _wheels(answers), _gather(answers)])
    steps = [
        checkout(history=answers.dynamic_version, ref=commit(answers)),
        python(answers.python),
        run("Install what builds", shell.install(REQUIREMENTS)),
        *_version(answers),
        run("Build", [shell.build(answers)]),
        _check(answers),
        upload("dist", "dist/"),
    ]
    return job("build", ["name: Build and check", *_before(answers), "runs-on: ubuntu-latest", _TIMEOUT], READS, steps)


def _sdist(answers: Answers) -> str:
    steps = [
        checkout(history=answers.dynamic_version, ref=commit(answers)),
        python(answers.python),
        run("Install what builds", shell.install(REQUIREMENTS)),
        *_version(answers),
        run("Build", [shell.build(answers, sdist=True)]),
        upload("dist-sdist", "dist/*.tar.gz"),
    ]
    head = ["name: Source distribution", *_before(answers), "runs-on: ubuntu-latest", _TIMEOUT]
    return job("sdist", head, READS, steps)


def _wheels(answers: Answers) -> str:
    folder = {} if str(answers.folder) == "." else {"package-dir": str(answers.folder)}
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
    steps = [
        checkout(history=answers.dynamic_version, ref=commit(answers)),
        *_version_alone(answers),
        step("pypa/cibuildwheel", folder),
        # A name of its own for each: of two artifacts with one name, one is lost.
        upload("dist-wheels-${{ matrix.os }}", "wheelhouse/*.whl"),
    ]
    return job("wheels", head, READS, steps)


def _gather(answers: Answers) -> str:
    steps = [
        checkout(ref=commit(answers)),
        python(answers.python),
        step(
            "actions/download-artifact",
            {"pattern": "dist-*", "path": "dist/", "merge-multiple": "true # all in one folder"},
        ),
        run("Install what checks", shell.install(REQUIREMENTS)),
        _check(answers),
        upload("dist", "dist/"),
    ]
    needs = ["prepare", "sdist", "wheels"] if answers.trigger == "dispatch" else ["sdist", "wheels"]
    head = ["name: Gather and check", f"needs: [{', '.join(needs)}]", "runs-on: ubuntu-latest", _TIMEOUT]
    return job("build", head, READS, steps)


def trial_on_an_own_index(answers: Answers) -> str:
    """A job that publishes to an index which only exists in it, as itself, and installs from there."""
    slug = f"{answers.owner}/{answers.repository}"
    steps = [
        python(answers.python),
        download(),
        run(
            "Publish to an index of this job's own, and install from it",
            [
                shell.ALONE_SERVING,
                "trustpub serve --ephemeral --quiet > index.env &",
                "until test -s index.env; do sleep 0.1; done",
                ". ./index.env",
                (
                    f"trustpub admin publisher add {answers.project} --pending --repository {slug} "
                    f'--workflow {answers.workflow} --data "$TRUSTPUB_DATA"'
                ),
                'trustpub publish --index "$TRUSTPUB_INDEX" --attestations off dist/*',
                f'python -m pip install --no-deps --pre --index-url "$TRUSTPUB_INDEX/simple/" {answers.project}',
            ],
        ),
    ]
    head = ["name: Try the upload", f"needs: {_needed(answers, 'build')}", "runs-on: ubuntu-latest", _TIMEOUT]
    return job("trial", head, IDENTIFIES, steps)


def _check(answers: Answers) -> str:
    env = {"TRUSTPUB_TAG": "${{ needs.prepare.outputs.tag }}"} if answers.trigger == "dispatch" else None
    command = shell.check(answers.target)
    if env is not None:
        command = command.replace("trustpub check", 'trustpub check --tag "$TRUSTPUB_TAG"')
    return run("Check names, metadata, and that the tag is the version", [command], env)


def _version(answers: Answers) -> Sequence[str]:
    """Where every push goes to TestPyPI: a version that no other push has, in the files that are built."""
    if answers.trial != "every-push":
        return ()
    return (
        run(
            "Give this push a version of its own, unless it is a release",
            [shell.development(answers)],
        ),
    )


def _version_alone(answers: Answers) -> Sequence[str]:
    steps = _version(answers)
    return (python(answers.python), run("Install trustpub", [shell.ALONE]), *steps) if steps else ()


def _before(answers: Answers) -> Sequence[str]:
    needed = [*(["prepare"] if answers.trigger == "dispatch" else []), *(["tests"] if answers.tests else [])]
    return [f"needs: [{', '.join(needed)}]"] if needed else []


def _needs(answers: Answers, name: str) -> Sequence[str]:
    return [f"needs: {name}"] if answers.trigger == "dispatch" else []


def _needed(answers: Answers, name: str) -> str:
    return f"[prepare, {name}]" if answers.trigger == "dispatch" else name


def _into(answers: Answers) -> Sequence[str]:
    return () if str(answers.folder) == "." else (f"cd {answers.folder}",)
