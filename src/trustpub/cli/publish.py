# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub publish``: from files to a release, without a stored secret."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from trustpub.cli.attesting import Wish
from trustpub.cli.options import as_job, job, of_audience, resolved, to_index
from trustpub.cli.show import Screen, screen
from trustpub.errors import TrustpubError
from trustpub.printable import printable
from trustpub.secret import Secret

if TYPE_CHECKING:
    from trustpub.client.files import Distribution


@click.command()
@click.argument("distributions", metavar="[DIST]...", nargs=-1)
@to_index
@of_audience
@as_job
@click.option(
    "--attestations", type=click.Choice(["required", "auto", "off"]), default="auto", show_default=True,
    help="Sign the files and send attestations: always, or nothing is published; where the index and this job allow; "
    "never.",
)
@click.option(
    "--trust-config", metavar="FILE",
    help="The Sigstore instance to sign with (the JSON of its clients), instead of the one that the index names.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what happened as one JSON object; steps go to stderr.")
def publish(
    distributions: tuple[str, ...], index: str | None, ca: str | None, identity_token: str | None, attestations: str,
    trust_config: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Publish distributions from a CI job, without a secret.

    DIST are wheels and source distributions, or patterns of them; without any, dist/*. They are checked before a token
    is asked for, uploaded one after another, wheels first, and the token is given back at the end.
    """
    seen = screen()
    seen.aside = as_json
    progress = _Progress(seen)
    told: dict[str, Any] = {"index": None, "uploaded": progress.rows, "exit_code": 0}
    try:
        wish = Wish(mode=attestations, trust_config=trust_config)
        _publish(distributions, index, ca, identity_token, wish, progress, told)
    except TrustpubError as error:
        told |= {
            "exit_code": error.exit_code,
            "error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint},
        }
        raise
    finally:
        if as_json and (told["exit_code"] or progress.done):
            seen.result(json.dumps(told, indent=2))


def _publish(
    arguments: tuple[str, ...], index: str | None, ca: str | None, identity_token: str | None, wish: Wish,
    progress: _Progress, told: dict[str, Any],
) -> None:  # fmt: skip
    from trustpub.cli import attesting
    from trustpub.client import files
    from trustpub.client.publish import publish as release
    from trustpub.http import Http

    wanted = resolved(index, ca)
    told["index"] = wanted.upload_url
    found = files.collect(arguments)
    for path in found.ignored:
        progress.step(f"{printable(path)} is an attestation and is not sent")
    names = ", ".join(one.filename for one in found.distributions)
    progress.step(f"{len(found.distributions)} to publish, fit for an index: {names}")
    shown = job(identity_token)
    with Http(env=os.environ, ca=wanted.ca) as http:
        attestor = attesting.attestor(wish, http, wanted, shown)
        release(http, wanted, shown, found.distributions, progress, attestor=attestor)
    progress.done = True


class _Progress:
    """What a release says of itself, as lines and as rows."""

    def __init__(self, seen: Screen) -> None:
        self.rows: list[dict[str, Any]] = []
        self.done = False
        self._seen = seen

    def mask(self, secret: Secret) -> None:
        self._seen.mask(secret)

    def step(self, text: str) -> None:
        self._seen.step(text)

    def uploaded(self, distribution: Distribution) -> None:
        sha256 = distribution.submission.sha256
        self.rows.append({"filename": distribution.filename, "size": distribution.size, "sha256": sha256})
        self._seen.step(f"{distribution.filename} is on the index ({distribution.size:,} bytes)")
        self._seen.detail(f"sha256 {sha256}")

    def warning(self, text: str) -> None:
        self._seen.warning(text)
