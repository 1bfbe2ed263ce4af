# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""The ActiveState Platform: its builder publishes what it built, as somebody's project.

Claims: as PyPI checks them (pypi/warehouse, ``warehouse/oidc/models/activestate.py``); the platform documents none.
The token's lifetime and whether it has a ``jti`` are not documented either; where there is one, it counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from trustpub.trust.checks import anchored, folded, same
from trustpub.trust.claims import BadClaim, SignedClaims, optional_text, text
from trustpub.trust.decision import Check, Circumstances
from trustpub.trust.provider import BadFields, Census, Fault, Field, Provider
from trustpub.trust.publishers import Publisher
from trustpub.trust.spelling import is_plain, said, unknown

ISSUER = "https://platform.activestate.com/api/v1/oauth/oidc"
"""The only one."""

BUILDER = "pypi-publisher"
"""The one of the platform's builders that publishes."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_ID = re.compile(r"[!-~]{1,255}\Z")
_PROJECT = re.compile(r"(?!-)(?!.*--)[.A-Za-z0-9-]{3,40}(?<!-)\Z")
_MAX_NAME = 255
_FURTHER_IDS = ("organization_id", "project_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A build of the ActiveState Platform."""

    kind: ClassVar[str] = "activestate"

    issuer: str
    organization: str
    project: str
    actor_id: str
    """UUID of the account that started the build."""
    builder: str
    organization_id: str | None
    project_id: str | None

    @classmethod
    def from_claims(cls, claims: SignedClaims) -> Identity:
        """The identity these claims describe.

        Raises:
            BadClaim: one that is required is missing or of another form, or ``sub`` names another project.
        """
        organization, project = text(claims, "organization"), text(claims, "project")
        if text(claims, "sub").split(":")[:4] != ["org", organization, "project", project]:
            raise BadClaim("sub", "does not name the organization and project of the other claims")
        return cls(
            issuer=text(claims, "iss"),
            organization=organization,
            project=project,
            actor_id=folded(text(claims, "actor_id")),
            builder=text(claims, "builder"),
            organization_id=optional_text(claims, "organization_id"),
            project_id=optional_text(claims, "project_id"),
        )

    @property
    def subject(self) -> str:
        """Organization and project."""
        return f"{self.organization}/{self.project}"

    @property
    def lookups(self) -> frozenset[str]:
        """Organization and project, case and all."""
        return frozenset({self.subject})

    @property
    def circumstances(self) -> Circumstances:
        """Nothing is said of them, so a rule about them never holds."""
        return Circumstances()

    def anchors(self, publisher: Publisher) -> Mapping[str, str | None]:
        """The account, always; organization and project by their ids where these are registered or may be pinned.

        A name that is taken over brings another account with it, so the account alone tells the new owner from the
        old. The ids of organization and project say more, but the platform does not promise them: they are not
        demanded of a publisher, and a publisher that has one is given no token without it.
        """
        ids = {"organization_id": self.organization_id, "project_id": self.project_id}
        kept = {
            name: given
            for name, given in ids.items()
            if name in publisher.fields or (publisher.pin_on_first_use and given is not None)
        }
        return {"actor_id": self.actor_id, **kept}

    def specificity(self, publisher: Publisher) -> int:
        """One with more ids is meant before one with fewer."""
        return sum(name in publisher.fields for name in _FURTHER_IDS)

    def checks(self, publisher: Publisher) -> tuple[Check, ...]:
        """Organization, project, ids and builder, exactly."""
        wanted = publisher.fields
        return (
            same("organization", wanted.get("organization", ""), self.organization),
            same("project", wanted.get("project", ""), self.project),
            *anchored(publisher, self.anchors(publisher)),
            same("builder", BUILDER, self.builder),
        )


def _spell(fields: Mapping[str, str]) -> dict[str, str]:
    """As the platform allows them; the account's id in lower case."""
    found = said(fields)
    faults = unknown(found, _NAMES, "ActiveState")
    if not _is_organization(found.get("organization", "")):
        hint = "As in the address of the project's page."
        faults.append(Fault(field="organization", problem="is not the name of an organization", hint=hint))
    if not _PROJECT.match(found.get("project", "")):
        hint = "3 to 40 letters, digits, dots and dashes; no dash at an end, no two in a row."
        faults.append(Fault(field="project", problem="is not a name that the platform gives projects", hint=hint))
    if not _UUID.match(folded(found.get("actor_id", ""))):
        hint = "The id of the account that publishes, 8-4-4-4-12 hexadecimal digits; not its name."
        faults.append(Fault(field="actor_id", problem="is not the id of an account", hint=hint))
    faults += [
        Fault(field=name, problem="is not an id", hint="Without blanks, at most 255 characters.")
        for name in _FURTHER_IDS
        if name in found and not _ID.match(found[name])
    ]
    if faults:
        raise BadFields(faults)
    return found | {"actor_id": folded(found["actor_id"])}


def _is_organization(value: str) -> bool:
    return 0 < len(value) <= _MAX_NAME and value == value.strip() and ":" not in value and is_plain(value)


def _lookup(fields: Mapping[str, str]) -> str:
    return f"{fields['organization']}/{fields['project']}"


def _identity_fields(fields: Mapping[str, str]) -> Mapping[str, str]:
    return {name: fields[name] for name in ("organization", "project", "actor_id")}


def _propose(claims: SignedClaims) -> Mapping[str, str]:
    """Organization, project, account, and the further ids that are there."""
    identity = Identity.from_claims(claims)
    found = {
        "organization": identity.organization,
        "project": identity.project,
        "actor_id": identity.actor_id,
        "organization_id": identity.organization_id,
        "project_id": identity.project_id,
    }
    return {name: value for name, value in found.items() if value}


_VERIFIED = frozenset({"organization", "project", "actor_id", "builder"})
_UNCHECKED = frozenset({"actor", "artifact_id", "ingredient", "project_path", "project_visibility"})
_KEPT = "organization organization_id project project_id actor_id builder artifact_id"

PROVIDER = Provider(
    kind=Identity.kind,
    title="ActiveState",
    fields=(
        Field(name="organization", title="Organization", example="my-organization"),
        Field(name="project", title="Project", example="sampleproject"),
        Field(name="actor_id", title="Account id", example="00000000-0000-1000-8000-000000000002", immutable=True),
        Field(
            name="organization_id",
            title="Organization id",
            example="00000000-0000-1000-8000-000000000003",
            required=False,
        ),
        Field(name="project_id", title="Project id", example="00000000-0000-1000-8000-000000000004", required=False),
    ),
    census=Census(
        verified=_VERIFIED,
        optional=frozenset(_FURTHER_IDS),
        unchecked=_UNCHECKED,
    ),
    identify=Identity.from_claims,
    spell=_spell,
    lookup=_lookup,
    identity_fields=_identity_fields,
    propose=_propose,
    issuers=(ISSUER,),
    issuer_form=ISSUER,
    is_issuer=lambda url: url == ISSUER,
    has_jti=False,
    tells=frozenset(),
    kept_claims=tuple(_KEPT.split()),
    sources={
        "pypi/warehouse 6b62157, warehouse/oidc/models/activestate.py": tuple(
            sorted(_VERIFIED | set(_FURTHER_IDS) | _UNCHECKED)
        ),
    },
    notes=(
        (
            "The platform's builder asks for the token, with the audience that the build script names, and sends it "
            "to the index that the build script names."
        ),
        (
            "The ids of organization and project are checked if you give them; without them the account's id tells "
            "a project from one that takes its name."
        ),
        "The token says nothing of a ref, an event or a runner: a rule about these is never kept.",
    ),
    example_claims={
        "iss": ISSUER,
        "sub": "org:my-organization:project:sampleproject",
        "organization": "my-organization",
        "organization_id": "00000000-0000-1000-8000-000000000003",
        "project": "sampleproject",
        "project_id": "00000000-0000-1000-8000-000000000004",
        "project_path": "my-organization/sampleproject",
        "project_visibility": "public",
        "actor": "sample-user",
        "actor_id": "00000000-0000-1000-8000-000000000002",
        "builder": BUILDER,
        "artifact_id": "00000000-0000-1000-8000-000000000005",
        "ingredient": "sampleproject",
    },
    example_fields={
        "organization": "my-organization",
        "project": "sampleproject",
        "actor_id": "00000000-0000-1000-8000-000000000002",
    },
)

_NAMES = frozenset(field.name for field in PROVIDER.fields)
