#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# The steps of the token-mint action and of the release workflow in its README: identity token, the exchange under its
# old address with a form content type, the token as an output of the step, then poetry with the token as its password.
set -eu
said=$(curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$AUDIENCE")
identity=$(jq -r .value <<<"$said")
said=$(curl -sS -X POST "$INDEX/_/oidc/github/mint-token" -d "{\"token\": \"$identity\"}")
token=$(jq -r .token <<<"$said")
echo "::add-mask::$token"
echo "api-token=$token" >>"$GITHUB_OUTPUT"

token=$(sed -n 's/^api-token=//p' "$GITHUB_OUTPUT")
cd "$PROJECT"
POETRY_REPOSITORIES_INDEX_URL=$INDEX/legacy/ "$POETRY" publish --no-interaction --dist-dir "$DIST" --repository index -u __token__ -p "$token"
