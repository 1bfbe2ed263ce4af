# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Google Cloud: service accounts, as whose identity virtual machines, Cloud Build and functions run.

Claims: cloud.google.com, "Verify the identity of instances"; developers.google.com, "OpenID Connect". People's Google
accounts have the same issuer, so only addresses under ``gserviceaccount.com`` count. There is no ``jti``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trustpub.trust.checks import anchored, folded, same
from trustpub.trust.claims import BadClaim, SignedClaims, text
from trustpub.trust.decision import Check, Circumstances
from trustpub.trust.provider import BadFields, Census, Fault, Field, Provider, Terms
from trustpub.trust.publishers import Publisher
from trustpub.trust.spelling import said, unknown

ISSUER = "https://accounts.google.com"
"""The only one. The form without a scheme, which old libraries knew, is another issuer."""

_EMAIL = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}@(?:[a-z0-9-]{1,63}\.){1,8}gserviceaccount\.com\Z")
_SUB = re.compile(r"[!-~]{1,255}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A workload of Google Cloud, as the service account it runs as."""

    kind: ClassVar[str] = "google"

    issuer: str
    email: str
    """The service account's address. Whoever deletes the account can make another with the same."""
    sub: str
    """Its number, which no other account ever gets."""

    @classmethod
    def from_claims(cls, claims: SignedClaims) -> Identity:
        """The identity these claims describe.

        Raises:
            BadClaim: one is missing or of another form, or the account is not a service account.
        """
        email = text(claims, "email")
        if _EMAIL.match(email) is None:
            raise BadClaim("email", "is not the address of a service account")
        if claims.get("email_verified") is not True:
            raise BadClaim("email_verified", "is not true")
        return cls(issuer=text(claims, "iss"), email=email, sub=text(claims, "sub"))

    @property
    def subject(self) -> str:
        """The service account's address."""
        return self.email

    @property
    def lookups(self) -> frozenset[str]:
        """The service account's address."""
        return frozenset({self.email})

    @property
    def circumstances(self) -> Circumstances:
        """Nothing is said of them, so a rule about them never holds."""
        return Circumstances()

    def anchors(self, publisher: Publisher) -> Mapping[str, str | None]:
        """The account's number."""
        return {"sub": self.sub}

    def specificity(self, publisher: Publisher) -> int:
        """All alike: address and number are all there is."""
        return 0

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Address and number, exactly."""
        return (
            same("email", publisher.fields.get("email", ""), self.email),
            *anchored(publisher, self.anchors(publisher)),
        )


def _spell(fields: Mapping[str, str]) -> dict[str, str]:
    """An address in lower case, as Google writes those of service accounts."""
    found = said(fields, trimmed=("sub",))
    faults = unknown(found, _NAMES, "Google Cloud")
    if not _EMAIL.match(folded(found.get("email", ""))):
        hint = "Such as ci@my-project.iam.gserviceaccount.com. The accounts of people cannot publish."
        faults.append(Fault(field="email", problem="is not the address of a service account", hint=hint))
    if "sub" in found and not _SUB.match(found["sub"]):
        hint = "gcloud iam service-accounts describe EMAIL --format='value(uniqueId)'"
        faults.append(Fault(field="sub", problem="is not the number of a service account", hint=hint))
    if faults:
        raise BadFields(faults)
    return found | {"email": folded(found["email"])}


def _lookup(fields: Mapping[str, str]) -> str:
    return fields["email"]


def _identity_fields(fields: Mapping[str, str]) -> Mapping[str, str]:
    return {"email": fields["email"]}


def _propose(claims: SignedClaims) -> Mapping[str, str]:
    """Address and number."""
    identity = Identity.from_claims(claims)
    return {"email": identity.email, "sub": identity.sub}


PROVIDER = Provider(
    kind=Identity.kind,
    title="Google Cloud",
    fields=(
        Field(name="email", title="Service account", example="ci@my-project.iam.gserviceaccount.com"),
        Field(name="sub", title="Account number", example="111260650121185072906", required=False, immutable=True),
    ),
    # `sub` is checked too; it belongs to the envelope of every token.
    census=Census(
        verified=frozenset({"email", "email_verified"}),
        unchecked=frozenset({"azp", "google"}),
    ),
    identify=Identity.from_claims,
    spell=_spell,
    lookup=_lookup,
    identity_fields=_identity_fields,
    propose=_propose,
    issuers=(ISSUER,),
    issuer_form=ISSUER,
    is_issuer=lambda url: url == ISSUER,
    terms=Terms(max_age=3600, max_lifetime=3600),
    has_jti=False,
    tells=frozenset(),
    kept_claims=("email", "sub", "azp"),
    sources={
        "cloud.google.com, Verify the identity of instances": ("email", "email_verified", "azp", "google"),
    },
    notes=(
        "A token taken by impersonation needs `includeEmail: true`, one of the metadata server `format=full`.",
        "The default service account of a project is shared by all that runs there; make one for publishing.",
        "The token says nothing of a ref, an event or a runner: a rule about these is never kept.",
    ),
    example_claims={
        "iss": ISSUER,
        "sub": "111260650121185072906",
        "azp": "111260650121185072906",
        "email": "ci@my-project.iam.gserviceaccount.com",
        "email_verified": True,
        "google": {
            "compute_engine": {
                "project_id": "my-project",
                "zone": "europe-west1-b",
                "instance_id": "152986662232938449",
            }
        },
    },
    example_fields={"email": "ci@my-project.iam.gserviceaccount.com", "sub": "111260650121185072906"},
)

_NAMES = frozenset(field.name for field in PROVIDER.fields)
