# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Letters over SMTP, and for an index without a mail server a line in its log.

The password of the relay goes over TLS only. Nothing of a letter is in a log but to whom it goes and what it is about.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from trustpub import roots
from trustpub.addresses import is_loopback
from trustpub.errors import Misuse
from trustpub.index.kept import Letter
from trustpub.index.letters import ADDRESS
from trustpub.index.ports import Undelivered
from trustpub.index.settings import Relay
from trustpub.printable import printable

SECONDS = 15.0
"""For each answer of the relay. Nobody waits for it but the thread that sends."""

_log = logging.getLogger("trustpub.index")


class ConsolePost:
    """Writes one line about each letter into the log, for an index that sends none."""

    def send(self, letter: Letter) -> None:
        _log.info("no mail server is set; not sent to %s: %s", printable(letter.to, 320), printable(letter.subject))


class SmtpPost:
    """:class:`trustpub.index.ports.Post` by a relay (RFC 5321, RFC 6409)."""

    def __init__(self, relay: Relay, *, env: Mapping[str, str], seconds: float = SECONDS) -> None:
        """``env``: for certificates.

        Raises:
            Misuse: the certificates to believe cannot be read.
        """
        self._relay = relay
        self._seconds = seconds
        self._context = roots.context(roots.choose(relay.ca, env))
        self._context.set_alpn_protocols([])  # those of HTTP mean nothing here
        self._domain = relay.sender.rpartition("@")[2]

    def send(self, letter: Letter) -> None:
        message = self._message(letter)
        with self._told(), self._connected() as connection:
            options = []
            if not letter.to.isascii():
                if not connection.has_extn("smtputf8"):
                    raise Undelivered("the mail server knows no addresses beyond ASCII", lasting=True)
                options = ["SMTPUTF8", "BODY=8BITMIME"]
            # Not send_message, which would write ">From" where a line begins with that word.
            content = message.as_bytes(policy=SMTP.clone(utf8=bool(options)))
            connection.sendmail(self._relay.sender, [letter.to], content, mail_options=options)

    def _message(self, letter: Letter) -> EmailMessage:
        """The letter with its headers; none of them can hold a line break."""
        if not ADDRESS.match(letter.to):
            raise Undelivered("its address is none", lasting=True)
        message = EmailMessage(policy=SMTP)
        try:
            message["From"] = Address(self._relay.sender_name, addr_spec=self._relay.sender)
            local, _, domain = letter.to.rpartition("@")
            message["To"] = Address(username=local, domain=domain)
            message["Subject"] = letter.subject
            message["Date"] = formatdate(letter.created)
            message["Message-ID"] = f"<{letter.id}@{self._domain}>"
            # No answering machine is to answer (RFC 3834).
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(letter.body, charset="utf-8", cte="quoted-printable")
        except ValueError:
            raise Undelivered("it cannot be written as mail", lasting=True) from None
        return message

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        relay = self._relay
        # Given, for else the name of this machine is looked up, which can take long.
        name = self._domain
        connection: smtplib.SMTP
        if relay.tls:
            connection = smtplib.SMTP_SSL(
                relay.host, relay.port, local_hostname=name, timeout=self._seconds, context=self._context
            )
        else:
            connection = smtplib.SMTP(relay.host, relay.port, local_hostname=name, timeout=self._seconds)
        try:
            if not relay.tls:
                self._encrypt(connection)
            connection.ehlo_or_helo_if_needed()
            self._sign_in(connection)
            yield connection
            with suppress(smtplib.SMTPException, OSError):  # the letter was taken
                connection.quit()
        finally:
            connection.close()

    def _encrypt(self, connection: smtplib.SMTP) -> None:
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=self._context)
            connection.ehlo()
        elif not is_loopback(self._relay.host):
            raise Undelivered("the mail server offers no TLS", every=True)

    def _sign_in(self, connection: smtplib.SMTP) -> None:
        if self._relay.password is not None:
            try:
                connection.login(self._relay.user, self._relay.password.reveal())
            except smtplib.SMTPNotSupportedError:
                raise Undelivered("the mail server takes no password", every=True) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What went wrong, in our words; of the server's own, only what is about this letter."""
        try:
            yield
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = next(iter(refused.recipients.values()))
            raise Undelivered(_said(code, said), lasting=500 <= code < 600) from None
        except smtplib.SMTPAuthenticationError as refused:
            raise Undelivered(f"the mail server refused the sign-in ({refused.smtp_code})", every=True) from None
        except smtplib.SMTPDataError as refused:
            lasting = 500 <= refused.smtp_code < 600
            raise Undelivered(_said(refused.smtp_code, refused.smtp_error), lasting=lasting) from None
        except smtplib.SMTPResponseException as refused:  # the greeting, or the sender
            raise Undelivered(_said(refused.smtp_code, refused.smtp_error), every=True) from None
        except ssl.SSLCertVerificationError as error:
            raise Undelivered(f"the mail server's certificate: {error.verify_message}", every=True) from None
        except (smtplib.SMTPException, OSError) as error:
            raise Undelivered(f"the mail server cannot be reached: {type(error).__name__}", every=True) from None


def check(relay: Relay) -> Relay:
    """``relay``, if letters can be sent by it.

    Raises:
        Misuse: its sender is no address, or its user or password is not of ASCII (RFC 4954).
    """
    if relay.password is not None and not (relay.password.reveal() + relay.user).isascii():
        raise Misuse("The user and the password of a mail server are of ASCII.")
    if not ADDRESS.match(relay.sender) or not relay.sender.isascii():
        raise Misuse("The sender is no e-mail address such as index@example.org.")
    return relay


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"the mail server said {code} {printable(words, 200)}"
