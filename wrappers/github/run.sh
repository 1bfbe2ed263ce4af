#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# Find a Python that trustpub runs with, and become run.py under it: first what PATH names, where actions/setup-python
# puts its own, then what GitHub's runners keep in their tool cache, then what the launcher of Windows knows.
set -eu
here=$(dirname "$0")
seen=""

fits() { # fits PROGRAM [ARGUMENT...]: is it Python 3.11 or newer? Windows has programs of this name that are none.
  version=$("$@" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null) || return 1
  case "${version%$'\r'}" in
    3.1[1-9] | 3.[2-9][0-9]) return 0 ;;
  esac
  seen="$seen $1 (${version%$'\r'})"
  return 1
}

become() { # become PROGRAM [ARGUMENT...]: nothing in the workspace or in PYTHON… variables changes what is imported
  exec "$@" -I -B -X utf8 "$here/run.py"
}

for name in python3 python python3.14 python3.13 python3.12 python3.11; do
  if command -v "$name" >/dev/null && fits "$name"; then become "$name"; fi
done
if [ -n "${RUNNER_TOOL_CACHE:-}" ]; then
  for kept in "$RUNNER_TOOL_CACHE"/Python/3.*/{x64,arm64}/{bin/python3,python.exe}; do
    if [ -x "$kept" ] && fits "$kept"; then become "$kept"; fi
  done
fi
if command -v py >/dev/null && fits py -3; then become py -3; fi

echo "::error title=trustpub needs Python 3.11 or newer::This runner has none that was found; seen:${seen:- nothing}.%0APut this step before the action: uses: actions/setup-python, with: python-version: \"3.13\". In a container of your own, install Python there."
exit 2
