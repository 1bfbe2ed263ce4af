# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What ``pyproject.toml`` and the files beside it say: the name, who builds, and whether anything is compiled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from trustpub.declared import FILE
from trustpub.errors import Misuse
from trustpub.workflow import notes, version
from trustpub.workflow.documents import listed, mapping
from trustpub.workflow.infer.conclusion import Conclusion

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
"""That get fixes today; what a project says it runs on is taken from these."""
CHANGELOGS = ("CHANGELOG.md", "CHANGES.md", "NEWS.md", "HISTORY.md", "docs/CHANGELOG.md", "docs/changelog.md")
_COMPILERS = {
    "maturin": "maturin",
    "meson-python": "meson-python",
    "scikit-build-core": "scikit-build-core",
    "scikit-build": "scikit-build",
    "sip": "sip",
    "py-build-cmake": "py-build-cmake",
    "setuptools-rust": "setuptools-rust",
    "cffi": "cffi",
    "cython": "Cython",
    "pybind11": "pybind11",
    "nanobind": "nanobind",
    "mypy": "mypyc",
    "hatch-mypyc": "hatch-mypyc",
    "hatch-cython": "hatch-cython",
    "extensionlib": "extensionlib",
    "enscons": "enscons",
    "swig": "swig",
}
"""What a build requires only if it compiles."""
_EXTENSIONS = re.compile(r"\bext_modules\s*=|\bcffi_modules\s*=|\brust_extensions\s*=|\bcythonize\(|\bmypycify\(")
_IMPURE = re.compile(r"""["']?pure_python["']?\]?\s*[=:]\s*False|["']?infer_tag["']?\]?\s*[=:]\s*True""")
_MOST = 1024 * 1024
_MOST_MEMBERS = 1000


def conclude(folder: Path, settings: Mapping[str, Any], source: version.Source) -> Iterator[tuple[str, Conclusion]]:
    """Question and answer, for everything that can be said."""
    yield from _name(settings)
    yield "builder", _builder(folder, settings)
    yield "compiled", _compiled(folder, settings)
    if source.kind != "unknown":
        yield "dynamic_version", Conclusion(value=source.from_git, why=source.why)
    if source.line is not None:
        yield "version_file", Conclusion(value=source.line.path, why=source.why)
    yield from _pythons(settings)


def changelog(root: Path) -> Conclusion | None:
    """The changelog, if it has sections about versions: its section is asked for with every release."""
    for name in CHANGELOGS:
        path = root / name
        if path.is_file() and notes.versions(_text(path)):
            return Conclusion(value=name, why=f"{name} has sections about versions")
    return None


def members(root: Path, settings: Mapping[str, Any]) -> Mapping[str, Path]:
    """The packages of the workspace whose top is ``root``, by name; empty where it is none."""
    tool = mapping(settings.get("tool"))
    found: dict[str, Path] = {}
    for name in ("uv", "hatch", "pdm"):
        table = mapping(mapping(tool.get(name)).get("workspace"))
        left_out = {path for pattern in listed(table.get("exclude")) for path in _below(root, str(pattern))}
        for pattern in listed(table.get("members")):
            # Hatch also takes tables: { path = "packages/*" }.
            text = str(mapping(pattern).get("path", "")) if isinstance(pattern, dict) else str(pattern)
            for path in _below(root, text):
                own = _own_name(path)
                if own is not None and path not in left_out:
                    found[own] = path
    return found


def _name(settings: Mapping[str, Any]) -> Iterator[tuple[str, Conclusion]]:
    poetry = mapping(mapping(settings.get("tool")).get("poetry"))
    for table, where in ((mapping(settings.get("project")), "project"), (poetry, "tool.poetry")):
        if isinstance(table.get("name"), str) and table["name"]:
            yield "project", Conclusion(value=table["name"], why=f"{FILE} has it in [{where}]")
            return


def _builder(folder: Path, settings: Mapping[str, Any]) -> Conclusion:
    tool = mapping(settings.get("tool"))
    backend = str(mapping(settings.get("build-system")).get("build-backend", ""))
    if backend.startswith("poetry") and ((folder / "poetry.lock").is_file() or "poetry" in tool):
        return Conclusion(value="poetry", why=f"the build backend is {backend}")
    if backend.startswith("hatchling") and (
        mapping(tool.get("hatch")).get("envs") or (folder / "hatch.toml").is_file()
    ):
        return Conclusion(value="hatch", why="the build backend is hatchling, and Hatch has environments here")
    lock = next((place for place in (folder, *folder.parents[:3]) if (place / "uv.lock").is_file()), None)
    if backend.startswith("uv_build") or lock is not None:
        return Conclusion(value="uv", why=f"the build backend is {backend}" if lock is None else "uv.lock is here")
    return Conclusion(value="build", why=f"the build backend is {backend or 'setuptools, by default'}")


def _compiled(folder: Path, settings: Mapping[str, Any]) -> Conclusion:
    tool, names = mapping(settings.get("tool")), version.needed(settings)
    for name, told in _COMPILERS.items():
        if name in names:
            return Conclusion(value=True, why=f"the build requires {told}")
    if "cibuildwheel" in tool:
        return Conclusion(value=True, why="[tool.cibuildwheel] is there")
    if mapping(tool.get("setuptools")).get("ext-modules"):
        return Conclusion(value=True, why="[tool.setuptools] has ext-modules")
    if (folder / "setup.py").is_file() and _EXTENSIONS.search(_text(folder / "setup.py")):
        return Conclusion(value=True, why="setup.py has extension modules")
    build = mapping(mapping(tool.get("hatch")).get("build"))
    hooks = [mapping(build.get("hooks")), mapping(mapping(mapping(build.get("targets")).get("wheel")).get("hooks"))]
    for name, hook in ((name, hook) for several in hooks for name, hook in several.items()):
        path = folder / str(mapping(hook).get("path", "hatch_build.py"))
        if name in ("mypyc", "cython") or (name == "custom" and path.is_file() and _IMPURE.search(_text(path))):
            return Conclusion(value=True, why=f"Hatch's build hook {name} makes wheels for one platform")
    for tool_name, key in (("poetry", "build"), ("pdm", "build")):
        table = mapping(mapping(tool.get(tool_name)).get(key))
        if table.get("script") or table.get("run-setuptools"):
            return Conclusion(value=True, why=f"[tool.{tool_name}.{key}] runs a build of its own")
    return Conclusion(value=False, why="nothing here compiles")


def _pythons(settings: Mapping[str, Any]) -> Iterator[tuple[str, Conclusion]]:
    project = mapping(settings.get("project"))
    named = [str(one).rpartition(" :: ")[2] for one in listed(project.get("classifiers"))]
    found = tuple(one for one in PYTHONS if one in named)
    if found:
        yield "pythons", Conclusion(value=found, why="the classifiers name them")
        return
    try:
        allowed = SpecifierSet(str(project.get("requires-python", "")))
    except InvalidSpecifier:
        return
    found = tuple(one for one in PYTHONS if allowed.contains(f"{one}.99"))
    if found and project.get("requires-python"):
        yield "pythons", Conclusion(value=found, why=f"requires-python is {project['requires-python']}")


def _below(root: Path, pattern: str) -> list[Path]:
    if not pattern or pattern.startswith(("/", "..")) or "/../" in pattern or "**" in pattern:
        return []
    return [path for path in islice(sorted(root.glob(pattern.rstrip("/"))), _MOST_MEMBERS) if (path / FILE).is_file()]


def _own_name(folder: Path) -> str | None:
    try:
        found = dict(_name(version.settings(folder)))
    except Misuse:
        return None
    return str(found["project"].value) if "project" in found else None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return ""
