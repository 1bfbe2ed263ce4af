# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where a project's version stands: found, read, and written there and nowhere else.

It stands in a line of a file, or in no file at all: then the build makes it from git's tags, and may be told another
by a variable. A build that reads it some third way is not understood, and nothing is written.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from trustpub.declared import FILE
from trustpub.errors import Misuse
from trustpub.packages.names import normalize
from trustpub.printable import printable, quoted
from trustpub.workflow import texts

TOLD_BY_VARIABLE: Mapping[str, str] = {
    "setuptools-scm": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "vcs-versioning": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "hatch-vcs": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "flit-scm": "SETUPTOOLS_SCM_PRETEND_VERSION",
    "poetry-dynamic-versioning": "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "uv-dynamic-versioning": "UV_DYNAMIC_VERSIONING_BYPASS",
    "pbr": "PBR_VERSION",
}
"""What makes the version from the history, and the variable that says it instead."""

TOLD_BY_TAG = ("versioneer", "versioningit", "setuptools-git-versioning", "dunamai", "miniver")
"""What takes it from a tag and from nothing else."""

_HEADER = re.compile(r"\s*\[\[?\s*(?P<name>[^\[\]\n]+?)\s*\]\]?\s*(?:#.*)?\Z")
_TOML = re.compile(r"""\s*version\s*=\s*(?P<quote>["'])(?P<version>[^"'\n]*)(?P=quote)""")
_CONFIG = re.compile(r"version\s*[=:]\s*(?P<version>[0-9][^\s#;]*)")
_HATCH = re.compile(
    r"""(?:__version__|VERSION)(?: ?: ?str)? *= *(?P<quote>["'])v?(?P<version>[^"'\n]+)(?P=quote)""", re.I
)
_SETUP = re.compile(r"""\s*version\s*=\s*(?P<quote>["'])(?P<version>[^"'\n]+)(?P=quote)""")
_MESON = re.compile(r"""(?:\s*project\s*\(.*?|\s*)\bversion\s*:\s*(?P<quote>')(?P<version>[^'\n]+)'""")
_WHOLE = re.compile(r"\s*(?P<version>[^\s]+)\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where a version is written."""

    path: str
    """Of the file, from the project's folder, with slashes."""
    pattern: re.Pattern[str]
    """Matches at the beginning of its line; the version is its group ``version``."""
    tables: tuple[str, ...] = ()
    """Below one of these headers (``[project]``, without brackets); empty: anywhere in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a project's version comes from."""

    kind: Literal["file", "variable", "tag", "unknown"]
    """It is written in a file; it is made from git's tags, unless a variable says it; it is made from a tag, whatever
    anybody says; or nobody here knows."""
    why: str
    """From what that was concluded, for people."""
    line: Line | None = None
    """Of the kind ``file``."""
    variable: str | None = None
    """Of the kind ``variable``."""

    @property
    def from_git(self) -> bool:
        """Whether a build needs the history."""
        return self.kind in ("variable", "tag")


def settings(folder: Path) -> Mapping[str, Any]:
    """``pyproject.toml`` in ``folder``; empty where there is none.

    Raises:
        Misuse: it cannot be read, or is not TOML.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise Misuse(f"{printable(str(path))} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Misuse(f"{printable(str(path))} is not TOML: {printable(str(error), 300)}.") from None


def needed(found: Mapping[str, Any]) -> frozenset[str]:
    """Names of what the build requires, in their normal form."""
    names = set()
    for text in _many(_table(found.get("build-system")).get("requires")):
        try:
            names.add(normalize(Requirement(str(text)).name))
        except InvalidRequirement:
            continue
    return frozenset(names)


def source(folder: Path, found: Mapping[str, Any] | None = None) -> Source:
    """Where the version of the project in ``folder`` comes from; ``found`` is its ``pyproject.toml``, if read before.

    Raises:
        Misuse: its ``pyproject.toml`` cannot be read.
    """
    found = settings(folder) if found is None else found
    return next(_sources(folder, found), Source(kind="unknown", why="nothing here says where the version stands"))


def read(folder: Path, of: Source) -> str | None:
    """The version that is written there; None where none is, or the file has no such line.

    Raises:
        Misuse: the file cannot be read, or lies outside the project.
    """
    if of.line is None:
        return None
    text = _text(_path(folder, of.line))
    span = _span(text, of.line)
    return None if span is None else text[span[0] : span[1]]


def write(folder: Path, of: Source, version: str) -> Path:
    """Write ``version`` where ``of`` says it stands, and change nothing else; the file that was changed.

    Raises:
        Misuse: nobody knows where it stands, or its file has no line that sets it.
    """
    if of.line is None:
        raise Misuse(
            f"The version cannot be written: {of.why}." if of.kind != "unknown"
            else "The version cannot be written: the file that holds it is not known.",
            hint=f"Write it into {FILE} ([project] version), or declare where it is, as [tool.hatch.version] path.",
        )  # fmt: skip
    path = _path(folder, of.line)
    text = _text(path)
    span = _span(text, of.line)
    if span is None:
        raise Misuse(f"The version cannot be written: {printable(of.line.path)} has no line that sets it.")
    changed = text[: span[0]] + version + text[span[1] :]
    again = _span(changed, of.line)
    if again is None or changed[again[0] : again[1]] != version:
        raise Misuse(f"The version cannot be written: the project's own pattern would not read {version} again.")
    if path.suffix == ".toml" and not _only_version_differs(text, changed, version):
        raise Misuse(f"The version cannot be written: in {printable(of.line.path)} it is not on a line of its own.")
    try:
        path.write_bytes(changed.encode())
    except OSError as error:
        raise Misuse(f"{printable(of.line.path)} cannot be written: {error.strerror}.") from None
    return path


def parsed(version: str) -> Version:
    """``version``, which somebody wants to release.

    Raises:
        Misuse: it is no version (PEP 440), or one that no index takes.
    """
    try:
        found = Version(version)
    except InvalidVersion:
        raise Misuse(
            f"{quoted(version)} is not a version (PEP 440).", hint="Versions are like 1.2.3, 1.2.3rc1 or 1.2.3.dev4."
        ) from None
    if found.local is not None:
        raise Misuse(f"{quoted(version)} is a local version: what stands after the + is refused by every index.")
    return found


def next_development(stands: Version | None, number: int) -> Version:
    """A version of a push, later than ``stands`` and before the next release: the next micro, ``.devN``.

    Where ``stands`` is a development or pre-release itself, it is one on the way to that release. None: before 0.0.1.
    """
    if stands is None:
        return Version(f"0.0.1.dev{number}")
    epoch = f"{stands.epoch}!" if stands.epoch else ""
    release = [*stands.release, 0, 0][: max(3, len(stands.release))]
    pre = ""
    if stands.pre is not None:
        pre = f"{stands.pre[0]}{stands.pre[1] + (0 if stands.is_devrelease else 1)}"
    elif not stands.is_devrelease:
        release[2] += 1
        release[3:] = []
    return Version(f"{epoch}{'.'.join(map(str, release))}{pre}.dev{number}")


def _sources(folder: Path, found: Mapping[str, Any]) -> Iterator[Source]:
    tool, names = _table(found.get("tool")), needed(found)
    pdm = _table(_table(tool.get("pdm")).get("version"))
    if pdm.get("source") == "scm":
        yield Source(kind="variable", variable="PDM_BUILD_SCM_VERSION", why="[tool.pdm.version] source is scm")
    static = _static(found)
    # It wants a version to stand there, and replaces it.
    if static is None or "poetry-dynamic-versioning" in names:
        for name, variable in TOLD_BY_VARIABLE.items():
            if name in names:
                yield Source(kind="variable", variable=variable, why=f"the build requires {name}")
    for name in TOLD_BY_TAG:
        if name in names:
            yield Source(kind="tag", why=f"the build requires {name}, which reads a tag")
    if static is not None:
        yield Source(
            kind="file", why=f"{FILE} has it in [{static}]", line=Line(path=FILE, pattern=_TOML, tables=(static,))
        )
    yield from _elsewhere(folder, tool, names, pdm)
    yield from _without_pyproject(folder, found)


def _static(found: Mapping[str, Any]) -> str | None:
    """The table that has a version in it."""
    for name, table in (("project", found.get("project")), ("tool.poetry", _table(found.get("tool")).get("poetry"))):
        if isinstance(_table(table).get("version"), str):
            return name
    return None


def _elsewhere(
    folder: Path, tool: Mapping[str, Any], names: frozenset[str], pdm: Mapping[str, Any]
) -> Iterator[Source]:
    """In the file that the build backend is told to look into."""
    hatch = _table(_table(tool.get("hatch")).get("version"))
    if isinstance(hatch.get("path"), str) and hatch.get("source", "regex") == "regex":
        yield _in_file(hatch["path"], _own(hatch.get("pattern")) or _HATCH, "[tool.hatch.version] names it")
    if isinstance(pdm.get("path"), str) and pdm.get("source", "file") == "file":
        yield _in_file(pdm["path"], _named("__version__"), "[tool.pdm.version] names it")
    dynamic = _table(_table(_table(tool.get("setuptools")).get("dynamic")).get("version"))
    if isinstance(dynamic.get("attr"), str):
        place = _module(folder, dynamic["attr"].rpartition(".")[0])
        if place is not None:
            yield _in_file(place, _named(dynamic["attr"].rpartition(".")[2]), "[tool.setuptools.dynamic] names it")
    if isinstance(dynamic.get("file"), str | list) and len(_many(dynamic["file"])) == 1:
        yield _in_file(str(_many(dynamic["file"])[0]), _WHOLE, "[tool.setuptools.dynamic] names it")
    scikit = _table(_table(_table(tool.get("scikit-build")).get("metadata")).get("version"))
    if isinstance(scikit.get("input"), str):
        yield _in_file(scikit["input"], _own(scikit.get("regex")) or _HATCH, "[tool.scikit-build] names it")
    if names & {"flit-core", "flit"}:
        module = _table(_table(tool.get("flit")).get("module")).get("name")
        place = _module(folder, str(module or _project(folder).replace("-", "_")))
        if place is not None:
            yield _in_file(place, _named("__version__"), "flit reads it there")
    if "maturin" in names:
        cargo = _table(tool.get("maturin")).get("manifest-path")
        place = str(cargo or "Cargo.toml")
        if (folder / place).is_file():
            line = Line(path=place, pattern=_TOML, tables=("package", "workspace.package"))
            yield Source(kind="file", why="maturin reads it there", line=line)
    if "meson-python" in names and (folder / "meson.build").is_file():
        yield _in_file("meson.build", _MESON, "meson reads it there")


def _without_pyproject(folder: Path, found: Mapping[str, Any]) -> Iterator[Source]:
    """Where setuptools had it before there was a pyproject.toml, and still has it beside one."""
    config = folder / "setup.cfg"
    if config.is_file():
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(_text(config))
            said = parser.get("metadata", "version", fallback="")
        except configparser.Error:
            said = ""
        if said.startswith("attr:"):
            module, _, name = said.removeprefix("attr:").strip().rpartition(".")
            place = _module(folder, module)
            if place is not None:
                yield _in_file(place, _named(name), "setup.cfg names it")
        elif said.startswith("file:"):
            yield _in_file(said.removeprefix("file:").strip(), _WHOLE, "setup.cfg names it")
        elif said:
            line = Line(path="setup.cfg", pattern=_CONFIG, tables=("metadata",))
            yield Source(kind="file", why="setup.cfg has it in [metadata]", line=line)
    setup = folder / "setup.py"
    dynamic = _many(_table(found.get("project")).get("dynamic"))
    if setup.is_file() and ("project" not in found or "version" in dynamic):
        line = Line(path="setup.py", pattern=_SETUP)
        if _span(_text(setup), line) is not None:
            yield Source(kind="file", why="setup.py says it", line=line)


def _in_file(path: str, pattern: re.Pattern[str], why: str) -> Source:
    return Source(kind="file", why=f"it stands in {printable(path, 200)}: {why}", line=Line(path=path, pattern=pattern))


def _named(name: str) -> re.Pattern[str]:
    """An assignment of a text to a Python name."""
    return re.compile(rf"""{re.escape(name)}\s*(?::[^=\n]*)?=\s*(?P<quote>["'])(?P<version>[^"'\n]*)(?P=quote)""")


def _own(pattern: Any) -> re.Pattern[str] | None:
    """The project's own pattern, where it says which part of it is the version."""
    if not isinstance(pattern, str):
        return None
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except re.error:
        return None
    return compiled if "version" in compiled.groupindex else None


def _module(folder: Path, dotted: str) -> str | None:
    """The file of a module: a name of letters, digits and underscores, or several with dots between them."""
    if not re.fullmatch(r"\w+(?:\.\w+)*", dotted):
        return None
    inner = dotted.replace(".", "/")
    places = [f"{above}{inner}{end}" for above in ("src/", "", "lib/") for end in ("/__init__.py", ".py")]
    return next((place for place in places if (folder / place).is_file()), None)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _project(folder: Path) -> str:
    return str(_table(settings(folder).get("project")).get("name") or "")


def _path(folder: Path, line: Line) -> Path:
    path = folder / line.path
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise Misuse(f"The version cannot be read: {printable(path.name)} does not lie in the project.")
    return path


def _text(path: Path) -> str:
    return texts.read(path, printable(path.name))


def _span(text: str, line: Line) -> tuple[int, int] | None:
    """Of the version in ``text``."""
    if line.pattern is _WHOLE or line.pattern.flags & re.MULTILINE:
        found = line.pattern.match(text) if line.pattern is _WHOLE else line.pattern.search(text)
        return None if found is None else found.span("version")
    table, offset = "", 0
    for one in text.splitlines(keepends=True):
        header = _HEADER.match(one)
        if header is not None:
            table = header["name"].replace('"', "").replace(" ", "")
        found = line.pattern.match(one) if not line.tables or table in line.tables else None
        if found is not None:
            return offset + found.start("version"), offset + found.end("version")
        offset += len(one)
    return None


def _only_version_differs(before: str, after: str, version: str) -> bool:
    """Whether of two TOML documents the second is the first with ``version`` in one place."""
    try:
        old, new = tomllib.loads(before), tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        return False
    return len(list(_differences(old, new))) <= 1 and all(value == version for value in _differences(old, new))


def _differences(old: Any, new: Any) -> Iterator[Any]:
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key, value in old.items():
            yield from _differences(value, new[key])
    elif old != new:
        yield new
