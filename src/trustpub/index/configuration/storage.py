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
            wanted = "Name a file with the server's address with postgres.url_file."
            configuration.in_vain("postgres.url", configuration.given_in("postgres"), wanted)
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
        configuration.in_vain("s3.bucket", configuration.given_in("s3"), "Name the bucket with s3.bucket.")
        return None
    key, secret_key = configuration["s3.access_key"], secret(configuration, "s3.secret_key")
    wrong = {"s3.access_key", "s3.secret_key", "s3.secret_key_file"} & configuration.unfit
    if not wrong and (key is None) != (secret_key is None):
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
