# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``[tool.trustpub]``: what the answers declare, put into ``pyproject.toml`` beside everything that is in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from trustpub import declared
from trustpub.errors import Misuse
from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import BadFields
from trustpub.workflow.generate.answers import Answers
from trustpub.workflow.generate.registration import Registration


def put(
    before: str | None,
    answers: Answers,
    registrations: Sequence[Registration],
    *,
    issuer: str | None = None,
    workspace: bool = False,
) -> str:
    """The text of ``pyproject.toml`` with the publishers that are to be registered; comments and order stay.

    ``before`` None: there is no such file. A publisher of whom only a job can tell everything is left out. What the
    table says of other things, and of other indexes, is kept; what it says already is not written again.

    Raises:
        Misuse: the table is written in a way that cannot be added to without writing it anew.
    """
    wanted = _wanted(answers, registrations, issuer, workspace)
    text = before or ""
    table = _own(text)
    if _holds(table, wanted):
        return text
    after = _appended(text, wanted) if not table and "trustpub" not in tomllib.loads(text).get("tool", {}) else None
    if after is None:
        after = _updated(text, wanted, {**wanted, "expect": table.get("expect", wanted["expect"])})
    _prove(text, after, wanted)
    return after


def _wanted(
    answers: Answers, registrations: Sequence[Registration], issuer: str | None, workspace: bool
) -> dict[str, Any]:
    table: dict[str, Any] = {"default-index": answers.target.name, "tag": answers.tag}
    table["expect"] = {"sdist": 1, "wheels": "1+" if answers.compiled else 1}
    if workspace:
        table["workspace"] = True
    # The one that is meant first.
    ordered = sorted(registrations, key=lambda one: one.trial)
    table["indexes"] = {one.target.name: _index(one, issuer) for one in ordered}
    return table


def _index(registration: Registration, issuer: str | None) -> dict[str, Any]:
    target = registration.target
    index: dict[str, Any] = {}
    if target.url is not None:
        index["url"] = target.url
    if target.audience is not None:
        index["audience"] = target.audience
    if registration.fields and not faults(registration):
        said = {name.replace("_", "-"): value for name, value in registration.fields.items()}
        index["publisher"] = {"kind": registration.kind, **({} if issuer is None else {"issuer": issuer}), **said}
    return index


def faults(registration: Registration) -> tuple[str, ...]:
    """Why no index would register it as it is, in whole sentences; empty where it would."""
    try:
        PROVIDERS[registration.kind].spell(registration.fields)
    except BadFields as error:
        return tuple(f"The publisher's {one.field.replace('_', '-')} {one.problem}." for one in error.faults)
    return ()


def _own(text: str) -> Mapping[str, Any]:
    tool = tomllib.loads(text).get("tool", {})
    table = tool.get("trustpub", {}) if isinstance(tool, dict) else {}
    return table if isinstance(table, dict) else {}


def _holds(table: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether ``table`` says all of ``wanted``. How many files are expected is the project's to say."""
    if not table:
        return False
    for name, value in wanted.items():
        if name == "expect" and name in table:
            continue
        if name == "publisher":
            if table.get(name) != value:
                return False
        elif isinstance(value, dict):
            if not isinstance(table.get(name), dict) or not (_holds(table[name], value) or table[name] == value):
                return False
        elif table.get(name) != value:
            return False
    return True


def _appended(text: str, wanted: Mapping[str, Any]) -> str:
    """With tables of its own at the end."""
    plain = {name: value for name, value in wanted.items() if name != "indexes"}
    parts = [_block(declared.TABLE, plain)]
    for name, index in wanted["indexes"].items():
        own = {key: value for key, value in index.items() if key != "publisher"}
        if own or "publisher" not in index:
            parts.append(_block(f"{declared.TABLE}.indexes.{name}", own))
        if "publisher" in index:
            parts.append(_block(f"{declared.TABLE}.indexes.{name}.publisher", index["publisher"]))
    newline = "\r\n" if "\r\n" in text else "\n"
    written = "\n".join(parts).replace("\n", newline)
    if not text:
        return written
    return text + ("" if text.endswith("\n") else newline) + newline + written


def _block(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"[{name}]"]
    for key, value in values.items():
        lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    return str(tomlkit.item(value).as_string())


def _updated(text: str, wanted: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """With the table changed where it differs."""
    document = tomlkit.parse(text)
    try:
        tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
        own = tool.setdefault("trustpub", tomlkit.table())
        _put(own, values)
        return document.as_string()
    except (TOMLKitError, TypeError, AttributeError, KeyError):
        raise _not_to_be_added(wanted) from None


def _put(table: MutableMapping[str, Any], values: Mapping[str, Any]) -> None:
    for name in [name for name in table if "kind" in values and name not in values and name != "immutable"]:
        del table[name]  # of a publisher: a field that the job does not have
    for name, value in values.items():
        if isinstance(value, dict) and name != "expect":
            if name not in table:
                table[name] = tomlkit.table(is_super_table=name == "indexes" or set(value) == {"publisher"})
            _put(table[name], value)
        elif name not in table or table[name] != value:
            table[name] = _inline(value) if isinstance(value, dict) else value


def _inline(value: Mapping[str, Any]) -> Any:
    table = tomlkit.inline_table()
    table.update(value)
    return table


def _prove(before: str, after: str, wanted: Mapping[str, Any]) -> None:
    """That the table says now what it must, and that nothing else has changed."""
    try:
        old, new = tomllib.loads(before), tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        raise _not_to_be_added(wanted) from None
    own = new.get("tool", {}).get("trustpub", {})
    for document in (old, new):
        document.get("tool", {}).pop("trustpub", None)
        if not document.get("tool", True):
            document.pop("tool")
    if old != new or not _holds(own, wanted):
        raise _not_to_be_added(wanted)
    declared.declared(own, Path(declared.FILE))


def _not_to_be_added(wanted: Mapping[str, Any]) -> Misuse:
    return Misuse(
        "pyproject.toml is written in a way that [tool.trustpub] cannot be added to without writing it anew.",
        hint=f"Put this into it yourself, and run this again:\n\n{_appended('', wanted)}",
    )
