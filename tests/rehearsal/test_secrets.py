# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""No token that a rehearsal makes stands in any file it leaves or on any stream, in whole or in its secret part."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from trustpub.index.bootstrap.opening import open_folder
from trustpub.rehearsal.clients import CLIENTS
from trustpub.rehearsal.processes import Children
from trustpub.rehearsal.release import Plan, rehearse
from trustpub.secret import Secret
from trustpub.tokens import macaroon
from trustpub.tokens.caveats import read, write

SHAPES = re.compile(rb"pypi-[A-Za-z0-9_-]{60,}|eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}")
"""What any such token looks like, even one that this test does not know of."""


LONG = pytest.mark.long


class Quiet:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self, step: str) -> None:
        pass

    def done(self, step: str, text: str) -> None:
        self.said.append(text)


def minted(data: Path) -> list[Secret]:
    """Every token of the index, made again from its secret and its rows."""
    with open_folder(data, create=False) as opened, opened.store.read() as reading:
        made = []
        for event in reading.events(limit=100):
            row = reading.token(event.facts["token"]) if event.kind == "token-minted" else None
            if row is not None:
                caveats = tuple(write(read(json.dumps(list(one)).encode())) for one in row.caveats)
                root = opened.root_keys.root(row.id)
                token = macaroon.create(location=row.location, identifier=row.id, root_key=root, caveats=caveats)
                made.append(token.serialize())
        return made


@pytest.mark.parametrize(
    ("provider", "client", "count"),
    [
        # The job's, and one for each impostor but those that replay it. Every provider and every client is among
        # these; all clients at one provider, and the client of ours at all, are in the long tests.
        ("github", "trustpub", 6), ("gitlab", "uv", 7), ("google", "twine", 7), ("buildkite", "pdm", 9),
        ("azure", "hatch", 8), ("circleci", "poetry", 11),  # two more, with which every job of it is started
        ("bitbucket", "flit", 4), ("semaphore", "trustpub", 7), ("kubernetes", "trustpub", 7),
        ("jenkins", "trustpub", 5), ("forgejo", "trustpub", 6), ("activestate", "trustpub", 9),
        *(pytest.param("github", client, 6, marks=LONG) for client in CLIENTS if client != "trustpub"),
        *(
            pytest.param(provider, "trustpub", count, marks=LONG)
            for provider, count in (
                ("gitlab", 7), ("google", 7), ("buildkite", 9), ("azure", 8), ("circleci", 11), ("bitbucket", 4),
            )
        ),
    ],
)  # fmt: skip
def test_no_token_is_anywhere(
    provider: str,
    client: str,
    count: int,
    example: Path,
    built: Path,
    tmp_path: Path,
    program: Callable[[str], Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    env = dict(os.environ)
    if client != "trustpub":
        env["PATH"] = f"{program(client)}{os.pathsep}{env['PATH']}"
    identities: list[Secret] = []
    seen = Quiet()
    place = tmp_path / "place"
    place.mkdir()
    with Children() as children:
        report = rehearse(
            Plan(folder=example, provider=provider, dist=built, client=client), place, children, seen,
            env=env, clock=time.time, watch=identities.append,
        )  # fmt: skip
        tokens = minted(report.index.data)
    assert report.ok, [one for one in report.outcomes if one.guarded and not one.refused]
    # Whose attestations are altered has an identity for the signing, and gets a token to be refused at the upload.
    signs = report.attested > 0
    assert len(tokens) == 1 + signs
    assert len(identities) == count + 2 * signs
    printed = capfd.readouterr()
    texts = {"what was printed": (printed.out + printed.err + "\n".join(seen.said) + repr(report)).encode()}
    texts |= {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert len(texts) > 20
    for where, content in texts.items():
        assert SHAPES.findall(content) == [], where
        for token in tokens:
            assert token.reveal().removeprefix("pypi-")[-40:].encode() not in content, where
        for identity in identities:
            # The signature is what makes it a token; its claims are known to everybody.
            assert identity.reveal().rpartition(".")[2].encode() not in content, where


def test_the_token_that_is_searched_for_is_the_real_one(example: Path, built: Path, tmp_path: Path) -> None:
    """The search above would find nothing if it searched for something else."""
    place = tmp_path / "place"
    place.mkdir()
    with Children() as children:
        report = rehearse(
            Plan(folder=example, isolation=False), place, children, Quiet(), env=os.environ, clock=time.time
        )
        with open_folder(report.index.data, create=False) as opened:
            parsed = [macaroon.parse(token) for token in minted(report.index.data)]
            assert all(one.signed_by(opened.root_keys.root(one.identifier)) for one in parsed)
            assert report.grant.token_id in [one.identifier for one in parsed]
