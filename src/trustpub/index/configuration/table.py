# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every setting of the server, once. Options, variables, the file, its faults and the reference all come from here.

What a setting is called follows from its place: ``smtp_url`` in ``[mail]`` is ``mail.smtp_url`` to people, and
``TRUSTPUB_MAIL_SMTP_URL`` in the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trustpub.index.configuration.kinds import (
    Choice,
    FilePath,
    Flag,
    Kind,
    Networks,
    OneSecret,
    Size,
    Text,
    Url,
    Whole,
)

CONFIG_VARIABLE = "TRUSTPUB_CONFIG"
"""Names the file, where ``--config`` does not."""
PREFIX = "TRUSTPUB_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the table."""

    section: str
    key: str
    kind: Kind
    sentence: str
    """What it is, for the reference and for help."""
    default: Any = None
    """What holds when it is given nowhere; None: nothing does."""
    otherwise: str = ""
    """What that means, where the value alone does not say."""
    option: str | None = None
    """Of the command line, as click reads it; one that starts with ``--no-`` says no. None: there is none."""
    said: str = ""
    """For the help of an option that says something else than the sentence."""
    also: str | None = None
    """Another variable that is read where the first is not set."""

    @property
    def path(self) -> str:
        """Its name."""
        return f"{self.section}.{self.key}"

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"{PREFIX}{self.section}_{self.key}".upper()

    @property
    def secret(self) -> bool:
        """Whether it is refused in the file, and never shown."""
        return isinstance(self.kind, OneSecret)


def _one(
    path: str,
    kind: Kind,
    sentence: str,
    *,
    default: Any = None,
    otherwise: str = "",
    option: str | None = None,
    said: str = "",
    also: str | None = None,
) -> Setting:
    section, _, key = path.partition(".")
    return Setting(
        section=section,
        key=key,
        kind=kind,
        sentence=sentence,
        default=default,
        otherwise=otherwise,
        option=option,
        said=said,
        also=also,
    )


SECTIONS: Mapping[str, str] = {
    "server": "Where the index is kept, and where it listens.",
    "taking": "What the index takes, and where requests go for what it does not have.",
    "mail": "The server that takes the index's letters.",
    "sign_in": "The OpenID Connect provider at which people may sign in.",
    "gateway": "Another index, to which uploads are handed on.",
    "postgres": "The PostgreSQL server that keeps the rows.",
    "s3": "The bucket that keeps the bytes of files.",
    "metrics": "Who may read the server's figures.",
    "log": "How the server writes its log.",
}
"""In the order of the file."""


def _secret(path: str, what: str, *, option: str | None = None, also: str | None = None) -> tuple[Setting, Setting]:
    """One by a file that it is in, and by a variable."""
    return (
        _one(f"{path}_file", FilePath(), f"A file whose one line is {what}.", option=option),
        _one(path, OneSecret(), f"{what[:1].upper()}{what[1:]}; never in the file.", also=also),
    )


_SERVER = (
    _one("server.data", FilePath("DIR"), "The index's folder; made if missing.", option="--data"),
    _one("server.host", Text("ADDRESS"), "Address to listen on.", default="127.0.0.1", option="--host"),
    _one("server.port", Whole(0, 65535, "PORT"), "Port to listen on, 0 for a free one.", default=8080, option="--port"),
    _one(
        "server.public_url",
        Text("URL"),
        "What clients use, where that is another: https://HOST[:PORT].",
        option="--public-url",
    ),
    _one("server.tls_cert", FilePath(), "Certificate chain (PEM).", option="--tls-cert"),
    _one("server.tls_key", FilePath(), "Key of the certificate (PEM).", option="--tls-key"),
    _one(
        "server.trusted_proxies",
        Networks(),
        "Believe X-Forwarded-For of these addresses and networks.",
        default=(),
        otherwise="nobody's",
        option="--trusted-proxy",
        said="Believe X-Forwarded-For of this address or network.",
    ),
    _one(
        "server.secret_file",
        FilePath(),
        "Where the secret that signs tokens is.",
        otherwise="DIR/secret",
        option="--secret-file",
        also="TRUSTPUB_SECRET_FILE",
    ),
    _one(
        "server.private",
        Flag(),
        "Whether reading needs a token.",
        otherwise="private, unless nobody but this machine reaches the index",
        option="--private/--public",
    ),
    _one("server.workers", Whole(1, 64), "How many processes share the work.", default=1, option="--workers"),
    _one(
        "server.stop_seconds",
        Whole(1, 3600, "SECONDS"),
        "How long requests under way may take once it is told to stop.",
        default=20,
        option="--stop-seconds",
    ),
)

_TAKING = (
    _one("taking.max_file_size", Size(), "Of one file, such as 100M.", default=2**30, option="--max-file-size"),
    _one(
        "taking.max_project_size",
        Size(),
        "Of all files of a project.",
        otherwise="no limit",
        option="--max-project-size",
    ),
    _one(
        "taking.local_versions",
        Flag(),
        "Whether versions such as 1.0+local are taken.",
        default=True,
        option="--no-local-versions",
        said="Refuse versions such as 1.0+local.",
    ),
    _one(
        "taking.direct_urls",
        Flag(),
        "Whether a dependency may be given by a URL.",
        default=True,
        option="--no-direct-urls",
        said="Refuse dependencies that are given by a URL.",
    ),
    _one(
        "taking.close_releases_after",
        Whole(1, 36500, "DAYS"),
        "Take no more files for a release whose first came longer ago, in days.",
        otherwise="never",
        option="--close-releases-after",
    ),
    _one(
        "taking.upstream",
        Url("a Simple API", slash=True),
        "Simple API to which requests for unknown projects are sent.",
        otherwise="they are answered with 404",
        option="--upstream",
    ),
    _one(
        "taking.sigstore_trust_config",
        FilePath(),
        "The Sigstore instance (a ClientTrustConfig) that clients are told to sign with, and that is believed.",
        option="--sigstore-trust-config",
    ),
)

_MAIL = (
    _one(
        "mail.sender",
        Text("ADDRESS"),
        "Who letters are from, such as 'Index <index@example.org>'.",
        option="--mail-from",
    ),
    _one(
        "mail.smtp_url",
        Text("URL"),
        "The server that takes letters: smtps://[USER@]HOST[:465], or smtp://[USER@]HOST[:587] with STARTTLS.",
        otherwise="none; the log says what would be sent",
        option="--smtp-url",
    ),
    *_secret("mail.password", "the password for USER", option="--smtp-password-file", also="TRUSTPUB_SMTP_PASSWORD"),
    _one(
        "mail.ca", FilePath(), "Certificates (PEM) to believe for HOST.", otherwise="the system's", option="--smtp-ca"
    ),
)

_SIGN_IN = (
    _one(
        "sign_in.issuer",
        Text("URL"),
        "The provider, exactly as the `iss` of its ID tokens.",
        otherwise="people sign in here only",
        option="--sign-in-issuer",
    ),
    _one("sign_in.client_id", Text("ID"), "What this index is called there.", option="--sign-in-client-id"),
    *_secret("sign_in.client_secret", "the index's secret there", option="--sign-in-client-secret-file"),
    _one("sign_in.name", Text(), "What people call the provider.", otherwise="its host", option="--sign-in-name"),
    _one(
        "sign_in.ca",
        FilePath(),
        "Certificates (PEM) to believe.",
        otherwise="the system's",
        option="--sign-in-ca",
    ),
)

_GATEWAY = (
    _one(
        "gateway.upstream",
        Url("an index", slash=True),
        "The index behind this one, as people and clients know it.",
        otherwise="there is none; files are kept here",
    ),
    _one(
        "gateway.upload_url",
        Url("an upload API"),
        "Where files are sent: its legacy upload API.",
        otherwise="the same as upstream",
    ),
    _one(
        "gateway.simple_url",
        Url("a Simple API", slash=True),
        "Where files are read: its Simple API.",
        otherwise="simple/ below upstream",
    ),
    _one("gateway.user", Text("NAME"), "Who uploads there.", default="__token__"),
    *_secret("gateway.password", "the password or the API token of that user"),
    _one("gateway.ca", FilePath(), "Certificates (PEM) to believe.", otherwise="the system's"),
)

_POSTGRES = (
    *_secret("postgres.url", "the address postgresql://USER:PASSWORD@HOST/DATABASE"),
    _one("postgres.pool", Whole(1, 256), "Connections that one process holds at most.", default=8),
)

_S3 = (
    _one("s3.bucket", Text("NAME"), "The name of the bucket.", otherwise="there is none; files are in the folder"),
    _one(
        "s3.endpoint",
        Url("an object store", path=False),
        "The server, where it is not Amazon's.",
        otherwise="Amazon's, by the region",
    ),
    _one("s3.region", Text("NAME"), "Where the bucket is.", default="us-east-1"),
    _one("s3.prefix", Text(), "What the name of every object begins with.", default="", otherwise="nothing"),
    _one("s3.access_key", Text("ID"), "The id of the key.", otherwise="as this machine is known there"),
    *_secret("s3.secret_key", "the secret that goes with access_key"),
    _one(
        "s3.download",
        Choice("redirect", "proxy"),
        "Whether downloads are sent to the bucket, by a link that is soon good no more, or go through the index.",
        default="proxy",
    ),
    _one("s3.ca", FilePath(), "Certificates (PEM) to believe.", otherwise="the system's"),
)

_METRICS = (
    _one(
        "metrics.host",
        Text("ADDRESS"),
        "With port: the address of a socket for nothing but figures.",
        otherwise="127.0.0.1, with a port",
    ),
    _one(
        "metrics.port",
        Whole(1, 65535, "PORT"),
        "The port of that socket.",
        otherwise="figures are beside everything else, for networks and the holder of the token only",
    ),
    _one("metrics.networks", Networks(), "Addresses and networks that may read them.", default=(), otherwise="none"),
    *_secret("metrics.token", "the bearer token whose holder may read them"),
)

_LOG = (
    _one(
        "log.format",
        Choice("text", "json"),
        "Lines for people, or one JSON object per line.",
        default="text",
        option="--log-format",
    ),
    _one(
        "log.level",
        Choice("debug", "info", "warning", "error"),
        "The least that is written.",
        default="info",
        option="--log-level",
    ),
)

TABLE: Mapping[str, Setting] = {
    one.path: one for one in (*_SERVER, *_TAKING, *_MAIL, *_SIGN_IN, *_GATEWAY, *_POSTGRES, *_S3, *_METRICS, *_LOG)
}
"""By name, in the order of the file."""
