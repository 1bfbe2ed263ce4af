# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub version``: read a project's version, or put one where it stands."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.show import screen
from trustpub.errors import Declined, Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from packaging.version import Version

    from trustpub.workflow.version import Source


@click.command()
@click.argument("version", required=False)
@click.option("--check", "checked", metavar="VERSION", help="Say whether VERSION may be released; write nothing.")
@click.option(
    "--development", type=click.IntRange(0, 10**9), metavar="N",
    help="Write a development version with this number: the next micro, .devN. Give the number of the run.",
)  # fmt: skip
@click.option("--unless-tag", is_flag=True, help="With --development: change nothing where a tag is being built.")
@click.option(
    "--project", default=".", type=click.Path(path_type=Path), metavar="DIR", help="Where pyproject.toml lies.  [.]"
)
@click.option(
    "--env-file", type=click.Path(path_type=Path), metavar="FILE",
    help="Where a version made from git is told to later steps, as NAME=VALUE.  [default: $GITHUB_ENV]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def version(
    version: str | None, checked: str | None, development: int | None, unless_tag: bool, project: Path,
    env_file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show the version of the project, or write VERSION where it stands.

    It is found where the build reads it: in pyproject.toml, or in the file that this names. VERSION must be one
    (PEP 440), be newer than what stands there and than every tag, and have no tag yet; otherwise this ends with 1 and
    nothing is written. Where the version is made from git's tags, nothing is written: --development then sets the
    variable that tells the build another.
    """
    if sum(one is not None for one in (version, checked, development)) > 1:
        raise Misuse("VERSION, --check and --development exclude each other.")
    if unless_tag and development is None:
        raise Misuse("--unless-tag has no meaning without --development.")
    seen = screen()
    seen.aside = True
    standing = _Standing(project)
    if development is not None:
        told = standing.develop(development, unless_tag=unless_tag, env_file=env_file)
    elif checked is not None:
        told = {"version": str(standing.judged(checked)), "changed": None}
    elif version is not None:
        told = standing.release(version)
    else:
        told = standing.shown()
    seen.result(json.dumps({**told, "source": standing.document()}, indent=2) if as_json else str(told["version"]))


class _Standing:
    """The version of one project, and what its repository says of it."""

    def __init__(self, folder: Path) -> None:
        from trustpub import declared
        from trustpub.workflow import repository, tags
        from trustpub.workflow import version as standing

        if not folder.is_dir():
            raise Misuse(
                f"{printable(str(folder))} is not a folder.", hint="Give the folder that holds pyproject.toml."
            )
        self._folder = folder = folder.resolve()
        self._source: Source = standing.source(folder)
        self._stands = standing.read(folder, self._source)
        self._style = declared.find(folder).tag or tags.USUAL
        root = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
        found = None if root is None else repository.find(root)
        self._tags: Sequence[str] = () if found is None else found.tags
        self._whole = root is not None and not (root / ".git" / "shallow").exists()
        """Whether all tags are here."""

    def document(self) -> Mapping[str, Any]:
        """Where it stands."""
        source = self._source
        return {
            "kind": source.kind,
            "path": None if source.line is None else source.line.path,
            "variable": source.variable,
            "why": source.why,
        }

    def shown(self) -> dict[str, Any]:
        """What stands there."""
        if self._stands is None:
            newest = self._newest()
            if newest is None or not self._source.from_git:
                raise Declined(f"No version stands here: {self._source.why}.")
            screen().step(f"No version stands here: {self._source.why}. This is that of the newest tag.")
            return {"version": str(newest), "changed": None}
        screen().step(f"{printable(self._stands, 100)}: {self._source.why}.")
        return {"version": self._stands, "changed": None}

    def judged(self, given: str) -> Version:
        """The version that is to be released.

        Raises:
            Misuse: it is none.
            Declined: it has a tag, or something newer is here.
        """
        from trustpub.workflow import tags
        from trustpub.workflow.version import parsed

        wanted = parsed(given)
        taken = tags.taken(wanted, self._tags, self._style)
        if taken is not None:
            raise Declined(
                f"{wanted} was released: the tag {printable(taken, 100)} is there.", hint="Choose a version of its own."
            )
        newest = self._newest()
        if newest is not None and wanted < newest:
            raise Declined(f"{wanted} is not newer than {newest}, which has a tag.", hint=f"Choose one after {newest}.")
        stands = _version(self._stands)
        # What stands in a file before it was ever tagged is the version of the first release.
        untagged = self._whole and stands is not None and (newest is None or stands > newest)
        if stands is not None and (wanted < stands or (wanted == stands and not untagged)):
            raise Declined(
                f"{wanted} is not newer than {stands}, which stands in the project.", hint=f"Choose one after {stands}."
            )
        return wanted

    def release(self, given: str) -> dict[str, Any]:
        """Write the version of a release."""
        from trustpub.workflow.version import write

        wanted = self.judged(given)
        if self._source.from_git:
            raise Misuse(
                f"There is nowhere to write a version: {self._source.why}.",
                hint=f"Make the tag of {wanted}; --check {wanted} says whether it may be released.",
            )
        path = write(self._folder, self._source, str(wanted))
        screen().step(f"{printable(str(path.relative_to(self._folder)))} says {wanted}; before it was {self._shown()}.")
        return {"version": str(wanted), "changed": path.relative_to(self._folder).as_posix()}

    def develop(self, number: int, *, unless_tag: bool, env_file: Path | None) -> dict[str, Any]:
        """Give this push a version that no other has."""
        from trustpub.workflow import tags
        from trustpub.workflow.version import next_development, write

        tag = _tag_at_work()
        if unless_tag and tag is not None:
            screen().step(f"The tag {printable(tag, 100)} is being built: its version stays.")
            found = tags.version_of(tag, self._style)
            return {"version": str(found or self._stands or ""), "changed": None}
        stands = _version(self._stands) if self._source.line is not None else self._newest()
        wanted = next_development(stands, number)
        if self._source.variable is not None:
            self._tell(self._source.variable, str(wanted), env_file)
            return {"version": str(wanted), "changed": self._source.variable}
        if self._source.kind == "tag":
            made = self._style.replace("{version}", str(wanted))
            tags.put(self._folder, made, os.environ)
            screen().step(f"This commit has the tag {printable(made)} here, which is pushed nowhere.")
            return {"version": str(wanted), "changed": made}
        path = write(self._folder, self._source, str(wanted)).relative_to(self._folder)
        screen().step(f"{printable(str(path))} says {wanted}.")
        return {"version": str(wanted), "changed": path.as_posix()}

    def _tell(self, variable: str, value: str, env_file: Path | None) -> None:
        path = env_file or (Path(os.environ["GITHUB_ENV"]) if os.environ.get("GITHUB_ENV") else None)
        if path is None:
            raise Misuse(
                f"The build is to see {variable}={value}, and nothing says where later steps read variables.",
                hint=f"Give --env-file FILE and read it, or run: export {variable}={value}",
            )
        lines = [f"{variable}={value}"]
        if env_file is None:
            # cibuildwheel builds for Linux in a container, which sees only what is named.
            passed = [*os.environ.get("CIBW_ENVIRONMENT_PASS_LINUX", "").split(), variable]
            lines.append(f"CIBW_ENVIRONMENT_PASS_LINUX={' '.join(dict.fromkeys(passed))}")
        try:
            with path.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise Misuse(f"{printable(str(path))} cannot be written: {error.strerror}.") from None
        screen().step(f"Later steps see {variable}={value}: {self._source.why}.")

    def _newest(self) -> Version | None:
        from trustpub.workflow import tags

        return tags.newest(self._tags, self._style)

    def _shown(self) -> str:
        return "none" if self._stands is None else printable(self._stands, 100)


def _version(text: str | None) -> Version | None:
    from packaging.version import InvalidVersion, Version

    try:
        return None if text is None else Version(text)
    except InvalidVersion:
        return None


def _tag_at_work() -> str | None:
    """The tag that this job was started for, as GitHub and GitLab say it."""
    ref = os.environ.get("GITHUB_REF", "")
    if ref.startswith("refs/tags/"):
        return ref.removeprefix("refs/tags/")
    return os.environ.get("CI_COMMIT_TAG") or os.environ.get("TAG_NAME") or None
