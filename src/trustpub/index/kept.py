# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the index keeps: values as they are stored and read, whatever stores them.

Times are whole Unix seconds unless a name says otherwise; ids are UUID texts; digests are lower-case hex.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trustpub.trust.provider import USUAL, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An identity provider this index believes."""

    url: str
    """Exactly the ``iss`` of its tokens: no normalisation, a trailing slash is another issuer."""
    kind: str
    jwks: Mapping[str, Any] | None = None
    """A key set given by the administrator (RFC 7517 section 5); then nothing is fetched."""
    ca: str | None = None
    """PEM certificates to trust, instead of the system's, when its keys are fetched."""
    terms: Terms = USUAL
    """How its tokens are taken."""
    audience: str | None = None
    """The one audience of a CI that lets jobs choose none; None: that of this index."""
    jwks_hosts: tuple[str, ...] = ()
    """Hosts, beside its own, on which its key set may be."""
    private: bool = False
    """It may be at an address that is not of the public internet."""
    enabled: bool = field(default=True, compare=False)
    """Whether its tokens are taken now. Read with the issuer, and written by :meth:`Writing.switch_issuer` alone, so
    that nobody who changes something else of it switches it on again."""
    keys_epoch: int = field(default=0, compare=False)
    """How often the administrator had its fetched keys forgotten: the fact ``forget-keys:URL``. Read with the issuer,
    never written with it; another number than before means that keys in memory are worth nothing."""


ACTIVE, ARCHIVED, QUARANTINED, DEPRECATED = "active", "archived", "quarantined", "deprecated"
"""What a project may be (PEP 792). An archived or quarantined one takes no uploads, and a quarantined one serves no
files; one that is deprecated says so and goes on."""

OPTIONAL, REQUIRED, ONCE = "optional", "required", "once"
"""Of files without an attestation: taken; refused; refused once a file of the project came with one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A name on the index, real or held for a pending publisher."""

    id: str
    name: str
    """As displayed; compared and routed only by its normal form (PEP 503)."""
    normalized: str
    created: int
    pending_until: int | None
    """None once its first upload was accepted."""
    serial: int
    """Grows with every change that its pages show."""
    reminded: bool = False
    """Of a held name: it was noted that its time is nearly up."""
    status: str = ACTIVE
    """One of the four that PEP 792 knows."""
    status_reason: str = ""
    trusted_only: bool = False
    """Only minted tokens may upload."""
    attestations: str = OPTIONAL
    """Whether files without an attestation are taken: :data:`OPTIONAL`, :data:`REQUIRED` or :data:`ONCE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A distribution the index has accepted."""

    project_id: str
    filename: str
    version: str
    """As the file's own metadata spells it."""
    filetype: str
    """``sdist`` or ``bdist_wheel``."""
    size: int
    sha256: str
    blake2b_256: str
    md5: str | None
    metadata_sha256: str | None
    """Of the core metadata served at ``.metadata``; None where there is none to serve (an sdist)."""
    requires_python: str | None
    uploaded: float
    """Unix time, microseconds kept (PEP 700 ``upload-time``)."""
    token_id: str
    """The token it was uploaded with, which names the publisher or the person."""
    yanked: str | None = None
    """The reason; empty text where yanked without one; None where not yanked (PEP 592)."""
    deleted: int | None = None
    """When it was deleted. The row stays, so that its name stays taken; the bytes are gone."""
    attested: bool = False
    """Whether it came with an attestation, and so has a provenance document (PEP 740) until it is deleted."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """Who uploaded it, as was true then: ``publisher`` (its id), ``kind``, ``issuer``, ``subject`` and kept
    claims such as ``sha`` and ``ref``; or ``user``, a name. Of files from before this was kept, what the log of events
    tells, and that may be nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version of a project, as its files spell it."""

    version: str
    first: float
    """When its first file came, be that deleted since."""
    size: int
    """Bytes of its files that are not deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What is served about where a file came from. All texts are JSON, as served."""

    filename: str
    document: str
    """PEP 740's provenance object, with publishers of the kinds that its readers know; empty if there is none."""
    everything: str
    """The same with every publisher, its kind, issuer and ids: ``…/provenance?all``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token's row. The token itself, and the key that signs it, are not in it."""

    id: str
    """The macaroon's identifier."""
    key_id: str
    """Which server secret its root key is derived from."""
    location: str
    publisher_id: str | None
    """Of a minted token."""
    user_id: str | None
    """Of a token that a person was given."""
    description: str
    caveats: tuple[tuple[Any, ...], ...]
    """As embedded, e.g. ``(0, expires_at, not_before)``."""
    scope: str
    """``upload`` or ``read``."""
    created: int
    expires: int | None
    burned: int | None = None
    single_use: bool = False
    """It authorises one upload (PEP 807, ``single-use-token``)."""
    used: int | None = None
    """When it first authorised an upload."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """Of a minted token: what its identity token said of the run (``Provider.kept_claims``)."""
    last_used: int | None = None
    """Of a token that a person holds: when it was last taken, to the hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The note that an identity token was exchanged. The token itself is not in it."""

    issuer: str
    """The verified ``iss``."""
    key: str
    """What tells this identity token from every other of its issuer."""
    expires: int
    """Until when the note is kept."""
    token_id: str
    """The upload token it was exchanged for."""
    at: float
    peer: str
    """The address that asked."""
    body_sha256: str
    """Of the request's body: who sends the very same again may only have lost the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One thing that was compared with an identity."""

    field: str
    wanted: str
    given: str | None
    """None: the identity said nothing about it."""
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A publisher that a refused identity came near."""

    publisher_id: str
    compared: tuple[Compared, ...]
    fields: Mapping[str, str]
    """What its fields would have to be to mean this identity, as they are typed; one that it has nothing for is left
    out. Empty where they do not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An identity that was proven and refused; the same again is counted, not stored."""

    id: str
    project_id: str | None
    """None: no publisher was near; for administrators only."""
    issuer: str
    kind: str
    digest: str
    """Of issuer, claims and reasons: what makes another attempt the same."""
    claims: Mapping[str, str]
    """Those worth keeping, all in all at most 4 KiB."""
    reasons: Sequence[str]
    first: float
    last: float
    count: int
    peer: str
    """Of the last one."""
    proposed: Mapping[str, str] = field(default_factory=dict)
    """The fields of the narrowest publisher that this identity is, as they are typed; empty where a person must choose,
    or they do not fit."""
    near: Sequence[Near] = ()
    """Publishers of the project, the nearest first; empty for attempts from before this was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with an account."""

    id: str
    name: str
    created: int
    email: str = ""
    """Where letters go; empty: nowhere."""
    administrator: bool = False
    """Of the whole index."""
    suspended: int | None = None
    """Since when nobody can sign in as this person, and no token of theirs is taken."""


OWNER, MAINTAINER = "owner", "maintainer"
"""What a person may be to a project. A maintainer uploads, and yanks; an owner also says who else may, and deletes."""
ROLES = (OWNER, MAINTAINER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person of a project."""

    user: User
    role: str
    """One of :data:`ROLES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How a person proves to be it. Nothing in it opens anything by itself."""

    user_id: str
    password: str | None = None
    """argon2id in its own encoding (RFC 9106); None: no password is taken."""
    totp: str | None = None
    """The key of the second factor (RFC 6238), sealed under the server's secret; None: there is none."""
    totp_step: int = 0
    """The last step of time whose code was taken: no code is taken twice."""
    recovery: tuple[str, ...] = ()
    """SHA-256 of the recovery codes that were not used yet."""
    subject: str | None = None
    """``iss`` and ``sub`` of an OpenID Connect provider, with a line break between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in, at one browser."""

    id: str
    """SHA-256 of the cookie's value, which is not kept."""
    user_id: str
    created: int
    expires: int
    """At the latest."""
    seen: int
    """When it was last used, to the minute."""
    confirmed: int
    """When the person last proved to be it; what is dangerous asks for that anew after some minutes."""
    complete: bool
    """Whether the second factor, where there is one, was given: without, the session can do nothing else."""
    peer: str
    agent: str
    """The browser, in its own words, cut to 200 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """That somebody may make an account, or set a new password for theirs."""

    id: str
    """SHA-256 of what the link has in it, which is not kept."""
    email: str
    administrator: bool
    user_id: str | None
    """Whose password it sets; None: it makes an account."""
    by: str
    """The id of who invited; empty: the command line."""
    created: int
    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Mail that is to be sent, kept in the transaction of what it tells of."""

    id: str
    to: str
    subject: str
    body: str
    """Plain text, without any secret but a link that its reader asked for."""
    created: int
    attempts: int = 0
    not_before: int = 0
    """When it is tried next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, for those who answer for it. ``facts`` holds no secret and no token."""

    at: float
    kind: str
    project_id: str | None
    publisher_id: str | None
    facts: Mapping[str, Any]
    number: int | None = None
    """Its place in the log, which grows; None before it is written."""
