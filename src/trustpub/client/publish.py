# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A release: identity, token, uploads, token given back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from trustpub.ci.detection import Job
from trustpub.client.exchange import Listener, burn, obtain
from trustpub.client.files import Distribution
from trustpub.client.indexes import Index
from trustpub.client.upload import upload
from trustpub.errors import Declined, PartlyPublished, TrustpubError, Unreachable
from trustpub.http import Http
from trustpub.secret import Secret


class Watcher(Listener, Protocol):
    """Who is told how a whole release goes."""

    def uploaded(self, distribution: Distribution) -> None:
        """The index has this file."""

    def warning(self, text: str) -> None:
        """Something is not as it should be, and the release goes on."""


class Attestor(Protocol):
    """Who signs."""

    def attest(self, distribution: Distribution) -> str:
        """An attestation (PEP 740) that this job made ``distribution``: the text of its JSON.

        Raises:
            TrustpubError: it cannot be signed now.
        """


@contextmanager
def token(http: Http, index: Index, job: Job, watcher: Watcher) -> Iterator[Secret]:
    """An upload token that is given back when the block ends, however it ends."""
    minted = obtain(http, index, job, watcher)
    try:
        watcher.mask(minted.token)
        watcher.step(f"{index.origin} trusts it and gave an upload token")
        yield minted.token
    finally:
        warning = burn(http, index, minted.token)
        if warning:
            watcher.warning(warning)
        else:
            watcher.step("The upload token is given back")


def publish(
    http: Http, index: Index, job: Job, distributions: Sequence[Distribution], watcher: Watcher, *,
    attestor: Attestor | None = None,
) -> None:  # fmt: skip
    """Upload ``distributions`` one after another, over one connection; stop at the first that does not go up.

    Raises:
        PartlyPublished: some are on the index, and one failed. Lists both.
        TrustpubError: nothing was published; see :func:`~trustpub.client.exchange.obtain` and
            :func:`~trustpub.client.upload.upload`.
    """
    done: list[Distribution] = []
    with token(http, index, job, watcher) as secret:
        for distribution in distributions:
            try:
                upload(http, index, secret, distribution)
            except TrustpubError as error:
                if not done:
                    raise
                raise _partly(error, done, distributions[len(done) :]) from error
            done.append(distribution)
            watcher.uploaded(distribution)


def _partly(error: TrustpubError, done: Sequence[Distribution], left: Sequence[Distribution]) -> PartlyPublished:
    failed, *waiting = left
    unsure = " (it may have arrived all the same)" if isinstance(error, Unreachable) else ""
    lines = [error.message, "On the index:", *(f"  {one.filename}" for one in done)]
    lines += ["Not on the index:", f"  {failed.filename}{unsure}", *(f"  {one.filename}" for one in waiting)]
    mend = "Mend what is refused" if isinstance(error, Declined) else "Try again later"
    return PartlyPublished(
        "\n".join(lines),
        hint=f"{mend} and publish the same files again: those that are there already, unchanged, are accepted.",
    )
