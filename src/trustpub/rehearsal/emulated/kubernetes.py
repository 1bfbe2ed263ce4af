# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster's identity provider, emulated: the token that the kubelet projects into a pod."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trustpub.rehearsal.emulated.described import DescribedIssuer
from trustpub.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod, with all that its cluster would vouch for."""

    namespace: str
    service_account: str
    service_account_uid: str
    """Of this very account; one made anew under the same name has another."""
    name: str = "publish-7c9fd"
    uid: str = "5c0fc3e2-90d1-4e3b-8c6f-2b7a91d4e508"

    def claims(self, issuer: str = "") -> dict[str, Any]:
        """Its claims, as a cluster names and forms them, the same under any issuer."""
        return {
            "sub": f"system:serviceaccount:{self.namespace}:{self.service_account}",
            "kubernetes.io": {
                "namespace": self.namespace,
                "serviceaccount": {"name": self.service_account, "uid": self.service_account_uid},
                "pod": {"name": self.name, "uid": self.uid},
                "node": {"name": "node-1", "uid": "d7a3b6c1-4f0e-4c52-9a8b-61e0f3d2c795"},
            },
        }


class KubernetesIssuer(DescribedIssuer):
    """An emulated cluster, with keys that anybody may read."""

    jwks_path = "/openid/v1/jwks"

    def __init__(self, *, clock: Callable[[], float], watch: Callable[[Secret], None] | None = None) -> None:
        """As :class:`Issuer`."""
        super().__init__("kubernetes", clock=clock, watch=watch)
