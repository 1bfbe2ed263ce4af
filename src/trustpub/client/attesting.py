# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a release is signed, with which instance of Sigstore, and what becomes of it where that cannot be done.

Who signs is handed in: this room knows nothing of signatures. The order is: which instance, is it one that this job may
use, then all files at once, and only then does anybody get an upload token. So an outage of Sigstore loses nothing:
``required`` ends before the index knows of the release, and ``auto`` goes on without, for all files alike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trustpub.ci import unverified
from trustpub.ci.detection import Job
from trustpub.client.crew import Crew
from trustpub.client.exchange import Listener
from trustpub.client.files import Distribution
from trustpub.client.indexes import Index
from trustpub.errors import Declined, NoIdentity, TrustpubError
from trustpub.http import Http
from trustpub.printable import printable
from trustpub.secret import Secret

REQUIRED, AUTO, OFF = "required", "auto", "off"
"""Nothing is published without an attestation; where it can be had; never."""
PUBLIC = "public-good"
"""Sigstore's public instance. Its log is read by everybody, for good."""
PUBLIC_AUDIENCE = "sigstore"
"""What identity tokens for it, and for an instance that a person names, must be for."""
JOBS = 8
"""Files that are signed at the same time."""

_ISSUERS_OF_PYPI = frozenset(
    {"https://token.actions.githubusercontent.com", "https://gitlab.com", "https://accounts.google.com"}
)
"""Whose attestations PyPI verifies. It refuses an upload with any other, so none is sent."""
_ISSUERS_OF_PUBLIC = _ISSUERS_OF_PYPI | {
    "https://agent.buildkite.com",
    "https://dev.gitlab.org",
    "https://gitlab.archlinux.org",
    "https://oidc.circleci.com",
    "https://ops.gitlab.net",
}
"""CIs that the public instance gives certificates to (sigstore/fulcio, config/identity/config.yaml)."""
_VISIBILITIES = ("repository_visibility", "project_visibility")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """With what a release is signed."""

    source: str | None
    """:data:`PUBLIC`, the URL of a trust configuration that the index names, or the path of one that a person named.
    None: it is not signed."""
    audience: str = PUBLIC_AUDIENCE
    """Of the identity token that is shown there."""
    reason: str = ""
    """Why it is so, as a sentence."""
    issuers: frozenset[str] | None = None
    """The only ones whose identities are taken there; None: nobody knows."""
    named: bool = False
    """Whether the index named it."""


def choose(mode: str, index: Index, *, named: str | None, given: str | None) -> Choice:
    """The instance to sign with. Nothing goes into a public log unless PyPI or a person wants it.

    Args:
        mode: :data:`REQUIRED`, :data:`AUTO` or :data:`OFF`.
        index: where the files go.
        named: URL of the trust configuration that the index names.
        given: :data:`PUBLIC` or the path that a person gave.

    An instance that the index names gets no identity token for :data:`PUBLIC_AUDIENCE`: whoever runs it could show that
    one to the public instance and sign as this job. It gets one that names the index.
    """
    if mode == OFF:
        return Choice(source=None, reason="Nothing is signed, as was said (--attestations off).")
    if given is not None:
        issuers = _ISSUERS_OF_PUBLIC if given == PUBLIC else None
        return Choice(source=given, reason="A person named it (--trust-config).", issuers=issuers)
    if index.built_in:
        return Choice(source=PUBLIC, reason="PyPI takes its attestations.", issuers=_ISSUERS_OF_PYPI)
    if named is not None:
        return Choice(source=named, audience=audience_of(index.host), reason="The index names it.", named=True)
    return Choice(
        source=None,
        reason=f"Nothing is signed: {index.origin} names no Sigstore instance, and nobody else did (--trust-config).",
    )


def audience_of(host: str) -> str:
    """Of identity tokens for an instance that an index on ``host`` names."""
    return f"{PUBLIC_AUDIENCE}:{host}"


def unknown_issuer(choice: Choice, claims: Mapping[str, Any]) -> str | None:
    """Why an identity with these claims is not shown to the chosen instance, as a sentence; None if it is."""
    issuer = claims.get("iss")
    if choice.issuers is None or issuer in choice.issuers:
        return None
    shown = printable(str(issuer), 200)
    return f"Nothing is signed: identities of {shown} get no certificate there, or none that the index would take."


def private_source(claims: Mapping[str, Any]) -> str | None:
    """What an identity says of its repository's visibility, where that is not public."""
    found = next((claims[name] for name in _VISIBILITIES if isinstance(claims.get(name), str)), "public")
    return None if found == "public" else printable(found, 40)


class Instance(Protocol):
    """What is said of an instance of Sigstore."""

    @property
    def told(self) -> str:
        """Which it is; printable."""

    @property
    def public(self) -> bool:
        """Whether its log is the public one."""


class Attestor(Protocol):
    """Who signs."""

    def attest(self, distribution: Distribution) -> str:
        """One attestation (PEP 740): the text of its JSON. May be called by several threads.

        Raises:
            TrustpubError: it cannot be signed now.
        """


class Signer(Attestor, Protocol):
    """Who says with what, too: :class:`trustpub.proofs.sign.Signer`."""

    @property
    def instance(self) -> Instance:
        """With what.

        Raises:
            TrustpubError: it cannot be had.
        """


class Watcher(Listener, Protocol):
    """Who is told."""

    def warning(self, text: str) -> None:
        """Something is not as it should be, and the release goes on."""


Make = Callable[[Choice, Callable[[], Secret]], Signer]
"""From what was chosen, and a way to identity tokens for it, to who signs. Raises TrustpubError where it cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attesting:
    """How the files of a release are to be signed."""

    make: Make
    mode: str = AUTO
    given: str | None = None
    """:data:`PUBLIC`, or the path of a trust configuration, where a person named one."""

    def begin(self, http: Http, index: Index, job: Job, watcher: Watcher, *, named: str | None) -> Attestor | None:
        """Who signs the files of this release, known to be willing; None: nobody, which was said.

        Args:
            http: the way to the job's CI.
            index: where the files go.
            job: who signs.
            watcher: is told.
            named: URL of the trust configuration that the index names.

        Raises:
            TrustpubError: with :data:`REQUIRED` only: it cannot be done.
        """
        choice = choose(self.mode, index, named=named, given=self.given)
        if choice.source is None:
            self._without(Declined(choice.reason), watcher)
            return None
        identity = _Identity(http, job, choice.audience, watcher)
        try:
            attestor = self.make(choice, identity)
            claims = identity.claims()
        except TrustpubError as error:
            self._without(error, watcher)
            return None
        refused = unknown_issuer(choice, claims)
        if refused is not None:
            self._without(Declined(refused), watcher)
            return None
        try:
            _warn(attestor.instance, claims, watcher)
        except TrustpubError as error:
            self._without(error, watcher, outage=True)
            return None
        return attestor

    def _without(self, error: TrustpubError, watcher: Watcher, *, outage: bool = False) -> None:
        """Go on without, and say so; or not, where a signature is required."""
        if self.mode == REQUIRED:
            raise required(error)
        if outage:
            watcher.warning(went_on(error))
        elif isinstance(error, NoIdentity):
            watcher.step(f"Nothing is signed. {error.message}")
        else:
            watcher.step(error.message if error.hint is None else f"{error.message} {error.hint}")


def required(error: TrustpubError) -> TrustpubError:
    """``error``, which ends a release that must be signed."""
    return type(error)(f"{error.message}\nNothing was published, since attestations are required.", hint=error.hint)


def went_on(error: TrustpubError) -> str:
    """The warning that a release goes up without, because of ``error``."""
    return f"{error.message} The release goes on without attestations."


def _warn(instance: Instance, claims: Mapping[str, Any], watcher: Watcher) -> None:
    visibility = private_source(claims)
    if instance.public and visibility is not None:
        watcher.warning(
            f"The repository is {visibility}, and its name, this workflow and this commit are going into Sigstore's "
            "public log, for good. --attestations off keeps them out of it."
        )


def sign(
    attestor: Attestor, distributions: Sequence[Distribution], *, tick: Callable[[], None] = lambda: None
) -> Mapping[str, str]:
    """An attestation of each file, by its name: of all of them, or an error.

    ``tick`` is called now and then while that goes on.

    Raises:
        TrustpubError: the first one that cannot be signed.
    """
    if not distributions:
        return {}
    # One alone gets the certificate that all share, and meets every fault that all would.
    made: dict[str, str] = {}
    first, *others = distributions
    left = deque([first])

    def work() -> None:
        while left:
            try:
                one = left.popleft()
            except IndexError:  # another took the last
                return
            try:
                made[one.filename] = attestor.attest(one)
            except TrustpubError:
                left.clear()  # one that cannot be signed is enough to know
                raise

    Crew([work]).done(tick)
    left.extend(others)
    Crew([work] * min(JOBS, len(others))).done(tick)
    return made


class _Identity:
    """Identity tokens for signing: one that is looked at first, and then others."""

    def __init__(self, http: Http, job: Job, audience: str, watcher: Listener) -> None:
        self._http = http
        self._job = job
        self._audience = audience
        self._watcher = watcher
        self._kept: Secret | None = None

    def __call__(self) -> Secret:
        found, self._kept = self._kept, None
        return self._ask() if found is None else found

    def claims(self) -> Mapping[str, Any]:
        """What the next one says."""
        if self._kept is None:
            self._kept = self._ask()
        return unverified.claims(self._kept)

    def _ask(self) -> Secret:
        fixed = self._job.fixed_audience
        if fixed not in (None, self._audience):
            raise NoIdentity(
                f"{self._job.name} gives identity tokens for one audience only, and signing wants one for "
                f"{self._audience}."
            )
        made = self._job.identity_token(self._http, self._audience)
        self._watcher.mask(made)
        return made
