#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# Publish a package from ActiveState's platform, which builds the wheel and shows the index its own identity token.
# To be run in the folder of activestate.yaml, where the State Tool is logged in as the registered user:
#
#     publish.sh source dist/hello-1.0.tar.gz     hands the source over; note the TIMESTAMP that it prints
#     publish.sh release TIMESTAMP                writes buildscript.as, commits it, builds the wheel and publishes it
#
# Variables: ORGANIZATION, PACKAGE; for release VERSION too; and, where the defaults do not fit:
# INDEX (host of the index; empty: PyPI), AUDIENCE (empty: the one of PyPI), PYTHON, PLATFORM, ATTEMPT.
set -euo pipefail
here=$(dirname "$0")

fail() {
  echo "error: $1" >&2
  exit 2
}

given() { # given NAME PATTERN: the variable is set, and nothing but the pattern; it will stand in quotes in a script
  [ -n "${!1:-}" ] || fail "$1 is not set."
  [[ ${!1} =~ ^($2)$ ]] || fail "$1 cannot be $(printf %q "${!1}")."
}

PYTHON=${PYTHON:-3.10.13}
PLATFORM=${PLATFORM:-7c998ec2-7491-4e75-be4d-8885800ef5f2} # Linux on x86-64
ATTEMPT=${ATTEMPT:-1}
INDEX=${INDEX:-}
AUDIENCE=${AUDIENCE:-}
word='[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?'
given ORGANIZATION "$word"
given PACKAGE "$word"
NAMESPACE=private/$ORGANIZATION

case "${1:-}" in
  source)
    [ $# = 2 ] || fail "say which file: publish.sh source dist/$PACKAGE-1.0.tar.gz"
    [ -f "$2" ] || fail "there is no file $(printf %q "$2")."
    exec state publish --namespace "$NAMESPACE" --name "$PACKAGE" "$2" \
      --depend "builder/python-module-builder@>=0" --depend "language/python@>=3" \
      --depend "language/python/setuptools@>=43.0.0" --depend "language/python/wheel@>=0"
    ;;
  release)
    [ $# = 2 ] || fail "say the timestamp that the source was published at: publish.sh release 2026-11-21T19:26:00Z"
    TIMESTAMP=$2
    given TIMESTAMP '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)'
    given VERSION '[A-Za-z0-9][A-Za-z0-9.!+_-]*'
    given PYTHON '[0-9]+[.][0-9]+([.][0-9]+)?'
    given PLATFORM '[0-9a-f-]{36}'
    given ATTEMPT '[1-9][0-9]*'
    [ -z "$INDEX" ] || given INDEX '(https://)?[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?'
    [ -z "$AUDIENCE" ] || given AUDIENCE '[A-Za-z0-9._:/-]+'
    export TIMESTAMP VERSION PYTHON PLATFORM ATTEMPT INDEX AUDIENCE NAMESPACE PACKAGE
    awk '{
      while (match($0, /@[A-Z]+@/)) {
        printf "%s%s", substr($0, 1, RSTART - 1), ENVIRON[substr($0, RSTART + 1, RLENGTH - 2)]
        $0 = substr($0, RSTART + RLENGTH)
      }
      print
    }' "$here/buildscript.as" >buildscript.as
    state commit
    state eval publish_receipt
    ;;
  *)
    fail "say what to do: publish.sh source FILE, or publish.sh release TIMESTAMP"
    ;;
esac
