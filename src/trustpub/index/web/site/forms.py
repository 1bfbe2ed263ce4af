# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a page's form sends, and what is told beside its fields."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

MAX_FORM_BYTES = 64 * 1024
MAX_FIELDS = 500
BODY_SECONDS = 30.0
"""How long a form may take to come."""

FORM_TYPE = "application/x-www-form-urlencoded"
CSRF = "csrf"
"""The field with the form's token."""


class BadForm(Exception):
    """Not a form of these pages. The message is a sentence."""


class Form(Mapping[str, str]):
    """Fields that were sent. One that stands twice has its last value; :meth:`all` has every one."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._fields = fields
        self._last = dict(fields)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def text(self, name: str, limit: int = 2000) -> str:
        """The value without blanks around it, cut to ``limit``; empty if it was not sent."""
        return self._last.get(name, "").strip()[:limit]

    def all(self, name: str) -> Sequence[str]:
        """Every value of this name, as of check boxes."""
        return [value for given, value in self._fields if given == name]


async def read_form(request: Request) -> Form:
    """The form in the request's body.

    Raises:
        BadForm: it is of another type, too large, too slow, or not UTF-8.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != FORM_TYPE:
        raise BadForm("This address takes the form of its page only.")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM_BYTES:
                    raise BadForm(f"The form is larger than {MAX_FORM_BYTES} bytes.")
    except TimeoutError:
        raise BadForm("The form came too slowly.") from None
    try:
        return Form(
            parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=bool(body),
                encoding="utf-8",
                errors="strict",
                max_num_fields=MAX_FIELDS,
            )
        )
    except ValueError:  # UnicodeDecodeError is one
        raise BadForm("The form cannot be read.") from None


def local_path(text: str | None, otherwise: str = "/") -> str:
    """``text`` if it is a path on this site, with or without a query; else ``otherwise``. Nobody is sent elsewhere."""
    if text is None or not text.startswith("/") or len(text) > 2000 or not text.isascii() or not text.isprintable():
        return otherwise
    if "\\" in text or " " in text or text.startswith("//"):
        return otherwise
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    return text if not parts.scheme and not parts.netloc else otherwise
