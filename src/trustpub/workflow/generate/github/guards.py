# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""When the jobs of a workflow run, and on which commit.

A release that is asked for by hand begins with a job that makes its commit. Where the same workflow also sees every
push, that job is skipped, and GitHub would skip all that need it: those that are wanted all the same say so.
"""

from __future__ import annotations

from collections.abc import Sequence

from trustpub.workflow.generate.answers import Answers

PREPARE = "prepare"
"""The job that makes the commit and the tag."""


def dispatched(answers: Answers) -> bool:
    """Whether a job makes the commit of a release."""
    return answers.trigger == "dispatch"


def mixed(answers: Answers) -> bool:
    """Whether the job that makes the commit may be skipped, and the others go on."""
    return dispatched(answers) and answers.trial == "every-push"


def commit(answers: Answers) -> str | None:
    """The ref to check out: that which the release made, where it made one."""
    if not dispatched(answers):
        return None
    return _made(answers, "commit", "github.sha")


def tag(answers: Answers) -> str | None:
    """The whole name of the tag, an expression; None where the event says it."""
    return _made(answers, "tag", "github.ref") if dispatched(answers) else None


def _made(answers: Answers, output: str, otherwise: str) -> str:
    made = f"needs.{PREPARE}.outputs.{output}"
    return f"${{{{ {made} || {otherwise} }}}}" if mixed(answers) else f"${{{{ {made} }}}}"


def needs(answers: Answers, *names: str) -> Sequence[str]:
    """The line of a job that needs others, and that which makes the commit where there is one."""
    needed = [*([PREPARE] if dispatched(answers) else []), *names]
    if not needed:
        return ()
    return [f"needs: {needed[0] if len(needed) == 1 else '[' + ', '.join(needed) + ']'}"]


def always(answers: Answers, *more: str) -> Sequence[str]:
    """The line of a job that runs for every event that starts the workflow; ``more`` must hold as well."""
    if not mixed(answers):
        return [f"if: {' && '.join(more)}"] if more else ()
    begun = f"(github.event_name == 'push' || needs.{PREPARE}.result == 'success')"
    return [f"if: ${{{{ {' && '.join(['!failure()', '!cancelled()', begun, *more])} }}}}"]


def home(answers: Answers) -> str:
    """That this is the repository itself, and no fork."""
    return f"github.repository == '{answers.owner}/{answers.repository}'"


def on_the_branch(answers: Answers) -> str:
    """That the default branch is at work."""
    return f"github.ref == 'refs/heads/{answers.branch}'"


def release(answers: Answers) -> str:
    """That this is a release."""
    if answers.trigger == "dispatch":
        return f"github.event_name == 'workflow_dispatch' && {on_the_branch(answers)}"
    if answers.trigger == "release":
        return "github.event_name == 'release'"
    prefix = answers.tag.partition("{")[0]
    return f"github.event_name == 'push' && startsWith(github.ref, 'refs/tags/{prefix}')"
