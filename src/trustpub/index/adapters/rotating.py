# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Another secret for an index, also while it is served.

In this order, so that a stop at any point leaves an index that works: the new secret is written beside the old one, and
for a drain the old one once more; one transaction makes the new one hold, with what was sealed under the old one sealed
again; the new file takes the old one's place. A start finishes what was stopped after the transaction.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from trustpub.errors import Misuse
from trustpub.index.accounts.second_factor import kept_about
from trustpub.index.adapters import durable, secretfile
from trustpub.index.adapters.keyring import BEFORE, KEY_ID, finish, former, next_to, wrong_secret
from trustpub.index.adapters.sealing import SECRETS, Sealer
from trustpub.index.manage.notes import note
from trustpub.index.ports import BadSeal, Clock, Store, Writing
from trustpub.tokens.keys import RootKeys

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What was done."""

    key_id: str
    """Of the new secret."""
    before: str
    """Of the old one."""
    ended: int
    """Tokens that were in their time, and are good for nothing any more."""
    until: float | None
    """Until when other tokens from before are good at most; None: none is."""
    sealed: int
    """Second factors that were sealed again."""


def rotate(store: Store, path: Path, clock: Clock, *, drain_days: int | None) -> Rotated:
    """Replace the secret at ``path``.

    Args:
        store: that of the index.
        path: of the secret.
        clock: the time.
        drain_days: let tokens from before live on in their time, and for so many days at most; None: end them now.

    Raises:
        Misuse: the secret is not the index's own, or cannot be replaced where it is.
    """
    finish(path, store)
    old = RootKeys(secretfile.load(path, create=False))
    coming, before = next_to(path)
    try:
        coming.unlink(missing_ok=True)
        new = RootKeys(secretfile.load(coming, create=True))
        before.unlink(missing_ok=True)
        if drain_days is not None:
            secretfile.copy(path, before)
        durable.sync(path.parent)
        with store.write() as writing:
            done = _replace(writing, path, old, new, at=clock(), drain_days=drain_days)
        os.replace(coming, path)
        durable.sync(path.parent)
    except OSError as error:
        raise Misuse(
            f"The secret at {path} cannot be replaced there: {error.strerror}.",
            hint="Its folder must be one that this user can write to.",
        ) from error
    return done


def _replace(
    writing: Writing, path: Path, old: RootKeys, new: RootKeys, *, at: float, drain_days: int | None
) -> Rotated:
    wanted = writing.fact(KEY_ID) or ""
    if wanted != old.key_id:
        raise wrong_secret(path, old.key_id, wanted)
    until = None if drain_days is None else at + drain_days * DAY_SECONDS
    if until is None:
        ended = writing.end_tokens(int(at))
    else:
        # Of two drains at once only the later goes on: there is one place for the secret before.
        ended = writing.end_tokens(int(at), key_id=former(writing)[0])
    sealed = _seal_again(writing, Sealer(old.keys_for(SECRETS)), Sealer(new.keys_for(SECRETS)))
    writing.set_fact(KEY_ID, new.key_id)
    writing.set_fact(BEFORE, "" if until is None else json.dumps({"id": old.key_id, "until": until}))
    facts = {"secret": new.key_id, "secret_before": old.key_id, "tokens_ended": ended, "until": until}
    note(writing, at, "secret-replaced", facts=facts)
    return Rotated(key_id=new.key_id, before=old.key_id, ended=ended, until=until, sealed=sealed)


def _seal_again(writing: Writing, old: Sealer, new: Sealer) -> int:
    """Every second factor; how many."""
    sealed = 0
    for user in writing.users():
        login = writing.login(user.id)
        if login is None or login.totp is None:
            continue
        about = kept_about(user.id)
        try:
            key = old.unseal(login.totp, about)
        except BadSeal:
            continue  # it was damaged before, and asks for an administrator as it did
        writing.put_login(replace(login, totp=new.seal(key, about)))
        sealed += 1
    return sealed
