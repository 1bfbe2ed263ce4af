# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin``: changes to an index in its folder, also while it is served."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.bootstrap import Folder
    from trustpub.trust.publishers import Link, Publisher

_Command = TypeVar("_Command", bound=Callable[..., Any])

_MAX_FILE_BYTES = 1024 * 1024
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([mhdw])\Z")
_MAX_DAYS = 3650


@click.group()
def admin() -> None:
    """Manage an index from the shell. Changes hold from the next request on."""


@admin.group()
def user() -> None:
    """People with an account."""


@admin.group()
def token() -> None:
    """Tokens that people hold."""


@admin.group()
def issuer() -> None:
    """Identity providers that the index believes."""


@admin.group()
def publisher() -> None:
    """Jobs that may publish, and what."""


def _in_folder(command: _Command) -> _Command:
    return click.option(
        "--data", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The index's folder."
    )(command)


def _listing(command: _Command) -> _Command:
    return click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")(_in_folder(command))


@user.command("add")
@click.argument("name")
@_in_folder
def add_user(name: str, data: Path) -> None:
    """Add the user NAME."""
    with _open(data) as folder:
        added = folder.manage.add_user(name)
    screen().step(f"User {added.name} added.")


@user.command("list")
@_listing
def list_users(data: Path, as_json: bool) -> None:
    """Show all users."""
    with _open(data) as folder:
        found = folder.manage.users()
    rows = [{"name": one.name, "id": one.id, "created": one.created} for one in found]
    _show(rows, as_json, "There are no users.", lambda row: f"{row['name']}  since {_day(row['created'])}")


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
@_in_folder
def create_token(
    user_name: str, scope: str, project: str | None, expires: str | None, secret_file: Path | None, data: Path
) -> None:
    """Make a token for USER and print it, this once."""
    seen = screen()
    seen.aside = True
    lifetime = None if expires is None else _seconds(expires)
    with _open(data, secret_file) as folder:
        owner = folder.manage.user(user_name)
        only = None if project is None else folder.manage.real_project(project)
        row, secret = folder.credentials.issue_user_token(owner, scope=scope, project=only, lifetime=lifetime)
        folder.manage.note_token(row)
        if only is not None and scope == "upload" and not folder.manage.is_member(only, owner):
            seen.warning(f"{owner.name} is no member of {only.name}, so the token cannot upload anything yet.")
    until = "until it is removed" if row.expires is None else f"until {_moment(row.expires)}"
    seen.mask(secret)
    seen.step(f"A token for {owner.name}, valid {until}. Its id is {row.id}; the token is shown this once:")
    seen.result(secret.reveal())


@token.command("list")
@_listing
def list_tokens(data: Path, as_json: bool) -> None:
    """Show all tokens that people hold; never the tokens themselves."""
    with _open(data) as folder:
        found = folder.manage.tokens()
        names = {one.id: one.name for one in folder.manage.users()}
    rows = [
        {
            "id": one.id, "user": names.get(one.user_id or ""), "scope": one.scope, "description": one.description,
            "created": one.created, "expires": one.expires, "revoked": one.burned,
        }
        for one in found
    ]  # fmt: skip
    _show(rows, as_json, "Nobody holds a token.", _token_line)


@token.command("remove")
@click.argument("token_id", metavar="ID")
@_in_folder
def remove_token(token_id: str, data: Path) -> None:
    """End the token with this ID."""
    with _open(data) as folder:
        ended = folder.manage.revoke_token(token_id)
    screen().step(f"The {ended.description} is not valid any more.")


@issuer.command("add")
@click.argument("url")
@click.option("--kind", default="github", show_default=True, help="Whose claims its tokens hold.")
@click.option(
    "--jwks", type=click.Path(path_type=Path), metavar="FILE", help="Its keys (JSON); they are never fetched."
)
@click.option(
    "--ca", type=click.Path(path_type=Path), metavar="FILE", help="Certificates (PEM) to fetch its keys with."
)
@_in_folder
def add_issuer(url: str, kind: str, jwks: Path | None, ca: Path | None, data: Path) -> None:
    """Believe the issuer URL, spelled exactly as its tokens do; or give a known one another source of keys."""
    keys = None if jwks is None else _json_file(jwks)
    certificates = None if ca is None else _file(ca)
    with _open(data) as folder:
        known = folder.manage.add_issuer(url, kind=kind, jwks=keys, ca=certificates)
    seen = screen()
    source = "the given key set" if jwks else "its own address"
    if known.replaced:
        seen.warning(
            f"THE KEYS OF A KNOWN ISSUER WERE REPLACED. From now on those of {url} come from {source}: whoever holds "
            f"them can publish as each of the {known.publishers} publisher(s) registered with it."
        )
    seen.step(f"Issuer {url} {'changed' if known.replaced else 'added'}; its keys come from {source}.")


@issuer.command("list")
@_listing
def list_issuers(data: Path, as_json: bool) -> None:
    """Show all issuers and where their keys come from."""
    with _open(data) as folder:
        found = folder.manage.issuers()
    rows = [
        {"url": one.url, "kind": one.kind, "keys": "given" if one.jwks else "fetched", "own_ca": one.ca is not None}
        for one in found
    ]
    _show(
        rows,
        as_json,
        "No issuer is known, so nobody can publish.",
        lambda row: f"{row['url']}  {row['kind']}, keys {row['keys']}" + (", own CA" if row["own_ca"] else ""),
    )


@issuer.command("remove")
@click.argument("url")
@_in_folder
def remove_issuer(url: str, data: Path) -> None:
    """Believe the issuer URL no more."""
    with _open(data) as folder:
        folder.manage.remove_issuer(url)
    screen().step(f"Issuer {url} removed.")


@publisher.command("add")
@click.argument("project")
@click.option("--kind", default="github", show_default=True, help="Which CI it is.")
@click.option("--repository", required=True, metavar="OWNER/NAME", help="The repository.")
@click.option("--workflow", required=True, metavar="FILE", help="File name in .github/workflows.")
@click.option("--environment", metavar="NAME", help="Environment the job must run in. Recommended.")
@click.option("--issuer", metavar="URL", help="Whose tokens the job shows.  [default: GitHub's public issuer]")
@click.option("--owner-id", metavar="N", help="Id of the repository's owner.")
@click.option("--repository-id", metavar="N", help="Id of the repository.")
@click.option("--pin-on-first-use", is_flag=True, help="Take the ids from the first job that publishes.")
@click.option(
    "--pending", is_flag=True, help="The project does not exist yet: hold its name 30 days for a first release."
)
@click.option("--owner", metavar="USER", help="With --pending: who owns the project once it is real.")
@_in_folder
def add_publisher(data: Path, issuer: str | None, **options: Any) -> None:
    """Let a job publish PROJECT."""
    from trustpub.index.registration import Wanted

    wanted = Wanted(**options) if issuer is None else Wanted(**options, issuer=issuer)
    with _open(data) as folder:
        registered = folder.manage.add_publisher(wanted)
    seen = screen()
    what = "added" if registered.new else "was registered already, and got one more project"
    seen.step(f"Publisher {registered.publisher.id} {what}: {_who(registered.publisher)}")
    project = registered.project
    if project.pending_until is not None:
        seen.step(f"The name {project.name} is held for its first release until {_moment(project.pending_until)}.")
    for sentence in registered.warnings:
        seen.warning(sentence)


@publisher.command("list")
@click.argument("project", required=False)
@_listing
def list_publishers(project: str | None, data: Path, as_json: bool) -> None:
    """Show all publishers, or those of PROJECT."""
    with _open(data) as folder:
        found = folder.manage.publishers(project)
    _show([_publisher_row(one) for one in found], as_json, "No publisher is registered.", _publisher_lines)


@publisher.command("remove")
@click.argument("publisher_id", metavar="ID")
@click.option("--project", metavar="NAME", help="Only take this project from it.")
@_in_folder
def remove_publisher(publisher_id: str, project: str | None, data: Path) -> None:
    """Remove the publisher with this ID, and every token it was minted."""
    with _open(data) as folder:
        before = folder.manage.remove_publisher(publisher_id, project)
    if project is not None and len(before.links) > 1:
        screen().step(f"Publisher {publisher_id} may not publish {printable(project)} any more.")
    else:
        screen().step(f"Publisher {publisher_id} removed, and every token it was minted.")


def _open(data: Path, secret_file: Path | None = None) -> Folder:
    from trustpub.index.bootstrap import open_folder

    return open_folder(data, create=False, secret_file=secret_file, clock=time.time, env=os.environ)


def _show(
    rows: Sequence[Mapping[str, Any]], as_json: bool, none: str, line: Callable[[Mapping[str, Any]], str]
) -> None:
    seen = screen()
    if as_json:
        seen.result(json.dumps(rows, indent=2))
    elif not rows:
        seen.step(none)
    for row in [] if as_json else rows:
        seen.result(line(row))


def _token_line(row: Mapping[str, Any]) -> str:
    if row["revoked"] is not None:
        state = f"ended {_moment(row['revoked'])}"
    elif row["expires"] is None:
        state = "valid until it is removed"
    else:
        state = f"{'expired' if row['expires'] <= time.time() else 'valid until'} {_moment(row['expires'])}"
    return f"{row['id']}  {row['description']}, {state}"


def _publisher_row(found: Publisher) -> dict[str, Any]:
    from trustpub.index.registration import missing_ids

    return {
        "id": found.id,
        "issuer": found.issuer,
        "kind": found.kind,
        **{name: found.fields.get(name) for name in ("repository", "workflow", "environment")},
        "owner_id": found.fields.get("owner_id"),
        "repository_id": found.fields.get("repository_id"),
        "not_pinned": list(missing_ids(found)),
        "projects": [{"name": link.project, "pending_until": link.pending_until} for link in found.links],
        "who": _who(found),
        "what": ", ".join(_link(link) for link in found.links),
    }


def _publisher_lines(row: Mapping[str, Any]) -> str:
    lines = f"{row['id']}  {row['who']}\n    publishes {row['what']}"
    if row["not_pinned"]:
        names = " and ".join(name.replace("_", " ") for name in row["not_pinned"])
        lines += f"\n    warning: not pinned yet, the {names} will be taken from the first job that publishes"
    return lines


def _link(link: Link) -> str:
    if link.pending_until is None:
        return link.project
    verb = "held until" if link.live(int(time.time())) else "was held until"
    return f"{link.project} (pending, {verb} {_day(link.pending_until)})"


def _who(found: Publisher) -> str:
    from trustpub.trust.providers.github import ISSUER

    where = found.fields.get("environment")
    parts = [found.fields["repository"], found.fields["workflow"]]
    parts += [f"environment {where}" if where else "any environment"]
    parts += [] if found.issuer == ISSUER else [f"by {found.issuer}"]
    return ", ".join(parts)


def _seconds(text: str) -> int:
    match = _DURATION.match(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= _MAX_DAYS * 86_400:
        raise Misuse(f"{printable(text)!r} is no time such as 30d, 12h, 45m or 4w, up to {_MAX_DAYS}d.")
    return seconds


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        if len(content) > _MAX_FILE_BYTES:
            raise Misuse(f"{printable(str(path))} is larger than {_MAX_FILE_BYTES} bytes.")
        return content.decode()
    except OSError as error:
        raise Misuse(f"{printable(str(path))} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise Misuse(f"{printable(str(path))} is not text.") from None


def _json_file(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(_file(path))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Misuse(f"{printable(str(path))} is not a JSON object.")
    return value


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
