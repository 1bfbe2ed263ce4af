# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``[postgres]`` and ``[s3]``: where the index is kept, if not in its folder alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from trustpub.index.configuration.reading import Configuration
from trustpub.index.configuration.secret_file import secret
from trustpub.index.settings import ObjectStorage, Postgres

_SCHEMES = ("postgresql", "postgres")


def postgres(configuration: Configuration) -> Postgres | None:
    """None: the rows are in the folder, or something is wrong, which was noted."""
    url = secret(configuration, "postgres.url")
    given = configuration.given("postgres.url_file", "postgres.url")
    if url is None:
        if not given:
            for path in configuration.given_in("postgres"):
                configuration.blame(
                    path, "is given in vain", "Name a file with the server's address with postgres.url_file."
                )
        return None
    try:
        sound = urlsplit(url.reveal()).scheme in _SCHEMES
    except ValueError:
        sound = False
    if not sound:
        configuration.blame(
            given[0], "is not the address of a PostgreSQL server", "It is postgresql://USER:PASSWORD@HOST/DATABASE."
        )
        return None
    return Postgres(url=url, pool=configuration["postgres.pool"])


def object_storage(configuration: Configuration) -> ObjectStorage | None:
    """None: the files are in the folder, or something is wrong, which was noted."""
    bucket = configuration["s3.bucket"]
    if bucket is None:
        for path in configuration.given_in("s3"):
            configuration.blame(path, "is given in vain", "Name the bucket with s3.bucket.")
        return None
    key, secret_key = configuration["s3.access_key"], secret(configuration, "s3.secret_key")
    if (key is None) != (not configuration.given("s3.secret_key", "s3.secret_key_file")):
        configuration.blame("s3.access_key", "goes together with its secret", "Give both, or neither.")
    ca = configuration["s3.ca"]
    return ObjectStorage(
        bucket=bucket,
        endpoint=configuration["s3.endpoint"],
        region=configuration["s3.region"],
        prefix=configuration["s3.prefix"],
        access_key=key,
        secret_key=secret_key,
        download=configuration["s3.download"],
        ca=None if ca is None else str(ca),
    )
