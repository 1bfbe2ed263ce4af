# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin project``: what becomes of projects and their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trustpub.cli.admin.folder import in_folder, listing, moment, open_index, show_rows
from trustpub.cli.admin.wording import describe
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.kept import File, Project
    from trustpub.index.manage.projects import Chosen

_Command = TypeVar("_Command", bound=Callable[..., Any])
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


def _chosen(options: dict[str, Any]) -> Chosen:
    """What :func:`_choosing` added to the options, which is taken out."""
    from trustpub.index.manage.projects import Chosen

    chosen = Chosen(
        version=options.pop("version"), filenames=options.pop("filenames"), everything=options.pop("everything")
    )
    if [chosen.version is not None, bool(chosen.filenames), chosen.everything].count(True) != 1:
        raise Misuse("Which files?", hint="Say --version VERSION, --file NAME or --all.")
    return chosen


@project.command("yank")
@click.argument("name", metavar="PROJECT")
@_choosing
@_because
@in_folder
def yank(name: str, reason: str, data: Path, **options: Any) -> None:
    """Have installers pass files of PROJECT by, unless they are asked for that very version (PEP 592)."""
    chosen = _chosen(options)
    with open_index(data) as folder:
        changed = folder.projects.yank(name, chosen, reason)
    screen().step(f"Yanked: {_named(changed)}.")


@project.command("unyank")
@click.argument("name", metavar="PROJECT")
@_choosing
@in_folder
def unyank(name: str, data: Path, **options: Any) -> None:
    """Offer yanked files of PROJECT again."""
    chosen = _chosen(options)
    with open_index(data) as folder:
        changed = folder.projects.unyank(name, chosen)
    screen().step(f"Offered again: {_named(changed)}.")


@project.command("delete")
@click.argument("name", metavar="PROJECT")
@_choosing
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_folder
def delete(name: str, reason: str, yes: bool, data: Path, **options: Any) -> None:
    """Delete files of PROJECT for good. Nobody can ever upload a file of one of these names again."""
    chosen = _chosen(options)
    seen = screen()
    with open_index(data) as folder:
        if not yes:
            for file in folder.projects.choose(name, chosen):
                seen.step(file.filename)
            click.confirm("Delete this for good?", abort=True, err=True)
        gone = folder.projects.delete(name, chosen, reason)
    seen.step(f"Deleted: {_named(gone)}.")


@project.command("archive")
@click.argument("name", metavar="PROJECT")
@_because
@in_folder
def archive(name: str, reason: str, data: Path) -> None:
    """Take no uploads to PROJECT any more, and say so to those who install it (PEP 792)."""
    with open_index(data) as folder:
        _tell(folder.projects.archive(name, reason))


@project.command("unarchive")
@click.argument("name", metavar="PROJECT")
@in_folder
def unarchive(name: str, data: Path) -> None:
    """Take uploads to PROJECT again."""
    from trustpub.index.kept import ARCHIVED

    with open_index(data) as folder:
        _tell(folder.projects.reactivate(name, ARCHIVED))


@project.command("deprecate")
@click.argument("name", metavar="PROJECT")
@_because
@in_folder
def deprecate(name: str, reason: str, data: Path) -> None:
    """Say to those who install PROJECT that they should use another (PEP 792). All else goes on."""
    with open_index(data) as folder:
        _tell(folder.projects.deprecate(name, reason))


@project.command("undeprecate")
@click.argument("name", metavar="PROJECT")
@in_folder
def undeprecate(name: str, data: Path) -> None:
    """Say no more that PROJECT should not be used."""
    from trustpub.index.kept import DEPRECATED

    with open_index(data) as folder:
        _tell(folder.projects.reactivate(name, DEPRECATED))


@project.command("quarantine")
@click.argument("name", metavar="PROJECT")
@_because
@in_folder
def quarantine(name: str, reason: str, data: Path) -> None:
    """Serve no file of PROJECT and take none, until it is released. Nothing is lost."""
    with open_index(data) as folder:
        _tell(folder.projects.quarantine(name, reason))


@project.command("release")
@click.argument("name", metavar="PROJECT")
@in_folder
def release(name: str, data: Path) -> None:
    """Let PROJECT out of quarantine, to the status it had before."""
    with open_index(data) as folder:
        _tell(folder.projects.release(name))


@project.command("policy")
@click.argument("name", metavar="PROJECT")
@click.option("--trusted-only/--any-token", default=None, help="Whether only tokens minted for a publisher may upload.")
@click.option(
    "--attestations",
    type=click.Choice(["optional", "required", "once"]),
    help="Of uploads; once: from the first file that comes with one on.",
)
@in_folder
def policy(name: str, trusted_only: bool | None, attestations: str | None, data: Path) -> None:
    """Show what uploads to PROJECT must bring, or change it."""
    with open_index(data) as folder:
        if trusted_only is None and attestations is None:
            screen().result(_policy(folder.projects.show(name).project))
            return
        changed = folder.projects.set_policy(name, trusted_only=trusted_only, attestations=attestations)
    screen().step(f"{changed.name}: {_policy(changed)}.")


@project.command("list")
@listing
def list_projects(data: Path, as_json: bool) -> None:
    """Show all projects that have had a release."""
    with open_index(data) as folder:
        rows = [_row(one) for one in folder.projects.all()]
    show_rows(rows, as_json, "There are no projects.", _line)


@project.command("show")
@click.argument("name", metavar="PROJECT")
@listing
def show(name: str, data: Path, as_json: bool) -> None:
    """Show PROJECT, its people, its publishers and its files; deleted ones too."""
    with open_index(data) as folder:
        found = folder.projects.show(name)
    row = {
        **_row(found.project),
        "members": [{"name": one.user.name, "role": one.role} for one in found.members],
        "publishers": [{"id": one.id, "who": describe(one)} for one in found.publishers],
        "files": [_file_row(one) for one in found.files],
    }
    if as_json:
        show_rows([row], True, "", _line)
    else:
        screen().result(_lines(row))


def _tell(changed: Project) -> None:
    reason = f": {printable(changed.status_reason)}" if changed.status_reason else ""
    screen().step(f"{changed.name} is {changed.status}{reason}.".replace("..", "."))


def _named(files: Sequence[File]) -> str:
    if len(files) > _SHOWN:
        return f"{len(files)} files"
    return ", ".join(one.filename for one in files)


def _policy(found: Project) -> str:
    who = "only publishers may upload" if found.trusted_only else "publishers and people may upload"
    asked = {
        "optional": "attestations are taken and not asked for",
        "required": "every file needs an attestation",
        "once": "every file needs an attestation once one came with it",
    }
    return f"{who}; {asked[found.attestations]}"


def _row(found: Project) -> dict[str, Any]:
    return {
        "name": found.name, "id": found.id, "created": found.created, "pending_until": found.pending_until,
        "status": found.status, "reason": found.status_reason, "trusted_only": found.trusted_only,
        "attestations": found.attestations, "policy": _policy(found),
    }  # fmt: skip


def _file_row(file: File) -> dict[str, Any]:
    return {
        "filename": file.filename, "version": file.version, "size": file.size, "sha256": file.sha256,
        "uploaded": file.uploaded, "yanked": file.yanked, "deleted": file.deleted, "attested": file.attested,
    }  # fmt: skip


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
