# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""``trustpub serve``: an index in a folder, or one that is gone when it stops."""

from __future__ import annotations

import errno
import ipaddress
import json
import logging
import os
import shlex
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from trustpub.addresses import is_loopback
from trustpub.cli.mailing import mailing, relay
from trustpub.cli.show import Screen, screen
from trustpub.cli.sign_in import open_id, sign_in
from trustpub.cli.taking import settings, taking
from trustpub.errors import Misuse
from trustpub.printable import printable

if TYPE_CHECKING:
    from trustpub.index.accounts.invitations import Invited
    from trustpub.index.adapters.tls import DevTls
    from trustpub.index.bootstrap.folder import Folder

OWN_SIGSTORE = "own"
"""Under which name the trust root of the index's own Sigstore is kept; ``trustpub admin trust`` shows it."""
_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - to recognise them


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the index is to be served."""

    data: Path
    host: str
    port: int
    public_url: str | None
    tls_cert: Path | None
    tls_key: Path | None
    tls_dev: bool
    trusted_proxies: tuple[str, ...]
    rehearsal: bool
    ephemeral: bool
    secret_file: Path | None
    private: bool | None
    taking: Mapping[str, Any]
    """Fields of the settings, from options that say what the index takes."""
    as_json: bool
    github_env: bool

    @property
    def scheme(self) -> str:
        """That of the listening socket."""
        return "https" if self.tls_dev or self.tls_cert else "http"

    @property
    def wildcard(self) -> bool:
        """Whether it listens on every address, so that none of them is *the* address."""
        return self.host in _WILDCARDS

    def is_private(self, public_url: str) -> bool:
        """Whether reading needs a token. Unless it is said, it does where others can come: by the address that it
        listens on, or by a proxy on this machine, which the public URL gives away.
        """
        if self.private is not None:
            return self.private
        return not (is_loopback(self.host) and is_loopback(urlsplit(public_url).hostname or ""))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="The index's folder; made if missing.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Port to listen on, 0 for a free one.  [default: 8080]",
)
@click.option("--public-url", metavar="URL", help="What clients use, where that is another: https://HOST[:PORT].")
@click.option("--tls-cert", type=click.Path(path_type=Path), metavar="FILE", help="Certificate chain (PEM).")
@click.option("--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="Key of the certificate (PEM).")
@click.option("--tls-dev", is_flag=True, help="Make a CA and a certificate in DIR/tls, for development.")
@click.option(
    "--trusted-proxy", metavar="CIDR", multiple=True, help="Believe X-Forwarded-For of this address or network."
)
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    envvar="TRUSTPUB_SECRET_FILE",
    help="Where the secret that signs tokens is.  [default: DIR/secret]",
)
@click.option(
    "--private/--public",
    default=None,
    help="Whether reading needs a token.  [default: private, unless nobody but this machine reaches the index]",
)
@taking
@mailing
@sign_in
@click.option("--rehearsal", is_flag=True, help="Accept issuers on loopback and .test. At the first start only.")
@click.option("--ephemeral", is_flag=True, help="A temporary folder, a free port and --tls-dev; gone at the end.")
@click.option("--json", "as_json", is_flag=True, help="Once it listens, print one line of JSON.")
@click.option("--github-env", is_flag=True, help="With --ephemeral: set the variables for the job's next steps.")
def serve(trusted_proxy: tuple[str, ...], port: int | None, **options: Any) -> None:
    """Run an index with Trusted Publishing, until it is told to stop."""
    _check_options(options)
    with ExitStack() as stack:
        if options["ephemeral"]:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="trustpub-"))
            options |= {"data": Path(folder) / "index", "tls_dev": options["tls_cert"] is None}
        default_port = 0 if options["ephemeral"] else 8080
        wish = Wish(
            taking={**settings(options), "relay": relay(options), "open_id": open_id(options)},
            **options,
            port=default_port if port is None else port,
            trusted_proxies=tuple(_network(one) for one in trusted_proxy),
        )
        _check_exposure(wish)
        seen = screen()
        # What --json and --ephemeral print is read by a program, which wants that and nothing else.
        seen.aside = wish.as_json or wish.ephemeral
        _log(seen)
        _serve(wish, seen)


def _serve(wish: Wish, seen: Screen) -> None:
    from trustpub.index.adapters.files import clear_staging
    from trustpub.index.adapters.lock import FolderLock
    from trustpub.index.bootstrap.opening import open_folder, prepare
    from trustpub.index.bootstrap.urls import read_public_url
    from trustpub.index.serving import run

    public_url = None if wish.public_url is None else read_public_url(wish.public_url)
    prepare(wish.data)
    with FolderLock(wish.data) as lock, _bound(wish) as listening:
        swept = clear_staging(wish.data)
        local_url = (
            None if wish.wildcard else f"{wish.scheme}://{_authority(_name(wish.host), listening.getsockname()[1])}"
        )
        opened = open_folder(
            wish.data,
            create=True,
            rehearsal=wish.rehearsal,
            secret_file=wish.secret_file,
            public_url=public_url,
            local_url=local_url,
            clock=time.time,
            env=os.environ,
        )
        with opened as folder:
            _believe_own(wish, folder)
            made = _dev_tls(wish, folder)
            for sentence in folder.said:
                seen.step(sentence)
            swept += folder.blobs.sweep(folder.store)
            if swept:
                seen.step(f"{swept} leftover(s) of an earlier run removed from the folder")
            ca = None if made is None else str(made.ca.resolve())
            facts = {"url": folder.public_url, "ca": ca, "audience": folder.audience, "data": str(wish.data.resolve())}

            # Only where a person reads it: what --json and --ephemeral print goes into the logs of jobs.
            first = None if wish.as_json or wish.ephemeral else folder.invitations.first()
            private = wish.is_private(folder.public_url)
            stopping = _Stopping()

            def started() -> None:
                stopping.expected = True
                lock.tell({"pid": os.getpid(), **{name: facts[name] for name in ("url", "ca", "audience")}})
                _announce(wish, facts, seen, rehearsal=folder.rehearsal, private=private, first=first)

            stopping.take_over()
            run(
                folder,
                listening,
                replace(folder.settings, private=private, **wish.taking),
                certificate=made.certificate if made else wish.tls_cert,
                key=made.key if made else wish.tls_key,
                trusted_proxies=wish.trusted_proxies,
                started=started,
            )
    seen.step("Stopped.")


def _believe_own(wish: Wish, folder: Folder) -> None:
    """Take attestations from the Sigstore instance that clients are told to sign with."""
    content = wish.taking["trust_config"]
    if content is not None:
        from trustpub.proofs.instance import read_instance

        instance = read_instance(content, "the trust configuration", now=time.time())
        folder.trust.adopt(OWN_SIGSTORE, instance.trusted_root)


class _Stopping:
    """Makes of SIGTERM and SIGINT what they are to a server: the ordinary way to end, with exit code 0.

    While it serves, uvicorn has handlers of its own; once it has ended it raises what it caught again, for these here.
    """

    def __init__(self) -> None:
        self.expected = False
        """Whether it got as far as serving, so that uvicorn has seen the signal and acted on it."""

    def take_over(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self.expected:
            sys.exit(0)


def _check_options(options: Mapping[str, Any]) -> None:
    if options["ephemeral"] and options["data"]:
        raise Misuse("--ephemeral makes its own folder.", hint="Leave out --data, or --ephemeral.")
    if not options["ephemeral"] and not options["data"]:
        raise Misuse("Where is the index to be kept?", hint="Name a folder with --data DIR, or add --ephemeral.")
    if options["github_env"] and not options["ephemeral"]:
        raise Misuse("--github-env goes with --ephemeral only.")
    if options["github_env"] and not os.environ.get("GITHUB_ENV"):
        raise Misuse("--github-env needs the variable GITHUB_ENV, which GitHub sets in a job.")
    if bool(options["tls_cert"]) != bool(options["tls_key"]):
        raise Misuse("--tls-cert and --tls-key go together.")
    if options["tls_dev"] and options["tls_cert"]:
        raise Misuse("--tls-dev makes a certificate, and --tls-cert names one.", hint="Leave out one of them.")
    if options["tls_cert"]:
        _check_certificate(options["tls_cert"], options["tls_key"])


def _check_certificate(certificate: Path, key: Path) -> None:
    import ssl

    for path in (certificate, key):
        if not path.is_file():
            raise Misuse(f"There is no file {printable(str(path))}.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError):
        raise Misuse(
            f"{printable(str(certificate))} and {printable(str(key))} are not a certificate and its key (PEM, without "
            "a passphrase)."
        ) from None


def _check_exposure(wish: Wish) -> None:
    if is_loopback(wish.host) or wish.scheme == "https" or wish.trusted_proxies:
        return
    command = f"trustpub serve --data {shlex.quote(str(wish.data))} --host {shlex.quote(wish.host)}"
    raise Misuse(
        f"On {wish.host or 'every address'} others can reach the index, and without TLS they can read its tokens.",
        hint=f"With a certificate:\n  {command} --public-url https://HOST --tls-cert FILE --tls-key FILE\n"
        "Behind a proxy that has one:\n"
        f"  {command} --public-url https://HOST --trusted-proxy CIDR",
    )


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Misuse(
            f"--trusted-proxy {printable(text)!r} is neither an address nor a network such as 10.0.0.0/8."
        ) from (None)
    if network.prefixlen == 0:
        raise Misuse(f"--trusted-proxy {network} is everybody, who then may pretend to come from anywhere.")
    return str(network)


@contextmanager
def _bound(wish: Wish) -> Iterator[socket.socket]:
    """A socket on the wished address: bound here, so that the port is known, and taken, before anything is made."""
    try:
        infos = socket.getaddrinfo(wish.host or None, wish.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        raise Misuse(f"{printable(wish.host)!r} is no address of this machine.") from None
    family, kind, protocol, _, address = infos[0]
    with socket.socket(family, kind, protocol) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(2048)
        except OSError as error:
            raise _not_bound(wish, error) from None
        yield listening


def _not_bound(wish: Wish, error: OSError) -> Misuse:
    if error.errno == errno.EADDRINUSE:
        return Misuse(
            f"Port {wish.port} on {wish.host} is taken by another program.",
            hint="Name another with --port, or take a free one with --port 0.",
        )
    if error.errno == errno.EACCES:
        return Misuse(f"Port {wish.port} is not for everybody.", hint="Name one above 1023 with --port.")
    return Misuse(f"The index cannot listen on {wish.host} port {wish.port}: {error.strerror}.")


def _name(host: str) -> str:
    """``localhost`` for the usual address of this machine: pip 24 takes no certificate for an address."""
    return "localhost" if host == "127.0.0.1" else host


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _dev_tls(wish: Wish, folder: Folder) -> DevTls | None:
    if not wish.tls_dev:
        return None
    from trustpub.index.adapters.tls import make

    public = urlsplit(folder.public_url).hostname or ""
    hosts = [public] if wish.wildcard else [wish.host, public]
    return make(wish.data / "tls", hosts, time.time())


def _announce(
    wish: Wish,
    facts: Mapping[str, str | None],
    seen: Screen,
    *,
    rehearsal: bool,
    private: bool,
    first: Invited | None,
) -> None:
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


def _log(seen: Screen) -> None:
    """One line per request and per event of note on standard error."""
    level = logging.WARNING if seen.quiet else logging.INFO
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("uvicorn", "uvicorn.error", "alembic", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
