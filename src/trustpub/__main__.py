# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m trustpub`` is ``trustpub``."""

from trustpub.cli.main import run

if __name__ == "__main__":
    run()
