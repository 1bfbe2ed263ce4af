#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# PyPI's documentation, Google Cloud: which account this is, its identity token by the id package, the exchange by curl,
# the upload by twine.
set -eu
"$PYTHON_WITH_ID" -m id "$AUDIENCE" -d | jq -r 'select(.email) | .email' >"$ACCOUNT"
identity=$("$PYTHON_WITH_ID" -m id "$AUDIENCE")
said=$(curl -sS -X POST "$INDEX/_/oidc/mint-token" -d "{\"token\": \"$identity\"}")
token=$(jq -r .token <<<"$said")
TWINE_USERNAME=__token__ TWINE_PASSWORD=$token "$TWINE" upload --disable-progress-bar --repository-url "$INDEX/legacy/" "$DIST"/*
