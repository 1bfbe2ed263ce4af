# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub check``: will an index take these files?"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.show import Screen, screen
from trustpub.errors import Declined
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.client.checking import Demands, Judged, Verdict


@click.command()
@click.argument("distributions", metavar="[DIST]...", nargs=-1)
@click.option("--index", metavar="NAME|URL", help="Whose rules hold beside those of every index.  [default: pypi]")
@click.option("--tag", "ref", metavar="REF", help="The tag that is released.  [default: what GitHub or GitLab says]")
@click.option("--strict", is_flag=True, help="Take a warning for a fault.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as one JSON object.")
def check(distributions: tuple[str, ...], index: str | None, ref: str | None, strict: bool, as_json: bool) -> None:
    """Judge distributions as an index will.

    DIST are wheels and source distributions, or patterns of them; without any, dist/*. Archives, names, metadata, the
    files of a release together, and whether the description can be shown: with the code that an index of trustpub's
    has. Nothing is asked over the network.
    """
    from trustpub.client import checking, files

    judged = checking.check(files.named(distributions), _demands(index, ref))
    seen = screen()
    if as_json:
        seen.result(json.dumps(_document(judged), indent=2))
    else:
        _show(judged, seen)
    warned = bool(judged.warnings) or any(verdict.warnings for verdict in judged.verdicts)
    if not judged.fit or (strict and warned):
        raise Declined("Not all of this is fit to be published.")


def _demands(index: str | None, ref: str | None) -> Demands:
    from trustpub import declared
    from trustpub.client import checking, indexes

    project = declared.find(Path.cwd())
    meant = indexes.resolve(index, project)
    public = meant.upload_url in indexes.NAMED.values()
    return replace(
        checking.PYPI if public else checking.Demands(),
        expect=project.expect,
        tag=project.tag,
        ref=_whole(ref) or os.environ.get("GITHUB_REF") or _whole(os.environ.get("CI_COMMIT_TAG")),
        describe=_describe if find_spec("readme_renderer") is not None else None,
    )


def _whole(tag: str | None) -> str | None:
    """A tag by its whole name."""
    return tag if not tag or tag.startswith("refs/") else f"refs/tags/{tag}"


def _describe(text: str, content_type: str | None) -> tuple[str, ...]:
    from trustpub.description import render

    return render(text, content_type).faults


def _show(judged: Judged, seen: Screen) -> None:
    for verdict in judged.verdicts:
        _show_one(verdict, seen)
    for warning in judged.warnings:
        seen.warning(warning)
    for fault in judged.faults:
        seen.error(fault)


def _show_one(verdict: Verdict, seen: Screen) -> None:
    path = printable(verdict.path)
    for warning in verdict.warnings:
        seen.warning(f"{path}: {warning}")
    for fault in verdict.faults:
        seen.error(f"{path}: {fault}")
    if not verdict.faults and verdict.distribution is not None:
        one = verdict.distribution
        seen.step(f"{path}: fit ({one.submission.name} {one.submission.version}, {one.size:,} bytes)")


def _document(judged: Judged) -> dict[str, Any]:
    return {
        "fit": judged.fit,
        "faults": list(judged.faults),
        "warnings": list(judged.warnings),
        "files": [
            {
                "path": verdict.path,
                "fit": not verdict.faults,
                "faults": list(verdict.faults),
                "warnings": list(verdict.warnings),
                **_facts(verdict),
            }
            for verdict in judged.verdicts
        ],
    }


def _facts(verdict: Verdict) -> dict[str, Any]:
    one = verdict.distribution
    if one is None:
        return {}
    return {
        "name": one.submission.name,
        "version": one.submission.version,
        "size": one.size,
        "sha256": one.submission.sha256,
    }
