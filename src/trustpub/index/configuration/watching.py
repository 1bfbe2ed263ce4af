# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``[metrics]`` and ``[log]``: how the server is watched."""

from __future__ import annotations

from trustpub.index.configuration.reading import Configuration
from trustpub.index.configuration.secret_file import secret
from trustpub.index.settings import Logs, Metrics


def metrics(configuration: Configuration) -> Metrics | None:
    """None: there are no figures, or something is wrong, which was noted."""
    if not configuration.given_in("metrics"):
        return None
    host, port, networks = (configuration[f"metrics.{key}"] for key in ("host", "port", "networks"))
    token = secret(configuration, "metrics.token")
    if port is None:
        configuration.in_vain("metrics.port", ["metrics.host"], "Name the port beside it with metrics.port.")
    named = configuration.given("metrics.token", "metrics.token_file")
    wrong = {f"metrics.{key}" for key in ("port", "networks", "token", "token_file")} & configuration.unfit
    if port is None and not networks and not named and not wrong:
        configuration.blame(
            "metrics.networks", "names nobody who may read the figures", "Name networks, a token, or a port."
        )
    return Metrics(host=None if port is None else host or "127.0.0.1", port=port, networks=networks, token=token)


def logs(configuration: Configuration) -> Logs:
    """How the log is written."""
    return Logs(format=configuration["log.format"], level=configuration["log.level"])
