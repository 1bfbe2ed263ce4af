# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
"""Jenkins with its plugin oidc-provider: a credential is an identity token, and a build binds it to a variable.

The token is made when it is bound. The variable is spelled as GitLab's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trustpub.ci import unverified
from trustpub.ci.gitlab import SUFFIX, variables
from trustpub.errors import NoIdentity
from trustpub.http import Http
from trustpub.printable import printable
from trustpub.secret import Secret

RECOGNISED_BY = "JENKINS_URL"
"""Set in every build of a Jenkins that knows its own address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jenkins:
    """A build on Jenkins that may have identity tokens."""

    tokens: Mapping[str, Secret] = field(repr=False)
    """By the name of the variable; only those that are not empty."""
    name: str = "Jenkins"
    renews: bool = False
    fixed_audience: str | None = None

    def identity_token(self, http: Http, audience: str) -> Secret:
        """The build's identity token for ``audience``: the same one each time. Nothing is asked over the network.

        Raises:
            NoIdentity: none is bound, or it is for another audience; says what to write into the Jenkinsfile.
        """
        names = variables(audience)
        found = next((self.tokens[name] for name in names if name in self.tokens), None)
        if found is None:
            raise NoIdentity(
                f"This is Jenkins, but the build has no identity token for this index: {names[0]} is not set.",
                hint=_mend(names[0], audience),
            )
        return unverified.checked(found, audience, hint=_mend(names[0], audience))


def detect(env: Mapping[str, str]) -> Jenkins | None:
    """The build we are in, if it is one of Jenkins."""
    if not env.get(RECOGNISED_BY):
        return None
    return Jenkins(tokens={name: Secret(value) for name, value in env.items() if name.endswith(SUFFIX) and value})


def _mend(name: str, audience: str) -> str:
    return (
        "With the plugin oidc-provider, make a credential `OpenID Connect id token` (the secret text, not the file) "
        f"whose audience is {printable(audience, 256)}, and bind it in the Jenkinsfile:\n"
        f"    withCredentials([string(credentialsId: 'ID', variable: '{name}')]) {{\n"
        "        sh 'trustpub publish'\n"
        "    }\n"
        "The token is made when it is bound, and good for an hour: bind it around the step that publishes."
    )
