# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Trusted Publishing for every Python index."""

__version__ = "0.1.0"
