# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Who signs what ``trustpub publish`` sends: the place where the client and the proofs meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustpub.errors import Misuse

if TYPE_CHECKING:
    from trustpub.ci.detection import Job
    from trustpub.client.indexes import Index
    from trustpub.client.publish import Attestor
    from trustpub.http import Http

REQUIRED, AUTO, OFF = "required", "auto", "off"
"""Nothing is published without; where it can be done; not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person said about attestations."""

    mode: str = AUTO
    trust_config: str | None = None
    """Path of a file with the Sigstore instance to use; None: the one that the index names, or none."""


def attestor(wish: Wish, http: Http, index: Index, job: Job) -> Attestor | None:
    """Who makes the attestations of this release; None where nobody does.

    Raises:
        Misuse: one is demanded and none can be had, or ``--trust-config`` goes with nothing.
    """
    if wish.mode == OFF and wish.trust_config is not None:
        raise Misuse("--trust-config says with what to sign, and --attestations off not to sign at all.")
    return None
