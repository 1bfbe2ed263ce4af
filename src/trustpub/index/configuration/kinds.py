# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a setting can be: how its value is read from a TOML file, and from a text of the environment or command line.

What is wrong is said in a clause that begins with a verb and never holds the value, which may be a secret in the wrong
place.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import SplitResult, urlsplit

from trustpub.addresses import is_loopback

_SIZE = re.compile(r"([1-9][0-9]{0,12})\s*(?:([KMGT])(?:i?B)?|B)?\Z", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_YES, _NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
_WHOLE = re.compile(r"-?[0-9]{1,12}\Z", re.ASCII)
_LONGEST = 4096


class Unfit(Exception):
    """Not a value of this kind: what is wrong with it, and what is wanted instead."""

    def __init__(self, wrong: str, wanted: str = "") -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.wanted = wanted


class Kind(Protocol):
    """Both ways to read a value raise :class:`Unfit`."""

    name: ClassVar[str]
    """For people, after "a" or "an"."""

    @property
    def metavar(self) -> str:
        """What stands for the value in help."""

    def from_toml(self, value: Any, folder: Path) -> Any:
        """From a file in ``folder``, to which a path in it is relative."""

    def from_text(self, text: str) -> Any:
        """From a variable or an option."""

    def shown(self, value: Any) -> str:
        """As it would be written in a TOML file."""


class Text:
    """One line."""

    name: ClassVar[str] = "text"

    def __init__(self, metavar: str = "TEXT") -> None:
        self.metavar = metavar

    def from_toml(self, value: Any, folder: Path) -> Any:
        """A string."""
        if not isinstance(value, str):
            raise Unfit(f"is {_kind(value)}, not a text", 'A text is written in quotes: "…"')
        return self.from_text(value)

    def from_text(self, text: str) -> Any:
        """As it is."""
        if not text or len(text) > _LONGEST or not text.isprintable():
            raise Unfit("is empty, too long, or more than one line", "One line of text; leave it out for none.")
        return text

    def shown(self, value: Any) -> str:
        """In quotes."""
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


class OneSecret(Text):
    """A text that a file which others read is no place for: see :class:`trustpub.index.configuration.table.Setting`."""

    name: ClassVar[str] = "secret"


class FilePath(Text):
    """The path of a file or a folder."""

    name: ClassVar[str] = "path"

    def __init__(self, metavar: str = "FILE") -> None:
        super().__init__(metavar)

    def from_toml(self, value: Any, folder: Path) -> Any:
        """Relative to the file that it is in."""
        return folder / super().from_toml(value, folder)

    def from_text(self, text: str) -> Any:
        """Relative to where the program was started."""
        return Path(super().from_text(text))


class Whole:
    """A whole number."""

    name: ClassVar[str] = "whole number"

    def __init__(self, low: int, high: int, metavar: str = "NUMBER") -> None:
        self._low, self._high = low, high
        self.metavar = metavar

    def from_toml(self, value: Any, folder: Path) -> Any:
        """An integer."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit(f"is {_kind(value)}, not a whole number", self._wanted)
        return self._within(value)

    def from_text(self, text: str) -> Any:
        """Decimal digits."""
        if not _WHOLE.match(text):
            raise Unfit("is no whole number", self._wanted)
        return self._within(int(text))

    def shown(self, value: Any) -> str:
        """Its digits."""
        return str(value)

    @property
    def _wanted(self) -> str:
        return f"One from {self._low} to {self._high}."

    def _within(self, value: int) -> int:
        if not self._low <= value <= self._high:
            raise Unfit(f"is not in the range from {self._low} to {self._high}")
        return value


class Size:
    """A number of bytes."""

    name: ClassVar[str] = "size"
    metavar = "SIZE"

    def from_toml(self, value: Any, folder: Path) -> Any:
        """An integer of bytes, or a string."""
        return self.from_text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)

    def from_text(self, text: Any) -> Any:
        """Such as ``100M``: K, M, G and T are powers of 1024."""
        read = _SIZE.match(text.strip()) if isinstance(text, str) else None
        if read is None:
            raise Unfit("is no size such as 100M or 10G", "A number with K, M, G or T, which are powers of 1024.")
        return int(read[1]) * _UNITS[(read[2] or "").upper()]

    def shown(self, value: Any) -> str:
        """With the largest unit that leaves no rest."""
        for unit in "TGMK":
            if value % _UNITS[unit] == 0:
                return f'"{value // _UNITS[unit]}{unit}"'
        return str(value)


class Flag:
    """Yes or no."""

    name: ClassVar[str] = "flag"
    metavar = "yes|no"

    def from_toml(self, value: Any, folder: Path) -> Any:
        """A boolean."""
        if not isinstance(value, bool):
            raise Unfit(f"is {_kind(value)}, neither true nor false", "true or false, without quotes.")
        return value

    def from_text(self, text: str) -> Any:
        """Any of the usual words."""
        folded = text.strip().lower()
        if folded not in _YES | _NO:
            raise Unfit("is neither yes nor no", "yes, true, on or 1; or no, false, off or 0.")
        return folded in _YES

    def shown(self, value: Any) -> str:
        """As TOML has it."""
        return "true" if value else "false"


class Choice(Text):
    """One of a few words."""

    name: ClassVar[str] = "word"

    def __init__(self, *words: str) -> None:
        super().__init__("|".join(words))
        self._words = words

    def from_text(self, text: str) -> Any:
        """Exactly one of them."""
        if text not in self._words:
            raise Unfit(f"is none of the words {', '.join(self._words)}")
        return text


class Url(Text):
    """An address to ask, over TLS unless that is this machine."""

    name: ClassVar[str] = "URL"

    def __init__(self, what: str, *, slash: bool = False, path: bool = True) -> None:
        """``what`` it is the URL of; ``slash``: whether one is put at its end; ``path``: whether it may have one."""
        super().__init__("URL")
        self._what = what
        self._slash = slash
        self._path = path

    def from_text(self, text: str) -> Any:
        """Without user, query and fragment."""
        if not is_address(text) or (not self._path and _parts(text).path not in ("", "/")):
            shape = "no user, no query and no fragment" + ("" if self._path else ", and no path")
            raise Unfit(
                f"is not the URL of {self._what}",
                f"It starts with https://, or with http:// on this machine only, and has {shape}.",
            )
        return text.rstrip("/") + "/" if self._slash else text


class Networks:
    """Addresses and networks."""

    name: ClassVar[str] = "list of networks"
    metavar = "CIDR"

    def from_toml(self, value: Any, folder: Path) -> Any:
        """An array of strings."""
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Unfit(f"is {_kind(value)}, not an array of texts", 'Such as ["10.0.0.0/8", "192.0.2.7"].')
        return self.from_many(value)

    def from_text(self, text: str) -> Any:
        """Separated by commas or blanks."""
        return self.from_many(text.replace(",", " ").split())

    def from_many(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Each of them by itself."""
        return tuple(_network(one) for one in texts)

    def shown(self, value: Any) -> str:
        """An array."""
        return "[" + ", ".join(f'"{one}"' for one in value) + "]"


def is_address(text: str) -> bool:
    """Whether it is a URL over TLS, or to this machine, without user, query and fragment."""
    parts = _parts(text)
    if not parts.hostname or not re.fullmatch(r"[!-~]+", text) or parts.query or parts.fragment or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.hostname, parts.port
    except ValueError:
        return urlsplit("")
    return parts


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise Unfit("is neither an address nor a network such as 10.0.0.0/8") from None
    if network.prefixlen == 0:
        raise Unfit("is everybody, who then may pretend to come from anywhere", "Name the proxy's own network.")
    return str(network)


def _kind(value: Any) -> str:
    """Of a value in a TOML file, for people."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "an array"
    return "a table" if isinstance(value, dict) else "a date or a time"
