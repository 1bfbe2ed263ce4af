# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a server is started with, from what was configured; and what every command needs to open an index."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustpub.errors import Misuse
from trustpub.index.bootstrap.urls import read_public_url
from trustpub.index.configuration.gateway import gateway
from trustpub.index.configuration.mail import relay
from trustpub.index.configuration.reading import Configuration
from trustpub.index.configuration.sign_in import open_id
from trustpub.index.configuration.storage import object_storage, postgres
from trustpub.index.configuration.taking import taking
from trustpub.index.configuration.watching import logs, metrics
from trustpub.index.settings import Logs, ObjectStorage, Postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an index is kept: what :func:`trustpub.index.bootstrap.opening.open_folder` takes."""

    data: Path
    secret_file: Path | None = None
    """None: in the folder."""
    postgres: Postgres | None = None
    """None: the rows are in the folder."""
    s3: ObjectStorage | None = None
    """None: the files are in the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a server is to be run."""

    place: Place
    host: str
    port: int
    public_url: str | None
    tls_cert: Path | None
    tls_key: Path | None
    trusted_proxies: tuple[str, ...]
    private: bool | None
    workers: int
    stop_seconds: int
    logs: Logs
    settings: Mapping[str, Any]
    """Fields of :class:`trustpub.index.settings.Settings`."""


def place(configuration: Configuration) -> Place:
    """Of an index that is there already.

    Raises:
        Misuse: something is wrong, all of which is said.
    """
    found = _place(configuration)
    configuration.end()
    if found is None:
        raise Misuse(
            "Where is the index?",
            hint="Name its folder with --data DIR, or with --config FILE a configuration that has server.data.",
        )
    return found


def wanted(configuration: Configuration) -> Wanted:
    """All of it.

    Raises:
        Misuse: something is wrong, all of which is said.
    """
    where = _place(configuration)
    public_url = _public_url(configuration)
    _check_certificate(configuration)
    settings = {
        **taking(configuration),
        "relay": relay(configuration),
        "open_id": open_id(configuration),
        "gateway": gateway(configuration),
        "metrics": metrics(configuration),
    }
    configuration.end()
    if where is None:
        raise Misuse(
            "Where is the index to be kept?",
            hint="Name a folder with --data DIR, or as server.data in a configuration; or add --ephemeral.",
        )
    return Wanted(
        place=where,
        public_url=public_url,
        settings=settings,
        logs=logs(configuration),
        **{
            key: configuration[f"server.{key}"]
            for key in ("host", "port", "tls_cert", "tls_key", "trusted_proxies", "private", "workers", "stop_seconds")
        },
    )


def _place(configuration: Configuration) -> Place | None:
    rows, files = postgres(configuration), object_storage(configuration)
    data = configuration["server.data"]
    if data is None:
        return None
    return Place(data=data, secret_file=configuration["server.secret_file"], postgres=rows, s3=files)


def _public_url(configuration: Configuration) -> str | None:
    given = configuration["server.public_url"]
    try:
        return None if given is None else read_public_url(given)
    except Misuse as wrong:
        configuration.blame("server.public_url", f"cannot be used: {wrong.message.rstrip('.')}", wrong.hint or "")
        return None


def _check_certificate(configuration: Configuration) -> None:
    certificate, key = configuration["server.tls_cert"], configuration["server.tls_key"]
    if (certificate is None) != (key is None):
        given = "server.tls_cert" if key is None else "server.tls_key"
        other = configuration.call("server.tls_key" if key is None else "server.tls_cert")
        configuration.blame(given, f"and {other} go together", "Give both, or neither.")
        return
    if certificate is None:
        return
    missing = [name for name in ("server.tls_cert", "server.tls_key") if not configuration[name].is_file()]
    for name in missing:
        configuration.blame(name, "names a file that is not there")
    try:
        if not missing:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError):
        configuration.blame(
            "server.tls_cert",
            f"and {configuration.call('server.tls_key')} are not a certificate and its key",
            "Both are PEM, and the key has no passphrase.",
        )
