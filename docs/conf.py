# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How Sphinx builds these pages: `make docs`."""

from __future__ import annotations

import logging

project = "trustpub"
author = "The trustpub authors"
project_copyright = "The trustpub authors"
extensions = ["myst_parser"]
exclude_patterns = ["transcripts"]
html_theme = "furo"
html_title = "trustpub"
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
nitpicky = True
html_theme_options = {"sidebar_hide_name": False}

# The groups of index.md name pages by what their file names begin with, and a group that has no such page yet is none
# the worse for it. Sphinx gives this warning a subtype but no type, so `suppress_warnings` cannot name it.
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: getattr(record, "subtype", None) != "empty_glob"
)
