# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub admin``: changes to an index in its folder, also while it is served."""

from __future__ import annotations

import click

import trustpub.cli.admin.accounts  # noqa: F401 - which adds commands to `user`
from trustpub.cli.admin.apply import apply
from trustpub.cli.admin.backup import backup, restore
from trustpub.cli.admin.files import check_files
from trustpub.cli.admin.importing import import_
from trustpub.cli.admin.issuers import issuer
from trustpub.cli.admin.moving import move_files
from trustpub.cli.admin.names import name
from trustpub.cli.admin.people import token, user
from trustpub.cli.admin.projects import project
from trustpub.cli.admin.publishers import publisher
from trustpub.cli.admin.purge import purge
from trustpub.cli.admin.records import attempts, events
from trustpub.cli.admin.rows import move_to_postgres
from trustpub.cli.admin.secret import rotate_secret
from trustpub.cli.admin.settings import settings
from trustpub.cli.admin.switches import switch
from trustpub.cli.admin.trust import trust


@click.group()
def admin() -> None:
    """Manage an index, in its folder or at its URL. Changes hold from the next request on."""


for one in (
    user,
    token,
    issuer,
    publisher,
    project,
    name,
    switch,
    trust,
    apply,
    attempts,
    events,
    check_files,
    move_files,
    import_,
    move_to_postgres,
    backup,
    restore,
    settings,
    rotate_secret,
    purge,
):
    admin.add_command(one)
