# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The second factor: codes of six digits that change every 30 seconds (RFC 6238), and recovery codes for when the
device is lost.

No code is taken twice, not even within its 30 seconds. The key is kept sealed, recovery codes as hashes: each is shown
once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from trustpub.errors import Declined
from trustpub.index.accounts.sessions import Visitor
from trustpub.index.kept import Login, User
from trustpub.index.manage.notes import note
from trustpub.index.ports import BadSeal, Clock, Sealing, Store, Writing
from trustpub.secret import Secret

STEP_SECONDS = 30
DIGITS = 6
SKEW_STEPS = 1
"""How many steps a device's clock may be wrong, either way."""
KEY_BYTES = 20
CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_CHARACTERS = 16  # of 31: more than 79 bits, so that a plain hash will do
ENROL_SECONDS = 15 * 60
_SIX = re.compile(r"[0-9]{6}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A key that was made and not confirmed yet; nothing of it is stored here."""

    key: Secret
    """In base32, for typing it into an app."""
    uri: Secret
    """``otpauth://…``, for its QR code."""
    sealed: str
    """The key for the form that confirms it: readable here alone."""


class SecondFactor:
    """Sets it up, and judges codes."""

    def __init__(self, store: Store, sealing: Sealing, clock: Clock, *, host: str) -> None:
        """``host``: under which name an app shows the account."""
        self._store = store
        self._sealing = sealing
        self._clock = clock
        self._host = host

    def login(self, user: User) -> Login:
        """How the person proves to be it; empty if in no way."""
        with self._store.read() as reading:
            return reading.login(user.id) or Login(user_id=user.id)

    def enrol(self, user: User) -> Enrolment:
        """A new key, of which the person proves that their device has it before it counts."""
        key = secrets.token_bytes(KEY_BYTES)
        return self._enrolment(user, key, self._sealing.seal(_stamped(key, int(self._clock())), _enrolling(user)))

    def resume(self, user: User, sealed: str) -> Enrolment:
        """The same key again, after a code that was wrong.

        Raises:
            Declined: it was shown too long ago, or not to this person.
        """
        return self._enrolment(user, self._key_of(user, sealed), sealed)

    def finish(self, visitor: Visitor, sealed: str, code: str) -> Sequence[Secret] | None:
        """Have the key count from now on, in the place of any before. Other sessions end.

        Returns the recovery codes, to be shown once; None if the code is wrong.

        Raises:
            Declined: as :meth:`resume`.
        """
        key = self._key_of(visitor.user, sealed)
        step = self._step(key, _digits(code))
        if step is None:
            return None
        codes = [_new_code() for _ in range(CODES)]
        with self._store.write() as writing:
            login = writing.login(visitor.user.id) or Login(user_id=visitor.user.id)
            sealed_key = self._sealing.seal(key, kept_about(visitor.user.id))
            recovery = tuple(_digest(one.reveal()) for one in codes)
            writing.put_login(replace(login, totp=sealed_key, totp_step=step, recovery=recovery))
            writing.end_sessions(visitor.user.id, but=visitor.session.id)
            note(writing, self._clock(), "second-factor-added", facts={"user": visitor.user.name})
        return codes

    def remove(self, visitor: Visitor) -> None:
        """Ask for no code any more. Other sessions end."""
        with self._store.write() as writing:
            login = writing.login(visitor.user.id)
            if login is None or login.totp is None:
                raise Declined("There is no second factor to remove.")
            writing.put_login(replace(login, totp=None, totp_step=0, recovery=()))
            writing.end_sessions(visitor.user.id, but=visitor.session.id)
            note(writing, self._clock(), "second-factor-removed", facts={"user": visitor.user.name})

    def renew_codes(self, visitor: Visitor) -> Sequence[Secret]:
        """New recovery codes, to be shown once; those before are worth nothing any more.

        Raises:
            Declined: there is no second factor.
        """
        codes = [_new_code() for _ in range(CODES)]
        with self._store.write() as writing:
            login = writing.login(visitor.user.id)
            if login is None or login.totp is None:
                raise Declined("Recovery codes go with a second factor, and there is none.")
            writing.put_login(replace(login, recovery=tuple(_digest(one.reveal()) for one in codes)))
            note(writing, self._clock(), "recovery-codes-renewed", facts={"user": visitor.user.name})
        return codes

    def take(self, writing: Writing, user: User, code: str) -> str | None:
        """Use a code up, if it is one: ``totp`` or ``recovery``; None if it is neither."""
        login = writing.login(user.id)
        if login is None or login.totp is None:
            return None
        digits = _digits(code)
        if _SIX.match(digits):
            try:
                key = self._sealing.unseal(login.totp, kept_about(user.id))
            except BadSeal:
                # Sealed under another secret, which the index would not have started with; then by recovery code.
                return None
            step = self._step(key, digits)
            return "totp" if step is not None and writing.take_step(user.id, step) else None
        if writing.take_recovery(user.id, _digest(code)):
            left = len(login.recovery) - 1
            note(writing, self._clock(), "recovery-code-used", facts={"user": user.name, "left": left})
            return "recovery"
        return None

    def _step(self, key: bytes, digits: str) -> int | None:
        """The step of time whose code this is, near now. All are compared, and each takes as long."""
        totp = TOTP(key, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - what apps know, and HMAC needs no more
        now = int(self._clock()) // STEP_SECONDS
        found = None
        for step in range(max(now - SKEW_STEPS, 0), now + SKEW_STEPS + 1):
            if hmac.compare_digest(totp.generate(step * STEP_SECONDS), digits.encode("utf-8", "replace")):
                found = step
        return found

    def _key_of(self, user: User, sealed: str) -> bytes:
        try:
            content = self._sealing.unseal(sealed, _enrolling(user))
        except BadSeal:
            raise _begin_again() from None
        if not 0 <= int(self._clock()) - int.from_bytes(content[:8], "big") < ENROL_SECONDS:
            raise _begin_again()
        return content[8:]

    def _enrolment(self, user: User, key: bytes, sealed: str) -> Enrolment:
        text = base64.b32encode(key).decode()
        label = f"{quote(self._host, safe='')}:{quote(user.name, safe='')}"
        uri = f"otpauth://totp/{label}?secret={text}&issuer={quote(self._host, safe='')}"
        return Enrolment(key=Secret(text), uri=Secret(uri), sealed=sealed)


def _begin_again() -> Declined:
    return Declined("That took too long, and the key was forgotten.", hint="Begin again, with a new one.")


def _stamped(key: bytes, now: int) -> bytes:
    return now.to_bytes(8, "big") + key


def _enrolling(user: User) -> str:
    return f"enrolment of {user.id}"


def kept_about(user_id: str) -> str:
    """What the key of a person's second factor is sealed as."""
    return f"second factor of {user_id}"


def _digits(code: str) -> str:
    return code.replace(" ", "").replace("-", "")[:64]


def _new_code() -> Secret:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARACTERS))
    return Secret("-".join(letters[at : at + 4] for at in range(0, _CODE_CHARACTERS, 4)))


def _digest(code: str) -> str:
    return hashlib.sha256(_digits(code).lower().encode("utf-8", "replace")).hexdigest()
