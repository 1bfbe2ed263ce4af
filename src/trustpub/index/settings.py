# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the index was started with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from trustpub.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The server that takes the index's letters (RFC 6409)."""

    host: str
    port: int
    tls: bool
    """From the first byte on (RFC 8314); else by STARTTLS, which is done without on this machine only."""
    sender: str
    """The ``From`` address."""
    sender_name: str = ""
    user: str = ""
    """Empty: nobody signs in."""
    password: Secret | None = None
    ca: str | None = None
    """A PEM file or folder of the certificates to believe; None: the system's, or the environment's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenId:
    """The OpenID Connect provider at which people may sign in."""

    issuer: str
    """Exactly the ``iss`` of its ID tokens."""
    client_id: str
    secret: Secret | None = None
    """Of the client; None: it is a public one, whose requests PKCE alone protects."""
    name: str = ""
    """For people, as "Example SSO"."""
    ca: str | None = None
    """A PEM file of the certificates to believe for it; None: the system's, or the environment's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Another index, to which this one hands on what it accepts: it keeps no file itself."""

    upstream: str
    """What people and clients know it as: scheme, host and port, perhaps with a path."""
    upload_url: str
    """Where files are sent: its legacy upload API."""
    simple_url: str
    """Where files are read: its Simple API, with a slash at the end."""
    user: str = "__token__"
    """Under which name this index uploads there."""
    password: Secret | None = None
    """Of that user, be it a password or an API token; None: nobody signs in."""
    ca: str | None = None
    """A PEM file of the certificates to believe for it; None: the system's, or the environment's."""
    password_file: str | None = None
    """Where the password came from, and is looked for before every upload: some last a few hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """The PostgreSQL server that keeps the rows."""

    url: Secret
    """``postgresql://USER:PASSWORD@HOST/DATABASE``, as libpq reads it."""
    pool: int = 8
    """Connections that one process holds at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStorage:
    """The bucket that keeps the bytes of files, behind the S3 API."""

    bucket: str
    """Its name."""
    endpoint: str | None = None
    """Scheme, host and port of the server; None: Amazon's, by the region."""
    region: str = "us-east-1"
    """Of the bucket; most servers other than Amazon's do not care."""
    prefix: str = ""
    """What the name of every object begins with, so that several indexes can share a bucket."""
    access_key: str | None = None
    """The key's id; None: as the machine that this runs on is known."""
    secret_key: Secret | None = None
    """What goes with it."""
    download: Literal["redirect", "proxy"] = "proxy"
    """Whether who downloads is sent to the bucket with a link that is good for a short time, or gets it from here."""
    ca: str | None = None
    """A PEM file of the certificates to believe for it; None: the system's, or the environment's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Who may read the figures of the server at ``/metrics``."""

    host: str | None = None
    """With ``port``: on a socket of its own that listens here; None: beside everything else."""
    port: int | None = None
    """Of that socket."""
    networks: tuple[str, ...] = ()
    """Addresses and networks that may."""
    token: Secret | None = None
    """A bearer token (RFC 6750) whose holder may, from everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """How the server writes its log."""

    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object per line."""
    level: str = "info"
    """The least that is written: debug, info, warning or error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Frozen at start. Lasting facts (audience, rehearsal) are in the store."""

    public_url: str
    """Scheme, host and port that clients use; no path, no trailing slash."""
    audience: str
    """What the ``aud`` claim of an identity token must be."""
    rehearsal: bool = False
    """A throw-away index that accepts issuers on loopback and ``.test`` names."""
    max_file_bytes: int = 1024 * 1024 * 1024
    """Of one distribution."""
    max_project_bytes: int | None = None
    """Of all files of a project together, deleted ones not counted; None: no limit."""
    local_versions: bool = True
    """Whether a version may have a local part, such as ``1.0+cu121``."""
    direct_urls: bool = True
    """Whether a dependency may be given by URL (``NAME @ https://…``)."""
    release_days: int | None = None
    """After how many days, counted from its first file, a release takes no more files; None: never."""
    upstream: str | None = None
    """Where a request for a project that is not here is sent: the URL of another index's Simple API."""
    trust_config: bytes | None = None
    """The Sigstore instance that attestations are wanted from, as a ``ClientTrustConfig`` in JSON; None: none is
    named."""
    private: bool = False
    """Whether reading needs a token."""
    open_id: OpenId | None = None
    """Where people may sign in besides by a password here; None: nowhere."""
    relay: Relay | None = None
    """Where letters are sent; None: only that they would be is written into the server's log."""
    gateway: Gateway | None = None
    """The index that gets what is uploaded here; None: this one keeps it."""
    metrics: Metrics | None = None
    """Who may read the server's figures; None: nobody."""

    @property
    def host(self) -> str:
        """The public URL's host name, which is the location of every token."""
        return _host(self.public_url)


@lru_cache(maxsize=1)
def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
