# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation of the protocol's table with what does it. What nobody does is a mistake that no start survives."""

from __future__ import annotations

from collections.abc import Mapping

from trustpub.index.accounts.authority import Action
from trustpub.index.desk import projects, publishers, whole
from trustpub.index.desk.desk import Served
from trustpub.protocol.management.table import OPERATIONS

SERVED: Mapping[str, Served] = {
    **projects.SERVICES.done, **publishers.SERVICES.done, **whole.SERVICES.done,
}  # fmt: skip

ACTIONS: Mapping[str, Action] = {name: Action(one.action) for name, one in OPERATIONS.items()}
"""Whose right each operation takes."""

if missing := OPERATIONS.keys() - SERVED.keys():
    raise ValueError(f"nobody does {', '.join(sorted(missing))}")
