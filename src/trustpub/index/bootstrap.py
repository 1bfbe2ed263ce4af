# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The only place that names adapters: a folder becomes an index, an index becomes an ASGI application."""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from trustpub.addresses import is_loopback
from trustpub.errors import Misuse
from trustpub.index.adapters import durable, secretfile
from trustpub.index.adapters.files import FolderBlobs
from trustpub.index.adapters.forge import Forges
from trustpub.index.adapters.sql.store import SqlStore, head, knows
from trustpub.index.credentials import Credentials
from trustpub.index.manage.apply import Applying
from trustpub.index.manage.issuers import Issuers
from trustpub.index.manage.names import Names
from trustpub.index.manage.people import People
from trustpub.index.manage.projects import Projects
from trustpub.index.manage.publishers import Publishers
from trustpub.index.manage.records import Records
from trustpub.index.ports import Clock, Post, Probe, Writing
from trustpub.index.settings import Settings
from trustpub.printable import printable
from trustpub.proofs.roots import Roots
from trustpub.protocol.exchange import AUDIENCE
from trustpub.tokens.keys import RootKeys

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from trustpub.index.accounts.invitations import Invitations
    from trustpub.index.desk.desk import Desk
    from trustpub.index.web.site.skeleton import Site

DATABASE = "index.db"
TRUST = "trust"
"""The folder of the trust roots that were added or fetched."""
SECRET = "secret"  # noqa: S105 - a file's name

FORBIDDEN_AUDIENCES = frozenset({"pypi", "testpypi", "sigstore"})
"""Those of others: an index that took them could replay its users' identity tokens there."""

_OWN_NAMES = frozenset(
    {"secret", TRUST, "tls", "lock", "packages", "staging", "lost+found", "index.db-wal", "index.db-shm"}
)
"""What may be in a folder whose first start was cut short, or that somebody prepared."""

_PLAIN = re.compile(r"[!-~]+\Z")
"""ASCII without blanks."""


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
        said: Sequence[str] = (),
    ) -> None:
        """Use :func:`open_folder`."""
        self.path = path
        self.store = store
        self.clock = clock
        self.env = env
        """For proxies and certificates when issuers and forges are asked."""
        self.said = tuple(said)
        """What happened at opening, in sentences for whoever opened it."""
        self.secret_path = secret_path
        with store.read() as reading:
            self.rehearsal = reading.fact("rehearsal") == "yes"
            self.audience = reading.fact("audience") or ""
            self.public_url = reading.fact("public_url") or ""
            self._key_id = reading.fact("secret_key_id") or ""
        self.people = People(store, clock)
        self.issuers = Issuers(store, clock, rehearsal=self.rehearsal)
        # A rehearsal's repositories are in no forge.
        self.publishers = Publishers(store, clock, forge=None if self.rehearsal else Forges(env=env))
        self.applying = Applying(store, clock, issuers=self.issuers, publishers=self.publishers)
        self.names = Names(store, clock)
        self.records = Records(store)

    @cached_property
    def blobs(self) -> FolderBlobs:
        """The bytes of files."""
        return FolderBlobs(self.path)

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
    def root_keys(self) -> RootKeys:
        """From the server's secret, which is read when it is first needed: most admin commands can do without.

        Raises:
            Misuse: it is not there, can be read by others, or is not the one this index was made with.
        """
        return RootKeys(self.read_secret())

    def read_secret(self) -> bytes:
        """The server's secret itself, as a backup may hold it.

        Raises:
            Misuse: as :attr:`root_keys`.
        """
        secret = secretfile.load(self.secret_path, create=False)
        key_id = RootKeys(secret).key_id
        if key_id != self._key_id:
            raise Misuse(
                f"The secret at {self.secret_path} (key id {key_id}) is not the one this index was made with "
                f"(key id {self._key_id}).",
                hint="Put the right one back: with another, no token this index gave out would be valid.",
            )
        return secret

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


def open_folder(
    data: Path,
    *,
    create: bool,
    rehearsal: bool = False,
    secret_file: Path | None = None,
    public_url: str | None = None,
    local_url: str | None = None,
    clock: Clock = time.time,
    env: Mapping[str, str] | None = None,
) -> Folder:
    """The index in the folder ``data``.

    With ``create``, as a server starts: a folder that is new or empty becomes an index, for which a URL is needed, and
    an older database is copied and upgraded. Without, as ``admin`` does: it must be one already.

    Args:
        data: the folder.
        create: whether to make or upgrade what is there.
        rehearsal: make it one that accepts issuers on loopback and ``.test``; only when it is new.
        secret_file: where the server's secret is; in the folder unless given.
        public_url: as from :func:`read_public_url`, and remembered for the next start.
        local_url: where it listens; the URL as long as no public one was ever given.
        clock: the time.
        env: the environment, for proxies and certificates; none unless given.

    Raises:
        Misuse: it is no index, is newer than this program, cannot be written to, or the secret is not the right one.
    """
    secret_path = secret_file or data / SECRET
    with ExitStack() as undo:
        try:
            if create:
                prepare(data)
            elif not (data / DATABASE).is_file():
                raise Misuse(
                    f"There is no index in the folder {data}.", hint=f"Make one with: trustpub serve --data {data}"
                )
            store = SqlStore(data / DATABASE)
            undo.callback(store.close)
            said = _bring_up_to_date(store, data, create=create)
            if create:
                urls = (public_url, local_url)
                said += _first_start(store, secret_path, rehearsal=rehearsal, urls=urls, clock=clock)
            folder = Folder(path=data, store=store, secret_path=secret_path, clock=clock, env=env or {}, said=said)
        except OSError as error:
            raise Misuse(f"The folder {data} cannot be used: {error.strerror}.") from error
        _check_facts(folder, create=create)
        undo.pop_all()
    return folder


def read_public_url(text: str) -> str:
    """Scheme, host and port of ``text``, as clients will use them.

    Raises:
        Misuse: there is more in it, or plain HTTP to another machine.
    """
    shown = repr(printable(text, 200))
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not _PLAIN.match(text):
        raise Misuse(f"The public URL {shown} is not https://HOST or https://HOST:PORT.")
    if parts.path not in ("", "/"):
        raise Misuse(
            f"The public URL {shown} has a path, which clients drop when they ask for a token.",
            hint="Give every index a host name of its own.",
        )
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise Misuse(f"The public URL {shown} has a user, a query or a fragment.")
    if parts.scheme == "http" and not is_loopback(host):
        raise Misuse(
            f"The public URL {shown} starts with http://, over which anybody could read tokens.",
            hint="Plain HTTP is for this machine only.",
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"


def new_audience(public_url: str) -> str:
    """An audience that no other index has, in letters that every CI can put into a variable's name."""
    host = re.sub(r"[^a-z0-9]+", "_", (urlsplit(public_url).hostname or "").lower()).strip("_")
    if not host[:1].isalpha():
        host = f"index_{host}"
    return f"{host[:100]}_{secrets.token_hex(8)}"


def build_app(folder: Folder, settings: Settings) -> ASGIApp:
    """The application, with everything it needs from the folder."""
    from trustpub.index import tidings
    from trustpub.index.adapters.jwks import JwksKeys
    from trustpub.index.attested import Attested
    from trustpub.index.limits import Limits
    from trustpub.index.mint import Mint
    from trustpub.index.readers import Readers
    from trustpub.index.simple import Pages
    from trustpub.index.upload import Upload
    from trustpub.index.web.app import build
    from trustpub.index.web.management import Management
    from trustpub.proofs.verify import Checker

    store, clock, root_keys = folder.store, folder.clock, folder.root_keys
    keys = JwksKeys(env=folder.env, clock=clock, rehearsal=folder.rehearsal)
    credentials = Credentials(store=store, root_keys=root_keys, settings=settings, clock=clock)
    mint = Mint(store=store, keys=keys, root_keys=root_keys, settings=settings, clock=clock, limits=Limits())
    checker = Checker(folder.trust)
    if settings.trust_config is not None:
        # Clients are told to sign: attestations will come, and the first is not to wait for half a second of loading.
        threading.Thread(target=checker.prepare, name="attestations", daemon=True).start()
    attested = Attested(store=store, checker=checker)
    upload = Upload(
        store=store,
        blobs=folder.blobs,
        credentials=credentials,
        settings=settings,
        clock=clock,
        attested=attested,
        published=tidings.tell,
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
        site=_site(folder, settings, credentials, keys),
        management=Management(folder.desk(private=settings.private), credentials, settings),
    )


def _site(folder: Folder, settings: Settings, credentials: Credentials, probe: Probe) -> Site:
    """The pages for people."""
    from trustpub.index.accounts.acting import Acting
    from trustpub.index.accounts.invitations import Invitations
    from trustpub.index.accounts.openid import OpenIdSignIn
    from trustpub.index.accounts.patience import Patience
    from trustpub.index.accounts.second_factor import SecondFactor
    from trustpub.index.accounts.sessions import Sessions
    from trustpub.index.accounts.signing_in import SigningIn
    from trustpub.index.accounts.tokens import OwnTokens
    from trustpub.index.adapters.openid import OpenIdHttp
    from trustpub.index.adapters.passwords import Argon2Passwords
    from trustpub.index.adapters.sealing import Sealer
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
    sealer = Sealer(keys.key_for("sealed secrets"))
    second_factor = SecondFactor(store, sealer, clock, host=settings.host)
    signing_in = SigningIn(
        store,
        clock,
        passwords=Argon2Passwords(),
        sessions=sessions,
        second_factor=second_factor,
        patience=Patience(),
    )
    invitations = Invitations(store, clock, public_url=settings.public_url, signing_in=signing_in)
    open_id = None
    if settings.open_id is not None:
        open_id = OpenIdSignIn(
            store,
            clock,
            settings=settings.open_id,
            provider=OpenIdHttp(settings.open_id, env=folder.env, clock=clock),
            sealing=Sealer(keys.key_for("ways to a provider")),
            sessions=sessions,
            signing_in=signing_in,
            invitations=invitations,
            public_url=settings.public_url,
        )
    return Site(
        settings=settings,
        store=folder.store,
        clock=folder.clock,
        signing=Signing(keys.key_for("cookies and forms"), secure=settings.public_url.startswith("https://")),
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


def build_post(folder: Folder, settings: Settings) -> Post:
    """What takes the letters of the index.

    Raises:
        Misuse: the certificates to believe cannot be read.
    """
    from trustpub.index.adapters.smtp import ConsolePost, SmtpPost

    return ConsolePost() if settings.relay is None else SmtpPost(settings.relay, env=folder.env)


def prepare(data: Path) -> None:
    """Make the folder unless it is there, so that it can be locked before it is opened.

    Raises:
        Misuse: it cannot be made or written to, or what is in it is something else than an index.
    """
    try:
        _prepare(data)
    except OSError as error:
        raise Misuse(f"The folder {data} cannot be used: {error.strerror}.") from error


def _prepare(data: Path) -> None:
    if not data.exists():
        data.mkdir(mode=0o700, parents=True)
        durable.sync(data.parent)
    if not data.is_dir():
        raise Misuse(f"{data} is not a folder.")
    if not os.access(data, os.W_OK | os.X_OK):
        raise Misuse(f"The folder {data} cannot be written to.")
    if (data / DATABASE).exists():
        return
    strange = sorted({one.name for one in data.iterdir()} - _OWN_NAMES)
    if strange:
        raise Misuse(
            f"The folder {data} is not empty and holds no index: there is {printable(strange[0], 100)!r} in it.",
            hint="Name a new or an empty folder with --data.",
        )


def _bring_up_to_date(store: SqlStore, data: Path, *, create: bool) -> list[str]:
    """Give the database the newest schema. Returns what was done, in sentences."""
    revision, newest = store.revision(), head()
    if revision == newest:
        return []
    if revision is not None and not knows(revision):
        raise Misuse(
            f"The index in {data} was written by a newer trustpub (its schema is {printable(revision, 40)}, "
            f"this one knows up to {newest}).",
            hint="Upgrade trustpub, or go back to a copy of that folder.",
        )
    if not create:
        raise Misuse(
            f"The index in {data} is of an older trustpub, or was never started.",
            hint=f"A start brings it up to date: trustpub serve --data {data}",
        )
    if revision is None:
        if not store.is_empty():
            raise Misuse(f"The file {data / DATABASE} is a database, but not that of an index.")
        store.upgrade()
        return []
    copy = data / f"{DATABASE}.before-{revision}"
    store.copy_to(copy)
    store.upgrade()
    return [f"The database was upgraded from schema {revision} to {newest}; as it was before, it is in {copy}."]


def _first_start(
    store: SqlStore, secret_path: Path, *, rehearsal: bool, urls: tuple[str | None, str | None], clock: Clock
) -> list[str]:
    """Facts that last. The last one written makes it an index; all come in one transaction."""
    with store.read() as reading:
        made = reading.fact("audience") is not None
        was_rehearsal = reading.fact("rehearsal") == "yes"
    if made:
        if rehearsal and not was_rehearsal:
            raise Misuse(
                "This index is no rehearsal, and cannot become one: it could be made to believe anybody.",
                hint="Name a new folder with --data.",
            )
        if (url := _url(store, *urls)) is not None:
            with store.write() as writing:
                _remember_url(writing, url, public=urls[0] is not None)
        return []
    url = _url(store, *urls)
    if url is None:
        raise Misuse(
            "A new index that listens on every address needs the URL that clients use.",
            hint="Give it with --public-url https://HOST",
        )
    keys = RootKeys(secretfile.load(secret_path, create=True))
    with store.write() as writing:
        Issuers(store, clock, rehearsal=rehearsal).add_public(writing)
        if rehearsal:
            writing.set_fact("rehearsal", "yes")
        writing.set_fact("secret_key_id", keys.key_id)
        _remember_url(writing, url, public=urls[0] is not None)
        writing.set_fact("audience", new_audience(url))
    return ["A new index was made."]


def _url(store: SqlStore, public_url: str | None, local_url: str | None) -> str | None:
    """What to set as the URL: the given one, else none if one was given before, else the local one."""
    with store.read() as reading:
        given_before = reading.fact("public_url_given") == "yes"
    return public_url or (None if given_before else local_url)


def _remember_url(writing: Writing, url: str, *, public: bool) -> None:
    writing.set_fact("public_url", url)
    if public:
        writing.set_fact("public_url_given", "yes")


def _check_facts(folder: Folder, *, create: bool) -> None:
    if not folder.audience:
        raise Misuse(
            f"The index in {folder.path} was never started.", hint=f"Start it: trustpub serve --data {folder.path}"
        )
    if not AUDIENCE.match(folder.audience) or (folder.audience in FORBIDDEN_AUDIENCES and not folder.rehearsal):
        raise Misuse(
            f"The audience of this index is {printable(folder.audience, 100)!r}, which it may not be.",
            hint="Identity tokens for it could be used elsewhere.",
        )
    if create:
        # Before anything is served: with the wrong secret every token would be refused, without a word why.
        _ = folder.root_keys
