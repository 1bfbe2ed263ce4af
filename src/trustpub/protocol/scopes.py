# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a token may be for, for whoever reads a command line before the exchange is loaded."""

UPLOAD, READ = "upload", "read"
"""In a mint request, ``scope`` says which, and is ours: PyPI knows uploads only."""
SCOPES = (UPLOAD, READ)
