# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub doctor``: will the next release be published, and as whom?"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustpub.cli.declaring import Choice, argument, command, option
from trustpub.cli.show import screen
from trustpub.errors import Misuse, TrustpubError
from trustpub.printable import printable, quoted
from trustpub.secret import Secret

if TYPE_CHECKING:
    from trustpub.workflow.findings import Finding
    from trustpub.workflow.scene import Scene

_MOST_CLAIMS = 64 * 1024


@command()
@argument("paths", metavar="[PATH]", nargs=-1)
@option("--fix", is_flag=True, help="Put right what a program can. Changes nothing that is not announced.")
@option(
    "--format",
    "form",
    type=Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="For people, for programs, for code scanning, or as annotations of a GitHub run.",
)
@option("--claims", metavar="FILE|-", help="Compare these claims (JSON, or an identity token) with what is declared.")
@option("--with-zizmor", is_flag=True, help="Also run zizmor, where it is installed, and show what it finds.")
@option("--online", is_flag=True, help="Also ask the index who published last, and GitHub for tags.")
@option("--github-token", metavar="VARIABLE", help="With --online: the variable whose token may read environments.")
@option("--index", metavar="URL|NAME", help="Of --claims: the index that is meant. In a CI job: ask it about this job.")
@option("--ca", metavar="FILE", help="PEM certificates to trust instead of the system's.")
@option("--identity-token", metavar="FILE|-", help="With --index: the token of the job that it is asked about.")
def doctor(paths: tuple[str, ...], fix: bool, form: str, **options: Any) -> int:
    """Say what is wrong with a project's releases, before release day.

    PATH is the project, or one file of it; without, the project in this folder. Looked at are its GitHub workflows and
    actions, .gitlab-ci.yml, cloudbuild.yaml and pyproject.toml. Nothing is asked over the network without --online.
    With --index, and in a CI job, an index of trustpub's own is asked whether it knows this job.

    Ends with 1 if something will go wrong. Warnings and advice end with 0.
    """
    gc.disable()  # a third of the time goes there otherwise, and all that is made is in use until the end
    if options["github_token"] is not None and not options["online"]:
        raise Misuse("--github-token is for questions, which only --online asks.", hint="Give --online as well.")
    if len(paths) > 1:
        raise Misuse("One project at a time, or one file of it.", hint="Give the folder that the others are in.")
    root, only = _project(Path(*paths))
    scene, own = _examined(root)
    others = _by_others(scene, options)
    found = _of(only, own, others)
    if fix and _put_right(root, scene, found, form):
        mended = {one.ident for one in others if one.edits}
        scene, own = _examined(root)
        found = _of(only, own, tuple(one for one in others if one.ident not in mended))
    _tell(scene, found, form)
    return 1 if any(one.severity == "error" for one in found) else 0


def _of(only: str | None, *found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """All of ``found``, or those of one file, in order."""
    from trustpub.workflow import doctor as examining

    return examining.ordered(one for several in found for one in several if only in (None, one.path))


def _project(path: Path) -> tuple[Path, str | None]:
    """The project, and the one file of it that was named."""
    from trustpub.workflow import scene

    if not path.exists():
        raise Misuse(f"There is no {quoted(str(path))}.", hint="Give the folder of a project, or a workflow of it.")
    root = scene.top(path)
    return root, path.absolute().relative_to(root).as_posix() if path.is_file() else None


def _examined(root: Path) -> tuple[Scene, tuple[Finding, ...]]:
    from trustpub.workflow import doctor as examining

    scene, found = examining.examine(root)
    if not scene.files and not scene.broken:
        raise Misuse(
            f"There is no workflow in {printable(str(root), 300)}: neither .github/workflows, nor .gitlab-ci.yml, nor "
            "cloudbuild.yaml.",
            hint="trustpub init writes one.",
        )
    return scene, found


def _by_others(scene: Scene, options: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What is found in claims, on the network, and by asking an index."""
    found: list[Finding] = []
    if options["with_zizmor"]:
        from trustpub.workflow import linting

        found += linting.findings(scene.root)
    if options["claims"] is not None:
        found += _claims(scene, options["claims"], options["index"])
    if options["online"]:
        found += _online(scene, options)
    if options["index"] is not None and options["claims"] is None:
        found += _asked(scene, options)
    return tuple(found)


def _put_right(root: Path, scene: Scene, found: Sequence[Finding], form: str) -> bool:
    """Whether any edit was made. Each is said."""
    from trustpub.workflow import doctor as examining
    from trustpub.workflow import fixing

    seen = screen()
    seen.aside = form != "text"
    plan = examining.remedy(scene, found)
    fixing.write(root, plan)
    for one in plan.made:
        told = printable(one.fix or one.message, 300)
        seen.step(f"{printable(one.path, 300)}:{one.line}  {one.ident}  {told}", mark="✓")
    if plan.left:
        seen.step(f"{len(plan.left)} more would change the same lines: run it again.")
    return bool(plan.made)


def _tell(scene: Scene, found: Sequence[Finding], form: str) -> None:
    from trustpub.workflow import telling

    seen = screen()
    if form == "json":
        seen.result(_plain(telling.document(found)))
    elif form == "sarif":
        seen.result(_plain(telling.sarif(found)))
    elif form == "github":
        for line in telling.commands(found):
            seen.result(line)
    else:
        for line in telling.text(found):
            seen.result(line)
        seen.result(telling.summary(found, len(scene.files) + len(scene.broken)))


def _plain(value: Any) -> str:
    # No text of a project's may become a command to the runner, which looks for this anywhere in a line.
    return json.dumps(value, indent=2).replace("##[", r"#\u0023[")


def _claims(scene: Scene, given: str, index: str | None) -> Iterator[Finding]:
    from trustpub.workflow import claimed

    name = index or scene.declared.default_index or next(iter(scene.declared.indexes), None)
    found = None if name is None else scene.declared.indexes.get(name)
    if name is None or found is None or found.publisher is None:
        raise Misuse(
            "--claims is compared with the publisher that pyproject.toml declares, and it declares none"
            + (f" for {quoted(name)}." if name else "."),
            hint="Write one under [tool.trustpub.indexes.NAME.publisher].",
        )
    yield from claimed.compare(scene, _read_claims(given), name)


def _read_claims(given: str) -> Mapping[str, Any]:
    from trustpub.ci import unverified

    told = "Standard input" if given == "-" else f"The file {quoted(given)}"
    try:
        if given == "-":
            text = sys.stdin.buffer.read(_MOST_CLAIMS + 1)
        else:
            with open(given, "rb") as file:
                text = file.read(_MOST_CLAIMS + 1)
    except OSError as error:
        raise Misuse(f"{told} cannot be read: {error.strerror}.") from None
    stripped = text.strip()
    if stripped.startswith(b"ey"):
        return unverified.claims(Secret(stripped.decode("ascii", "replace")))
    try:
        claims = json.loads(stripped) if len(text) <= _MOST_CLAIMS else None
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise Misuse(
            f"{told} holds neither the claims of an identity token as a JSON object, nor such a token.",
            hint="`trustpub whoami --json` shows a job's claims.",
        )
    inner = claims.get("claims")  # of `trustpub whoami --json`
    return inner if "iss" not in claims and isinstance(inner, dict) else claims


def _online(scene: Scene, options: Mapping[str, Any]) -> Iterator[Finding]:
    from trustpub.client import indexes
    from trustpub.http import Http
    from trustpub.workflow import online

    names = dict.fromkeys([*indexes.NAMED, *scene.declared.indexes])
    resolved = {name: indexes.resolve(name, scene.declared) for name in names}
    variable = options["github_token"]
    if variable is not None and not os.environ.get(variable):
        raise Misuse(f"{quoted(variable)}, which --github-token names, is not set.")
    addresses = online.Addresses(
        simple={name: index.simple_url for name, index in resolved.items() if index.simple_url is not None},
        github=os.environ.get("GITHUB_SERVER_URL") or "https://github.com",
        github_api=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        token=None if variable is None else Secret(os.environ[variable]),
    )
    with Http(env=os.environ, ca=options["ca"]) as http:
        asking = online.Asking(http, addresses)
        yield from asking.findings(scene)
    for one in asking.unanswered:
        screen().warning(one)


def _asked(scene: Scene, options: Mapping[str, Any]) -> Iterator[Finding]:
    """What the index would say to this job, if this is one."""
    from trustpub.cli.options import job
    from trustpub.client import indexes, preflight
    from trustpub.errors import NoIdentity
    from trustpub.http import Http
    from trustpub.workflow.located import Place
    from trustpub.workflow.rules import tp152
    from trustpub.workflow.scene import TOP

    index = indexes.resolve(options["index"], scene.declared)
    try:
        shown = job(options["identity_token"])
    except NoIdentity as error:
        raise Misuse(
            f"--index asks {index.origin} about the job that this is, and this is none: {error.message}",
            hint="Run it in a CI job, or give --identity-token or --claims.",
        ) from None
    place = Place(path=next((one.path for one in scene.files), "pyproject.toml"), spot=TOP)
    if scene.publishing:
        place = scene.publishing[0].place
    try:
        with Http(env=os.environ, ca=options["ca"] or index.ca) as http:
            reasons = preflight.ask(http, index, shown)
    except TrustpubError as error:
        screen().warning(error.message)
        return
    if reasons is not None:
        yield tp152.refused(place, index.name or index.origin, reasons)
