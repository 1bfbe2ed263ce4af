# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The certificate of a server is not believed."""

from __future__ import annotations

from trustpub.failures.failure import Failure

FAILURE = Failure(
    ident="untrusted-certificate",
    title="The certificate of a server is not believed",
    cause="The index, or a proxy in between, has a certificate of an authority that this machine does not know.",
    fix=("Name its PEM file: `--ca FILE`, or SSL_CERT_FILE for most clients, REQUESTS_CA_BUNDLE for twine and poetry."),
    says=(
        r"certificate_verify_failed",
        r"certificate of .{1,120} is not trusted",
        r"unable to get local issuer certificate",
        r"unknownissuer",
    ),
)
