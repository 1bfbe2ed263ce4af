#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# The same, as its first snippet has it: jq leaves the quotes around the identity token, so the body is no JSON. That
# cannot work anywhere; what matters is that the answer says so.
set -eu
said=$(curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$AUDIENCE")
identity=$(jq .value <<<"$said")
curl -sS -X POST "$INDEX/_/oidc/mint-token" -d "{\"token\": \"$identity\"}" | jq -r '.errors[0].code + ": " + .errors[0].description'
