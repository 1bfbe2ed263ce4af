# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index becomes pages for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustpub.index.bootstrap.folder import Folder
from trustpub.index.credentials import Credentials
from trustpub.index.ports import Probe
from trustpub.index.settings import Settings

if TYPE_CHECKING:
    from trustpub.index.web.site.skeleton import Site


def build_site(folder: Folder, settings: Settings, credentials: Credentials, probe: Probe) -> Site:
    """The pages for people."""
    from trustpub.index.accounts.acting import Acting
    from trustpub.index.accounts.invitations import Invitations
    from trustpub.index.accounts.openid import OpenIdSignIn
    from trustpub.index.accounts.second_factor import SecondFactor
    from trustpub.index.accounts.sessions import Sessions
    from trustpub.index.accounts.signing_in import SigningIn
    from trustpub.index.accounts.tokens import OwnTokens
    from trustpub.index.adapters.openid import OpenIdHttp
    from trustpub.index.adapters.passwords import Argon2Passwords
    from trustpub.index.adapters.sealing import SECRETS, WAYS, Sealer
    from trustpub.index.browse.counts import Counts
    from trustpub.index.browse.index_log import IndexLog
    from trustpub.index.browse.log import Log
    from trustpub.index.browse.projects import Browse
    from trustpub.index.browse.readme import Readmes
    from trustpub.index.manage.members import Members
    from trustpub.index.manage.switches import Switches
    from trustpub.index.web.site.signing import Signing
    from trustpub.index.web.site.skeleton import Site
    from trustpub.index.web.site.table import PAGES

    store, clock, keys = folder.store, folder.clock, folder.root_keys
    sessions = Sessions(store, clock)
    sealer = Sealer(lambda: keys.keys_for(SECRETS))
    second_factor = SecondFactor(store, sealer, clock, host=settings.host)
    signing_in = SigningIn(
        store,
        clock,
        passwords=Argon2Passwords(),
        sessions=sessions,
        second_factor=second_factor,
        fellows=folder.fellows,
    )
    invitations = Invitations(store, clock, public_url=settings.public_url, signing_in=signing_in)
    open_id = None
    if settings.open_id is not None:
        open_id = OpenIdSignIn(
            store,
            clock,
            settings=settings.open_id,
            provider=OpenIdHttp(settings.open_id, env=folder.env, clock=clock),
            sealing=Sealer(lambda: keys.keys_for(WAYS)),
            sessions=sessions,
            signing_in=signing_in,
            invitations=invitations,
            public_url=settings.public_url,
            fellows=folder.fellows,
        )
    return Site(
        settings=settings,
        store=folder.store,
        clock=folder.clock,
        signing=Signing(lambda: keys.keys_for("cookies and forms"), secure=settings.public_url.startswith("https://")),
        acting=Acting(folder.store, private=settings.private),
        sessions=sessions,
        signing_in=signing_in,
        second_factor=second_factor,
        invitations=invitations,
        tokens=OwnTokens(store, clock, credentials),
        credentials=credentials,
        people=folder.people,
        projects=folder.projects,
        publishers=folder.publishers,
        issuers=folder.issuers,
        names=folder.names,
        records=folder.records,
        blobs=folder.blobs,
        browse=Browse(store=folder.store, readmes=Readmes(folder.blobs), settings=settings),
        members=Members(folder.store, folder.clock),
        log=Log(folder.store),
        index_log=IndexLog(folder.store),
        counts=Counts(store, clock),
        switches=Switches(store, clock),
        probe=probe,
        open_id=open_id,
        pages={page.name: page for page in PAGES},
    )
