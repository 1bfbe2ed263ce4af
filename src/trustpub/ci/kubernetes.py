# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Kubernetes: the cluster projects an identity token of the pod's service account into a file, and renews it there.

Nothing tells a pod that is to publish from one that is not but the file, so only the place that was made for it counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trustpub.ci import unverified
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.printable import printable
from trustpub.secret import Secret
from trustpub.trust.claims import MAX_TOKEN_BYTES

RECOGNISED_BY = "KUBERNETES_SERVICE_HOST"
"""Set in every container of a pod."""
VARIABLE = "TRUSTPUB_KUBERNETES_TOKEN_FILE"
"""Names the file, where it is elsewhere than :data:`FILE`."""
FILE = Path("/var/run/secrets/trustpub/token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubernetes:
    """A pod with an identity token of its service account."""

    path: Path
    name: str = "Kubernetes"
    renews: bool = False
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """The token that the file holds now, if it is for ``audience``.

        Raises:
            NoIdentity: the file cannot be read, or its token is for another audience; says what to write into the pod.
        """
        shown = printable(str(self.path))
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_TOKEN_BYTES + 2)
        except OSError as error:
            raise NoIdentity(
                f"This is Kubernetes, but the file {shown} cannot be read: {error.strerror}.", hint=self._mend(audience)
            ) from None
        token = Secret(content.decode("ascii", "replace").strip())
        if not token.reveal():
            raise NoIdentity(f"This is Kubernetes, but the file {shown} is empty.", hint=self._mend(audience))
        return unverified.checked(token, audience, hint=self._mend(audience))

    def _mend(self, audience: str) -> str:
        folder, name = printable(str(self.path.parent)), printable(self.path.name)
        return (
            "Give the pod a service account of its own and, beside it, a token for this index:\n"
            "    serviceAccountName: publisher\n"
            "    containers:\n"
            "      - volumeMounts:\n"
            f"          - {{name: trustpub, mountPath: {folder}, readOnly: true}}\n"
            "    volumes:\n"
            "      - name: trustpub\n"
            "        projected:\n"
            "          sources:\n"
            f"            - serviceAccountToken: {{path: {name}, audience: {printable(audience, 256)}, "
            "expirationSeconds: 3600}\n"
            f"For a file elsewhere, set {VARIABLE}."
        )


def detect(env: Mapping[str, str], usual: Path = FILE) -> Kubernetes | None:
    """The pod we are in, if there is one and it is meant to publish; ``usual`` is where its token is looked for."""
    if not env.get(RECOGNISED_BY):
        return None
    named = env.get(VARIABLE)
    if named:
        return Kubernetes(path=Path(named))
    return Kubernetes(path=usual) if usual.exists() else None
