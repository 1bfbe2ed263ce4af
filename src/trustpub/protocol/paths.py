# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Where files are uploaded, for whoever needs the address and not the form."""

UPLOAD_PATH = "/legacy/"
"""On an index of ours, and on PyPI."""
