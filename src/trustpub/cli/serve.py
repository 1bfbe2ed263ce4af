# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub serve``: an index in a folder, or one that is gone when it stops."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from trustpub.cli.announcing import announce
from trustpub.cli.listening import bound, check_exposure, local_url
from trustpub.cli.settings import configuration, from_settings, taken
from trustpub.cli.show import Screen, screen
from trustpub.cli.stopping import Stopping
from trustpub.cli.wish import Wish
from trustpub.cli.workers import check_workers, run_workers
from trustpub.errors import Misuse

if TYPE_CHECKING:
    from trustpub.index.adapters.tls import DevTls
    from trustpub.index.bootstrap.folder import Folder

OWN_SIGSTORE = "own"
"""Under which name the trust root of the index's own Sigstore is kept; ``trustpub admin trust`` shows it."""


@click.command()
@from_settings()
@click.option("--tls-dev", is_flag=True, help="Make a CA and a certificate in DIR/tls, for development.")
@click.option("--rehearsal", is_flag=True, help="Accept issuers on loopback and .test. At the first start only.")
@click.option("--ephemeral", is_flag=True, help="A temporary folder, a free port and --tls-dev; gone at the end.")
@click.option("--json", "as_json", is_flag=True, help="Once it listens, print one line of JSON.")
@click.option("--github-env", is_flag=True, help="With --ephemeral: set the variables for the job's next steps.")
def serve(**options: Any) -> None:
    """Run an index with Trusted Publishing, until it is told to stop."""
    from trustpub.index.logs import set_up

    with ExitStack() as stack:
        wish = _wish(options, stack)
        check_exposure(wish)
        seen = screen()
        # What --json and --ephemeral print is read by a program, which wants that and nothing else.
        seen.aside = wish.as_json or wish.ephemeral
        set_up(wish.wanted.logs, sys.stderr, quiet=seen.quiet)
        _serve(wish, seen)


def _wish(options: dict[str, Any], stack: ExitStack) -> Wish:
    from trustpub.index.configuration.whole import wanted

    file, given = taken(options)
    _check_options(options, given)
    found = configuration(file, given)
    if options["ephemeral"]:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="trustpub-"))
        own: dict[str, Any] = {"server.data": str(Path(folder) / "index")}
        if not found.given("server.port"):
            own["server.port"] = "0"
        found = configuration(file, {**given, **own})
        options["tls_dev"] = found["server.tls_cert"] is None
    if options["tls_dev"] and found["server.tls_cert"] is not None:
        named = found.call("server.tls_cert")
        raise Misuse(f"--tls-dev makes a certificate, and {named} names one.", hint="Leave out one of them.")
    wish = Wish(wanted=wanted(found), **options)
    if wish.ephemeral and (wish.wanted.place.postgres or wish.wanted.place.s3):
        raise Misuse("--ephemeral leaves nothing behind, and rows or files elsewhere would stay.")
    return wish


def _check_options(options: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    if options["ephemeral"] and "server.data" in given:
        raise Misuse("--ephemeral makes its own folder.", hint="Leave out --data, or --ephemeral.")
    if options["github_env"] and not options["ephemeral"]:
        raise Misuse("--github-env goes with --ephemeral only.")
    if options["github_env"] and not os.environ.get("GITHUB_ENV"):
        raise Misuse("--github-env needs the variable GITHUB_ENV, which GitHub sets in a job.")


def _serve(wish: Wish, seen: Screen) -> None:
    from trustpub.index.adapters.lock import FolderLock
    from trustpub.index.adapters.staging import clear
    from trustpub.index.bootstrap.opening import open_folder, prepare
    from trustpub.index.serving import run

    wanted, place = wish.wanted, wish.wanted.place
    check_workers(wanted.workers, place.postgres)
    prepare(wish.data)
    with FolderLock(wish.data) as lock, bound(wish) as listening:
        swept = clear(wish.data)
        opened = open_folder(
            wish.data,
            create=True,
            rehearsal=wish.rehearsal,
            secret_file=place.secret_file,
            public_url=wanted.public_url,
            local_url=local_url(wish, listening),
            clock=time.time,
            env=os.environ,
            postgres=place.postgres,
            s3=place.s3,
        )
        with opened as folder:
            _believe_own(wish, folder)
            made = _dev_tls(wish, folder)
            for sentence in folder.said:
                seen.step(sentence)
            if swept:
                seen.step(f"{swept} leftover(s) of an earlier run removed from the folder")
            ca = None if made is None else str(made.ca.resolve())
            facts = {"url": folder.public_url, "ca": ca, "audience": folder.audience, "data": str(wish.data.resolve())}

            # Only where a person reads it: what --json and --ephemeral print goes into the logs of jobs.
            first = None if wish.as_json or wish.ephemeral else folder.invitations.first()
            private = wish.is_private(folder.public_url)
            stopping = Stopping()

            def started() -> None:
                stopping.expected = True
                lock.tell({"pid": os.getpid(), **{name: facts[name] for name in ("url", "ca", "audience")}})
                announce(wish, facts, seen, rehearsal=folder.rehearsal, private=private, first=first)

            stopping.take_over()
            settings = replace(folder.settings, private=private, **wanted.settings)
            certificate = made.certificate if made else wanted.tls_cert
            key = made.key if made else wanted.tls_key
            if wanted.workers > 1:
                run_workers(
                    wish,
                    folder,
                    listening,
                    settings,
                    certificate=certificate,
                    key=key,
                    quiet=seen.quiet,
                    started=started,
                )
            else:
                run(
                    folder,
                    listening,
                    settings,
                    certificate=certificate,
                    key=key,
                    trusted_proxies=wanted.trusted_proxies,
                    stop_seconds=wanted.stop_seconds,
                    started=started,
                )
    seen.step("Stopped.")


def _believe_own(wish: Wish, folder: Folder) -> None:
    """Take attestations from the Sigstore instance that clients are told to sign with."""
    content = wish.wanted.settings["trust_config"]
    if content is not None:
        from trustpub.proofs.instance import read_instance

        instance = read_instance(content, "the trust configuration", now=time.time())
        folder.trust.adopt(OWN_SIGSTORE, instance.trusted_root)


def _dev_tls(wish: Wish, folder: Folder) -> DevTls | None:
    if not wish.tls_dev:
        return None
    from trustpub.index.adapters.tls import make

    public = urlsplit(folder.public_url).hostname or ""
    hosts = [public] if wish.wildcard else [wish.wanted.host, public]
    return make(wish.data / "tls", hosts, time.time())
