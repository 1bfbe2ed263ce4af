# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin settings``: what holds, and from where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.settings import configuration, from_settings, taken
from trustpub.cli.show import screen
from trustpub.errors import Misuse

if TYPE_CHECKING:
    from trustpub.index.configuration.reading import Configuration

_DEFAULT = "default"


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.option("--given", "given_only", is_flag=True, help="Leave out what nobody set.")
@from_settings("server.data")
def settings(as_json: bool, given_only: bool, **options: Any) -> None:
    """Show every setting of the server, and where it is from. Of a secret it is shown whether there is one.

    What cannot be used is said with all that is wrong, as `trustpub serve` would at its start.
    """
    seen = screen()
    seen.aside = as_json
    found = configuration(*taken(options))
    wrong = _faults(found)
    rows = [row for row in _rows(found) if not given_only or row["source"] != _DEFAULT]
    if as_json:
        seen.result(json.dumps(rows, indent=2))
    width = max((len(row["setting"]) for row in rows), default=0)
    for row in [] if as_json else rows:
        value = "-" if row["value"] is None else row["value"]
        where = row["source"] if row["where"] == row["setting"] else row["where"]
        seen.result(f"{row['setting']:<{width}}  {value}  # {where}")
    if wrong is not None:
        raise wrong


def _faults(found: Configuration) -> Misuse | None:
    """What is wrong, of all; an index that is nowhere yet is not."""
    from trustpub.index.configuration.whole import wanted

    try:
        wanted(found)
    except Misuse as wrong:
        return Misuse(wrong.message) if found.faulty else None
    return None


def _rows(found: Configuration) -> Iterator[dict[str, Any]]:
    from trustpub.index.configuration.reading import described

    for setting, held in described(found):
        shown = None if held.value is None else "set" if setting.secret else setting.kind.shown(held.value)
        if setting.path in found.unfit:
            shown = "cannot be used"
        source = held.source.name.lower().replace("_", " ")
        yield {"setting": setting.path, "value": shown, "source": source, "where": held.where}
