# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin apply``: make the index be as a file says."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trustpub.cli.admin.folder import read_text
from trustpub.cli.admin.reach import Reach, on_index
from trustpub.cli.show import Screen, screen
from trustpub.errors import Misuse
from trustpub.printable import printable

_MARKS = {"added": "+", "changed": "~", "unchanged": "="}


def _print_schema(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        from trustpub.index.manage.schema import SCHEMA

        screen().result(json.dumps(SCHEMA, indent=2))
        context.exit()


@click.command("apply")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.option(
    "--schema", is_flag=True, expose_value=False, is_eager=True, callback=_print_schema,
    help="Print the JSON Schema of such files.",
)  # fmt: skip
@on_index
def apply(file: Path, dry_run: bool, as_json: bool, index: Reach) -> None:
    """Make issuers, projects and publishers be as FILE (TOML or JSON) says: all of it, or nothing.

    What is in the index and not in the file stays, and is listed.
    """
    document = read_document(file)
    if not isinstance(document, dict):
        raise Misuse(f"{printable(str(file))} holds no table.")
    applied = index.ask("index.apply", document=document, files=named_files(document, file.parent), dry_run=dry_run)
    if as_json:
        screen().result(json.dumps(applied, indent=2))
        return
    _show(screen(), applied)


def read_document(file: Path) -> Any:
    """What the file says, as TOML or JSON by its ending.

    Raises:
        Misuse: it cannot be read, or says nothing in its form.
    """
    text, shown = read_text(file), printable(str(file))
    try:
        if file.suffix == ".toml":
            return tomllib.loads(text)
        if file.suffix == ".json":
            return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        # Where it is wrong, and not what is there.
        line = getattr(error, "lineno", None)
        where = f" (line {line})" if line else f": {printable(str(error), 200)}"
        raise Misuse(f"{shown} is not {file.suffix[1:].upper()}{where}.") from None
    raise Misuse(f"{shown} ends neither in .toml nor in .json.", hint="The ending says how the file is read.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in the same object")
    return found


def named_files(document: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """What is in the files that the document names: the index may be elsewhere, and reads none itself.

    Raises:
        Misuse: one of them cannot be read.
    """
    found: dict[str, str] = {}
    entries = document.get("issuers")
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        for name in ("jwks", "ca"):
            named = entry.get(name) if isinstance(entry, dict) else None
            if not isinstance(named, str) or not named:
                continue
            try:
                found[named] = read_text(folder / named)
            except Misuse as error:
                raise Misuse(f"issuers[{number}]: {error.message} Nothing was changed.") from None
    return found


def _show(seen: Screen, applied: Mapping[str, Any]) -> None:
    changes = applied["changes"]
    for one in changes:
        details = f" ({', '.join(one['details'])})" if one["details"] else ""
        if one["outcome"] == "unchanged":
            seen.detail(f"= {one['what']}")
        else:
            seen.step(f"{one['what']}{details}", mark=_MARKS[one["outcome"]])
        for sentence in one["warnings"]:
            seen.warning(f"{one['path']}: {sentence}")
    for url in applied["not_in_file"]["issuers"]:
        seen.step(f"not in the file: issuer {url}", mark="?")
    for left in applied["not_in_file"]["publishers"]:
        what = "nothing" if left["project"] is None else left["project"]
        seen.step(f"not in the file: publisher {left['id']} of {what}: {left['who']}", mark="?")
    counts = {outcome: sum(one["outcome"] == outcome for one in changes) for outcome in _MARKS}
    if not counts["added"] and not counts["changed"]:
        seen.step(f"Nothing to change: the index is as the file says ({counts['unchanged']} entries).")
        return
    said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in _MARKS)
    seen.step(f"Done: {said}." if applied["applied"] else f"Nothing was changed. It would be: {said}.")
