# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin import``: the files of another index become files of this one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trustpub.cli.admin.apply import named_files, read_document
from trustpub.cli.admin.folder import open_index
from trustpub.cli.admin.pace import Pace
from trustpub.cli.bars import amount
from trustpub.cli.settings import configuration, from_settings, taken
from trustpub.cli.show import screen
from trustpub.errors import Declined, Misuse
from trustpub.printable import printable, quoted

if TYPE_CHECKING:
    from trustpub.index.bootstrap.folder import Folder
    from trustpub.index.configuration.whole import Place
    from trustpub.index.imports.bringing import Outcome
    from trustpub.index.imports.found import Found, Left, Listing
    from trustpub.index.kept import User

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """How it is to be done, whatever is imported."""

    place: Place
    taking: Mapping[str, Any]
    """What the index takes: fields of :class:`trustpub.index.settings.Settings`."""
    owner: str | None
    apply: Path | None
    public_url: str | None
    dry_run: bool
    as_json: bool


def _importing(command: _Command) -> _Command:
    """The options of all imports, for :func:`_run` (parameter ``wish``)."""

    @wraps(command)
    def wished(*arguments: Any, **options: Any) -> Any:
        from trustpub.index.configuration.taking import taking
        from trustpub.index.configuration.whole import place

        file, given = taken(options)
        settings = configuration(file, given)
        takes = taking(settings)
        if settings["gateway.upstream"] is not None:
            raise Misuse(
                "An index that is a gateway keeps no files: there is nothing to import into.",
                hint="Upload them to the index behind it, or leave out gateway.upstream.",
            )
        own = {name: options.pop(name) for name in ("owner", "apply", "public_url", "dry_run", "as_json")}
        return command(*arguments, wish=_Wish(place=place(settings), taking=takes, **own), **options)

    found: Any = wished
    for option in reversed(_OPTIONS):
        found = option(found)
    return from_settings(*_SETTINGS)(found)  # type: ignore[no-any-return]


_SETTINGS = (
    "server.data", "server.secret_file", "taking.max_file_size", "taking.max_project_size", "taking.local_versions",
    "taking.direct_urls", "taking.close_releases_after",
)  # fmt: skip
"""What of the server's configuration an import goes by."""


_OPTIONS = (
    click.option("--owner", metavar="USER", help="Who is to own the projects that are made."),
    click.option(
        "--apply", type=click.Path(path_type=Path), metavar="FILE",
        help="Apply FILE first, as `trustpub admin apply` does: projects, their owners and publishers.",
    ),
    click.option("--public-url", metavar="URL", help="Make the index, in a new folder, with this URL for clients."),
    click.option("--dry-run", is_flag=True, help="Judge every file, and change nothing."),
    click.option("--json", "as_json", is_flag=True, help="Print a JSON object."),
)  # fmt: skip


@click.group("import")
def import_() -> None:
    """Take over the files of another index, with the times of their uploads, by the rules for uploads.

    Stop the server meanwhile. An import that was cut short goes on when it is run again.
    """


@import_.command("folder")
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_importing
def from_folder(folders: tuple[Path, ...], wish: _Wish) -> None:
    """Take wheels and source distributions from anywhere below FOLDER. Their times are those of the files."""
    from trustpub.index.adapters.sources.walking import list_folders

    _run("a folder", lambda: list_folders(folders), wish)


@import_.command("pypiserver")
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_importing
def from_pypiserver(folders: tuple[Path, ...], wish: _Wish) -> None:
    """Take what pypiserver serves from FOLDER. Where it has several, name all, in its order: the first file counts."""
    from trustpub.index.adapters.sources.walking import list_folders

    _run("pypiserver", lambda: list_folders(folders), wish)


@import_.command("devpi")
@click.argument("export", metavar="EXPORT", type=click.Path(path_type=Path))
@click.option("--index", "indexes", multiple=True, metavar="USER/INDEX", help="Which index of it; can be repeated.")
@_importing
def from_devpi(export: Path, indexes: tuple[str, ...], wish: _Wish) -> None:
    """Take the files of one index, or several, from EXPORT, the folder that devpi-export has written."""
    from trustpub.index.adapters.sources.devpi import list_export

    _run("devpi", lambda: list_export(export, indexes), wish)


def _run(source: str, look: Callable[[], Listing], wish: _Wish) -> None:
    from trustpub.index.gateway.standing import only_there

    if wish.dry_run and wish.public_url is not None:
        raise Misuse("--public-url makes an index, and --dry-run changes nothing.", hint="Give one of them.")
    seen = screen()
    seen.aside = wish.as_json
    listing = look()
    with _index(wish) as folder:
        with folder.store.read() as reading:
            only_there(reading, "Files are imported")
        owner = _owner(folder, wish.owner)
        planned = _apply(folder, wish)
        outcomes = _bring(folder, source, listing, owner, planned, wish)
    report = _report(source, outcomes, listing, wish)
    if wish.as_json:
        seen.result(json.dumps(report, indent=2))
    else:
        _tell(report)
    if report["refused"]:
        count = len(report["refused"])
        raise Declined(
            f"{count} of {count + report['imported'] + report['there']} file(s) were not taken; why, stands above.",
            hint="Mend what can be mended and run the same again: what is here already is left alone.",
        )


@contextmanager
def _index(wish: _Wish) -> Iterator[Folder]:
    """The index, which nobody serves meanwhile: the start of a server removes files that have no row yet."""
    from trustpub.index.adapters.lock import FolderLock
    from trustpub.index.bootstrap.opening import open_folder, prepare
    from trustpub.index.bootstrap.urls import read_public_url

    word = {"pid": os.getpid(), "does": "trustpub admin import"}
    if wish.public_url is None:
        with open_index(wish.place) as folder, FolderLock(wish.place.data) as lock:
            lock.tell(word)
            yield folder
        return
    url = read_public_url(wish.public_url)
    prepare(wish.place.data)
    with FolderLock(wish.place.data) as lock:
        lock.tell(word)
        with open_folder(
            wish.place.data,
            create=True,
            secret_file=wish.place.secret_file,
            public_url=url,
            clock=time.time,
            env=os.environ,
            postgres=wish.place.postgres,
            s3=wish.place.s3,
        ) as folder:
            for sentence in folder.said:
                screen().step(sentence)
            yield folder


def _owner(folder: Folder, name: str | None) -> User | None:
    if name is None:
        return None
    with folder.store.read() as reading:
        anybody = bool(reading.users())
    # In an index that was made just now nobody is there yet. Elsewhere a name that nobody has is a mistake.
    return folder.people.user(name) if anybody else folder.people.add(name)


def _apply(folder: Folder, wish: _Wish) -> frozenset[str]:
    """Do what the file says. Returns the normal forms of the projects in it."""
    from trustpub.packages.names import normalize

    if wish.apply is None:
        return frozenset()
    document = read_document(wish.apply)
    files = named_files(document, wish.apply.parent)
    applied = folder.applying.apply(document, read=files.__getitem__, dry_run=wish.dry_run)
    changed = sum(one.outcome != "unchanged" for one in applied.changes)
    screen().step(f"{printable(str(wish.apply))}: {changed} of {len(applied.changes)} entries changed something.")
    return frozenset(normalize(one["name"]) for one in document.get("projects", ()))


def _bring(
    folder: Folder, source: str, listing: Listing, owner: User | None, planned: frozenset[str], wish: _Wish
) -> Sequence[Outcome]:
    from trustpub.index.imports.bringing import IMPORTED, Import

    settings = replace(folder.settings, **wish.taking)
    bringing = Import(
        store=folder.store, blobs=folder.blobs, settings=settings, clock=folder.clock, owner=owner, source=source,
        dry_run=wish.dry_run, planned=planned,
    )  # fmt: skip
    outcomes: list[Outcome] = []
    seen = screen()
    with Pace(seen, len(listing.files), sum(one.size for one in listing.files)) as pace:
        try:
            for found in listing.files:
                pace.begins(found.filename)
                outcomes.append(bringing.bring(found, pace.moved))
                pace.ends(found.size)
        except BaseException:
            done = sum(one.state == IMPORTED for one in outcomes)
            seen.step(f"Cut short after {len(outcomes)} of {len(listing.files)} file(s), {done} of them new here.")
            seen.step("What is here, is here for good: run the same again, and it goes on.")
            raise
    if not wish.dry_run:
        bringing.end({**_counts(outcomes), "missing": len(listing.missing)})
    return outcomes


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    from trustpub.index.imports.bringing import IMPORTED, REFUSED, THERE

    return {state: sum(one.state == state for one in outcomes) for state in (IMPORTED, THERE, REFUSED)}


def _report(source: str, outcomes: Sequence[Outcome], listing: Listing, wish: _Wish) -> Mapping[str, Any]:
    from trustpub.index.imports.bringing import IMPORTED, REFUSED

    taken = [one for one in outcomes if one.state == IMPORTED]
    refused = [_row(one.found, one.reason) for one in outcomes if one.state == REFUSED]
    return {
        "source": source,
        "dry_run": wish.dry_run,
        **_counts(outcomes),
        "bytes": sum(one.found.size for one in taken),
        "projects": sorted({one.project for one in taken}),
        "refused": refused + [_row(one, one.reason) for one in listing.missing],
        "passed_over": [_row(one, one.reason) for one in listing.passed_over],
    }


def _row(one: Found | Left, reason: str) -> Mapping[str, str]:
    return {"file": printable(one.place, 400), "reason": printable(reason, 1000)}


def _tell(report: Mapping[str, Any]) -> None:
    seen = screen()
    for word, key in (("refused", "refused"), ("passed over", "passed_over")):
        for row in report[key]:
            seen.result(f"{word}  {quoted(row['file'])}  {row['reason']}")
    would = "would be imported" if report["dry_run"] else "imported"
    seen.step(
        f"{report['imported']} file(s) {would}, {amount(report['bytes'])}, of {len(report['projects'])} project(s); "
        f"{report['there']} were here already, {len(report['refused'])} refused, {len(report['passed_over'])} passed "
        "over."
    )
