# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub publish``: from files to a release, without a stored secret."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trustpub.cli.attesting import AUTO, OFF, REQUIRED, Wish
from trustpub.cli.bars import Bars
from trustpub.cli.declaring import Choice, argument, command, option
from trustpub.cli.options import as_job, job, may_share, of_audience, resolved, to_index
from trustpub.cli.show import Screen, screen
from trustpub.errors import Misuse, TrustpubError
from trustpub.printable import printable
from trustpub.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustpub.ci.detection import Job
    from trustpub.client.files import Distribution, Found
    from trustpub.client.indexes import Index
    from trustpub.client.publish import Wishes
    from trustpub.client.report import Ledger
    from trustpub.http import Http

CHECK, MINT = "check", "mint"
"""The dry runs."""
MOST_JOBS = 32
READY = 3
"""Connections to begin with: for the exchange, for the audience, and for what is there already."""
SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file of a job's summary, on GitHub and Forgejo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line says."""

    distributions: Sequence[str]
    index: str | None
    ca: str | None
    audience: str | None
    identity_token: str | None
    shared_audience: str | None
    attestations: str
    trust_config: str | None
    jobs: int
    skip_existing: bool
    dry_run: str | None
    print_hash: bool
    as_json: bool


@command()
@argument("distributions", metavar="[DIST]...", nargs=-1)
@to_index
@of_audience
@as_job
@may_share
@option(
    "--attestations",
    type=Choice([REQUIRED, AUTO, OFF]),
    default=AUTO,
    show_default=True,
    help="Sign the files and send attestations: always, or nothing is published; where the index and this job allow; "
    "never.",
)
@option(
    "--trust-config",
    metavar="FILE",
    help="The Sigstore instance to sign with (the JSON of its clients), instead of the one that the index names.",
)
@option(
    "--jobs",
    type=int,
    default=8,
    show_default=True,
    metavar="N",
    help="How many files go up side by side.",
)
@option(
    "--skip-existing",
    is_flag=True,
    help="Leave a file alone that is on the index with other contents, instead of publishing nothing; not on PyPI. "
    "The same file is never sent twice anyway.",
)
@option(
    "--dry-run",
    is_flag=False,
    flag_value=CHECK,
    metavar="[=mint]",
    help="Publish nothing. Check the files, the identity and the declared publisher, and ask the index what it would "
    "say; with =mint also get a token and give it back, which makes a pending project on PyPI.",
)
@option("--print-hash", is_flag=True, help="Print the digests of the files.")
@option("--json", "as_json", is_flag=True, help="Print what happened as one JSON object; steps go to stderr.")
def publish(**options: Any) -> None:
    """Publish distributions from a CI job, without a secret.

    DIST are wheels and source distributions, or patterns of them; without any, dist/*. They are checked before a token
    is asked for. What is on the index already is not sent again, so that the same command finishes a release that was
    interrupted. Several files go up at a time, wheels first, and the token is given back at the end.
    """
    from trustpub.client.report import Ledger

    asked = _asked(options)
    seen = screen()
    seen.aside = asked.as_json
    run = _Run(asked, seen, Ledger())
    try:
        run.go()
        run.done = True
    except TrustpubError as error:
        run.told |= {
            "exit_code": error.exit_code,
            "error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint},
        }
        seen.annotate("error", f"{error.message.splitlines()[0].rstrip(':.')}. The log says more.")
        raise
    except (KeyboardInterrupt, SystemExit) as end:
        run.cancelled(end)
        raise
    finally:
        run.finish()


def _asked(options: dict[str, Any]) -> _Asked:
    if options["dry_run"] not in (None, CHECK, MINT):
        # What follows --dry-run without a = between them is the first file.
        options |= {"distributions": (options["dry_run"], *options["distributions"]), "dry_run": CHECK}
    if not 1 <= options["jobs"] <= MOST_JOBS:
        raise Misuse(f"--jobs is a number from 1 to {MOST_JOBS}.")
    return _Asked(**options)


class _Run:
    """One run of the command: a :class:`trustpub.client.publish.Watcher`."""

    def __init__(self, asked: _Asked, seen: Screen, ledger: Ledger) -> None:
        self.told: dict[str, Any] = {"index": None, "dry_run": asked.dry_run, "exit_code": 0}
        self._asked = asked
        self._seen = seen
        self._ledger = ledger
        self._warnings: list[str] = []
        self.done = False
        """Whether it all went well."""

    def go(self) -> None:
        """Everything, until something raises."""
        from trustpub.cli import attesting
        from trustpub.http import Http

        asked = self._asked
        wish = Wish(mode=asked.attestations, trust_config=asked.trust_config)
        index = resolved(asked.index, asked.ca, asked.audience)
        self.told["index"] = index.upload_url
        shown = job(asked.identity_token)
        with Http(env=os.environ, ca=index.ca, ca_for=(index.host,)) as http, Bars(self._seen, self._ledger) as bars:
            # The way is opened while all the rest is loaded and the files are looked at. Nothing is asked before they
            # are known to be good.
            http.prepare(index.upload_url, connections=READY)
            from trustpub.client import files
            from trustpub.client.publish import Wishes, publish

            distributions = self._files(files.judge(asked.distributions))
            self._ledger.take(distributions)
            wishes = Wishes(
                jobs=asked.jobs,
                leave_different=asked.skip_existing,
                attestations_required=wish.mode == REQUIRED,
                shared_audience=asked.shared_audience,
            )
            if asked.dry_run is not None:
                self._dry(http, index, shown, distributions, wishes)
                return
            publish(
                http,
                index,
                shown,
                distributions,
                self,
                attestor=attesting.attestor(wish, http, index, shown, self),
                wishes=wishes,
                ledger=self._ledger,
                movement=bars,
            )
        count = len(self._ledger.rows)
        if not self._seen.quiet:
            self._seen.annotate("notice", f"{count} {'file is' if count == 1 else 'files are'} on {index.origin}.")

    def cancelled(self, end: BaseException) -> None:
        """Say what is up and what is not."""
        self.told["exit_code"] = end.code if isinstance(end, SystemExit) else 130
        if self._ledger.begun:
            self._seen.error(
                "\n".join(["The release was cancelled.", *self._ledger.lines()]),
                "Publish the same files again: those that are there already are not sent again.",
            )

    def finish(self) -> None:
        """The report, in the forms that were asked for."""
        from trustpub.client.report import State

        rows = [row.body() for row in self._ledger.rows]
        if self._asked.as_json and (self.told["exit_code"] or self.done):
            uploaded = [row for row in rows if row["state"] == State.UPLOADED.value]
            whole = {**self.told, "uploaded": uploaded, "files": rows, "warnings": self._warnings}
            self._seen.result(json.dumps(whole, indent=2))
        path = os.environ.get(SUMMARY)
        if path and rows and self.told["index"] and self._asked.dry_run is None:
            try:
                with open(path, "a", encoding="utf-8") as file:
                    file.write(self._ledger.summary(self.told["index"]) + "\n")
            except OSError as error:
                self._seen.warning(f"The file that {SUMMARY} names cannot be written: {error.strerror}.")

    def mask(self, secret: Secret) -> None:
        """Keep it out of the log."""
        self._seen.mask(secret)

    def step(self, text: str) -> None:
        """One line."""
        self._seen.step(text)

    def uploaded(self, distribution: Distribution) -> None:
        """The same, and its digest for those who want more."""
        self._seen.step(f"{distribution.filename} is on the index ({distribution.size:,} bytes)")
        self._seen.detail(f"sha256 {distribution.submission.sha256}")

    def warning(self, text: str) -> None:
        """One on standard error."""
        self._warnings.append(text)
        self._seen.warning(text)

    def _files(self, found: Found) -> Sequence[Distribution]:
        """What is to be published, told; hashed only if that is needed already."""
        from pathlib import Path

        from trustpub import declared
        from trustpub.client import files

        files.check_count(found.distributions, declared.find(Path.cwd()).expect)
        if self._asked.attestations == OFF:
            found = replace(found, beside={}, left_out=[])
        if found.beside or self._asked.print_hash:
            from trustpub.client import beside

            found = beside.complete(found)
        required = self._asked.attestations == REQUIRED
        for stray in found.left_out:
            text = f"{printable(stray.path)} is not sent: it {stray.reason}"
            if required:
                raise Misuse(f"{text}. Nothing was published.", hint="Remove it, or sign the files anew.")
            self.warning(text)
        names = ", ".join(one.filename for one in found.distributions)
        self.step(f"{len(found.distributions)} to publish, fit for an index: {names}")
        for one in found.distributions if self._asked.print_hash else ():
            self._seen.step(one.filename)
            for name, digest in (("sha256", one.submission.sha256), ("blake2b-256", one.submission.blake2b_256)):
                self._seen.step(f"  {name} {digest}")
        return found.distributions

    def _dry(self, http: Http, index: Index, shown: Job, distributions: Sequence[Distribution], wishes: Wishes) -> None:
        """A dry run of either kind."""
        from pathlib import Path

        from trustpub import declared
        from trustpub.client import dry
        from trustpub.client.publish import Release

        release = Release(http, index, shown, self, wishes, self._ledger, None)
        known = declared.find(Path.cwd()).indexes.get(index.name or "")
        found = dry.check(release, http, index, shown, distributions, self, None if known is None else known.publisher)
        self.told["preflight"] = found.preflight
        if self._asked.dry_run == MINT:
            dry.mint(release, self)
        self.step("Nothing was published: this was a dry run")
