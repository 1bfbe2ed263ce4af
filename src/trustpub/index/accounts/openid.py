# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Signing in at an OpenID Connect provider: authorization code flow with PKCE, ``state`` and ``nonce``.

An account is known by issuer and subject, and by nothing else: an e-mail address may be given to somebody else, or be
claimed by them. So a subject is linked with an account only by whoever is signed in to it, or has the invitation to
make it; a provider that signs in a stranger opens nothing.

The provider stands for the password, and for nothing more: where a second factor was set up here, its code is asked for
after the provider as after a password.

What is to be remembered between going there and coming back is in a sealed cookie, so that an answer is taken only from
the browser that asked, and once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TypeVar
from urllib.parse import urlencode

from trustpub.errors import Declined
from trustpub.index.accounts.invitations import Invitations
from trustpub.index.accounts.patience import Patience
from trustpub.index.accounts.sessions import Sessions, Visitor
from trustpub.index.accounts.signing_in import From, SignedIn, SigningIn
from trustpub.index.identity import LEEWAY, BadToken, verify
from trustpub.index.kept import Login
from trustpub.index.manage.notes import note
from trustpub.index.ports import BadSeal, Clock, Fellows, IssuerDown, NoSuchKey, OpenIdProvider, Sealing, Store
from trustpub.index.settings import OpenId
from trustpub.secret import Secret
from trustpub.trust.claims import MalformedToken, SignedClaims, peek

T = TypeVar("T")

CALLBACK_PATH = "/login/openid/callback"
WAY_SECONDS = 600
"""How long somebody may take at the provider."""
PROVEN_SECONDS = 120
"""How long ago somebody may have proven to the provider to be it, where they are to prove it anew."""
TRIES = 30
"""Answers that prove nothing, in a quarter of an hour from one address."""
SCOPE = "openid"
"""Nothing is asked about the person but who it is."""

SIGN_IN, LINK, CONFIRM, INVITED = "sign-in", "link", "confirm", "invited"
"""What somebody goes to the provider for."""
_ABOUT = "openid"
_MOST_CODE = 2048
_MOST_SUBJECT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is remembered while somebody is at the provider."""

    purpose: str
    state: str
    nonce: str
    verifier: str
    """Of PKCE (RFC 7636)."""
    begun: int
    onward: str
    """The page to go on to."""
    session: str = ""
    """Of whoever was signed in and links an account or proves to be it."""
    invitation: str = ""
    """What the link of an invitation has in it."""
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Somebody is to be sent to the provider."""

    url: Secret
    sealed: str
    """For a cookie of that browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Somebody came back, and is who they are to be."""

    onward: str
    purpose: str
    signed_in: SignedIn | None = None
    """Where a session began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a browser brings back (RFC 6749 section 4.1.2, RFC 9207)."""

    state: str
    code: str = ""
    error: str = ""
    issuer: str | None = None


class OpenIdSignIn:
    """Sends people there, and lets them in when they come back."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        settings: OpenId,
        provider: OpenIdProvider,
        sealing: Sealing,
        sessions: Sessions,
        signing_in: SigningIn,
        invitations: Invitations,
        public_url: str,
        fellows: Fellows | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._provider = provider
        self._sealing = sealing
        self._sessions = sessions
        self._signing_in = signing_in
        self._invitations = invitations
        self._redirect_uri = public_url + CALLBACK_PATH
        self._patience = Patience(per_name_and_address=TRIES, fellows=fellows, of="openid")

    def begin(self, purpose: str, *, onward: str, visitor: Visitor | None = None) -> Begun:
        """Send somebody to the provider: to sign in, or, with ``visitor``, to link an account or prove to be it.

        Raises:
            Declined: the provider cannot be asked.
        """
        return self._begin(self._way(purpose, onward, session="" if visitor is None else visitor.session.id))

    def begin_invited(self, token: Secret, *, name: str, email: str, onward: str) -> Begun:
        """Send somebody who has an invitation there; the account will have this name and address.

        Raises:
            Declined: the link is good for nothing, or the provider cannot be asked.
            Misuse: the name or the address cannot be one (:class:`trustpub.index.accounts.invitations.Fault`).
        """
        self._invitations.check(token, name=name, email=email)
        return self._begin(self._way(INVITED, onward, invitation=token.reveal(), name=name, email=email))

    def finish(
        self, sealed: str, answer: Answer, *, visitor: Visitor | None, where: From, before: str | None
    ) -> Arrived:
        """Take the answer that a browser brought.

        Args:
            sealed: its cookie.
            answer: the query.
            visitor: who is signed in there now.
            where: where it is.
            before: the id of the session that it has now, be it complete or not.

        Raises:
            Declined: it proves nothing, or not what it is to prove; the message says so.
        """
        now = self._clock()
        if self._patience.wait(where.peer, where.peer, now) is not None:
            raise Declined("There were too many attempts to sign in from where you are.", hint="Wait some minutes.")
        self._patience.failed(where.peer, where.peer, now)
        way = self._unseal(sealed, answer)
        claims = self._claims(way, answer)
        subject = f"{self._settings.issuer}\n{claims['sub']}"
        arrived = self._arrive(way, subject, visitor=visitor, where=where, before=before)
        self._patience.succeeded(where.peer, where.peer, now)
        return arrived

    def unlink(self, visitor: Visitor) -> None:
        """Take no sign-in from the provider for this account any more.

        Raises:
            Declined: there is none, or no other way to sign in.
        """
        with self._store.write() as writing:
            login = writing.login(visitor.user.id)
            if login is None or login.subject is None:
                raise Declined("No other account is linked with yours.")
            if login.password is None:
                raise Declined("You have no password, and could not sign in any more.", hint="Set a password first.")
            writing.put_login(replace(login, subject=None))
            issuer = login.subject.partition("\n")[0]
            note(writing, self._clock(), "openid-unlinked", facts={"user": visitor.user.name, "issuer": issuer})

    # On the way there.

    def _way(
        self, purpose: str, onward: str, *, session: str = "", invitation: str = "", name: str = "", email: str = ""
    ) -> Way:
        return Way(
            purpose=purpose,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            begun=int(self._clock()),
            onward=onward,
            session=session,
            invitation=invitation,
            name=name,
            email=email,
        )

    def _begin(self, way: Way) -> Begun:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(way.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "state": way.state,
            "nonce": way.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if way.purpose == CONFIRM:
            # OpenID Connect Core section 3.1.2.1: not whoever is signed in there anyway.
            asked |= {"prompt": "login", "max_age": "0"}
        endpoint = self._asked(self._provider.authorization_endpoint)
        url = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"
        return Begun(url=Secret(url), sealed=self._sealing.seal(json.dumps(asdict(way)).encode(), _ABOUT))

    # On the way back.

    def _unseal(self, sealed: str, answer: Answer) -> Way:
        try:
            way = Way(**json.loads(self._sealing.unseal(sealed, _ABOUT)))
        except (BadSeal, ValueError, TypeError):
            raise _astray() from None
        if not 0 <= self._clock() - way.begun < WAY_SECONDS:
            raise _astray()
        if not hmac.compare_digest(answer.state.encode("utf-8", "replace"), way.state.encode()):
            raise _astray()
        return way

    def _claims(self, way: Way, answer: Answer) -> SignedClaims:
        """What the provider says of whoever was there, in this order: whose answer, the code, signature, claims."""
        if answer.issuer is None and self._asked(self._provider.answers_with_issuer):
            raise _unproven("its answer does not say whose it is")
        if answer.issuer is not None and answer.issuer != self._settings.issuer:
            raise _unproven("the answer is that of another provider")
        if answer.error == "access_denied":
            raise Declined("The provider says that you did not agree, or may not sign in here.")
        if answer.error or not 0 < len(answer.code) <= _MOST_CODE:
            raise _unproven("it ended with an error")
        code, uri = answer.code, self._redirect_uri
        token = self._asked(lambda: self._provider.exchange(code, verifier=way.verifier, redirect_uri=uri))
        try:
            words = peek(token)
            jwk = self._asked(lambda: self._provider.key(words.kid))
        except MalformedToken as fault:
            raise _unproven(f"its ID token {fault}") from None
        except NoSuchKey:
            raise _unproven("its ID token names a key that it does not have") from None
        issuer = self._asked(self._provider.issuer)
        checked = verify(token, jwk, issuer, self._settings.client_id, self._clock())
        if isinstance(checked, BadToken):
            raise _unproven(checked.sentence)
        claims, _ = checked
        self._check(way, claims)
        return claims

    def _check(self, way: Way, claims: SignedClaims) -> None:
        """What OpenID Connect Core section 3.1.3.7 asks for beyond any other token."""
        nonce, subject = claims.get("nonce"), claims.get("sub")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode("utf-8", "replace"), way.nonce.encode()):
            raise _unproven("its ID token is the answer to another question")
        if claims.get("azp", self._settings.client_id) != self._settings.client_id:
            raise _unproven("its ID token was made for another client")
        if not isinstance(subject, str) or not 0 < len(subject) <= _MOST_SUBJECT or not subject.isprintable():
            raise _unproven("its ID token names nobody")
        if way.purpose == CONFIRM:
            proven = claims.get("auth_time")
            if isinstance(proven, bool) or not isinstance(proven, int | float):
                raise _unproven("it does not say when you last proved to be it")
            if not -LEEWAY < self._clock() - proven < PROVEN_SECONDS:
                raise _unproven("you did not prove anew to be it")

    def _arrive(
        self,
        way: Way,
        subject: str,
        *,
        visitor: Visitor | None,
        where: From,
        before: str | None,
    ) -> Arrived:
        match way.purpose:
            case "link":
                self._link(self._same(way, visitor), subject)
            case "confirm":
                self._confirm(self._same(way, visitor), subject)
            case "invited":
                done = self._invitations.accept_linked(
                    Secret(way.invitation), name=way.name, email=way.email, subject=subject, where=where, before=before
                )
                return Arrived(onward=way.onward, purpose=way.purpose, signed_in=done)
            case _:
                done = self._sign_in(subject, where=where, before=before)
                return Arrived(onward=way.onward, purpose=way.purpose, signed_in=done)
        return Arrived(onward=way.onward, purpose=way.purpose)

    def _sign_in(self, subject: str, *, where: From, before: str | None) -> SignedIn:
        with self._store.write() as writing:
            login = writing.login_of_subject(subject)
            user = None if login is None else writing.user_by_id(login.user_id)
            if login is None or user is None or user.suspended is not None:
                # One answer for who is not known and who is suspended.
                raise Declined(
                    "You are known there, and no account here that you could use is linked with that.",
                    hint="Sign in with your password and link it on the page of your account, or ask an administrator "
                    "for an invitation.",
                )
            return self._signing_in.begin(writing, user, where=where, before=before, complete=login.totp is None)

    def _link(self, visitor: Visitor, subject: str) -> None:
        with self._store.write() as writing:
            other = writing.login_of_subject(subject)
            if other is not None and other.user_id != visitor.user.id:
                raise Declined("That account is linked with another account here.")
            login = writing.login(visitor.user.id) or Login(user_id=visitor.user.id)
            writing.put_login(replace(login, subject=subject))
            facts = {"user": visitor.user.name, "issuer": self._settings.issuer}
            note(writing, self._clock(), "openid-linked", facts=facts)

    def _confirm(self, visitor: Visitor, subject: str) -> None:
        with self._store.write() as writing:
            login = writing.login(visitor.user.id)
            session = writing.session(visitor.session.id)
            if login is None or session is None or login.subject != subject or login.totp is not None:
                raise Declined("That was somebody else, or the code of your second factor is needed.")
            self._sessions.confirm(writing, session)

    @staticmethod
    def _same(way: Way, visitor: Visitor | None) -> Visitor:
        if visitor is None or not hmac.compare_digest(way.session.encode(), visitor.session.id.encode()):
            raise _astray()
        return visitor

    @staticmethod
    def _asked(ask: Callable[[], T]) -> T:
        try:
            return ask()
        except IssuerDown as down:
            raise Declined(f"Signing in there does not work now: {down}.", hint="Try again later.") from None


def _astray() -> Declined:
    return Declined(
        "This answer does not belong to a sign-in that this browser began, or it came too late.", hint="Begin again."
    )


def _unproven(why: str) -> Declined:
    return Declined(f"The provider's answer proves nothing: {why}.", hint="Begin again, or tell an administrator.")
