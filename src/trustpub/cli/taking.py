# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Options of ``trustpub serve`` that say what the index takes, and what it does not have."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from trustpub.addresses import is_loopback
from trustpub.errors import Misuse
from trustpub.printable import printable

F = TypeVar("F", bound=Callable[..., Any])

_SIZE = re.compile(r"([1-9][0-9]{0,12})\s*(?:([KMGT])(?:i?B)?|B)?\Z", re.IGNORECASE | re.ASCII)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_PLAIN = re.compile(r"[!-~]+\Z")


def read_size(text: str) -> int:
    """A number of bytes, such as ``100M``: K, M, G and T are powers of 1024.

    Raises:
        click.BadParameter: it is none.
    """
    read = _SIZE.match(text.strip())
    if read is None:
        raise click.BadParameter(f"{printable(text, 100)!r} is no size such as 100M or 10G.")
    return int(read[1]) * _UNITS[(read[2] or "").upper()]


def taking(command: F) -> F:
    """Add the options to a command, which hands what they hold to :func:`settings`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS: tuple[Callable[[F], F], ...] = (
    click.option("--max-file-size", type=read_size, metavar="SIZE", help="Of one file, such as 100M.  [default: 1G]"),
    click.option(
        "--max-project-size", type=read_size, metavar="SIZE", help="Of all files of a project.  [default: no limit]"
    ),
    click.option("--no-local-versions", is_flag=True, help="Refuse versions such as 1.0+local."),
    click.option("--no-direct-urls", is_flag=True, help="Refuse dependencies that are given by a URL."),
    click.option(
        "--close-releases-after",
        type=click.IntRange(min=1),
        metavar="DAYS",
        help="Take no more files for a release whose first came longer ago.",
    ),
    click.option("--upstream", metavar="URL", help="Simple API to which requests for unknown projects are sent."),
    click.option(
        "--sigstore-trust-config",
        metavar="FILE",
        help="The Sigstore instance (a ClientTrustConfig) that clients are told to sign with, and that is believed.",
    ),
)


def settings(options: dict[str, Any]) -> Mapping[str, Any]:
    """Take the options out of ``options``. Returns fields of :class:`trustpub.index.settings.Settings`.

    Raises:
        Misuse: the upstream is no URL that clients could be sent to, or the Sigstore instance none that they could sign
            with.
    """
    file_size = options.pop("max_file_size")
    upstream = options.pop("upstream")
    trust_config = options.pop("sigstore_trust_config")
    fields = {
        "max_project_bytes": options.pop("max_project_size"),
        "local_versions": not options.pop("no_local_versions"),
        "direct_urls": not options.pop("no_direct_urls"),
        "release_days": options.pop("close_releases_after"),
        "upstream": None if upstream is None else _upstream(upstream),
        "trust_config": None if trust_config is None else _trust_config(trust_config),
    }
    return fields if file_size is None else fields | {"max_file_bytes": file_size}


def _trust_config(path: str) -> bytes:
    """The file, as it is handed on to clients."""
    # Said at once, and not at the first upload, where the extra is missing.
    import sigstore  # noqa: F401

    from trustpub.proofs.instance import read_file

    instance, content = read_file(path, now=time.time())
    if instance.public:
        raise Misuse(
            f"--sigstore-trust-config {printable(path, 200)} is Sigstore's public instance, to which no index can send "
            "its users: what they publish would be in its log for good. It is believed anyway.",
            hint="Whoever wants that says so: trustpub publish --trust-config public-good",
        )
    return content


def _upstream(text: str) -> str:
    """With a slash at its end, so that a project's name can follow."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    sound = host and _PLAIN.match(text) and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not sound or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host))):
        raise Misuse(
            f"--upstream {printable(text, 200)!r} is not the URL of a Simple API.",
            hint="It starts with https://, has no user and no query, and usually ends with /simple/",
        )
    return text.rstrip("/") + "/"
