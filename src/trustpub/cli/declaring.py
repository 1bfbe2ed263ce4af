# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Commands that a job waits for, declared as plain values: read from a well-formed command line without click.

Loading click and having it read six words takes longer than the requests of a mint (benchmarks/client.py). So the
decorators here, which are spelled as click's, only note what is declared. What everybody types is read by
:meth:`Declared.read`; whatever else it meets (a question for help, a mistake, an abbreviation, completion) it leaves
to click, for which :meth:`Declared.built` makes the same command. A test compares what the two read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    import click

_Function = TypeVar("_Function", bound=Callable[..., Any])
_UNDERSTOOD = frozenset({"default", "help", "is_flag", "metavar", "multiple", "nargs", "show_default", "type"})
"""Attributes that :meth:`Declared.read` understands, or may pass over; an option with another one is click's."""
_NOTED = "__trustpub_parameters__"

SAYING = (("-q", "--quiet", "Say only what went wrong."), ("-v", "--verbose", "Say more than the steps."))
"""Short and long name, and help, of the options that every command has."""
_SAYING = {name: long.lstrip("-") for short, long, _ in SAYING for name in (short, long)}


class Entry(NamedTuple):
    """A command that is not loaded yet."""

    at: str
    """``module:attribute``."""
    help: str
    extra: str | None = None
    """What has to be installed for it."""


class Read(NamedTuple):
    """What a command line says."""

    values: Mapping[str, Any]
    """Of the parameters, by name."""
    said: frozenset[str]
    """``quiet``, ``verbose``."""


class Choice:
    """One of several words."""

    def __init__(self, choices: Sequence[str]) -> None:
        self.choices = tuple(choices)


class Parameter:
    """An option or an argument."""

    def __init__(self, names: Sequence[str], attributes: Mapping[str, Any]) -> None:
        self.spellings = tuple(name for name in names if name.startswith("-"))
        """As they are typed; none for an argument."""
        self.names = tuple(names)
        self.attributes = attributes
        plain = [name for name in names if not name.startswith("-")]
        longest = max(self.spellings, key=lambda one: len(one) - len(one.lstrip("-")), default="")
        self.name = plain[0] if plain else longest.lstrip("-").replace("-", "_").lower()
        """Of the function's parameter."""

    def empty(self) -> Any:
        """The value where nothing is typed."""
        if self.attributes.get("multiple") or not self.spellings:
            return ()
        return self.attributes.get("default", False if self.attributes.get("is_flag") else None)

    def is_plain(self) -> bool:
        """Whether :meth:`Declared.read` may read it."""
        kind = self.attributes.get("type")
        many = self.attributes.get("nargs") == -1 if not self.spellings else "nargs" not in self.attributes
        known = kind in (None, str, int) or isinstance(kind, Choice)
        return many and known and _UNDERSTOOD.issuperset(self.attributes)

    def may_be_absent(self) -> bool:
        """Whether click, too, would give :meth:`empty` for it where nothing is typed."""
        asking = {"callback", "envvar", "expose_value", "prompt", "required"} & set(self.attributes)
        return bool(self.spellings) and not asking

    def value(self, typed: str) -> Any:
        """What is meant by the word ``typed``; None if it cannot be meant."""
        kind = self.attributes.get("type")
        if isinstance(kind, Choice):
            return typed if typed in kind.choices else None
        if kind is int:
            return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else None
        return typed


class Declared:
    """A command."""

    def __init__(self, callback: Callable[..., Any], attributes: Mapping[str, Any]) -> None:
        self.callback = callback
        self.attributes = attributes
        self.parameters: tuple[Parameter, ...] = tuple(reversed(getattr(callback, _NOTED, ())))
        settings = attributes.get("context_settings", {})
        self._words_end_options = settings.get("allow_interspersed_args") is False
        self._options = {name: one for one in self.parameters for name in one.spellings}

    def read(self, arguments: Sequence[str]) -> Read | None:
        """What is typed; None where this is for click to read."""
        taking = [one for one in self.parameters if not one.spellings]
        strange = [one for one in self.parameters if not one.is_plain()]
        if len(taking) > 1 or not all(one.may_be_absent() for one in strange):
            return None
        values = {one.name: one.empty() for one in self.parameters}
        words: list[str] = []
        said: set[str] = set()
        left = list(reversed(arguments))
        while left:
            typed = left.pop()
            if typed == "--":
                words += reversed(left)
                break
            if not typed.startswith("-") or typed == "-":
                words.append(typed)
                if self._words_end_options:
                    words += reversed(left)
                    break
            elif not (self._is_read(typed, left, values) or (typed in _SAYING and typed not in self._options)):
                return None
            elif typed not in self._options and typed in _SAYING:
                said.add(_SAYING[typed])
        if words and not taking:
            return None
        if taking:
            values[taking[0].name] = tuple(words)
        return Read(values=values, said=frozenset(said))

    def _is_read(self, typed: str, left: list[str], values: dict[str, Any]) -> bool:
        """Whether the option ``typed`` could be put into ``values``, with its value from ``left`` where it has one."""
        name, equals, value = typed.partition("=")
        option = self._options.get(name)
        if option is None or not option.is_plain():
            return False
        if option.attributes.get("is_flag"):
            values[option.name] = True
            return not equals and "default" not in option.attributes
        if not equals:
            if not left or left[-1].startswith("-"):
                return False
            value = left.pop()
        meant = option.value(value)
        values[option.name] = (*values[option.name], meant) if option.attributes.get("multiple") else meant
        return meant is not None

    def built(self) -> click.Command:
        """The same for click, which explains itself and every mistake."""
        import click

        made: Callable[..., Any] = self.callback
        for one in reversed(self.parameters):
            attributes = dict(one.attributes)
            if isinstance(attributes.get("type"), Choice):
                attributes["type"] = click.Choice(attributes["type"].choices)
            made = (click.option if one.spellings else click.argument)(*one.names, **attributes)(made)
        command: click.Command = click.command(**self.attributes)(made)
        return command


def option(*names: str, **attributes: Any) -> Callable[[_Function], _Function]:
    """As ``click.option``."""
    return _noting(Parameter(names, attributes))


def argument(name: str, **attributes: Any) -> Callable[[_Function], _Function]:
    """As ``click.argument``."""
    return _noting(Parameter((name,), attributes))


def command(**attributes: Any) -> Callable[[Callable[..., Any]], Declared]:
    """As ``click.command``."""
    return lambda callback: Declared(callback, attributes)


def _noting(one: Parameter) -> Callable[[_Function], _Function]:
    def noting(callback: _Function) -> _Function:
        # As click does it: the decorator that stands last is carried out first.
        setattr(callback, _NOTED, (*getattr(callback, _NOTED, ()), one))
        return callback

    return noting
