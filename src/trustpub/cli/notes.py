# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub notes``: what a changelog says of one version."""

from __future__ import annotations

from pathlib import Path

import click

from trustpub.cli.show import screen
from trustpub.errors import Declined
from trustpub.printable import printable, quoted

_MOST = 8 * 1024 * 1024


@click.command()
@click.argument("version")
@click.option(
    "--changelog", default="CHANGELOG.md", show_default=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Markdown or reStructuredText.",
)  # fmt: skip
def notes(version: str, changelog: Path) -> None:
    """Print the section of a changelog about VERSION, for the notes of its release.

    VERSION may be the tag of the release, such as v1.2.3, as pyproject.toml declares tags. The section is what stands
    below the heading that names the version, as Keep a Changelog has it and towncrier writes it. If there is none, or
    nothing stands in it, this ends with 1.
    """
    from trustpub import declared
    from trustpub.workflow import notes as reading
    from trustpub.workflow import tags, texts
    from trustpub.workflow.version import parsed

    named = version.removeprefix("refs/tags/")
    styles = [declared.find(Path.cwd()).tag or tags.USUAL, tags.USUAL]
    meant = next((one for style in styles if (one := tags.version_of(named, style)) is not None), None) or parsed(named)
    shown = printable(str(changelog))
    text = texts.read(changelog, shown, most=_MOST).removeprefix("\ufeff")
    found = reading.section(text, meant)
    if found is None:
        there = ", ".join(printable(one, 60) for one in reading.versions(text)[:5]) or "none"
        raise Declined(
            f"{shown} has no section about {meant}.",
            hint=f"It has, of versions: {there}. Write one before the release.",
        )
    if not found.strip():
        raise Declined(f"The section of {shown} about {quoted(str(meant))} is empty.")
    screen().result(found)
