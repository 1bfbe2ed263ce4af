# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin move-to-postgres``: the rows of an index from its folder into a PostgreSQL server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from trustpub.cli.admin.folder import in_folder
from trustpub.cli.admin.pace import now_and_then
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.configuration.whole import Place


@click.command("move-to-postgres")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@in_folder
def move_to_postgres(place: Place, as_json: bool) -> None:
    """Copy all rows of the index in its folder into the empty database that [postgres] names, and use that from now on.

    Nothing may serve the index meanwhile. Every row is compared before anything is final; then no trustpub opens the
    database in the folder any more. If it is stopped before the end, run it again.
    """
    from trustpub.index.adapters.lock import FolderLock
    from trustpub.index.bootstrap.stores import move_rows

    if place.postgres is None:
        raise Misuse(
            "It is not said which PostgreSQL server is meant.",
            hint="Give the section [postgres] with --config FILE, or its address in TRUSTPUB_POSTGRES_URL.",
        )
    seen = screen()
    seen.aside = as_json
    say = now_and_then(seen)
    with FolderLock(place.data):
        rows = move_rows(place.data, place.postgres, lambda table, rows: say(f"{table}: {rows} row(s)"))
    if as_json:
        seen.result(json.dumps({"rows": rows}))
    if rows:
        seen.step(f"{rows} row(s) were copied, and each was compared.")
    else:
        seen.step("All rows were there before, and each was compared.")
    left = printable(str(place.data), 300)
    seen.step(f"Start the server with [postgres]. The files, the secret and the certificates stay in {left}.")
