# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The page of identity providers, from the table that the index goes by."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from trustpub.trust.issuers import PROVIDERS
from trustpub.trust.provider import SHARED_AUDIENCE_AGE, Census, Field, Provider

RULES = {
    "ref": "`--ref`",
    "ref_protected": "`--protected-ref`",
    "event": "`--event`",
    "runner": "`--runner`",
}


INTRODUCTION = (
    "# Identity providers\n\n"
    "Whose identity tokens an index can be told to believe, and what a publisher of each says. A token is always "
    "verified first: signature, issuer, audience and times. Then every field of the publisher must hold.\n\n"
    "An **id** is never given to anybody else. It is given at registration, or looked up where that is possible, "
    "or pinned by the first job that publishes, if `--pin-on-first-use` says so; a publisher without it trusts "
    "nobody.\n\n"
    "Claims that stand in no table are unknown: a token may have them, and an event says so, for somebody should "
    "look at what is new.\n\n"
    "Ids in the examples are made up.\n\n"
)


def providers_page() -> str:
    """Every provider: what a publisher says, what its tokens hold, and where that was read."""
    parts = [
        INTRODUCTION,
        "| kind | provider | believed from the first start |\n|---|---|---|\n",
    ]
    for one in PROVIDERS.values():
        known = ", ".join(f"`{url}`" for url in one.issuers) or "no"
        parts.append(f"| [`{one.kind}`](#kind-{one.kind}) | {one.title} | {known} |\n")
    parts += map(_provider, PROVIDERS.values())
    return "".join(parts)


def _provider(one: Provider) -> str:
    parts = [f"\n(kind-{one.kind})=\n## {one.title}\n\nIssuer: {_cell(one.issuer_form)}\n"]
    if one.experimental:
        parts.append(
            "\n```{warning}\nExperimental: the documents at hand leave open what its tokens look like. Look at a token "
            "of yours before you register an issuer.\n```\n"
        )
    if one.fixed_audience:
        parts.append(
            "\n```{warning}\nJobs cannot choose the audience of their tokens, so whoever else is shown one could use "
            "it here. Its issuers are registered with `--accept-shared-audience AUDIENCE` only, and tokens are taken "
            f"for {SHARED_AUDIENCE_AGE} seconds.\n```\n"
        )
    if one.fields:
        parts.append("\n| field | what it is | example | |\n|---|---|---|---|\n")
        parts += [f"| `{field.name}` | {_what(field)} | `{field.example}` | {_need(field)} |\n" for field in one.fields]
    rules = ", ".join(option for name, option in RULES.items() if name in one.tells)
    parts.append(f"\nRules that its tokens can tell: {rules or 'none'}.\n")
    parts += _terms(one)
    parts += [f"\n- {note}" for note in one.notes] + ["\n"]
    parts.append(f"\n```sh\n{_commands(one)}\n```\n")
    parts += _census(one.census)
    if one.sources:
        parts.append("\nRead in:\n")
        parts += [f"\n- {name}: {_claims(claims)}" for name, claims in one.sources.items()] + ["\n"]
    return "".join(parts)


def _cell(text: str) -> str:
    """Text of the code, for MyST: nothing of it is a link or markup, and it may stand in a table."""
    return " ".join(
        f"`{word}`" if "://" in word and not word.endswith(",") else f"`{word[:-1]}`," if "://" in word else word
        for word in text.split()
    )


def _what(field: Field) -> str:
    return f"{field.title} (`{field.claim}`)" if field.claim else field.title


def _need(field: Field) -> str:
    if field.immutable:
        return "id, required" if field.required else "id"
    return "required" if field.required else "optional"


def _terms(one: Provider) -> Iterator[str]:
    terms = one.terms
    yield "\n| its tokens | |\n|---|---|\n"
    yield f"| signed with | {', '.join(terms.algorithms)} |\n"
    yield f"| `aud` | a string{', or an array of one' if terms.array_audience else ''} |\n"
    yield f"| `jti` | {'required' if one.has_jti else 'none, or not relied on: what was signed is hashed instead'} |\n"
    yield f"| may be | {terms.max_age} seconds old |\n"
    yield f"| may be made for | {terms.max_lifetime} seconds |\n"


def _commands(one: Provider) -> str:
    issuer = str(one.example_claims["iss"])
    lines = []
    if issuer not in one.issuers:
        shared = " --accept-shared-audience AUDIENCE" if one.fixed_audience else ""
        lines.append(f"trustpub admin issuer add {issuer} --kind {one.kind}{shared} --data DIR")
    said = [f"--field {shlex.quote(f'{name}={value}')}" for name, value in one.example_fields.items()]
    if not one.fields:
        first, *rest = one.example_fields
        said += [f"--immutable {first}", *(f"--workload {name}" for name in rest)]
    known = "" if issuer in one.issuers else f" --issuer {issuer}"
    lines.append(
        " \\\n    ".join([f"trustpub admin publisher add PROJECT --provider {one.kind}{known}", *said, "--data DIR"])
    )
    return "\n".join(lines)


def _census(census: Census) -> Iterator[str]:
    rows = {
        "must be there, and right": census.verified,
        "must be there": census.required,
        "compared where a publisher or a rule asks": census.optional,
        "known, of no consequence": census.unchecked | {f"{start}…" for start in census.prefixes if start},
    }
    if any(rows.values()):
        yield "\n| claims | what is done with them |\n|---|---|\n"
        yield from (f"| {_claims(sorted(claims))} | {what} |\n" for what, claims in rows.items() if claims)


def _claims(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
