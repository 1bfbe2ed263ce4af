# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A whole release, played on this machine.

Only the outside world is emulated: GitHub's identity provider, and the variables of its runner. The build, the
client, the index and the installer are the real ones, as programs of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from trustpub.errors import Declined
from trustpub.http import Http
from trustpub.printable import printable
from trustpub.rehearsal import building, clients, impostors, index, install, jobs, versions
from trustpub.rehearsal.building import Release
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.impostors import Outcome
from trustpub.rehearsal.index import Grant, Registration, ThrowawayIndex
from trustpub.rehearsal.issuers import GitHubIssuer, Run
from trustpub.rehearsal.processes import Children, Running
from trustpub.rehearsal.project import Project, Repository, copy, find, git, repository
from trustpub.rehearsal.report import Report
from trustpub.secret import Secret
from trustpub.workflow.read import PublishingJob

STEPS = ("workflow", "build", "index", "register", "publish", "install", "impostors")
"""In order; :class:`Watcher` hears of each at its beginning and its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be rehearsed."""

    folder: Path
    """Of the project."""
    repository: str | None = None
    workflow: str | None = None
    environment: str | None = None
    isolation: bool = True
    """Whether the build gets an environment of its own, filled from the user's index."""
    dist: Path | None = None
    """Built files to take instead of building."""
    version: str | None = None
    client: str = "trustpub"
    with_deps: bool = False


class Watcher(Protocol):
    """Who is told how it goes. Texts are printable."""

    def begin(self, step: str) -> None:
        """One of :data:`STEPS` begins."""

    def done(self, step: str, text: str) -> None:
        """It came to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """What every step needs."""

    plan: Plan
    project: Project
    folder: Folder
    children: Children
    issuer: GitHubIssuer
    env: Mapping[str, str]
    watcher: Watcher


def rehearse(
    plan: Plan, place: Path, children: Children, watcher: Watcher, *,
    env: Mapping[str, str], clock: Callable[[], float], watch: Callable[[Secret], None] | None = None,
) -> Report:  # fmt: skip
    """Play the release that ``plan`` describes, in the empty folder ``place``.

    The index is one of ``children`` and still runs when this returns. ``env`` are the user's variables; ``watch`` is
    told every identity token that is made.

    Raises:
        TrustpubError: the release fails, or cannot be played; whatever it fails with.
    """
    began = time.monotonic()
    watcher.begin("workflow")
    project = find(plan.folder, must_build=plan.dist is None)
    job, read = jobs.publishing_job(project, plan.workflow, plan.environment)
    hosted = repository(project, plan.repository, env)
    clients.check(plan.client, env)
    watcher.done("workflow", _who(job, hosted, read=read))
    folder = Folder(path=place)
    folder.make()
    watcher.begin("build")
    listening, fresh = index.start(children, folder, env), install.start(children, folder, env)
    with GitHubIssuer(clock=clock, watch=watch) as issuer:
        stage = _Stage(
            plan=plan, project=project, folder=folder, children=children, issuer=issuer, env=env, watcher=watcher
        )
        release = _build(stage, job)
        up = _open(stage, listening)
        sha = git(project.root, env, "rev-parse", "--verify", "HEAD") or "0" * 40
        run = jobs.run(job, hosted, version=release.version, sha=sha)
        registration = _register(stage, up, release, run)
        grant = _publish(stage, up, release, run, registration)
        installed = _install(stage, up, release, fresh)
        outcomes = _impostors(stage, up, run)
    return Report(
        release=release,
        client=plan.client,
        trusted_as=registration.fields,
        issuer=issuer.url,
        grant=grant,
        installed=installed,
        outcomes=outcomes,
        notes=(*jobs.notes(job), *_doubts(release, hosted)),
        index=up,
        seconds=time.monotonic() - began,
    )


def _build(stage: _Stage, job: PublishingJob) -> Release:
    plan, folder = stage.plan, stage.folder
    if plan.dist is not None:
        release = building.take(plan.dist, folder)
    else:
        copied = copy(stage.project, folder.copy, stage.env)
        env = folder.for_build(stage.env)
        if plan.version is not None:
            name = jobs.tag(job, plan.version)
            env |= versions.place(plan.version, stage.project, copied, commands=job.commands, tag=name, env=stage.env)
        running = building.start(stage.children, copied, folder, env=env, isolation=plan.isolation)
        _warm_up()
        release = building.finish(stage.children, running, folder)
    stage.watcher.done("build", release.told + (" (a placeholder, not a version)" if release.placeholder else ""))
    return release


def _warm_up() -> None:
    """Load what the next steps need while other programs work."""
    import urllib3  # noqa: F401

    import trustpub.index.bootstrap  # noqa: F401


def _open(stage: _Stage, listening: Running) -> ThrowawayIndex:
    stage.watcher.begin("index")
    up = index.await_ready(listening, stage.folder)
    stage.watcher.done("index", f"{up.url} over TLS, for this rehearsal only; it believes {stage.issuer.url}")
    return up


def _register(stage: _Stage, up: ThrowawayIndex, release: Release, run: Run) -> Registration:
    stage.watcher.begin("register")
    registration = index.register(up.data, release.name, run, stage.issuer.url)
    stage.watcher.done("register", f"the name {release.name} is held for a pending publisher")
    return registration


def _publish(stage: _Stage, up: ThrowawayIndex, release: Release, run: Run, registration: Registration) -> Grant:
    stage.watcher.begin("publish")
    stage.issuer.serve(run)
    clients.publish(
        stage.plan.client, stage.children, stage.folder, up, [file.path for file in release.files],
        env=stage.folder.for_job(stage.env, run, stage.issuer), user=stage.env,
    )  # fmt: skip
    granted = index.grants(up.data, registration.publisher_id)
    if not granted or not stage.issuer.given:
        raise Declined(f"{stage.plan.client} says that it published, but no token was minted for it.")
    count = len(release.files)
    stage.watcher.done("publish", f"{count} file{'s' * (count != 1)} went up, by {stage.plan.client}")
    return granted[-1]


def _install(stage: _Stage, up: ThrowawayIndex, release: Release, fresh: Running) -> install.Installed:
    stage.watcher.begin("install")
    installed = install.finish(
        stage.children, fresh, stage.folder, up, release, env=stage.env, with_deps=stage.plan.with_deps
    )
    told = "by pip from this index" if installed.by == "pip" else installed.by
    stage.watcher.done("install", f"{installed.name} {installed.version}, {told}")
    return installed


def _impostors(stage: _Stage, up: ThrowawayIndex, run: Run) -> tuple[Outcome, ...]:
    stage.watcher.begin("impostors")
    roles = impostors.cast(stage.issuer, run, up.audience)
    with Http(env={}, ca=str(up.ca)) as http:
        outcomes = impostors.play(roles, http, up.url)
    played = [outcome for outcome in outcomes if outcome.guarded]
    stage.watcher.done(
        "impostors", f"{len(played)} tried, {sum(one.refused for one in played)} refused as they must be"
    )
    return outcomes


def _who(job: PublishingJob, hosted: Repository, *, read: bool) -> str:
    place = f"environment {printable(job.environment)}" if job.environment else "no environment"
    source = (
        f"job {printable(job.job)} of {printable(job.workflow)}" if read else f"{printable(job.workflow)}, not read"
    )
    assumed = " (assumed)" if hosted.assumed else ""
    return f"{hosted.name}{assumed}, {source}, {place}"


def _doubts(release: Release, hosted: Repository) -> tuple[str, ...]:
    found = []
    if hosted.assumed:
        found.append(f"nothing says what the repository is called; {hosted.name} was assumed (--repository OWNER/NAME)")
    if release.placeholder:
        found.append("version 0.0.0 is a placeholder; the real one is set by the workflow (--version V plays that)")
    return tuple(found)
