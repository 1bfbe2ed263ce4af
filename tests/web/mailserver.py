# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A real SMTP server on loopback, which keeps what it takes."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult

from trustpub.index.adapters.tls import make

USER, PASSWORD = "index", "a secret of the relay"


@dataclass
class Taken:
    """A letter, as it came."""

    sender: str
    to: list[str]
    raw: bytes
    encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def text(self) -> str:
        return str(self.message.get_content())


@dataclass
class MailServer:
    """Where letters arrive. `answer` is said to each RCPT; None: it is taken."""

    port: int = 0
    ca: str | None = None
    taken: list[Taken] = field(default_factory=list)
    answer: str | None = None
    slow: float = 0.0
    connections: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.answer is not None:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        user = session.auth_data.login.decode() if session.auth_data else None
        encrypted = session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None
        self.taken.append(Taken(envelope.mail_from, envelope.rcpt_tos, envelope.content, encrypted, user))
        return "250 OK"

    def wait(self, count: int, seconds: float = 20) -> list[Taken]:
        """So many letters, once they are here."""
        until = time.monotonic() + seconds
        while len(self.taken) < count:
            assert time.monotonic() < until, f"{len(self.taken)} of {count} letters came"
            time.sleep(0.02)
        return self.taken


def _let_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False, auth_data=data if good else None)


@contextmanager
def mail_server(tmp_path: Path, *, tls: str = "none", signed_in: bool = False) -> Iterator[MailServer]:
    """`tls`: `none`, `starttls` (which it then requires) or `first`. `signed_in`: it wants USER and PASSWORD."""
    site = MailServer()
    context: ssl.SSLContext | None = None
    if tls != "none":
        made = make(tmp_path / "mail-tls", ["localhost", "127.0.0.1"], time.time())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.certificate, made.key)
        site.ca = str(made.ca)

    def connected() -> SMTP:
        site.connections += 1
        with warnings.catch_warnings():
            # That a password is taken without STARTTLS: where all of it is in TLS, it does not know of that.
            warnings.simplefilter("ignore")
            return made_server()

    def made_server() -> SMTP:
        return SMTP(
            site,
            enable_SMTPUTF8=True,
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            auth_required=signed_in,
            auth_require_tls=tls == "starttls",
            authenticator=_let_in if signed_in else None,
            loop=loop,
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = loop.create_server(connected, "127.0.0.1", 0, ssl=context if tls == "first" else None)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()
    await asyncio.sleep(0.01)
