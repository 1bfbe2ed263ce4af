# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin apply``: make the index be as a file says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.admin.folder import in_folder, open_index, read_text
from trustpub.cli.admin.wording import describe
from trustpub.cli.show import Screen, screen
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.manage.apply import Applied

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
@in_folder
def apply(file: Path, dry_run: bool, as_json: bool, data: Path) -> None:
    """Make issuers, projects and publishers be as FILE (TOML or JSON) says: all of it, or nothing.

    What is in the index and not in the file stays, and is listed.
    """
    document = _read(file)
    with open_index(data) as folder:
        applied = folder.applying.apply(document, read=lambda name: read_text(file.parent / name), dry_run=dry_run)
    if as_json:
        screen().result(json.dumps(_report(applied), indent=2))
        return
    _show(screen(), applied)


def _read(file: Path) -> Any:
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


def _show(seen: Screen, applied: Applied) -> None:
    for one in applied.changes:
        details = f" ({', '.join(one.details)})" if one.details else ""
        if one.outcome == "unchanged":
            seen.detail(f"= {one.what}")
        else:
            seen.step(f"{one.what}{details}", mark=_MARKS[one.outcome])
        for sentence in one.warnings:
            seen.warning(f"{one.path}: {sentence}")
    for url in applied.other_issuers:
        seen.step(f"not in the file: issuer {url}", mark="?")
    for publisher, link in applied.other_links:
        what = "nothing" if link is None else link.project
        seen.step(f"not in the file: publisher {publisher.id} of {what}: {describe(publisher)}", mark="?")
    counts = {outcome: sum(one.outcome == outcome for one in applied.changes) for outcome in _MARKS}
    if not counts["added"] and not counts["changed"]:
        seen.step(f"Nothing to change: the index is as the file says ({counts['unchanged']} entries).")
        return
    said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in _MARKS)
    seen.step(f"Nothing was changed. It would be: {said}." if applied.dry_run else f"Done: {said}.")


def _report(applied: Applied) -> dict[str, Any]:
    return {
        "applied": not applied.dry_run,
        "changes": [
            {
                "path": one.path,
                "what": one.what,
                "outcome": one.outcome,
                "details": list(one.details),
                "warnings": list(one.warnings),
            }
            for one in applied.changes
        ],
        "not_in_file": {
            "issuers": list(applied.other_issuers),
            "publishers": [
                {"id": publisher.id, "project": None if link is None else link.project, "who": describe(publisher)}
                for publisher, link in applied.other_links
            ],
        },
    }
