#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# Write requirements/**/*.txt from pyproject.toml, *.in, clients/*.in, peers/*.in and servers/*.in: `make lock`, which
# sees to it that UV exists. Arguments go to `uv pip compile`, e.g. --upgrade.
set -eu
cd "$(dirname "$0")/.."
UV=${UV:-.venvs/uv/bin/uv}

compile() { # compile OUTPUT [ARGUMENT...]: existing pins in OUTPUT are kept unless the arguments say otherwise
  output=$1
  shift
  "$UV" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras \
    --no-emit-index-url --no-emit-find-links --output-file "$output" "$@"
  echo "wrote $output"
}

compile requirements/dev.txt pyproject.toml --extra setup --extra server --extra attest --extra postgres --extra s3 --group dev "$@"
# What the action installs is what the tests ran with: every version is that of dev.txt.
compile requirements/action.txt requirements/action.in --constraint requirements/dev.txt "$@"
compile requirements/action-attest.txt requirements/action-attest.in --constraint requirements/dev.txt "$@"
# What the container has, and what builds it.
compile requirements/server.txt pyproject.toml --extra server --extra postgres --extra s3 --extra attest --constraint requirements/dev.txt "$@"
compile requirements/backend.txt requirements/backend.in --constraint requirements/dev.txt "$@"
for program in requirements/clients/*.in requirements/peers/*.in requirements/servers/*.in; do
  compile "${program%.in}.txt" "$program" "$@"
done
# What release jobs install that `trustpub init` writes; it goes with the package.
for builder in requirements/release/*.in; do
  name=$(basename "${builder%.in}")
  compile "src/trustpub/workflow/generate/requirements/$name.txt" "$builder" "$@"
done
