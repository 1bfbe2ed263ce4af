# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub init``: write the release of a project, and say what to register."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.questions import answering, read
from trustpub.cli.show import screen
from trustpub.cli.writing import How, Writing, encoded
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.cli.asking import Resolved
    from trustpub.cli.registration import Told
    from trustpub.declared import Declared
    from trustpub.workflow.findings import Finding
    from trustpub.workflow.generate.change import Change
    from trustpub.workflow.generate.registration import Command, Registration
    from trustpub.workflow.generate.written import Written
    from trustpub.workflow.infer.conclusion import Inferred

_FOLDER = ".github/workflows"
_LABELS: Mapping[str, str] = {"dynamic_version": "version from git", "pythons": "runs on Python"}
_SIZE = (
    "Every push adds files to TestPyPI, and a project there may have 10 GB in all: delete old development versions "
    "now and then, or choose --trial release."
)


@click.command()
@click.argument("project_dir", metavar="[PROJECT_DIR]", default=".", type=click.Path(path_type=Path))
@answering
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take the usual answers, and write.")
@click.option("--dry-run", "--diff", "dry_run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--update", is_flag=True, help="Write the marked parts anew, with the newest commits of the actions.")
@click.option(
    "--online/--offline", default=None, help="Ask GitHub for newer commits, and PyPI whether the project is there.",
)  # fmt: skip
@click.option("--migrate", metavar="WORKFLOW", help="Take the stored token out of this workflow, and change no more.")
@click.option("--register", is_flag=True, help="Register the publisher with the index whose folder --data names.")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="With --register: the index's folder.")
@click.option("--pin-on-first-use", is_flag=True, help="With --register: take ids from the first job that publishes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; writes only with --yes.")
def init(
    project_dir: Path, yes: bool, dry_run: bool, update: bool, online: bool | None, migrate: str | None,
    register: bool, data: Path | None, pin_on_first_use: bool, as_json: bool, **options: Any,
) -> int:  # fmt: skip
    """Write what a release of this project needs, and say what to register.

    What the project, its workflows and git say is not asked; the rest is, on a terminal, and every question is an
    option. Files are shown as a difference first, and nothing of yours is overwritten: what was written before is
    written anew between its two marks. At the end the doctor looks at the project.

    Ends with 1 if the doctor finds an error.
    """
    if register != (data is not None):
        raise Misuse("--register and --data DIR go together.")
    how = How(
        yes=yes, dry_run=dry_run or (as_json and not yes), update=update, online=online, as_json=as_json,
        ask=sys.stdin.isatty() and not (yes or update or as_json),
    )  # fmt: skip
    seen = screen()
    seen.aside = as_json
    given = read(options)
    if migrate is not None:
        from trustpub.cli.migrating import migrate as migrating

        return migrating(project_dir, migrate, given, how)
    return _Run(project_dir, given, how).go(data, pin=pin_on_first_use)


class _Run:
    """One project, from its folder to the findings of the doctor."""

    def __init__(self, folder: Path, given: Mapping[str, Any], how: How) -> None:
        from trustpub import declared
        from trustpub.cli import asking
        from trustpub.workflow.generate import table
        from trustpub.workflow.infer.project import infer

        self._how = how
        self._inferred: Inferred = infer(folder)
        self._declared: Declared = declared.find(self._inferred.folder)
        if how.ask:
            self._say_inferred(given)
        recalled = self._recalled(given)
        if how.update and not recalled:
            raise Misuse(
                "There is nothing to update: no file here has the marks of an earlier run.",
                hint="Run trustpub init without --update.",
            )
        self._resolved: Resolved = asking.resolve(given, recalled, self._inferred, self._declared, ask=how.ask)
        self._files: tuple[Written, ...] = table.files(self._resolved.answers)
        self._registrations: tuple[Registration, ...] = table.registration(self._resolved.answers)
        self._commands: tuple[Command, ...] = table.commands(self._resolved.answers)
        self._issuer = self._inferred.issuer if self._resolved.answers.platform == "gitlab" else None
        self._pins = "none are used"

    def go(self, data: Path | None, *, pin: bool) -> int:
        """Show, write, register, and examine."""
        changes = tuple(self._changes())
        writing = Writing(self._how)
        wrote = writing.write(self._inferred.root, changes)
        for note in self._notes(changes):
            screen().warning(note)
        registered: tuple[str, ...] = ()
        if data is not None and not self._how.dry_run:
            from trustpub.cli.registration import register

            registered = register(
                self._registrations, self._resolved.answers.project, data, issuer=self._issuer, pin=pin
            )
        found = self._examined() if wrote or not any(change.difference for change in changes) else None
        told = self._told()
        if self._how.as_json:
            screen().result(encoded(self._document(changes, told, found, registered, wrote)))
        else:
            self._show(told, found, registered)
            if self._how.ask and wrote and not self._how.dry_run:
                self._offer_rehearsal()
        return 1 if found is not None and any(one.severity == "error" for one in found[1]) else 0

    def _say_inferred(self, given: Mapping[str, Any]) -> None:
        for name, one in self._inferred.answers.items():
            if name not in given and name not in ("ids", "index", "version_file"):
                told = _LABELS.get(name, name.replace("_", " "))
                screen().step(f"{told}: {printable(_said(one.value), 200)} ({printable(one.why, 200)})")

    def _recalled(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was answered before, from the file that was written then."""
        from trustpub.cli.asking import platform_and_workflow
        from trustpub.workflow.generate import asked
        from trustpub.workflow.generate.change import read

        platform, workflow = platform_and_workflow(given, self._inferred)
        if workflow is None:
            return {}
        folder = PurePosixPath(_FOLDER if platform == "github" else ".")
        return asked.recalled(read(self._inferred.root, folder / workflow))

    def _changes(self) -> Iterator[Change]:
        """Of all files, ``pyproject.toml`` last."""
        from trustpub import declared
        from trustpub.workflow.generate import asked, declaration
        from trustpub.workflow.generate.change import Change, changes, read

        resolved, root = self._resolved, self._inferred.root
        noted = [asked.noted(file, resolved.values, resolved.usual) for file in self._files]
        yield from changes(root, self._pinned(noted))
        path = PurePosixPath(self._inferred.folder.relative_to(root).as_posix()) / declared.FILE
        before = read(root, path)
        member = len(self._inferred.members) > 1 and self._inferred.folder != root
        after = declaration.put(before, resolved.answers, self._registrations, issuer=self._issuer, workspace=member)
        yield Change(path=path, before=before, after=after)

    def _pinned(self, files: Sequence[Written]) -> Iterator[Written]:
        """The files with the newest commits of their actions that are known here."""
        from trustpub.workflow.generate import pinning
        from trustpub.workflow.generate.actions import AS_OF
        from trustpub.workflow.generate.change import read

        used = tuple(dict.fromkeys(name for file in files for name in pinning.used(file.text)))
        online = self._how.online if self._how.online is not None else self._how.update
        asked = pinning.newest(used, os.environ) if online and used else {}
        if used:
            missing = [name for name in used if name not in asked]
            self._pins = f"the newest that GitHub has of {', '.join(asked)}" if asked else ""
            if missing:
                known = f"of {AS_OF}, known to this trustpub" + (", or newer ones that the file has" * bool(used))
                self._pins += f"{'; ' if asked else ''}those {known}: {', '.join(missing)}"
            if online and missing:
                screen().warning(f"GitHub could not be asked about {', '.join(missing)}.")
        for file in files:
            before = read(self._inferred.root, file.path)
            pins = {**pinning.kept(before or ""), **asked}
            yield replace(file, text=pinning.repinned(file.text, pins))

    def _notes(self, changes: Sequence[Change]) -> Iterator[str]:
        yield from self._inferred.notes
        if self._resolved.answers.trial == "every-push":
            yield _SIZE
        yield from self._others(changes)
        for change in changes:
            if change.left:
                from trustpub.workflow.generate.change import BESIDE

                path = printable(str(change.path), 300)
                yield (
                    f"{path.removesuffix(BESIDE)} is yours: it has no marks of trustpub's, and is left as it is. What "
                    f"would stand there is in {path}. Take that in its place, give another file with --workflow, or "
                    "take a stored token out of yours with --migrate."
                )

    def _others(self, changes: Sequence[Change]) -> Iterator[str]:
        """Workflows of earlier runs that would publish beside the one of this run."""
        from trustpub.workflow.generate.change import read
        from trustpub.workflow.generate.written import BEGIN

        if self._inferred.members or self._resolved.answers.platform != "github":
            return  # each member of a workspace has one of its own
        own = {str(change.path) for change in changes}
        for path in sorted((self._inferred.root / _FOLDER).glob("*.y*ml")):
            name = path.relative_to(self._inferred.root).as_posix()
            if name not in own and BEGIN in (read(self._inferred.root, PurePosixPath(name)) or ""):
                yield f"{printable(name, 300)} is of an earlier run and publishes as well: keep one of the two."

    def _examined(self) -> tuple[int, tuple[Finding, ...]]:
        """How many files the doctor read, and what it found."""
        from trustpub.workflow.doctor import examine

        scene, found = examine(self._inferred.root)
        return len(scene.files) + len(scene.broken), found

    def _told(self) -> tuple[Told, ...]:
        from trustpub.cli.registration import tell

        online = self._how.online is True
        return tell(self._registrations, self._resolved.answers, issuer=self._issuer, online=online)

    def _show(
        self, told: Sequence[Told], found: tuple[int, tuple[Finding, ...]] | None, registered: Sequence[str]
    ) -> None:
        from trustpub.cli import registration
        from trustpub.workflow import telling

        seen = screen()
        if self._pins != "none are used":
            seen.step(f"Actions are pinned to commits: {self._pins}.")
        for line in registered:
            seen.step(line)
        for one in told:
            seen.result("\n".join(["", *one.lines()]))
        if self._commands:
            seen.result("\n".join(["", *registration.lines(self._commands)]))
        if found is not None:
            seen.result("")
            for line in telling.text(found[1]):
                seen.result(line)
            seen.result(f"trustpub doctor: {telling.summary(found[1], found[0])}")
        seen.result("Play the whole release, offline: trustpub rehearse")

    def _document(
        self, changes: Sequence[Change], told: Sequence[Told], found: tuple[int, tuple[Finding, ...]] | None,
        registered: Sequence[str], wrote: bool,
    ) -> dict[str, Any]:  # fmt: skip
        from trustpub.cli import registration
        from trustpub.workflow import telling

        return {
            "answers": _answers(self._resolved),
            "concluded": {
                name: {"value": _plain(one.value), "from": printable(one.why, 300)}
                for name, one in self._inferred.answers.items()
            },
            "files": [
                {"path": str(one.path), "change": one.kind, "difference": one.difference, "text": one.after}
                for one in changes
            ],
            "wrote": wrote,
            "pins": self._pins,
            "registration": [one.document() for one in told],
            "registered": list(registered),
            "settings": registration.document(self._commands),
            "notes": list(self._notes(changes)),
            "findings": None if found is None else telling.document(found[1])["findings"],
        }

    def _offer_rehearsal(self) -> None:
        if self._resolved.answers.platform != "generic" and click.confirm("Play it now", default=False, err=True):
            subprocess.run(
                [sys.executable, "-m", "trustpub", "rehearse", str(self._inferred.folder), "--provider",
                 self._resolved.answers.platform],
                check=False,
            )  # fmt: skip


def _answers(resolved: Resolved) -> dict[str, Any]:
    answers = resolved.answers
    return {
        field.name: _plain(getattr(answers, field.name))
        for field in fields(answers)
    }  # fmt: skip


def _said(value: Any) -> str:
    """An answer in a word or two."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _plain(value: Any) -> Any:
    """An answer as JSON has it."""
    if isinstance(value, PurePosixPath):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    if hasattr(value, "environment"):
        return {"name": value.name, "url": value.url, "environment": value.environment, "audience": value.audience}
    return dict(value) if isinstance(value, Mapping) else value
