# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub serve --workers N``: the process that starts the others, and what it needs to look after them."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from trustpub.errors import Misuse

if TYPE_CHECKING:
    from trustpub.cli.wish import Wish
    from trustpub.index.bootstrap.folder import Folder
    from trustpub.index.settings import Postgres, Settings

LATE_SECONDS = 10
"""How much longer than workers give themselves they are given, before they are killed."""


def check_workers(count: int, postgres: Postgres | None) -> None:
    """
    Raises:
        Misuse: so many cannot serve an index that keeps its rows there.
    """
    if count > 1 and postgres is None:
        raise Misuse(
            f"{count} workers need PostgreSQL: in the folder, SQLite keeps the rows, and has one process at a time "
            "write them.",
            hint="Move the rows there with `trustpub admin move-to-postgres`, and name the server in the section "
            "[postgres] of the settings. Until then, leave out --workers.",
        )


def run_workers(
    wish: Wish,
    folder: Folder,
    listening: socket.socket,
    settings: Settings,
    *,
    certificate: Path | None,
    key: Path | None,
    quiet: bool,
    started: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT, in several processes on a bound socket; SIGHUP replaces them one after the other.

    Args:
        wish: how the index is to be served.
        folder: the index, which each of them opens for itself: here, its database is let go of.
        listening: bound; closed at the end.
        settings: as started.
        certificate: PEM; with ``key`` the socket speaks TLS.
        key: of the certificate.
        quiet: whether only warnings are logged.
        started: called once all of them take requests.

    Raises:
        Unreachable: not one of them came up.
        Misuse: the figures cannot be told on their port.
    """
    from trustpub.index.adapters.staging import clear
    from trustpub.index.workers.channel import Task
    from trustpub.index.workers.parent import Parent

    wanted = wish.wanted
    folder.store.close()
    with ExitStack() as stack:
        figures = stack.enter_context(_counting(settings, wish.data))

        def gone(pid: int) -> None:
            clear(wish.data, pid)
            if figures is not None:
                from prometheus_client.multiprocess import mark_process_dead

                mark_process_dead(pid, str(figures))  # type: ignore[no-untyped-call]

        task = Task(
            place=replace(
                wanted.place,
                data=wish.data.resolve(),
                secret_file=None if wanted.place.secret_file is None else wanted.place.secret_file.resolve(),
            ),
            settings=settings,
            certificate=None if certificate is None else certificate.resolve(),
            key=None if key is None else key.resolve(),
            trusted_proxies=wanted.trusted_proxies,
            stop_seconds=wanted.stop_seconds,
            figures=figures,
            logs=wanted.logs,
            quiet=quiet,
        )
        Parent(
            (sys.executable, "-P", "-m", "trustpub.cli.worker"),
            task.pack(),
            (listening,),
            count=wanted.workers,
            env=_environment(figures),
            started=started,
            gone=gone,
            grace=wanted.stop_seconds + LATE_SECONDS,
        ).run()


def _environment(figures: Path | None) -> Mapping[str, str]:
    # prometheus-client looks there, when it is loaded, for where to count.
    return os.environ if figures is None else {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(figures)}


@contextmanager
def _counting(settings: Settings, data: Path) -> Iterator[Path | None]:
    """A folder in which the workers count together; and here, where it has one, the port that tells the figures."""
    if settings.metrics is None:
        yield None
        return
    from trustpub.index.serving import metrics_port
    from trustpub.index.web.metrics import Metrics

    # In memory where the system has such a place: every request counts there.
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it has a name that nobody knows, and is ours alone
    with ExitStack() as stack:
        made: str | None = None
        with suppress(OSError):
            if memory.is_dir():
                made = stack.enter_context(tempfile.TemporaryDirectory(prefix="trustpub-", dir=memory))
        folder = Path(made or stack.enter_context(tempfile.TemporaryDirectory(prefix="trustpub-")))
        stack.enter_context(metrics_port(settings, Metrics((data,), shared=folder)))
        yield folder
