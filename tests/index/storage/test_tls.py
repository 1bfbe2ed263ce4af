# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509

from trustpub.errors import Misuse
from trustpub.index.adapters.tls import LEAF_DAYS, DevTls, make, make_bundle

NOW = 1_790_000_000.0


def verifies(made: DevTls, name: str, now: float | None = None) -> None:
    """A handshake over a socket pair, by the strict rules that Python 3.13 has by default."""
    client = ssl.create_default_context(cafile=str(made.ca))
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)
    one, other = socket.socketpair()

    def answer() -> None:
        try:
            with server.wrap_socket(other, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            other.close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with client.wrap_socket(one, server_hostname=name) as secured:
            secured.send(b"x")
    finally:
        one.close()
        thread.join()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DevTls:
    import time

    return make(tmp_path_factory.mktemp("index") / "tls", ["Index.example", "192.0.2.7"], time.time())


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "index.example", "192.0.2.7"])
def test_strict_clients_accept_every_name(made: DevTls, name: str) -> None:
    verifies(made, name)


def test_other_names_are_not_covered(made: DevTls) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        verifies(made, "other.example")


def test_keys_are_for_the_owner_only(made: DevTls) -> None:
    for name in ("server-key.pem", "ca-key.pem"):
        assert stat.S_IMODE((made.ca.parent / name).stat().st_mode) == 0o600
    assert b"PRIVATE" not in made.ca.read_bytes() + made.certificate.read_bytes()


def test_the_authority_stays_and_the_certificate_is_renewed_in_time(tmp_path: Path) -> None:
    def serial(now: float, *hosts: str) -> tuple[bytes, int]:
        made = make(tmp_path / "tls", hosts, now)
        return made.ca.read_bytes(), x509.load_pem_x509_certificate(made.certificate.read_bytes()).serial_number

    day = 86_400
    first = serial(NOW, "a.example")
    assert serial(NOW + day, "a.example") == first
    other = serial(NOW + day, "b.example")
    assert other[0] == first[0]
    assert other[1] != first[1]
    assert serial(NOW + day + LEAF_DAYS * day * 0.6, "b.example") == other
    assert serial(NOW + day + LEAF_DAYS * day * 0.7, "b.example") != other


def test_what_is_damaged_is_told_so(tmp_path: Path) -> None:
    made = make(tmp_path / "tls", [], NOW)
    made.ca.write_text("not a certificate")
    with pytest.raises(Misuse, match="damaged"):
        make(tmp_path / "tls", [], NOW)


def test_a_bundle_trusts_the_system_and_this_authority(made: DevTls, tmp_path: Path) -> None:
    bundle = make_bundle(made.ca, tmp_path / "bundle.pem").read_bytes()
    assert made.ca.read_bytes() in bundle
