# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Identity providers that the index believes. One is asked for its keys, here and now, before it is believed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trustpub.errors import Misuse
from trustpub.index.accounts.authority import Action
from trustpub.index.issuers import ALGORITHMS, WantedTerms
from trustpub.index.kept import Issuer
from trustpub.index.ports import IssuerDown
from trustpub.index.web.site.administration import BASE
from trustpub.index.web.site.forms import Form
from trustpub.index.web.site.skeleton import Page, Site, administrator, confirmed
from trustpub.printable import quoted
from trustpub.trust.issuers import PROVIDERS

_LONGEST = 32_768
_NUMBERS = ("max_age", "max_lifetime", "token_lifetime")


@administrator
async def listed(site: Site, request: Request) -> Response:
    """All issuers, and what can be done to each."""

    def look() -> tuple[Sequence[Issuer], Mapping[str, int]]:
        with site.acting.index(site.actor(request), Action.INDEX_ISSUERS):
            return site.issuers.all(), Counter(one.issuer for one in site.publishers.all())

    found, publishers = await site.run(look)
    titles = {kind: provider.title for kind, provider in PROVIDERS.items()}
    return site.page(request, "admin_issuers.html", issuers=found, publishers=publishers, titles=titles)


@administrator
@confirmed
async def act(site: Site, request: Request) -> Response:
    """Switch one on or off, have its keys forgotten, or believe it no more."""
    form = await site.form(request)
    url = form.text("url")

    def change() -> str:
        with site.acting.index(site.actor(request), Action.INDEX_ISSUERS):
            match form.text("do", 20):
                case "enable" | "disable" as word:
                    site.issuers.switch(url, on=word == "enable")
                    return f"Tokens of {url} are {'taken again' if word == 'enable' else 'not taken'}."
                case "forget":
                    site.issuers.forget_keys(url)
                    return f"The keys of {url} are fetched anew before its next token is believed."
                case "remove":
                    site.issuers.remove(url)
                    return f"{url} is believed no more."
            raise Misuse("There is no such thing to do.")

    return site.to(site.link("admin.issuers"), said=await site.run(change))


@administrator
async def form_page(site: Site, request: Request) -> Response:
    """The form for a new one, or, with ``url``, for what is known of one."""
    url = request.query_params.get("url", "")

    def look() -> Issuer | None:
        with site.acting.index(site.actor(request), Action.INDEX_ISSUERS):
            return site.issuers.get(url) if url else None

    known = await site.run(look)
    return _form(site, request, _fields_of(known), known=known is not None)


@administrator
@confirmed
async def put(site: Site, request: Request) -> Response:
    """Ask the issuer for its keys; if that was the wish, believe it if they are good."""
    form = await site.form(request)
    fields = {name: form.text(name, _LONGEST) for name in _fields_of(None)}
    known = form.get("known") == "yes"

    def judge() -> tuple[Issuer, Mapping[str, Mapping[str, Any] | str], str]:
        with site.acting.index(site.actor(request), Action.INDEX_ISSUERS):
            wanted = _wanted(form)
            issuer = site.issuers.make(fields["url"], fields["kind"], **wanted)
            try:
                keys = site.probe.probe(issuer)
            except IssuerDown as down:
                raise Misuse(f"{fields['url']} was asked, and {down}.", hint="Nothing was changed.") from None
            if all(isinstance(one, str) for one in keys.values()):
                raise Misuse("It has no key by which a signature could be believed.", hint="Nothing was changed.")
            if form.text("do", 20) != "believe":
                return issuer, keys, ""
            done = site.issuers.add(fields["url"], fields["kind"], **wanted)
            if not done.replaced:
                return issuer, keys, f"{issuer.url} is {'believed' if done.before is None else 'changed'}."
            return (
                issuer,
                keys,
                (
                    f"The keys of {issuer.url} come from elsewhere now: whoever holds them can publish as each of its "
                    f"{done.publishers} publishers."
                ),
            )

    try:
        _, keys, said = await site.run(judge)
    except Misuse as fault:
        return _form(site, request, fields, known=known, fault=fault.message, hint=fault.hint or "")
    if said:
        return site.to(site.link("admin.issuers"), said=said)
    told = [(kid, one if isinstance(one, str) else "", _of(one)) for kid, one in sorted(keys.items())]
    return _form(site, request, fields, known=known, keys=told)


def _form(
    site: Site,
    request: Request,
    fields: Mapping[str, str],
    *,
    known: bool,
    keys: Sequence[tuple[str, str, str]] = (),
    fault: str = "",
    hint: str = "",
) -> Response:
    return site.page(
        request,
        "admin_issuer.html",
        status=400 if fault else 200,
        fields=fields,
        known=known,
        keys=keys,
        fault=fault,
        hint=hint,
        kinds=[(kind, provider.title) for kind, provider in PROVIDERS.items()],
        algorithms=[("", "as its kind does"), *((one, one) for one in ALGORITHMS), ("both", "RS256 and ES256")],
    )


def _fields_of(known: Issuer | None) -> dict[str, str]:
    """What the form shows. Terms that are those of the kind are left open."""
    if known is None:
        names = "url kind jwks ca audience jwks_hosts private algorithms array_audience"
        return dict.fromkeys((*names.split(), *_NUMBERS), "") | {"kind": "github"}
    usual = PROVIDERS[known.kind].terms
    terms = known.terms
    algorithms = "both" if len(terms.algorithms) > 1 else terms.algorithms[0]
    return {
        "url": known.url,
        "kind": known.kind,
        "jwks": "" if known.jwks is None else json.dumps(known.jwks, indent=1),
        "ca": known.ca or "",
        "audience": known.audience or "",
        "jwks_hosts": " ".join(known.jwks_hosts),
        "private": "yes" if known.private else "",
        "algorithms": "" if terms.algorithms == usual.algorithms else algorithms,
        "array_audience": "yes" if terms.array_audience else "",
        **{
            name: "" if getattr(terms, name) == getattr(usual, name) else str(getattr(terms, name)) for name in _NUMBERS
        },
    }


def _wanted(form: Form) -> dict[str, Any]:
    """As :meth:`trustpub.index.manage.issuers.Issuers.add` takes it.

    Raises:
        Misuse: something cannot be read.
    """
    algorithms = {"": None, "both": ALGORITHMS}.get(form.text("algorithms", 20), (form.text("algorithms", 20),))
    terms = WantedTerms(
        algorithms=algorithms,
        array_audience=True if form.get("array_audience") == "yes" else None,
        **{name: _number(form, name) for name in _NUMBERS},
    )
    return {
        "jwks": _jwks(form.text("jwks", _LONGEST)),
        "ca": form.text("ca", _LONGEST) or None,
        "audience": form.text("audience", 300) or None,
        "jwks_hosts": form.text("jwks_hosts").split(),
        "private": form.get("private") == "yes",
        "terms": terms,
    }


def _number(form: Form, name: str) -> int | None:
    text = form.text(name, 20)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Misuse(f"{quoted(text)} is no number of seconds.")
    return int(text)


def _jwks(text: str) -> Mapping[str, Any] | None:
    if not text:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Misuse("The key set is not a JSON object.")
    return found


def _of(key: Mapping[str, Any] | str) -> str:
    return "" if isinstance(key, str) else {"RSA": "RS256", "EC": "ES256"}[key["kty"]]


ROUTES = (
    Page(path=BASE + "issuers/", view=listed, name="admin.issuers"),
    Page(path=BASE + "issuers/", view=act, name="admin.issuers.post", methods=("POST",)),
    Page(path=BASE + "issuers/one/", view=form_page, name="admin.issuer"),
    Page(path=BASE + "issuers/one/", view=put, name="admin.issuer.post", methods=("POST",)),
)
