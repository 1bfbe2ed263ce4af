# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``[gateway]``: the index behind this one."""

from __future__ import annotations

from trustpub.index.configuration.reading import Configuration
from trustpub.index.configuration.secret_file import file_of, secret
from trustpub.index.settings import Gateway


def gateway(configuration: Configuration) -> Gateway | None:
    """None: files are kept here, or something is wrong, which was noted."""
    upstream = configuration["gateway.upstream"]
    if upstream is None:
        others = configuration.given_in("gateway")
        configuration.in_vain("gateway.upstream", others, "Name the index behind this one with gateway.upstream.")
        return None
    for path in configuration.given("taking.upstream"):
        wrong = "does not go together with gateway.upstream, where every request for a page is sent"
        configuration.blame(path, wrong, "Leave it out.")
    ca, file = configuration["gateway.ca"], file_of(configuration, "gateway.password")
    return Gateway(
        upstream=upstream,
        upload_url=configuration["gateway.upload_url"] or upstream,
        simple_url=configuration["gateway.simple_url"] or f"{upstream}simple/",
        user=configuration["gateway.user"],
        password=secret(configuration, "gateway.password"),
        password_file=None if file is None else str(file.absolute()),
        ca=None if ca is None else str(ca),
    )
