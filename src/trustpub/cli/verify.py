# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub verify``: where a distribution came from, proven on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import netrc
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click

from trustpub.cli.show import screen
from trustpub.client.indexes import FILE_HOSTS, READ_HOSTS
from trustpub.errors import Declined, Misuse
from trustpub.printable import printable, quoted

if TYPE_CHECKING:
    from trustpub.http import Http
    from trustpub.proofs.expected import Demand
    from trustpub.proofs.listing import Index, Listed
    from trustpub.proofs.provenance import Judgement
    from trustpub.proofs.verify import Checker

_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What is to be proven: one distribution."""

    filename: str
    sha256: str


@click.command()
@click.argument("distributions", metavar="FILE|URL...", nargs=-1, required=True)
@click.option("--index", metavar="URL|NAME", help="pypi, testpypi, or the Simple API of another index; FILE is there.")
@click.option("--provenance", type=click.Path(path_type=Path), metavar="FILE", help="Its provenance; nobody is asked.")
@click.option("--repository", metavar="URL", help="Where it must come from; OWNER/NAME is one of github.com.")
@click.option("--workflow", metavar="FILE", help="The workflow or CI file that must have signed it.")
@click.option("--account", metavar="EMAIL", help="The account of Google Cloud that must have signed it.")
@click.option(
    "--trust-root", "roots", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="A trusted_root.json to believe beside the one of Sigstore's public instance; may be repeated.",
)  # fmt: skip
@click.option("--ca", metavar="FILE", help="PEM certificates to trust instead of the system's, for an index.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def verify(distributions: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Prove where distributions came from: who signed them, in which workflow, and that they are whole.

    The provenance is fetched from the index and verified here, with Sigstore's trust roots as files. Without
    --repository or --account this says who signed, and not whether that is whom you expect.
    """
    # Said at once, and not after the first download, where the extra is missing.
    import sigstore  # noqa: F401

    from trustpub.http import Http

    seen = screen()
    seen.aside = as_json
    checker, wanted = _checker(options["roots"]), _wanted(options)
    rows = []
    with Http(env=os.environ, ca=options["ca"]) as http:
        for one in distributions:
            subject, text = _fetch(http, one, options)
            judgement = _judge(checker, text, subject, wanted)
            rows.append(_row(subject, judgement))
            for kind in judgement.passed_over:
                seen.warning(f"a publisher of the kind {kind!r} is passed over: what it signs as is not known")
            if not as_json:
                _tell(rows[-1])
    if as_json:
        seen.result(json.dumps(rows, indent=2))
    elif not wanted:
        seen.step("Nobody was expected: --repository or --account makes it a failure to come from elsewhere.")


def _checker(paths: Sequence[Path]) -> Checker:
    from trustpub.proofs.root import public_good, read_root
    from trustpub.proofs.verify import Checker

    found = [public_good(), *(read_root(f"given-{at}", path, dated="") for at, path in enumerate(paths, 1))]
    return Checker(lambda: found)


def _wanted(options: Mapping[str, Any]) -> list[Demand]:
    from trustpub.proofs.expected import GOOGLE, Demand

    demands = []
    if (repository := options["repository"]) is not None:
        url = repository if "://" in repository else f"https://github.com/{repository}"
        url = url.removesuffix("/").removesuffix(".git")
        demands.append(Demand(field="source_repository_uri", wanted=url, caseless=True))
    if options["workflow"] is not None:
        demands.append(Demand(field="workflow", wanted=options["workflow"]))
    if options["account"] is not None:
        demands.append(Demand(field="issuer", wanted=GOOGLE))
        demands.append(Demand(field="email", wanted=options["account"]))
    return demands


def _fetch(http: Http, given: str, options: Mapping[str, Any]) -> tuple[_Subject, str]:
    """The distribution that was named, and its provenance document."""
    document = None if options["provenance"] is None else _read_document(options["provenance"])
    if "://" not in given:
        subject = _local(Path(given))
        if document is None:
            index = _index(http, options["index"] or "pypi")
            listed = index.listed(subject.filename)
            _compare(listed, subject)
            document = index.provenance(listed, everything=bool(options["roots"]))
        return subject, document
    index = _index(http, options["index"] or _index_of(given))
    filename = unquote(urlsplit(given).path.rpartition("/")[2])
    listed = index.listed(filename)
    if urlsplit(given)._replace(fragment="").geturl() != urlsplit(listed.url)._replace(fragment="").geturl():
        raise Declined(
            f"The index lists {filename!r} at another address: {printable(listed.url, 300)}.",
            hint="Name the index that the file is of with --index.",
        )
    subject = _Subject(filename=filename, sha256=hashlib.sha256(index.content(listed)).hexdigest())
    _compare(listed, subject)
    return subject, document or index.provenance(listed, everything=bool(options["roots"]))


def _local(path: Path) -> _Subject:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise Misuse(f"{quoted(str(path))} cannot be read: {error.strerror}.") from error
    return _Subject(filename=path.name, sha256=digest.hexdigest())


def _compare(listed: Listed, subject: _Subject) -> None:
    if listed.sha256 is not None and listed.sha256 != subject.sha256:
        raise Declined(f"{subject.filename} is not the file that the index lists: its SHA-256 is {subject.sha256}.")


def _index_of(url: str) -> str:
    parts = urlsplit(url)
    return FILE_HOSTS.get(parts.hostname or "", f"{parts.scheme}://{parts.netloc}/simple/")


def _index(http: Http, given: str) -> Index:
    from trustpub.http import split
    from trustpub.proofs.listing import Index

    if "://" not in given:
        if given.lower() not in READ_HOSTS:
            raise Misuse(
                f"There is no index named {quoted(given)}.",
                hint=f"Give {' or '.join(READ_HOSTS)}, or the URL of an index's Simple API: https://…/simple/",
            )
        return Index(http, f"https://{READ_HOSTS[given.lower()]}/simple/")
    parts = split(given)
    url = given if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/simple/"
    return Index(http, url, _authorization(parts.hostname or ""))


def _authorization(host: str) -> str | None:
    """What ~/.netrc, or the file that NETRC names, has for the host: as pip takes it."""
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None
    if found is None:
        return None
    login, _, password = found
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


def _read_document(path: Path) -> str:
    from trustpub.proofs.provenance import MAX_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode(errors="replace")
    except OSError as error:
        raise Misuse(f"{quoted(str(path))} cannot be read: {error.strerror}.") from error


def _judge(checker: Checker, text: str, subject: _Subject, wanted: Sequence[Demand]) -> Judgement:
    from trustpub.proofs.attestation import BadAttestation
    from trustpub.proofs.provenance import judge, read_document

    try:
        return judge(checker, read_document(text), subject.filename, subject.sha256, wanted)
    except BadAttestation as bad:
        raise Declined(f"The provenance of {printable(subject.filename, 240)} does not hold. {bad.message}") from None


def _row(subject: _Subject, judgement: Judgement) -> dict[str, Any]:
    shown = ("issuer", "source_repository_uri", "build_config_uri", "source_repository_digest", "email", "san")
    return {
        "filename": subject.filename,
        "sha256": subject.sha256,
        "attestations": [
            {
                "predicate_type": one.attestation.predicate_type,
                "about": one.attestation.about,
                "publisher": {name: value for name, value in one.expected.publisher.items() if name != "claims"},
                "signed_by": {name: one.signer[name] for name in shown if name in one.signer},
                "logged": one.logged,
                "root": one.root.name,
                "root_dated": one.root.dated,
            }
            for one in judgement.verified
        ],
        "passed_over": list(judgement.passed_over),
    }


def _tell(row: Mapping[str, Any]) -> None:
    seen = screen()
    seen.result(f"{printable(row['filename'], 240)}  verified")
    for one in row["attestations"]:
        who = one["signed_by"]
        name = who.get("build_config_uri") or who.get("email") or who.get("san", "")
        seen.result(f"  {one['about']}: signed by {printable(name, 400)} ({printable(who.get('issuer', ''), 200)})")
        dated = f", as of {one['root_dated']}" if one["root_dated"] else ""
        seen.detail(f"trust root {one['root']}{dated}")
