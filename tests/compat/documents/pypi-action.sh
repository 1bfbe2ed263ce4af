#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# What the PyPI action sends when neither user name nor password is given (GitHub's documentation, the packaging guide,
# and every README that says `uses: pypa/gh-action-pypi-publish`): it asks for the audience, exchanges with a JSON
# content type, and lets twine upload.
set -eu
audience=$(curl -sS --max-time 5 "$INDEX/_/oidc/audience" | jq -r .audience)
said=$(curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$audience")
identity=$(jq -r .value <<<"$said")
said=$(curl -sS --max-time 5 -X POST -H "Content-Type: application/json" "$INDEX/_/oidc/mint-token" --data-binary "{\"token\": \"$identity\"}")
token=$(jq -er .token <<<"$said")
echo "::add-mask::$token"
TWINE_USERNAME=__token__ TWINE_PASSWORD=$token TWINE_REPOSITORY_URL="$INDEX/legacy/" "$TWINE" upload --disable-progress-bar "$DIST"/*
