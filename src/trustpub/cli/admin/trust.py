# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin trust``: instances of Sigstore whose attestations the index believes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.admin.folder import in_folder, listing, open_index, show_rows
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable, quoted

if TYPE_CHECKING:
    from trustpub.index.configuration.whole import Place
    from trustpub.proofs.root import Root

_PUBLIC = "public-good"
_MAX_BYTES = 1024 * 1024


@click.group()
def trust() -> None:
    """Instances of Sigstore whose attestations are believed."""


@trust.command("list")
@listing
def list_roots(place: Place, as_json: bool) -> None:
    """Show the trust roots, and as of which day each is."""
    with open_index(place) as folder:
        found = folder.trust()
    show_rows([_row(root) for root in found], as_json, "No trust root is known.", _line)


@trust.command("add")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@in_folder
def add_root(name: str, file: Path, place: Place) -> None:
    """Believe an instance of Sigstore: FILE is its trusted_root.json. It may vouch for every identity."""
    with open_index(place) as folder:
        root = folder.trust.add(name, file)
    seen = screen()
    if root.public:
        seen.warning("the root of the public-good instance is replaced by this file, whatever is in it")
    seen.step(f"Trust root {root.name} added: {', '.join(printable(one, 200) for one in root.authorities)}.")


@trust.command("remove")
@click.argument("name")
@in_folder
def remove_root(name: str, place: Place) -> None:
    """Believe the instance NAME no more; the public-good one falls back to the root that is shipped."""
    with open_index(place) as folder:
        if not folder.trust.remove(name):
            raise Misuse(f"There is no trust root {quoted(name)} in a file of this index.")
    screen().step(f"Trust root {name} removed.")


@trust.command("update")
@click.argument("name", default=_PUBLIC)
@click.option("--url", metavar="URL", help="Of the TUF repository.  [default: that of the public-good instance]")
@click.option(
    "--tuf-root", type=click.Path(path_type=Path), metavar="FILE",
    help="TUF root metadata to begin with, for another repository than that of the public-good instance.",
)  # fmt: skip
@click.option("--ca", metavar="FILE", help="PEM certificates to trust instead of the system's.")
@in_folder
def update_root(name: str, url: str | None, tuf_root: Path | None, ca: str | None, place: Place) -> None:
    """Fetch the newest trust root over TUF, now and only now. NAME is public-good unless given."""
    from trustpub.http import Http
    from trustpub.proofs import update
    from trustpub.proofs.root import first_of_tuf

    if name != _PUBLIC and (url is None or tuf_root is None):
        raise Misuse(f"To update the trust root {quoted(name)}, give the --url of its TUF repository and a --tuf-root.")
    if url is not None and tuf_root is None:
        raise Misuse("Another TUF repository begins with other root metadata: give them with --tuf-root.")
    with open_index(place) as folder:
        before = {root.name: root for root in folder.trust()}.get(name)
        first = first_of_tuf() if tuf_root is None else _read(tuf_root)
        with Http(env=os.environ, ca=ca) as http:
            content = update.newest(http, url or update.PUBLIC_URL, first, folder.trust.folder / "tuf" / name)
        root = folder.trust.write(name, content)
    same = before is not None and before.sha256 == root.sha256
    screen().step(f"Trust root {name} is {'the newest already' if same else 'updated'}, as of {root.dated}.")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise Misuse(f"{quoted(str(path))} cannot be read: {error.strerror}.") from error


def _row(root: Root) -> dict[str, Any]:
    return {
        "name": root.name,
        "dated": root.dated,
        "shipped": root.shipped,
        "authorities": [printable(one, 200) for one in root.authorities],
        "logs": [printable(one, 200) for one in root.log_urls],
        "sha256": root.sha256,
    }


def _line(row: Any) -> str:
    how = "shipped" if row["shipped"] else "file"
    return f"{row['name']}  {how}, as of {row['dated']}, {', '.join(row['authorities'])}"
