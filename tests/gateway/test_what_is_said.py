# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever happens between a gateway and the index behind it, what is said is true, and a retry ends well."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from .conftest import PASSWORD, USER, Bench, code, detail, wheel


def there(bench: Bench, path: Path) -> bool:
    """Whether the index behind has this very file."""
    found = (bench.behind.packages or Path()) / path.name
    return found.exists() and found.read_bytes() == path.read_bytes()


def test_a_file_is_acknowledged_when_the_index_behind_has_it(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("plain-one"), wheel(tmp_path, "plain-one")
    answer = calm.gate.send(token, path)
    assert (answer.status, answer.body) == (200, b"")
    assert there(calm, path)
    assert calm.gate.kinds("plain-one") == ["file-handed-on", "file-uploaded"]
    assert not any((calm.gate.data / "packages").rglob("*.whl"))
    # Again: nothing is sent, and nothing is noted.
    assert calm.gate.send(token, path).status == 200
    assert calm.wire.posts == 1
    assert calm.gate.kinds("plain-one") == ["file-handed-on", "file-uploaded"]


def test_what_this_index_refuses_never_gets_there(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("strict-one"), wheel(tmp_path, "strict-one")
    wrong = calm.gate.send(token, path, version="2.0")
    assert (wrong.status, code(wrong)) == (400, "invalid-file")
    other = calm.gate.send(token, wheel(tmp_path, "nobodys"))
    assert other.status in (400, 403)
    assert calm.wire.posts == 0
    assert calm.gate.kinds("strict-one") == []


def test_an_index_that_is_down_has_nothing_and_a_retry_ends_well(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("down-one"), wheel(tmp_path, "down-one")
    calm.wire.deaf = True
    answer = calm.gate.send(token, path)
    assert (answer.status, code(answer)) == (503, "upstream-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "has not got the file" in detail(answer)
    assert not there(calm, path)
    calm.wire.mend()
    assert calm.gate.send(token, path).status == 200
    assert there(calm, path)


def test_an_upload_cut_in_the_middle_is_not_there_and_a_retry_ends_well(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("cut-one"), wheel(tmp_path, "cut-one", padding=2_000_000)
    calm.wire.cut = True
    answer = calm.gate.send(token, path)
    assert (answer.status, code(answer)) == (503, "upstream-unavailable")
    assert not there(calm, path)
    calm.wire.cut = False
    assert calm.gate.send(token, path).status == 200
    assert there(calm, path)
    assert calm.gate.kinds("cut-one") == ["file-handed-on", "file-uploaded"]


def test_a_lost_answer_is_found_out(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("lost-one"), wheel(tmp_path, "lost-one")
    calm.wire.lose = True
    assert calm.gate.send(token, path).status == 200
    assert there(calm, path)
    assert calm.wire.posts == 1
    assert calm.gate.kinds("lost-one") == ["file-handed-on", "file-uploaded"]


def test_where_it_cannot_be_found_out_that_is_said_and_a_retry_sends_nothing_twice(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("unsure-one"), wheel(tmp_path, "unsure-one")

    def go_dark() -> None:
        calm.wire.deaf = True

    calm.wire.lose, calm.wire.after = True, go_dark
    answer = calm.gate.send(token, path)
    assert (answer.status, code(answer)) == (502, "upstream-unknown")
    assert "it is not known whether it took it" in detail(answer)
    assert "Send the same file again" in detail(answer)
    assert calm.gate.kinds("unsure-one") == ["file-handed-on"]
    assert "unsure_one-1.0-py3-none-any.whl" in calm.gate.admin("check-files")
    posts = calm.wire.posts
    calm.wire.mend()
    assert calm.gate.send(token, path).status == 200
    assert (posts, calm.wire.posts) == (1, 0)
    assert there(calm, path)
    assert calm.gate.kinds("unsure-one") == ["file-handed-on", "file-uploaded"]
    assert "unsure_one-1.0-py3-none-any.whl" not in calm.gate.admin("check-files")


def test_a_token_for_one_upload_is_still_good_for_the_file_it_was_used_for(calm: Bench, tmp_path: Path) -> None:
    calm.gate.hold("single-one")
    token, path = calm.gate.token("single-use-token"), wheel(tmp_path, "single-one")
    calm.wire.cut = True
    assert calm.gate.send(token, path).status == 503
    calm.wire.cut = False
    other = calm.gate.send(token, wheel(tmp_path, "single-one", "2.0"))
    assert (other.status, code(other)) == (403, "invalid-credentials")
    assert calm.gate.send(token, path).status == 200
    assert calm.gate.send(token, path).status == 200
    other = calm.gate.send(token, wheel(tmp_path, "single-one", "2.0"))
    assert (other.status, code(other)) == (403, "invalid-credentials")
    assert calm.behind.names().count(path.name) == 1


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """The gateway's database, which somebody else writes to and does not end."""
    connection = sqlite3.connect(data / "index.db", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def closed(data: Path) -> Iterator[None]:
    """The same, where it fails at once, as a damaged one does."""
    connection = sqlite3.connect(data / "index.db", isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TRIGGER closed BEFORE INSERT ON files BEGIN SELECT RAISE(ABORT, 'closed'); END")
    try:
        yield
    finally:
        connection.execute("DROP TRIGGER closed")
        connection.close()


@pytest.mark.parametrize("failing", [closed, pytest.param(locked, marks=pytest.mark.long)])
def test_what_is_there_and_could_not_be_noted_is_said_and_a_retry_completes_it(
    calm: Bench, tmp_path: Path, failing: Callable[[Path], AbstractContextManager[None]]
) -> None:
    project = f"unnoted-{failing.__name__}"
    token, path = calm.token(project), wheel(tmp_path, project)
    held = failing(calm.gate.data)
    calm.wire.after = held.__enter__
    answer = calm.gate.send(token, path)
    held.__exit__(None, None, None)
    assert (answer.status, code(answer)) == (502, "upstream-took-it")
    assert "HAS TAKEN the file" in detail(answer)
    assert there(calm, path)
    assert calm.gate.kinds(project) == ["file-handed-on"]
    assert "has no row here" in calm.gate.log.read_text("utf-8")
    posts = calm.wire.posts
    calm.wire.mend()
    assert calm.gate.send(token, path).status == 200
    assert (posts, calm.wire.posts) == (1, 0)
    assert calm.gate.kinds(project) == ["file-handed-on", "file-uploaded"]


NASTY = "<script>x()</script> ::error::pwned \x1b[31m [click](http://evil.test) gone"


def test_a_refusal_is_passed_on_in_words_that_do_no_harm(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("nasty-one"), wheel(tmp_path, "nasty-one")
    said = json.dumps({"message": f"no such classifier: {NASTY} {PASSWORD}"}).encode()
    calm.wire.answer = (400, "Bad Request", {"Content-Type": "application/json"}, said)
    answer = calm.gate.send(token, path)
    assert (answer.status, code(answer)) == (400, "upstream-refused")
    assert "no such classifier" in detail(answer)
    assert "(400)" in detail(answer)
    for harm in ("<script", "::error", "\x1b", "](", PASSWORD):
        assert harm not in answer.body.decode()
        assert harm not in answer.reason
    [event, *_] = calm.gate.events("nasty-one")
    assert event.kind == "file-not-taken"
    assert PASSWORD not in repr(event)
    # Another file of the name may come now.
    calm.wire.mend()
    assert calm.gate.send(token, wheel(tmp_path, "nasty-one", said="better")).status == 200


@pytest.mark.parametrize(
    ("status", "headers", "wanted", "named"),
    [
        (401, {"WWW-Authenticate": "Basic"}, 502, "upstream-barred"),
        (403, {}, 502, "upstream-barred"),
        (404, {}, 502, "upstream-barred"),
        (308, {"Location": "https://elsewhere.test/legacy/"}, 502, "upstream-barred"),
        (413, {}, 400, "upstream-refused"),
        (429, {"Retry-After": "77"}, 503, "upstream-unavailable"),
        (503, {"Retry-After": "78"}, 503, "upstream-unavailable"),
        (504, {}, 503, "upstream-unavailable"),
        (409, {}, 400, "file-exists"),
    ],
)
def test_each_kind_of_no_has_its_own_code(
    calm: Bench, tmp_path: Path, status: int, headers: dict[str, str], wanted: int, named: str
) -> None:
    project = f"no-{status}"
    token, path = calm.token(project), wheel(tmp_path, project)
    calm.wire.answer = (status, "Nope", headers, b"because of the moon")
    answer = calm.gate.send(token, path)
    assert (answer.status, code(answer)) == (wanted, named)
    if status != 308:
        assert "because of the moon" in detail(answer) or "Nope" in detail(answer)
    if "Retry-After" in headers:
        assert answer.headers["retry-after"] == headers["Retry-After"]
    calm.wire.mend()
    assert calm.gate.send(token, path).status == 200
    assert there(calm, path)


def test_another_file_of_the_name_there_is_never_written_over(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("taken-one"), wheel(tmp_path, "taken-one")
    first = wheel(tmp_path, "taken-one", said="somebody elses")
    assert calm.behind.packages is not None
    kept = calm.behind.packages / path.name
    kept.write_bytes(first.read_bytes())
    answer = calm.gate.send(token, path)
    assert (answer.status, code(answer)) == (400, "file-exists")
    assert "File already exists" in detail(answer)
    assert kept.read_bytes() == first.read_bytes()
    assert calm.wire.posts == 0
    # These very bytes are no fault: whoever may publish them here gets them noted.
    assert calm.gate.send(token, first).status == 200
    assert calm.wire.posts == 0
    assert calm.gate.kinds("taken-one") == ["file-handed-on", "file-uploaded"]


def test_a_name_is_not_used_again_for_other_bytes_though_it_is_free_there(calm: Bench, tmp_path: Path) -> None:
    token, path = calm.token("gone-one"), wheel(tmp_path, "gone-one")
    assert calm.gate.send(token, path).status == 200
    assert calm.behind.packages is not None
    (calm.behind.packages / path.name).unlink()
    answer = calm.gate.send(token, wheel(tmp_path, "gone-one", said="other"))
    assert (answer.status, code(answer)) == (400, "file-exists")
    # The same bytes are sent again, as they are not there any more.
    assert calm.gate.send(token, path).status == 200
    assert there(calm, path)
    assert calm.wire.posts == 2


def test_of_two_files_of_a_name_at_a_time_one_comes_first(calm: Bench, tmp_path: Path) -> None:
    token, first = calm.token("race-one"), wheel(tmp_path, "race-one")
    second = wheel(tmp_path, "race-one", said="second")
    here, go = threading.Event(), threading.Event()

    def wait() -> None:
        here.set()
        assert go.wait(30)

    calm.wire.before = wait
    answers = []
    uploading = threading.Thread(target=lambda: answers.append(calm.gate.send(token, first)))
    uploading.start()
    assert here.wait(30)
    late = calm.gate.send(token, second)
    assert (late.status, code(late)) == (503, "upload-under-way")
    assert int(late.headers["retry-after"]) > 0
    go.set()
    uploading.join(30)
    assert answers[0].status == 200
    assert there(calm, first)
    after = calm.gate.send(token, second)
    assert (after.status, code(after)) == (400, "file-exists")
    assert calm.wire.posts == 1


def test_the_credential_is_shown_where_files_are_sent_and_to_nobody_else(calm: Bench, tmp_path: Path) -> None:
    token = calm.token("shown-one")
    assert calm.gate.send(token, wheel(tmp_path, "shown-one")).status == 200
    # Pages are on the same host and port here, so it is shown for them, too: a private index has them for nobody else.
    assert all(one.startswith("Basic ") for one in calm.wire.authorizations)
    assert token not in "".join(calm.wire.authorizations)
    assert USER not in "".join(calm.wire.authorizations)
