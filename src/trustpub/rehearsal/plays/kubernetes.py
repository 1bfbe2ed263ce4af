# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A pod of Kubernetes, played."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trustpub.errors import Misuse
from trustpub.printable import printable
from trustpub.rehearsal.emulated.kubernetes import KubernetesIssuer, Pod
from trustpub.rehearsal.impostors import Impostor, acting, in_other_hands, stranger
from trustpub.rehearsal.plays.play import AssumedScript, Clock, Plain, Watch, Wishes
from trustpub.rehearsal.project import Project, made_up_uuid
from trustpub.secret import Secret

TAKES = ("service_account",)
TOKEN_FILE = "TRUSTPUB_KUBERNETES_TOKEN_FILE"  # noqa: S105 - the name of a variable
ASSUMED = "release/publisher"
"""Namespace and service account of whoever names none."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ACCOUNT = re.compile(rf"({_LABEL})/({_LABEL})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesPlay(Plain):
    """A pod with a projected token."""

    issuer: KubernetesIssuer
    identity: Pod

    @property
    def fields(self) -> Mapping[str, str]:
        """Namespace and service account, and the account's uid."""
        pod = self.identity
        return {
            "namespace": pod.namespace, "service_account": pod.service_account,
            "service_account_uid": pod.service_account_uid,
        }  # fmt: skip

    def files(self, audience: str) -> Mapping[str, Secret]:
        """The token that the kubelet keeps fresh."""
        return {TOKEN_FILE: self.issuer.give(self.identity, audience)}

    def variables(self, audience: str) -> Mapping[str, str]:
        """What every container finds: where the cluster's API is."""
        return {
            "HOSTNAME": self.identity.name,
            "KUBERNETES_PORT": "tcp://127.0.0.1:443",
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": "443",
            "KUBERNETES_SERVICE_PORT_HTTPS": "443",
        }

    def impostors(self, audience: str) -> Sequence[Impostor]:
        """Another account, another namespace, the account made anew, and the one that any pod has."""
        pod, token = self.identity, acting(self.issuer, audience)
        other = made_up_uuid(f"other {pod.service_account_uid}")
        account = replace(pod, service_account=f"not-{pod.service_account}"[:63], service_account_uid=other)
        return (
            stranger(token(account), "other service account"),
            stranger(
                token(replace(pod, namespace=f"not-{pod.namespace}"[:63], service_account_uid=other)),
                "same name in another namespace",
            ),
            stranger(token(replace(pod, service_account="default", service_account_uid=other)), "any pod there"),
            in_other_hands("service_account_uid", token(replace(pod, service_account_uid=other))),
        )


def script(project: Project, wishes: Wishes, env: Mapping[str, str]) -> AssumedScript:
    """A pod of the service account named, or of one that is made up.

    Raises:
        Misuse: not ``namespace/name`` as Kubernetes spells them, or the account that every pod has.
    """
    given = wishes.service_account or ASSUMED
    found = _ACCOUNT.match(given)
    if found is None or found[2] == "default":
        why = "that is any pod's" if found is not None else "write it as namespace/name"
        raise Misuse(
            f"{printable(given)} is not a service account that may publish: {why}.", hint=f"Such as: {ASSUMED}"
        )
    namespace, account = found[1], found[2]

    def start(tag: str, sha: str, clock: Clock, watch: Watch | None) -> KubernetesPlay:
        pod = Pod(namespace=namespace, service_account=account, service_account_uid=made_up_uuid(f"kubernetes {given}"))
        return KubernetesPlay(issuer=KubernetesIssuer(clock=clock, watch=watch), identity=pod)

    doubts = (
        (f"nothing says which service account publishes; {ASSUMED} was assumed (--service-account NAMESPACE/NAME)",)
        if wishes.service_account is None
        else ()
    )
    who = f"service account {given}{' (assumed)' * bool(doubts)}"
    return AssumedScript(kind="kubernetes", ci="Kubernetes", who=who, start=start, doubts=doubts)
