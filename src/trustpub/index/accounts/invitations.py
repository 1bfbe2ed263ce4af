# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Invitations: a link that is good once, for making an account or for setting a new password.

There is no other way to get an account: nobody registers by themselves, and nobody is told whether an address has one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from trustpub.errors import Declined, Misuse
from trustpub.index import letters
from trustpub.index.accounts.sessions import Visitor
from trustpub.index.accounts.signing_in import From, SignedIn, SigningIn
from trustpub.index.kept import Invitation, Login, User
from trustpub.index.letters import ADDRESS
from trustpub.index.manage.notes import note
from trustpub.index.manage.people import check_user_name
from trustpub.index.ports import Clock, Reading, Store, Writing
from trustpub.printable import quoted
from trustpub.secret import Secret

INVITATION_SECONDS = 7 * 86_400
RESET_SECONDS = 86_400
FIRST_SECONDS = 86_400
"""How long the link for the first administrator is good."""
INVITATION_PATH = "/invitation/"
_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invitation that was made."""

    invitation: Invitation
    link: Secret
    """The whole URL, to be shown this once. To the invitation's address, if it has one, it is sent as well."""


class Invitations:
    """Makes and takes them."""

    def __init__(self, store: Store, clock: Clock, *, public_url: str, signing_in: SigningIn | None = None) -> None:
        """``signing_in`` is needed to take them, and not to make them."""
        self._store = store
        self._clock = clock
        self._public_url = public_url
        self._signing_in = signing_in

    def invite(self, email: str = "", *, administrator: bool = False, by: Visitor | None = None) -> Invited:
        """Invite somebody to make an account.

        Raises:
            Misuse: that is no e-mail address.
        """
        address = check_email(email) if email else ""
        with self._store.write() as writing:
            return self._add(writing, email=address, administrator=administrator, by=by, seconds=INVITATION_SECONDS)

    def reset(self, name: str, *, by: Visitor | None = None) -> Invited:
        """Have the user of this name set a new password, which also takes the second factor away, and a sign-in from
        elsewhere: who lost those is helped the same way. What they had goes on until the link is used.

        Raises:
            Declined: there is no such user.
        """
        with self._store.write() as writing:
            user = writing.user(name)
            if user is None:
                raise Declined(f"There is no user {quoted(name)} here.")
            return self._add(
                writing, email=user.email, administrator=False, by=by, seconds=RESET_SECONDS, user_id=user.id
            )

    def first(self) -> Invited | None:
        """A link for the first administrator, while there is nobody at all; earlier ones are worth nothing any more."""
        with self._store.write() as writing:
            if writing.users():
                return None
            for one in writing.invitations():
                if one.administrator and not one.by:
                    writing.take_invitation(one.id)
            return self._add(writing, email="", administrator=True, by=None, seconds=FIRST_SECONDS)

    def find(self, token: Secret) -> tuple[Invitation, User | None] | None:
        """The invitation behind a link, and whose password it sets; None if there is none, or no more."""
        with self._store.read() as reading:
            return self._find(reading, token)

    def all(self) -> Sequence[Invitation]:
        """Those in their time, the newest first."""
        now = self._clock()
        with self._store.read() as reading:
            return [one for one in reading.invitations() if now < one.expires]

    def revoke(self, invitation_id: str) -> None:
        """Take an invitation back.

        Raises:
            Declined: there is no such one.
        """
        with self._store.write() as writing:
            gone = writing.take_invitation(invitation_id)
            if gone is None:
                raise Declined("There is no such invitation any more.")
            note(writing, self._clock(), "invitation-revoked", facts=_facts(gone))

    def accept(
        self, token: Secret, *, name: str, email: str, password: str, where: From, before: str | None
    ) -> SignedIn:
        """Make the account that the link is for, or set the password, and sign in.

        Raises:
            Declined: the link is good for nothing (any more), or the name is taken.
            Misuse: the name, address or password cannot be one. :attr:`Fault.field` says which.
        """
        signing_in = self._signing_in
        if signing_in is None:
            raise ValueError("nobody signs in")
        found = self.find(token)
        if found is None:
            raise _gone()
        invitation, user = found
        if user is None:
            name = _checked("name", lambda: check_user_name(name))
            email = _checked("email", lambda: check_email(email)) if email else ""
        else:
            name, email = user.name, user.email
        kept = _checked("password", lambda: signing_in.hash(password, name, email))
        with self._store.write() as writing:
            taken = writing.take_invitation(invitation.id)
            if taken is None or self._clock() >= taken.expires or not _stands(writing, taken):
                raise _gone()
            if taken.user_id is None:
                try:
                    user = signing_in.register(writing, name, email, administrator=taken.administrator, kept=kept)
                except Declined as taken_name:
                    raise Fault("name", taken_name.message, taken_name.hint) from None
                facts = {"user": user.name, "administrator": user.administrator}
                note(writing, self._clock(), "user-added", facts=facts)
            else:
                user = _reset(writing, taken.user_id, kept)
                note(writing, self._clock(), "password-reset", facts={"user": user.name})
            return signing_in.begin(writing, user, where=where, before=before)

    def check(self, token: Secret, *, name: str, email: str) -> None:
        """That an account of this name and address may be made with the link, before anybody goes elsewhere for it.

        Raises:
            Declined: the link is good for nothing (any more), or not for an account.
            Fault: the name is taken, or the name or address cannot be one.
        """
        found = self.find(token)
        if found is None or found[1] is not None:
            raise _gone()
        _checked("name", lambda: check_user_name(name))
        if email:
            _checked("email", lambda: check_email(email))
        with self._store.read() as reading:
            if (taken := reading.user(name)) is not None:
                raise Fault("name", f"There is a user {taken.name!r} already.", "Choose another name.")

    def accept_linked(
        self, token: Secret, *, name: str, email: str, subject: str, where: From, before: str | None
    ) -> SignedIn:
        """Make the account that the link is for, without a password: ``subject`` of a provider signs in as it.

        Raises:
            Declined: the link is good for nothing (any more), the name is taken, or the subject linked elsewhere.
        """
        signing_in = self._signing_in
        if signing_in is None:
            raise ValueError("nobody signs in")
        self.check(token, name=name, email=email)
        with self._store.write() as writing:
            taken = writing.take_invitation(_id(token))
            if taken is None or self._clock() >= taken.expires or taken.user_id is not None:
                raise _gone()
            if writing.login_of_subject(subject) is not None:
                raise Declined("That account is linked with another account here.", hint="Sign in with it.")
            user = signing_in.register(
                writing, name, email, administrator=taken.administrator, subject=subject
            )  # fmt: skip
            facts = {"user": user.name, "administrator": user.administrator, "issuer": subject.partition("\n")[0]}
            note(writing, self._clock(), "user-added", facts=facts)
            return signing_in.begin(writing, user, where=where, before=before)

    def _add(
        self,
        writing: Writing,
        *,
        email: str,
        administrator: bool,
        by: Visitor | None,
        seconds: int,
        user_id: str | None = None,
    ) -> Invited:
        token = Secret(secrets.token_urlsafe(_BYTES))
        now = int(self._clock())
        invitation = Invitation(
            id=_id(token),
            email=email,
            administrator=administrator,
            user_id=user_id,
            by="" if by is None else by.user.id,
            created=now,
            expires=now + seconds,
        )
        writing.add_invitation(invitation)
        note(writing, self._clock(), "invited" if user_id is None else "reset-allowed", facts=_facts(invitation))
        link = Secret(f"{self._public_url}{INVITATION_PATH}{token.reveal()}")
        if email:
            user = None if user_id is None else writing.user_by_id(user_id)
            letters.invite(
                writing,
                email,
                link,
                expires=invitation.expires,
                at=self._clock(),
                user="" if user is None else user.name,
            )
        return Invited(invitation=invitation, link=link)

    def _find(self, reading: Reading, token: Secret) -> tuple[Invitation, User | None] | None:
        invitation = reading.invitation(_id(token))
        if invitation is None or self._clock() >= invitation.expires or not _stands(reading, invitation):
            return None
        if invitation.user_id is None:
            return invitation, None
        user = reading.user_by_id(invitation.user_id)
        return None if user is None or user.suspended is not None else (invitation, user)


class Fault(Misuse):
    """A field cannot be what it is."""

    def __init__(self, field: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.field = field


def check_email(text: str) -> str:
    """An address that letters can go to.

    Raises:
        Misuse: it is none.
    """
    if not ADDRESS.match(text) or ".." in text:
        raise Misuse(f"{quoted(text)} is no e-mail address such as ada@example.org.")
    return text


def _checked(field: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except Misuse as error:
        raise Fault(field, error.message, error.hint) from None


def _reset(writing: Writing, user_id: str, kept: str) -> User:
    user = writing.user_by_id(user_id)
    if user is None or user.suspended is not None:
        raise _gone()
    login = writing.login(user.id) or Login(user_id=user.id)
    writing.put_login(replace(login, password=kept, totp=None, totp_step=0, recovery=(), subject=None))
    writing.end_sessions(user.id)
    return user


def _stands(reading: Reading, invitation: Invitation) -> bool:
    """Whether who invited is still one who may: links that a former administrator kept open nothing."""
    if not invitation.by:
        return True
    by = reading.user_by_id(invitation.by)
    return by is not None and by.administrator and by.suspended is None


def _gone() -> Declined:
    return Declined(
        "This link is not good for anything, or not any more.",
        hint="It was used, is too old, or is incomplete. Ask who sent it for another.",
    )


def _id(token: Secret) -> str:
    return hashlib.sha256(token.reveal().encode("utf-8", "surrogatepass")).hexdigest()


def _facts(invitation: Invitation) -> dict[str, object]:
    return {
        "email": invitation.email,
        "administrator": invitation.administrator,
        "for": invitation.user_id,
        "expires": invitation.expires,
    }
