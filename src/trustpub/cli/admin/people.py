# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin user`` and ``token``: people, and what they hold."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from trustpub.cli.admin.folder import day, in_folder, listing, moment, open_index, show_rows
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable

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
@in_folder
def add_user(name: str, data: Path) -> None:
    """Add the user NAME."""
    with open_index(data) as folder:
        added = folder.people.add(name)
    screen().step(f"User {added.name} added.")


@user.command("list")
@listing
def list_users(data: Path, as_json: bool) -> None:
    """Show all users."""
    with open_index(data) as folder:
        found = folder.people.all()
    rows = [
        {
            "name": one.name, "id": one.id, "created": one.created, "email": one.email,
            "administrator": one.administrator, "suspended": one.suspended,
        }
        for one in found
    ]  # fmt: skip
    show_rows(rows, as_json, "There are no users.", _user_line)


@token.command("create")
@click.argument("user_name", metavar="USER")
@click.option("--scope", required=True, type=click.Choice(["read", "upload"]), help="What it is good for.")
@click.option("--project", metavar="NAME", help="Only for this project.")
@click.option(
    "--expires", metavar="TIME", help="How long it is valid: 30d, 12h, 45m, 4w. Without: until it is removed."
)
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    envvar="TRUSTPUB_SECRET_FILE",
    help="Where the index's secret is.  [default: DIR/secret]",
)
@in_folder
def create_token(
    user_name: str, scope: str, project: str | None, expires: str | None, secret_file: Path | None, data: Path
) -> None:
    """Make a token for USER and print it, this once."""
    seen = screen()
    seen.aside = True
    lifetime = None if expires is None else _seconds(expires)
    with open_index(data, secret_file) as folder:
        owner = folder.people.user(user_name)
        only = None if project is None else folder.people.real_project(project)
        row, secret = folder.credentials.issue_user_token(owner, scope=scope, project=only, lifetime=lifetime)
        folder.people.note_token(row)
        if only is not None and scope == "upload" and not folder.people.is_member(only, owner):
            seen.warning(f"{owner.name} is no member of {only.name}, so the token cannot upload anything yet.")
    until = "until it is removed" if row.expires is None else f"until {moment(row.expires)}"
    seen.mask(secret)
    seen.step(f"A token for {owner.name}, valid {until}. Its id is {row.id}; the token is shown this once:")
    seen.result(secret.reveal())


@token.command("list")
@listing
def list_tokens(data: Path, as_json: bool) -> None:
    """Show all tokens that people hold; never the tokens themselves."""
    with open_index(data) as folder:
        found = folder.people.tokens()
        names = {one.id: one.name for one in folder.people.all()}
    rows = [
        {
            "id": one.id, "user": names.get(one.user_id or ""), "scope": one.scope, "description": one.description,
            "created": one.created, "expires": one.expires, "revoked": one.burned, "last_used": one.last_used,
        }
        for one in found
    ]  # fmt: skip
    show_rows(rows, as_json, "Nobody holds a token.", _token_line)


@token.command("remove")
@click.argument("token_id", metavar="ID")
@in_folder
def remove_token(token_id: str, data: Path) -> None:
    """End the token with this ID."""
    with open_index(data) as folder:
        ended = folder.people.revoke_token(token_id)
    screen().step(f"The {ended.description} is not valid any more.")


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
