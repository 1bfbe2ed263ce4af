# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Says hello."""

from __future__ import annotations

import argparse


def greeting(name: str) -> str:
    """A friendly line for ``name``, or for everybody where it is empty."""
    return f"Hello, {name.strip() or 'everybody'}!"


def main() -> None:
    """Greet whom the command line names."""
    parser = argparse.ArgumentParser(prog="hello-release", description="Say hello.")
    parser.add_argument("name", nargs="?", default="")
    print(greeting(parser.parse_args().name))
