#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# PyPI's documentation, GitLab: a job whose `id_tokens` put the identity token into a variable; the id package finds
# it, curl exchanges it, twine uploads with the token as its password argument.
set -eu
identity=$("$PYTHON_WITH_ID" -m id "$AUDIENCE")
said=$(curl -sS -X POST "$INDEX/_/oidc/mint-token" -d "{\"token\":\"$identity\"}")
token=$(jq --raw-output .token <<<"$said")
"$TWINE" upload --disable-progress-bar --repository-url "$INDEX/legacy/" -u __token__ -p "$token" "$DIST"/*
