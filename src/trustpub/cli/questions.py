# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The questions of ``trustpub init`` as options: every one of them can be answered on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

from trustpub.errors import Misuse
from trustpub.printable import printable

_Function = TypeVar("_Function", bound=Callable[..., Any])
_PLATFORMS = ("github", "gitlab", "google", "activestate", "generic")
_OPTIONS = (
    click.option("--platform", type=click.Choice(_PLATFORMS), help="Where releases are made.  [git's remote]"),
    click.option("--repository", metavar="OWNER/NAME", help="As the platform spells it.  [git's remote]"),
    click.option("--project", metavar="NAME", help="Of the package.  [pyproject.toml]"),
    click.option("--index", metavar="URL|NAME", help="Where releases go.  [as declared, else pypi]"),
    click.option("--audience", metavar="AUDIENCE", help="The only one that the index may ask for."),
    click.option("--environment", metavar="NAME", help="Of the job that publishes; empty: none."),
    click.option("--workflow", metavar="FILE", help="The file that publishes.  [the one that does now]"),
    click.option("--trigger", type=click.Choice(("tag", "release", "dispatch")), help="What starts a release.  [tag]"),
    click.option(
        "--trial",
        "--testpypi",
        type=click.Choice(("never", "release", "every-push", "own")),
        help="Where it is tried: nowhere, on TestPyPI with each release or push, on an index of the job's own.",
    ),
    click.option("--tests", metavar="COMMAND", help="Must end well before anything is built; empty: none."),
    click.option("--python", "pythons", metavar="LIST", help="On which the tests run, as 3.12,3.13."),
    click.option("--build-python", "python", metavar="VERSION", help="That builds.  [3.13]"),
    click.option("--builder", type=click.Choice(("build", "hatch", "poetry", "uv")), help="Who builds."),
    click.option("--compiled/--pure", default=None, help="Wheels for each platform, or one for all."),
    click.option("--branch", metavar="NAME", help="The default one.  [the remote's]"),
    click.option("--tag", metavar="STYLE", help="How a tag is made, as v{version}.  [as tags are]"),
    click.option("--changelog", metavar="FILE", help="Whose section becomes the notes; empty: made from commits."),
    click.option("--github-release/--no-github-release", default=None, help="Make a release on GitHub, too."),
    click.option("--reviewers/--no-reviewers", default=None, help="Somebody approves each release."),
    click.option("--attestations/--no-attestations", default=None, help="Sign what is published."),
    click.option("--action", type=click.Choice(("pypa", "trustpub")), help="Whose uploads.  [as fits the index]"),
    click.option("--service-account", metavar="EMAIL", help="Google Cloud: who publishes."),
    click.option("--actor", metavar="USER", help="ActiveState: who starts the build."),
    click.option("--id", "ids", multiple=True, metavar="NAME=ID", help="Of the publisher, as repository-id=42."),
)


def answering(command: _Function) -> _Function:
    """Every option that answers a question, as keyword parameters; :func:`read` makes answers of them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was said on the command line, by question; a question that was not answered is not there.

    Raises:
        Misuse: an id is not NAME=ID.
    """
    given = {name: value for name, value in options.items() if value is not None and value != ()}
    if "pythons" in given:
        given["pythons"] = tuple(one.strip() for one in given["pythons"].split(",") if one.strip())
    if given.get("changelog") == "":
        given["changelog"] = None
    if "ids" in given:
        given["ids"] = dict(_pairs(given["ids"]))
    return given


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise Misuse(f"--id is NAME=ID, such as repository-id=42, and not {printable(word, 100)}.")
        yield name.replace("-", "_"), value
