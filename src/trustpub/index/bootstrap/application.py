# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index becomes an ASGI application."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from trustpub.index.bootstrap.folder import Folder
from trustpub.index.credentials import Credentials
from trustpub.index.metering import UNMETERED, Meter
from trustpub.index.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from trustpub.index.gateway.handing import HandingOn
    from trustpub.index.ports import Store


def onward(folder: Folder, settings: Settings) -> HandingOn | None:
    """The way to the index behind a gateway; None: files are kept here.

    Raises:
        Misuse: the index is something else than the settings say, or what they say of the other cannot be used.
    """
    from trustpub.index.gateway.standing import take_up

    take_up(folder.store, settings.gateway)
    if settings.gateway is None:
        return None
    from trustpub.index.adapters.upstream import HttpUpstream
    from trustpub.index.gateway.handing import HandingOn

    upstream = HttpUpstream(settings.gateway, env=folder.env)
    return HandingOn(store=folder.store, upstream=upstream, clock=folder.clock, called=settings.gateway.upstream)


def build_app(folder: Folder, settings: Settings, meter: Meter = UNMETERED) -> ASGIApp:
    """The application, with everything it needs from the folder. ``meter`` counts what it does."""
    from trustpub.index import tidings
    from trustpub.index.adapters.jwks import JwksKeys
    from trustpub.index.adapters.timed import TimedStore
    from trustpub.index.attested import Attested
    from trustpub.index.bootstrap.site import build_site
    from trustpub.index.limits import Limits
    from trustpub.index.mint import Mint
    from trustpub.index.readers import Readers
    from trustpub.index.simple import Pages
    from trustpub.index.upload import Upload
    from trustpub.index.web.app import build
    from trustpub.index.web.management import Management
    from trustpub.proofs.verify import Checker

    store, clock, root_keys = folder.store, folder.clock, folder.root_keys
    keys = JwksKeys(env=folder.env, clock=clock, rehearsal=folder.rehearsal, meter=meter)
    timed: Store = store if meter is UNMETERED else TimedStore(store, meter)
    credentials = Credentials(store=store, root_keys=root_keys, settings=settings, clock=clock)
    mint = Mint(
        store=timed,
        keys=keys,
        root_keys=root_keys,
        settings=settings,
        clock=clock,
        limits=Limits(fellows=folder.fellows),
        meter=meter,
    )
    checker = Checker(folder.trust)
    if settings.trust_config is not None:
        # Clients are told to sign: attestations will come, and the first is not to wait for half a second of loading.
        threading.Thread(target=checker.prepare, name="attestations", daemon=True).start()
    attested = Attested(store=store, checker=checker)
    upload = Upload(
        store=timed,
        blobs=folder.blobs,
        credentials=credentials,
        settings=settings,
        clock=clock,
        attested=attested,
        published=tidings.tell,
        onward=onward(folder, settings),
    )
    pages = Pages(store=store, blobs=folder.blobs, settings=settings)
    return build(
        mint=mint,
        upload=upload,
        pages=pages,
        attested=attested,
        blobs=folder.blobs,
        store=store,
        settings=settings,
        readers=Readers(store=store, credentials=credentials, clock=clock),
        site=build_site(folder, settings, credentials, keys),
        management=Management(folder.desk(private=settings.private), credentials, settings),
        meter=meter,
    )
