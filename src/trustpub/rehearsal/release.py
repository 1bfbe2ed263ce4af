# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A whole release, played on this machine.

Only the outside world is emulated: the identity provider of a CI, and what its jobs find in their environment. The
build, the client, the index and the installer are the real ones, as programs of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from trustpub.errors import Declined
from trustpub.http import Http
from trustpub.rehearsal import altered, attested, building, clients, impostors, index, install, versions
from trustpub.rehearsal.building import Release
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.impostors import Outcome
from trustpub.rehearsal.index import Grant, Registration, ThrowawayIndex
from trustpub.rehearsal.placed import placed
from trustpub.rehearsal.plays.play import Play, Script, Watch, Wishes
from trustpub.rehearsal.plays.table import PLAYABLE
from trustpub.rehearsal.processes import Children, Running
from trustpub.rehearsal.project import Project, copy, find, git
from trustpub.rehearsal.report import Report
from trustpub.rehearsal.sigstore import identities
from trustpub.rehearsal.sigstore.server import LocalSigstore

STEPS = ("workflow", "build", "index", "register", "publish", "attest", "install", "impostors")
"""In order; :class:`Watcher` hears of each at its beginning and its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be rehearsed."""

    folder: Path
    """Of the project."""
    provider: str = "github"
    """A kind of :data:`~trustpub.rehearsal.plays.table.PLAYABLE`."""
    wishes: Wishes = field(default_factory=Wishes)
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
    script: Script
    env: Mapping[str, str]
    watcher: Watcher
    sigstore: LocalSigstore
    trust_config: Path
    """The file that describes it."""

    @property
    def signs(self) -> bool:
        """Whether the job that is played signs what it publishes."""
        return self.plan.client == "trustpub" and self.script.kind in attested.SIGNS


def rehearse(
    plan: Plan, place: Path, children: Children, watcher: Watcher, *,
    env: Mapping[str, str], clock: Callable[[], float], watch: Watch | None = None,
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
    script = PLAYABLE[plan.provider].script(project, plan.wishes, env)
    clients.check(plan.client, script.kind, project, env)
    watcher.done("workflow", script.told)
    folder = Folder(path=place)
    folder.make()
    with LocalSigstore(clock=clock, audiences=attested.AUDIENCES) as sigstore:
        stage = _Stage(
            plan=plan, project=project, folder=folder, children=children, script=script, env=env, watcher=watcher,
            sigstore=sigstore, trust_config=attested.write_config(sigstore, folder.path),
        )  # fmt: skip
        return _play(stage, began, clock=clock, watch=watch)


def _play(stage: _Stage, began: float, *, clock: Callable[[], float], watch: Watch | None) -> Report:
    plan, script = stage.plan, stage.script
    stage.watcher.begin("build")
    listening = index.start(stage.children, stage.folder, stage.env, trust_config=stage.trust_config)
    fresh = install.start(stage.children, stage.folder, stage.env)
    release = _build(stage)
    sha = git(stage.project.root, stage.env, "rev-parse", "--verify", "HEAD") or "0" * 40
    play = script.begin(release.version, sha, clock=clock, watch=watch)
    with play.issuer:
        stage.sigstore.believe(play.issuer.url, script.kind, play.issuer.jwks)
        up = _open(stage, listening, play)
        registration = _register(stage, up, release, play)
        grant, release = _publish(stage, up, release, play, registration)
        proven = _attest(stage, up, release, play)
        installed = _install(stage, up, release, fresh)
        outcomes = _impostors(stage, up, release, play)
    return Report(
        release=release,
        provider=script.kind,
        client=plan.client,
        trusted_as=registration.fields,
        issuer=play.issuer.url,
        grant=grant,
        installed=installed,
        attested=proven,
        outcomes=outcomes,
        notes=(*script.notes, *clients.notes(plan.client, script.kind), *_doubts(release)),
        index=up,
        seconds=time.monotonic() - began,
    )


def _build(stage: _Stage) -> Release:
    plan, folder = stage.plan, stage.folder
    if plan.dist is not None:
        if clients.needs_project(plan.client):
            copy(stage.project, folder.copy, stage.env)
        release = building.take(plan.dist, folder)
    else:
        copied = copy(stage.project, folder.copy, stage.env)
        env = folder.for_build(stage.env)
        if plan.version is not None:
            tag, commands = stage.script.tag(plan.version), stage.script.commands
            env |= versions.place(plan.version, stage.project, copied, commands=commands, tag=tag, env=stage.env)
        running = building.start(stage.children, copied, folder, env=env, isolation=plan.isolation)
        _warm_up()
        release = building.finish(stage.children, running, folder)
    stage.watcher.done("build", release.told + (" (a placeholder, not a version)" if release.placeholder else ""))
    return release


def _warm_up() -> None:
    """Load what the next steps need while other programs work."""
    import sigstore.verify  # noqa: F401

    import trustpub.dialling
    import trustpub.index.bootstrap.opening  # noqa: F401


def _open(stage: _Stage, listening: Running, play: Play) -> ThrowawayIndex:
    stage.watcher.begin("index")
    up = index.await_ready(listening, stage.folder)
    stage.watcher.done("index", f"{up.url} over TLS, for this rehearsal only; it believes {play.issuer.url}")
    return up


def _register(stage: _Stage, up: ThrowawayIndex, release: Release, play: Play) -> Registration:
    stage.watcher.begin("register")
    registration = index.register(
        up.data, release.name, stage.script.kind, play.issuer.url, play.fields, rules=play.rules,
        shared_audience=play.shared_audience,
    )  # fmt: skip
    stage.watcher.done("register", f"the name {release.name} is held for a pending publisher")
    return registration


def _publish(
    stage: _Stage, up: ThrowawayIndex, release: Release, play: Play, registration: Registration
) -> tuple[Grant, Release]:
    """Have it published; what the index noted, and what went up, which some clients build anew."""
    stage.watcher.begin("publish")
    if play.platform is not None:
        with Http(env={}, ca=str(up.ca)) as http:
            play.platform(http, up.url, [str(file.path) for file in release.files])
        return _granted(stage, up, release, play, registration, by=stage.script.ci), release
    project = stage.folder.copy / stage.project.folder.relative_to(stage.project.root)
    order = clients.Order(
        client=stage.plan.client, kind=stage.script.kind, release=release, project=project,
        shared_audience=play.shared_audience, signs=stage.signs,
    )  # fmt: skip
    job = {**stage.folder.bare(stage.env), **play.variables(up.audience)}
    if stage.signs:
        job |= attested.variables(stage.script.kind, play.issuer, play.identity, up)
    with placed(stage.folder.path / "job", play.programs, play.files(up.audience), job) as env:
        release = clients.publish(order, stage.children, stage.folder, up, env=env, user=stage.env)
    return _granted(stage, up, release, play, registration, by=stage.plan.client), release


def _granted(
    stage: _Stage, up: ThrowawayIndex, release: Release, play: Play, registration: Registration, *, by: str
) -> Grant:
    granted = index.grants(up.data, registration.publisher_id)
    if not granted or not play.issuer.given:
        raise Declined(f"{by} says that it published, but no token was minted for it.")
    count = len(release.files)
    stage.watcher.done("publish", f"{count} file{'s' * (count != 1)} went up, by {by}")
    return granted[-1]


def _attest(stage: _Stage, up: ThrowawayIndex, release: Release, play: Play) -> int:
    """Prove again what the job signed. Returns how many files that were."""
    stage.watcher.begin("attest")
    if not stage.signs:
        who = stage.script.ci if stage.plan.client == "trustpub" else stage.plan.client
        stage.watcher.done("attest", f"nothing is signed: {who} does not do that")
        return 0
    count = attested.prove(
        up, release, stage.trust_config, kind=stage.script.kind, issuer=play.issuer, identity=play.identity
    )
    files = "1 file" if count == 1 else f"{count} files"
    stage.watcher.done("attest", f"{files} signed as this job, proven again offline from what the index serves")
    return count


def _install(stage: _Stage, up: ThrowawayIndex, release: Release, fresh: Running) -> install.Installed:
    stage.watcher.begin("install")
    installed = install.finish(
        stage.children, fresh, stage.folder, up, release, env=stage.env, with_deps=stage.plan.with_deps
    )
    told = "by pip from this index" if installed.by == "pip" else installed.by
    stage.watcher.done("install", f"{installed.name} {installed.version}, {told}")
    return installed


def _impostors(stage: _Stage, up: ThrowawayIndex, release: Release, play: Play) -> tuple[Outcome, ...]:
    stage.watcher.begin("impostors")
    audience = play.shared_audience or up.audience
    roles = (*play.impostors(audience), *impostors.of_any_ci(play.issuer, play.identity, audience))
    with (
        Http(env={}, ca=str(up.ca)) as http,
        Http(env={}, ca=str(up.ca), source_address=impostors.ELSEWHERE) as elsewhere,
    ):
        outcomes = impostors.play(roles, http, up.url, elsewhere=elsewhere)
        if stage.signs:
            said = identities.said(stage.script.kind, {**play.identity.claims(play.issuer.url), "iss": play.issuer.url})
            outcomes += altered.play(
                http, up.url, lambda: play.issuer.token(play.identity, audience), stage.sigstore, said,
                altered.a_file(stage.folder.path, release.name, release.version),
            )  # fmt: skip
    played = [outcome for outcome in outcomes if outcome.guarded]
    stage.watcher.done(
        "impostors", f"{len(played)} tried, {sum(one.refused for one in played)} refused as they must be"
    )
    return outcomes


def _doubts(release: Release) -> tuple[str, ...]:
    told = "version 0.0.0 is a placeholder; the real one is set by the workflow (--version V plays that)"
    return (told,) if release.placeholder else ()
