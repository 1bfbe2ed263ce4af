# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Object storage that refuses, is not there, alters what it is sent, or has what it should not have."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from trustpub.errors import Misuse, Unreachable
from trustpub.index.adapters import bucket as bucket_module
from trustpub.index.adapters.bucket import PART_BYTES, Altered, Bucket
from trustpub.index.adapters.checking import Checked, check
from trustpub.index.adapters.s3 import GRACE_SECONDS, MARK, TIDY_SECONDS, S3Blobs, key_of
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.ports import SWEEPING
from trustpub.secret import Secret

from ...objects import SECRET_KEY, Objects, ObjectServer, Way  # noqa: TID252 - pytest gives these folders no absolute name
from .conftest import a_project
from .test_blobs_anywhere import CONTENT, DIGEST, NAME, a_row, digest_of, keep, kept

LARGE = os.urandom(PART_BYTES * 2 + 7)


@pytest.fixture
def blobs(objects: Objects, tmp_path: Path) -> S3Blobs:
    return S3Blobs(tmp_path, Bucket(objects.storage()))


@pytest.fixture
def named(store: SqlStore) -> SqlStore:
    """A store with a row for the small file."""
    with store.write() as writing:
        writing.add_project(a_project())
        writing.add_file(a_row())
    return store


def in_a_year() -> float:
    return time.time() + 365 * 86_400


def test_objects_are_named_as_files_in_a_folder_are_below_the_prefix(blobs: S3Blobs, objects: Objects) -> None:
    keep(blobs)
    place = f"packages/{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST[4:]}/{NAME}"
    assert objects.keys() == [place, f"{place}.metadata"]
    everything = Bucket(objects.storage(prefix=""))
    assert everything.head(f"{objects.prefix}/{place}") is not None


def test_an_object_is_never_written_over(blobs: S3Blobs) -> None:
    assert blobs.bucket.put_new("one", b"first")
    assert not blobs.bucket.put_new("one", b"second")
    assert blobs.bucket.get("one") == b"first"


def test_a_large_object_is_never_written_over_either(
    blobs: S3Blobs,
    tmp_path: Path,
    objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    # As if the other came after this one had looked.
    monkeypatch.setattr(Bucket, "head", lambda self, key: None)
    blobs.bucket.put_new("one", b"first")
    assert not blobs.bucket.send_new("one", path, digest_of(LARGE))
    assert blobs.bucket.get("one") == b"first"
    assert objects.keys() == ["one"]  # and nothing of it is left


@pytest.mark.parametrize("content", [CONTENT, LARGE], ids=["small", "large"])
def test_what_changed_on_the_disk_is_not_sent(blobs: S3Blobs, objects: Objects, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "altered"
    path.write_bytes(content[:-1] + b"?")
    with pytest.raises(Altered):
        blobs.bucket.send_new("one", path, digest_of(content))
    with pytest.raises(Unreachable, match="altered on the disk"):
        keep(blobs, content=content[:-1] + b"?", metadata=None, digest=digest_of(content))
    assert objects.keys() == []


def test_bytes_that_are_there_already_and_are_others_are_not_taken_for_the_file(blobs: S3Blobs) -> None:
    blobs.bucket.put_new(key_of(DIGEST, NAME), b"a wheex")
    with pytest.raises(Unreachable, match="holds something else"):
        keep(blobs)


@pytest.mark.parametrize("large", [False, True])
def test_what_is_altered_on_its_way_is_refused_there(
    objects: Objects,
    object_server: ObjectServer,
    tmp_path: Path,
    large: bool,
) -> None:
    content = (LARGE if large else b"") + b"the-needle-in-it"
    way = Way(object_server, b"the-needle-in-it")
    blobs = S3Blobs(tmp_path, Bucket(objects.storage(endpoint=way.endpoint)))
    with pytest.raises(Unreachable, match="does not answer as it should"):
        keep(blobs, content=content, metadata=None)
    way.cut()
    assert way.altered
    assert not any(key.startswith("packages") for key in objects.keys())  # noqa: SIM118 - it is no mapping


def test_a_wrong_secret_is_refused_and_never_told(objects: Objects, tmp_path: Path) -> None:
    wrong = "another-secret-that-opens-nothing"
    blobs = S3Blobs(tmp_path, Bucket(objects.storage(secret_key=Secret(wrong))))
    for ask in (
        lambda: keep(blobs),
        lambda: kept(blobs),
        lambda: list(blobs.names()),
        lambda: blobs.metadata(DIGEST, NAME),
    ):
        with pytest.raises(Unreachable, match="refuses the index's key") as told:
            ask()
        assert wrong not in str(told.value)
    assert "refuses the index's key" in (blobs.fault() or "")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(blobs.bucket.link("one"))
    assert objects.keys() == []


def test_a_link_is_good_for_one_object_and_for_a_short_time(blobs: S3Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs.bucket.put_new("one", b"first")
    blobs.bucket.put_new("two", b"second")
    link = blobs.bucket.link("one")
    assert urllib.request.urlopen(link).read() == b"first"
    assert SECRET_KEY not in link
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link.replace("/one?", "/two?"))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(link, data=b"mine", method="PUT"))
    monkeypatch.setattr(bucket_module, "LINK_SECONDS", 1)
    late = blobs.bucket.link("one")
    time.sleep(2.1)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(late)


def test_a_bucket_that_is_not_there_is_no_missing_file(object_server: ObjectServer, tmp_path: Path) -> None:
    blobs = S3Blobs(tmp_path, Bucket(object_server.storage("there-is-none")))
    for ask in (lambda: kept(blobs), lambda: list(blobs.names()), lambda: blobs.metadata(DIGEST, NAME)):
        with pytest.raises(Unreachable, match="has no bucket 'there-is-none'"):
            ask()


def test_a_storage_that_is_gone_is_told_soon_and_back_when_it_is(objects: Objects, way: Way, tmp_path: Path) -> None:
    blobs = S3Blobs(tmp_path, Bucket(objects.storage(endpoint=way.endpoint)))
    keep(blobs)
    blobs.bucket.put_new(MARK, b"mine")
    assert blobs.fault() is None
    way.cut()
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="does not answer as it should"):
        keep(blobs, "other-1.0.tar.gz", b"other", None)
    assert "does not answer" in (blobs.fault() or "")
    blobs.remove(DIGEST, NAME)  # is left to a sweep
    assert time.monotonic() - begun < 20
    way.mend()
    assert blobs.fault() is None
    assert list(blobs.names()) == [(DIGEST, NAME)]
    keep(blobs, "other-1.0.tar.gz", b"other", None)
    assert kept(blobs, digest_of(b"other"), "other-1.0.tar.gz") == b"other"


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"prefix": "../elsewhere"}, "prefix"),
        ({"prefix": "a//b"}, "prefix"),
        ({"prefix": "a b"}, "prefix"),
        ({"bucket": "No Bucket"}, "no bucket named"),
        ({"endpoint": "ftp://127.0.0.1"}, "endpoint"),
        ({"endpoint": "http://user:word@127.0.0.1"}, "endpoint"),
        ({"endpoint": "http://127.0.0.1/path"}, "endpoint"),
        ({"endpoint": "http://["}, "endpoint"),
        ({"access_key": None}, "together"),
        ({"secret_key": None}, "together"),
        ({"ca": "/there/is/none.pem"}, "cannot be read"),
    ],
)
def test_what_cannot_be_is_said_before_anybody_is_asked(others: dict[str, str | None], said: str) -> None:
    storage = ObjectServer(Path("/"), tuple(range(1, 9))).storage("tests")
    with pytest.raises(Misuse, match=said) as told:
        Bucket(dataclasses.replace(storage, **others))  # type: ignore[arg-type]
    assert SECRET_KEY not in str(told.value)


def test_a_sweep_takes_away_what_no_row_names_and_is_old(blobs: S3Blobs, named: SqlStore, objects: Objects) -> None:
    keep(blobs)
    keep(blobs, "orphan-1.0.tar.gz", b"an orphan", None)
    blobs.bucket.put_new("staging/0123", b"left by a crash")
    blobs.bucket.put_new("packages/README", b"not of our making")
    assert blobs.sweep_bucket(named, older_than=time.time() - GRACE_SECONDS) == 0  # all of it is young
    assert len(objects.keys()) == 5
    # The row names no metadata.
    assert blobs.sweep_bucket(named, older_than=in_a_year()) == 3
    assert objects.keys() == [key_of(DIGEST, NAME), "packages/README"]
    assert blobs.sweep_bucket(named, older_than=in_a_year()) == 0


def test_a_sweep_takes_away_the_bytes_of_deleted_files(blobs: S3Blobs, named: SqlStore, objects: Objects) -> None:
    keep(blobs)
    with named.write() as writing:
        writing.bury(NAME, 1)
    assert blobs.sweep_bucket(named, older_than=in_a_year()) == 2
    assert objects.keys() == []


def test_a_sweep_that_finds_too_much_takes_nothing(
    blobs: S3Blobs,
    store: SqlStore,
    objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("trustpub.index.adapters.s3.MOST_SWEPT", 2)
    for number in range(3):
        keep(blobs, f"orphan-{number}.tar.gz", b"%d" % number, None)
    assert blobs.sweep_bucket(store, older_than=in_a_year()) == 0
    assert len(objects.keys()) == 3
    assert "none was removed" in caplog.text


def test_it_is_tidied_once_a_day_by_one_of_all(blobs: S3Blobs, store: SqlStore) -> None:
    keep(blobs, "orphan-1.0.tar.gz", b"an orphan", None)
    now = time.time() + GRACE_SECONDS + 10
    assert blobs.tidy(store, now) == 1
    keep(blobs, "orphan-1.0.tar.gz", b"an orphan", None)
    assert blobs.tidy(store, now + 3600) == 0
    assert blobs.tidy(store, now + TIDY_SECONDS) == 1


def test_whoever_names_what_a_sweep_takes_away_puts_it_back(blobs: S3Blobs, store: SqlStore) -> None:
    keep(blobs)  # by an upload whose index then lost power
    with blobs.stage() as staged:
        staged.write(CONTENT)
        staged.finish()
        assert staged.keep(DIGEST, NAME, b"Name: hello")  # it was there
        assert blobs.sweep_bucket(store, older_than=in_a_year()) == 2
        assert kept(blobs) is None
        with store.write() as writing:
            writing.set_fact(SWEEPING, NAME)
            writing.add_project(a_project())
            writing.add_file(a_row())
        staged.confirm()
    assert kept(blobs) == CONTENT
    assert blobs.metadata(DIGEST, NAME) == b"Name: hello"
    assert blobs.sweep_bucket(store, older_than=in_a_year()) == 1  # the metadata, which this row does not name


def test_a_sweep_that_has_begun_leaves_what_was_named_meanwhile(
    blobs: S3Blobs, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(blobs, metadata=None)
    taken = S3Blobs._take_away

    def named_first(self: S3Blobs, *given: object) -> bool:
        with store.write() as writing:
            writing.set_fact(SWEEPING, NAME)
            writing.add_project(a_project())
            writing.add_file(a_row())
        return taken(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(S3Blobs, "_take_away", named_first)
    assert blobs.sweep_bucket(store, older_than=in_a_year()) == 0
    assert kept(blobs) == CONTENT


def test_a_check_finds_what_is_missing_damaged_or_unknown_in_the_bucket(blobs: S3Blobs, named: SqlStore) -> None:
    def found(at: float) -> list[tuple[str, str]]:
        return sorted((one.kind, one.path) for one in check(named, blobs, lambda: at, Checked(), served=False))

    key = key_of(DIGEST, NAME)
    assert found(time.time()) == [("missing", key)]
    blobs.bucket.put_new(key, b"something else")
    assert found(time.time()) == [("damaged", key)]
    blobs.bucket.delete(key)
    keep(blobs, "orphan-1.0.tar.gz", b"an orphan", None)
    orphan = key_of(digest_of(b"an orphan"), "orphan-1.0.tar.gz")
    assert found(time.time()) == [("missing", key)]  # it may be about to get its row
    assert found(in_a_year()) == [("missing", key), ("unknown", orphan)]


def test_memory_stays_flat_however_large_a_file_is(objects: Objects, tmp_path: Path) -> None:
    size = 96 * 1024 * 1024
    path = tmp_path / "large"
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))
    program = """
import hashlib, resource, sys, pathlib
from trustpub.index.adapters.bucket import Bucket
from trustpub.index.settings import ObjectStorage
from trustpub.secret import Secret
endpoint, prefix, path, size = sys.argv[1:]
bucket = Bucket(ObjectStorage(bucket="tests", prefix=prefix, endpoint=endpoint, access_key="AKtheindex",
                              secret_key=Secret(sys.stdin.read())))
digest = hashlib.blake2b(digest_size=32)
with open(path, "rb") as file:
    while chunk := file.read(1 << 20): digest.update(chunk)
assert bucket.put_new("first", b"") and b"".join(bucket.read("first")) == b""
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert bucket.send_new("large", pathlib.Path(path), digest.hexdigest())
assert sum(map(len, bucket.read("large"))) == int(size)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, objects.server.endpoint, objects.prefix, str(path), str(size)],
        input=SECRET_KEY, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 80, done.stdout
