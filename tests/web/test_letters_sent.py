# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Letters go out over SMTP with TLS and a password, are tried again, and hold nobody up."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.mailserver import PASSWORD, USER, MailServer, mail_server
from trustpub.cli.main import _run
from trustpub.errors import Misuse
from trustpub.index.adapters.smtp import ConsolePost, SmtpPost, check
from trustpub.index.adapters.sql.store import SqlStore
from trustpub.index.kept import Letter
from trustpub.index.manage.posting import GIVE_UP_SECONDS, deliver, pause
from trustpub.index.ports import Undelivered
from trustpub.index.settings import Relay
from trustpub.secret import Secret

from ..typed import typed  # noqa: TID252 - pytest gives these folders no absolute name

NOW = 1_790_000_000
RELAY = Relay(host="127.0.0.1", port=0, tls=False, sender="index@example.org", sender_name="The index")


class Clock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = SqlStore(tmp_path / "index.db")
    opened.upgrade()
    yield opened
    opened.close()


def letter(subject: str = "hello: a publisher was added", to: str = "ada@example.org", **more: Any) -> Letter:
    body = more.pop("body", "From now on …\n\nß, 日本語 and a very long line: " + 200 * "x" + "\n.\n.. dots\n")
    return Letter(id=str(uuid.uuid4()), to=to, subject=subject, body=body, created=NOW, **more)


def put(store: SqlStore, *letters: Letter) -> None:
    with store.write() as writing:
        for one in letters:
            writing.add_letter(one)


def left(store: SqlStore) -> Sequence[Letter]:
    with store.read() as reading:
        return list(reading.letters(NOW + 10 * GIVE_UP_SECONDS))


def post(server: MailServer, **more: Any) -> SmtpPost:
    return SmtpPost(replace(RELAY, **{"port": server.port, "ca": server.ca, **more}), env={}, seconds=5)


def test_a_letter_arrives_as_it_was_written(tmp_path: Path, store: SqlStore) -> None:
    sent = letter()
    put(store, sent)
    with mail_server(tmp_path) as server:
        done = deliver(store, Clock(), post(server))
        (taken,) = server.wait(1)
    assert (done.sent, done.put_off, done.lost) == (1, 0, 0)
    assert left(store) == []
    message = taken.message
    assert (taken.sender, taken.to) == ("index@example.org", ["ada@example.org"])
    assert message["From"] == "The index <index@example.org>"
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == sent.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{sent.id}@example.org>"
    assert taken.text.replace("\r\n", "\n") == sent.body
    assert max(map(len, taken.raw.splitlines())) <= 998


def test_an_address_beyond_ascii_is_written_to(tmp_path: Path, store: SqlStore) -> None:
    put(store, letter(to="zoë@example.org"))
    with mail_server(tmp_path) as server:
        assert deliver(store, Clock(), post(server)).sent == 1
        (taken,) = server.wait(1)
    assert taken.to == ["zoë@example.org"]
    assert taken.message["To"] == "zoë@example.org"


@pytest.mark.parametrize("tls", ["first", "starttls"])
def test_the_password_goes_over_tls_only(tmp_path: Path, store: SqlStore, tls: str) -> None:
    put(store, letter())
    with mail_server(tmp_path, tls=tls, signed_in=True) as server:
        done = deliver(store, Clock(), post(server, tls=tls == "first", user=USER, password=Secret(PASSWORD)))
        assert done.sent == 1, done
        (taken,) = server.wait(1)
    assert (taken.user, taken.encrypted) == (USER, True)


def test_a_server_with_an_unknown_certificate_gets_nothing(tmp_path: Path, store: SqlStore) -> None:
    put(store, letter())
    with mail_server(tmp_path, tls="first", signed_in=True) as server:
        done = deliver(store, Clock(), post(server, tls=True, ca=None, user=USER, password=Secret(PASSWORD)))
        assert server.taken == []
    assert (done.sent, done.put_off) == (0, 1)
    assert "certificate" in done.why


def test_without_tls_nothing_goes_to_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(tmp_path) as server:
        there = ("127.0.0.1", server.port)
        real = __import__("socket").create_connection
        monkeypatch.setattr("socket.create_connection", lambda address, *rest, **more: real(there, *rest, **more))
        with pytest.raises(Undelivered, match="offers no TLS") as refused:
            post(server, host="mail.example.org").send(letter())
        assert server.taken == []
    assert refused.value.every


def test_a_wrong_password_is_said_and_never_shown(tmp_path: Path, store: SqlStore) -> None:
    put(store, letter())
    with mail_server(tmp_path, tls="starttls", signed_in=True) as server:
        done = deliver(store, Clock(), post(server, user=USER, password=Secret("wrong one")))
    assert done.why == "the mail server refused the sign-in (535)"
    assert len(left(store)) == 1


def test_what_the_server_does_not_take_now_is_tried_later_and_less_and_less_often(
    tmp_path: Path, store: SqlStore
) -> None:
    clock = Clock()
    put(store, letter())
    with mail_server(tmp_path) as server:
        server.answer = "451 try again"
        waits = []
        for _ in range(4):
            assert deliver(store, clock, post(server)).put_off == 1
            assert deliver(store, clock, post(server)).put_off == 0
            (waiting,) = left(store)
            waits.append(waiting.not_before - clock.now)
            clock.now = waiting.not_before
        server.answer = None
        assert deliver(store, clock, post(server)).sent == 1
    assert waits == [60, 120, 240, 480]
    assert [pause(1), pause(10), pause(1000)] == [60, 21_600, 21_600]


def test_a_letter_that_nobody_will_take_is_given_up_and_noted(tmp_path: Path, store: SqlStore) -> None:
    put(store, letter(to="nobody@example.org"), letter(subject="another"))
    with mail_server(tmp_path) as server:
        server.answer = "550 no such\tuser \x1b[31m here"
        done = deliver(store, Clock(), post(server))
    assert (done.lost, left(store)) == (2, [])
    with store.read() as reading:
        (event, _) = sorted(reading.events(kinds=["letter-lost"]), key=lambda one: str(one.facts["to"]), reverse=True)
    assert event.facts["to"] == "nobody@example.org"
    assert "550" in event.facts["why"]
    assert "\x1b" not in event.facts["why"]


def test_after_three_days_without_a_server_a_letter_is_given_up(store: SqlStore) -> None:
    clock = Clock()
    put(store, letter())
    away = SmtpPost(replace(RELAY, port=1), env={}, seconds=1)
    assert deliver(store, clock, away).put_off == 1
    clock.now += GIVE_UP_SECONDS
    assert deliver(store, clock, away).lost == 1
    assert left(store) == []


def test_a_server_that_is_away_is_asked_once_for_all_letters(store: SqlStore) -> None:
    put(store, *(letter(subject=f"{number}") for number in range(5)))

    class Away:
        asked = 0

        def send(self, letter: Letter) -> None:
            self.asked += 1
            raise Undelivered("the mail server cannot be reached", every=True)

    away = Away()
    assert deliver(store, Clock(), away).put_off == 5
    assert away.asked == 1
    assert {one.attempts for one in left(store)} == {1}


HEADERS = [
    b"Auto-Submitted", b"Content-Transfer-Encoding", b"Content-Type", b"Date", b"From", b"MIME-Version", b"Message-ID",
    b"Subject", b"To",
]  # fmt: skip
HOSTILE = st.text(alphabet='a\r\n\x00\x0b\x0c\x1c\u0085\u2028: ,;<>@"\\é', max_size=40)


@given(to=HOSTILE, subject=HOSTILE)
def test_nothing_becomes_a_header_that_was_none(to: str, subject: str) -> None:
    sender = SmtpPost(RELAY, env={})
    for sent in (letter(subject=subject), letter(to=f"{to}@example.org"), letter(to=f"a@b\r\nBcc: x@y, {to}")):
        try:
            message = sender._message(sent)
        except Undelivered:
            continue
        raw = message.as_bytes()
        head = raw.partition(b"\r\n\r\n")[0]
        names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
        assert sorted(names) == HEADERS


def test_without_a_server_the_log_says_what_is_not_sent_and_no_secret(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, letter(subject="You are invited", body="https://index.example/invitation/s3cr3t"))
    with caplog.at_level(logging.INFO):
        assert deliver(store, Clock(), ConsolePost()).sent == 1
    assert "not sent to ada@example.org: You are invited" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_sender_must_be_an_address() -> None:
    with pytest.raises(Misuse, match="no e-mail address"):
        check(replace(RELAY, sender="index@example.org\r\nBcc: all@example.org"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mail-from", "index@example.org"], "Without --smtp-url"),
        (["--smtp-url", "smtps://mail.example.org"], "need a sender"),
        (["--smtp-url", "smtps://u:hidden@mail.example.org", "--mail-from", "i@example.org"], "list of processes"),
        (["--smtp-url", "http://mail.example.org", "--mail-from", "i@example.org"], "is not a mail server"),
        (["--smtp-url", "smtps://u@mail.example.org", "--mail-from", "i@example.org"], "user and password"),
        (["--smtp-url", "smtps://mail.example.org", "--mail-from", "nobody"], "no e-mail address"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert _run(["serve", "--data", str(tmp_path / "index"), *words]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert "hidden" not in told


def test_a_password_that_everybody_can_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "password"
    secret.write_text("open\n")
    secret.chmod(0o644)
    words = ["--smtp-url", "smtps://u@mail.example.org", "--mail-from", "i@example.org", "--smtp-password-file"]
    assert _run(["serve", "--data", str(tmp_path / "index"), *words, str(secret)]) == 2
    assert "everybody on this machine can read" in capsys.readouterr().err


@pytest.fixture
def started() -> Iterator[Callable[..., tuple[dict[str, Any], Path]]]:
    """`trustpub serve` in a process of its own."""
    running: list[subprocess.Popen[str]] = []

    def start(data: Path, *words: str) -> tuple[dict[str, Any], Path]:
        command = [sys.executable, "-m", "trustpub", "serve", "--data", str(data), "--port", "0", "--json", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        return json.loads(line), data

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
        assert process.returncode == 0, told
        assert PASSWORD not in told


def admin(data: Path, *words: str) -> None:
    done = typed("admin", *words, "--data", data)
    assert done.returncode == 0, done.stderr


def test_the_server_sends_what_is_written_beside_it_and_nobody_waits_for_a_slow_relay(
    tmp_path: Path, started: Callable[..., tuple[dict[str, Any], Path]]
) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    with mail_server(tmp_path, tls="starttls", signed_in=True) as server:
        url = f"smtp://{USER}@localhost:{server.port}"
        facts, data = started(
            tmp_path / "index", "--mail-from", "Index <index@example.org>", "--smtp-url", url,
            "--smtp-password-file", str(secret), "--smtp-ca", str(server.ca),
        )  # fmt: skip
        server.slow = 3.0
        admin(data, "user", "invite", "--email", "ada@example.org")
        until = time.monotonic() + 20
        while not server.connections:
            assert time.monotonic() < until
            time.sleep(0.01)
        begun = time.monotonic()
        with urllib.request.urlopen(f"{facts['url']}/simple/", timeout=5) as answer:
            assert answer.status == 200
        assert time.monotonic() - begun < 2.0
        (taken,) = server.wait(1)
    assert taken.message["Subject"].startswith("You are invited to localhost")
    link = next(line for line in taken.text.split() if "/invitation/" in line)
    with urllib.request.urlopen(link, timeout=5) as page:
        assert b"Make your account" in page.read()
