# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every error a person can meet, and the exit code each ends with.

    TrustpubError
    ├── Declined (1)               the other side, or a check of ours, said no
    ├── Misuse (2)                 a command, an option, a file or a folder is not what it must be
    ├── NoIdentity (3)             this job has no identity token to show
    ├── Unreachable (4)            the index or the network did not answer as it should
    │   └── NoTrustedPublishing    the index answers, but offers no Trusted Publishing
    └── PartlyPublished (5)        some files went up, others did not

Any other exception that leaves trustpub is a bug.
"""

from __future__ import annotations

from typing import ClassVar


class TrustpubError(Exception):
    """What happened (``message``) and, where there is something to do about it, ``hint``.

    Both are shown to a person: whole sentences, never a token, never text from outside that was not made printable.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n{self.hint}"


class Declined(TrustpubError):
    """A request that was understood and refused, or a check that found something."""

    exit_code = 1


class Misuse(TrustpubError):
    """A command, an option, a file or a folder that cannot be used as it was given."""

    exit_code = 2


class NoIdentity(TrustpubError):
    """No identity token can be had here."""

    exit_code = 3


class Unreachable(TrustpubError):
    """The index or the network failed."""

    exit_code = 4


class NoTrustedPublishing(Unreachable):
    """The index answers and has no Trusted Publishing."""


class PartlyPublished(TrustpubError):
    """Some files are on the index, at least one is not."""

    exit_code = 5
