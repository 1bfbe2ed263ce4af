# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Write the pages that the code itself says: every command, every exit code, problem and identity provider, and
how the index does beside others.

`make docs` writes them; with ``--check``, which `make check` gives, nothing is written, and a page that is not up to
date ends with 1 and the difference.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from generate_apply import apply_file_page
from generate_comparisons import flows_page, threats_page, verdicts_page
from generate_failures import failures_page
from generate_management import management_page
from generate_measured import measured_pages
from generate_problems import problem_codes_page
from generate_providers import providers_page
from generate_rules import rule_pages
from generate_scale import scale_pages
from generate_settings import settings_page

from trustpub import errors
from trustpub.cli.main import BUG, INTERRUPTED, TERMINATED, _group

REFERENCE = Path(__file__).parent / "reference"
BANNER = "<!-- Written by docs/generate.py. -->\n\n"


def contexts(command: click.Command, name: str, above: click.Context | None = None) -> Iterator[click.Context]:
    """A context for ``command`` and for everything below it."""
    if command.hidden:
        return
    context = click.Context(command, info_name=name, parent=above, max_content_width=100, terminal_width=100)
    yield context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from contexts(found, below, context)


def cli_page() -> str:
    """Every command's ``--help``, as a terminal of 100 columns shows it."""
    parts = ["# Commands\n\nWhat `--help` says, of every command.\n"]
    for context in contexts(_group(), "trustpub"):
        said = "\n".join(line.rstrip() for line in context.get_help().strip().splitlines())
        parts.append(f"\n## {context.command_path}\n\n```text\n{said}\n```\n")
    return BANNER + "".join(parts)


def exit_codes_page() -> str:
    """The table of exit codes, from the error classes."""
    by_code: dict[int, list[str]] = {0: ["done"]}
    for kind in _kinds(errors.TrustpubError):
        if kind is not errors.TrustpubError and "exit_code" in vars(kind):
            by_code.setdefault(kind.exit_code, []).append(_first_sentence(kind))
    by_code[BUG] = ["a fault of trustpub"]
    by_code[INTERRUPTED] = ["interrupted (Ctrl-C)"]
    by_code[TERMINATED] = ["terminated"]
    rows = "".join(f"| {code} | {' '.join(said)} |\n" for code, said in sorted(by_code.items()))
    return (
        BANNER
        + "# Exit codes\n\nEvery command ends with one of these.\n\n| code | when |\n|---|---|\n"
        + rows
        + "\nAn error is one message on standard error, and a second line where there is something to do about it.\n"
        "A traceback never is: it might show a token.\n"
    )


def _kinds(kind: type[errors.TrustpubError]) -> Iterator[type[errors.TrustpubError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _first_sentence(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def run() -> int:
    """Write or compare; the exit code."""
    stale = 0
    pages = (
        ("cli.md", cli_page()),
        ("exit-codes.md", exit_codes_page()),
        ("problem-codes.md", BANNER + problem_codes_page()),
        ("failures.md", BANNER + failures_page()),
        ("providers.md", BANNER + providers_page()),
        ("settings.md", BANNER + settings_page()),
        ("apply-file.md", BANNER + apply_file_page()),
        ("management-api.md", BANNER + management_page()),
        ("documented-flows.md", BANNER + flows_page()),
        ("verdicts-beside-pypi.md", BANNER + verdicts_page()),
        ("security-checklist.md", BANNER + threats_page()),
        *((name, BANNER + text) for name, text in rule_pages().items()),
        *measured_pages().items(),
        *scale_pages().items(),
    )
    for name, wanted in pages:
        page = REFERENCE / name
        found = page.read_text(encoding="utf-8") if page.exists() else ""
        if found == wanted:
            continue
        if "--check" not in sys.argv[1:]:
            page.parent.mkdir(exist_ok=True)
            page.write_text(wanted, encoding="utf-8")
            print(f"wrote docs/reference/{name}")
            continue
        stale = 1
        lines = difflib.unified_diff(found.splitlines(), wanted.splitlines(), f"docs/reference/{name}", "wanted", n=1)
        print("\n".join([*lines, "not up to date: run `make docs`"]))
    return stale


if __name__ == "__main__":
    sys.exit(run())
