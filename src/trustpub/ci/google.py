# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Google Cloud: the machine's metadata server vouches for its service account, or for one that it may stand in for.

A laptop is never made to ask the network whether it is a machine of Google's: the environment says so, or the name
that the machine's firmware gives its product.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from trustpub.ci import unverified
from trustpub.errors import Misuse, NoIdentity, TrustpubError, Unreachable
from trustpub.http import ATTEMPTS, BUSY, Http, Response, split
from trustpub.printable import printable
from trustpub.secret import Secret

ACCOUNT = "GOOGLE_SERVICE_ACCOUNT_NAME"
"""E-mail address of the service account to stand in for."""
METADATA_HOST = "GCE_METADATA_HOST"
"""Where the metadata server is, as ``host[:port]``, in Google's own libraries as well."""
CLOUD_RUN_JOB = "CLOUD_RUN_JOB"
"""Set in every Cloud Run job, where the firmware has no name."""
NOT_GOOGLE = "NO_GCE_CHECK"
"""``true``: do not look at the firmware. Google's libraries know it as well."""
ACCESS_TOKENS = ("CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN")
"""Where other tools of Google's take an access token from, if there is no metadata server."""

PRODUCT_NAME = Path("/sys/class/dmi/id/product_name")
PRODUCTS = frozenset({"Google", "Google Compute Engine"})

USUAL_HOST = "metadata.google.internal"
IAM = "https://iamcredentials.googleapis.com"

_ACCOUNTS = "/computeMetadata/v1/instance/service-accounts/default"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_FLAVOR = {"Metadata-Flavor": "Google"}
_METADATA_SECONDS = 5.0
"""It is part of the machine: one that is silent for longer is not there."""

_NO_ACCOUNT = "The machine, or the job, must run as a service account; the metadata server vouches for that one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    """A job on a machine of Google Cloud."""

    account: str | None
    """E-mail address of the service account to stand in for; None: that of the machine itself."""
    access_token: Secret | None
    """Given by the environment, to stand in with; None: the metadata server's."""
    metadata: str
    """Scheme, host and port."""
    iam: str = IAM
    name: str = "Google Cloud"
    renews: bool = True
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """A fresh identity token for ``audience``, with the account's e-mail address.

        Raises:
            NoIdentity: Google refuses, or answers with something else.
            Unreachable: it cannot be reached, or is busy, even after several attempts.
        """
        made = self._own(http, audience) if self.account is None else self._of(self.account, http, audience)
        return unverified.checked(made, audience)

    def _own(self, http: Http, audience: str) -> Secret:
        response = self._ask(http, f"/identity?audience={quote(audience, safe='')}&format=full")
        return Secret(response.body.decode("ascii", "replace").strip())

    def _of(self, account: str, http: Http, audience: str) -> Secret:
        access = self.access_token or self._access(http)
        path = f"/v1/projects/-/serviceAccounts/{quote(account, safe='@.-')}:generateIdToken"
        response = http.request(
            "POST",
            self.iam + path,
            headers={"Authorization": f"Bearer {access.reveal()}", "Content-Type": "application/json"},
            body=json.dumps({"audience": audience, "includeEmail": True}).encode(),
            attempts=ATTEMPTS,
        )
        if response.status in BUSY:
            raise Unreachable(f"Google's IAM service is busy: it answers {response.status}.")
        if response.status != 200:
            raise NoIdentity(
                f"Google's IAM service gives no identity token of {printable(account, 200)}: "
                f"it answers {response.status}.",
                hint="Who runs here needs the role roles/iam.serviceAccountOpenIdTokenCreator on that account, and "
                f"{ACCOUNT} its e-mail address.",
            )
        return _member(response, "token", "Google's IAM service")

    def _access(self, http: Http) -> Secret:
        try:
            response = self._ask(http, f"/token?scopes={quote(_SCOPE, safe='')}")
        except (NoIdentity, Unreachable) as error:
            raise type(error)(
                f"{ACCOUNT} is set, but there is no access token to stand in for that account with. {error.message}",
                hint=f"Run this on a machine of Google Cloud, or give an access token in {ACCESS_TOKENS[0]}.",
            ) from None
        return _member(response, "access_token", "Google's metadata server")

    def _ask(self, http: Http, what: str) -> Response:
        """What the metadata server says. It answers plain HTTP from inside the machine's own host."""
        response = http.request(
            "GET", f"{self.metadata}{_ACCOUNTS}{what}", headers=_FLAVOR, read_seconds=_METADATA_SECONDS,
            attempts=ATTEMPTS, plain=True,
        )  # fmt: skip
        if response.status in BUSY:
            raise Unreachable(f"Google's metadata server is busy: it answers {response.status}.")
        # The server says so itself, so that nothing else that answers is taken for it.
        if response.headers.get("metadata-flavor") != "Google":
            raise NoIdentity("What answers at the address of Google's metadata server is something else.")
        if response.status != 200:
            raise NoIdentity(
                f"Google's metadata server gives no token: it answers {response.status}.", hint=_NO_ACCOUNT
            )
        return response


def detect(env: Mapping[str, str], product_name: Path = PRODUCT_NAME) -> Google | None:
    """The job we are in, if it runs on Google Cloud, as far as can be told without asking anybody.

    Raises:
        NoIdentity: it says so, and the address it gives for the metadata server is none.
    """
    if not (env.get(ACCOUNT) or env.get(METADATA_HOST) or env.get(CLOUD_RUN_JOB) or _made_by_google(env, product_name)):
        return None
    metadata = f"http://{env.get(METADATA_HOST) or USUAL_HOST}"
    try:
        parts = split(metadata, plain=True)
    except Misuse as error:
        raise _not_a_host(error) from None
    if parts.path or parts.query or parts.fragment:
        raise _not_a_host()
    access = next((Secret(env[name]) for name in ACCESS_TOKENS if env.get(name)), None)
    return Google(account=env.get(ACCOUNT) or None, access_token=access, metadata=metadata)


def _made_by_google(env: Mapping[str, str], product_name: Path) -> bool:
    if env.get(NOT_GOOGLE) == "true":
        return False
    try:
        return product_name.read_text(encoding="utf-8", errors="replace").strip() in PRODUCTS
    except OSError:  # no such file: no machine of Google's
        return False


def _not_a_host(error: TrustpubError | None = None) -> NoIdentity:
    why = "" if error is None else f" {error.message}"
    return NoIdentity(
        f"{METADATA_HOST} is not a host, or a host and a port.{why}", hint=f"Unset it, or: {METADATA_HOST}={USUAL_HOST}"
    )


def _member(response: Response, name: str, who: str) -> Secret:
    try:
        value = json.loads(response.body)[name]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError):
        value = None
    # It goes into a header: printable ASCII without a space, or nothing.
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable() or " " in value:
        raise NoIdentity(f"{who} answers without a token: its answer is no JSON with a `{name}`.")
    return Secret(value)
