# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Service accounts of Kubernetes: a token that the cluster projects into a pod, for an audience that the pod names."""

from __future__ import annotations

from trustpub.trust.preset import Pin, Preset
from trustpub.trust.provider import Terms

PRESET = Preset(
    kind="kubernetes",
    title="Kubernetes service account",
    issuer_form="the issuer of the cluster, as https://oidc.eks.REGION.amazonaws.com/id/ID (EKS), "
    "https://container.googleapis.com/v1/projects/… (GKE) or https://REGION.oic.prod-aks.azure.com/TENANT/ID/ (AKS)",
    issuer_pattern=r".+",
    pins=(
        Pin(name="namespace", claim="/kubernetes.io/namespace", title="Namespace", example="release"),
        Pin(
            name="service_account",
            claim="/kubernetes.io/serviceaccount/name",
            title="Service account",
            example="publisher",
            workload=True,
            form=r"(?!default\Z).+",
            form_says="is the service account that any pod of the namespace has",
        ),
        Pin(
            name="service_account_uid",
            claim="/kubernetes.io/serviceaccount/uid",
            title="Service account's uid",
            example="14ee3fa4-a7e2-420f-9f9a-dbc4507c3798",
            required=False,
            immutable=True,
        ),
    ),
    filed_under=("namespace", "service_account"),
    kept_claims=("sub",),
    terms=Terms(algorithms=("RS256", "ES256"), array_audience=True, max_age=3600, max_lifetime=3600),
    # Current clusters write a `jti`, older ones none; a hash of what was signed tells tokens apart as well.
    has_jti=False,
    sources={
        "KEP-1205, bound service account tokens; KEP-1393, OIDC discovery; KEP-4193, improvements": ("kubernetes.io",),
    },
    notes=(
        "Make a service account for publishing alone; `default`, which any pod of the namespace has, is refused.",
        (
            "Mount a projected `serviceAccountToken` with the index's audience. Tokens kept in secrets have neither "
            "audience nor end, and are refused."
        ),
        (
            "A cluster tells its keys only to who is allowed to read them (role `system:service-account-issuer-"
            "discovery`): allow it to everybody, or give the index the keys with `--jwks`."
        ),
        "The issuer is compared as it is written: AKS ends its own with a slash.",
        "A token lives an hour unless `expirationSeconds` says otherwise; for longer ones raise `--max-lifetime`.",
    ),
    example={
        "iss": "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
        "sub": "system:serviceaccount:release:publisher",
        "kubernetes.io": {
            "namespace": "release",
            "serviceaccount": {"name": "publisher", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"},
            "pod": {"name": "publish-7c9fd", "uid": "5c0fc3e2-90d1-4e3b-8c6f-2b7a91d4e508"},
            "node": {"name": "node-1", "uid": "d7a3b6c1-4f0e-4c52-9a8b-61e0f3d2c795"},
        },
    },
)
