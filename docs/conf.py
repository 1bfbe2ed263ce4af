# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""How Sphinx builds these pages: `make docs`."""

from __future__ import annotations

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
suppress_warnings = ["toc.empty_glob"]  # groups of index.md name pages by what their file names begin with
html_theme_options = {"sidebar_hide_name": False}
