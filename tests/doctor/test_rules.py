# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every rule: a project in which it finds something, and one that is nearly the same and fine."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustpub.workflow import doctor
from trustpub.workflow.rules.table import RULES

from .snippets import DECLARED, PUSH, PYPROJECT, STEP, WORKFLOW, Case, Change, write

ONLINE = {"TP150", "TP151", "TP152", "TP153"}
"""In tests of their own: others have to answer."""
HISTORY = {"TP512"}
"""In a test of its own, with a real git."""
HOME = "https://github.com/acme/demo.git"
UPLOAD = "      - uses: actions/upload-artifact@bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
DOWNLOAD = "      - uses: actions/download-artifact@cccccccccccccccccccccccccccccccccccccccc\n"
NAMED = DOWNLOAD + "        with:\n          name: dist\n          path: dist/\n"
READ = "    permissions:\n      contents: read # read the tag\n"
MINT = "    permissions:\n      id-token: write # mint the OIDC token\n"
BUILD = "python -m build"
MADE_BY_GIT = PYPROJECT.replace('"hatchling"]', '"hatchling", "hatch-vcs>=0.5"]')
FROM_GIT = MADE_BY_GIT.replace('version = "1.0.0"', 'dynamic = ["version"]')
MATRIX = "strategy: {matrix: {os: [a, b]}}"
ENVIRONMENT = "    environment: pypi\n"
CALLED = "on:\n  workflow_call:\n"
CALLER = """\
on:
  push:
    tags: ["v*"]
permissions: {}
jobs:
  release:
    permissions:
      id-token: write
    uses: ./.github/workflows/release.yml
"""
CUT = """\
on:
  push:
    branches: [main]
permissions: {}
jobs:
  cut:
    runs-on: ubuntu-latest
    permissions:
      contents: write
    steps:
      - run: gh release create v1.0.0 --generate-notes
        env:
          GH_TOKEN: ${{ github.token }}
"""
GITLAB = """\
publish:
  environment: pypi
  id_tokens:
    PYPI_ID_TOKEN:
      aud: pypi
  script:
    - twine upload dist/*
"""
GITLAB_DECLARED = """
[tool.trustpub.indexes.pypi.publisher]
kind = "gitlab"
namespace = "acme"
project = "demo"
workflow-filepath = ".gitlab-ci.yml"
environment = "pypi"
"""
CLOUD = """\
serviceAccount: projects/acme/serviceAccounts/release@acme.iam.gserviceaccount.com
steps:
  - name: python:3.13-slim
    entrypoint: bash
    args: [-c, trustpub publish dist/*]
"""
WORKSPACE = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
MEMBER = '[project]\nname = "demo-extra"\nversion = "1"\n'
NO_WORKFLOW: dict[str, str | None] = {WORKFLOW: None}


def step(*lines: str) -> Change:
    """The publishing step with these lines below it."""
    return STEP, STEP + "".join(f"        {line}\n" for line in lines)


def using(*lines: str) -> Change:
    """These lines in place of the publishing step."""
    return STEP, "      - " + "        ".join(f"{line}\n" for line in lines)


def when(condition: str) -> Change:
    return "    needs: build\n", f"    needs: build\n    if: {condition}\n"


def then(text: str) -> Change:
    return STEP, STEP + text


def first(text: str) -> Change:
    return STEP, text + STEP


def building(line: str) -> Change:
    return "    name: build\n", f"    name: build\n    {line}\n"


def on_top(line: str) -> Change:
    return "permissions: {}\n", f"permissions: {{}}\n{line}\n"


def job(text: str) -> Change:
    return ENVIRONMENT, ENVIRONMENT + text


def environment(text: str) -> Change:
    return ENVIRONMENT, text


def started(text: str) -> Change:
    return PUSH, text


def built(text: str) -> Change:
    return "      - run: python -m build", text


def running_on(machine: str) -> Change:
    return "    needs: build\n    runs-on: ubuntu-latest", f"    needs: build\n    runs-on: {machine}"


def gitlab(text: str) -> dict[str, str | None]:
    return {WORKFLOW: None, ".gitlab-ci.yml": text}


def cloud(text: str) -> dict[str, str | None]:
    return {WORKFLOW: None, "cloudbuild.yaml": text}


def cut(text: str) -> dict[str, str | None]:
    return {".github/workflows/cut.yml": text}


def yes(rule: str, what: str, *changes: Change, **more: object) -> Case:
    return Case(rule=rule, what=what, finds=True, changes=changes, **more)  # type: ignore[arg-type]


def no(rule: str, what: str, *changes: Change, **more: object) -> Case:
    return Case(rule=rule, what=what, finds=False, changes=changes, **more)  # type: ignore[arg-type]


CASES = [
    yes("TP001", "a key twice", ("on:\n", "on: push\non:\n")),
    yes("TP001", "an alias bomb", files={".github/workflows/x.yml": "a: &a [*a]\n"}),
    no("TP001", "an anchor", ("    timeout-minutes: 10\n", "    timeout-minutes: &t 10\n")),
    yes("TP002", "a kind that is none", pyproject=PYPROJECT + DECLARED.replace('"github"', '"cirrus"')),
    no("TP002", "a publisher", pyproject=PYPROJECT + DECLARED),
    yes(
        "TP101",
        "another file publishes",
        pyproject=PYPROJECT + DECLARED.replace("release.yml", "publish.yml"),
    ),
    yes(
        "TP101",
        "yaml for yml",
        pyproject=PYPROJECT + DECLARED.replace("release.yml", "release.yaml"),
    ),
    no("TP101", "the declared file publishes", pyproject=PYPROJECT + DECLARED),
    no(
        "TP101",
        "another file publishes elsewhere",
        step("with:", "  repository-url: https://packages.example.com/legacy/"),
        pyproject=PYPROJECT + DECLARED,
    ),
    yes("TP102", "renamed", pyproject=PYPROJECT + DECLARED, remote="git@github.com:acme/other.git"),
    yes("TP102", "letter case", pyproject=PYPROJECT + DECLARED, remote="https://github.com/Acme/demo"),
    yes(
        "TP102",
        "moved on gitlab",
        pyproject=PYPROJECT + GITLAB_DECLARED,
        remote="https://gitlab.com/other/demo.git",
        files=gitlab(GITLAB),
    ),
    no("TP102", "the same", pyproject=PYPROJECT + DECLARED, remote="ssh://git@github.com:22/acme/demo.git"),
    no("TP102", "a mirror elsewhere", pyproject=PYPROJECT + DECLARED, remote="https://codeberg.org/me/demo.git"),
    yes("TP103", "another", environment("    environment: release\n"), pyproject=PYPROJECT + DECLARED),
    yes("TP103", "none", environment(""), pyproject=PYPROJECT + DECLARED),
    yes(
        "TP103",
        "letter case on gitlab",
        pyproject=PYPROJECT + GITLAB_DECLARED,
        files=gitlab(GITLAB.replace("environment: pypi", "environment: PyPI")),
    ),
    no("TP103", "letter case on github", environment("    environment: PyPI\n"), pyproject=PYPROJECT + DECLARED),
    yes("TP104", "none", environment("")),
    no("TP104", "with a url", environment("    environment:\n      name: pypi\n      url: https://x.test\n")),
    no(
        "TP104",
        "decided otherwise",
        environment(""),
        pyproject=PYPROJECT + DECLARED.replace('environment = "pypi"\n', ""),
    ),
    yes(
        "TP105",
        "of a matrix",
        environment("    environment: ${{ matrix.to }}\n    strategy:\n      matrix:\n        to: [pypi, testpypi]\n"),
    ),
    yes("TP105", "of an output", environment("    environment: ${{ needs.build.outputs.to }}\n")),
    yes("TP105", "an index", step("with:", "  repository-url: ${{ vars.INDEX }}")),
    no(
        "TP105",
        "always the declared one",
        environment("    environment: ${{ github.event_name == 'push' && 'pypi' || 'other' }}\n"),
        pyproject=PYPROJECT + DECLARED,
    ),
    yes("TP106", "called from here", (PUSH, CALLED), files={".github/workflows/main.yml": CALLER}),
    yes("TP106", "called from elsewhere", (PUSH, CALLED)),
    no("TP106", "may also be called", (PUSH, PUSH + "  workflow_call:\n")),
    no(
        "TP106",
        "an index of ones own",
        (PUSH, CALLED),
        step("with:", "  repository-url: https://packages.example.com/legacy/"),
    ),
    yes(
        "TP107",
        "a workspace",
        (BUILD, "uv build --all-packages"),
        pyproject=PYPROJECT + WORKSPACE + DECLARED,
        files={"packages/extra/pyproject.toml": MEMBER},
    ),
    no(
        "TP107",
        "a workspace that says so",
        (BUILD, "uv build --all-packages"),
        pyproject=PYPROJECT + WORKSPACE + DECLARED.replace('tag = "v{version}"', "workspace = true"),
        files={"packages/extra/pyproject.toml": MEMBER},
    ),
    no(
        "TP107",
        "one of a workspace",
        (BUILD, "uv build --package demo-pkg"),
        pyproject=PYPROJECT + WORKSPACE + DECLARED,
        files={"packages/extra/pyproject.toml": MEMBER},
    ),
    yes("TP108", "copied", environment("    environment: {name: pypi, url: 'https://pypi.org/p/sampleproject'}\n")),
    no(
        "TP108", "spelled otherwise", environment("    environment: {name: pypi, url: 'https://pypi.org/p/Demo_Pkg'}\n")
    ),
    yes("TP109", "no guard", remote=HOME),
    yes("TP109", "another guard", when("github.ref_type == 'tag'"), remote=HOME),
    no(
        "TP109",
        "a guard",
        when("github.repository == 'acme/demo'"),
        remote=HOME,
    ),
    no(
        "TP109",
        "an owner",
        when("github.repository_owner == 'acme'"),
        remote=HOME,
    ),
    yes("TP201", "a misspelled value", ("id-token: write", "id-token: read")),
    yes("TP201", "nothing at all", ("permissions: {}\n", ""), (MINT, "")),
    yes("TP201", "trustpub too", ("id-token: write", "id-token: none"), using("run: trustpub publish")),
    no("TP201", "of the workflow", ("permissions: {}", "permissions:\n  id-token: write"), (MINT, "")),
    no(
        "TP201", "with a password", ("id-token: write", "id-token: none"), step("with:", "  password: ${{ secrets.T }}")
    ),
    no(
        "TP201",
        "with a file set up before",
        ("id-token: write", "id-token: none"),
        using("run: |", '  echo "$RC" > ~/.pypirc', "  twine upload dist/*"),
    ),
    yes(
        "TP202",
        "a caller without",
        (PUSH, CALLED),
        files={".github/workflows/main.yml": CALLER.replace("id-token: write", "contents: read")},
    ),
    no("TP202", "a caller with", (PUSH, CALLED), files={".github/workflows/main.yml": CALLER}),
    yes("TP203", "for all", ("permissions: {}", "permissions:\n  contents: read\n  id-token: write")),
    no("TP203", "of the one job", ("permissions: {}", "permissions:\n  contents: read")),
    yes("TP204", "pull requests", started("on: [push, pull_request]\n")),
    yes("TP204", "their target", started("on: pull_request_target\n")),
    no(
        "TP204",
        "built only",
        started("on: [push, pull_request]\n"),
        when("startsWith(github.ref, 'refs/tags/')"),
    ),
    no(
        "TP204",
        "published in a step only on tags",
        started("on: [push, pull_request]\n"),
        step("if: github.event_name == 'push' && github.ref_type == 'tag'"),
    ),
    yes("TP205", "a password", step("with:", "  password: ${{ secrets.PYPI }}")),
    yes("TP205", "a variable", using("run: twine upload dist/*", "env:", "  TWINE_PASSWORD: ${{ secrets.PYPI }}")),
    yes("TP205", "an option", using("run: uv publish --token ${{ secrets.PYPI }}")),
    no("TP205", "minted before", step("with:", "  password: ${{ steps.mint.outputs.api-token }}")),
    no(
        "TP205",
        "for somebody elses index",
        step("with:", "  repository-url: https://packages.example.com/legacy/", "  password: ${{ secrets.X }}"),
    ),
    yes("TP206", "uv", using("run: uv publish")),
    no("TP206", "uv that says", using("run: uv publish --trusted-publishing=always")),
    no(
        "TP206",
        "uv that is told",
        using("run: uv publish"),
        pyproject=PYPROJECT + '[tool.uv]\ntrusted-publishing = "always"\n',
    ),
    yes("TP207", "poetry", using("run: poetry publish")),
    yes("TP207", "an old twine", using("run: |", "  pip install twine==5.1.1", "  twine upload dist/*")),
    yes(
        "TP207",
        "twine elsewhere",
        using("run: twine upload --repository-url https://packages.example.com/legacy/ dist/*"),
        pyproject=PYPROJECT + '[tool.trustpub.indexes.own]\nurl = "https://packages.example.com/legacy/"\n',
    ),
    no(
        "TP207",
        "a cloud that is logged in to",
        using("run: |", "  aws codeartifact login --tool twine", "  twine upload --repository codeartifact dist/*"),
    ),
    no(
        "TP201",
        "a cloud that is logged in to",
        ("id-token: write", "id-token: none"),
        using("run: |", "  aws codeartifact login --tool twine", "  twine upload --repository codeartifact dist/*"),
    ),
    no("TP207", "twine", using("run: |", "  pip install 'twine>=6.1'", "  twine upload dist/*")),
    no("TP207", "poetry with what was minted", using("run: poetry publish -p ${{ steps.mint.outputs.api-token }}")),
    no(
        "TP207",
        "poetry with a variable that was minted",
        using("run: poetry publish", "env:", "  POETRY_PYPI_TOKEN_PYPI: ${{ steps.mint.outputs.api-token }}"),
    ),
    no("TP207", "poetry with a token", using("run: |", "  poetry config pypi-token.pypi $T", "  poetry publish")),
    yes("TP208", "another name", files=gitlab(GITLAB.replace("PYPI_ID_TOKEN", "PYPI_JWT"))),
    yes("TP208", "no token", files=gitlab(GITLAB.replace("id_tokens", "variables"))),
    yes(
        "TP208",
        "the test index under its old name",
        files=gitlab(GITLAB.replace("aud: pypi", "aud: testpypi")),
    ),
    yes(
        "TP208",
        "the token for a password",
        files=gitlab(GITLAB.replace("dist/*", "-p $PYPI_ID_TOKEN dist/*")),
    ),
    no("TP208", "as it should be", files=gitlab(GITLAB)),
    no(
        "TP208",
        "to the registry of gitlab",
        files=gitlab("publish:\n  variables: {TWINE_PASSWORD: $CI_JOB_TOKEN}\n  script: [twine upload dist/*]\n"),
    ),
    yes("TP209", "a gitlab of ones own", remote="https://gitlab.acme.example/a/b.git", files=gitlab(GITLAB)),
    yes("TP209", "a github of ones own", remote="https://github.acme.example/a/b.git"),
    no("TP209", "gitlab", remote="https://gitlab.com/a/b.git", files=gitlab(GITLAB)),
    no("TP209", "a mirror", remote="https://codeberg.org/a/b.git"),
    yes("TP210", "no account", files=cloud(CLOUD.partition("\n")[2])),
    yes(
        "TP210",
        "the default one",
        files=cloud(CLOUD.replace("release@acme.iam", "1-compute@developer.")),
    ),
    no("TP210", "one of its own", files=cloud(CLOUD)),
    no("TP210", "nothing published", files=cloud("steps:\n  - name: python\n    args: [build]\n")),
    yes("TP211", "contents", ("id-token: write", "contents: write\n      id-token: write")),
    no("TP211", "read only", ("id-token: write", "contents: read\n      id-token: write")),
    yes("TP301", "macos", running_on("macos-latest")),
    yes("TP301", "a container", job("    container: python:3.13\n")),
    yes("TP301", "ones own machine", running_on("[self-hosted, linux]")),
    no("TP301", "another client", running_on("macos-latest"), using("run: trustpub publish")),
    yes(
        "TP302",
        "in a composite action",
        using("uses: ./.github/actions/pub"),
        files={
            ".github/actions/pub/action.yml": "runs:\n  using: composite\n  steps:\n"
            + STEP.replace("      - ", "    - ")
        },
    ),
    no(
        "TP302",
        "another client in one",
        using("uses: ./.github/actions/pub"),
        files={".github/actions/pub/action.yml": "runs:\n  using: composite\n  steps:\n    - run: trustpub publish\n"},
    ),
    yes("TP303", "an object", ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "f946db0f765b9ae754e44bfd5ae5b8b91cfb37ef")),
    no("TP303", "its commit", ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "2f6f737ca5f74c637829c0f5c3acd0e29ea5e8bf")),
    yes("TP304", "a branch", ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "release/v1")),
    no("TP304", "elsewhere", ("actions/checkout@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "actions/checkout@v7")),
    yes("TP305", "a tag", ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "v1.12.2")),
    yes("TP305", "a commit", ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "81e9d935c883d0b210363ab89cf05f3894778450")),
    no("TP305", "new enough", ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "v1.12.3")),
    no("TP305", "the moving name", ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "v1")),
    yes("TP306", "where one reads", step("with:", "  repository-url: https://pypi.org/legacy/")),
    yes("TP306", "without protection", step("with:", "  repository-url: http://packages.example.com/legacy/")),
    no("TP306", "where one uploads", step("with:", "  repository-url: https://test.pypi.org/legacy/")),
    yes(
        "TP307",
        "both",
        (STEP, STEP + "        with:\n          repository-url: https://test.pypi.org/legacy/\n" + STEP),
    ),
    no(
        "TP307",
        "one unsigned",
        (
            STEP,
            STEP
            + "        with:\n          repository-url: https://test.pypi.org/legacy/\n          attestations: false\n"
            + STEP,
        ),
    ),
    no(
        "TP307",
        "never both",
        (PUSH, PUSH + "  workflow_dispatch:\n"),
        (
            STEP,
            STEP + "        if: github.event_name == 'workflow_dispatch'\n        with:\n"
            "          repository-url: https://test.pypi.org/legacy/\n"
            + STEP
            + "        if: github.event_name == 'push'\n",
        ),
    ),
    yes("TP308", "off", step("with:", "  attestations: false")),
    no("TP308", "on", step("with:", "  attestations: true")),
    no(
        "TP308",
        "elsewhere",
        step("with:", "  attestations: false", "  repository-url: https://packages.example.com/legacy/"),
    ),
    yes("TP309", "on the real one", step("with:", "  skip-existing: true")),
    yes("TP309", "with twine", using("run: twine upload --skip-existing dist/*")),
    no(
        "TP309",
        "on the test index",
        step("with:", "  skip-existing: true", "  repository-url: https://test.pypi.org/legacy/"),
    ),
    yes("TP310", "an old name", step("with:", "  packages_dir: out/")),
    yes("TP310", "none", step("with:", "  repository: pypi")),
    no("TP310", "todays name", step("with:", "  packages-dir: out/")),
    yes("TP311", "a build", first("      - run: uv build\n")),
    no("TP311", "a look at the files", first("      - run: ls dist\n")),
    yes("TP312", "a checkout", first("      - uses: actions/checkout@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n")),
    yes(
        "TP312", "a strangers action", first("      - uses: somebody/notify@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n")
    ),
    no(
        "TP312", "what it needs", first("      - uses: actions/setup-python@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n")
    ),
    yes("TP313", "none", ("    timeout-minutes: 10\n", "")),
    no("TP313", "of the step", ("    timeout-minutes: 10\n", ""), step("timeout-minutes: 5")),
    yes("TP401", "another name", (NAMED, NAMED.replace("name: dist", "name: dists"))),
    no(
        "TP401",
        "an action that may upload it",
        (NAMED, NAMED.replace("name: dist", "name: Packages")),
        (
            UPLOAD + "        with:\n          name: dist\n          path: dist/\n",
            "      - uses: hynek/build-and-inspect-python-package@v2\n",
        ),
    ),
    no("TP401", "of another run", (NAMED, NAMED.replace("name: dist", "name: dists\n          run-id: 1"))),
    yes("TP402", "no name", (NAMED, DOWNLOAD + "        with:\n          path: dist/\n")),
    yes("TP402", "a pattern", (NAMED, DOWNLOAD + "        with:\n          pattern: dist*\n          path: dist\n")),
    no("TP402", "merged", (NAMED, DOWNLOAD + "        with:\n          path: dist/\n          merge-multiple: true\n")),
    no("TP402", "the folder of the artifact", (NAMED, DOWNLOAD)),
    no(
        "TP402",
        "moved by hand",
        (NAMED, DOWNLOAD + "        with:\n          path: dist/\n      - run: mv dist/dist/* dist/\n"),
    ),
    yes("TP403", "three", (UPLOAD, "      - uses: actions/upload-artifact@v3\n")),
    yes("TP403", "three by its comment", (UPLOAD, UPLOAD.rstrip() + " # v3.1.3\n")),
    no(
        "TP403",
        "four and eight",
        (UPLOAD, "      - uses: actions/upload-artifact@v4\n"),
        (DOWNLOAD, "      - uses: actions/download-artifact@v8\n"),
    ),
    yes("TP404", "one name", building(MATRIX)),
    no(
        "TP404",
        "a name each",
        building(MATRIX),
        (
            "          name: dist\n          path: dist/\n  publish",
            "          name: dist-${{ matrix.os }}\n          path: dist/\n  publish",
        ),
    ),
    no("TP404", "one leg", building("strategy: {matrix: {os: [a]}}")),
    no("TP404", "one leg uploads", building(MATRIX), (UPLOAD, UPLOAD + "        if: matrix.os == 'a'\n")),
    yes("TP405", "shallow", pyproject=FROM_GIT),
    yes("TP405", "shallow and on a branch", started("on: workflow_dispatch\n"), pyproject=FROM_GIT),
    no("TP405", "deep", ("          persist-credentials: false\n", "          fetch-depth: 0\n"), pyproject=FROM_GIT),
    no("TP405", "fetched", built("      - run: git fetch --tags\n      - run: python -m build"), pyproject=FROM_GIT),
    no(
        "TP405",
        "said by a variable",
        built("      - run: python -m build\n        env: {SETUPTOOLS_SCM_PRETEND_VERSION: '${{ github.ref_name }}'}"),
        pyproject=FROM_GIT,
    ),
    no("TP405", "a written version"),
    no("TP405", "a version that is written all the same", pyproject=MADE_BY_GIT),
    yes("TP406", "never", remote=HOME),
    no("TP406", "checked", (BUILD, "python -m build && trustpub check dist/*"), remote=HOME),
    no(
        "TP406",
        "compared by hand",
        (BUILD, 'python -m build && test "v$(cat VERSION)" = "$GITHUB_REF_NAME"'),
        remote=HOME,
    ),
    no(
        "TP406",
        "made from the tag",
        pyproject=PYPROJECT.replace('version = "1.0.0"', 'dynamic = ["version"]'),
        remote=HOME,
    ),
    yes(
        "TP408",
        "of uv",
        built("      - uses: astral-sh/setup-uv@v7\n        with: {enable-cache: true}\n      - run: uv build"),
    ),
    yes("TP408", "the action", built("      - uses: actions/cache@v5\n        with: {path: x}\n      - run: uv build")),
    no(
        "TP408",
        "off",
        built("      - uses: astral-sh/setup-uv@v7\n        with: {enable-cache: false}\n      - run: uv build"),
    ),
    no(
        "TP408",
        "in a job that nothing is published of",
        (
            "  publish:\n",
            "  lint:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/cache@v5\n  publish:\n",
        ),
    ),
    yes("TP501", "a release", started("on: release\n"), files=cut(CUT)),
    yes("TP501", "a tag", files=cut(CUT)),
    yes(
        "TP501",
        "a bot",
        files={
            ".github/workflows/cut.yml": CUT.replace(
                "run: gh release create v1.0.0 --generate-notes", "uses: googleapis/release-please-action@v4"
            ).replace("        env:\n          GH_TOKEN: ${{ github.token }}\n", "")
        },
    ),
    no("TP501", "a token of its own", files=cut(CUT.replace("github.token", "secrets.RELEASE_TOKEN"))),
    no("TP501", "a draft", files=cut(CUT.replace("--generate-notes", "--draft"))),
    no("TP501", "started by it", files=cut(CUT.replace("--generate-notes", "&& gh workflow run release.yml"))),
    no(
        "TP501",
        "of a tag that was pushed",
        files={".github/workflows/cut.yml": CUT.replace("branches: [main]", 'tags: ["v*"]')},
    ),
    yes("TP502", "the other event", when("github.event_name == 'release'")),
    yes("TP502", "a branch and a tag", when("github.ref == 'refs/heads/main'")),
    yes("TP502", "in the step", step("if: github.event.release.prerelease")),
    yes("TP502", "the old name", when("github.repository == 'acme/old'"), remote=HOME),
    no("TP502", "the event", when("github.event_name == 'push'")),
    no("TP502", "only a run knows", when("needs.build.outputs.release == 'true'")),
    no("TP502", "a text that is always true", when("${{ github.event_name }} == 'release'")),
    yes(
        "TP503",
        "with its test",
        (READ, "    if: github.ref_type == 'branch'\n"),
        when("github.ref_type == 'tag'"),
    ),
    no(
        "TP503",
        "that says so",
        (READ, "    if: github.ref_type == 'branch'\n"),
        when("always() && github.ref_type == 'tag'"),
    ),
    no("TP503", "that runs", when("github.ref_type == 'tag'")),
    yes("TP504", "created", started("on:\n  release:\n    types: [created]\n")),
    yes("TP504", "all", started("on:\n  release:\n")),
    no("TP504", "published", started("on:\n  release:\n    types: [published]\n")),
    no("TP504", "a condition", started("on:\n  release:\n"), when("github.event.action == 'published'")),
    yes("TP505", "any branch", started("on: [workflow_dispatch]\n")),
    no("TP505", "one branch", started("on: [workflow_dispatch]\n"), when("github.ref == 'refs/heads/main'")),
    no(
        "TP505",
        "the test index",
        started("on: [workflow_dispatch]\n"),
        step("with:", "  repository-url: https://test.pypi.org/legacy/"),
    ),
    yes("TP506", "every push", started("on: push\n")),
    yes("TP506", "a branch", started("on:\n  push:\n    branches: [main]\n")),
    no("TP506", "only tags of them", started("on: push\n"), step("if: startsWith(github.ref, 'refs/tags')")),
    no(
        "TP506",
        "a step that versions",
        started("on:\n  push:\n    branches: [main]\n"),
        (BUILD, "bump-my-version bump patch && python -m build"),
    ),
    yes("TP507", "of the workflow", on_top("concurrency: {group: x, cancel-in-progress: true}")),
    yes("TP507", "of the job", job("    concurrency:\n      group: x\n      cancel-in-progress: true\n")),
    no("TP507", "of another job", building("concurrency: {group: x, cancel-in-progress: true}")),
    yes("TP508", "legs", job("    strategy: {matrix: {os: [a, b]}}\n")),
    no(
        "TP508",
        "an index each",
        environment("    environment: ${{ matrix.to }}\n    strategy: {matrix: {to: [a, b]}}\n"),
    ),
    yes(
        "TP509",
        "added",
        started("on:\n  release:\n    types: [published]\n"),
        then("      - run: gh release upload v1 dist/*\n"),
    ),
    yes(
        "TP509",
        "created without",
        then("      - run: gh release create v1\n      - run: gh release upload v1 dist/*\n"),
    ),
    no("TP509", "created with", then("      - run: gh release create v1 dist/*\n")),
    no(
        "TP509",
        "a draft",
        then("      - run: gh release create v1 --draft\n      - run: gh release upload v1 dist/*\n"),
    ),
    yes("TP510", "unknown", on_top("concurrency: 'release-${{ github.branch }}'")),
    yes("TP510", "no context there", on_top("concurrency: {group: 'r-${{ env.X }}'}")),
    no("TP510", "known", on_top("concurrency: 'r-${{ github.event.pull_request.number || github.ref }}'")),
    yes("TP511", "without the letter", tags=("1.0.0", "1.1.0")),
    yes("TP511", "not as declared", ('tags: ["v*"]', 'tags: ["release-*"]'), pyproject=PYPROJECT + DECLARED),
    no("TP511", "with it", tags=("v1.0.0",)),
    no("TP511", "no tags yet", tags=("nightly",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_rule_finds_what_is_wrong_and_not_what_is_nearly_so(case: Case, tmp_path: Path) -> None:
    found = doctor.examine(write(tmp_path, case))[1]
    own = [one for one in found if one.ident == case.rule]
    assert bool(own) == case.finds, found
    for one in own:
        assert one.message
        assert one.fix
        text = (tmp_path / one.path).read_text("utf-8").splitlines()
        assert one.line <= max(len(text), 1)
        assert one.column <= len(text[one.line - 1]) + 1 if text else True


def test_every_rule_has_a_case_and_a_near_miss() -> None:
    for rule in RULES:
        if rule.ident not in ONLINE | HISTORY:
            assert {case.finds for case in CASES if case.rule == rule.ident} == {True, False}, rule.ident


def test_the_good_project_stays_without_findings_where_it_is_declared(tmp_path: Path) -> None:
    guarded = when("github.repository == 'acme/demo'")
    checked = (BUILD, "python -m build && trustpub check dist/*")
    case = no("TP000", "x", guarded, checked, pyproject=PYPROJECT + DECLARED, remote=HOME, tags=("v0.9",))
    assert doctor.examine(write(tmp_path, case))[1] == ()


def test_the_rules_have_what_a_person_needs() -> None:
    assert len({rule.ident for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.explanation.endswith(".")
        assert rule.fix.endswith(".")
        assert rule.example
        assert rule.better
