# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What takes the letters of an index."""

from __future__ import annotations

from trustpub.index.bootstrap.folder import Folder
from trustpub.index.ports import Post
from trustpub.index.settings import Settings


def build_post(folder: Folder, settings: Settings) -> Post:
    """What takes the letters of the index.

    Raises:
        Misuse: the certificates to believe cannot be read.
    """
    from trustpub.index.adapters.smtp import ConsolePost, SmtpPost

    return ConsolePost() if settings.relay is None else SmtpPost(settings.relay, env=folder.env)
