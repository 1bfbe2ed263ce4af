# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Settings from where they may be given: the command line beats the environment, that the file, that the default."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from trustpub.errors import Misuse
from trustpub.index.configuration.faults import Fault, complaint
from trustpub.index.configuration.kinds import Networks, Unfit
from trustpub.index.configuration.table import CONFIG_VARIABLE, PREFIX, SECTIONS, TABLE, Setting
from trustpub.printable import printable

_MAX_FILE_BYTES = 1024 * 1024
_AT = re.compile(r" \(at (line \d+, column \d+|end of document)\)\Z")
_HEADER = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+)\s*\]\s*(?:#.*)?\Z")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


class Source(IntEnum):
    """Where a value is from; the greater beats the less."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    COMMAND_LINE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A setting that holds."""

    value: Any
    source: Source
    where: str
    """What it was given as."""


class Configuration:
    """What holds, and what is wrong with it so far."""

    def __init__(self, held: Mapping[str, Held], faults: Sequence[Fault], file: Path | None) -> None:
        """Use :func:`read`."""
        self._held = held
        self._faults = list(faults)
        self.unfit = {one.path for one in faults if one.path}
        """Settings that cannot be used, as far as that is known; their values are not to be shown."""
        self.file = file
        """The file that was read; None: none was named."""

    def __getitem__(self, path: str) -> Any:
        """The value that holds; None where there is none."""
        return self._held[path].value

    def held(self, path: str) -> Held:
        """With where it is from."""
        return self._held[path]

    def given(self, *paths: str) -> Sequence[str]:
        """Those of ``paths`` that were given anywhere."""
        return [path for path in paths if self._held[path].source is not Source.DEFAULT]

    def given_in(self, section: str) -> Sequence[str]:
        """All settings of a section that were given anywhere."""
        return self.given(*(path for path, one in TABLE.items() if one.section == section))

    def in_vain(self, path: str, others: Sequence[str], wanted: str, *, so: str = "") -> None:
        """Blame ``others``, as far as they were given, for ``path``, without which they mean nothing, was not.

        If it was given, and is wrong itself, that is enough.
        """
        if path in self.unfit:
            return
        for one in self.given(*others):
            self.blame(one, "is given in vain" + (f". {so}" if so else ""), wanted)

    def call(self, path: str) -> str:
        """The setting as whoever gave it did; one that was not given, as they probably would."""
        held, setting = self._held[path], TABLE[path]
        if held.source is not Source.DEFAULT:
            return held.where
        return setting.option.partition("/")[0] if setting.option is not None and self.file is None else path

    def blame(self, path: str, wrong: str, wanted: str = "") -> None:
        """Note that the setting cannot be used: ``path`` ``wrong``; ``wanted`` is a sentence."""
        self._faults.append(Fault(where=self.call(path), wrong=wrong, wanted=wanted))
        self.unfit.add(path)

    @property
    def faulty(self) -> bool:
        """Whether anything is wrong so far."""
        return bool(self._faults)

    def end(self) -> None:
        """No more is looked at.

        Raises:
            Misuse: something was wrong, all of which is in its message.
        """
        if self._faults:
            raise complaint(self._faults)


def read(*, file: Path | None, env: Mapping[str, str], given: Mapping[str, Any]) -> Configuration:
    """Settings from everywhere. What is wrong with any of them alone is noted, and said by ``Configuration.end()``.

    Args:
        file: the TOML file; that of the variable TRUSTPUB_CONFIG unless given.
        env: the environment.
        given: texts (a bool for a flag, a sequence for a list) of the command line by the setting's name; None is none.

    Raises:
        Misuse: the file cannot be read, or is no TOML.
    """
    if file is None and env.get(CONFIG_VARIABLE):
        file = Path(env[CONFIG_VARIABLE])
    faults: list[Fault] = []
    held = {path: Held(value=one.default, source=Source.DEFAULT, where=path) for path, one in TABLE.items()}
    held |= _from_file(file, faults) if file is not None else {}
    held |= _from_environment(env, faults)
    held |= _from_command_line(given, faults)
    return Configuration(held, faults, file)


def _from_file(file: Path, faults: list[Fault]) -> Mapping[str, Held]:
    text, content = _toml(file)
    lines = _lines(text)
    shown = printable(str(file), 300)
    found: dict[str, Held] = {}
    for section, keys in content.items():
        if section not in SECTIONS:
            line = lines.get((section, ""), lines.get(("", section)))
            faults.append(_unknown(f"[{printable(section, 60)}]", _at(shown, line), section, list(SECTIONS), "section"))
            continue
        if not isinstance(keys, dict):
            faults.append(
                Fault(where=f"{section} ({shown})", wrong="is no section", wanted=f"Begin it with [{section}].")
            )
            continue
        for key, value in keys.items():
            at = _at(shown, lines.get((section, key)))
            setting = TABLE.get(f"{section}.{key}")
            if setting is None:
                near = [one.key for one in TABLE.values() if one.section == section]
                faults.append(_unknown(f"{section}.{printable(key, 60)}", at, key, near, "setting"))
            elif (value_held := _file_value(setting, value, file.absolute().parent, at, faults)) is not None:
                found[setting.path] = value_held
    return found


def _file_value(setting: Setting, value: Any, folder: Path, at: str, faults: list[Fault]) -> Held | None:
    where = f"{setting.path} ({at})"
    if setting.secret:
        wanted = f"Put it into a file that {setting.path}_file names, or into the variable {setting.variable}."
        wrong = "is a secret, for which this file is no place"
        faults.append(Fault(where=where, wrong=wrong, wanted=wanted, path=setting.path))
        return None
    try:
        return Held(value=setting.kind.from_toml(value, folder), source=Source.FILE, where=where)
    except Unfit as unfit:
        faults.append(Fault(where=where, wrong=unfit.wrong, wanted=unfit.wanted, path=setting.path))
        return None


def _from_environment(env: Mapping[str, str], faults: list[Fault]) -> Mapping[str, Held]:
    found: dict[str, Held] = {}
    for path, setting in TABLE.items():
        name = next((one for one in (setting.variable, setting.also) if one and env.get(one)), None)
        if name is None:
            continue
        try:
            found[path] = Held(value=setting.kind.from_text(env[name]), source=Source.ENVIRONMENT, where=name)
        except Unfit as unfit:
            faults.append(Fault(where=name, wrong=unfit.wrong, wanted=unfit.wanted, path=path))
    known = {one.variable: one for one in TABLE.values()} | {one.also: one for one in TABLE.values() if one.also}
    starts = tuple(f"{PREFIX}{section}_".upper() for section in SECTIONS)
    for name in sorted(env):
        if name.startswith(starts) and name not in known and env[name]:
            faults.append(_unknown(printable(name, 80), "", name, list(known), "variable of a setting"))
    return found


def _from_command_line(given: Mapping[str, Any], faults: list[Fault]) -> Mapping[str, Held]:
    found: dict[str, Held] = {}
    for path, value in given.items():
        if value is None:
            continue
        setting = TABLE[path]
        where = _option(setting, value)
        try:
            found[path] = Held(value=_option_value(setting, value), source=Source.COMMAND_LINE, where=where)
        except Unfit as unfit:
            faults.append(Fault(where=where, wrong=unfit.wrong, wanted=unfit.wanted, path=path))
    return found


def _option(setting: Setting, value: Any) -> str:
    yes, _, no = (setting.option or setting.path).partition("/")
    return no if no and value is False else yes


def _option_value(setting: Setting, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(setting.kind, Networks) and not isinstance(value, str):
        return setting.kind.from_many(value)
    return setting.kind.from_text(str(value))


def _toml(file: Path) -> tuple[str, Mapping[str, Any]]:
    shown = printable(str(file), 300)
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MAX_FILE_BYTES + 1)
        if len(raw) > _MAX_FILE_BYTES:
            raise Misuse(f"The configuration {shown} is larger than {_MAX_FILE_BYTES} bytes.")
        text = raw.decode()
        return text, tomllib.loads(text)
    except OSError as error:
        raise Misuse(f"The configuration {shown} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Misuse(f"The configuration {shown} is not UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # Where, and no more: what the library says may quote what stands there.
        found = _AT.search(str(error))
        raise Misuse(f"The configuration {shown} is not TOML" + (f", at {found[1]}." if found else ".")) from None


def _lines(text: str) -> Mapping[tuple[str, str], int]:
    """Where sections (with an empty key) and keys stand, as far as that is seen at a glance."""
    section = ""
    found: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = header[1]
            found.setdefault((section, ""), number)
        elif key := _KEY.match(line):
            found.setdefault((section, key[1]), number)
    return found


def _at(file: str, line: int | None) -> str:
    return file if line is None else f"{file}, line {line}"


def _unknown(name: str, at: str, given: str, known: Sequence[str], what: str) -> Fault:
    near = difflib.get_close_matches(given.lower() if what != "variable of a setting" else given, known, 1, 0.6)
    wanted = f"Is {near[0]} meant?" if near else _all(known, what)
    return Fault(where=f"{name} ({at})" if at else name, wrong=f"is no {what}", wanted=wanted)


def _all(known: Sequence[str], what: str) -> str:
    return "" if what == "variable of a setting" else f"There are: {', '.join(known)}."


def described(configuration: Configuration) -> Iterator[tuple[Setting, Held]]:
    """Every setting with what holds of it, in the order of the table."""
    for path, setting in TABLE.items():
        yield setting, configuration.held(path)
