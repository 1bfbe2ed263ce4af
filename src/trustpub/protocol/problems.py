# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Every kind of refusal, by its code: what happened, and what to do about it.

The index serves a page about each at ``/problems/CODE``, which is the ``type`` of its problems (RFC 9457); the
reference has the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of refusal. Backticks mark what is typed or sent."""

    code: str
    statuses: tuple[int, ...]
    happened: str
    mend: str


def _kind(code: str, statuses: int | tuple[int, ...], happened: str, mend: str) -> Kind:
    return Kind(
        code=code, statuses=(statuses,) if isinstance(statuses, int) else statuses, happened=happened, mend=mend
    )


EXCHANGE = (
    _kind(
        "invalid-payload",
        422,
        "The body is not a JSON object with a `token`, the token is no JWT, or its issuer is unknown here.",
        "The detail names the member. For another issuer: `trustpub admin issuer add`.",
    ),
    _kind(
        "unsupported-feature",
        422,
        "`features` names one that this index has not, or two that exclude each other.",
        "Ask for `multi-use-token` or for `single-use-token`, or leave `features` out. Nothing was used up.",
    ),
    _kind(
        "not-enabled",
        422,
        "The administrator of this index switched the issuer off.",
        "Ask them why. On again: `trustpub admin issuer enable URL`. Nothing was used up.",
    ),
    _kind(
        "invalid-token",
        422,
        "The signature does not hold; or it does, and time, audience or issuer are wrong. Only in the second case "
        "the detail says which.",
        "Ask the CI for a fresh token, for the audience that `/_/oidc/audience` says.",
    ),
    _kind(
        "invalid-publisher",
        422,
        "The token is good, and nobody registered it. The detail names the fields that differ.",
        "Mend the workflow or the publisher. Nothing was used up: the same job may try again.",
    ),
    _kind(
        "invalid-pending-publisher",
        422,
        "The publisher was to make its project, and cannot: the time for which the name was held is up, or the first "
        "upload of another publisher made it.",
        "Register it again: for a project that exists now without `--pending`.",
    ),
    _kind(
        "invalid-reuse-token",
        422,
        "This identity token was exchanged before.",
        "Ask the CI for a new one: a token is for one exchange.",
    ),
    _kind(
        "rate-limited",
        429,
        "Too many mints failed within a minute: from this address, or of this repository.",
        "Wait as long as `Retry-After` says, and mend what fails. What succeeds is never counted.",
    ),
    _kind(
        "issuer-unavailable",
        503,
        "The issuer's keys cannot be had now.",
        "Try again after `Retry-After`; look at the issuer.",
    ),
    _kind("too-large", 413, "The body has more than 64 KiB.", "Send a JSON object with a token."),
    _kind("timeout", 408, "Nothing was sent for a minute.", "Send the body."),
    _kind(
        "invalid-query",
        400,
        "The query of `/.well-known/pytp` asks for no upload URL, or for more than one.",
        "Give `discover` once: the path of the upload URL, percent-encoded.",
    ),
    _kind(
        "unknown-upload-url",
        404,
        "Nothing can be uploaded at the path that `/.well-known/pytp` was asked about.",
        "Ask about `/legacy/`.",
    ),
)

UPLOAD = (
    _kind(
        "invalid-credentials",
        403,
        "There is no token, or one that was not made here, or one that is expired, burned, used up, for reading, or "
        "for another project. The detail says which as far as the sender may know.",
        "User name `__token__`, a token as the password.",
    ),
    _kind(
        "forbidden",
        403,
        "The person is no member of the project, or the name is held for a pending publisher; or the project is "
        "archived, in quarantine, or takes uploads by Trusted Publishing only.",
        "Add the member, or publish with the publisher. See `trustpub admin project show`.",
    ),
    _kind(
        "unknown-project",
        400,
        "The token is a minted one, and the project does not exist.",
        "Register a pending publisher of this name.",
    ),
    _kind(
        "name-refused",
        400,
        "No project may be made by this name: it is prohibited, of the standard library, or looks like another's.",
        "The detail says which. Choose another name, or ask the administrator of the index.",
    ),
    _kind(
        "invalid-form",
        (400, 410),
        "The form is not that of an upload.",
        "The detail says all that is wrong, at once.",
    ),
    _kind(
        "invalid-file",
        400,
        "Name, digest, metadata or contents of the file are not what the form says, or not safe to unpack.",
        "The detail says all that is wrong, at once.",
    ),
    _kind(
        "invalid-attestation",
        400,
        "An attestation does not hold, is about another file, or was not signed by the run that uploads.",
        "The detail says which, and what differs. Sign the file in the workflow that uploads it, with Rekor version 1.",
    ),
    _kind(
        "attestation-required",
        400,
        "The project takes files only with an attestation, and there is none.",
        "Sign the file in the job that publishes it, and upload the attestation with it.",
    ),
    _kind(
        "attestations-unsupported",
        400,
        "The index cannot verify attestations: the extra `attest` is not installed there.",
        'Upload without them, or ask the administrator of the index for `pip install "trustpub[attest]"`.',
    ),
    _kind(
        "file-exists",
        400,
        "Another file of this name is here. The same bytes again would be accepted.",
        "Upload a new version.",
    ),
    _kind(
        "file-name-used",
        400,
        "A file of this name was here and has been deleted. No name is used again.",
        "Upload a new version.",
    ),
    _kind(
        "project-too-large",
        400,
        "With this file the project would be larger than it may be.",
        "Delete files of old releases, or ask the administrator of the index. The detail names the limit.",
    ),
    _kind(
        "release-closed",
        400,
        "The first file of this release came so long ago that the index takes no more for it.",
        "Upload a new version.",
    ),
    _kind("file-too-large", 413, "The file is larger than this index takes.", "The detail names the limit."),
)

GATEWAY = (
    _kind(
        "upstream-refused",
        400,
        "This index is a gateway, and the index behind it does not take the file.",
        "The detail has the reason in that index's own words. It has not got the file.",
    ),
    _kind(
        "upstream-barred",
        502,
        "The index behind this gateway does not let it upload: its credential is wrong or has no right to, or the "
        "address is.",
        "The administrator mends `[gateway]`: user, password, `upload_url`. It has not got the file.",
    ),
    _kind(
        "upstream-unavailable",
        503,
        "The index behind this gateway does not answer, fails or is busy. It has not got the file.",
        "Try again after `Retry-After`; the detail has what it said.",
    ),
    _kind(
        "upstream-unknown",
        502,
        "The index behind this gateway was sent the file, and its answer was lost: it may have it or not.",
        "Send the same file again. If it is there, that is found out, and the upload ends well.",
    ),
    _kind(
        "upstream-took-it",
        502,
        "The index behind this gateway has the file, which can be installed; but the gateway could not note it.",
        "Send the same file again: that completes it. Until then no upload of another content is let through.",
    ),
    _kind(
        "upload-under-way",
        503,
        "A file of this name with another content is on its way to the index behind this gateway.",
        "Try again after `Retry-After`. After a crash of the gateway it may take half an hour.",
    ),
)

SWITCHED = (
    _kind(
        "read-only",
        503,
        "The administrators of the index let nothing be uploaded or changed for now. The detail says why, if they did.",
        "Try again later. Off again: `trustpub admin switch writable`. Nothing was used up.",
    ),
    _kind(
        "minting-stopped",
        403,
        "The administrators of the index have no tokens minted for jobs of this provider for now.",
        "Ask them why. On again: `trustpub admin switch mint KIND`. Nothing was used up.",
    ),
)

MANAGEMENT = (
    _kind(
        "invalid-request",
        400,
        "The path, the query or the body is not what the operation takes, or a value in it cannot be meant.",
        "The detail says all that is wrong. What an operation takes is in `/api/v1/openapi.json`.",
    ),
    _kind(
        "declined",
        409,
        "The request was understood, and cannot be done, or is so already.",
        "The detail says why, and `hint` what to do about it.",
    ),
    _kind(
        "not-allowed",
        403,
        "The token is not for that, as one of another scope or for other projects; or its holder may not do it.",
        "Use a token of scope `manage`, of somebody who can do the same in the browser.",
    ),
)

EVERYWHERE = (
    _kind(
        "stopping",
        503,
        "The server was told to stop, and only finishes what it has begun.",
        "Try again after as many seconds as `Retry-After` says: another one takes over, or it starts again.",
    ),
    _kind("bad-request", 400, "The request is not HTTP.", "Look at the client, or at a proxy on the way."),
    _kind("not-found", 404, "There is nothing at this address.", "The index's front page names its addresses."),
    _kind(
        "unauthorized",
        401,
        "The index is private or what is asked for is, and there is no token, or one that is not valid here any more. "
        "The detail says which.",
        "User name `__token__`, a token of scope `read` as the password: `trustpub admin token create`, or a mint "
        'request with `"scope": "read"`. For the management API one of scope `manage`.',
    ),
    _kind(
        "read-refused",
        403,
        "The index is private, and the token is for uploads.",
        "Read with a token of scope `read`.",
    ),
    _kind("method-not-allowed", 405, "The address does not take this method.", "Use one of those that `Allow` names."),
    _kind(
        "not-acceptable",
        406,
        "Nothing that `Accept` allows can be had at this address.",
        "The detail names what can.",
    ),
    _kind(
        "no-room",
        507,
        "The disk of the index is full. Nothing of what was asked for was done.",
        "The administrator makes room; then the same request succeeds, without a restart.",
    ),
    _kind(
        "unavailable",
        503,
        "The index's database is locked by another program, or its disk fails. Nothing was done.",
        "Try again after `Retry-After`; the detail says what the administrator is to look at.",
    ),
    _kind(
        "not-ready",
        503,
        "`/readyz`: the database or the folder of files cannot be read and written, or is nearly full.",
        "The detail says which.",
    ),
    _kind(
        "internal-error",
        500,
        "A fault of the index.",
        "Its log says where, without what was sent.",
    ),
)

KINDS: Mapping[str, Kind] = {
    one.code: one for one in (*EXCHANGE, *UPLOAD, *GATEWAY, *SWITCHED, *MANAGEMENT, *EVERYWHERE)
}


def page(kind: Kind) -> str:
    """What is served about it, as plain text."""
    statuses = " or ".join(str(status) for status in kind.statuses)
    return f"{kind.code} ({statuses})\n\n{kind.happened}\n\nWhat to do: {kind.mend}\n".replace("`", "")


def contents() -> str:
    """The list of them all, as plain text."""
    return "".join(f"{kind.code}\n    {kind.happened}\n".replace("`", "") for kind in KINDS.values())
