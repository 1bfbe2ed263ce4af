# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin issuer``: identity providers that the index believes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trustpub.cli.admin.folder import read_json, read_text, show_rows
from trustpub.cli.admin.reach import Reach, listing, on_index, on_index_beside_ca
from trustpub.cli.show import screen


@click.group()
def issuer() -> None:
    """Identity providers that the index believes."""


@issuer.command("add")
@click.argument("url")
@click.option("--kind", default="github", show_default=True, help="Whose claims its tokens hold.")
@click.option(
    "--jwks", type=click.Path(path_type=Path), metavar="FILE", help="Its keys (JSON); they are never fetched."
)
@click.option(
    "--ca", type=click.Path(path_type=Path), metavar="FILE", help="Certificates (PEM) to fetch its keys with."
)
@click.option(
    "--algorithm", "algorithms", multiple=True, type=click.Choice(["RS256", "ES256"]),
    help="What it signs with; may be repeated.  [default: as its kind does]",
)  # fmt: skip
@click.option("--array-audience", is_flag=True, help="Its tokens have `aud` as an array of one.")
@click.option("--max-age", type=int, metavar="SECONDS", help="How old an identity token may be.")
@click.option("--max-lifetime", type=int, metavar="SECONDS", help="How long an identity token may be made to live.")
@click.option("--token-lifetime", type=int, metavar="SECONDS", help="How long an upload token lives: 900 to 21600.")
@click.option(
    "--jwks-host", "jwks_hosts", multiple=True, metavar="HOST",
    help="Where its keys may be, beside its own host; may be repeated.",
)  # fmt: skip
@click.option("--private", is_flag=True, help="It is at an address of a private network.")
@click.option(
    "--accept-shared-audience",
    "audience",
    metavar="AUDIENCE",
    help="Its jobs cannot choose the audience: take tokens with this one, though others are shown them too.",
)
@on_index_beside_ca
def add_issuer(url: str, kind: str, jwks: Path | None, ca: Path | None, index: Reach, **options: Any) -> None:
    """Believe the issuer URL, spelled exactly as its tokens do; or give a known one other keys or terms."""
    known = index.ask(
        "issuer.put",
        url=url,
        kind=kind,
        jwks=None if jwks is None else read_json(jwks),
        ca=None if ca is None else read_text(ca),
        algorithms=list(options["algorithms"]) or None,
        array_audience=options["array_audience"] or None,
        max_age=options["max_age"],
        max_lifetime=options["max_lifetime"],
        token_lifetime=options["token_lifetime"],
        audience=options["audience"],
        jwks_hosts=list(options["jwks_hosts"]),
        private=options["private"],
    )
    seen = screen()
    source = "the given key set" if jwks else "its own address"
    if known["replaced"]:
        seen.warning(
            f"THE KEYS OF A KNOWN ISSUER WERE REPLACED. From now on those of {url} come from {source}: whoever holds "
            f"them can publish as each of the {known['issuer']['publishers']} publisher(s) registered with it."
        )
    seen.step(f"Issuer {url} {'added' if known['new'] else 'changed'}; its keys come from {source}.")


@issuer.command("list")
@listing
def list_issuers(index: Reach, as_json: bool) -> None:
    """Show all issuers and where their keys come from."""
    show_rows(
        index.ask("issuer.list")["issuers"],
        as_json,
        "No issuer is known, so nobody can publish.",
        lambda row: (
            f"{row['url']}  {row['kind']}, keys {row['keys']}"
            + (", own CA" if row["own_ca"] else "")
            + ("" if row["enabled"] else ", DISABLED")
        ),
    )


@issuer.command("show")
@click.argument("url")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@on_index
def show_issuer(url: str, index: Reach, as_json: bool) -> None:
    """Show how tokens of the issuer URL are taken."""
    row = index.ask("issuer.show", url=url)
    if as_json:
        screen().result(json.dumps(row, indent=2))
        return
    for line in _lines(row):
        screen().result(line)


@issuer.command("remove")
@click.argument("url")
@on_index
def remove_issuer(url: str, index: Reach) -> None:
    """Believe the issuer URL no more."""
    index.ask("issuer.remove", url=url)
    screen().step(f"Issuer {url} removed.")


@issuer.command("disable")
@click.argument("url", required=False)
@click.option("--all", "every", is_flag=True, help="Every issuer that is known: nobody can mint a token.")
@on_index
def disable_issuer(url: str | None, every: bool, index: Reach) -> None:
    """Take no tokens of the issuer URL for now; its publishers stay registered. Tokens minted before live on."""
    _switch(url, every, index, on=False)


@issuer.command("enable")
@click.argument("url", required=False)
@click.option("--all", "every", is_flag=True, help="Every issuer that is known.")
@on_index
def enable_issuer(url: str | None, every: bool, index: Reach) -> None:
    """Take tokens of the issuer URL again."""
    _switch(url, every, index, on=True)


def _switch(url: str | None, every: bool, index: Reach, *, on: bool) -> None:
    if (url is None) != every:
        raise click.UsageError("Give either the URL of an issuer or --all.")
    switched = index.ask("issuer.switch", url=url, on=on)["switched"]
    for one in switched:
        screen().step(f"Issuer {one} {'enabled' if on else 'disabled'}.")
    if not switched:
        screen().step(f"Nothing changed: {'all were enabled' if on else 'all were disabled'} already.")


@issuer.command("forget-keys")
@click.argument("url")
@on_index
def forget_keys(url: str, index: Reach) -> None:
    """Forget the keys that were fetched from URL: the next token has them fetched anew. For when one leaked."""
    index.ask("issuer.forget-keys", url=url)
    screen().step(f"The keys fetched from {url} are forgotten.")


def _lines(row: Mapping[str, Any]) -> list[str]:
    def plain(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return ", ".join(value) if isinstance(value, list) else str(value)

    shown = {name: plain(value) for name, value in row.items() if value not in (None, [])}
    for name in ("max_age", "max_lifetime", "token_lifetime"):
        shown[name] += " seconds"
    return [f"{name.replace('_', ' '):18}{value}" for name, value in shown.items()]
