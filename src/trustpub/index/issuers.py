# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Which issuers an index may be told to believe, by which keys, and on which terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from trustpub.addresses import is_local_name, is_loopback, is_own, literal, objection
from trustpub.errors import Misuse
from trustpub.index.jwk import fault
from trustpub.index.kept import Issuer
from trustpub.printable import quoted
from trustpub.trust.issuers import PROVIDERS, belongs_to
from trustpub.trust.provider import SHARED_AUDIENCE_AGE, Provider, Terms

ALGORITHMS = ("RS256", "ES256")
"""What an issuer may sign with here (RFC 7518 section 3.1)."""
AGE_SECONDS = (60, 86_400)
"""Least and most for :attr:`Terms.max_age` and :attr:`Terms.max_lifetime`: no CI needs more than a day."""
TOKEN_SECONDS = (900, 21_600)
"""Least and most that an upload token may live (PEP 807)."""
MOST_HOSTS = 8

_HOST = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_-]*[A-Za-z_-][A-Za-z0-9_-]*\.?\Z"
)
"""A DNS name; its last label is no number, for ``127.1`` is an address to some resolvers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedTerms:
    """What an administrator wants of :class:`~trustpub.trust.provider.Terms`; None: as the provider has it."""

    algorithms: Sequence[str] | None = None
    array_audience: bool | None = None
    max_age: int | None = None
    max_lifetime: int | None = None
    token_lifetime: int | None = None


def make(
    url: str,
    kind: str,
    *,
    rehearsal: bool,
    jwks: Mapping[str, Any] | None = None,
    ca: str | None = None,
    terms: WantedTerms | None = None,
    audience: str | None = None,
    jwks_hosts: Sequence[str] = (),
    private: bool = False,
) -> Issuer:
    """The issuer that an administrator describes, with everything checked that can be without asking anybody.

    ``url``: exactly the ``iss`` of its tokens. ``jwks``: its keys, which are then never fetched. ``ca``: PEM
    certificates to fetch them with. ``audience``: the one that all relying parties of the issuer share, accepted by
    naming it; only for providers whose jobs cannot choose theirs. ``private``: it may be at a private address.

    Raises:
        Misuse: something of it is not what it must be.
    """
    provider = check_kind(kind)
    check_url(url, rehearsal=rehearsal)
    check_form(url, provider)
    issuer = Issuer(
        url=url,
        kind=kind,
        jwks=jwks,
        ca=ca,
        terms=make_terms(provider, terms),
        audience=audience,
        jwks_hosts=check_hosts(jwks_hosts),
        private=private,
    )
    check_audience(issuer, provider)
    if jwks is None:
        check_place(issuer, rehearsal=rehearsal)
    else:
        check_jwks(jwks)
    if ca is not None:
        check_ca(ca)
    return issuer


def check_kind(kind: str) -> Provider:
    """The provider of this kind.

    Raises:
        Misuse: there is none.
    """
    provider = PROVIDERS.get(kind)
    if provider is None:
        raise Misuse(f"{quoted(kind)} is no kind of issuer.", hint=f"Known: {', '.join(PROVIDERS)}.")
    return provider


def check_url(url: str, *, rehearsal: bool) -> None:
    """That ``url`` can be an issuer of this index, spelled as its ``iss``.

    Raises:
        Misuse: it cannot.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Misuse(f"The issuer {quoted(url)} is not a URL.") from None
    if not url.isascii() or not url.isprintable() or " " in url or not (_HOST.match(host) or literal(host)):
        raise Misuse(f"The issuer {quoted(url)} is not a URL with a host.")
    if parts.query or parts.fragment or "@" in parts.netloc or url.endswith(("?", "#")):
        raise Misuse(f"The issuer {quoted(url)} has a user, a query or a fragment, which no issuer has.")
    if is_own(host) and not rehearsal:
        raise Misuse(
            f"The issuer {quoted(url)} is on this machine or under .test, which only a rehearsal believes.",
            hint="A rehearsal is an index whose folder was made with: trustpub serve --rehearsal",
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise Misuse(
            f"The issuer {quoted(url)} does not start with https://.",
            hint="Its keys could be exchanged on the way.",
        )


def check_form(url: str, provider: Provider) -> None:
    """That an issuer of this kind can have this URL, and that it is not known to be of another kind.

    Raises:
        Misuse: it cannot, or it is.
    """
    owner = belongs_to(url)
    if owner is not None and owner != provider.kind:
        raise Misuse(
            f"The issuer {quoted(url)} is one of kind {owner}, and cannot be one of kind {provider.kind}.",
            hint=f"Give --kind {owner}: then its tokens are read by the rules of {PROVIDERS[owner].title}.",
        )
    # A rehearsal plays every provider on this machine, where no form can hold.
    if not is_own(_parts(url).hostname or "") and not provider.is_issuer(url):
        raise Misuse(
            f"The issuer {quoted(url)} is not one of {provider.title}.",
            hint=f"Those look like {provider.issuer_form}",
        )


def make_terms(provider: Provider, wanted: WantedTerms | None = None) -> Terms:
    """The provider's terms, changed as the administrator wants.

    Raises:
        Misuse: what comes out is no algorithm we know, or out of bounds.
    """
    changes = {name: value for name, value in asdict(wanted or WantedTerms()).items() if value is not None}
    if "algorithms" in changes:
        changes["algorithms"] = tuple(dict.fromkeys(changes["algorithms"]))
    terms = replace(provider.terms, **changes)
    check_terms(terms)
    if provider.fixed_audience and terms.max_age > SHARED_AUDIENCE_AGE:
        if "max_age" in changes:
            raise Misuse(
                f"Tokens of {provider.title} may be {SHARED_AUDIENCE_AGE} seconds old at most, not {terms.max_age}.",
                hint="Their audience is shared, so others who are shown one could use it here.",
            )
        terms = replace(terms, max_age=SHARED_AUDIENCE_AGE)
    return terms


def check_terms(terms: Terms) -> None:
    """That tokens can be taken on these terms.

    Raises:
        Misuse: they cannot; the sentence names the bound.
    """
    unknown = [name for name in terms.algorithms if name not in ALGORITHMS]
    if unknown or not terms.algorithms:
        shown = quoted(str(unknown[0])) if unknown else "None"
        raise Misuse(f"{shown} is no algorithm an issuer can sign with here.", hint=f"Known: {', '.join(ALGORITHMS)}.")
    _check_bounds("age of an identity token", terms.max_age, AGE_SECONDS)
    _check_bounds("lifetime of an identity token", terms.max_lifetime, AGE_SECONDS)
    _check_bounds("lifetime of an upload token", terms.token_lifetime, TOKEN_SECONDS)


def check_audience(issuer: Issuer, provider: Provider) -> None:
    """That an audience which others share is accepted with open eyes, and only where there is no other.

    Raises:
        Misuse: it was not accepted, there is no need to, or the issuer is not one of a single tenant.
    """
    audience = issuer.audience
    if not provider.fixed_audience:
        if audience is not None:
            raise Misuse(
                f"Jobs of {provider.title} choose the audience of their tokens, so no shared one is accepted.",
                hint="Leave --accept-shared-audience out.",
            )
        return
    if audience is None:
        raise Misuse(
            f"Jobs of {provider.title} cannot choose the audience of their tokens: whoever else is shown one can "
            "use it here.",
            hint=f"To accept that for tokens at most {SHARED_AUDIENCE_AGE} seconds old, add "
            "--accept-shared-audience AUDIENCE with the `aud` that they have.",
        )
    if not 0 < len(audience) <= 300 or not audience.isascii() or not audience.isprintable() or " " in audience:
        raise Misuse(f"{quoted(audience)} cannot be an audience.", hint="At most 300 characters of ASCII, no blanks.")
    if issuer.url in provider.issuers:
        raise Misuse(
            f"The issuer {quoted(issuer.url)} is that of all customers of {provider.title}: with an audience that is "
            "shared too, each of their tokens would be good here.",
            hint=f"Only an issuer of one customer is believed: {provider.issuer_form}",
        )


def check_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Hosts, ``NAME`` or ``NAME:PORT``, on which a key set may be beside the issuer's own; in lower case.

    Raises:
        Misuse: one is no host, or there are too many.
    """
    found = tuple(dict.fromkeys(_host(host) for host in hosts))
    if len(found) > MOST_HOSTS:
        raise Misuse(f"{len(found)} hosts for key sets are too many: at most {MOST_HOSTS}.")
    return found


def check_place(issuer: Issuer, *, rehearsal: bool) -> None:
    """That every place whose keys would be asked for is on the public internet, or allowed to be elsewhere.

    Only what a name says is checked. Its address is when a connection is made.

    Raises:
        Misuse: it is not.
    """
    for host in (_parts(issuer.url).hostname or "", *(_parts(f"//{one}").hostname or "" for one in issuer.jwks_hosts)):
        if rehearsal and is_own(host):
            continue
        if literal(host) is not None and (why := objection(host, private=True)) is not None:
            raise Misuse(f"The host {quoted(host)} {why}, which no index asks for keys.")
        outside = literal(host) is not None and objection(host, private=False) is not None
        if not issuer.private and (outside or is_local_name(host)):
            raise Misuse(
                f"The host {quoted(host)} is not on the public internet.",
                hint="If the index may ask it for keys all the same, add --private; or give the keys with --jwks FILE.",
            )


def check_jwks(jwks: Mapping[str, Any]) -> None:
    """That a key set (RFC 7517 section 5) holds public keys with ids, each fit for use, and nothing private.

    Raises:
        Misuse: it does not.
    """
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise Misuse('The key set is not {"keys": […]} with at least one key.')
    if any("d" in key or "k" in key for key in keys):
        raise Misuse(
            "The key set holds a private or a shared key.",
            hint="Give the public part only, and consider that key as lost.",
        )
    ids = [key.get("kid") for key in keys]
    if not all(isinstance(kid, str) and kid for kid in ids) or len(set(ids)) != len(ids):
        raise Misuse("The keys of the set do not all have an id (`kid`) of their own.")
    for key in keys:
        if (why := fault(key)) is not None:
            raise Misuse(f"The key {quoted(key['kid'])} of the set cannot be used: it {why}.")


def check_ca(ca: str) -> None:
    """That ``ca`` holds certificates in PEM form, and nothing that must stay private.

    Raises:
        Misuse: it does not.
    """
    from cryptography import x509

    if "PRIVATE KEY" in ca:
        raise Misuse("The file of certificates holds a private key.", hint="Give the certificates only.")
    try:
        x509.load_pem_x509_certificates(ca.encode())
    except ValueError:
        raise Misuse("The file of certificates holds no certificate in PEM form.") from None


def _parts(url: str) -> SplitResult:
    return urlsplit(url)


def _check_bounds(what: str, value: int, bounds: tuple[int, int]) -> None:
    least, most = bounds
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Misuse(f"The {what} is to be {quoted(str(value))} seconds, which must be between {least} and {most}.")


def _host(text: str) -> str:
    try:
        parts = _parts(f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    shown = f"[{host}]" if ":" in host else host
    plain = shown if port is None else f"{shown}:{port}"
    if not (_HOST.match(host) or literal(host)) or plain != text.lower():
        raise Misuse(
            f"{quoted(text)} is not a host on which a key set can be.",
            hint="A name, such as keys.example.com, or with a port, keys.example.com:8443. No URL.",
        )
    return plain
