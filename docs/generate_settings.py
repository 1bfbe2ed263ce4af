# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of all settings, from the table that the server reads them by."""

from __future__ import annotations

from collections.abc import Iterator

from trustpub.index.configuration.table import SECTIONS, TABLE, Setting

_HEAD = """# Settings

Of `trustpub serve`, and of every `trustpub admin` command that works in an index's folder. Each can be given in a TOML
file (`--config FILE`, or the variable `TRUSTPUB_CONFIG`), in the environment, and some as an option. The command line
beats the environment, that the file, and that the default. A path in the file is relative to the file; a list is
separated by commas in a variable; a flag is `yes` or `no` there. Sizes are whole numbers with K, M, G or T, which are
powers of 1024.

Secrets are refused in the file: each has a file of its own, on one line, or a variable.
[How to configure an index](../how-to/configure.md) has examples.
"""


def settings_page() -> str:
    """Every setting by section."""
    return _HEAD + "".join(_section(name, sentence) for name, sentence in SECTIONS.items())


def _section(name: str, sentence: str) -> str:
    rows = "".join(_rows(name))
    head = "| key | what it is | default | option | variable |\n|---|---|---|---|---|\n"
    return f"\n## [{name}]\n\n{sentence}\n\n{head}{rows}"


def _rows(name: str) -> Iterator[str]:
    for setting in (one for one in TABLE.values() if one.section == name):
        key = "only as a variable" if setting.secret else f"`{setting.key}` ({setting.kind.name})"
        option = f"`{setting.option}`" if setting.option else ""
        variables = f"`{setting.variable}`" + (f", `{setting.also}`" if setting.also else "")
        cells = (key, setting.sentence.replace("|", "\\|"), _default(setting), option, variables)
        yield f"| {' | '.join(cells)} |\n"


def _default(setting: Setting) -> str:
    if setting.otherwise:
        return setting.otherwise
    return "" if setting.default is None else f"`{setting.kind.shown(setting.default)}`"
