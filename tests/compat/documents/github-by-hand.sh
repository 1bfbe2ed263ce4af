#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# PyPI's documentation, GitHub, "the manual way", as in its whole workflow: the identity token by curl and jq, the
# exchange by a form-encoded POST, the upload by twine with the token in the environment.
# INDEX, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE, AUDIENCE, DIST and GitHub's two variables are given.
set -eu
said=$(curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$AUDIENCE")
identity=$(jq -r .value <<<"$said")
said=$(curl -sS -X POST "$INDEX/_/oidc/mint-token" -d "{\"token\": \"$identity\"}")
token=$(jq -r .token <<<"$said")
echo "::add-mask::$token"
TWINE_USERNAME=__token__ TWINE_PASSWORD=$token "$TWINE" upload --disable-progress-bar --repository-url "$INDEX/legacy/" "$DIST"/*
