# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What init writes, in every shape: YAML that our doctor, others' linters and the platforms' schemas take."""

from __future__ import annotations

import os
import string
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trustpub import declared
from trustpub.trust.issuers import PROVIDERS
from trustpub.workflow import doctor
from trustpub.workflow.generate import table
from trustpub.workflow.generate.answers import BUILDERS, PLATFORMS, TRIALS, TRIGGERS, Answers, Target
from trustpub.workflow.generate.faults import faults, trials, triggers
from trustpub.workflow.generate.scalars import listing, scalar
from trustpub.workflow.generate.written import Written, merged

from .shapes import OWN, PYPI, answers, every, unseen, write

LINTERS = Path(os.environ.get("TRUSTPUB_LINTERS") or Path(__file__).parents[2] / ".venvs" / "linters" / "bin")
"""Installed by `make clients`."""
Lint = Callable[..., str]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each shape."""
    top = tmp_path_factory.mktemp("shapes")
    for name, made in every():
        write(top / name, made)
    return top


@pytest.fixture(scope="module")
def workflows(shapes: Path) -> list[Path]:
    """Those of GitHub."""
    return sorted(shapes.glob("github-*/.github/workflows/*.yml"))


@pytest.fixture
def lint() -> Lint:
    """What a linter says, which must end with a given code."""

    def run(name: str, options: Sequence[str], paths: Iterable[Path], *, code: int = 0) -> str:
        program = LINTERS / name
        if not program.exists():
            pytest.skip(
                f"THE REAL {name} IS NOT HERE, so it has seen nothing of what init writes. Get it: make clients"
            )
        done = subprocess.run(
            [str(program), *options, *map(str, paths)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    return run


def test_every_platform_trigger_trial_and_builder_has_a_shape() -> None:
    made = [one for _, one in every()]
    assert {one.platform for one in made} == set(PLATFORMS)
    assert {(one.trigger, one.trial, one.builder) for one in made if one.platform == "github"} == {
        (trigger, trial, builder) for trigger in TRIGGERS for trial in TRIALS for builder in BUILDERS
    }
    for platform in PLATFORMS:
        of_it = [one for one in made if one.platform == platform]
        assert {one.trigger for one in of_it} == set(triggers(platform))
        assert {one.trial for one in of_it} == set(trials(platform, PYPI))
        assert {one.builder for one in of_it} == set(BUILDERS)


def test_the_doctor_is_silent_about_every_shape(shapes: Path) -> None:
    found = {
        folder.name: [(one.ident, one.path, one.line, one.message) for one in doctor.examine(folder)[1]]
        for folder in shapes.iterdir()
    }
    assert {name: findings for name, findings in found.items() if findings} == {}
    assert len(found) > 700


def test_what_is_registered_is_what_the_doctor_compares(tmp_path: Path) -> None:
    write(tmp_path, answers())
    text = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(text.replace('workflow = "release.yml"', 'workflow = "other.yml"'))
    assert "TP101" in {one.ident for one in doctor.examine(tmp_path)[1]}


def test_actionlint_finds_nothing(workflows: list[Path], lint: Lint) -> None:
    assert lint("actionlint", ["-no-color"], workflows) == ""


def test_zizmor_finds_nothing_as_an_auditor(workflows: list[Path], lint: Lint) -> None:
    said = lint("zizmor", ["--offline", "--quiet", "--no-config", "--persona", "auditor"], workflows)
    assert "No findings" in said


def test_github_takes_every_workflow_by_its_schema(workflows: list[Path], lint: Lint) -> None:
    lint("check-jsonschema", ["--builtin-schema", "vendor.github-workflows"], workflows[::3])


def test_gitlab_takes_every_pipeline_by_its_schema(shapes: Path, lint: Lint) -> None:
    options = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    lint("check-jsonschema", options, sorted(shapes.glob("*/.gitlab-ci.yml")))


def test_google_takes_every_build_by_its_schema(shapes: Path, lint: Lint) -> None:
    lint("check-jsonschema", ["--builtin-schema", "vendor.cloudbuild"], sorted(shapes.glob("*/cloudbuild.yaml")))


def test_the_linters_would_find_something(tmp_path: Path, lint: Lint) -> None:
    text = table.files(answers())[0].text
    path = tmp_path / ".github" / "workflows" / "release.yml"
    path.parent.mkdir(parents=True)
    path.write_text(
        text.replace("permissions: {}\n", "permissions: write-all\n").replace("needs: build", "needs: none")
    )
    assert "needs job" in lint("actionlint", ["-no-color"], [path], code=1)
    lint("zizmor", ["--offline", "--quiet", "--no-config", "--persona", "auditor"], [path], code=14)
    path.write_text(text.replace("runs-on:", "runs-where:"))
    lint("check-jsonschema", ["--builtin-schema", "vendor.github-workflows"], [path], code=1)
    path = tmp_path / ".gitlab-ci.yml"
    path.write_text(table.files(answers("gitlab"))[0].text.replace("aud: ", "audience: "))
    options = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    lint("check-jsonschema", options, [path], code=1)
    path = tmp_path / "cloudbuild.yaml"
    path.write_text(table.files(answers("google"))[0].text.replace("- id: build\n    name:", "- id: build\n    image:"))
    lint("check-jsonschema", ["--builtin-schema", "vendor.cloudbuild"], [path], code=1)


def test_bash_reads_every_script_and_every_step(shapes: Path, tmp_path: Path) -> None:
    texts = {path.read_text(encoding="utf-8") for path in shapes.glob("*/*/release.sh")}
    for path in [*shapes.glob("github-*/.github/workflows/*.yml"), *shapes.glob("*/cloudbuild.yaml")]:
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        steps = document.get("steps") or [step for job in document["jobs"].values() for step in job["steps"]]
        texts |= {step.get("run") or step.get("script") or "" for step in steps}
    for path in shapes.glob("*/.gitlab-ci.yml"):
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        texts |= {"\n".join(job["script"]) for job in document.values() if isinstance(job, dict) and "script" in job}
    assert len(texts) > 60
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.sh").write_text(text, encoding="utf-8")
    loop = 'for one in "$@"; do bash -n "$one" || exit 1; done'
    paths = map(str, tmp_path.iterdir())
    done = subprocess.run(["bash", "-c", loop, "bash", *paths], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_who_is_registered_is_spelled_as_the_provider_spells_it() -> None:
    for _, made in every():
        for one in table.registration(made):
            if one.kind != "generic":
                assert PROVIDERS[one.kind].spell(one.fields) == dict(one.fields)
            assert one.trial == (one.target.name == "testpypi" and made.target.name != "testpypi")


def test_the_pipeline_is_not_to_be_overtaken_by_a_push() -> None:
    made = answers(trigger="dispatch", trial="every-push")
    assert "group: release-${{ github.event_name }}-${{ github.ref }}" in table.files(made)[0].text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"project": "demo; rm -rf ."}, "is no name of a project"),
        ({"owner": "a'b"}, "is no owner of a repository"),
        ({"repository": ".."}, "is no name of a repository"),
        ({"workflow": "../release.yml"}, "is no name of a workflow file"),
        ({"folder": PurePosixPath("../demo")}, "is no folder in the repository"),
        ({"branch": "main]"}, "is no name of a branch"),
        ({"platform": "gitlab", "owner": "0"}, "The namespace '0' is not a path that GitLab gives"),
        ({"tag": "v1"}, "does not say how tags are made"),
        ({"tag": "v*{version}"}, "does not say how tags are made"),
        ({"python": "3.9"}, "trustpub needs Python 3.11 or newer"),
        ({"pythons": ("3.12",)}, "and not which tests"),
        ({"tests": "echo ${{ github.token }}"}, "without ${{ }}"),
        ({"tests": "pytest", "pythons": ("latest",)}, "is no Python that tests run on"),
        ({"target": Target(name="packages")}, "has no URL"),
        ({"target": replace(OWN, url="http://packages.example.com/")}, "is no URL of an index"),
        ({"target": replace(OWN, url='https://packages.example.com/"/')}, "is no URL of an index"),
        ({"target": Target(name="pypi", url="https://evil.example/legacy/")}, "The address of pypi is known"),
        ({"target": replace(PYPI, environment="a\nb")}, "is no name of an environment"),
        ({"target": OWN, "trial": "release"}, "would be tried on TestPyPI, where everybody sees it"),
        ({"trigger": "push"}, "starts nothing"),
        ({"trial": "sometimes"}, "tries nothing"),
        ({"builder": "make"}, "builds nothing"),
        ({"action": "mine"}, "is nobody's action"),
        ({"action": "pypa", "attestations": False}, "without attestations, take trustpub's"),
        ({"platform": "travis"}, "is no platform"),
        ({"platform": "gitlab", "trigger": "release"}, "Nothing on gitlab starts where a release is published"),
        ({"platform": "google", "trigger": "dispatch"}, "is written for GitHub only"),
        ({"platform": "gitlab", "trial": "own"}, "try on TestPyPI"),
        ({"platform": "gitlab", "compiled": True}, "need a machine of each"),
        ({"platform": "gitlab", "target": replace(OWN, audience=None), "trial": "never"}, "must know the audience"),
        ({"platform": "google", "service_account": None}, "say which"),
        ({"platform": "google", "service_account": "1-compute@developer.gserviceaccount.com"}, "what every build"),
        ({"platform": "activestate", "tests": "pytest"}, "runs no tests"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_words(given: dict[str, object], said: str) -> None:
    platform = str(given.get("platform", "github"))
    made = answers(platform if platform in PLATFORMS else "github")
    made = replace(made, **given)  # type: ignore[arg-type]
    assert any(said in fault for fault in faults(made))


def test_answers_that_are_usual_have_no_fault() -> None:
    assert [faults(answers(platform)) for platform in PLATFORMS] == [()] * len(PLATFORMS)


def test_written_anew_a_file_stays_as_it_is_and_so_does_what_stands_around_it() -> None:
    for _, made in list(every())[::7]:
        for file in table.files(made):
            assert merged(file.text, file) == file.text
            around = f"# mine\n{file.text}# mine too\n"
            assert merged(around, file) == (file.text if file.whole else around)


_words = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789._-/ ", min_size=1, max_size=12)


@st.composite
def _valid(draw: st.DrawFn) -> Answers:
    """Answers without a fault; those that are refused are as likely as not drawn anew."""
    platform = draw(st.sampled_from(PLATFORMS))
    name = st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=8)
    target = draw(st.sampled_from([PYPI, OWN, Target(name="testpypi", environment="testpypi")]))
    target = replace(target, environment=draw(st.none() | _words))
    tests = draw(st.none() | st.text("abc $\"'#:-|&{}%\n\\é", min_size=1, max_size=20))
    return answers(
        platform, target=target, project=draw(name), owner=draw(name), repository=draw(name),
        trigger=draw(st.sampled_from(triggers(platform))), trial=draw(st.sampled_from(trials(platform, target))),
        builder=draw(st.sampled_from(BUILDERS)),
        tag=draw(st.sampled_from(["v{version}", "{version}", "demo@{version}-x"])),
        folder=PurePosixPath(draw(st.just(".") | name)), branch=draw(st.sampled_from(["main", "on", "2.x", "a/b"])),
        dynamic_version=draw(st.booleans()), compiled=draw(st.booleans()) and platform in ("github", "activestate"),
        tests=None if platform == "activestate" else tests, changelog=draw(st.none() | name),
        reviewers=draw(st.booleans()), github_release=draw(st.booleans()), attestations=draw(st.booleans()),
        action=draw(st.sampled_from([None, "pypa", "trustpub"])),
    )  # fmt: skip


@settings(max_examples=150)
@given(made=_valid())
def test_of_whatever_is_answered_the_files_are_the_same_each_time_and_the_doctor_is_silent(
    made: Answers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if faults(made) or unseen(made):
        return
    files = table.files(made)
    assert files == table.files(replace(made))
    table.commands(made)
    folder = tmp_path_factory.mktemp("answered")
    write(folder, made)
    for file in files:
        if file.path.suffix in (".yml", ".yaml"):
            _says(file, made)
    assert declared.read(folder / made.folder / "pyproject.toml").tag == made.tag
    assert [(one.ident, one.message) for one in doctor.examine(folder)[1]] == []


def _says(file: Written, made: Answers) -> None:
    """That the tests stand in it as they were answered, and the environment is a text."""
    document = yaml.load(file.text, yaml.CSafeLoader)
    jobs = document.get("jobs", document)
    if made.tests is not None and made.platform == "github":
        assert jobs["tests"]["steps"][-1]["run"].strip("\n") == made.tests.strip("\n")
    if made.tests is not None and made.platform == "gitlab":
        assert jobs["tests"]["script"][-1].strip("\n") == made.tests.strip("\n")
    environments = [
        job["environment"]["name"] for job in jobs.values() if isinstance(job, dict) and "environment" in job
    ]
    if made.platform in ("github", "gitlab") and made.target.environment is not None:
        assert made.target.environment in environments


@given(text=_words)
def test_a_text_stays_a_text_for_every_reader_of_yaml(text: str) -> None:
    assert yaml.load(f"a: {scalar(text)}", yaml.CSafeLoader) == {"a": text}
    assert yaml.load(f"a: {listing((text, text))}", yaml.CSafeLoader) == {"a": [text, text]}
