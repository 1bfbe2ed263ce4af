# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub completion``: completion for a shell."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from trustpub.cli.show import screen


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the shell's completion script.

    For this session: eval "$(trustpub completion bash)", or the same with zsh; trustpub completion fish | source.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is not supported here.")
    made = kind(click.get_current_context().find_root().command, {}, "trustpub", "_TRUSTPUB_COMPLETE")
    # Not made.source(): for bash that starts a bash to look at its version.
    screen().result(ShellComplete.source(made))
