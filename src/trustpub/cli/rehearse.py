# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub rehearse``: a whole release, played on this machine, impostors included."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.show import Screen, screen
from trustpub.errors import Declined, Misuse, TrustpubError

if TYPE_CHECKING:
    from trustpub.rehearsal.plays.play import Wishes
    from trustpub.rehearsal.processes import Children
    from trustpub.rehearsal.release import Plan
    from trustpub.rehearsal.report import Report

_PROVIDERS = (
    "github", "gitlab", "google", "circleci", "buildkite", "azure", "bitbucket", "semaphore", "kubernetes", "jenkins",
    "forgejo", "activestate",
)  # fmt: skip
"""The kinds of :data:`trustpub.rehearsal.plays.table.PLAYABLE`, said again so that ``--help`` needs none of it."""
_CLIENTS = ("trustpub", "uv", "twine", "pdm", "poetry", "hatch", "flit")
"""As :data:`trustpub.rehearsal.clients.CLIENTS`."""


@click.command()
@click.argument("project_dir", metavar="[PROJECT_DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--provider", type=click.Choice(_PROVIDERS), default="github", show_default=True, help="Whose CI is played.",
)  # fmt: skip
@click.option(
    "--repository", metavar="OWNER/NAME",
    help="The repository, project, pipeline or job, as the CI calls it, if git's remote does not say it.",
)  # fmt: skip
@click.option("--workflow", metavar="FILE", help="The file that publishes, such as release.yml or .gitlab-ci.yml.")
@click.option("--environment", metavar="NAME", help="The environment of the job that publishes.")
@click.option(
    "--service-account", metavar="EMAIL|NAMESPACE/NAME",
    help="The service account that publishes from Google Cloud, or from Kubernetes.",
)  # fmt: skip
@click.option("--no-isolation", is_flag=True, help="Build with what is installed here: the offline way.")
@click.option("--dist", metavar="DIR", type=click.Path(path_type=Path), help="Take built files instead of building.")
@click.option("--version", metavar="V", help="Build as this version, put where the workflow would put it.")
@click.option(
    "--client", type=click.Choice(_CLIENTS), default="trustpub", show_default=True,
    help="Who publishes. What does not know Trusted Publishing on this CI is given a token by trustpub mint.",
)  # fmt: skip
@click.option("--with-deps", is_flag=True, help="Install the dependencies too, from the index you have configured.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object; steps go to stderr.")
@click.option("--keep", is_flag=True, help="Leave the index running at the end, and say where.")
def rehearse(
    project_dir: Path, provider: str, repository: str | None, workflow: str | None, environment: str | None,
    service_account: str | None, no_isolation: bool, dist: Path | None, version: str | None, client: str,
    with_deps: bool, as_json: bool, keep: bool,
) -> None:  # fmt: skip
    """Play a whole release offline, impostors included.

    The project is built in a copy, published by the real client to a real index that only exists for this, as the job
    of its own release workflow, and installed back. Then everybody who must not get a token asks for one. Nothing
    outside a temporary folder is touched.
    """
    from trustpub.rehearsal.plays.play import Wishes
    from trustpub.rehearsal.release import Plan

    if dist is not None and (version is not None or no_isolation):
        raise Misuse("With --dist nothing is built, so --version and --no-isolation have no meaning.")
    wishes = Wishes(repository=repository, workflow=workflow, environment=environment, service_account=service_account)
    _check_fit(provider, wishes)
    plan = Plan(
        folder=project_dir, provider=provider, wishes=wishes, isolation=not no_isolation, dist=dist, version=version,
        client=client, with_deps=with_deps,
    )  # fmt: skip
    seen = screen()
    seen.aside = as_json
    try:
        _rehearse(plan, seen, as_json=as_json, keep=keep)
    except TrustpubError as error:
        if as_json and not isinstance(error, _Found):
            told = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
            seen.result(json.dumps({"ok": False, "exit_code": error.exit_code, "error": told}, indent=2))
        raise


def _check_fit(provider: str, wishes: Wishes) -> None:
    """That nothing is said about a job of one CI that only a job of another has."""
    from trustpub.rehearsal.plays.table import PLAYABLE

    takes = PLAYABLE[provider].takes
    names = [field.name for field in fields(wishes) if getattr(wishes, field.name) is not None]
    given = [_option(name) for name in names if name not in takes]
    if given:
        raise Misuse(
            f"With --provider {provider}, {' and '.join(given)} {'has' if len(given) == 1 else 'have'} no meaning.",
            hint=f"Who publishes is said there with {' and '.join(map(_option, takes))}.",
        )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class _Found(Declined):
    """The rehearsal came to its end, and not all is as it must be."""


def _rehearse(plan: Plan, seen: Screen, *, as_json: bool, keep: bool) -> None:
    from trustpub.rehearsal.processes import Children
    from trustpub.rehearsal.release import rehearse as play
    from trustpub.rehearsal.report import document, lines

    kept: dict[str, Any] | None = None
    with _place() as place, Children() as children, _calm_end():
        report = play(plan, place.path, children, _Progress(seen), env=os.environ, clock=time.time)
        if keep:
            kept = _leave(report, place, children)
    if as_json:
        seen.result(json.dumps({**document(report), "exit_code": 0 if report.ok else 1, "kept": kept}, indent=2))
    elif not seen.quiet or not report.ok:
        seen.result("\n".join(["", *lines(report)]))
        seen.detail(f"in {report.seconds:.1f} s")
    if kept is not None and not as_json:
        seen.result(_told(kept))
    if not report.ok:
        raise _Found("Somebody was not refused as they must be: see NOT REFUSED above.")


class _Place:
    """A temporary folder, which goes with everything in it unless it is to be kept."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="trustpub-rehearsal-"))
        self.keep = False


@contextlib.contextmanager
def _place() -> Iterator[_Place]:
    place = _Place()
    try:
        yield place
    finally:
        if not place.keep:
            shutil.rmtree(place.path, ignore_errors=True)


@contextlib.contextmanager
def _calm_end() -> Iterator[None]:
    """Clean up once, whoever asks for the end, and however often."""
    main = threading.current_thread() is threading.main_thread()
    hang_up = getattr(signal, "SIGHUP", None)
    if main and hang_up is not None and signal.getsignal(hang_up) == signal.SIG_DFL:
        signal.signal(hang_up, lambda number, frame: sys.exit(128 + number))
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except BaseException:
        # A second Ctrl-C, out of impatience, would leave programs behind.
        if main:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise
    finally:
        if main and before is not None and sys.exc_info()[0] is None:
            signal.signal(signal.SIGINT, before)


def _leave(report: Report, place: _Place, children: Children) -> dict[str, Any]:
    children.leave(report.index.running)
    place.keep = True
    return {
        "url": report.index.url,
        "ca": str(report.index.ca),
        "data": str(report.index.data),
        "folder": str(place.path),
        "pid": report.index.pid,
    }


def _told(kept: dict[str, Any]) -> str:
    return "\n".join(
        [
            "",
            f"Still running  {kept['url']}",
            f"Its authority  {kept['ca']}",
            f"Its data       {kept['data']}",
            f"Stop it        kill {kept['pid']}",
            f"Clean up       rm -r {kept['folder']}",
            "The emulated CI ended with this command: from this index one can install, and no job gets a token.",
        ]
    )


class _Progress:
    """One line per step; on a terminal the step at work is shown until its line takes the place."""

    def __init__(self, seen: Screen) -> None:
        from trustpub.rehearsal.release import STEPS

        self._seen = seen
        self._steps = STEPS
        self._began = time.monotonic()
        stream = sys.stderr if seen.aside else sys.stdout
        moving = stream.isatty() and not seen.quiet and os.environ.get("TERM") != "dumb"
        self._terminal = stream if moving else None

    def begin(self, step: str) -> None:
        self._began = time.monotonic()
        if self._terminal is not None:
            self._terminal.write(f"{self._mark(step)} {step} …")
            self._terminal.flush()

    def done(self, step: str, text: str) -> None:
        if self._terminal is not None:
            self._terminal.write("\r\x1b[K")
        spent = time.monotonic() - self._began
        self._seen.step(f"{step:<9}  {text} ({spent:.1f} s)", mark=self._mark(step))

    def _mark(self, step: str) -> str:
        return f"{self._steps.index(step) + 1}/{len(self._steps)}"
