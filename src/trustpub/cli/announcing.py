# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""What a server says once it listens: to people, to a program that reads JSON, or to the next steps of a CI's job."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trustpub.cli.show import Screen
from trustpub.cli.wish import Wish

if TYPE_CHECKING:
    from trustpub.index.accounts.invitations import Invited


def announce(
    wish: Wish,
    facts: Mapping[str, str | None],
    seen: Screen,
    *,
    rehearsal: bool,
    private: bool,
    first: Invited | None,
) -> None:
    """Say it. ``first``: the invitation of the first administrator, where nobody has an account yet."""
    if wish.ephemeral:
        _export(wish, facts, seen)
    elif wish.as_json:
        seen.result(json.dumps(facts))
    else:
        for line in _greeting(wish, facts, private=private):
            seen.result(line)
        for line in [] if first is None else _first(wish, first):
            seen.result(line)
    if rehearsal:
        seen.warning("This is a rehearsal: it believes issuers that anybody can play. Put nothing real here.")


def _greeting(wish: Wish, facts: Mapping[str, str | None], *, private: bool) -> Iterator[str]:
    url, data = facts["url"], shlex.quote(str(wish.data))
    ca = f" --ca {shlex.quote(facts['ca'])}" if facts["ca"] else ""
    yield f"Index      {url}/"
    yield f"Audience   {facts['audience']}"
    if facts["ca"]:
        yield f"CA         {facts['ca']} (for clients: --ca, SSL_CERT_FILE or PIP_CERT)"
    yield ""
    yield "Next, here:"
    add = "trustpub admin publisher add PROJECT --repository OWNER/NAME --workflow release.yml --pending"
    yield f"  {add} --data {data}"
    yield "then in that workflow, in a job with `permissions: id-token: write`:"
    yield f"  trustpub publish --index {url}{ca}"
    if private:
        yield "It is private: whoever installs needs a token, which is made here:"
        yield f"  trustpub admin user add NAME --data {data}"
        yield f"  trustpub admin token create NAME --scope read --data {data}"
        yield f"and goes into their ~/.netrc: machine {urlsplit(url or '').hostname} login __token__ password TOKEN"
    yield "and anywhere:"
    yield f"  pip install --index-url {url}/simple/ PROJECT"


def _first(wish: Wish, first: Invited) -> Iterator[str]:
    yield ""
    yield "Nobody has an account yet. Who opens this link becomes the first administrator; it is good once, for a day:"
    yield f"  {first.link.reveal()}"
    yield f"Another: trustpub admin user invite --administrator --data {shlex.quote(str(wish.data))}"


def _export(wish: Wish, facts: Mapping[str, str | None], seen: Screen) -> None:
    """What a CI job needs to know, in the form it asked for."""
    variables = {"TRUSTPUB_INDEX": facts["url"], "TRUSTPUB_DATA": facts["data"], "TRUSTPUB_CA": facts["ca"]}
    if facts["ca"]:
        from trustpub.index.adapters.tls import make_bundle

        ca = Path(facts["ca"])
        bundle = str(make_bundle(ca, ca.with_name("bundle.pem")))
        variables |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"), bundle)
    known = {name: value for name, value in variables.items() if value is not None}
    if wish.github_env:
        with open(os.environ["GITHUB_ENV"], "a", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in known.items())
    if wish.as_json:
        seen.result(json.dumps(facts))
    else:
        seen.result("\n".join(f"export {name}={shlex.quote(value)}" for name, value in known.items()))
