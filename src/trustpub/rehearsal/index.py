# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The real index, in a program of its own, on a folder made for this rehearsal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trustpub.errors import Unreachable
from trustpub.printable import printable
from trustpub.rehearsal.environment import Folder
from trustpub.rehearsal.processes import Children, Running
from trustpub.trust.publishers import Rules
from trustpub.trust.values import unquoted

ANY_RUN = Rules()
READY_SECONDS = 60.0
_LOOK_AGAIN = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowawayIndex:
    """An index that is up."""

    url: str
    """Scheme, host and port."""
    ca: Path
    """PEM file of the authority that its certificate is from."""
    audience: str
    pid: int
    data: Path
    running: Running


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The publisher as the index has it."""

    publisher_id: str
    fields: Mapping[str, str]
    """As a person would type them, with the rules for a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the index noted about a token that it minted."""

    token_id: str
    lifetime: int
    """Seconds from mint to expiry."""
    projects: tuple[str, ...]
    """Names of the only projects it is good for."""
    burned: bool
    """Whether it was given back."""


def start(children: Children, folder: Folder, env: Mapping[str, str], *, trust_config: Path | None = None) -> Running:
    """Start an index on a free port, over TLS with its own authority.

    ``trust_config``: of the Sigstore instance that it is to name and to believe.
    """
    argv = [sys.executable, "-m", "trustpub", "serve", "--data", str(folder.data), "--rehearsal", "--tls-dev"]
    if trust_config is not None:
        argv += ["--sigstore-trust-config", str(trust_config)]
    return children.start([*argv, "--port", "0"], env=folder.bare(env), cwd=folder.path, log=folder.log("index"))


def await_ready(running: Running, folder: Folder, seconds: float = READY_SECONDS) -> ThrowawayIndex:
    """The index, once it listens: its lock then says where.

    Raises:
        Unreachable: it ended, or took longer than ``seconds``; with the end of what it said.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told = _lock(folder.data / "lock")
        if told.get("url"):
            return ThrowawayIndex(
                url=str(told["url"]).rstrip("/"), ca=Path(str(told["ca"])), audience=str(told["audience"]),
                pid=running.process.pid, data=folder.data, running=running,
            )  # fmt: skip
        if running.ended():
            break
        time.sleep(_LOOK_AGAIN)
    said = "\n".join(printable(line) for line in running.output().splitlines()[-20:])
    how = "ended" if running.ended() else f"was not ready after {seconds:.0f} seconds"
    raise Unreachable(f"The index {how}. The last it said:\n{said}")


def register(
    data: Path, project: str, kind: str, issuer: str, fields: Mapping[str, str], *, rules: Rules = ANY_RUN,
    shared_audience: str | None = None,
) -> Registration:  # fmt: skip
    """Believe ``issuer``, and hold ``project`` for the identity that ``fields`` name, as ``trustpub admin`` would.

    ``rules``: which runs of it may publish. ``shared_audience``: that of all tokens of the issuer, accepted.
    """
    from trustpub.index.bootstrap.opening import open_folder
    from trustpub.index.registration import Wanted

    with open_folder(data, create=False) as opened:
        opened.issuers.add(issuer, kind, audience=shared_audience)
        registered = opened.publishers.add(
            Wanted(project=project, kind=kind, issuer=issuer, fields=fields, rules=rules, pending=True)
        )
    typed = {name: _typed(value) for name, value in registered.publisher.fields.items()}
    ref = {} if rules.ref is None else {"ref": rules.ref}
    return Registration(publisher_id=registered.publisher.id, fields=typed | ref)


def grants(data: Path, publisher_id: str) -> tuple[Grant, ...]:
    """Every token minted for the publisher, the oldest first."""
    from trustpub.index.bootstrap.opening import open_folder

    found: list[Grant] = []
    with open_folder(data, create=False) as opened, opened.store.read() as reading:
        publisher = reading.publisher(publisher_id)
        names = {link.project_id: link.project for link in publisher.links} if publisher is not None else {}
        for event in reversed(reading.events(limit=1000)):
            row = reading.token(str(event.facts["token"])) if event.kind == "token-minted" else None
            if row is None or row.publisher_id != publisher_id or any(row.id == one.token_id for one in found):
                continue
            bound = [project for tag, *values in row.caveats if tag == 2 for project in values[0]]
            found.append(
                Grant(
                    token_id=row.id,
                    lifetime=(row.expires or row.created) - row.created,
                    projects=tuple(names.get(project, project) for project in bound),
                    burned=row.burned is not None,
                )
            )
    return tuple(found)


def _typed(value: str) -> str:
    """A field without the quotes that it is kept in where it is kept as JSON."""
    return unquoted(value) if value.startswith('"') else value


def _lock(path: Path) -> Mapping[str, object]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # not there yet, or half-written
        return {}
    return told if isinstance(told, dict) else {}
