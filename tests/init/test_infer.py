# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a project's folder says is not asked, and every conclusion says from what it was drawn."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from trustpub.errors import Misuse
from trustpub.workflow import tags
from trustpub.workflow.infer.conclusion import Inferred
from trustpub.workflow.infer.project import infer


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "tag.gpgSign=false", "-c", "commit.gpgSign=false")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def project(backend: str = "hatchling", more: str = "", *, build: str = "hatchling.build") -> str:
    return (
        f'[build-system]\nrequires = ["{backend}"]\nbuild-backend = "{build}"\n'
        f'[project]\nname = "demo"\nversion = "1"\n{more}'
    )


def values(found: Inferred) -> dict[str, Any]:
    return {name: one.value for name, one in found.answers.items()}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://github.com/Acme/De.mo.git", ("github", "Acme", "De.mo")),
        ("git@github.com:Acme/Demo.git", ("github", "Acme", "Demo")),
        ("ssh://git@github.com:22/Acme/Demo", ("github", "Acme", "Demo")),
        ("https://user:word@github.com/Acme/Demo", ("github", "Acme", "Demo")),
        ("https://gitlab.com/Group/Sub/Demo.git", ("gitlab", "Group/Sub", "Demo")),
        ("git@gitlab.example.com:group/demo.git", ("gitlab", "group", "demo")),
    ],
)
def test_the_remote_says_whose_repository_it_is_in_its_exact_case(
    tmp_path: Path, url: str, expected: tuple[str, str, str]
) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", url)
    lay(tmp_path, {"pyproject.toml": project()})
    found = infer(tmp_path)
    assert tuple(values(found)[name] for name in ("platform", "owner", "repository")) == expected
    assert found.answers["owner"].why == "git's remote origin"
    assert "word" not in str(found)
    assert found.issuer == ("https://gitlab.example.com" if "example.com" in url else None)


@pytest.mark.parametrize(
    ("name", "platform"),
    [(".gitlab-ci.yml", "gitlab"), ("cloudbuild.yaml", "google"), ("activestate.yaml", "activestate")],
)
def test_without_a_remote_the_files_of_a_platform_say_which_it_is(tmp_path: Path, name: str, platform: str) -> None:
    lay(tmp_path, {"pyproject.toml": project(), name: "a: {}\n"})
    found = infer(tmp_path)
    assert values(found)["platform"] == platform
    assert found.answers["platform"].why == f"{name} is there"


@pytest.mark.parametrize(
    ("made", "style"),
    [
        (["v1.0", "v1.1"], "v{version}"),
        (["1.0", "1.1"], "{version}"),
        (["v1.0", "1.1", "1.2"], "{version}"),
        (["demo-1.0", "demo-1.1"], "demo-{version}"),
        (["demo/v1.0"], "demo/v{version}"),
        (["release-1.0", "nightly", "v2x"], "release-{version}"),
        (["nightly", "latest"], None),
    ],
)
def test_tags_say_how_tags_are_made(tmp_path: Path, made: list[str], style: str | None) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    for tag in made:
        git(tmp_path, "tag", "-a", "-m", tag, tag)
    lay(tmp_path, {"pyproject.toml": project()})
    assert values(infer(tmp_path)).get("tag") == style


@given(
    st.sampled_from(["v", "", "demo-", "demo/v", "release-"]),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=5),
)
def test_a_style_that_is_read_from_tags_reads_them(before: str, numbers: list[tuple[int, int]]) -> None:
    made = [f"{before}{one}.{other}" for one, other in numbers]
    found = tags.style(made)
    assert found is not None
    assert [tags.version_of(tag, found[0]) for tag in made] == [Version(f"{one}.{other}") for one, other in numbers]


@pytest.mark.parametrize("branch", ["trunk", "main", "master"])
def test_the_default_branch_is_the_remotes_even_in_a_worktree(tmp_path: Path, branch: str) -> None:
    origin, clone, beside = tmp_path / "origin", tmp_path / "clone", tmp_path / "beside"
    origin.mkdir()
    git(origin, "init", "-q", "-b", branch)
    lay(origin, {"pyproject.toml": project()})
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "x")
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    git(clone, "worktree", "add", "-q", "-b", "topic", str(beside))
    for folder in (clone, beside):
        assert values(infer(folder))["branch"] == branch
    assert values(infer(origin))["branch"] == branch


BUILDERS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "hatchling alone": ({"pyproject.toml": project()}, "build"),
    "hatch with environments": (
        {"pyproject.toml": project(more='[tool.hatch.envs.default]\ndependencies = ["pytest"]\n')},
        "hatch",
    ),
    "poetry": (
        {"pyproject.toml": project("poetry-core", build="poetry.core.masonry.api"), "poetry.lock": ""},
        "poetry",
    ),
    "uv's backend": ({"pyproject.toml": project("uv_build", build="uv_build")}, "uv"),
    "uv's lock": ({"pyproject.toml": project("setuptools", build="setuptools.build_meta"), "uv.lock": ""}, "uv"),
    "setup.py alone": ({"setup.py": "from setuptools import setup\nsetup()\n"}, "build"),
}


@pytest.mark.parametrize("case", BUILDERS)
def test_the_backend_says_who_builds(tmp_path: Path, case: str) -> None:
    files, builder = BUILDERS[case]
    lay(tmp_path, files)
    assert values(infer(tmp_path))["builder"] == builder


HOOK = "[tool.hatch.build.targets.wheel.hooks.custom]\n"
COMPILED: Mapping[str, tuple[Mapping[str, str], bool]] = {
    "nothing": ({"pyproject.toml": project()}, False),
    "maturin": ({"pyproject.toml": project("maturin>=1", build="maturin")}, True),
    "meson": ({"pyproject.toml": project("meson-python", build="mesonpy")}, True),
    "scikit-build-core": ({"pyproject.toml": project("scikit-build-core[pyproject]")}, True),
    "cffi": ({"pyproject.toml": project('setuptools", "cffi')}, True),
    "Cython": ({"pyproject.toml": project('setuptools", "Cython')}, True),
    "cibuildwheel": ({"pyproject.toml": project(more='[tool.cibuildwheel]\nskip = ["pp*"]\n')}, True),
    "ext-modules": (
        {"pyproject.toml": project(more='[tool.setuptools]\next-modules = [{name = "x", sources = ["x.c"]}]\n')},
        True,
    ),
    "setup.py": ({"setup.py": "setup(ext_modules=[Extension('x', ['x.c'])])\n"}, True),
    "setup.py, pure": ({"setup.py": "setup(name='x')  # no extensions\n"}, False),
    "a hook of Hatch's": (
        {"pyproject.toml": project(more=HOOK), "hatch_build.py": "build_data['pure_python'] = False\n"},
        True,
    ),
    "a pure hook of Hatch's": ({"pyproject.toml": project(more=HOOK), "hatch_build.py": "pass\n"}, False),
    "mypyc": ({"pyproject.toml": project(more="[tool.hatch.build.targets.wheel.hooks.mypyc]\n")}, True),
    "poetry's script": ({"pyproject.toml": project(more='[tool.poetry.build]\nscript = "b.py"\n')}, True),
}


@pytest.mark.parametrize("case", COMPILED)
def test_what_compiles_is_seen(tmp_path: Path, case: str) -> None:
    files, compiled = COMPILED[case]
    lay(tmp_path, files)
    found = infer(tmp_path).answers["compiled"]
    assert found.value is compiled
    assert found.why


def test_a_workflow_that_publishes_keeps_its_name_and_environment(tmp_path: Path) -> None:
    workflow = (
        "on:\n  release:\n    types: [published]\njobs:\n  up:\n    runs-on: ubuntu-latest\n    environment: Live\n"
        "    permissions:\n      id-token: write\n    steps:\n      - uses: pypa/gh-action-pypi-publish@release/v1\n"
    )
    lay(tmp_path, {"pyproject.toml": project(), ".github/workflows/wheels.yaml": workflow})
    found = infer(tmp_path)
    wanted = {"workflow": "wheels.yaml", "environment": "Live", "trigger": "release"}
    assert {name: values(found)[name] for name in wanted} == wanted
    assert found.answers["workflow"].why == "wheels.yaml publishes already"


def test_of_several_workflows_that_publish_a_person_chooses(tmp_path: Path) -> None:
    workflow = "on: push\njobs:\n  up:\n    runs-on: x\n    steps:\n      - run: twine upload dist/*\n"
    lay(
        tmp_path,
        {"pyproject.toml": project(), ".github/workflows/a.yml": workflow, ".github/workflows/b.yml": workflow},
    )
    found = infer(tmp_path)
    assert "workflow" not in found.answers
    assert any("--workflow FILE" in note for note in found.notes)


def test_what_is_declared_goes_before_everything(tmp_path: Path) -> None:
    declared = """
[tool.trustpub]
default-index = "own"
tag = "x{version}"
[tool.trustpub.indexes.own]
url = "https://packages.example.com/legacy/"
[tool.trustpub.indexes.own.publisher]
kind = "github"
repository = "Other/Name"
workflow = "ship.yml"
environment = "live"
repository-id = 7
"""
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", "https://github.com/Acme/Demo")
    lay(tmp_path, {"pyproject.toml": project(more=declared)})
    found = values(infer(tmp_path))
    assert (found["owner"], found["repository"], found["workflow"]) == ("Other", "Name", "ship.yml")
    assert (found["tag"], found["environment"], found["ids"]) == ("x{version}", "live", {"repository_id": "7"})
    assert (found["index"].name, found["index"].url) == ("own", "https://packages.example.com/legacy/")


@pytest.mark.parametrize(
    "workspace",
    [
        '[tool.uv.workspace]\nmembers = ["packages/*"]\nexclude = ["packages/old"]\n',
        '[tool.hatch.workspace]\nmembers = [{ path = "packages/a" }, "packages/b"]\n',
        '[tool.pdm.workspace]\nmembers = ["packages/a", "packages/b"]\n',
    ],
)
def test_the_members_of_a_workspace_are_named(tmp_path: Path, workspace: str) -> None:
    git(tmp_path, "init", "-q")
    files = {f"packages/{name}/pyproject.toml": project().replace("demo", name) for name in ("a", "b", "old")}
    lay(tmp_path, {"pyproject.toml": workspace, **files})
    top, member = infer(tmp_path), infer(tmp_path / "packages" / "a")
    assert top.members == member.members == ("a", "b")
    assert str(values(member)["folder"]) == "packages/a"
    assert any("a, b" in note for note in top.notes)


def test_a_changelog_counts_only_if_it_has_sections_about_versions(tmp_path: Path) -> None:
    lay(tmp_path, {"pyproject.toml": project(), "CHANGES.md": "# Changes\n\nSee the releases page.\n"})
    assert "changelog" not in infer(tmp_path).answers
    lay(tmp_path, {"NEWS.md": "# News\n\n## 1.0 (2026-01-01)\n\n- All.\n"})
    assert values(infer(tmp_path))["changelog"] == "NEWS.md"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('requires-python = ">=3.12"\n', ("3.12", "3.13", "3.14")),
        ('requires-python = "<3.12,>=3.11.2"\n', ("3.11",)),
        ('classifiers = ["Programming Language :: Python :: 3.12"]\nrequires-python = ">=3"\n', ("3.12",)),
        ('requires-python = "no"\n', None),
        ("", None),
    ],
)
def test_the_pythons_to_test_on_are_those_it_runs_on(
    tmp_path: Path, more: str, expected: tuple[str, ...] | None
) -> None:
    lay(tmp_path, {"pyproject.toml": project(more=more)})
    assert values(infer(tmp_path)).get("pythons") == expected


@pytest.mark.parametrize(
    ("files", "why"), [({}, "not a Python project"), ({"pyproject.toml": "[project\n"}, "is not TOML")]
)
def test_what_is_no_project_is_refused(tmp_path: Path, files: Mapping[str, str], why: str) -> None:
    lay(tmp_path, files)
    with pytest.raises(Misuse, match=why):
        infer(tmp_path)


WORDS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text("ab*/.[", max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["version", "path", "workspace", "members", "hooks", "build", "custom", "envs", "wheel"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(tables=st.dictionaries(st.sampled_from(["project", "tool", "build-system"]), WORDS, max_size=3), tool=WORDS)
def test_a_table_of_any_shape_is_read_without_a_fault_of_ours(
    tmp_path_factory: pytest.TempPathFactory, tables: dict[str, Any], tool: Any
) -> None:
    from trustpub.workflow import version
    from trustpub.workflow.infer import packaging

    folder = tmp_path_factory.mktemp("any")
    shaped = {**tables, "tool": dict.fromkeys(("hatch", "pdm", "uv", "poetry", "setuptools", "flit"), tool)}
    for settings in (tables, shaped):
        source = version.source(folder, settings)
        assert dict(packaging.conclude(folder, settings, source))["builder"].value in ("build", "hatch", "poetry", "uv")
        assert not packaging.members(folder, settings)
