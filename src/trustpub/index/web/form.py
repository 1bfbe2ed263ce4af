# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The upload form, read in one pass: text parts are kept, the file's bytes go on as they come (RFC 7578)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from trustpub.protocol.upload import CONTENT

MAX_FIELD_BYTES = 256 * 1024
"""The license texts of some packages are as long as that."""
MAX_FIELDS_BYTES = 16 * 1024 * 1024
"""Of all text parts together, which bounds the memory that one upload takes."""
MAX_PARTS = 2000
_LARGE = ("description", "attestations")
"""Fields that may fill what all fields together may hold."""


class BadForm(ValueError):
    """Not a form that can be read. The message is a sentence, without any value from the form."""


class Sink(Protocol):
    """Where the file goes: :class:`trustpub.index.upload.Arrival`."""

    def open(self, *, md5: bool, fields: Sequence[tuple[str, str]]) -> None:
        """The file begins, after these fields."""

    def write(self, chunk: bytes) -> None:
        """More of it."""


class FormReader:
    """Takes a body in pieces of any size and order of parts; blocks where its sink does.

    ``fields`` holds the text parts so far, ``filename`` the name that came with the file.
    """

    def __init__(self, content_type: str | None, sink: Sink) -> None:
        """Raises:
        BadForm: the content type is not that of a form.
        """
        self.fields: list[tuple[str, str]] = []
        self.filename: str | None = None
        self._sink = sink
        self._parser = _parser(content_type)
        self._part: MultipartSegment | None = None
        self._text = bytearray()
        self._total = 0
        self._has_content = False

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the body.

        Raises:
            BadForm: they are not of a form, or of one that is too large.
            TooLarge: from the sink.
        """
        if not chunk or self._parser.closed:
            return
        try:
            for event in self._parser.parse(chunk):
                match event:
                    case MultipartSegment():
                        self._begin(event)
                    case None:
                        self._end()
                    case _:
                        self._more(bytes(event))
        except ParserLimitReached:
            raise BadForm("The form has too many parts, or a part with too long a header.") from None
        except MultipartError:
            raise BadForm("The body is not well-formed multipart/form-data.") from None

    def finish(self) -> None:
        """The body has ended.

        Raises:
            BadForm: the form has not.
        """
        try:
            self._parser.close()
        except MultipartError:
            raise BadForm("The body ends before the form does.") from None

    def _begin(self, part: MultipartSegment) -> None:
        self._part = part
        self._text.clear()
        if part.name != CONTENT:
            return
        if self._has_content:
            raise BadForm("The form has more than one file.")
        if part.filename is None:
            raise BadForm("content: is text; it must be a file with a file name.")
        if (part.content_type or "").strip().lower().startswith("image/"):
            raise BadForm("content: is an image; it must be a distribution.")
        self._has_content = True
        self.filename = part.filename
        md5 = any(field == "md5_digest" and value for field, value in self.fields)
        self._sink.open(md5=md5, fields=self.fields)

    def _more(self, chunk: bytes) -> None:
        part = self._part
        if part is None:
            return
        if part.name == CONTENT:
            self._sink.write(chunk)
        elif part.filename is None:  # another file, such as a signature, is passed over
            self._total += len(chunk)
            self._text += chunk
            limit = MAX_FIELDS_BYTES if part.name in _LARGE else MAX_FIELD_BYTES
            if self._total > MAX_FIELDS_BYTES or len(self._text) > limit:
                raise BadForm("The form's fields are too large.")

    def _end(self) -> None:
        part, self._part = self._part, None
        if part is None or part.name == CONTENT or part.filename is not None:
            return
        try:
            self.fields.append((part.name or "", self._text.decode()))
        except UnicodeDecodeError:
            raise BadForm("The form has a field that is not UTF-8.") from None


def _parser(content_type: str | None) -> PushMultipartParser:
    media_type, options = parse_options_header(content_type or "")
    boundary = options.get("boundary")
    if media_type.strip().lower() != "multipart/form-data" or not boundary:
        raise BadForm("The body must be multipart/form-data.")
    try:
        return PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
    except (MultipartError, UnicodeEncodeError):
        raise BadForm("The body must be multipart/form-data with a usable boundary.") from None
