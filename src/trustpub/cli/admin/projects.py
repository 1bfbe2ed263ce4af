# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin project``: what becomes of projects and their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from trustpub.cli.admin.folder import moment, show_rows
from trustpub.cli.admin.reach import Reach, listing, on_index
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable

_Command = TypeVar("_Command", bound=Callable[..., Any])
_PAGE = 1000
"""Projects that are asked for at a time."""
_SHOWN = 5
"""Files that are named one by one; of more, their number is told."""


@click.group()
def project() -> None:
    """Projects and their files: yank, delete, archive, quarantine, and what uploads must bring."""


def _choosing(command: _Command) -> _Command:
    """``--version``, ``--file`` and ``--all``, as :func:`_chosen` takes them."""
    command = click.option("--all", "everything", is_flag=True, help="All its files.")(command)
    command = click.option("--file", "filenames", multiple=True, metavar="NAME", help="This file. Repeatable.")(command)
    return click.option("--version", metavar="VERSION", help="All files of this release.")(command)


def _because(command: _Command) -> _Command:
    """``--reason``."""
    return click.option("--reason", default="", metavar="TEXT", help="Why; shown to those who install.")(command)


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    """What :func:`_choosing` added to the options, as operations take it."""
    version, filenames, everything = options["version"], options["filenames"], options["everything"]
    if [version is not None, bool(filenames), everything].count(True) != 1:
        raise Misuse("Which files?", hint="Say --version VERSION, --file NAME or --all.")
    return {"version": version, "filenames": list(filenames) or None, "everything": everything or None}


@project.command("yank")
@click.argument("name", metavar="PROJECT")
@_choosing
@_because
@on_index
def yank(name: str, reason: str, index: Reach, **options: Any) -> None:
    """Have installers pass files of PROJECT by, unless they are asked for that very version (PEP 592)."""
    changed = index.ask("project.yank", project=name, reason=reason, **_chosen(options))
    screen().step(f"Yanked: {_named(changed)}.")


@project.command("unyank")
@click.argument("name", metavar="PROJECT")
@_choosing
@on_index
def unyank(name: str, index: Reach, **options: Any) -> None:
    """Offer yanked files of PROJECT again."""
    changed = index.ask("project.unyank", project=name, **_chosen(options))
    screen().step(f"Offered again: {_named(changed)}.")


@project.command("delete")
@click.argument("name", metavar="PROJECT")
@_choosing
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_index
def delete(name: str, reason: str, yes: bool, index: Reach, **options: Any) -> None:
    """Delete files of PROJECT for good. Nobody can ever upload a file of one of these names again."""
    chosen = _chosen(options)
    seen = screen()
    if not yes:
        for filename in index.ask("project.delete", project=name, dry_run=True, **chosen)["files"]:
            seen.step(filename)
        click.confirm("Delete this for good?", abort=True, err=True)
    gone = index.ask("project.delete", project=name, reason=reason, **chosen)
    seen.step(f"Deleted: {_named(gone)}.")


@project.command("archive")
@click.argument("name", metavar="PROJECT")
@_because
@on_index
def archive(name: str, reason: str, index: Reach) -> None:
    """Take no uploads to PROJECT any more, and say so to those who install it (PEP 792)."""
    _tell(index.ask("project.status", project=name, status="archived", reason=reason))


@project.command("unarchive")
@click.argument("name", metavar="PROJECT")
@on_index
def unarchive(name: str, index: Reach) -> None:
    """Take uploads to PROJECT again."""
    _tell(index.ask("project.status", project=name, status="active", was="archived"))


@project.command("deprecate")
@click.argument("name", metavar="PROJECT")
@_because
@on_index
def deprecate(name: str, reason: str, index: Reach) -> None:
    """Say to those who install PROJECT that they should use another (PEP 792). All else goes on."""
    _tell(index.ask("project.status", project=name, status="deprecated", reason=reason))


@project.command("undeprecate")
@click.argument("name", metavar="PROJECT")
@on_index
def undeprecate(name: str, index: Reach) -> None:
    """Say no more that PROJECT should not be used."""
    _tell(index.ask("project.status", project=name, status="active", was="deprecated"))


@project.command("quarantine")
@click.argument("name", metavar="PROJECT")
@_because
@on_index
def quarantine(name: str, reason: str, index: Reach) -> None:
    """Serve no file of PROJECT and take none, until it is released. Nothing is lost."""
    _tell(index.ask("project.quarantine", project=name, reason=reason))


@project.command("release")
@click.argument("name", metavar="PROJECT")
@on_index
def release(name: str, index: Reach) -> None:
    """Let PROJECT out of quarantine, to the status it had before."""
    _tell(index.ask("project.release", project=name))


@project.command("policy")
@click.argument("name", metavar="PROJECT")
@click.option("--trusted-only/--any-token", default=None, help="Whether only tokens minted for a publisher may upload.")
@click.option(
    "--attestations",
    type=click.Choice(["optional", "required", "once"]),
    help="Of uploads; once: from the first file that comes with one on.",
)
@on_index
def policy(name: str, trusted_only: bool | None, attestations: str | None, index: Reach) -> None:
    """Show what uploads to PROJECT must bring, or change it."""
    if trusted_only is None and attestations is None:
        screen().result(index.ask("project.show", project=name)["project"]["policy"])
        return
    changed = index.ask("project.policy", project=name, trusted_only=trusted_only, attestations=attestations)
    screen().step(f"{changed['name']}: {changed['policy']}.")


@project.command("list")
@listing
def list_projects(index: Reach, as_json: bool) -> None:
    """Show all projects that have had a release."""
    rows: list[Any] = []
    while True:
        after = rows[-1]["name"] if rows else None
        found = index.ask("project.list", after=after, limit=_PAGE)["projects"]
        rows += found
        if len(found) < _PAGE:
            break
    show_rows(rows, as_json, "There are no projects.", _line)


@project.command("show")
@click.argument("name", metavar="PROJECT")
@listing
def show(name: str, index: Reach, as_json: bool) -> None:
    """Show PROJECT, its people, its publishers and its files; deleted ones too."""
    found = index.ask("project.show", project=name)
    row = {
        **found["project"],
        "members": found["members"],
        "publishers": [{"id": one["id"], "who": one["who"]} for one in found["publishers"]],
        "files": found["files"],
    }
    if as_json:
        show_rows([row], True, "", _line)
    else:
        screen().result(_lines(row))


def _tell(changed: Mapping[str, Any]) -> None:
    reason = f": {printable(changed['reason'])}" if changed["reason"] else ""
    screen().step(f"{changed['name']} is {changed['status']}{reason}.".replace("..", "."))


def _named(changed: Mapping[str, Any]) -> str:
    files = changed["files"]
    return f"{len(files)} files" if len(files) > _SHOWN else ", ".join(files)


def _line(row: Mapping[str, Any]) -> str:
    status = row["status"] if row["pending_until"] is None else f"held until {moment(row['pending_until'])}"
    reason = f" ({printable(row['reason'])})" if row["reason"] else ""
    return f"{row['name']}  {status}{reason}; {row['policy']}"


def _lines(row: Mapping[str, Any]) -> str:
    lines = [_line(row)]
    lines += [f"    {one['role']:10} {one['name']}" for one in row["members"]]
    lines += [f"    publisher  {one['id']}  {one['who']}" for one in row["publishers"]]
    lines += [f"    file       {_file_line(one)}" for one in row["files"]]
    return "\n".join(lines)


def _file_line(file: Mapping[str, Any]) -> str:
    marks = [f"{file['size']} bytes", moment(file["uploaded"])]
    if file["attested"]:
        marks.append("attested")
    if file["yanked"] is not None:
        marks.append(f"yanked{': ' if file['yanked'] else ''}{printable(file['yanked'])}")
    if file["deleted"] is not None:
        marks.append(f"deleted {moment(file['deleted'])}")
    return f"{file['filename']}  {', '.join(marks)}"
