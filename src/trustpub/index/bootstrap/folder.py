# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""An index at rest, with everything to look after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from trustpub.index.adapters import secretfile
from trustpub.index.adapters.forge import Forges
from trustpub.index.adapters.keyring import Keyring
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.bootstrap.blobs import open_blobs
from trustpub.index.bootstrap.fellows import open_fellows
from trustpub.index.credentials import Credentials
from trustpub.index.manage.apply import Applying
from trustpub.index.manage.issuers import Issuers
from trustpub.index.manage.names import Names
from trustpub.index.manage.people import People
from trustpub.index.manage.projects import Projects
from trustpub.index.manage.publishers import Publishers
from trustpub.index.manage.records import Records
from trustpub.index.ports import Blobs, Clock, Fellows
from trustpub.index.settings import ObjectStorage, Postgres, Settings
from trustpub.proofs.roots import Roots

if TYPE_CHECKING:
    from trustpub.index.accounts.invitations import Invitations
    from trustpub.index.desk.desk import Desk

TRUST = "trust"
"""The folder of the trust roots that were added or fetched."""


class Folder:
    """An index at rest: everything that is in its folder."""

    def __init__(
        self,
        *,
        path: Path,
        store: SqlStore,
        secret_path: Path,
        clock: Clock,
        env: Mapping[str, str],
        postgres: Postgres | None = None,
        s3: ObjectStorage | None = None,
        said: Sequence[str] = (),
    ) -> None:
        """Use :func:`trustpub.index.bootstrap.opening.open_folder`."""
        self.path = path
        self.store = store
        self.clock = clock
        self.env = env
        """For proxies and certificates when issuers and forges are asked."""
        self.said = tuple(said)
        """What happened at opening, in sentences for whoever opened it."""
        self.secret_path = secret_path
        self._postgres = postgres
        self._s3 = s3
        with store.read() as reading:
            self.rehearsal = reading.fact("rehearsal") == "yes"
            self.audience = reading.fact("audience") or ""
            self.public_url = reading.fact("public_url") or ""
        self.people = People(store, clock)
        self.issuers = Issuers(store, clock, rehearsal=self.rehearsal)
        # A rehearsal's repositories are in no forge.
        self.publishers = Publishers(store, clock, forge=None if self.rehearsal else Forges(env=env))
        self.applying = Applying(store, clock, issuers=self.issuers, publishers=self.publishers)
        self.names = Names(store, clock)
        self.records = Records(store)

    @cached_property
    def blobs(self) -> Blobs:
        """The bytes of files."""
        return open_blobs(self.path, self._s3, alone=self._postgres is None)

    @cached_property
    def fellows(self) -> Fellows:
        """The other processes that serve it."""
        return open_fellows(self._postgres)

    @cached_property
    def projects(self) -> Projects:
        """What becomes of them."""
        return Projects(self.store, self.blobs, self.clock)

    @cached_property
    def invitations(self) -> Invitations:
        """To make them with."""
        from trustpub.index.accounts.invitations import Invitations

        return Invitations(self.store, self.clock, public_url=self.public_url)

    def desk(self, *, private: bool = False) -> Desk:
        """Where it is managed. ``private``: whether reading the index needs an account."""
        from trustpub.index.accounts.acting import Acting
        from trustpub.index.desk.desk import Desk
        from trustpub.index.manage.members import Members
        from trustpub.index.manage.publishing import Publishing
        from trustpub.index.manage.switches import Switches

        return Desk(
            store=self.store,
            clock=self.clock,
            acting=Acting(self.store, private=private),
            people=self.people,
            projects=self.projects,
            members=Members(self.store, self.clock),
            publishers=self.publishers,
            publishing=Publishing(self.store, self.clock, self.publishers),
            issuers=self.issuers,
            names=self.names,
            switches=Switches(self.store, self.clock),
            invitations=self.invitations,
            applying=self.applying,
            credentials=lambda: self.credentials,
        )

    @cached_property
    def trust(self) -> Roots:
        """Whose attestations are believed."""
        return Roots(self.path / TRUST)

    @cached_property
    def root_keys(self) -> Keyring:
        """From the server's secret, which is read when it is first needed: most admin commands can do without.

        Raises:
            Misuse: it is not there, can be read by others, or is not the one this index was made with.
        """
        return Keyring(self.secret_path, self.store, self.clock)

    def read_secret(self) -> bytes:
        """The server's secret itself, as a backup may hold it.

        Raises:
            Misuse: as :attr:`root_keys`.
        """
        _ = self.root_keys
        return secretfile.load(self.secret_path, create=False)

    @property
    def settings(self) -> Settings:
        """As of the last start."""
        return Settings(public_url=self.public_url, audience=self.audience, rehearsal=self.rehearsal)

    @property
    def credentials(self) -> Credentials:
        """To issue tokens with."""
        return Credentials(store=self.store, root_keys=self.root_keys, settings=self.settings, clock=self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()
