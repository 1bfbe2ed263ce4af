# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index at work: the server around the application, its log and its housekeeping."""

from __future__ import annotations

import gc
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustpub.errors import Misuse
from trustpub.index.accounts.invitations import INVITATION_PATH
from trustpub.index.bootstrap.application import build_app
from trustpub.index.bootstrap.folder import Folder
from trustpub.index.bootstrap.post import build_post
from trustpub.index.manage.housekeeping import DAY_SECONDS, REMIND_SECONDS, keep_house
from trustpub.index.manage.posting import deliver
from trustpub.index.ports import Post
from trustpub.index.settings import Settings
from trustpub.printable import printable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOUSEKEEPING_SECONDS = 3600
POST_SECONDS = 2.0
"""How often it is looked whether something was written that may be a letter."""
AGAIN_SECONDS = 60.0
"""How often it is looked whether the time of a letter that was put off has come."""
GRACE_SECONDS = 20
"""How long requests under way may take once the server was told to stop."""

access_log = logging.getLogger("trustpub.access")
_REQUEST = "%s %s %s %s %d ms"


def run(
    folder: Folder,
    listening: socket.socket,
    settings: Settings,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    trusted_proxies: Sequence[str] = (),
    workers: int = 1,
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
        workers: how many processes share the work.
        started: called once requests are taken.

    Raises:
        Misuse: the index cannot be served by that many.
    """
    import uvicorn

    from trustpub.index.web.app import HTTP_PROTOCOL

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

    if workers != 1:
        raise Misuse("An index is served by one process.", hint="Leave out --workers.")
    app = watched(build_app(folder, settings), settings)
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
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=2048,
    )
    ended = threading.Event()
    post = build_post(folder, settings)
    threads = (
        threading.Thread(target=_keep_house, args=(folder, ended), name="housekeeping", daemon=True),
        threading.Thread(target=_post_letters, args=(folder, post, ended), name="letters", daemon=True),
    )
    for one in threads:
        one.start()
    _collect_seldom()
    try:
        with suppress(KeyboardInterrupt):
            Server(config).run(sockets=[listening])
    finally:
        ended.set()
        for one in threads:
            one.join(GRACE_SECONDS)
        listening.close()


def _collect_seldom() -> None:
    """Look for circles of garbage less often than Python does by itself, and never again in what the start made.

    Requests leave few circles behind, and many objects that are gone at their end: looking through those costs a mint
    a tenth of its processor time (benchmarks/mint.py).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _keep_house(folder: Folder, ended: threading.Event) -> None:
    """A round of housekeeping at once, and one every hour."""
    log = logging.getLogger("trustpub.index")
    while True:
        try:
            kept = keep_house(folder.store, folder.clock)
        except Exception as error:  # noqa: BLE001 - the server goes on; the next hour tries again
            log.warning("housekeeping failed: %s", type(error).__name__)
        else:
            for name in kept.freed:
                log.info("the name %s was held in vain and is free again", name)
            for name in kept.reminded:
                log.info("the name %s will be free again within %d days", name, REMIND_SECONDS // DAY_SECONDS)
        if ended.wait(HOUSEKEEPING_SECONDS):
            return


def _post_letters(folder: Folder, post: Post, ended: threading.Event) -> None:
    """Letters go out soon after they were written, by this process or by one beside it; no request waits for that."""
    log = logging.getLogger("trustpub.index")
    seen, looked = None, 0.0
    while not ended.wait(POST_SECONDS):
        try:
            state = folder.store.state()
            if state == seen and time.monotonic() - looked < AGAIN_SECONDS:
                continue
            looked = time.monotonic()
            done = deliver(folder.store, folder.clock, post)
        except Exception as error:  # noqa: BLE001 - the server goes on; the next look tries again
            log.warning("letters could not be sent: %s", type(error).__name__)
            continue
        if not done.sent:
            seen = state
        if done.put_off or done.lost:
            log.warning("%d letter(s) put off, %d given up: %s", done.put_off, done.lost, done.why)


def watched(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application within the layers that note what it does, the outermost first to see a request."""
    return _logged(app)


def _logged(app: ASGIApp) -> ASGIApp:
    """One line per request: who, what, how it went. No query and no header, where secrets might be; nor the end of a
    path that is one.
    """

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        status, begun = 0, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, noted)
        finally:
            client: Any = scope.get("client") or ("-",)
            took = round(1000 * (time.perf_counter() - begun))
            path = printable(_without_secret(scope["path"]), 300)
            if access_log.isEnabledFor(logging.INFO):
                # As info() would, but for looking up which line of the program this is: it is always this one.
                told = (client[0], scope["method"], path, status or "-", took)
                access_log.handle(logging.LogRecord(access_log.name, logging.INFO, "", 0, _REQUEST, told, None))

    return logged


def _without_secret(path: str) -> str:
    """Of the one path whose last part is a secret, that part is left out."""
    at = path.find(INVITATION_PATH)
    return path if at < 0 else f"{path[: at + len(INVITATION_PATH)]}…"
