# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin publisher``: jobs that may publish, what, and under which rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from trustpub.cli.admin.folder import moment, show_rows
from trustpub.cli.admin.reach import Reach, listing, on_index
from trustpub.cli.show import screen
from trustpub.errors import Misuse
from trustpub.printable import printable, quoted

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
@on_index
def add_publisher(
    project: str, index: Reach, pairs: tuple[str, ...], pending: bool, hold_days: int | None, owner: str | None,
    **options: Any,
) -> None:  # fmt: skip
    """Let a job publish PROJECT."""
    fields = _fields(pairs, {name: options.pop(name) for name in _SHORT})
    rules = _rules(options)
    options = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
    if pending:
        registered = index.ask(
            "pending.add", name=project, fields=fields, rules=rules, owner=owner, hold_days=hold_days, **options
        )
    elif owner is not None or hold_days is not None:
        what = "An owner" if owner is not None else "A time to hold"
        raise Misuse(f"{what} is only named for a project that does not exist yet.", hint="Add --pending.")
    else:
        registered = index.ask("publisher.add", project=project, fields=fields, rules=rules, **options)
    seen, found = screen(), registered["publisher"]
    what = "added" if registered["new"] else "was registered already, and got one more project"
    seen.step(f"Publisher {found['id']} {what}: {found['who']}")
    there = registered["project"]
    if there["pending_until"] is not None:
        seen.step(f"The name {there['name']} is held for its first release until {moment(there['pending_until'])}.")
    if said := _describe(rules):
        seen.step(f"It may publish {there['name']} only from runs {said}.")
    for sentence in registered["warnings"]:
        seen.warning(sentence)


@publisher.command("list")
@click.argument("project", required=False)
@listing
def list_publishers(project: str | None, index: Reach, as_json: bool) -> None:
    """Show all publishers, or those of PROJECT."""
    found = index.ask("publisher.list") if project is None else index.ask("project.publishers", project=project)
    show_rows(found["publishers"], as_json, "No publisher is registered.", _lines)


@publisher.command("show")
@click.argument("publisher_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@on_index
def show_publisher(publisher_id: str, index: Reach, as_json: bool) -> None:
    """Show the publisher with this ID: what a job must be, and what it may publish."""
    row = index.ask("publisher.show", publisher=publisher_id)
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
@on_index
def set_rules(publisher_id: str, project: str, no_rules: bool, index: Reach, **options: Any) -> None:
    """Let the publisher with this ID publish PROJECT only under these rules, whatever they were before."""
    rules = _rules(options)
    if no_rules == bool(rules):
        raise Misuse(
            "Which rules?", hint="Give at least one of --ref, --protected-ref, --event and --runner, or --none alone."
        )
    index.ask("publisher.rules", project=project, publisher=publisher_id, **rules)
    said = _describe(rules)
    screen().step(
        f"Publisher {publisher_id} may publish {printable(project)} "
        + (f"only from runs {said}." if said else "from any run of its own.")
    )


@publisher.command("remove")
@click.argument("publisher_id", metavar="ID")
@click.option("--project", metavar="NAME", help="Only take this project from it.")
@on_index
def remove_publisher(publisher_id: str, project: str | None, index: Reach) -> None:
    """Remove the publisher with this ID, and every token it was minted."""
    if project is None:
        index.ask("publisher.remove", publisher=publisher_id)
    elif not index.ask("publisher.unlink", project=project, publisher=publisher_id)["gone"]:
        screen().step(f"Publisher {publisher_id} may not publish {printable(project)} any more.")
        return
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


def _rules(options: dict[str, Any]) -> dict[str, Any]:
    """Those among the options that are set; all are taken out."""
    events = list(dict.fromkeys(options.pop("events")))
    given = {"ref": options.pop("ref"), "protected_ref": options.pop("protected_ref"), "events": events}
    found = {**given, "runner": options.pop("runner")}
    # Given and empty is no rule, and is told so; not given is none.
    return {name: value for name, value in found.items() if value not in (None, False, [])}


def _describe(rules: Mapping[str, Any]) -> str:
    from trustpub.trust.publishers import Rules
    from trustpub.trust.wording import describe_rules

    return describe_rules(Rules(**{**rules, "events": tuple(rules.get("events", ()))}))


def _lines(row: Mapping[str, Any]) -> str:
    lines = [f"{row['id']}  {row['who']}", *(f"    publishes {one}" for one in row["what"])]
    if not row["what"]:
        lines.append("    publishes nothing: another publisher's first release made the project it was to make")
    if row["not_pinned"]:
        names = " and ".join(name.replace("_", " ") for name in row["not_pinned"])
        lines.append(f"    warning: not pinned yet, the {names} will be taken from the first job that publishes")
    return "\n".join(lines)
