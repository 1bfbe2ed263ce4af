# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``[taking]``: what the index takes, and what it does not have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trustpub.errors import Misuse
from trustpub.index.configuration.reading import Configuration
from trustpub.printable import printable


def taking(configuration: Configuration) -> Mapping[str, Any]:
    """Fields of :class:`trustpub.index.settings.Settings`; what is wrong was noted."""
    config = configuration["taking.sigstore_trust_config"]
    return {
        "max_file_bytes": configuration["taking.max_file_size"],
        "max_project_bytes": configuration["taking.max_project_size"],
        "local_versions": configuration["taking.local_versions"],
        "direct_urls": configuration["taking.direct_urls"],
        "release_days": configuration["taking.close_releases_after"],
        "upstream": configuration["taking.upstream"],
        "trust_config": None if config is None else _trust_config(configuration, config),
    }


def _trust_config(configuration: Configuration, file: Path) -> bytes | None:
    """The file, as it is handed on to clients."""
    # Said at once, and not at the first upload, where the extra is missing.
    import sigstore  # noqa: F401

    from trustpub.proofs.instance import read_file

    name = "taking.sigstore_trust_config"
    try:
        instance, content = read_file(str(file), now=time.time())
    except Misuse as wrong:
        told = wrong.message.replace(f" {printable(str(file), 200)}", "").rstrip(".")
        configuration.blame(name, f"cannot be used: {told}", wrong.hint or "")
        return None
    if instance.public:
        configuration.blame(
            name,
            "is Sigstore's public instance, to which no index can send its users: what they publish would be in its "
            "log for good. It is believed anyway",
            "Whoever wants that says so: trustpub publish --trust-config public-good",
        )
        return None
    return content
