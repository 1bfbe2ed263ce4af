# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Sound archives with anything done to their bytes: refused in a sentence, or seen alike by another reader."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import tempfile
import zipfile
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustpub.packages import zips
from trustpub.packages.archives import BadArchive, read
from trustpub.packages.metadata import BadMetadata
from trustpub.packages.tars import BadTar, Tar
from trustpub.packages.unpacking import BadGzip, Gzip, TooMuch

BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "insert", "cut", "copy"]),
        st.integers(0, 10**6),
        st.one_of(
            st.binary(min_size=1, max_size=8),
            st.sampled_from([b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"\xff\xff\xff\xff", b"\0\0\0\0"]),
        ),
    ),
    min_size=1,
    max_size=4,
)


def changed(content: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, where, what in changes:
        at = where % (len(content) + 1)
        match how:
            case "set":
                content = content[:at] + what + content[at + len(what) :]
            case "insert":
                content = content[:at] + what + content[at:]
            case "cut":
                content = content[:at] + content[at + len(what) * 7 :]
            case _:
                content = content[:at] + content[at // 2 : at // 2 + 60] + content[at:]
    return content


def looked_through(content: bytes, filetype: str) -> bool:
    """Whether it is taken; nothing but a refusal may come of it otherwise."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            _, faults = read(file.name, filetype, "Hello.World", "1.0")
        except (BadArchive, BadMetadata) as bad:
            faults = [str(bad)]
        assert all(fault.endswith(".") for fault in faults)
        return not faults


@BOUNDED
@given(changes=CHANGES)
def test_a_wheel_with_anything_done_to_it(build: Any, changes: list[tuple[str, int, bytes]]) -> None:
    with open(build.wheel(), "rb") as file:
        content = changed(file.read(), changes)
    if looked_through(content, "bdist_wheel"):
        # Python's own reader finds the same files with the same bytes.
        ours = io.BytesIO(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            theirs = {one.filename: archive.read(one) for one in archive.infolist()}
        assert {one.name: b"".join(zips.unpack(ours, one)) for one in zips.read_entries(ours)} == theirs


@BOUNDED
@given(changes=CHANGES)
def test_an_sdist_with_anything_done_to_it(build: Any, changes: list[tuple[str, int, bytes]]) -> None:
    with open(build.sdist(), "rb") as file:
        looked_through(changed(file.read(), changes), "sdist")


@BOUNDED
@given(changes=CHANGES)
def test_a_tar_with_anything_done_to_it_is_refused_or_read_alike(
    build: Any, changes: list[tuple[str, int, bytes]]
) -> None:
    with open(build.sdist(), "rb") as file:
        content = changed(gzip.decompress(file.read()), changes)
    packed = gzip.compress(content)
    looked_through(packed, "sdist")
    ours: list[tuple[str, int]] | None = None
    with contextlib.suppress(BadTar, BadGzip, TooMuch):
        ours = [(one.path.rstrip("/"), one.size) for one in Tar(Gzip(io.BytesIO(packed), 10**7))]
    if ours is not None:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            assert [(one.name.rstrip("/"), one.size) for one in archive] == ours


@BOUNDED
@given(filetype=st.sampled_from(["sdist", "bdist_wheel"]), content=st.binary(max_size=600))
def test_nonsense_is_refused(filetype: str, content: bytes) -> None:
    assert not looked_through(content, filetype)
    assert not looked_through(gzip.compress(content), filetype)
