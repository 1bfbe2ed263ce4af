# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A machine of Google Cloud, played."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.rehearsal.emulated.google import Account, GoogleIssuer
from trustpub.rehearsal.impostors import Expected, Impostor, acting, in_other_hands
from trustpub.rehearsal.plays.play import Clock, Plain, Watch, Wishes
from trustpub.rehearsal.project import Project, made_up

TAKES = ("service_account",)
ASSUMED = "release@example-project.iam.gserviceaccount.com"
"""The service account of whoever names none."""

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]*@(?:[a-z0-9-]+\.)+gserviceaccount\.com\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleScript:
    """A release by a service account."""

    email: str
    assumed: bool
    """Whether nobody said which account it is."""
    kind: str = "google"
    ci: str = "Google Cloud"
    commands: Sequence[str] = ()

    @property
    def told(self) -> str:
        """The account."""
        return f"{printable(self.email)}{' (assumed)' * self.assumed}, on a machine of Google Cloud"

    @property
    def notes(self) -> Sequence[str]:
        """That the account was assumed, if it was."""
        said = f"nothing says which service account publishes; {self.email} was assumed (--service-account EMAIL)"
        return (said,) if self.assumed else ()

    def tag(self, version: str) -> str:
        """As most name them."""
        return f"v{version}"

    def begin(self, version: str, sha: str, *, clock: Clock, watch: Watch | None) -> GooglePlay:
        """The machine that releases ``version``, of which its identity says nothing."""
        identity = Account(email=self.email, sub=f"1{made_up(self.email)}{made_up(self.email[::-1])}")
        issuer = GoogleIssuer(clock=clock, watch=watch)
        issuer.serve(identity)
        return GooglePlay(issuer=issuer, identity=identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class GooglePlay(Plain):
    """A machine with a metadata server."""

    issuer: GoogleIssuer
    identity: Account

    @property
    def fields(self) -> Mapping[str, str]:
        """The account's address and number."""
        return {"email": self.identity.email, "sub": self.identity.sub}

    def variables(self, audience: str) -> Mapping[str, str]:
        """Where the metadata server is; a real machine needs no variable for that."""
        return {"GCE_METADATA_HOST": self.issuer.metadata_host, "GOOGLE_CLOUD_PROJECT": "example-project"}

    def impostors(self, audience: str) -> Sequence[Impostor]:
        """The same address in other hands, another account, a person's, and one that Google does not vouch for."""
        account, token = self.identity, acting(self.issuer, audience)
        name, _, domain = account.email.partition("@")
        return (
            in_other_hands(
                "sub",
                token(replace(account, sub=f"{account.sub[:-1]}{(int(account.sub[-1]) + 1) % 10}")),
                "other account number, same e-mail",
            ),
            Impostor(
                name="other service account",
                token=token(replace(account, email=f"not-{name}@{domain}")),
                expected=Expected(code="invalid-publisher"),
            ),
            Impostor(
                name="a person's account",
                token=token(replace(account, email=f"{name}@gmail.com", machine=False)),
                expected=Expected(code="invalid-publisher", words="service account"),
            ),
            Impostor(
                name="e-mail that is not verified",
                token=token(replace(account, verified=False)),
                expected=Expected(code="invalid-publisher", words="email_verified"),
            ),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> GoogleScript:
    """A release by the service account named, or by one that is made up.

    Raises:
        Misuse: not the address of a service account.
    """
    email = wishes.service_account or ASSUMED
    if not _ACCOUNT.match(email):
        raise Misuse(f"{printable(email)} is not the address of a service account.", hint=f"Such as: {ASSUMED}")
    return GoogleScript(email=email, assumed=wishes.service_account is None)
