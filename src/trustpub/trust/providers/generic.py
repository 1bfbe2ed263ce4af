# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Any other identity provider: a publisher names the claims that its tokens must have, and their values.

Issuer, audience and subject alone would trust far too much (OpenSSF, "Trusted Publishers for All Package
Repositories"), so a publisher must name at least one id that is never given to anybody else, and at least one claim
that says which workload it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from trustpub.printable import printable
from trustpub.trust.claims import BadClaim, SignedClaims, text
from trustpub.trust.decision import Check, Circumstances
from trustpub.trust.provider import BadFields, Census, Fault, Provider
from trustpub.trust.publishers import Publisher
from trustpub.trust.values import MAX_VALUES, TooManyValues, bare, plain_values
from trustpub.trust.wanted import MAX_FIELDS, claim_fault, equal, spell_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A job of which nothing is known but its claims."""

    kind: ClassVar[str] = "generic"

    issuer: str
    values: Mapping[str, str]
    """Every plain value, as compact JSON, by the name of its claim."""

    @classmethod
    def from_claims(cls, claims: SignedClaims) -> Identity:
        """The identity these claims describe.

        Raises:
            BadClaim: there is no ``iss``, or there are too many claims.
        """
        try:
            return cls(issuer=text(claims, "iss"), values=plain_values(claims))
        except TooManyValues:
            raise BadClaim("*", f"has more than {MAX_VALUES} values") from None

    @property
    def subject(self) -> str:
        """``sub``, for people; nothing is decided by it alone."""
        return printable(bare(self.values.get("sub", "null")) or self.issuer, 200)

    @property
    def lookups(self) -> frozenset[str]:
        """Every claim with its value."""
        return frozenset(f"{name}={value}" for name, value in self.values.items())

    @property
    def circumstances(self) -> Circumstances:
        """None: which claims tell them is not known."""
        return Circumstances()

    def anchors(self, publisher: Publisher) -> Mapping[str, str | None]:
        """The claims that the publisher's registration calls ids."""
        return {name: self.values.get(name) for name in publisher.immutable}

    def specificity(self, publisher: Publisher) -> int:
        """Who names more claims is more specific."""
        return len(publisher.fields)

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Every claim that the publisher names, ids first; and that it names an id, and something else."""
        wanted = publisher.fields
        ids = [name for name in publisher.immutable if name in wanted]
        rest = [name for name in wanted if name not in ids]
        checks = [equal(name, wanted[name], self.values.get(name)) for name in (*ids, *rest)]
        if not ids or len(ids) < len(publisher.immutable) or not rest:
            given = f"{len(ids)} and {len(rest)}"
            checks.insert(0, Check(field="fields", wanted="ids, and claims beside them", given=given, holds=False))
        return tuple(checks)


def check_marks(fields: Collection[str], immutable: Collection[str], workload: Collection[str]) -> None:
    """That a registration says of its fields which are ids and which name the workload, and has both.

    ``fields``: names of spelled fields.

    Raises:
        BadFields: it does not, or a field is marked as both, or none of its fields is.
    """
    faults = [
        Fault(field=name, problem=f"is called {mark}, and is not among the fields", hint="Add it as a field.")
        for mark, names in (("immutable", immutable), ("workload", workload))
        for name in names
        if name not in fields
    ]
    faults += [
        Fault(field=name, problem="is called both immutable and workload", hint="An id is not what tells jobs apart.")
        for name in immutable
        if name in workload
    ]
    faults += [fault for name in (*immutable, *workload) if (fault := claim_fault(name)) is not None]
    if not immutable:
        hint = "Name the claim that holds the id of the project or account, and is never given to anybody else."
        faults.append(Fault(field="immutable", problem="names no field", hint=hint))
    if not workload:
        hint = "Name the claim that says which workflow, pipeline or job it is; `sub` alone is not enough."
        faults.append(Fault(field="workload", problem="names no field", hint=hint))
    if faults:
        raise BadFields(faults)


def _spell(fields: Mapping[str, str]) -> dict[str, str]:
    """Each value as compact JSON."""
    faults: list[Fault] = []
    found: dict[str, str] = {}
    for name, value in fields.items():
        fault = claim_fault(name) or _needless_pointer(name)
        spelled = spell_json(name, value) if fault is None else fault
        if isinstance(spelled, Fault):
            faults.append(spelled)
        else:
            found[name] = spelled
    if not fields:
        faults.append(Fault(field="fields", problem="are missing", hint="Name claims and their values."))
    if len(fields) > MAX_FIELDS:
        faults.append(Fault(field="fields", problem=f"are more than {MAX_FIELDS}"))
    if faults:
        raise BadFields(faults)
    return found


def _needless_pointer(name: str) -> Fault | None:
    """A claim at the top has one name only, so that no publisher can be registered twice under two."""
    if not name.startswith("/") or name.count("/") > 1 or name.startswith("/~1"):
        return None
    return Fault(field=name, problem="is a pointer to a claim at the top", hint="Write its name without the slash.")


def _lookup(fields: Mapping[str, str]) -> str:
    """The longest value is the most telling; every field must be equal anyway."""
    name = max(sorted(fields), key=lambda one: len(fields[one]))
    return f"{name}={fields[name]}"


PROVIDER = Provider(
    kind=Identity.kind,
    title="Any other OpenID Connect provider",
    fields=(),
    census=Census(verified=frozenset(), prefixes=("",)),  # whatever there is, nobody can call it new
    identify=Identity.from_claims,
    spell=_spell,
    lookup=_lookup,
    identity_fields=dict,
    issuer_form="https://HOST[/PATH]",
    has_jti=False,
    tells=frozenset(),
    kept_claims=("sub",),
    sources={"codefresh-io/docs 0d0a610, OpenID Connect": ("account_id", "pipeline_id")},
    notes=(
        (
            "A publisher says of its fields which are `--immutable`, ids that are never given to anybody else, and "
            "which `--workload`, naming the workflow, pipeline or job: at least one of each, and none is both."
        ),
        (
            "A field is a claim, by name or, inside of objects, by JSON Pointer (RFC 6901), as `/outer/inner`. Its "
            "value is JSON: strings stand in double quotes. Whole numbers are equal by value (`1.0` is `1`), a string "
            "is no number, and `true` is neither. Arrays, objects, null and fractions cannot be wanted."
        ),
        (
            "`iss`, `aud`, `exp`, `nbf`, `iat` and `jti` cannot be wanted: they are verified for every token, or "
            "differ in each."
        ),
        "The host of an issuer must not be one that belongs to a provider known here.",
        "The example is Codefresh's.",
    ),
    example_claims={
        "iss": "https://oidc.codefresh.io",
        "account_id": "5f92ab5f8b2c9d0e1a3b4c5d",
        "pipeline_id": "64f0d7c2e5a1b3948c7d6e0f",
    },
    example_fields={"account_id": '"5f92ab5f8b2c9d0e1a3b4c5d"', "pipeline_id": '"64f0d7c2e5a1b3948c7d6e0f"'},
)
