# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A local Sigstore that can be made to fail, and who signs with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trustpub.http import Http
from trustpub.proofs.instance import Instance, read_instance
from trustpub.proofs.sign import Signer
from trustpub.rehearsal.emulated.issuer import Issuer
from trustpub.rehearsal.issuers import emulate, example_job
from trustpub.rehearsal.listening import Asked, Reply
from trustpub.rehearsal.sigstore.server import LocalSigstore
from trustpub.secret import Secret


class Failing(LocalSigstore):
    """One that says what it is told to, as long as it is told something."""

    def __init__(self, **options: Any) -> None:
        self.instead: dict[str, list[Reply | None]] = {}
        """By path, what is said to the next requests; None: what it would say by itself. The last stays."""
        self.asked: list[Asked] = []
        super().__init__(**options)

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        said = self.instead.get(asked.path)
        reply = None
        if said:
            reply = said[0] if len(said) == 1 else said.pop(0)
        real = super().reply(asked)
        return real if reply is None else reply


def fails(status: int, message: str = "it is down") -> Reply:
    body = json.dumps({"code": status, "message": message}).encode()
    return Reply(status=status, body=body)


@dataclass(frozen=True)
class Subject:
    """A file."""

    filename: str = "hello-1.0-py3-none-any.whl"
    sha256: str = "ab" * 32

    @property
    def submission(self) -> Subject:
        return self


@dataclass
class Job:
    """A job of a kind of provider, which signs."""

    kind: str
    sigstore: LocalSigstore
    issuer: Issuer
    audience: str = "sigstore"
    http: Http = field(default_factory=lambda: Http(env={}, sleep=lambda seconds: None))
    given: int = 0

    def identity(self) -> Secret:
        self.given += 1
        return self.issuer.token(example_job(self.kind), self.audience)

    def config(self, **changes: Any) -> bytes:
        return json.dumps({**self.sigstore.trust_config(), **changes}).encode()

    def instance(self) -> Instance:
        return read_instance(self.config(), "the trust configuration", now=time.time())

    def signer(
        self, trust_config: Callable[[], Instance] | None = None, clock: Callable[[], float] = time.time
    ) -> Signer:
        return Signer(http=self.http, trust_config=trust_config or self.instance, identity=self.identity, clock=clock)


def job_of(kind: str, sigstore: LocalSigstore) -> Job:
    issuer = emulate(kind, clock=time.time)
    sigstore.believe(issuer.url, kind, issuer.jwks)
    return Job(kind=kind, sigstore=sigstore, issuer=issuer)
