# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What the use cases ask of the world. Adapters answer; a test suite per port runs over each of them.

Times are whole Unix seconds unless a name says otherwise; ids are UUID texts; digests are lower-case hex.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeVar

from trustpub.errors import Unreachable
from trustpub.index.kept import (
    OWNER,
    Attempt,
    Event,
    File,
    Invitation,
    Issuer,
    Letter,
    Login,
    Member,
    Project,
    Provenance,
    Release,
    Session,
    Token,
    Use,
    User,
)
from trustpub.trust.publishers import Publisher, Rules

T = TypeVar("T")


class Reading(Protocol):
    """A consistent view of what is stored."""

    def fact(self, name: str) -> str | None:
        """A lasting setting of this index, such as ``audience`` or ``rehearsal``."""

    def facts(self, prefix: str) -> Mapping[str, str]:
        """Those whose names begin so, by name."""

    def serial(self) -> int:
        """Grows whenever the list of projects changes."""

    def issuer(self, url: str) -> Issuer | None: ...

    def issuers(self) -> Sequence[Issuer]: ...

    def candidates(self, issuer: str, kind: str, lookups: Collection[str]) -> Sequence[Publisher]:
        """Publishers of ``issuer`` and ``kind`` that are filed under one of these texts (see ``Provider.lookup``)."""

    def publisher(self, publisher_id: str) -> Publisher | None: ...

    def publishers(self, project: str | None = None) -> Sequence[Publisher]:
        """All, or those linked to the project of this name."""

    def project(self, name: str) -> Project | None:
        """By any spelling of its name."""

    def project_by_id(self, project_id: str) -> Project | None: ...

    def project_like(self, name: str) -> Project | None:
        """One, real or held, whose name the eye takes for this one (:func:`trustpub.packages.names.look_alike`)."""

    def held(self, *, until: int, reminded: bool | None = None) -> Sequence[Project]:
        """Names held for a first release, whose time is up at ``until`` or before."""

    def prohibited(self, name: str) -> str | None:
        """Why nobody may register this name, in any spelling; None if it is not prohibited."""

    def prohibited_names(self) -> Sequence[tuple[str, str]]:
        """Normal forms and reasons, by name."""

    def projects(self) -> Sequence[Project]:
        """The real ones, ordered by normal form."""

    def files(
        self, project_id: str, *, hidden: bool = False, versions: Collection[str] | None = None
    ) -> Sequence[File]:
        """Those that are served: not deleted, and not in quarantine with their project. By upload time and name.

        With ``hidden`` all of the project, served or not; with ``versions`` only of these, as files spell them.
        """

    def releases(self, project_id: str) -> Sequence[Release]:
        """One for each spelling of a version; ``1.0`` and ``1.0.0`` are two of these."""

    def all_files(self) -> Iterator[File]:
        """Of every project, deleted ones too, by name."""

    def kept_below(self, beginning: str) -> Collection[tuple[str, str]]:
        """BLAKE2b digests and names of files that are not deleted and whose digests begin with these hex digits."""

    def provenance(self, filename: str) -> Provenance | None: ...

    def attested(self, project_id: str) -> Mapping[str, bool]:
        """Names of the project's files that came with an attestation and are not deleted.

        With each, whether its provenance is one that PEP 740's readers know (:attr:`Provenance.document`).
        """

    def file(self, filename: str) -> File | None:
        """By its exact name; deleted ones too."""

    def file_spelled_like(self, filename: str) -> File | None:
        """By any spelling of its name: one that :func:`trustpub.packages.names.file_key` makes the same of.

        Deleted ones too.
        """

    def file_by_digest(self, blake2b_256: str) -> File | None:
        """One with these bytes that is served, as in :meth:`files`."""

    def token(self, token_id: str) -> Token | None: ...

    def tokens(self) -> Sequence[Token]:
        """Tokens that people hold (minted ones are too short-lived to list)."""

    def user(self, name: str) -> User | None: ...

    def user_by_id(self, user_id: str) -> User | None: ...

    def users(self) -> Sequence[User]: ...

    def is_member(self, project_id: str, user_id: str) -> bool:
        """Of a real project: nobody is of a name that is only held."""

    def members(self, project_id: str) -> Sequence[User]:
        """By name; of a held name, those who will be once it is real."""

    def memberships(self, project_id: str) -> Sequence[Member]:
        """:meth:`members` with what they are to it: owners first, then by name."""

    def role(self, project_id: str, user_id: str) -> str | None:
        """What the person is to the project, real or held; None: nothing."""

    def projects_of(self, user_id: str) -> Sequence[tuple[Project, str]]:
        """Real and held ones that are the person's, with the role, by normal form."""

    def search(self, words: str, *, after: str = "", limit: int = 50) -> Sequence[Project]:
        """Real projects with all of ``words`` in their normal form; none: all. By normal form, behind that of the name
        ``after``.
        """

    def login(self, user_id: str) -> Login | None: ...

    def login_of_subject(self, subject: str) -> Login | None: ...

    def session(self, session_id: str) -> Session | None: ...

    def sessions(self, user_id: str) -> Sequence[Session]:
        """Complete ones, the last used first."""

    def invitation(self, invitation_id: str) -> Invitation | None: ...

    def invitations(self) -> Sequence[Invitation]:
        """The newest first."""

    def letters(self, now: int, limit: int = 20) -> Sequence[Letter]:
        """Those whose time has come, the oldest first."""

    def tokens_of(self, user_id: str) -> Sequence[Token]:
        """Those that the person holds, burned ones too; the newest first."""

    def publishers_by_project(self, project_ids: Collection[str]) -> Mapping[str, Sequence[Publisher]]:
        """Publishers linked to each of these projects, real or held, in one look; none of one that is not there."""

    def events(
        self,
        *,
        project_id: str | None = None,
        limit: int = 100,
        kinds: Collection[str] = (),
        before: int | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> Sequence[Event]:
        """The newest first: of these kinds, where any are named; older than the event with the number ``before``; not
        before ``since``, and before ``until``.
        """

    def counts(self, kinds: Collection[str], *, since: float) -> Mapping[tuple[str, int], int]:
        """How many events of each of these kinds there were on each day (whole days of 86,400 s since 1970, UTC)."""

    def attempts(self, *, project_id: str | None, limit: int = 100) -> Sequence[Attempt]:
        """Refused identities that came near this project, or near none; the newest first."""

    def attempt(self, attempt_id: str) -> Attempt | None: ...


class Writing(Reading, Protocol):
    """A transaction: all of it happens, durably, or none."""

    def set_fact(self, name: str, value: str) -> None: ...

    def remove_fact(self, name: str) -> bool: ...

    def put_issuer(self, issuer: Issuer) -> None:
        """Add, or replace the one with this URL."""

    def switch_issuer(self, url: str, *, on: bool) -> bool:
        """Take its tokens from now on, or no more. False if that was so before, or it is not known."""

    def remove_issuer(self, url: str) -> bool: ...

    def add_publisher(self, publisher: Publisher) -> None:
        """With its links. The identity (issuer, kind and ``Provider.identity_fields``) must be new."""

    def link_publisher(self, publisher_id: str, project_id: str, rules: Rules) -> None:
        """Add the project, or give its link other rules."""

    def unlink_publisher(self, publisher_id: str, project_id: str) -> bool:
        """A publisher left without a project is removed, and with it every token it was minted."""

    def pin(self, publisher_id: str, ids: Mapping[str, str]) -> bool:
        """Set id fields that are unset, by compare-and-set; False if one was set meanwhile to another value."""

    def add_project(self, project: Project) -> None: ...

    def remove_project(self, project_id: str) -> None:
        """Only one that is pending: a name held in vain."""

    def make_real(self, project_id: str, *, name: str, publisher_id: str | None) -> Sequence[str]:
        """The first accepted upload, by this publisher: no longer pending; its owner-to-be becomes a member.

        Every other publisher that was to make it loses its link, but not its row, so that its tokens are told why.
        Returns the ids of those. None: no publisher's upload, but an import, and all keep their links.
        """

    def remind(self, project_id: str) -> None:
        """Note that its time is nearly up."""

    def forget_idle_publishers(self, before: int) -> int:
        """Drop publishers without a project whose last minted token expired before this time; how many."""

    def prohibit(self, name: str, reason: str) -> None: ...

    def permit(self, name: str) -> bool: ...

    def touch(self, project_id: str) -> None:
        """Its pages changed."""

    def add_member(self, project_id: str, user_id: str, role: str = OWNER) -> None:
        """Or give a member this role."""

    def remove_member(self, project_id: str, user_id: str) -> bool: ...

    def add_file(self, file: File, provenance: Provenance | None = None) -> None: ...

    def yank(self, filename: str, reason: str | None) -> None:
        """Empty text: without a reason; None: not any more. The project's pages change with it."""

    def bury(self, filename: str, at: int) -> None:
        """Delete a file but for its row, which keeps its name taken. Its provenance goes, and the pages change.

        That it had one stays written in the row (``attested``).

        Its bytes are for the caller to remove, after this is durable.
        """

    def set_status(self, project_id: str, status: str, reason: str) -> None:
        """Its pages change with it."""

    def set_policy(self, project_id: str, *, trusted_only: bool, attestations: str) -> None: ...

    def add_user(self, user: User) -> None: ...

    def change_user(self, user: User) -> None:
        """E-mail address, whether an administrator, whether suspended. Name and id stay."""

    def remove_user(self, user_id: str) -> bool:
        """With tokens, sessions and memberships."""

    def put_login(self, login: Login) -> None:
        """Add, or replace that of this person."""

    def take_step(self, user_id: str, step: int) -> bool:
        """Note a code of the second factor as taken; False if it, or a later one, was."""

    def take_recovery(self, user_id: str, digest: str) -> bool:
        """Use a recovery code up; False if there is no such one any more."""

    def add_session(self, session: Session) -> None: ...

    def change_session(self, session: Session) -> None:
        """When it was seen and confirmed, and whether it is complete."""

    def end_session(self, session_id: str) -> bool: ...

    def end_sessions(self, user_id: str, *, but: str | None = None) -> int:
        """All of a person's, or all but one; how many."""

    def forget_sessions(self, now: int) -> int:
        """Drop those whose time is over; how many."""

    def add_invitation(self, invitation: Invitation) -> None: ...

    def take_invitation(self, invitation_id: str) -> Invitation | None:
        """Use it up: only one of several gets it."""

    def forget_invitations(self, now: int) -> int:
        """Drop those whose time is over; how many."""

    def add_letter(self, letter: Letter) -> None: ...

    def put_off_letter(self, letter_id: str, *, attempts: int, not_before: int) -> None: ...

    def remove_letter(self, letter_id: str) -> None: ...

    def note_use(self, token_id: str, at: int) -> None:
        """When a token that a person holds was last taken."""

    def add_token(self, token: Token) -> None: ...

    def burn(self, token_id: str, at: int) -> None: ...

    def end_tokens(self, at: int, *, key_id: str | None = None) -> int:
        """Burn every token that is not burned yet, or of those only what was made under the secret with this id; how
        many of them were still in their time.
        """

    def spend(self, token_id: str, at: int) -> bool:
        """Note that a token authorises an upload. False if it is for one only and was used before."""

    def claim(self, use: Use) -> Use | None:
        """Note an identity token as used; the earlier note if it was before, and then nothing changes."""

    def forget_claims(self, before: int) -> int:
        """Drop notes of identity tokens that expired before this time; how many."""

    def forget_tokens(self, before: int) -> int:
        """Drop the rows of minted tokens that expired before this time; how many. People's tokens stay to be listed."""

    def add_event(self, event: Event) -> None: ...

    def note_attempt(self, attempt: Attempt, *, most: int) -> None:
        """Store a refused identity, or count it where the same was stored.

        Of one project, or of those near none, the newest ``most`` are kept.
        """

    def forget_attempts(self, before: float) -> int:
        """Drop those last seen before this time; how many."""

    def remove_files(self, project_id: str) -> None:
        """Every row of the project's files, so that their names are free, and the project is but a name that is held:
        for :meth:`remove_project` to follow. The bytes are for the caller to remove, after this is durable.
        """

    def forget_address(self, email: str) -> None:
        """Letters and invitations that are on their way there."""

    def rewrite(self, said: Sequence[str], change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> int:
        """Have the facts of every event, and the origin of every file, that hold one of ``said`` (compared without
        case) say what ``change`` makes of them. Returns how many events were changed.

        The one way to change an event: for what nobody may keep of a person.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What the mint of a token writes where nothing is refused, repeated or pinned: rows that are only added. And what
    it was decided on.
    """

    issuer: Issuer
    """Switched on, and minting for its kind not stopped."""
    publisher: Publisher
    """With every link that it has."""
    use: Use
    token: Token
    events: Sequence[Event]
    """In this order."""


class NoRoom(Unreachable):
    """The disk is full. Nothing was changed, and once there is room everything goes on."""


class Store(Protocol):
    """Where everything but the bytes of files is kept."""

    def read(self) -> AbstractContextManager[Reading]: ...

    def state(self) -> Hashable:
        """Equal to an earlier answer only if nothing at all was committed since, by any process.

        It takes microseconds and waits for nobody, so that an event loop may ask; where it cannot tell, it is new.
        """

    def write(self) -> AbstractContextManager[Writing]:
        """Committed durably when the block ends, rolled back when it raises."""

    def transact(self, work: Callable[[Writing], T]) -> T:
        """Run ``work`` in a transaction, and return its answer once that is durable; what it raises undoes it alone.

        Like :meth:`write`, but several that wait at the same time may share one trip to the disk (group commit).
        ``work`` runs in any thread, while others wait: it must be quick, must not use the store itself, and must change
        nothing else. Where other processes write too it may run again, and only what the last run did and told counts.
        """

    def transact_all(self, works: Sequence[Callable[[Writing], T]]) -> Sequence[T | Exception]:
        """:meth:`transact` for each of them at once: its answer, or what it raised, in the same order.

        Raises only what it would for any of them, as that the database cannot be written.
        """

    foresees: bool
    """Whether :meth:`exchange` may do something: where each statement of a transaction is a trip to another machine."""

    def exchange(self, exchanges: Sequence[Exchange]) -> Collection[str]:
        """Write those that can be written at once: durably, and all of each or nothing of it.

        None is whose issuer is not there any more, not enabled, or of a kind for which minting is stopped; whose
        publisher is not there any more, or is another in any field or link; or whose identity token was used before,
        be it by another one of these. For all who change such things by :meth:`write`, it comes as one of theirs does:
        before, or after and then it knows.

        Returns ids of tokens: of those whose exchange was written. Nothing was of the others, which says nothing about
        them: they are for :meth:`transact`, to be decided there.
        """


FORGET_KEYS = "forget-keys:"
"""With an issuer's URL: the fact that counts how often its fetched keys were to be forgotten."""


class NoSuchKey(Exception):
    """The issuer was asked, or its keys were given, and none that can be used has this id.

    The message, where there is one, says why a key that has it cannot be used.
    """


class IssuerDown(Exception):
    """The issuer's keys could not be had and none usable is at hand. The message says why, without secrets."""

    def __init__(self, message: str, retry_after: int = 60) -> None:
        """``retry_after``: seconds until asking again makes sense, at least 1."""
        super().__init__(message)
        self.retry_after = max(1, retry_after)


class ForgeSilent(Exception):
    """The forge did not say what it was asked. The message is a sentence that says why."""


class Forge(Protocol):
    """Where repositories live, and what they are numbered."""

    def ids(self, issuer: Issuer, kind: str, fields: Mapping[str, str]) -> Mapping[str, str]:
        """Values for all immutable fields (``Provider.ids``) of a publisher with these spelled ``fields``.

        Raises:
            ForgeSilent: it cannot be reached, knows no such public repository, or nobody can be asked for this kind.
        """


class Keys(Protocol):
    """Public keys of issuers."""

    def at_hand(self, issuer: Issuer, kid: str) -> bool:
        """Whether :meth:`get` would answer at once: nobody has to be asked first."""

    def get(self, issuer: Issuer, kid: str) -> Mapping[str, Any]:
        """The JWK (RFC 7517 section 4) with this id.

        Raises:
            NoSuchKey: the issuer has no such key.
            IssuerDown: its keys cannot be had now.
        """


class Probe(Protocol):
    """Looks at an issuer before it is believed."""

    def probe(self, issuer: Issuer) -> Mapping[str, Mapping[str, Any] | str]:
        """Its keys, fetched now and not kept: by id, each a JWK or a clause that says why it cannot be used.

        Raises:
            IssuerDown: its discovery document or its keys cannot be had, or are not what they must be.
        """


class Staged(Protocol):
    """A file on its way in. Leaving the block without :meth:`keep` removes it."""

    def write(self, chunk: bytes) -> None: ...

    def path(self) -> str:
        """Where the bytes written so far can be read, after :meth:`finish`."""

    def finish(self) -> None:
        """All bytes are in: flushed, and durable."""

    def keep(self, blake2b_256: str, filename: str, metadata: bytes | None) -> bool:
        """Give the file its lasting place, durably, before any row names it.

        True: it was there before, named by nothing, and a sweep may be about to take it away. Then the transaction that
        makes the row must set the fact :data:`SWEEPING`, as that of the sweep does, so that one of the two comes first;
        and :meth:`confirm` comes after it.

        Raises:
            Unreachable: where files are kept cannot be reached. The file may be there or not.
        """

    def confirm(self) -> None:
        """See to it that what was kept is there still."""

    def forsake(self, named: Callable[[], bool]) -> None:
        """Undo :meth:`keep`, unless ``named()`` says that a row names the file, or another upload has just kept it too.

        Only where it is certain that no row came of this one, not even one that would be seen after a power cut. It may
        be left to the next sweep, where it cannot be known what others are doing.
        """


PLACE = "files"
"""The fact that says where files are kept; none, as long as that is the folder and was never elsewhere."""
IN_FOLDER, IN_BUCKET = "folder", "s3"

SWEEPING = "sweeping"
"""The fact that is set in the same transaction by who takes away bytes that no row names, and by who is about to name
such bytes: see :meth:`Staged.keep`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """Something that lies where files are kept."""

    path: str
    """Below the index's folder, or the prefix in the bucket."""
    blake2b_256: str
    """By its place; empty where that is none of a file."""
    filename: str
    beside: bool
    """Not the file, but its core metadata."""
    excused_until: float
    """Until when it is nothing wrong that no row names it: Unix time."""


class Distant(Protocol):
    """A file that is kept on another machine."""

    def link(self) -> str | None:
        """A URL under which whoever has it can read the file for a short time; None: it is to be read through here."""

    def stream(self, first: int, last: int) -> AsyncIterator[bytes]:
        """The bytes ``first`` to ``last``, both included, a piece at a time.

        Raises:
            Unreachable: they cannot be had, or no more of them.
            EOFError: the file is shorter.
        """


class Blobs(Protocol):
    """Where the bytes of files are kept."""

    def stage(self) -> AbstractContextManager[Staged]: ...

    def open(self, blake2b_256: str, filename: str) -> str | Distant | None:
        """Where to read the file from: a path on this machine, or another; None if it is not there.

        Of another machine it is not asked first whether it is.
        """

    def local(self, blake2b_256: str, filename: str) -> AbstractContextManager[str | None]:
        """A path on this machine to read the file from until the block ends; None if it is not there."""

    def read(self, blake2b_256: str, filename: str) -> Iterator[bytes]:
        """All its bytes, a piece at a time.

        Raises:
            FileNotFoundError: it is not there.
        """

    def metadata(self, blake2b_256: str, filename: str) -> bytes | None: ...

    def remove(self, blake2b_256: str, filename: str) -> None:
        """Take the file away, and its metadata, of which no row is left; now, or if that fails with the next sweep."""

    def names(self) -> Iterator[tuple[str, str]]:
        """``(blake2b_256, filename)`` of every file kept."""

    def fault(self) -> str | None:
        """Why no file could be taken now, as a sentence that names no path; None if one could."""

    def lying(self, *, served: bool) -> Iterator[Lying]:
        """All that lies where files are kept, whatever it is; ``served``: the index may be at work meanwhile."""

    def is_there(self, lying: Lying) -> bool:
        """Whether it still is."""

    def sweep(self, store: Store) -> int:
        """Remove what no row names: leftovers of a crash. Only while nothing is uploaded. How much that was."""

    def tidy(self, store: Store, now: float) -> int:
        """The same at any time, for whoever keeps house to call soon after a start and every hour; often nothing."""


class Passwords(Protocol):
    """How passwords are kept: as hashes that are slow to make, each in its own encoding."""

    def hash(self, password: str) -> str:
        """What is kept of it."""

    def fits(self, kept: str | None, password: str) -> bool:
        """Whether it is that password; of None nothing is, and to say so takes as long."""

    def stale(self, kept: str) -> bool:
        """Whether it was kept with less effort than is made today."""


class SecretKeys(Protocol):
    """Keys that are derived from the server's secret, which may be replaced at any time."""

    @property
    def key_id(self) -> str:
        """Of the secret that new tokens are made under."""

    def root_of(self, key_id: str, token_id: str) -> bytes | None:
        """The root key of the token with this identifier, made under the secret with the id ``key_id``; None if that
        secret is good no more.
        """

    def keys_for(self, purpose: str) -> Sequence[bytes]:
        """32-byte keys for something else than tokens: first the one to use now, then those that were used before and
        are still good.
        """


class BadSeal(Exception):
    """Not something that was sealed here, for this."""


class Sealing(Protocol):
    """Keeps short secrets where others may read, under a key that is not there."""

    def seal(self, content: bytes, about: str) -> str:
        """``content``, readable here alone, and only when it is asked for as ``about`` the same."""

    def unseal(self, sealed: str, about: str) -> bytes:
        """
        Raises:
            BadSeal: it was not sealed here, or about something else.
        """


class Undelivered(Exception):
    """A letter was not taken. The message is a clause that says why, and holds no secret."""

    def __init__(self, message: str, *, lasting: bool = False, every: bool = False) -> None:
        """``lasting``: it would not be taken later either. ``every``: nor would any other letter be now."""
        super().__init__(message)
        self.lasting = lasting
        self.every = every


class Post(Protocol):
    """Takes letters to where they are read."""

    def send(self, letter: Letter) -> None:
        """Hand it over. It may be handed over twice if power fails in between: its id is in its ``Message-ID``.

        Raises:
            Undelivered: it was not taken.
        """


class OpenIdProvider(Protocol):
    """An OpenID Connect provider, as a relying party asks it. All of these raise :class:`IssuerDown`."""

    def authorization_endpoint(self) -> str:
        """Where a browser is sent."""

    def answers_with_issuer(self) -> bool:
        """Whether it says in every answer by way of a browser whose it is (RFC 9207)."""

    def exchange(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        """The ID token that an authorization code is good for, unverified."""

    def issuer(self) -> Issuer:
        """On which terms its ID tokens are verified."""

    def key(self, kid: str) -> Mapping[str, Any]:
        """Its public key with this id.

        Raises:
            NoSuchKey: it has none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A file that was accepted here, on its way to the index behind this one."""

    project: str
    """In normal form."""
    filename: str
    fields: Sequence[tuple[str, str]]
    """The form that goes with it."""
    path: str
    """Where its bytes are read, a piece at a time."""
    size: int
    sha256: str
    digest: Callable[[str], str]
    """Of the file in hex, by an algorithm that :mod:`hashlib` names."""


class Has(Enum):
    """What an upstream has under the name of a file."""

    NONE = "none"
    SAME = "same"
    OTHER = "other"
    """With another content."""
    UNKNOWN = "unknown"
    """It does not say whether, or with what content."""


class Reply(Enum):
    """What came of sending a file to an upstream."""

    TAKEN = "taken"
    EXISTS = "exists"
    """Not taken: it says that it has one of this name."""
    REFUSED = "refused"
    """Not taken, and another attempt would change nothing."""
    BARRED = "barred"
    """Not taken: it does not let this index upload, or not there."""
    BUSY = "busy"
    """Not taken: not now."""
    UNSEEN = "unseen"
    """It had all of the file, and failed or was lost before it said what it did with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A :class:`Reply`, in words."""

    reply: Reply
    said: str = ""
    """Sentences from there, made inert and without any secret; empty where there are none."""
    retry_after: int | None = None
    """Seconds, where it said so."""


class UpstreamDown(Exception):
    """The index behind this one did not answer. The message is a sentence that says why."""


class Upstream(Protocol):
    """The index behind this one, which keeps the files and has them read."""

    def has(self, file: Outgoing) -> Has:
        """What is there under the name of ``file``, as its Simple API says now.

        Raises:
            UpstreamDown: it cannot be asked.
        """

    def send(self, file: Outgoing) -> Sent:
        """Upload it, once."""


class Fellows(Protocol):
    """The other processes that serve the same index, on this machine and on others."""

    def leads(self) -> bool:
        """Whether this one does what only one of them is to do. Never true of two at once, and soon of one."""

    def tell(self, topic: str, word: str) -> None:
        """Have the others hear it, within a second or not at all. Waits for nobody."""

    def listen(self, topic: str, hear: Callable[[str], None]) -> None:
        """``hear`` is called, in any thread, with what another tells of this topic; it must be quick."""

    def begin(self) -> None:
        """Meet them. Before that nothing is told, and this one does not lead where it is not the only one."""

    def close(self) -> None:
        """Leave them."""


class Clock(Protocol):
    """The time."""

    def __call__(self) -> float:
        """Unix time in seconds."""
