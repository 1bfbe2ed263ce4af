# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin user`` and ``token``: people, and what they hold."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import click

from trustpub.cli.admin.folder import day, moment, show_rows
from trustpub.cli.admin.reach import Reach, listing, on_index, on_index_with_secret
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.secret import Secret

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhdw])\Z")
_MAX_DAYS = 3650


@click.group()
def user() -> None:
    """People with an account."""


@click.group()
def token() -> None:
    """Tokens that people hold."""


@user.command("add")
@click.argument("name")
@on_index
def add_user(name: str, index: Reach) -> None:
    """Add the user NAME."""
    added = index.ask("user.add", name=name)
    screen().step(f"User {added['name']} added.")


@user.command("list")
@listing
def list_users(index: Reach, as_json: bool) -> None:
    """Show all users."""
    show_rows(index.ask("user.list")["users"], as_json, "There are no users.", _user_line)


@token.command("create")
@click.argument("user_name", metavar="USER")
@click.option("--scope", required=True, type=click.Choice(["read", "upload", "manage"]), help="What it is good for.")
@click.option("--project", metavar="NAME", help="Only for this project.")
@click.option(
    "--expires", metavar="TIME", help="How long it is valid: 30d, 12h, 45m, 4w. Without: until it is removed."
)
@on_index_with_secret
def create_token(user_name: str, scope: str, project: str | None, expires: str | None, index: Reach) -> None:
    """Make a token for USER and print it, this once."""
    seen = screen()
    seen.aside = True
    lifetime = None if expires is None else _seconds(expires)
    made = index.ask("token.add", user=user_name, scope=scope, project=project, lifetime=lifetime)
    row, secret = made["token"], Secret(made["secret"])
    seen.mask(secret)
    if not made["member"] and scope == "upload":
        seen.warning(f"{row['user']} is no member of {project}, so the token cannot upload anything yet.")
    until = "until it is removed" if row["expires"] is None else f"until {moment(row['expires'])}"
    seen.step(f"A token for {row['user']}, valid {until}. Its id is {row['id']}; the token is shown this once:")
    seen.result(secret.reveal())


@token.command("list")
@listing
def list_tokens(index: Reach, as_json: bool) -> None:
    """Show all tokens that people hold; never the tokens themselves."""
    show_rows(index.ask("token.list")["tokens"], as_json, "Nobody holds a token.", _token_line)


@token.command("remove")
@click.argument("token_id", metavar="ID")
@on_index
def remove_token(token_id: str, index: Reach) -> None:
    """End the token with this ID."""
    ended = index.ask("token.remove", token=token_id)
    screen().step(f"The {printable(ended['description'])} is not valid any more.")


def _user_line(row: Mapping[str, Any]) -> str:
    marks = [f"since {day(row['created'])}"]
    if row["administrator"]:
        marks.append("administrator")
    if row["suspended"] is not None:
        marks.append(f"suspended {moment(row['suspended'])}")
    address = f" <{printable(row['email'], 200)}>" if row["email"] else ""
    return f"{row['name']}{address}  {', '.join(marks)}"


def _token_line(row: Mapping[str, Any]) -> str:
    if row["revoked"] is not None:
        state = f"ended {moment(row['revoked'])}"
    elif row["expires"] is None:
        state = "valid until it is removed"
    else:
        state = f"{'expired' if row['expires'] <= time.time() else 'valid until'} {moment(row['expires'])}"
    used = "never used" if row["last_used"] is None else f"last used {moment(row['last_used'])}"
    return f"{row['id']}  {row['description']}, {state}, {used}"


def _seconds(text: str) -> int:
    match = _DURATION.match(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= _MAX_DAYS * 86_400:
        raise Misuse(f"{printable(text)!r} is no time such as 30d, 12h, 45m or 4w, up to {_MAX_DAYS}d.")
    return seconds
