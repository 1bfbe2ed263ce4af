# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin publisher``: jobs that may publish, what, and under which rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trustpub.cli.admin.folder import in_folder, listing, moment, open_index, show_rows
from trustpub.cli.admin.wording import describe, describe_rules, link_line
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable, quoted

if TYPE_CHECKING:
    from trustpub.trust.publishers import Publisher, Rules

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SHORT = ("repository", "workflow", "calling_workflow", "environment", "owner_id", "repository_id")
"""Fields with an option of their own."""


def _ruled(command: _Command) -> _Command:
    """The options that make rules (parameters ``ref``, ``protected_ref``, ``events``, ``runner``)."""
    for option in reversed(
        (
            click.option(
                "--ref", metavar="PATTERN", help="Only runs for a ref like this, as refs/tags/v*: * crosses no slash."
            ),
            click.option("--protected-ref", is_flag=True, help="Only runs for a ref that the forge protects."),
            click.option(
                "--event", "events", multiple=True, metavar="NAME", help="Only runs started by this; may be repeated."
            ),
            click.option("--runner", metavar="KIND", help="Only runs on this kind of machine, as github-hosted."),
        )
    ):
        command = option(command)
    return command


@click.group()
def publisher() -> None:
    """Jobs that may publish, and what."""


@publisher.command("add")
@click.argument("project")
@click.option("--provider", "--kind", "kind", default="github", show_default=True, help="Which CI it is.")
@click.option("--issuer", metavar="URL", help="Whose tokens the job shows.  [default: the public one of that CI]")
@click.option("--field", "pairs", multiple=True, metavar="NAME=VALUE", help="What the job must be; may be repeated.")
@click.option("--repository", metavar="OWNER/NAME", help="GitHub: the repository.")
@click.option("--workflow", metavar="FILE", help="GitHub: the file in .github/workflows that holds the job.")
@click.option("--calling-workflow", metavar="FILE", help="GitHub: the file of this repository that calls it.")
@click.option("--environment", metavar="NAME", help="Environment the job must run in. Recommended.")
@click.option("--owner-id", metavar="N", help="GitHub: id of the repository's owner.")
@click.option("--repository-id", metavar="N", help="GitHub: id of the repository.")
@click.option("--immutable", multiple=True, metavar="NAME", help="Generic: the field is an id; may be repeated.")
@click.option(
    "--workload", multiple=True, metavar="NAME", help="Generic: the field says which job it is; may be repeated."
)
@_ruled
@click.option("--pin-on-first-use", is_flag=True, help="Take the ids from the first job that publishes.")
@click.option("--pending", is_flag=True, help="The project does not exist yet: hold its name for a first release.")
@click.option(
    "--hold-days", type=int, metavar="N", help="With --pending: for how long.  [default: 30, or as the index says]"
)
@click.option("--owner", metavar="USER", help="With --pending: who owns the project once it is real.")
@in_folder
def add_publisher(data: Path, pairs: tuple[str, ...], **options: Any) -> None:
    """Let a job publish PROJECT."""
    from trustpub.index.registration import Wanted

    fields = _fields(pairs, {name: options.pop(name) for name in _SHORT})
    rules = _rules(options)
    with open_index(data) as folder:
        registered = folder.publishers.add(Wanted(fields=fields, rules=rules, **options))
    seen = screen()
    what = "added" if registered.new else "was registered already, and got one more project"
    seen.step(f"Publisher {registered.publisher.id} {what}: {describe(registered.publisher)}")
    project = registered.project
    if project.pending_until is not None:
        seen.step(f"The name {project.name} is held for its first release until {moment(project.pending_until)}.")
    if said := describe_rules(rules):
        seen.step(f"It may publish {project.name} only from runs {said}.")
    for sentence in registered.warnings:
        seen.warning(sentence)


@publisher.command("list")
@click.argument("project", required=False)
@listing
def list_publishers(project: str | None, data: Path, as_json: bool) -> None:
    """Show all publishers, or those of PROJECT."""
    with open_index(data) as folder:
        found = folder.publishers.all(project)
    show_rows([_row(one) for one in found], as_json, "No publisher is registered.", _lines)


@publisher.command("show")
@click.argument("publisher_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@in_folder
def show_publisher(publisher_id: str, data: Path, as_json: bool) -> None:
    """Show the publisher with this ID: what a job must be, and what it may publish."""
    with open_index(data) as folder:
        row = _row(folder.publishers.get(publisher_id))
    if as_json:
        screen().result(json.dumps(row, indent=2))
        return
    screen().result(_lines(row))
    for name, value in {"issuer": row["issuer"], **row["fields"]}.items():
        screen().result(f"    {printable(name, 100)}: {printable(value, 300)}")


@publisher.command("rules")
@click.argument("publisher_id", metavar="ID")
@click.argument("project")
@_ruled
@click.option("--none", "no_rules", is_flag=True, help="Take all rules away: any run of the publisher will do.")
@in_folder
def set_rules(publisher_id: str, project: str, no_rules: bool, data: Path, **options: Any) -> None:
    """Let the publisher with this ID publish PROJECT only under these rules, whatever they were before."""
    rules = _rules(options)
    if no_rules == bool(describe_rules(rules)):
        raise Misuse(
            "Which rules?", hint="Give at least one of --ref, --protected-ref, --event and --runner, or --none alone."
        )
    with open_index(data) as folder:
        folder.publishers.set_rules(publisher_id, project, rules)
    said = describe_rules(rules)
    screen().step(
        f"Publisher {publisher_id} may publish {printable(project)} "
        + (f"only from runs {said}." if said else "from any run of its own.")
    )


@publisher.command("remove")
@click.argument("publisher_id", metavar="ID")
@click.option("--project", metavar="NAME", help="Only take this project from it.")
@in_folder
def remove_publisher(publisher_id: str, project: str | None, data: Path) -> None:
    """Remove the publisher with this ID, and every token it was minted."""
    with open_index(data) as folder:
        before = folder.publishers.remove(publisher_id, project)
    if project is not None and len(before.links) > 1:
        screen().step(f"Publisher {publisher_id} may not publish {printable(project)} any more.")
    else:
        screen().step(f"Publisher {publisher_id} removed, and every token it was minted.")


def _fields(pairs: tuple[str, ...], short: Mapping[str, str | None]) -> dict[str, str]:
    """All fields that were given, in either way."""
    found = {name: value for name, value in short.items() if value is not None}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Misuse(f"--field {quoted(pair)} is not NAME=VALUE.")
        if name in found:
            raise Misuse(f"The field {quoted(name)} is given twice.")
        found[name] = value
    return found


def _rules(options: dict[str, Any]) -> Rules:
    """Those among the options, which are taken out."""
    from trustpub.trust.publishers import Rules

    return Rules(
        ref=options.pop("ref"),
        protected_ref=options.pop("protected_ref"),
        events=tuple(dict.fromkeys(options.pop("events"))),
        runner=options.pop("runner"),
    )


def _row(found: Publisher) -> dict[str, Any]:
    from trustpub.index.manage.enrolment import rule_facts
    from trustpub.index.registration import missing_ids

    return {
        "id": found.id,
        "issuer": found.issuer,
        "kind": found.kind,
        "fields": dict(found.fields),
        "immutable": list(found.immutable),
        "not_pinned": list(missing_ids(found)),
        "projects": [
            {"name": link.project, "pending_until": link.pending_until, "rules": rule_facts(link.rules)}
            for link in found.links
        ],
        "who": describe(found),
        "what": [link_line(link) for link in found.links],
    }


def _lines(row: Mapping[str, Any]) -> str:
    lines = [f"{row['id']}  {row['who']}", *(f"    publishes {one}" for one in row["what"])]
    if not row["what"]:
        lines.append("    publishes nothing: another publisher's first release made the project it was to make")
    if row["not_pinned"]:
        names = " and ".join(name.replace("_", " ") for name in row["not_pinned"])
        lines.append(f"    warning: not pinned yet, the {names} will be taken from the first job that publishes")
    return "\n".join(lines)
