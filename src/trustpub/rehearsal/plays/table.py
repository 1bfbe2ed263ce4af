# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whose CI can be played. The list is closed: a new CI is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trustpub.rehearsal.plays import (
    activestate,
    azure,
    bitbucket,
    buildkite,
    circleci,
    forgejo,
    github,
    gitlab,
    google,
    jenkins,
    kubernetes,
    semaphore,
)
from trustpub.rehearsal.plays.play import Script, Wishes
from trustpub.rehearsal.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable:
    """A CI that can be played."""

    script: Callable[[Project, Wishes, Mapping[str, str]], Script]
    """From a project, what a person says, and the user's variables to the job that publishes."""
    takes: tuple[str, ...]
    """Which of :class:`Wishes` mean something there."""


PLAYABLE: Mapping[str, Playable] = {
    "github": Playable(script=github.script, takes=github.TAKES),
    "gitlab": Playable(script=gitlab.script, takes=gitlab.TAKES),
    "google": Playable(script=google.script, takes=google.TAKES),
    "circleci": Playable(script=circleci.script, takes=circleci.TAKES),
    "buildkite": Playable(script=buildkite.script, takes=buildkite.TAKES),
    "azure": Playable(script=azure.script, takes=azure.TAKES),
    "bitbucket": Playable(script=bitbucket.script, takes=bitbucket.TAKES),
    "semaphore": Playable(script=semaphore.script, takes=semaphore.TAKES),
    "kubernetes": Playable(script=kubernetes.script, takes=kubernetes.TAKES),
    "jenkins": Playable(script=jenkins.script, takes=jenkins.TAKES),
    "forgejo": Playable(script=forgejo.script, takes=forgejo.TAKES),
    "activestate": Playable(script=activestate.script, takes=activestate.TAKES),
}
"""By the kind of provider."""
