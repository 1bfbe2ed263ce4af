# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who signs what ``trustpub publish`` sends: the place where the client and the proofs meet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustpub.errors import Misuse

if TYPE_CHECKING:
    from trustpub.ci.detection import Job
    from trustpub.client.attesting import Attestor, Choice, Signer, Watcher
    from trustpub.client.exchange import Exchange
    from trustpub.client.indexes import Index
    from trustpub.http import Http
    from trustpub.proofs.instance import Instance
    from trustpub.secret import Secret

REQUIRED, AUTO, OFF = "required", "auto", "off"
"""Nothing is published without; where it can be done; not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person said about attestations."""

    mode: str = AUTO
    trust_config: str | None = None
    """Path of a file with the Sigstore instance to use, or ``public-good``; None: the one that the index names."""


def attestor(
    wish: Wish, http: Http, index: Index, job: Job, watcher: Watcher
) -> Callable[[Exchange], Attestor | None] | None:
    """Who makes the attestations of this release, once it is known what the index wants; None where nobody does.

    Raises:
        Misuse: ``--trust-config`` goes with nothing.
    """
    if wish.mode == OFF:
        if wish.trust_config is not None:
            raise Misuse("--trust-config says with what to sign, and --attestations off not to sign at all.")
        return None
    from trustpub.client.attesting import Attesting

    attesting = Attesting(make=_maker(http), mode=wish.mode, given=wish.trust_config)
    return lambda exchange: attesting.begin(http, index, job, watcher, named=exchange.endpoints.sigstore)


def _maker(http: Http) -> Callable[[Choice, Callable[[], Secret]], Signer]:
    def make(choice: Choice, identity: Callable[[], Secret]) -> Signer:
        from trustpub.proofs.sign import Signer as Real
        from trustpub.proofs.verify import EXTRA, installed

        if not installed():
            raise Misuse("Nothing is signed: that needs packages that are not installed.", hint=EXTRA)
        return Real(http=http, trust_config=lambda: _instance(http, choice), identity=identity, clock=time.time)

    return make


def _instance(http: Http, choice: Choice) -> Instance:
    """The instance that was chosen, looked up where it is described."""
    from trustpub.client.attesting import PUBLIC
    from trustpub.proofs import instance

    if choice.source == PUBLIC:
        return instance.fetch_public(http, now=time.time())
    if choice.named:
        return instance.fetch(http, choice.source or "", now=time.time())
    return instance.read_file(choice.source or "", now=time.time())[0]
