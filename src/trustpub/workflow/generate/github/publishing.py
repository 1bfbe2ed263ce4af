# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The jobs of a GitHub workflow that publish: to TestPyPI, to the index that is meant, and on GitHub itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trustpub.workflow.generate import shell
from trustpub.workflow.generate.answers import Answers, Target
from trustpub.workflow.generate.github.building import commit
from trustpub.workflow.generate.github.steps import (
    IDENTIFIES,
    PUSHES,
    WRITES,
    checkout,
    download,
    job,
    python,
    run,
    step,
)

TESTPYPI = Target(name="testpypi", environment="testpypi")
_PAGES: Mapping[str, str] = {"pypi": "https://pypi.org/p/", "testpypi": "https://test.pypi.org/p/"}
_TIMEOUT = "timeout-minutes: 20"
_PYPA = "pypa/gh-action-pypi-publish"


def prepare(answers: Answers) -> str | None:
    """The job that makes the commit and the tag of a release that a person asked for; None where nobody does."""
    if answers.trigger != "dispatch":
        return None
    tag = answers.tag.replace("{version}", "$RELEASE_VERSION")
    commands = [
        shell.ALONE,
        'git config user.name "github-actions[bot]"',
        'git config user.email "41898282+github-actions[bot]@users.noreply.github.com"',
    ]
    if not answers.dynamic_version:
        commands += [shell.release(answers), f'git diff --quiet || git commit --all --message "Release {tag}"']
    commands += [
        f'git tag --annotate --message "{tag}" "{tag}"',
        "# Both or neither: a tag without its commit would be a release of something else.",
        "gh auth setup-git",
        f'git push --atomic origin "HEAD:refs/heads/$GITHUB_REF_NAME" "refs/tags/{tag}"',
        'echo "commit=$(git rev-parse HEAD)" >> "$GITHUB_OUTPUT"',
        f'echo "tag=refs/tags/{tag}" >> "$GITHUB_OUTPUT"',
    ]
    if answers.dynamic_version:
        commands.insert(1, 'python -m trustpub version --check "$RELEASE_VERSION"')
    head = [
        "name: Commit and tag the version",
        f"if: github.repository == '{_slug(answers)}' && github.ref == 'refs/heads/{answers.branch}'",
        "runs-on: ubuntu-latest",
        _TIMEOUT,
        "outputs:",
        "  commit: ${{ steps.release.outputs.commit }}",
        "  tag: ${{ steps.release.outputs.tag }}",
    ]
    make = run(
        "Make the release", commands, {"GH_TOKEN": "${{ github.token }}", "RELEASE_VERSION": "${{ inputs.version }}"}
    )
    make = make.replace("- name: Make the release", "- name: Make the release\n  id: release", 1)
    return job("prepare", head, PUSHES, [checkout(history=True), python(answers.python), make])


def trial_on_testpypi(answers: Answers) -> str:
    """The job that publishes to TestPyPI first."""
    only = "" if answers.trial == "every-push" else _release_only(answers)
    guard = f"github.repository == '{_slug(answers)}'" + (f" && {only}" if only else "")
    head = ["name: Publish to TestPyPI", f"needs: {_needed(answers, ['build'])}", f"if: {guard}"]
    return _publishing("testpypi", head, answers, TESTPYPI)


def publish(answers: Answers) -> str:
    """The job that publishes to the index that is meant. Nothing else runs in it."""
    after = ["build", *_trials(answers)]
    where = {"pypi": "PyPI", "testpypi": "TestPyPI"}.get(answers.target.name, answers.target.name)
    head = [
        f"name: Publish to {where}",
        f"needs: {_needed(answers, after)}",
        f"if: github.repository == '{_slug(answers)}' && {_release_only(answers)}",
    ]
    return _publishing(answers.target.name, head, answers, answers.target)


def github_release(answers: Answers) -> str | None:
    """The job that makes the release on GitHub, with its files in one go, so that it may be immutable."""
    if not answers.github_release or answers.trigger == "release":
        return None
    tag = "${{ needs.prepare.outputs.tag }}" if answers.trigger == "dispatch" else "${{ github.ref }}"
    make = 'gh release create "${TAG#refs/tags/}" dist/* --repo "$GITHUB_REPOSITORY" --verify-tag'
    env = {"GH_TOKEN": "${{ github.token }}", "TAG": tag}
    steps, commands, permissions = [download()], [f"{make} --generate-notes"], WRITES
    if answers.changelog is not None:
        steps = [checkout(ref=commit(answers)), python(answers.python), download()]
        notes = f'python -m trustpub notes "${{TAG#refs/tags/}}" --changelog {answers.changelog} > notes.md'
        commands = [shell.ALONE, notes, f"{make} --notes-file notes.md"]
    head = [
        "name: Release on GitHub",
        f"needs: {_needed(answers, [answers.target.name])}",
        "runs-on: ubuntu-latest",
        _TIMEOUT,
    ]
    return job("github-release", head, permissions, [*steps, run("Make the release with its files", commands, env)])


def _publishing(ident: str, head: Sequence[str], answers: Answers, target: Target) -> str:
    lines = [*head, "runs-on: ubuntu-latest", _TIMEOUT]
    if target.environment is not None:
        lines += ["environment:", f"  name: {target.environment}"]
        if target.public:
            lines.append(f"  url: {_PAGES[target.name]}{answers.project}")
    return job(ident, lines, IDENTIFIES, [download(), *_upload(answers, target)])


def _upload(answers: Answers, target: Target) -> Sequence[str]:
    if not _with_ours(answers, target):
        values: dict[str, str] = {}
        if target.name == "testpypi":
            values["repository-url"] = "https://test.pypi.org/legacy/"
            if answers.target.name != "testpypi":
                values["skip-existing"] = "true # a trial may be repeated"
        if not answers.attestations:
            values["attestations"] = "false"
        return (step(_PYPA, values),)
    signs = answers.attestations and target.public
    commands = [shell.ALONE_SIGNING if signs else shell.ALONE, shell.publish(target, attestations=answers.attestations)]
    return (python(answers.python), run("Publish", commands))


def _with_ours(answers: Answers, target: Target) -> bool:
    return answers.action == "trustpub" or (answers.action is None and not target.public)


def _trials(answers: Answers) -> Sequence[str]:
    if answers.trial == "own":
        return ["trial"]
    return ["testpypi"] if answers.trial in ("release", "every-push") and answers.target.name == "pypi" else []


def _release_only(answers: Answers) -> str:
    if answers.trigger == "dispatch":
        return f"github.event_name == 'workflow_dispatch' && github.ref == 'refs/heads/{answers.branch}'"
    if answers.trigger == "release":
        return "github.event_name == 'release'"
    prefix = answers.tag.partition("{")[0]
    return f"github.event_name == 'push' && startsWith(github.ref, 'refs/tags/{prefix}')"


def _needed(answers: Answers, names: Sequence[str]) -> str:
    needed = [*(["prepare"] if answers.trigger == "dispatch" else []), *names]
    return needed[0] if len(needed) == 1 else f"[{', '.join(needed)}]"


def _slug(answers: Answers) -> str:
    return f"{answers.owner}/{answers.repository}"
