# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index at work: the server around the application, its log and its housekeeping."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.post import build_post
from trustpub.index.manage.housekeeping import DAY_SECONDS, REMIND_SECONDS, keep_house
from trustpub.index.manage.posting import deliver
from trustpub.index.ports import Post
from trustpub.index.settings import Settings

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp

    from trustpub.index.web.metrics import Metrics

HOUSEKEEPING_SECONDS = 3600
POST_SECONDS = 2.0
"""How often it is looked whether something was written that may be a letter."""
AGAIN_SECONDS = 60.0
"""How often it is looked whether the time of a letter that was put off has come."""
LEAD_SECONDS = 5.0
"""How often a process looks whether it is the one that keeps house."""
BACKLOG = 2048
"""Connections that wait to be taken."""
GRACE_SECONDS = 20
"""How long requests under way may take once the server was told to stop, unless it is said."""
LAST_SECONDS = 0.5
"""For what had come just before it was said that others take what comes."""
CUT_OFF_SECONDS = 1
"""How long those take that are cut off after that."""


def run(
    folder: Folder,
    listening: socket.socket,
    settings: Settings,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    trusted_proxies: Sequence[str] = (),
    one_of_many: bool = False,
    figures: Path | None = None,
    stop_seconds: float = GRACE_SECONDS,
    retire: threading.Event | None = None,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serve the index on a bound socket until SIGTERM or SIGINT, then end what is under way, and return.

    Args:
        folder: the index; closed by the caller.
        listening: bound; closed at the end.
        settings: as started.
        certificate: PEM; with ``key`` the socket speaks TLS.
        key: of the certificate.
        trusted_proxies: addresses and networks whose ``X-Forwarded-For`` is believed.
        one_of_many: other processes serve on the same socket.
        figures: where they count together, if anybody may read the figures.
        stop_seconds: how long requests under way may take once it was told to stop; who comes then gets 503.
        retire: once it is set, others take what comes: connections that are here are served until nothing is under way.
        started: called once requests are taken.
    """
    import uvicorn

    from trustpub.index.web.app import HTTP_PROTOCOL
    from trustpub.index.web.draining import Draining
    from trustpub.index.web.sharing import SharedListening

    class Server(uvicorn.Server):
        until = float("inf")
        soonest = 0.0

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup([] if one_of_many else sockets)
            if one_of_many:
                shared = SharedListening(listening, self._protocol, config.ssl)
                self.servers.append(shared)  # type: ignore[arg-type]
            started()

        def _protocol(self) -> asyncio.Protocol:
            kind = config.http_protocol_class
            return kind(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if draining.ending:
                super().handle_exit(sig, frame)  # who says it twice does not want to wait
                return
            draining.ending = True
            self.until = time.monotonic() + stop_seconds

        async def on_tick(self, counter: int) -> bool:
            now = time.monotonic()
            if retire is not None and retire.is_set() and not self.soonest:
                for one in self.servers:
                    one.close()
                self.soonest, self.until = now + LAST_SECONDS, now + stop_seconds
            leaving = draining.ending or (self.soonest and now > self.soonest)
            if leaving and (draining.busy == 0 or now > self.until):
                self.should_exit = True
            return await super().on_tick(counter)

    metrics = count(folder, settings, shared=figures)
    app = build_app(folder, settings) if metrics is None else build_app(folder, settings, metrics)
    draining = Draining(app, settings.public_url)
    app = watched(draining, settings, metrics, proxied=bool(trusted_proxies))
    config = uvicorn.Config(
        app,
        http=HTTP_PROTOCOL,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=CUT_OFF_SECONDS,
        backlog=BACKLOG,
    )
    ended = threading.Event()
    post = build_post(folder, settings)
    folder.fellows.begin()
    threads = (
        threading.Thread(target=_keep_house, args=(folder, ended, metrics), name="housekeeping", daemon=True),
        threading.Thread(target=_post_letters, args=(folder, post, ended, metrics), name="letters", daemon=True),
    )
    for one in threads:
        one.start()
    _collect_seldom()
    try:
        # Of many, the parent has that port.
        with metrics_port(settings, None if one_of_many else metrics), suppress(KeyboardInterrupt):
            Server(config).run(sockets=[listening])
    finally:
        ended.set()
        for one in threads:
            one.join(GRACE_SECONDS)
        folder.fellows.close()
        listening.close()


def _collect_seldom() -> None:
    """Look for circles of garbage less often than Python does by itself, and never again in what the start made.

    Requests leave few circles behind, and many objects that are gone at their end: looking through those costs a mint
    a tenth of its processor time (benchmarks/mint.py).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _keep_house(folder: Folder, ended: threading.Event, metrics: Metrics | None) -> None:
    """A round of housekeeping at once, and one every hour, by one process of those that serve the index."""
    due = time.monotonic()
    while True:
        if folder.fellows.leads() and time.monotonic() >= due:
            due = time.monotonic() + HOUSEKEEPING_SECONDS
            _keep_house_once(folder, metrics)
        if ended.wait(LEAD_SECONDS):
            return


def _keep_house_once(folder: Folder, metrics: Metrics | None) -> None:
    log = logging.getLogger("trustpub.index")
    try:
        kept = keep_house(folder.store, folder.clock)
    except Exception as error:  # noqa: BLE001 - the server goes on; the next hour tries again
        log.warning("housekeeping failed: %s", type(error).__name__)
        return
    if metrics is not None:
        metrics.kept_house()
    try:
        if removed := folder.blobs.tidy(folder.store, folder.clock()):
            log.info("%d object(s) that no row names were removed", removed)
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("leftovers could not be looked for: %s", type(error).__name__)
    for name in kept.freed:
        log.info("the name %s was held in vain and is free again", name)
    for name in kept.reminded:
        log.info("the name %s will be free again within %d days", name, REMIND_SECONDS // DAY_SECONDS)


def _post_letters(folder: Folder, post: Post, ended: threading.Event, metrics: Metrics | None) -> None:
    """Letters go out soon after they were written, by this process or by one beside it; no request waits for that."""
    log = logging.getLogger("trustpub.index")
    seen, looked = None, 0.0
    while not ended.wait(POST_SECONDS):
        if not folder.fellows.leads():
            continue  # another process posts them
        try:
            state = folder.store.state()
            if state == seen and time.monotonic() - looked < AGAIN_SECONDS:
                continue
            looked = time.monotonic()
            done = deliver(folder.store, folder.clock, post)
        except Exception as error:  # noqa: BLE001 - the server goes on; the next look tries again
            log.warning("letters could not be sent: %s", type(error).__name__)
            continue
        if metrics is not None:
            for outcome, number in (("sent", done.sent), ("put-off", done.put_off), ("lost", done.lost)):
                metrics.lettered(outcome, number)
        if not done.sent:
            seen = state
        if done.put_off or done.lost:
            log.warning("%d letter(s) put off, %d given up: %s", done.put_off, done.lost, done.why)


def watched(app: ASGIApp, settings: Settings, metrics: Metrics | None = None, *, proxied: bool = False) -> ASGIApp:
    """The application within the layer that notes what it does: ids of requests, the log and the figures.

    Args:
        app: the application.
        settings: as started.
        metrics: as from :func:`count`.
        proxied: whether there are proxies whose word on who asks is taken.
    """
    from trustpub.index.web.watched import Watched

    wish = settings.metrics
    if metrics is None or wish is None or wish.port is not None:
        return Watched(app, metrics=metrics)
    from trustpub.index.web.scraping import Allowed, Scraping

    allowed = Allowed(wish, proxied=proxied)
    return Watched(app, metrics=metrics, scraping=Scraping(allowed, metrics.exposition, public_url=settings.public_url))


def count(folder: Folder, settings: Settings, *, shared: Path | None = None) -> Metrics | None:
    """What counts, where somebody may read it; None where nobody may.

    Args:
        folder: the index.
        settings: as started.
        shared: a folder in which several processes count together.
    """
    if settings.metrics is None:
        return None
    from trustpub.index.web.metrics import Metrics

    return Metrics((folder.path,), shared=shared)


def metrics_port(settings: Settings, metrics: Metrics | None) -> AbstractContextManager[object]:
    """The socket of their own on which the figures are told while the block runs, if they are to have one.

    Raises:
        Misuse: it cannot be bound.
    """
    if metrics is None or settings.metrics is None or settings.metrics.port is None:
        return nullcontext()
    from trustpub.index.web.scraping import MetricsPort

    return MetricsPort(settings.metrics, metrics.exposition)
