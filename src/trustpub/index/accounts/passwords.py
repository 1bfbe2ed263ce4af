# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a password must be: long. No rule of digits and signs, and no expiry (NIST SP 800-63B section 3.1.1)."""

from __future__ import annotations

from collections.abc import Collection

LEAST, MOST = 12, 500
"""Characters."""
_DIFFERENT = 5
_COMMON = (
    "password", "passwort", "qwertyuiop", "1234567890", "abcdefghij", "letmein", "iloveyou", "administrator",
    "trustpub", "changeme", "asdfghjkl", "correcthorsebatterystaple",
)  # fmt: skip

HINT = f"At least {LEAST} characters. A few words that belong together only for you are good; so is a password manager."


def fault(password: str, about: Collection[str]) -> str:
    """Why it cannot be the password of somebody of whom ``about`` tells (name, e-mail address); empty if it can."""
    if len(password) < LEAST:
        return f"It has fewer than {LEAST} characters."
    if len(password) > MOST:
        return f"It has more than {MOST} characters."
    plain = "".join(one for one in password.casefold() if one.isalnum())
    if len(set(password)) < _DIFFERENT:
        return "It is made of very few different characters."
    rest = plain
    for word in sorted((*_COMMON, *(_plain(one) for one in about)), key=len, reverse=True):
        if len(word) >= 4:
            rest = rest.replace(word, "")
    if len(rest) + len(password) - len(plain) < 6:
        return "It is made of little but your name, the name of this software, or a very common password."
    return ""


def _plain(text: str) -> str:
    return "".join(one for one in text.casefold().partition("@")[0] if one.isalnum())
