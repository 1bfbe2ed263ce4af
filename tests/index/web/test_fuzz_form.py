# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The reader of the upload form, with anything as a body."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustpub.index.web.form import MAX_FIELD_BYTES, MAX_FIELDS_BYTES, BadForm, FormReader

TYPE = 'multipart/form-data; boundary="b"'


class Sink:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.content = b""
        self.opened = 0
        self.fields: list[tuple[str, str]] = []

    def open(self, *, md5: bool, fields: Sequence[tuple[str, str]]) -> None:
        self.opened += 1
        self.fields = list(fields)

    def write(self, chunk: bytes) -> None:
        self.content += chunk


def read(body: bytes, sizes: Sequence[int] = (10**9,)) -> tuple[FormReader, Sink]:
    sink = Sink()
    form = FormReader(TYPE, sink)
    at = turn = 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        form.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    form.finish()
    return form, sink


def part(head: bytes, content: bytes) -> bytes:
    return b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


NAMES = st.sampled_from([b"name", b"version", b"content", b"description", b"\xff", b'a"b', b""])
TEXTS = st.binary(max_size=40)
HEADS = st.one_of(
    NAMES.map(lambda name: b'Content-Disposition: form-data; name="' + name + b'"'),
    NAMES.map(lambda name: b'Content-Disposition: form-data; name="' + name + b'"; filename="x.whl"'),
    TEXTS,
)
BODIES = st.lists(st.tuples(HEADS, TEXTS), max_size=5).map(lambda parts: b"".join(part(*one) for one in parts))


@settings(max_examples=400, deadline=None)
@given(body=BODIES, end=st.sampled_from([b"--b--\r\n", b"--b--", b"", b"--b\r\n", b"--c--"]), sizes=st.data())
def test_a_body_is_read_the_same_in_pieces_of_any_size(body: bytes, end: bytes, sizes: st.DataObject) -> None:
    pieces = sizes.draw(st.lists(st.integers(1, 30), min_size=1, max_size=4))
    seen: list[object] = []
    for each in ((10**9,), pieces):
        try:
            form, sink = read(body + end, each)
        except BadForm as bad:
            # Which of several faults is seen first goes by the pieces.
            seen.append(str(bad)[-1])
        else:
            assert sink.opened <= 1
            seen.append((form.fields, form.filename, sink.content))
    assert seen[0] == seen[1]
    assert seen[0] == "." or isinstance(seen[0], tuple)


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=300), content_type=st.text(alphabet='abmultipart/form-data; =\\"\r\n\x00', max_size=60))
def test_nonsense_is_refused_in_a_sentence(body: bytes, content_type: str) -> None:
    with pytest.raises(BadForm, match=r"\.$"):
        read(body)
    said = "."
    try:
        FormReader(content_type, Sink())
    except BadForm as bad:
        said = str(bad)
    assert said.endswith(".")


def test_the_file_is_told_what_stood_before_it() -> None:
    name = part(b'Content-Disposition: form-data; name="name"', b"hello")
    late = part(b'Content-Disposition: form-data; name="version"', b"1.0")
    content = part(b'Content-Disposition: form-data; name="content"; filename="x.whl"', b"bytes")
    form, sink = read(name + content + late + b"--b--\r\n")
    assert (sink.fields, sink.content) == ([("name", "hello")], b"bytes")
    assert form.fields == [("name", "hello"), ("version", "1.0")]


def test_an_image_is_no_distribution() -> None:
    head = b'Content-Disposition: form-data; name="content"; filename="x.whl"\r\nContent-Type: image/png'
    with pytest.raises(BadForm, match="image"):
        read(part(head, b"bytes") + b"--b--\r\n")


@pytest.mark.parametrize(
    ("field", "size", "many"),
    [("summary", MAX_FIELD_BYTES + 1, 1), ("description", MAX_FIELDS_BYTES + 1, 1), ("classifiers", 500_000, 40)],
)
def test_fields_that_are_too_large_are_refused_before_they_are_held(field: str, size: int, many: int) -> None:
    head = f'Content-Disposition: form-data; name="{field}"'.encode()
    one = part(head, b"x" * size)
    form = FormReader(TYPE, Sink())

    def feed() -> None:
        for _ in range(many):
            for at in range(0, len(one), 65536):
                form.feed(one[at : at + 65536])

    tracemalloc.start()
    with pytest.raises(BadForm, match="too large"):
        feed()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * MAX_FIELDS_BYTES


def test_a_header_without_end_is_refused() -> None:
    form = FormReader(TYPE, Sink())
    with pytest.raises(BadForm, match="too long a header"):
        form.feed(b'--b\r\nContent-Disposition: form-data; name="' + b"x" * 100_000)
